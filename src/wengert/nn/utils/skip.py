"""Making a module without drawing its initial values."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from wengert.functions.seeds import fork_rng
from wengert.nn.module import Module
from wengert.tensors.device import check_device

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """module_cls(*args, **kwargs), whose parameters and buffers hold whatever is to be loaded or written into them.

    The generator is where it was afterwards, as if nothing had been drawn.

    Raises: RuntimeError unless it is a subclass of Module that takes `device`.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    final = kwargs.pop("device", "cpu")
    check_device(final)
    with fork_rng():
        return module_cls(*args, **kwargs).to_empty(device=final)
