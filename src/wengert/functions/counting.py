"""Counts: how many elements fall where, and which distinct ones there are. No derivative flows through a count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Optional, Union

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import dtype_error, runtime_error
from wengert.functions import return_types
from wengert.functions.axes import axis_of, flat
from wengert.functions.operands import deliver, node_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["bincount", "histc", "histogram", "histogramdd", "unique", "unique_consecutive"]


# --- histograms ------------------------------------------------------------------------------------------------------


def bincount(input: Tensor, weights: Optional[Tensor] = None, minlength: int = 0) -> Tensor:
    """y[k] = how often the integer k occurs, or the sum of the weights where it does; max(input) + 1 entries, or
    `minlength` if that is more. int64; with weights float32 for float32 ones, else float64.

    Raises: RuntimeError for an input that is not one-dimensional, integral and non-negative, and for weights of another
    shape.

    Example:
        >>> import wengert as w
        >>> w.bincount(w.tensor([0, 2, 2, 5])).tolist()
        [1, 0, 2, 0, 0, 1]
    """
    x = node_of(input, "bincount")
    if x.dtype.category != dtypes.INTEGER:
        raise dtype_error("bincount", "an integral dtype", x.dtype)
    if minlength < 0:
        raise runtime_error("bincount", "minlength should be >= 0", minlength)
    values = value_of(x)
    if x.ndim != 1 or (x.size and values.min() < 0):
        raise runtime_error("bincount", "only supports 1-d non-negative integral inputs", list(x.shape))
    w = None if weights is None else node_of(weights, "bincount", "weights")
    if w is not None and w.shape != x.shape:
        raise runtime_error("bincount", "weights should be 1-d and have the same length as input", (w.shape, x.shape))
    size = max(int(values.max()) + 1 if x.size else 0, minlength)
    if w is None or not x.size:
        ones = p.full(scalar(1, dtypes.int64), shape=x.shape)
        return wrap(_tally(x, ones, size))
    return wrap(p.stop_gradient(_tally(x, move(w, w.dtype if w.dtype is dtypes.float32 else dtypes.float64), size)))


def _tally(position: Node, amounts: Node, size: int) -> Node:
    """y[k] = the sum of the amounts whose position is k."""
    zeros = p.full(scalar(0, amounts.dtype), shape=(size,))
    return p.scatter_add(zeros, move(position, dtypes.int64), amounts, axis=0)


def _floating_values(name: str, input: Tensor) -> tuple[Node, Any]:
    x = node_of(input, name)
    if not x.dtype.is_floating_point:
        raise dtype_error(name, "a floating dtype", x.dtype)
    return flat(x), value_of(x)


def _limits(name: str, values: Any, low: float, high: float, by: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float]:
    """The range of the bins: as given; from the data when both ends are the same; widened `by` so much to either side
    when those are too."""
    if low == high and values.size:
        low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        hint = "give min and max, or remove NaN and inf"
        raise runtime_error(name, f"range of [{low}, {high}] is not finite", None, hint)
    if low > high:
        raise runtime_error(name, "max must be larger than min", f"min={low}, max={high}")
    return (low - by[0], high + by[1]) if low == high else (low, high)


def histc(input: Tensor, bins: int = 100, min: Any = 0, max: Any = 0, *, out: Optional[Tensor] = None) -> Tensor:
    """How many elements fall into each of `bins` equal parts of [min, max], in the dtype of the input. The last part
    includes its end; elements outside and NaN are not counted; with min == max the range is that of the data.

    Raises: RuntimeError for a dtype that is not floating, bins < 1, max < min, or a range that is not finite.
    """
    x, values = _floating_values("histc", input)
    if bins < 1:
        raise runtime_error("histc", "bins must be > 0", bins)
    low, high = _limits("histc", values, float(min), float(max))
    inside = (x >= low) & (x <= high)
    position = p.convert(p.where(inside, (x - low) * bins / (high - low), 0), dtype=dtypes.int64)
    counted = _tally(p.clamp_max(position, bins - 1), p.convert(inside, dtype=x.dtype), bins)
    return deliver(counted, out)


def histogram(
    input: Tensor,
    bins: Union[int, Tensor],
    *,
    range: Optional[Sequence[float]] = None,
    weight: Optional[Tensor] = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """The pair (hist, bin_edges): how many elements, or what weight of them, lies between neighbouring edges. The last
    bin includes its end.

    bins: their number, in equal parts of `range` (of the data's, unless given); or the edges, ascending.
    density: divided by the total and the width of each bin, so that it integrates to 1.

    Raises: RuntimeError for a dtype that is not floating, bins < 1, a weight of another shape, a range not finite.
    """
    x, values = _floating_values("histogram", input)
    if isinstance(bins, Tensor):
        edges = node_of(bins, "histogram", "bins")
        if edges.ndim != 1 or edges.dtype is not x.dtype or edges.size == 0:
            raise runtime_error("histogram", f"bin edges of one dimension and dtype {x.dtype}", str(edges.type))
    else:
        if bins < 1:
            raise runtime_error("histogram", "bins must be > 0", bins)
        first, last = (0.0, float(not values.size)) if range is None else map(float, range)
        low, high = _limits("histogram", values, first, last, by=(0.5, 0.5))
        edges = _equal_edges(low, high, bins, x.dtype)
    amounts = p.full(scalar(1, x.dtype), shape=x.shape)
    if weight is not None:
        w = node_of(weight, "histogram", "weight")
        if w.shape != tuple(input.shape) or w.dtype is not x.dtype:
            raise runtime_error("histogram", f"weight of the input's shape {list(input.shape)} and dtype", str(w.type))
        amounts = flat(w)
    number = edges.size - 1
    position, inside = _place(x, edges)
    hist = _tally(position, p.where(inside, amounts, 0), number)
    if density:
        width = p.slice(edges, index=((1, number + 1, 1),)) - p.slice(edges, index=((0, number, 1),))
        hist = hist / p.reduce_sum(hist, axes=(0,)) / width
    targets = (None, None) if out is None else out
    return return_types.histogram(*[deliver(p.stop_gradient(y), to) for y, to in zip((hist, edges), targets)])


def _equal_edges(low: float, high: float, bins: int, dtype: DType) -> Node:
    """bins + 1 edges at equal distances, counted from the nearer end so that both ends are exact."""
    k = p.iota(n=bins + 1, dtype=dtype)
    step = (high - low) / bins
    return p.where(k < bins / 2, k * step + low, (k - bins) * step + high)


def _entry(x: Node, k: int) -> Node:
    return p.slice(x, index=(k,))


def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Optional[Sequence[float]] = None,
    weight: Optional[Tensor] = None,
    density: bool = False,
    out: Any = None,
) -> Any:
    """The pair (hist, list of bin_edges) for rows (..., D) as points of D dimensions: how many points, or what weight of
    them, lie in each box between neighbouring edges.

    bins: a number for all dimensions, one for each, or the edges of each. range: (low, high) of one dimension after the
    other. density: divided by the total and the volume of each box.

    Raises: RuntimeError for a dtype that is not floating, bins < 1, or a length that is not D.
    """
    x = node_of(input, "histogramdd")
    if not x.dtype.is_floating_point or x.ndim < 2:
        raise runtime_error("histogramdd", "a floating tensor of points (..., D)", str(x.type))
    count = x.shape[-1]
    points = p.reshape(x, shape=(x.size // count if count else 0, count))
    asked = [bins] * count if isinstance(bins, int) else list(bins)
    if len(asked) != count or (range is not None and len(range) != 2 * count):
        raise runtime_error("histogramdd", f"bins and range of {count} dimensions", (bins, range))
    ranges = [None if range is None else list(range[2 * d : 2 * d + 2]) for d in _numbers(count)]
    axes = [_axis_edges(p.slice(points, index=((0, points.shape[0], 1), d)), asked[d], ranges[d]) for d in _numbers(count)]
    shape = tuple([edges.size - 1 for edges in axes])
    amounts = p.full(scalar(1, x.dtype), shape=(points.shape[0],))
    if weight is not None:
        amounts = flat(node_of(weight, "histogramdd", "weight"))
    place, inside = scalar(0, dtypes.int64), scalar(True, dtypes.bool_)
    for d, edges in enumerate(axes):
        at, within = _place(p.slice(points, index=((0, points.shape[0], 1), d)), edges)
        place, inside = place * shape[d] + at, inside & within
    hist = p.reshape(_tally(p.where(inside, place, 0), p.where(inside, amounts, 0), prod(shape)), shape=shape)
    if density:
        hist = hist / p.reduce_sum(hist, axes=tuple(_numbers(count)))
        for d, edges in enumerate(axes):
            width = p.slice(edges, index=((1, edges.size, 1),)) - p.slice(edges, index=((0, edges.size - 1, 1),))
            hist = hist / p.reshape(width, shape=tuple([n if i == d else 1 for i, n in enumerate(shape)]))
    edges_out = [deliver(p.stop_gradient(edges)) for edges in axes]
    return return_types.histogramdd(deliver(p.stop_gradient(hist), out[0] if out else None), edges_out)


_numbers = range


def _axis_edges(values: Node, bins: Any, ends: Optional[list[float]]) -> Node:
    if isinstance(bins, Tensor):
        return node_of(bins, "histogramdd", "bins")
    if bins < 1:
        raise runtime_error("histogramdd", "bins must be > 0", bins)
    array = value_of(values)
    first, last = ends or (0.0, float(not array.size))
    low, high = _limits("histogramdd", array, first, last, by=(0.5, 0.5))
    return _equal_edges(low, high, bins, values.dtype)


def _place(x: Node, edges: Node) -> tuple[Node, Node]:
    """The bin of each number, and whether it is in any."""
    number = edges.size - 1
    first, last = _entry(edges, 0), _entry(edges, number)
    inside = (x >= first) & (x <= last)
    return p.clamp_max(p.searchsorted(edges, p.where(inside, x, first), right=True) - 1, number - 1), inside


# --- distinct elements -----------------------------------------------------------------------------------------------


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Optional[int] = None,
) -> Any:
    """The distinct elements in ascending order (also with sorted=False), or the distinct slices along `dim`.

    return_inverse: also where each element stands in the result. return_counts: also how often it occurs. Each NaN is
    distinct from every other. The number of results depends on the values, so they are computed at once.

    Example:
        >>> import wengert as w
        >>> values, counts = w.unique(w.tensor([3, 1, 3]), return_counts=True)
        >>> values.tolist(), counts.tolist()
        ([1, 3], [1, 2])
    """
    x, axis = _along("unique", input, dim)
    _, first, inverse, counts = np.unique(
        _sortable(x), return_index=True, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    shape = input.shape if dim is None else (x.shape[axis],)
    extra = [inverse.reshape(shape)] * return_inverse + [counts] * return_counts
    return _distinct(x, axis, first, extra)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: Optional[int] = None
) -> Any:
    """The elements that differ from the one before them, or such slices along `dim`.

    return_inverse: also where each element stands in the result. return_counts: also the length of each run.
    """
    x, axis = _along("unique_consecutive", input, dim)
    values = _sortable(x)
    n = values.shape[axis]
    rows = np.moveaxis(values, axis, 0).reshape(n, values.size // max(n, 1))
    starts = np.ones(n, bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(1)
    first = np.flatnonzero(starts)
    inverse = (np.cumsum(starts) - 1).reshape(input.shape if dim is None else (n,))
    extra = [inverse] * return_inverse + [np.diff(np.append(first, n))] * return_counts
    return _distinct(x, axis, first, extra)


def _along(name: str, input: Tensor, dim: Optional[int]) -> tuple[Node, int]:
    """The node and the axis along which to look: all elements in a row when `dim` is None."""
    x = node_of(input, name)
    if dim is None or x.ndim == 0:
        return flat(x), 0
    return x, axis_of(dim, x.ndim, name)


def _sortable(x: Node) -> Any:
    values = value_of(x)
    return values.astype(np.float32) if x.dtype is dtypes.bfloat16 else values


def _distinct(x: Node, axis: int, first: Any, extra: list[Any]) -> Any:
    """The distinct elements, alone or with what else was asked for. They are read from x, so a derivative flows to
    where each stands first."""
    values = wrap(p.take(x, _integers(first), axis=axis))
    return (values, *[wrap(_integers(array)) for array in extra]) if extra else values


def _integers(array: Any) -> Node:
    array = np.array(array, np.int64, order="C")
    return literal(array, array_type(array.shape, dtypes.int64))


METHODS: dict[str, Callable[..., Any]] = {
    "bincount": bincount, "histc": histc, "histogram": histogram, "unique": unique,
    "unique_consecutive": unique_consecutive,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
