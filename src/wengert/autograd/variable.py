"""Variable: PyTorch's old name for tensors that take part in derivatives. Every tensor does."""

from __future__ import annotations

from typing import Any

from wengert.errors import type_error
from wengert.tensors.tensor import Tensor


class _OfTensors(type):
    """What isinstance says for Variable is what it says for Tensor."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_OfTensors):
    """``Variable(tensor, requires_grad=False)``  a tensor that shares `tensor`'s memory, without its history.

    Raises: TypeError for what is no tensor; RuntimeError when an integer tensor should require grad.
    """

    def __new__(cls, data: Any, requires_grad: bool = False) -> Any:
        if not isinstance(data, Tensor):
            raise type_error("Variable", "a Tensor as data", type(data).__name__)
        return data.detach().requires_grad_(requires_grad)
