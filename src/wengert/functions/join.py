"""Tensors put together, and repeated. The results have memory of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType, result_type
from wengert.errors import type_error
from wengert.functions.axes import axis_of
from wengert.functions.operands import deliver, node_of, shape_of, sizes
from wengert.functions.shape import atleast_1d, atleast_2d, atleast_3d, reshape
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, record
from wengert.primitives import views
from wengert.primitives.casting import move
from wengert.primitives.control import clone
from wengert.primitives.indexing import take
from wengert.shapes import Shape
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "row_stack", "column_stack", "tile",
    "repeat_interleave",
]  # fmt: skip

Tensors = Sequence[Tensor]


# --- one after the other -----------------------------------------------------------------------------------------------


def cat(tensors: Tensors, dim: int = 0, *, out: Optional[Tensor] = None) -> Tensor:
    """The tensors one after the other along a dimension; dtypes promote. Empty vectors among them are skipped.

    Raises: ValueError when there are none; RuntimeError when ranks or other sizes differ, or one is zero-dimensional.
    """
    nodes = _nodes(tensors, "cat")
    for number, x in enumerate(nodes):
        if not x.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {number}) cannot be concatenated")
    dtype = _common_dtype(nodes)
    kept = [x for x in nodes if x.type.shape != (0,)]
    if not kept:
        axis_of(dim, 1, "cat")
        return deliver(record(clone, (move(nodes[0], dtype),)), out)
    axis = axis_of(dim, kept[0].ndim, "cat")
    for number, x in enumerate(nodes):
        if x.type.shape != (0,):
            _check_joins(kept[0].shape, x.shape, axis, number)
    parts = tuple([move(x, dtype) for x in kept])
    if len(parts) == 1:
        return deliver(record(clone, parts), out)
    return deliver(record(views.concatenate, parts, (axis,)), out)


def _nodes(tensors: Any, operation: str) -> list[Node]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, (tuple, list)):
        raise type_error(operation, "argument 'tensors' must be a tuple of Tensors", type(tensors).__name__)
    if not tensors:
        raise ValueError(f"{operation}(): expected a non-empty list of Tensors")
    return [node_of(x, operation, "tensors") for x in tensors]


def _common_dtype(nodes: Sequence[Node]) -> DType:
    first = nodes[0].type.dtype
    if all([x.type.dtype is first for x in nodes]):
        return first
    return result_type([x.dtype for x in nodes if x.ndim], [x.dtype for x in nodes if not x.ndim])


def _check_joins(first: Shape, other: Shape, axis: int, number: int) -> None:
    if len(first) != len(other):
        raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(other)}")
    for i, (n, m) in enumerate(zip(first, other)):
        if n != m and i != axis:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {axis}. Expected size {n} but got size {m} for tensor "
                f"number {number} in the list."
            )


def concat(tensors: Tensors, dim: int = 0, *, out: Optional[Tensor] = None) -> Tensor:
    """`cat` by another name."""
    return cat(tensors, dim, out=out)


def concatenate(tensors: Tensors, axis: int = 0, *, dim: Optional[int] = None, out: Optional[Tensor] = None) -> Tensor:
    """`cat` by NumPy's name."""
    return cat(tensors, axis if dim is None else dim, out=out)


def stack(tensors: Tensors, dim: int = 0, *, out: Optional[Tensor] = None) -> Tensor:
    """Tensors of one shape along a new dimension; dtypes promote.

    Raises: RuntimeError when there are none or their shapes differ; IndexError for a position that is not there.
    """
    if isinstance(tensors, (tuple, list)) and not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    nodes = _nodes(tensors, "stack")
    shape = nodes[0].type.shape
    axis = axis_of(dim, len(shape) + 1, "stack")
    for number, x in enumerate(nodes):
        if x.type.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(x.shape)} at "
                f"entry {number}"
            )
    dtype = _common_dtype(nodes)
    lifted = (*shape[:axis], 1, *shape[axis:])
    parts = tuple([record(views.reshape, (move(x, dtype),), (lifted,)) for x in nodes])
    return deliver(record(views.concatenate, parts, (axis,)), out)


def hstack(tensors: Tensors, *, out: Optional[Tensor] = None) -> Tensor:
    """Side by side: along the second dimension, vectors along their only one."""
    raised = atleast_1d(_checked(tensors, "hstack"))
    return cat(raised, 0 if raised[0].ndim == 1 else 1, out=out)


def vstack(tensors: Tensors, *, out: Optional[Tensor] = None) -> Tensor:
    """One below the other: along the first dimension, vectors as rows."""
    return cat(atleast_2d(_checked(tensors, "vstack")), 0, out=out)


def row_stack(tensors: Tensors, *, out: Optional[Tensor] = None) -> Tensor:
    """`vstack` by another name."""
    return vstack(tensors, out=out)


def dstack(tensors: Tensors, *, out: Optional[Tensor] = None) -> Tensor:
    """One behind the other: along the third dimension, which is made where it lacks."""
    return cat(atleast_3d(_checked(tensors, "dstack")), 2, out=out)


def column_stack(tensors: Tensors, *, out: Optional[Tensor] = None) -> Tensor:
    """Vectors as columns, matrices as they are, side by side."""
    given = _checked(tensors, "column_stack")
    return hstack([reshape(x, (x.numel(), 1)) if x.ndim <= 1 else x for x in given], out=out)


def _checked(tensors: Any, operation: str) -> list[Tensor]:
    if isinstance(tensors, (tuple, list)) and not tensors:
        raise RuntimeError(f"{operation} expects a non-empty TensorList")
    _nodes(tensors, operation)
    return list(tensors)


# --- repeated ----------------------------------------------------------------------------------------------------------


def repeat(self: Tensor, *repeats: Any) -> Tensor:
    """The whole tensor repeated along each dimension; more numbers than dimensions make new ones in front.

    Raises: RuntimeError for fewer numbers than dimensions, or negative ones.
    """
    counts = sizes("repeat", repeats)
    x = self._read()
    added = len(counts) - x.ndim
    if added < 0:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: "
            f"{len(counts)} for {x.ndim}"
        )
    if any([n < 0 for n in counts]):
        raise RuntimeError(f"repeat: negative repetition is not possible: {list(counts)}")
    return wrap(repeated(x, counts))


def repeated(x: Node, counts: Shape) -> Node:
    """`repeat` on nodes; at least as many counts as dimensions."""
    shape = (1,) * (len(counts) - x.ndim) + x.shape
    apart = tuple([size for n in shape for size in (1, n)])
    spread = tuple([size for pair in zip(counts, shape) for size in pair])
    wide = record(views.expand, (record(views.reshape, (x,), (apart,)),), (spread,))
    return record(clone, (record(views.reshape, (wide,), (tuple([n * m for n, m in zip(counts, shape)]),)),))


def tile(input: Tensor, *dims: Any) -> Tensor:
    """`repeat` where missing numbers in front are 1."""
    counts = sizes("tile", dims)
    missing = len(shape_of(input, "tile")) - len(counts)
    return repeat(input, (1,) * missing + counts)


def repeat_interleave(
    input: Tensor,
    repeats: Union[int, Tensor, None] = None,
    dim: Optional[int] = None,
    *,
    output_size: Optional[int] = None,
) -> Tensor:
    """Each element repeated on its own, along `dim` or of the flattened tensor. With one argument: i repeated input[i]
    times, for each i.

    repeats: a number, or one number for each position.

    Raises: RuntimeError for negative numbers, or when there is not one for each position.
    """
    if repeats is None:
        return wrap(_sources(_counts(input)))
    x = node_of(input, "repeat_interleave")
    if dim is None:
        x, dim = record(views.reshape, (x,), ((x.size,),)), 0
    axis = axis_of(dim, x.ndim, "repeat_interleave")
    if not x.ndim:
        x = record(views.reshape, (x,), ((1,),))
    n = x.shape[axis]
    counts = _counts(repeats) if isinstance(repeats, Tensor) else np.array(repeats)
    if counts.ndim == 0 or counts.size == 1:
        return wrap(_interleaved(x, int(counts.item()), axis))
    if counts.shape != (n,):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and "
            f"input.size({axis}) = {n}"
        )
    return wrap(record(take, (x, _sources(counts)), (axis, True)))


def _counts(repeats: Tensor) -> Any:
    if repeats.dtype.category != dtypes.INTEGER:
        raise RuntimeError(f"repeats has to be Long or Int tensor; got {repeats.dtype}")
    if repeats.ndim > 1:
        raise RuntimeError(f"repeat_interleave only accept 1D vector as repeat; got {list(repeats.shape)}")
    return repeats._array()


def _sources(counts: Any) -> Node:
    """Position i counts[i] times, for each i."""
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    found = np.repeat(np.arange(counts.size, dtype=np.int64), counts.reshape(-1))
    return literal(found, array_type(found.shape, dtypes.int64))


def _interleaved(x: Node, count: int, axis: int) -> Node:
    if count < 0:
        raise RuntimeError("repeats can not be negative")
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    apart = record(views.reshape, (x,), ((*before, n, 1, *after),))
    wide = record(views.expand, (apart,), ((*before, n, count, *after),))
    return record(clone, (record(views.reshape, (wide,), ((*before, n * count, *after),)),))


METHODS: dict[str, Any] = {
    "repeat": repeat, "tile": tile, "repeat_interleave": repeat_interleave,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
