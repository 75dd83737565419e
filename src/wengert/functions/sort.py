"""Order: sorting, the k largest, where a value belongs, membership. Values are read at the positions that the order
gives, so their derivative goes to those positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, type_error, value_error
from wengert.functions.axes import at_least_1d, axis_of, flat, kept, numpy_names
from wengert.functions.extremes import deliver_pair
from wengert.functions.operands import deliver, is_number, node_of, promote, with_out
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["sort", "argsort", "msort", "topk", "kthvalue", "searchsorted", "bucketize", "isin"]


def _ordered(name: str, input: Tensor, dim: int, order: Callable[[Node, int], Node], out: Any) -> Any:
    """The pair (values, indices) for the positions that `order(x, axis)` gives along `dim`."""
    x = node_of(input, name)
    axis = axis_of(dim, x.ndim, name)
    rows = at_least_1d(x)
    index = order(rows, axis)
    values = p.gather(rows, index, axis=axis)
    if not x.ndim:
        values, index = p.reshape(values, shape=()), p.reshape(index, shape=())
    return deliver_pair(name, (values, index), out)


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Any = None) -> Any:
    """The pair (values, indices) in ascending order along `dim`. A NaN counts as the largest. Equal elements keep their
    order, whether `stable` asks for it or not.

    Raises: RuntimeError for complex tensors.

    Example:
        >>> import wengert as w
        >>> values, indices = w.sort(w.tensor([3.0, 1.0, 2.0]))
        >>> values.tolist(), indices.tolist()
        ([1.0, 2.0, 3.0], [1, 2, 0])
    """
    return _ordered("sort", input, dim, lambda x, axis: p.argsort(x, axis=axis, descending=descending), out)


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The positions that put the input in order along `dim`; see `sort`."""
    x = node_of(input, "argsort")
    axis = axis_of(dim, x.ndim, "argsort")
    y = p.argsort(at_least_1d(x), axis=axis, descending=descending)
    return wrap(y if x.ndim else p.reshape(y, shape=()))


def msort(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The values in ascending order along the first dimension."""
    return deliver(sort(input, 0).values._read(), out)


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """The pair (values, indices) of the `k` largest (or smallest) along `dim`, in order also when `sorted` is False.

    Raises: RuntimeError when k is negative or above the size, and for bool and complex tensors.

    Example:
        >>> import wengert as w
        >>> w.topk(w.tensor([3.0, 1.0, 2.0]), 2).values.tolist()
        [3.0, 2.0]
    """
    x = node_of(input, "topk")
    if x.dtype is dtypes.bool_:
        raise dtype_error("topk", "does not support bool dtypes", None, "convert it first, for example with .int()")
    k = k.__index__()
    if not x.ndim and k == 0:  # PyTorch gives a zero-dimensional tensor's element for k = 0 too
        k = 1
    return _ordered("topk", input, dim, lambda x, axis: p.top_k_indices(x, k=k, axis=axis, largest=largest), out)


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The pair (values, indices) of the `k`-th smallest along `dim`, counted from 1.

    Raises: RuntimeError when k is not within 1 and the size.
    """
    x = node_of(input, "kthvalue")
    axis = axis_of(dim, x.ndim, "kthvalue")
    rows = at_least_1d(x)
    k = k.__index__()
    if not 1 <= k <= rows.shape[axis]:
        raise runtime_error("kthvalue", f"selected number k out of range for dimension {axis}", k)
    order = p.argsort(rows, axis=axis)
    place = tuple([k - 1 if i == axis else (0, n, 1) for i, n in enumerate(rows.shape)])
    index = p.slice(order, index=place)
    values = p.reshape(p.gather(rows, kept(index, rows.shape, (axis,)), axis=axis), shape=index.shape)
    if keepdim and x.ndim:
        values, index = kept(values, x.shape, (axis,)), kept(index, x.shape, (axis,))
    return deliver_pair("kthvalue", (values, index), out)


# --- where a value belongs -------------------------------------------------------------------------------------------


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: Optional[str] = None,
    sorter: Optional[Tensor] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The position i at which each value keeps the sequence in order: sequence[i-1] < value <= sequence[i], or with
    `right` (or side="right"), sequence[i-1] <= value < sequence[i].

    sorted_sequence: (n,), or (..., n) against values (..., m) with equal leading sizes.
    sorter: positions that sort the sequence, when it is not sorted itself.

    Raises: RuntimeError for shapes that do not fit, and for `side` and `right` that disagree.

    Example:
        >>> import wengert as w
        >>> w.searchsorted(w.tensor([1, 3, 5]), w.tensor([0, 3, 6])).tolist()
        [0, 1, 3]
    """
    if side not in (None, "left", "right"):
        raise value_error("searchsorted", "side 'left' or 'right'", repr(side))
    if side == "left" and right:
        raise runtime_error("searchsorted", "side and right can't be set to opposites", f"side={side}, right={right}")
    sequence = node_of(sorted_sequence, "searchsorted", "sorted_sequence")
    if sorter is not None:
        order = node_of(sorter, "searchsorted", "sorter")
        if order.shape != sequence.shape or order.dtype is not dtypes.int64:
            raise runtime_error("searchsorted", "a sorter of dtype int64 and the sequence's shape", str(order.type))
        sequence = p.gather(sequence, order, axis=sequence.ndim - 1)
    if sequence.ndim != 1 and not getattr(input, "ndim", 0):
        raise runtime_error(
            "searchsorted",
            "input value can be a scalar only when boundaries tensor dimension is 1",
            list(sequence.shape),
        )
    sequence, values = promote("searchsorted", sequence, input)
    found = p.searchsorted(sequence, values, right=right or side == "right")
    return deliver(move(found, dtypes.int32) if out_int32 else found, out)


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Optional[Tensor] = None
) -> Tensor:
    """The number of the bucket that each value falls into, among ascending `boundaries`; see `searchsorted`.

    Raises: RuntimeError unless the boundaries are one-dimensional.
    """
    if node_of(boundaries, "bucketize", "boundaries").ndim != 1:
        raise runtime_error("bucketize", "boundaries tensor must be 1 dimension", list(boundaries.shape))
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


@with_out
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each of `elements` is among `test_elements`; with `invert`, whether it is not. NaN is among none.

    Raises: TypeError when both are numbers.
    """
    if is_number(elements) and is_number(test_elements):
        raise type_error("isin", "at least one Tensor", "two numbers")
    x, among = promote("isin", elements, test_elements)
    among = flat(among)
    if x.dtype is dtypes.bool_:  # no order is needed of numbers that are only compared, and bools count as 0 and 1
        x, among = move(x, dtypes.uint8), move(among, dtypes.uint8)
    if not among.size:
        found = p.full(scalar(False, dtypes.bool_), shape=x.shape)
    else:
        ordered = p.gather(among, p.argsort(among, axis=0), axis=0)
        place = p.clamp_max(p.searchsorted(ordered, x), among.size - 1)
        found = p.eq(p.take(ordered, place, axis=0), x)
    return wrap(p.bitwise_not(found) if invert else found)


METHODS: dict[str, Callable[..., Any]] = {
    "sort": sort, "argsort": argsort, "msort": msort, "topk": topk, "kthvalue": kthvalue,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
