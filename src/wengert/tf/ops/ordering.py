"""Sorting, searching, distinct values, numbers kept within bounds."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import INEXACT, REAL, accept, alike, axes_in, axis_in, integer, like
from wengert.tf.ops.core import fresh, w


class TopKV2(NamedTuple):
    """The largest values, and where they are."""

    values: Any
    indices: Any


class Unique(NamedTuple):
    """The distinct values, and for each element which one it is."""

    y: Any
    idx: Any


class UniqueWithCounts(NamedTuple):
    """As `Unique`, and how often each comes."""

    y: Any
    idx: Any
    count: Any


def _descending(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"Argument `direction` should be one of 'ASCENDING' or 'DESCENDING'. Received: direction={direction}")
    return direction == "DESCENDING"


@face("values")
def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: Optional[str] = None) -> Any:
    """The elements of an axis in order. Raises: ValueError for another direction."""
    down = _descending(direction)
    accept("TopKV2", REAL, values)
    return w.sort(values, dim=axis_in(axis, values.ndim, "sort"), descending=down, stable=True)[0]


@face("values")
def argsort(values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: Optional[str] = None) -> Any:
    """Where the elements of an axis are in order; of equal ones the first comes first. Raises: ValueError for another
    direction."""
    down = _descending(direction)
    accept("TopKV2", REAL, values)
    return w.argsort(values, dim=axis_in(axis, values.ndim, "argsort"), descending=down, stable=True).to(w.int32)


@face("input")
def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = w.int32, name: Optional[str] = None) -> Any:
    """The k largest of the last axis, and where; of equal ones the first comes first.

    Raises: InvalidArgumentError for a k larger than the axis, and dtypes that have no order.
    """
    accept("TopKV2", REAL, input)
    if not input.ndim or not 0 <= integer(k) <= input.shape[-1]:
        raise invalid(
            f"input must have at least k columns. Had {input.shape[-1] if input.ndim else 0}, needed {integer(k)} [Op:TopKV2]"
        )
    order = w.argsort(input, dim=-1, descending=True, stable=True).narrow(-1, 0, integer(k))
    return TopKV2(w.gather(input, -1, order), order.to(as_dtype(index_type)))


def _approximate(largest: bool) -> Any:
    @face("operand")
    def extreme_k(
        operand: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
        reduction_input_size_override: int = -1, aggregate_to_topk: bool = True, name: Optional[str] = None,
    ) -> Any:  # fmt: skip
        axis = axis_in(reduction_dimension, operand.ndim, "ApproxTopK")
        order = w.argsort(operand, dim=axis, descending=largest, stable=True).narrow(axis, 0, k)
        return w.gather(operand, axis, order), order.to(w.int32)

    which = "largest" if largest else "smallest"
    extreme_k.__doc__ = f"The k {which} of an axis, and where. TensorFlow may miss some for speed; none is missed here."
    extreme_k.__name__ = f"approx_{'max' if largest else 'min'}_k"
    return extreme_k


approx_max_k, approx_min_k = _approximate(True), _approximate(False)


@face()
def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = w.int32, name: Optional[str] = None
) -> Any:
    """Where values would go into rows that are in order: before (left) or after (right) equal ones.

    Raises: InvalidArgumentError for rows that do not fit, ValueError for another side.
    """
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'.")
    rows, values = alike("searchsorted", sorted_sequence, values)
    if rows.ndim != values.ndim or rows.shape[:-1] != values.shape[:-1]:
        raise invalid(
            f"Leading dim_size of both tensors must match, got {list(rows.shape)} and {list(values.shape)} [Op:LowerBound]"
        )
    return w.searchsorted(rows.contiguous(), values.contiguous(), side=side).to(as_dtype(out_type))


def _distinct(x: Any, operation: str) -> tuple[Any, Any, Any]:
    """The distinct values in the order in which they come, which one each element is, and how often each comes."""
    if x.ndim != 1:
        raise invalid(f"unique expects a 1D vector, got shape {list(x.shape)} [Op:{operation}]")
    values, which, counts = w.unique(x, return_inverse=True, return_counts=True)
    n = values.shape[0]
    first = w.full((n,), x.shape[0]).scatter_reduce(0, which, w.arange(x.shape[0]), reduce="amin")
    order = w.argsort(first)
    place = w.zeros(n, dtype=w.int64).scatter(0, order, w.arange(n))
    return values[order], w.index_select(place, 0, which), counts[order]


@face("x")
def unique(x: Any, out_idx: Any = w.int32, name: Optional[str] = None) -> Any:
    """The distinct values of a vector in the order in which they come, and which one each element is.

    Raises: InvalidArgumentError for what is no vector.
    """
    values, which, _ = _distinct(x, "Unique")
    return Unique(values, which.to(as_dtype(out_idx)))


@face("x")
def unique_with_counts(x: Any, out_idx: Any = w.int32, name: Optional[str] = None) -> Any:
    """As `unique`, and how often each value comes. Raises: InvalidArgumentError for what is no vector."""
    values, which, counts = _distinct(x, "UniqueWithCounts")
    return UniqueWithCounts(values, which.to(as_dtype(out_idx)), counts.to(as_dtype(out_idx)))


# --- within bounds ----------------------------------------------------------------------------------------------------


@face()
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: Optional[str] = None) -> Any:
    """min(max(t, low), high). The derivative flows to t between the bounds, and at them.

    Raises: InvalidArgumentError for dtypes or shapes that do not fit.
    """
    t = fresh(t)
    low, high = like("ClipByValue", clip_value_min, t), like("ClipByValue", clip_value_max, t)
    y = w.clamp(t, low, high)
    if y.shape != t.shape:
        raise invalid(f"Incompatible shapes: {list(y.shape)} vs. {list(t.shape)} [Op:ClipByValue]")
    return y


@face()
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: Optional[str] = None) -> Any:
    """t, made shorter to the norm (over axes) where it is longer."""
    t = fresh(t)
    accept("clip_by_norm", INEXACT, t)
    limit = like("clip_by_norm", clip_norm, t)
    squares = (t * t).sum(axes_in(axes, t.ndim, "clip_by_norm"), keepdim=True) if t.ndim else t * t
    positive = squares > 0
    length = w.where(positive, w.sqrt(w.where(positive, squares, w.ones_like(squares))), squares)
    return t * limit / w.maximum(length, limit)


@face()
def global_norm(t_list: Any, name: Optional[str] = None) -> Any:
    """The square root of the sum of all squares of several tensors; None among them is left out."""
    _need_sequence(t_list)
    squares = [(x * x).sum() for x in [fresh(_dense(t)) for t in t_list if t is not None]]
    return w.sqrt(w.stack(squares).sum())


@face()
def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: Optional[str] = None) -> Any:
    """The tensors, all made shorter by one factor where their common norm is larger; and that norm. NaN for all where it
    is infinite."""
    _need_sequence(t_list)
    norm = fresh(global_norm(t_list) if use_norm is None else use_norm)
    limit = like("clip_by_global_norm", clip_norm, norm)
    scale = limit * w.minimum(1 / norm, 1 / limit)
    scale = scale + (norm - norm)  # NaN where the norm is not finite
    scaled = [None if t is None else (lambda x: x * scale.to(x.dtype))(fresh(_dense(t))) for t in t_list]
    return scaled, norm


def _dense(t: Any) -> Any:
    """IndexedSlices as the tensor that they stand for."""
    return t.values if hasattr(t, "values") and hasattr(t, "indices") else t


def _need_sequence(t_list: Any) -> None:
    if not isinstance(t_list, (list, tuple)):
        raise TypeError(f"t_list should be a sequence. Received {type(t_list)}.")


__all__ = [
    "approx_max_k", "approx_min_k", "argsort", "clip_by_global_norm", "clip_by_norm", "clip_by_value",
    "global_norm", "searchsorted", "sort", "top_k", "unique", "unique_with_counts",
]  # fmt: skip
