"""Counting: how often numbers come, whether they rise, which are among the largest."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import (
    accept,
    integer,
    like,
)
from wengert.tf.ops.core import fresh, w


def _steps(x: Any) -> Any:
    flat = x.reshape(-1)
    return flat[1:], flat[:-1]


@face("x")
def is_non_decreasing(x: Any, name: Optional[str] = None) -> Any:
    """Whether each element, read in order, is at least the one before."""
    after, before = _steps(x)
    return (after >= before).all()


@face("x")
def is_strictly_increasing(x: Any, name: Optional[str] = None) -> Any:
    """Whether each element, read in order, is more than the one before."""
    after, before = _steps(x)
    return (after > before).all()


@face("arr")
def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = w.int32,
    name: Optional[str] = None, axis: Any = None, binary_output: bool = False,
) -> Any:  # fmt: skip
    """How often each of 0, 1, 2 ... comes, or the sum of weights where it does; axis=-1 counts each row by itself.

    minlength, maxlength: how many numbers are counted at least and at most; larger ones are left out.
    binary_output: 1 for each that comes at all

    Raises: InvalidArgumentError for negative numbers, ValueError for another axis.
    """
    if axis not in (None, 0, -1):
        raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
    accept("Bincount", frozenset([w.int32, w.int64]), arr)
    if arr.numel() and bool((arr < 0).any()):
        raise invalid("Input arr must be non-negative! [Op:Bincount]")
    rows = arr.reshape(1, -1) if axis != -1 or arr.ndim < 2 else arr
    count = int(arr.max().item()) + 1 if arr.numel() else 0
    count = count if minlength is None else max(count, integer(minlength))
    count = count if maxlength is None else min(count, integer(maxlength))
    given = None if weights is None else fresh(weights)
    kind = given.dtype if given is not None else as_dtype(dtype)
    amounts = w.ones_like(rows, dtype=kind) if given is None else given.reshape(rows.shape)
    places = w.where(rows < count, rows, count).to(w.int64)  # one place more, for what is left out
    table = w.zeros((rows.shape[0], count + 1), dtype=kind).scatter_add(1, places, amounts)[:, :count]
    table = (table != 0).to(kind) if binary_output else table
    return table if rows is arr else table[0]


@face("labels", "predictions")
def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, weights: Any = None, dtype: Any = w.int32,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """How often each class (row) was predicted to be each (column), or the sum of weights.

    Raises: InvalidArgumentError for negative labels, or labels that are not below `num_classes`.
    """
    labels, predictions = labels.squeeze().to(w.int64), predictions.squeeze().to(w.int64)
    labels, predictions = labels.reshape(-1), predictions.reshape(-1)
    for what, x in (("labels", labels), ("predictions", predictions)):
        if x.numel() and bool((x < 0).any()):
            raise invalid(f"`{what}` contains negative values [Op:Assert]")
    top = max([int(x.max().item()) for x in (labels, predictions) if x.numel()], default=-1)
    n = top + 1 if num_classes is None else integer(num_classes)
    if top >= n:
        raise invalid(f"`labels` or `predictions` out of bound: {top} is not below num_classes={n} [Op:Assert]")
    amounts = w.ones_like(labels, dtype=as_dtype(dtype)) if weights is None else fresh(weights).to(as_dtype(dtype))
    return w.zeros(n * n, dtype=amounts.dtype).scatter_add(0, labels * n + predictions, amounts.reshape(-1)).reshape(n, n)


@face("values")
def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = w.int32, name: Optional[str] = None
) -> Any:
    """Which of `nbins` parts of one width of the range each value falls into; what lies outside goes to the ends.

    Raises: InvalidArgumentError for an empty range or no bins.
    """
    low, high = like("histogram", value_range, values).unbind(0)
    count = integer(nbins)
    if count <= 0:
        raise invalid(f"nbins should be a positive number, but got '{count}' [Op:histogram_fixed_width_bins]")
    if not bool((high > low).item()):
        raise invalid("value_range[0] must be below value_range[1] [Op:histogram_fixed_width_bins]")
    wide = values if values.dtype.is_floating_point else values.to(w.float64)
    share = (wide - low) / (high - low)
    return (share * count).floor().clamp(0, count - 1).to(as_dtype(dtype))


@face("values")
def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = w.int32, name: Optional[str] = None
) -> Any:
    """How many values fall into each part; see `histogram_fixed_width_bins`."""
    places = histogram_fixed_width_bins(values, value_range, nbins).reshape(-1).to(w.int64)
    ones = w.ones_like(places, dtype=as_dtype(dtype))
    return w.zeros(integer(nbins), dtype=ones.dtype).scatter_add(0, places, ones)


@face("targets", "predictions")
def in_top_k(targets: Any, predictions: Any, k: Any, name: Optional[str] = None) -> Any:
    """Whether each row's target is among its k largest predictions; ties count, what is not finite does not.

    Raises: InvalidArgumentError for shapes or dtypes that do not fit.
    """
    accept("InTopKV2", frozenset([w.int32, w.int64]), targets)
    accept("InTopKV2", frozenset([w.float32]), predictions)
    if predictions.ndim != 2 or targets.ndim != 1 or targets.shape[0] != predictions.shape[0]:
        raise invalid(
            f"predictions must be 2-dimensional and targets as many as their rows, got {list(predictions.shape)} "
            f"and {list(targets.shape)} [Op:InTopKV2]"
        )
    places = targets.to(w.int64)
    valid = (places >= 0) & (places < predictions.shape[1])
    chosen = w.gather(predictions, 1, w.where(valid, places, 0)[:, None])
    larger = (predictions > chosen).sum(1)
    return valid & (larger < integer(k)) & w.isfinite(chosen[:, 0])


__all__ = [
    "bincount", "confusion_matrix", "histogram_fixed_width", "histogram_fixed_width_bins", "in_top_k",
    "is_non_decreasing", "is_strictly_increasing",
]  # fmt: skip
