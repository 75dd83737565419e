"""Parameter and Buffer: tensors that a module knows as its own."""

from __future__ import annotations

from typing import Any, Optional

from wengert.errors import type_error
from wengert.tensors.tensor import Tensor


class Parameter(Tensor):
    """A tensor that collects a derivative and, set as an attribute of a `Module`, is listed among its parameters.

    data: the tensor whose memory it takes; its history is left behind. None gives an empty one.
    requires_grad: False for a parameter that is frozen.

    Raises: TypeError when data is no tensor; RuntimeError for integers that should require grad.
    """

    __slots__ = ()

    def __init__(self, data: Optional[Tensor] = None, requires_grad: bool = True) -> None:
        _take(self, data)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        """In memory of its own, and, as in PyTorch, without the gradient."""
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]


class Buffer(Tensor):
    """A tensor that, set as an attribute of a `Module`, becomes one of its buffers: part of its state, not trained.

    data: the tensor whose memory it takes; None gives an empty one.
    persistent: whether it belongs to the module's `state_dict`.

    Raises: TypeError when data is no tensor.
    """

    __slots__ = ()

    persistent: bool

    def __init__(self, data: Optional[Tensor] = None, *, persistent: bool = True) -> None:
        _take(self, data)
        if data is not None:
            self.requires_grad_(data.requires_grad)
        self.persistent = persistent


def _take(made: Tensor, data: Optional[Tensor]) -> None:
    """Put `made` on the memory of `data`, without its history."""
    if data is None:
        data = Tensor()
    elif not isinstance(data, Tensor):
        raise type_error(type(made).__name__, "data must be a Tensor", type(data).__name__, "use tensor(data)")
    made.data = data
