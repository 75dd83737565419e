"""Tensors turned round: backwards, rolled, by quarters. The results have memory of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

from wengert.errors import type_error
from wengert.functions.axes import axis_of
from wengert.functions.operands import node_of, shape_of, sizes
from wengert.functions.parts import along
from wengert.graph.node import Node
from wengert.graph.record import record
from wengert.primitives import views
from wengert.primitives.control import clone
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["flip", "fliplr", "flipud", "roll", "rot90"]


def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """Backwards along the given dimensions, one by one or as one sequence `dims`.

    Raises: IndexError for a dimension that is not there, RuntimeError when one appears twice.
    """
    x = node_of(input, "flip")
    if named and (dims or set(named) != {"dims"}):
        raise type_error("flip", "the argument 'dims' once", sorted(named))
    axes = [axis_of(axis, x.ndim, "flip") for axis in sizes("flip", dims or (named.get("dims", ()),))]
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"flip: a dim appears multiple times in the list of dims: {list(axes)}")
    turned = record(views.flip, (x,), (tuple(sorted(axes)) if x.ndim else (),))
    return wrap(record(clone, (turned,)))


def fliplr(input: Tensor) -> Tensor:
    """Columns in the opposite order. Raises: RuntimeError for fewer than two dimensions."""
    if len(shape_of(input, "fliplr")) < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """Rows in the opposite order. Raises: RuntimeError for a zero-dimensional tensor."""
    if not shape_of(input, "flipud"):
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


def roll(input: Tensor, shifts: Union[int, Sequence[int]], dims: Union[int, Sequence[int], None] = None) -> Tensor:
    """Moved along dimensions, what leaves at the end enters at the start; without dims, the flattened tensor is.

    Raises: RuntimeError unless shifts and dims pair up; IndexError for a dimension that is not there.
    """
    x = node_of(input, "roll")
    moves = sizes("roll", (shifts,))
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        if len(moves) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(moves)}, dims:0")
        flat = record(views.reshape, (x,), ((x.size,),))
        return wrap(record(views.reshape, (_rolled(flat, moves[0], 0),), (x.shape,)))
    axes = sizes("roll", (dims,))
    if not x.ndim:
        raise IndexError(f"roll: Dimension specified as {axes[0]} but tensor has no dimensions")
    if len(moves) != len(axes):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(moves)}, dims:{len(axes)}")
    for shift, dim in zip(moves, axes):
        axis = axis_of(dim, x.ndim, "roll")
        x = _rolled(x, shift, axis) if x.ndim else x
    return wrap(record(clone, (x,)) if x is input._node else x)


def _rolled(x: Node, shift: int, axis: int) -> Node:
    n = x.shape[axis]
    if x.size == 0 or shift % n == 0:
        return record(clone, (x,))
    cut = n - shift % n
    parts = (along(x.shape, axis, (cut, n, 1)), along(x.shape, axis, (0, cut, 1)))
    return record(views.concatenate, tuple([record(views.slice, (x,), (part,)) for part in parts]), (axis,))


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned k times by a quarter from dimension dims[0] towards dims[1].

    Raises: RuntimeError unless dims are two different dimensions of the tensor.
    """
    ndim = len(shape_of(input, "rot90"))
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = axis_of(dims[0], ndim, "rot90"), axis_of(dims[1], ndim, "rot90")
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    k %= 4
    x = node_of(input, "rot90")
    if k == 2:
        x = record(views.flip, (x,), (tuple(sorted((first, second))),))
    elif k:
        order = list(range(ndim))
        order[first], order[second] = second, first
        if k == 1:
            x = record(views.permute, (record(views.flip, (x,), ((second,),)),), (tuple(order),))
        else:
            x = record(views.flip, (record(views.permute, (x,), (tuple(order),)),), ((second,),))
    return wrap(record(clone, (x,)))


METHODS: dict[str, Any] = {
    "flip": flip, "fliplr": fliplr, "flipud": flipud, "roll": roll, "rot90": rot90,
    "__reversed__": lambda self: flip(self, 0) if self.ndim else self,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
