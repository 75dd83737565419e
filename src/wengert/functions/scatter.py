"""Reading and writing at positions: gather and scatter along an axis, and whole slices (index_*).

Positions that are known are checked at the call, the others when they are used: IndexError either way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import int64
from wengert.errors import PositionError, dtype_error, type_error
from wengert.functions.axes import at_least_1d, axis_of
from wengert.functions.create import one_value
from wengert.functions.operands import deliver, is_number, node_of, with_out
from wengert.functions.subscripts import check_positions
from wengert.graph.node import Node
from wengert.graph.record import record, scalar
from wengert.graph.rule import broadcast_to
from wengert.primitives import indexing
from wengert.primitives.casting import move
from wengert.primitives.creation import full
from wengert.primitives.scatter_reduce import scatter_prod, scatter_reduce as combine
from wengert.primitives.views import reshape, slice
from wengert.shapes import Shape
from wengert.tensors.strides import have_common_places
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "gather", "scatter", "scatter_add", "scatter_reduce", "index_select", "index_add", "index_copy", "index_fill",
    "index_reduce",
]  # fmt: skip


def index_node(value: Any, operation: str, argument: str = "index", error: type[Exception] = RuntimeError) -> Node:
    """An index argument as an int64 node.

    Raises: RuntimeError for another dtype.
    """
    index = node_of(value, operation, argument)
    if index.dtype is dtypes.int32 or not (index.size or index.dtype.inexact):
        return move(index, int64)
    if index.dtype is not int64:
        raise error(f"{operation}(): Expected dtype int32/int64 for index; got {index.dtype}")
    return index


def check_same_dtype(x: Node, source: Node, operation: str) -> None:
    if source.dtype is not x.dtype:
        raise dtype_error(operation, "self and source must have the same scalar type", f"{x.dtype} and {source.dtype}")


# --- along one axis ----------------------------------------------------------------------------------------------------


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Optional[Tensor] = None) -> Tensor:
    """y[i, j, k] = input[i, index[i, j, k], k]   (dim = 1)

    Shapes: index has the rank of input and is no larger but along `dim`; y has its shape.

    Raises: IndexError for a position that is not there; RuntimeError for another rank, size or dtype of index, and for an
    `out` of another dtype, or in the memory of input or index.
    """
    x, i = at_least_1d(node_of(input, "gather")), index_node(index, "gather")
    if isinstance(out, Tensor):
        _check_apart(out, x.dtype, input, index)
    axis = axis_of(dim, x.ndim, "gather")
    shape = i.shape
    i = at_least_1d(i)
    indexing.gather.infer(x.type, i.type, axis=axis)
    check_positions(i, x.shape[axis], axis, "gather", wrap=False)
    y = record(indexing.gather, (x, i), (axis,))
    return deliver(y if y.shape == shape else record(reshape, (y,), (shape,)), out)


def _check_apart(out: Tensor, dtype: dtypes.DType, *read: Tensor) -> None:
    """Raises: RuntimeError unless `out` has the dtype, and memory that is not read."""
    if out.dtype is not dtype:
        raise RuntimeError(f"Expected out tensor to have dtype {dtype}, but got {out.dtype} instead")
    if any([have_common_places(out, x) for x in read]):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )


class _Along:
    """The arguments of a scatter, checked: x, index, source of index's shape, and the axis."""

    def __init__(self, operation: str, input: Tensor, dim: int, index: Tensor, src: Any) -> None:
        given = node_of(input, operation)
        self.shape = given.shape
        self.x, self.index = at_least_1d(given), at_least_1d(index_node(index, operation))
        self.axis = axis_of(dim, self.x.ndim, operation)
        if isinstance(src, Tensor):
            source = at_least_1d(src._read())
            if source.dtype is not given.dtype:
                raise RuntimeError(f"{operation}(): Expected self.dtype to be equal to src.dtype; got {source.dtype}")
            self.source = _cut_to(source, self.index.shape, self.x.shape, operation)
        elif is_number(src):
            self.source = record(full, (one_value(src, given.dtype, operation),), (self.index.shape,))
        else:
            raise type_error(operation, "src must be a Tensor or a number", type(src).__name__)
        indexing.scatter.infer(self.x.type, self.index.type, self.source.type, axis=self.axis)
        check_positions(self.index, self.x.shape[self.axis], self.axis, operation, wrap=False)

    def record(self, primitive: Any, *params: Any) -> Tensor:
        y = record(primitive, (self.x, self.index, self.source), (self.axis, *params))
        return wrap(y if y.shape == self.shape else record(reshape, (y,), (self.shape,)))


def _cut_to(source: Node, shape: Shape, whole: Shape, operation: str) -> Node:
    """The part of a source that an index of `shape` reads."""
    if source.shape == shape or 0 in shape:
        return source if source.shape == shape else record(full, (scalar(0, source.dtype),), (shape,))
    if source.ndim != len(shape):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if any([n > m for n, m in zip(shape, source.shape)]):
        raise RuntimeError(
            f"{operation}: Expected index {list(shape)} to be no larger than self {list(whole)} apart from the dimension "
            f"and to be no larger size than src {list(source.shape)}"
        )
    return record(slice, (source,), (tuple([(0, n, 1) for n in shape]),))


@with_out
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Optional[str] = None
) -> Tensor:
    """input, then y[i, index[i, j, k], k] = src[i, j, k]   (dim = 1); of several writes to one place the last remains.

    src: a tensor at least as large as index, or a number. reduce: "add" or "multiply" with what is there.

    Raises: IndexError for a position that is not there; RuntimeError for sizes and dtypes that do not fit.
    """
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply; got {reduce!r}")
    if isinstance(value, Tensor):
        value = value.item()
    args = _Along("scatter", input, dim, index, value if src is None else src)
    if reduce is None:
        return args.record(indexing.scatter)
    return args.record(indexing.scatter_add if reduce == "add" else scatter_prod)


@with_out
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """input, then y[i, index[i, j, k], k] += src[i, j, k]   (dim = 1); errors as for `scatter`."""
    return _Along("scatter_add", input, dim, index, src).record(indexing.scatter_add)


@with_out
def scatter_reduce(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True) -> Tensor:
    """input combined with src at y[i, index[i, j, k], k]: reduce is "sum", "prod", "mean", "amax" or "amin". Without
    `include_self`, what was there before does not count. Errors as for `scatter`.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    return _Along("scatter_reduce", input, dim, index, src).record(combine, reduce, include_self)


# --- whole slices ------------------------------------------------------------------------------------------------------


def _vector(index: Any, n: int, axis: int, operation: str, wrap: bool = False) -> Node:
    """An index argument that is a vector (a number counts as one), checked against a dimension of size n."""
    i = at_least_1d(index_node(index, operation))
    if i.ndim > 1:
        raise IndexError(f"{operation}(): Index is supposed to be a vector; got {list(i.shape)}")
    check_positions(i, n, axis, operation, wrap)
    return i


def index_select(input: Tensor, dim: int, index: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The slices of a dimension at the positions of a vector.

    Raises: IndexError for a position that is not there, and for an index that is no vector.
    """
    given = node_of(input, "index_select")
    x = at_least_1d(given)
    axis = axis_of(dim, x.ndim, "index_select")
    i = _vector(index, x.shape[axis], axis, "index_select")
    if not given.ndim and i.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {i.size} value(s)")
    y = record(indexing.take, (x, i), (axis, False))
    return deliver(y if given.ndim else record(reshape, (y,), ((),)), out)


def _slices(operation: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Node, Node, Node, int, Shape]:
    """The arguments of index_add and its kin, checked: x, index, source, axis, and the shape of the result."""
    given, s = node_of(input, operation), node_of(source, operation, "source")
    x = at_least_1d(given)
    axis = axis_of(dim, x.ndim, operation)
    i = _vector(index, x.shape[axis], axis, operation)
    check_same_dtype(x, s, operation)
    if given.ndim and s.ndim and given.ndim != s.ndim:
        raise PositionError(
            f"{operation}(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({s.ndim}), destination dimensionality ({given.ndim})"
        )
    s = at_least_1d(s)
    wanted = (*x.shape[:axis], i.size, *x.shape[axis + 1 :])
    if s.shape != wanted:
        raise RuntimeError(
            f"{operation}(): source tensor shape must match self tensor shape, excluding the specified dimension, where it "
            f"is the number of indices. Got self.shape = {list(given.shape)} source.shape = {list(s.shape)}, indices: {i.size}"
        )
    return x, i, s, axis, given.shape


def reshaped_back(y: Node, shape: Shape) -> Tensor:
    return wrap(y if y.shape == shape else record(reshape, (y,), (shape,)))


@with_out
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """input, then its slices at the positions of a vector += alpha times those of source; equal positions add up.

    Raises: IndexError for a position that is not there; RuntimeError for sizes and dtypes that do not fit.
    """
    x, i, s, axis, shape = _slices("index_add", input, dim, index, source)
    if alpha != 1:
        s = s * one_value(alpha, s.dtype, "index_add")
    return reshaped_back(record(indexing.put_add, (x, i, s), (axis, False)), shape)


@with_out
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """input with its slices at the positions of a vector replaced by those of source; errors as for `index_add`."""
    x, i, s, axis, shape = _slices("index_copy", input, dim, index, source)
    return reshaped_back(record(indexing.index_put, (x, s, i), ((axis,), False, False)), shape)


@with_out
def index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True) -> Tensor:
    """input combined with the slices of source at the positions of a vector: reduce is "prod", "mean", "amax", "amin".

    Errors as for `index_add`.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either prod, mean, amax or amin, got {reduce}")
    x, i, s, axis, shape = _slices("index_reduce", input, dim, index, source)
    column = record(reshape, (i,), ((i.size, *(1,) * (x.ndim - axis - 1)),))
    return reshaped_back(record(combine, (x, broadcast_to(column, s.shape), s), (axis, reduce, include_self)), shape)


@with_out
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """input with its slices at the positions of a vector filled with a number or a zero-dimensional tensor.

    Raises: IndexError for a position that is not there; RuntimeError for a value with dimensions.
    """
    given = node_of(input, "index_fill")
    x = at_least_1d(given)
    axis = axis_of(dim, x.ndim, "index_fill")
    i = _vector(index, x.shape[axis], axis, "index_fill", wrap=True)
    one = one_value(value, x.dtype, "index_fill_")
    new = record(full, (one,), ((*x.shape[:axis], i.size, *x.shape[axis + 1 :]),))
    return reshaped_back(record(indexing.index_put, (x, new, i), ((axis,), False, True)), given.shape)


_BOTH: tuple[Callable[..., Tensor], ...] = (
    scatter, scatter_add, scatter_reduce, index_add, index_copy, index_fill, index_reduce,
)  # fmt: skip
METHODS: dict[str, Any] = {function.__name__: function for function in (*_BOTH, gather, index_select)}
IN_PLACE: tuple[str, ...] = tuple([function.__name__ for function in _BOTH])
