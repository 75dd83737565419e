"""What the functions of this folder share: arguments to nodes, and how a result is handed back."""

from __future__ import annotations

import warnings
from typing import Any, Optional

from wengert.errors import dtype_error
from wengert.functions.operands import assign, node_of
from wengert.functions.reduce import mean_node
from wengert.graph.node import Node
from wengert.graph.record import recorder
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap


def floating_node(value: Any, operation: str, argument: str = "input") -> Node:
    """The node of a floating (or complex) tensor.

    Raises: TypeError when it is no tensor; RuntimeError for integers and bools.
    """
    x = node_of(value, operation, argument)
    if not x.type.inexact:
        raise dtype_error(operation, f"{argument} of a floating dtype", x.dtype, "convert it first, as with .float()")
    return x


def own(x: Node, inplace: bool) -> Node:
    """What an operation reads of the tensor that it may write to. With a history that is a node of its own: what the
    derivative needs was saved before the write, so the write does not count as overwriting it (PyTorch saves a copy)."""
    return p.identity(x) if inplace and x.tracked and recorder.tracking else x


def finish(input: Tensor, y: Node, operation: str, inplace: bool) -> Tensor:
    """The result as a tensor, or written back into the input."""
    return assign(input, y, operation + "_") if inplace else wrap(y)


def like(shape: Any) -> str:
    """A shape in an error message."""
    return str(list(shape))


def every_axis(x: Node) -> tuple[int, ...]:
    return tuple(range(x.ndim))


def sum_all(z: Node) -> Node:
    """The sum of all elements."""
    return p.reduce_sum(z, axes=every_axis(z))


def weighted(operation: str, z: Node, weight: Optional[Tensor]) -> Node:
    """A loss per element times a weight that broadcasts to it."""
    return z if weight is None else z * move(node_of(weight, operation, "weight"), z.dtype)


def reduce_loss(z: Node, reduction: str) -> Tensor:
    """A loss per element, reduced: "mean" over all elements, "sum" of them, or "none".

    Raises: ValueError for another word.
    """
    if reduction == "mean":
        return wrap(mean_node(z, every_axis(z)))
    if reduction == "sum":
        return wrap(sum_all(z))
    if reduction == "none":
        return wrap(z)
    raise ValueError(f"{reduction} is not a valid value for reduction")


def reduction_word(
    size_average: Optional[bool], reduce: Optional[bool], reduction: str, allowed: tuple[str, ...] = ()
) -> str:
    """The reduction that the arguments ask for; `size_average` and `reduce` are PyTorch's old way of saying it.

    Raises: ValueError for a word that is none of "none", "mean", "sum" and those `allowed` besides.
    """
    if size_average is None and reduce is None:
        if reduction not in ("mean", "sum", "none", *allowed):
            raise ValueError(f"{reduction} is not a valid value for reduction")
        return reduction
    if reduce is False:
        word = "none"
    else:
        word = "sum" if size_average is False else "mean"
    warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{word}' instead.")
    return word
