"""Modules that stand for copies of a model on several devices. There is one device here, and one copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from wengert.nn.module import Module

__all__ = ["DataParallel", "data_parallel"]


class DataParallel(Module):
    """`module`, as its child of that name: what it computes is the child's.

    device_ids, output_device, dim: accepted; the whole batch stays where it is.
    """

    def __init__(
        self, module: Module, device_ids: Optional[Sequence[Any]] = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []
        self.output_device = output_device
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Optional[Sequence[Any]] = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: Optional[dict[str, Any]] = None,
) -> Any:
    """``module(*inputs, **module_kwargs)``"""
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*given, **(module_kwargs or {}))
