"""One of two functions, chosen by a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert import trees
from wengert.errors import runtime_error
from wengert.tensors.tensor import Tensor

__all__ = ["cond"]


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()) -> Any:
    """true_fn(*operands) where `pred` holds, else false_fn(*operands). Only the one that is chosen runs, and derivatives
    go through it.

    pred: a bool, or a tensor of one element. operands: a tuple or list of tensors, nested as one likes.

    Raises: RuntimeError for another predicate, functions that cannot be called, and operands that are no tensors.

    Example:
        >>> import wengert as w
        >>> x = w.tensor([1.0, 2.0])
        >>> w.cond(x.sum() > 2, lambda x: x.sin(), lambda x: x.cos(), (x,))
        tensor([0.8415, 0.9093])
    """
    if not (isinstance(pred, (bool, int)) or (isinstance(pred, Tensor) and pred.numel() == 1)):
        raise runtime_error("cond", "Expected pred to be bool or single-element tensor", pred)
    if not (callable(true_fn) and callable(false_fn)):
        raise runtime_error("cond", "Expect both branches to be callable", (true_fn, false_fn))
    leaves, _ = trees.flatten(operands)
    if not isinstance(operands, (tuple, list)) or not all([isinstance(x, Tensor) for x in leaves]):
        raise runtime_error("cond", "Expect operands to be a tuple of possibly nested containers of tensors", operands)
    return true_fn(*operands) if pred else false_fn(*operands)
