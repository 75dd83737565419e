"""Writing values: filling, copying, and the out-of-place twins of writing to a part."""

from __future__ import annotations

import builtins
from typing import Any, Optional

import numpy as np

from wengert.dtypes import bool_
from wengert.errors import runtime_error, shape_error
from wengert.functions.axes import axis_of
from wengert.functions.create import one_value
from wengert.functions.index import fitted
from wengert.functions.operands import node_of, shape_of, with_out
from wengert.functions.parts import along, position
from wengert.graph.node import Node
from wengert.graph.record import literal, record, recorder, scalar
from wengert.primitives.casting import move
from wengert.primitives.control import clone
from wengert.primitives.creation import full
from wengert.primitives.piecewise import where
from wengert.primitives.views import diagonal_update, reshape, slice_update
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor, wrap, write

__all__ = ["fill", "fill_", "zero_", "select_scatter", "slice_scatter", "diagonal_scatter", "narrow_copy"]


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like `input` filled with a number or a zero-dimensional tensor."""
    x = node_of(input, "fill")
    return wrap(_after(x, _filled(x, value)))


def fill_(input: Tensor, value: Any) -> Tensor:
    """Fill with a number or a zero-dimensional tensor, in place.

    Raises: RuntimeError for a tensor with dimensions, or a number that the dtype cannot hold.
    """
    x = node_of(input, "fill_")
    return write(input, _after(x, _filled(x, value)))


def zero_(input: Tensor) -> Tensor:
    """Fill with zeros, in place."""
    return fill_(input, 0)


def _filled(x: Node, value: Any) -> Node:
    return record(full, (one_value(value, x.dtype, "fill_"),), (x.shape,))


def _after(x: Node, new: Node) -> Node:
    """`new` where x was. What had a history keeps one: its derivative is zero from here on, as in PyTorch."""
    if not (x.tracked and recorder.tracking):
        return new
    return record(where, (scalar(False, bool_), x, new))


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Take the values of `src`, converted to this dtype and broadcast to this shape, in place.

    Raises: RuntimeError when src does not broadcast; TypeError when it is neither a tensor nor a number.
    """
    if src is self:
        return self
    x = node_of(self, "copy_")
    new = fitted(src, x.dtype, x.shape, "copy_: The size of tensor a {} must match the size of tensor b {}")
    return write(self, _after(x, new))


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write a number along the main diagonal, in place; with `wrap`, a tall matrix's diagonal starts anew below.

    Raises: RuntimeError for fewer than two dimensions, or more of different sizes.
    """
    x = node_of(self, "fill_diagonal_")
    if x.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if x.ndim > 2 and len(set(x.shape)) != 1:
        raise RuntimeError(f"all dimensions of input must be of equal length; got {list(x.shape)}")
    n = min(x.shape)
    step = sum([_row_major_step(x.shape, axis) for axis in range(x.ndim)])
    count = -(-x.size // step) if wrap and x.ndim == 2 and x.shape[0] > x.shape[1] else n
    flat = record(reshape, (x,), ((x.size,),))
    stop = (count - 1) * step + 1 if count else 0
    line = record(full, (one_value(fill_value, x.dtype, "fill_diagonal_"),), ((count,),))
    filled = record(slice_update, (flat, line), (((0, stop, step),),))
    return write(self, record(reshape, (filled,), (x.shape,)))


def _row_major_step(shape: tuple[int, ...], axis: int) -> int:
    step = 1
    for n in shape[axis + 1 :]:
        step *= n
    return step


def apply_(self: Tensor, callable: Any) -> Tensor:
    """Replace each element by what a Python function makes of it, in place. Slow; no derivative flows.

    Raises: RuntimeError for a tensor that requires grad.
    """
    return map_(self, self, lambda value, _: callable(value))


def map_(self: Tensor, tensor: Tensor, callable: Any) -> Tensor:
    """Replace each element by what a Python function makes of it and of the one in `tensor` (broadcast), in place.

    Raises: RuntimeError for a tensor that requires grad, and for one that does not broadcast.
    """
    x, other = node_of(self, "map_"), node_of(tensor, "map_", "tensor")
    if self.requires_grad:
        raise RuntimeError("Can't call apply_() or map_() on Variable that requires grad. Use var.detach() instead.")
    other = fitted(tensor, other.dtype, x.shape, "map_: The size of tensor {} does not broadcast to {}")
    pairs = zip(value_of(x).reshape(-1).tolist(), value_of(other).reshape(-1).tolist())
    values = [callable(a, b) for a, b in pairs]
    array = np.array(values, dtype=None if values else x.dtype.numpy).astype(x.dtype.numpy).reshape(x.shape)
    return write(self, literal(array, x.type))


# --- a part, out of place ----------------------------------------------------------------------------------------------


@with_out
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` with `src` at one position of a dimension.

    Raises: RuntimeError unless src has the shape of ``input.select(dim, index)``; IndexError as `select` does.
    """
    shape = shape_of(input, "select_scatter")
    if not shape:
        raise IndexError("select_scatter() cannot be applied to a 0-dim tensor.")
    axis = axis_of(dim, len(shape), "select_scatter")
    at = along(shape, axis, position(index, shape[axis], axis, "select_scatter"))
    return _updated("select_scatter", input, src, at, (*shape[:axis], *shape[axis + 1 :]))


@with_out
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: Optional[int] = None, end: Optional[int] = None, step: int = 1
) -> Tensor:
    """A copy of `input` with `src` at positions start, start + step, ... before `end` of a dimension.

    Raises: RuntimeError unless src has the shape of that part; ValueError for a step that is not above 0.
    """
    shape = shape_of(input, "slice_scatter")
    axis = axis_of(dim, len(shape), "slice_scatter")
    if step <= 0:
        raise RuntimeError(f"slice step must be positive; got {step}")
    first, stop, _ = builtins.slice(start, end).indices(shape[axis])
    entry = (first, max(first, stop), step)
    wanted = (*shape[:axis], len(range(*entry)), *shape[axis + 1 :])
    return _updated("slice_scatter", input, src, along(shape, axis, entry), wanted)


def _updated(operation: str, input: Tensor, src: Any, at: Any, wanted: tuple[int, ...]) -> Tensor:
    x, new = node_of(input, operation), node_of(src, operation, "src")
    if new.shape != wanted:
        raise shape_error(operation, f"expected src to have a size equal to the slice of self, {list(wanted)}", (new.shape,))
    return wrap(record(slice_update, (x, move(new, x.dtype)), (at,)))


@with_out
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `input` with `src` on the diagonal of two dimensions.

    Raises: RuntimeError unless src has the shape of ``input.diagonal(offset, dim1, dim2)``.
    """
    x, new = node_of(input, "diagonal_scatter"), node_of(src, "diagonal_scatter", "src")
    axis1, axis2 = axis_of(dim1, x.ndim, "diagonal_scatter"), axis_of(dim2, x.ndim, "diagonal_scatter")
    return wrap(record(diagonal_update, (x, move(new, x.dtype)), (offset, axis1, axis2)))


@with_out
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A copy of `length` positions of a dimension from `start` on; errors as for `narrow`, but RuntimeError for a
    dimension above the last."""
    if 0 < len(shape_of(input, "narrow_copy")) <= dim:
        raise runtime_error("narrow_copy", f"dim below the number of dimensions {input.ndim}", dim)
    return wrap(record(clone, (input.narrow(dim, start, length)._read(),)))  # type: ignore[attr-defined]


METHODS: dict[str, Any] = {
    "fill_": fill_, "zero_": zero_, "copy_": copy_, "fill_diagonal_": fill_diagonal_,
    "select_scatter": select_scatter, "slice_scatter": slice_scatter, "diagonal_scatter": diagonal_scatter,
    "narrow_copy": narrow_copy, "apply_": apply_, "map_": map_,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
