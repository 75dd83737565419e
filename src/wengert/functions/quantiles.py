"""Order statistics: medians, quantiles, the most frequent element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error
from wengert.functions.axes import at_least_1d, axis_of, flat, kept, moved_last, numpy_names
from wengert.functions.extremes import along
from wengert.functions.operands import deliver, node_of
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.control import stop_gradient, with_history
from wengert.primitives.reductions import reduce_sum
from wengert.tensors.tensor import Tensor

__all__ = ["median", "nanmedian", "mode", "quantile", "nanquantile"]


def _middle(x: Node, axis: int, ignore_nan: bool) -> Node:
    """The position along `axis` of the lower of the two middle elements. A NaN counts as every element's equal, unless
    it is ignored: then the middle of the others, or the first where there is no other."""
    n = x.shape[axis]
    order = p.argsort(x, axis=axis)
    if not x.type.inexact:
        rank = p.full(scalar((n - 1) // 2, dtypes.int64), shape=kept_shape(x, axis))
    else:
        numbers = p.convert(p.bitwise_not(p.isnan(x)), dtype=dtypes.int64)
        present = kept(reduce_sum(numbers, axes=(axis,)), x.shape, (axis,))
        if ignore_nan:
            rank = p.floor_divide(p.clamp_min(present - 1, 0), 2)
        else:  # NaN stand last in the order: the first of them comes after all that are present
            rank = p.where(p.lt(present, n), present, (n - 1) // 2)
    chosen = p.gather(order, rank, axis=axis)
    return p.reshape(chosen, shape=(*x.shape[:axis], *x.shape[axis + 1 :]))


def kept_shape(x: Node, axis: int) -> tuple[int, ...]:
    """The shape of x with size 1 along `axis`."""
    return (*x.shape[:axis], 1, *x.shape[axis + 1 :])


def _median(name: str, ignore_nan: bool, doc: str) -> Callable[..., Any]:
    def median(input: Tensor, dim: Optional[int] = None, keepdim: bool = False, *, out: Any = None) -> Any:
        x = node_of(input, name)
        if x.dtype is dtypes.bool_ or x.dtype.is_complex:
            raise dtype_error(name, "an integer or floating dtype", x.dtype)
        if dim is not None:
            return along(name, input, dim, keepdim, out, lambda x, axis: _middle(x, axis, ignore_nan))
        if x.size == 0:
            return deliver(p.full(scalar(float("nan") if x.type.inexact else 0, x.dtype), shape=()), out)
        x = flat(x)
        value = p.reshape(p.take(x, _middle(x, 0, ignore_nan), axis=0), shape=())
        return deliver(_shared(x, value) if x.type.inexact else value, out)

    median.__name__ = median.__qualname__ = name
    median.__doc__ = doc
    return numpy_names(median)


def _shared(x: Node, value: Node) -> Node:
    """`value`, an element of x, differentiated as if all elements equal to it had a like part in it."""
    value = stop_gradient(value)
    same = p.bitwise_or(p.eq(x, value), p.bitwise_and(p.isnan(x), p.isnan(value)))
    share = p.convert(same, dtype=x.dtype)
    parts = p.where(same, x, 0)
    return with_history(value, reduce_sum(parts, axes=(0,)) / reduce_sum(share, axes=(0,)))


median = _median(
    "median",
    ignore_nan=False,
    doc="""The middle element, the lower of two; NaN if there is one.

    median(input)                  of all elements; equal ones share the derivative evenly
    median(input, dim, keepdim)    along `dim`: the pair (values, indices); the derivative goes to the index

    Raises: IndexError for no elements along `dim`; RuntimeError for bool and complex tensors.
    """,
)
nanmedian = _median(
    "nanmedian",
    ignore_nan=True,
    doc="As `median`, of the elements that are not NaN; NaN where there is no other.",
)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The pair (values, indices) of the most frequent element along `dim`: the smallest of equally frequent ones, and
    the last position where it stands. The derivative goes to the index.

    Raises: IndexError for no elements along `dim`.
    """
    return along("mode", input, dim, keepdim, out, _most_frequent)


def _most_frequent(x: Node, axis: int) -> Node:
    """In sorted order equals are a run; the longest run ends where (position - start of the run) is largest."""
    order = p.argsort(x, axis=axis)
    s = p.gather(x, order, axis=axis)
    n = x.shape[axis]
    position = p.reshape(p.iota(n=n, dtype=dtypes.int64), shape=tuple([n if i == axis else 1 for i in range(x.ndim)]))
    differs = p.ne(_part(s, axis, 1, n), _part(s, axis, 0, n - 1))
    starts = p.where(differs, _part(position, axis, 1, n), 0)
    pads = tuple([1 if i == axis else 0 for i in range(x.ndim)])
    starts = p.pad(starts, 0, low=pads, high=(0,) * x.ndim)
    start = p.gather(starts, p.cummax_indices(starts, axis=axis), axis=axis)
    end = p.argmax(position - start, axis=axis)
    chosen = p.gather(order, kept(end, x.shape, (axis,)), axis=axis)
    return p.reshape(chosen, shape=end.shape)


def _part(x: Node, axis: int, start: int, stop: int) -> Node:
    return p.slice(x, index=tuple([(start, stop, 1) if i == axis else (0, m, 1) for i, m in enumerate(x.shape)]))


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(name: str, ignore_nan: bool, doc: str) -> Callable[..., Tensor]:
    def quantile(
        input: Tensor,
        q: Any,
        dim: Optional[int] = None,
        keepdim: bool = False,
        *,
        interpolation: str = "linear",
        out: Optional[Tensor] = None,
    ) -> Tensor:
        x = node_of(input, name)
        fraction = _fraction(name, q, x)
        if interpolation not in _INTERPOLATIONS:
            raise runtime_error(name, f"interpolation must be one of {', '.join(_INTERPOLATIONS)}", interpolation)
        if dim is None:
            ones: tuple[int, ...] = (1,) * x.ndim
            rows = flat(x)
        else:
            axis = axis_of(dim, x.ndim, name)
            ones = kept_shape(x, axis) if x.ndim else ()
            rows = at_least_1d(x)
            rows = p.permute(rows, order=moved_last(rows.ndim, (axis,)))  # (..., n)
        y = _at_fractions(rows, fraction, interpolation, ignore_nan)  # (..., q)
        y = p.permute(y, order=(y.ndim - 1, *range(y.ndim - 1)))  # (q, ...)
        kept_or_dropped = ones if keepdim else y.shape[1:]
        return deliver(p.reshape(y, shape=(*fraction.shape, *kept_or_dropped)), out)

    quantile.__name__ = quantile.__qualname__ = name
    quantile.__doc__ = doc
    return numpy_names(quantile)


def _fraction(name: str, q: Any, x: Node) -> Node:
    """`q` as a node, checked: a number or a tensor of at most one dimension, within [0, 1]."""
    if x.dtype not in (dtypes.float32, dtypes.float64):
        raise dtype_error(name, "input tensor must be either float or double dtype", x.dtype)
    if x.size == 0:
        raise runtime_error(name, "input tensor must be non-empty", list(x.shape))
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise runtime_error(name, "q must be in the range [0, 1]", q)
        return scalar(q, x.dtype)
    node = q._read()
    if node.ndim > 1:
        raise runtime_error(name, "q must be a scalar or 1D tensor", list(node.shape))
    if node.dtype is not x.dtype:
        raise dtype_error(name, "q tensor must be same dtype as the input tensor", f"{node.dtype} and {x.dtype}")
    return p.require(node, (node >= 0) & (node <= 1), message=f"{name}: q values must be in the range [0, 1]")


def _at_fractions(rows: Node, fraction: Node, interpolation: str, ignore_nan: bool) -> Node:
    """What stands at each fraction of the way through the sorted rows (..., n): (..., q)."""
    last = rows.ndim - 1
    n = rows.shape[last]
    ordered = p.gather(rows, p.argsort(rows, axis=last), axis=last)
    numbers = p.convert(p.bitwise_not(p.isnan(rows)), dtype=rows.dtype)
    present = kept(reduce_sum(numbers, axes=(last,)), rows.shape, (last,))  # (..., 1)
    if ignore_nan:
        rank = p.clamp_min(at_least_1d(fraction) * (present - 1), 0)
    else:  # NaN stand last: with one of them, the last is the answer
        rank = p.where(p.lt(present, n), n - 1, at_least_1d(fraction) * (n - 1))
    rounding = {"lower": p.floor, "higher": p.ceil, "nearest": p.round}.get(interpolation, p.floor)
    below = rounding(rank)
    low = p.gather(ordered, p.convert(below, dtype=dtypes.int64), axis=last)
    if interpolation not in ("linear", "midpoint"):
        return low
    high = p.gather(ordered, p.convert(p.ceil(rank), dtype=dtypes.int64), axis=last)
    weight = scalar(0.5, rows.dtype) if interpolation == "midpoint" else rank - below
    # From the nearer end, so that a weight of 1 gives `high` exactly.
    return p.where(weight < 0.5, low + weight * (high - low), high - (high - low) * (1 - weight))


quantile = _quantile(
    "quantile",
    ignore_nan=False,
    doc="""The value below which the fraction `q` of the elements along `dim` (or of all) lies; NaN if one is NaN.

    q: a number or a tensor of at most one dimension, in [0, 1]; its dimension comes first in the result.
    interpolation: between the two nearest elements: "linear", "lower", "higher", "midpoint" or "nearest".

    Raises: RuntimeError for a dtype other than float32 and float64, an empty input, or q outside [0, 1].
    """,
)
nanquantile = _quantile(
    "nanquantile", ignore_nan=True, doc="As `quantile`, of the elements that are not NaN; NaN where there is no other."
)


METHODS: dict[str, Callable[..., Any]] = {
    "median": median, "nanmedian": nanmedian, "mode": mode, "quantile": quantile, "nanquantile": nanquantile,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
