"""Values put at places: scatter_nd and its kind, segments, partitions."""

from __future__ import annotations

from math import prod
from typing import Any, Optional

import numpy as np

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import INDEX, NUMERIC, REAL, accept, alike, integer, ints
from wengert.tf.ops.core import fresh, w
from wengert.tf.ops.pieces import flat_places

# --- rows of coordinates ----------------------------------------------------------------------------------------------


def _scattered(into: Any, indices: Any, updates: Any, reduce: Any, operation: str) -> Any:
    """`into` with the updates put (reduce None) or reduced at rows of coordinates."""
    accept(operation, INDEX, indices)
    depth = indices.shape[-1] if indices.ndim else 0
    sizes, rest = tuple(into.shape[:depth]), tuple(into.shape[depth:])
    if not indices.ndim or depth > into.ndim or tuple(updates.shape) != (*indices.shape[:-1], *rest):
        raise invalid(
            f"Dimensions must fit: indices {list(indices.shape)}, updates {list(updates.shape)}, output "
            f"{list(into.shape)} [Op:{operation}]"
        )
    rows, values = into.reshape(prod(sizes), *rest), updates.reshape(-1, *rest)
    places = flat_places(indices, sizes, prod(sizes)).reshape(-1)  # a place outside is one that is not there
    if reduce == "sum":
        y = rows.index_add(0, places, values)
    elif reduce is None:
        y = rows.index_copy(0, places, values) if rest else rows.scatter(0, places, values)
    else:
        y = rows.index_reduce(0, places, values, reduce)
    return y.reshape(tuple(into.shape))


@face("indices", "updates")
def scatter_nd(indices: Any, updates: Any, shape: Any, name: Optional[str] = None, bad_indices_policy: str = "") -> Any:
    """Zeros of the shape, to which the updates are added at rows of coordinates.

    Raises: InvalidArgumentError for shapes that do not fit or coordinates that are not there.
    """
    return _scattered(w.zeros(ints(shape), dtype=updates.dtype), indices, updates, "sum", "ScatterNd")


def _scatter(reduce: Any, operation: str, doc: str) -> Any:
    @face("indices")
    def scatter(tensor: Any, indices: Any, updates: Any, name: Optional[str] = None, bad_indices_policy: str = "") -> Any:
        tensor, updates = alike(operation, tensor, updates)
        if reduce == "difference":
            return _scattered(tensor, indices, -updates, "sum", operation)
        return _scattered(tensor, indices, updates, reduce, operation)

    scatter.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for shapes that do not fit or places that are not there."
    scatter.__name__ = scatter.__qualname__ = operation
    return scatter


@face("indices")
def tensor_scatter_nd_update(tensor: Any, indices: Any, updates: Any, name: Optional[str] = None) -> Any:
    """The tensor with values put at rows of coordinates.

    Raises: InvalidArgumentError for shapes that do not fit or places that are not there.
    """
    tensor, updates = alike("TensorScatterUpdate", tensor, updates)
    return _scattered(tensor, indices, updates, None, "TensorScatterUpdate")


tensor_scatter_nd_add = _scatter("sum", "TensorScatterAdd", "The tensor with values added at rows of coordinates.")
tensor_scatter_nd_sub = _scatter("difference", "TensorScatterSub", "The tensor with values taken away there.")
tensor_scatter_nd_max = _scatter("amax", "TensorScatterMax", "The tensor with the larger of what was there and is new.")
tensor_scatter_nd_min = _scatter("amin", "TensorScatterMin", "The tensor with the smaller of what was there and is new.")

# --- segments ---------------------------------------------------------------------------------------------------------


def _first(reduce: str, dtype: Any) -> Any:
    if reduce in ("sum", "prod"):
        return 0 if reduce == "sum" else 1
    about = w.finfo(dtype) if dtype.is_floating_point else w.iinfo(dtype)
    return about.min if reduce == "amax" else about.max


def _segments(data: Any, ids: Any, count: int, reduce: str) -> Any:
    """Rows with one id reduced; rows with a negative id are left out."""
    rest = tuple(data.shape[ids.ndim :])
    rows, ids = data.reshape(-1, *rest), ids.reshape(-1).to(w.int64)
    ids = w.where(ids < 0, count, ids)  # one segment more, which is left out
    into = w.full((count + 1, *rest), _first(reduce, data.dtype), dtype=data.dtype)
    if reduce == "sum":
        return into.index_add(0, ids, rows)[:count]
    where = ids.reshape(-1, *[1] * len(rest)).expand(rows.shape[0], *rest)
    return into.scatter_reduce(0, where, rows, reduce=reduce, include_self=True)[:count]


def _sizes(ids: Any, count: int, dtype: Any, ndim: int) -> Any:
    """How many rows each segment has, at least 1, to divide by."""
    sizes = _segments(w.ones(tuple(ids.shape), dtype=dtype), ids, count, "sum").clamp(min=1)
    return sizes.reshape(-1, *[1] * ndim)


def _check_ids(data: Any, ids: Any, operation: str, kind: Any) -> None:
    accept(operation, kind, data)
    accept(operation, INDEX, ids)
    if tuple(data.shape[: ids.ndim]) != tuple(ids.shape):
        raise invalid(
            f"data.shape = {list(data.shape)} does not start with segment_ids.shape = {list(ids.shape)} [Op:{operation}]"
        )


def _unsorted(reduce: str, operation: str, kind: Any, doc: str) -> Any:
    @face("data", "segment_ids")
    def segments(data: Any, segment_ids: Any, num_segments: Any, name: Optional[str] = None) -> Any:
        _check_ids(data, segment_ids, operation, kind)
        count = integer(num_segments)
        if reduce not in ("mean", "sqrt_n"):
            return _segments(data, segment_ids, count, reduce)
        total = _segments(data, segment_ids, count, "sum")
        sizes = _sizes(segment_ids, count, data.dtype, data.ndim - segment_ids.ndim)
        return total / (sizes if reduce == "mean" else w.sqrt(sizes))

    segments.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for dtypes or shapes that do not fit, ids out of range."
    segments.__name__ = segments.__qualname__ = operation
    return segments


def _sorted(reduce: str, operation: str, kind: Any, doc: str) -> Any:
    @face("data", "segment_ids")
    def segments(data: Any, segment_ids: Any, name: Optional[str] = None) -> Any:
        _check_ids(data, segment_ids, operation, kind)
        if segment_ids.ndim != 1:
            raise invalid(f"segment_ids should be a vector, got shape {list(segment_ids.shape)} [Op:{operation}]")
        ids = segment_ids
        if ids.numel() and bool((ids[1:] < ids[:-1]).any() | (ids[0] < 0)):
            raise invalid(f"segment ids are not increasing, or negative [Op:{operation}]")
        count = int(ids[-1].item()) + 1 if ids.numel() else 0
        if reduce == "mean":
            return _segments(data, ids, count, "sum") / _sizes(ids, count, data.dtype, data.ndim - 1)
        y = _segments(data, ids, count, reduce)
        if reduce in ("sum", "prod"):
            return y
        present = _segments(w.ones(tuple(ids.shape), dtype=w.int32), ids, count, "sum") > 0
        return w.where(present.reshape(-1, *[1] * (y.ndim - 1)), y, w.zeros_like(y))

    segments.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for dtypes or shapes that do not fit, ids out of order."
    segments.__name__ = segments.__qualname__ = operation
    return segments


segment_sum = _sorted("sum", "SegmentSum", NUMERIC, "The sums of rows with one id; ids rise.")
segment_prod = _sorted("prod", "SegmentProd", NUMERIC, "The products of rows with one id; ids rise.")
segment_mean = _sorted("mean", "SegmentMean", NUMERIC, "The means of rows with one id; ids rise; 0 for an id of no row.")
segment_max = _sorted("amax", "SegmentMax", REAL, "The largest of rows with one id; ids rise; 0 for an id of no row.")
segment_min = _sorted("amin", "SegmentMin", REAL, "The smallest of rows with one id; ids rise; 0 for an id of no row.")
unsorted_segment_sum = _unsorted("sum", "UnsortedSegmentSum", NUMERIC, "The sums of rows with one id.")
unsorted_segment_prod = _unsorted("prod", "UnsortedSegmentProd", NUMERIC, "The products of rows with one id.")
unsorted_segment_mean = _unsorted("mean", "UnsortedSegmentMean", NUMERIC, "The means of rows with one id.")
unsorted_segment_max = _unsorted("amax", "UnsortedSegmentMax", REAL, "The largest of rows with one id.")
unsorted_segment_min = _unsorted("amin", "UnsortedSegmentMin", REAL, "The smallest of rows with one id.")
unsorted_segment_sqrt_n = _unsorted(
    "sqrt_n", "UnsortedSegmentSqrtN", NUMERIC, "The sums of rows with one id, over the square root of their number."
)

# --- partitions: their sizes come from values, which are asked for ----------------------------------------------------


@face("data", "partitions")
def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: Optional[str] = None) -> Any:
    """The rows of each of `num_partitions` parts, as a list.

    Raises: InvalidArgumentError for shapes that do not fit or a part that is not there.
    """
    accept("DynamicPartition", frozenset([w.int32]), partitions)
    if tuple(data.shape[: partitions.ndim]) != tuple(partitions.shape):
        raise invalid(
            f"data.shape must start with partitions.shape, got data.shape = {list(data.shape)}, partitions.shape = "
            f"{list(partitions.shape)} [Op:DynamicPartition]"
        )
    which = partitions.reshape(-1)
    if which.numel() and bool(((which < 0) | (which >= num_partitions)).any()):
        raise invalid(f"partitions are not in [0, {num_partitions}) [Op:DynamicPartition]")
    rows = data.reshape(which.shape[0], *data.shape[partitions.ndim :])
    return [w.index_select(rows, 0, w.nonzero(which == part)[:, 0]) for part in range(num_partitions)]


@face()
def dynamic_stitch(indices: Any, data: Any, name: Optional[str] = None) -> Any:
    """Rows of several tensors, each at the place that its index names; of two for one place, the later.

    Raises: InvalidArgumentError for shapes that do not fit.
    """
    places, rows = [fresh(part) for part in indices], alike("DynamicStitch", *data)
    rest = tuple(rows[0].shape[places[0].ndim :])
    for place, row in zip(places, rows):
        accept("DynamicStitch", frozenset([w.int32]), place)
        if tuple(row.shape) != (*place.shape, *rest):
            raise invalid(
                f"data[0].shape = {list(rows[0].shape)} and data.shape = {list(row.shape)} do not fit indices of "
                f"shape {list(place.shape)} [Op:DynamicStitch]"
            )
    flat = w.cat([place.reshape(-1) for place in places]).to(w.int64)
    count = int(flat.max().item()) + 1 if flat.numel() else 0
    source = np.full(count, -1)
    source[flat.numpy()] = np.arange(flat.numel())
    table = w.cat([row.reshape(-1, *rest) for row in rows])
    chosen = w.tensor(source)
    found = w.index_select(table, 0, chosen.clamp(min=0))
    return w.where((chosen < 0).reshape(-1, *[1] * len(rest)), w.zeros_like(found), found)


__all__ = [
    "dynamic_partition", "dynamic_stitch", "scatter_nd", "segment_max", "segment_mean", "segment_min", "segment_prod",
    "segment_sum", "tensor_scatter_nd_add", "tensor_scatter_nd_max", "tensor_scatter_nd_min", "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update", "unsorted_segment_max", "unsorted_segment_mean", "unsorted_segment_min",
    "unsorted_segment_prod", "unsorted_segment_sqrt_n", "unsorted_segment_sum",
]  # fmt: skip
