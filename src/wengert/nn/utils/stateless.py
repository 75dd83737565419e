"""`func.functional_call` by its older name."""

from __future__ import annotations

import warnings
from typing import Any, Optional

from wengert.func.stateless import functional_call as current
from wengert.nn.module import Module
from wengert.tensors.tensor import Tensor

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: Optional[dict[str, Any]] = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with the given tensors in the place of its parameters and buffers."""
    warnings.warn(
        "This API is deprecated as of PyTorch 2.0 and will be removed in a future version of PyTorch. Please use "
        "torch.func.functional_call instead which is a drop-in replacement.",
        FutureWarning,
    )
    return current(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
