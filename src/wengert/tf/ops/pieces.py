"""Tensors put together and taken apart: concat, stack, split; parts chosen by places, by masks, by slices."""

from __future__ import annotations

from builtins import slice as _slice
from math import prod
from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import BOOL, INDEX, accept, alike, axis_in, integer, ints
from wengert.tf.ops.core import fresh, w
from wengert.tf.tensor import shown

# --- together and apart -----------------------------------------------------------------------------------------------


def _parts(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else list(fresh(values).unbind(0))


@face()
def concat(values: Any, axis: Any, name: Optional[str] = "concat") -> Any:
    """Tensors one after another along an axis.

    Raises: InvalidArgumentError for dtypes, ranks or sizes that do not fit; ValueError for no tensors.
    """
    parts = _parts(values) if isinstance(values, (list, tuple)) else [fresh(values)]
    if not parts:
        raise ValueError("concat: a list of at least one tensor is needed")
    parts = alike("ConcatV2", *parts)
    first = parts[0]
    if not first.ndim:
        raise invalid("ConcatOp: Expected concatenating dimensions in the range [0, 0), but got scalars [Op:ConcatV2]")
    axis = axis_in(axis, first.ndim, "ConcatV2")
    for part in parts[1:]:
        same = part.ndim == first.ndim and all(n == m for i, (n, m) in enumerate(zip(part.shape, first.shape)) if i != axis)
        if not same:
            raise invalid(
                f"ConcatOp : Dimension mismatch: shapes {list(first.shape)} and {list(part.shape)} along axis {axis} "
                "[Op:ConcatV2]"
            )
    return w.cat(parts, axis)


@face()
def stack(values: Any, axis: Any = 0, name: Optional[str] = "stack") -> Any:
    """Tensors of one shape side by side along a new axis.

    Raises: InvalidArgumentError for dtypes or shapes that differ; ValueError for an axis beyond the result.
    """
    if isinstance(values, (list, tuple)) and not any([hasattr(value, "dtype") for value in values]):
        values = fresh(list(values))  # numbers and lists: one array, whose dtype is that of them all
    parts = alike("Pack", *_parts(values))
    for part in parts[1:]:
        if part.shape != parts[0].shape:
            raise invalid(
                f"Shapes of all inputs must match: values[0].shape = {list(parts[0].shape)} != {list(part.shape)} [Op:Pack]"
            )
    if not -parts[0].ndim - 1 <= integer(axis) <= parts[0].ndim:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-parts[0].ndim - 1}, {parts[0].ndim + 1})")
    return w.stack(parts, integer(axis))


@face("value")
def unstack(value: Any, num: Any = None, axis: Any = 0, name: Optional[str] = "unstack") -> Any:
    """The slices along an axis, as a list. Raises: ValueError for an axis or a number of slices that is not there."""
    axis = integer(axis)
    if not -value.ndim <= axis < value.ndim:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-value.ndim}, {value.ndim})")
    if num is not None and integer(num) != value.shape[axis]:
        raise invalid(f"Input shape axis {axis} must equal {integer(num)}, got shape {list(value.shape)} [Op:Unpack]")
    return list(value.unbind(axis))


@face("value")
def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: Optional[str] = "split") -> Any:
    """So many equal parts along an axis, or parts of these sizes, one of which may be -1.

    Raises: InvalidArgumentError for sizes that do not add up to the axis.
    """
    axis = axis_in(axis, value.ndim, "Split")
    n = value.shape[axis]
    if isinstance(num_or_size_splits, int) or getattr(num_or_size_splits, "ndim", 1) == 0:
        count = integer(num_or_size_splits)
        if count < 1 or n % count:
            raise invalid(
                f"Number of ways to split should evenly divide the split dimension, but got split_dim {axis} (size "
                f"= {n}) and num_split {count} [Op:Split]"
            )
        return list(w.split(value, n // count, axis)) if n else [value] * count
    sizes = list(ints(num_or_size_splits))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = n - sum(sizes) - 1
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise invalid(
            f"Determined shape must either match input shape along split_dim {axis} exactly if fully specified: "
            f"sizes {sizes} for {n} [Op:SplitV]"
        )
    return list(w.split(value, sizes, axis))


# --- by places --------------------------------------------------------------------------------------------------------


@face("params", "indices")
def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: Any = 0,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The slices of an axis at these places. The first `batch_dims` axes of both go along with each other.

    Raises: InvalidArgumentError for places that are no integers or not there, and axes that do not fit.
    """
    accept("GatherV2", INDEX, indices)
    batch = integer(batch_dims)
    batch = batch + indices.ndim if batch < 0 else batch
    if batch > min(indices.ndim, params.ndim) or not params.ndim:
        raise invalid(f"batch_dims ({batch}) must be at most the rank of params and of indices [Op:GatherV2]")
    axis = batch if axis is None else axis_in(axis, params.ndim, "GatherV2")
    if axis < batch:
        raise invalid(f"batch_dims ({batch}) must be less than or equal to axis ({axis}) [Op:GatherV2]")
    if tuple(params.shape[:batch]) != tuple(indices.shape[:batch]):
        raise invalid(
            f"params.shape[:{batch}] {list(params.shape[:batch])} should be equal to indices.shape[:{batch}] "
            f"{list(indices.shape[:batch])} [Op:GatherV2]"
        )
    places, chosen = indices.to(w.int64), tuple(indices.shape[batch:])
    before, after = tuple(params.shape[:axis]), tuple(params.shape[axis + 1 :])
    if not batch:
        return w.index_select(params, axis, places.reshape(-1)).reshape(*before, *chosen, *after)
    count, outer, inner, m = prod(before[:batch]), prod(before[batch:]), prod(after), prod(chosen)
    rows = params.reshape(count, outer, params.shape[axis], inner)
    where = places.reshape(count, 1, m, 1).expand(count, outer, m, inner)
    return w.gather(rows, 2, where).reshape(*before, *chosen, *after)


def flat_places(indices: Any, sizes: tuple[int, ...], outside: int) -> Any:
    """Rows of coordinates (..., k) as places of the flat tensor; `outside` for one that is not there."""
    parts = indices.to(w.int64).unbind(-1) if sizes else ()
    place, valid = w.zeros(tuple(indices.shape[:-1]), dtype=w.int64), w.ones(tuple(indices.shape[:-1]), dtype=w.bool)
    for part, n in zip(parts, sizes):
        place = place * n + part
        valid = valid & (part >= 0) & (part < n)
    return w.where(valid, place, outside)


def _check_depth(params: Any, indices: Any, operation: str) -> int:
    accept(operation, INDEX, indices)
    depth = indices.shape[-1] if indices.ndim else 0
    if not indices.ndim or depth > params.ndim:
        raise invalid(
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {params.ndim} [Op:{operation}]"
        )
    return int(depth)


@face("params", "indices")
def gather_nd(params: Any, indices: Any, batch_dims: Any = 0, name: Optional[str] = None, bad_indices_policy: str = "") -> Any:
    """The slices of params at rows of coordinates: the last axis of `indices` counts axes of params.

    Raises: InvalidArgumentError for coordinates that are not there, or more of them than axes.
    """
    batch = integer(batch_dims)
    if batch:
        steps = [w.arange(n).reshape([n if i == j else 1 for j in range(indices.ndim)]) for i, n in
                 enumerate(indices.shape[:batch])]  # fmt: skip
        lead = [w.broadcast_to(step, (*indices.shape[:-1], 1)) for step in steps]
        indices = w.cat([*lead, indices.to(w.int64)], -1)
    depth = _check_depth(params, indices, "GatherNd")
    sizes, rest = tuple(params.shape[:depth]), tuple(params.shape[depth:])
    places = flat_places(indices, sizes, -1)
    rows = params.reshape(prod(sizes), *rest)
    return w.index_select(rows, 0, places.reshape(-1)).reshape(*indices.shape[:-1], *rest)


@face("tensor", "mask")
def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: Optional[str] = "boolean_mask") -> Any:
    """The slices where the mask holds; its axes are those of the tensor from `axis` on.

    Raises: ValueError for a mask without axes or of another shape, InvalidArgumentError for one that is not bool.
    """
    accept("boolean_mask", frozenset([w.bool]), mask)
    start = 0 if axis is None else integer(axis)
    if not mask.ndim:
        raise ValueError("mask cannot be scalar.")
    if tuple(tensor.shape[start : start + mask.ndim]) != tuple(mask.shape):
        raise ValueError(f"Shapes {tuple(tensor.shape[start : start + mask.ndim])} and {tuple(mask.shape)} are incompatible")
    flat = tensor.reshape(*tensor.shape[:start], mask.numel(), *tensor.shape[start + mask.ndim :])
    return w.index_select(flat, start, w.nonzero(mask.reshape(-1))[:, 0])


@face()
def where(condition: Any, x: Any = None, y: Any = None, name: Optional[str] = None) -> Any:
    """x where the condition holds, else y; of a condition alone, the places where it does (int64, a row each).

    Raises: ValueError when only one of x and y is given; InvalidArgumentError for dtypes or shapes that do not fit.
    """
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    condition = fresh(condition)
    if x is None:
        return w.argwhere(condition)
    accept("SelectV2", BOOL, condition)
    x, y = alike("SelectV2", x, y)
    return w.where(condition, x, y)


# --- slices -----------------------------------------------------------------------------------------------------------


@face("input_")
def slice(input_: Any, begin: Any, size: Any, name: Optional[str] = None) -> Any:
    """From `begin` on, `size` elements along each axis; -1 takes the rest.

    Raises: InvalidArgumentError for parts that are not there.
    """
    starts, sizes = ints(begin), ints(size)
    if len(starts) != input_.ndim or len(sizes) != input_.ndim:
        raise invalid(
            f"Expected begin and size arguments to be 1-D tensors of size {input_.ndim}, but got {len(starts)} and "
            f"{len(sizes)} [Op:Slice]"
        )
    for axis, (start, count) in enumerate(zip(starts, sizes)):
        n = input_.shape[axis]
        count = n - start if count == -1 else count
        if not 0 <= start <= n or not 0 <= count <= n - start:
            raise invalid(
                f"Expected begin[{axis}] in [0, {n}] and size[{axis}] in [0, {n - start}], but got {start} and "
                f"{count} [Op:Slice]"
            )
        input_ = input_.narrow(axis, start, count)
    return input_


@face("input_")
def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """``input_[begin:end:strides]``; a bit of a mask says of a place that it has no begin, no end, is `...`, a new axis or
    one position."""
    starts, ends = ints(begin), ints(end)
    steps = (1,) * len(starts) if strides is None else ints(strides)
    entries: list[Any] = []
    for i, (start, stop, step) in enumerate(zip(starts, ends, steps)):
        bit = 1 << i
        if ellipsis_mask & bit:
            entries.append(Ellipsis)
        elif new_axis_mask & bit:
            entries.append(None)
        elif shrink_axis_mask & bit:
            entries.append(start)
        else:
            first = None if begin_mask & bit else start
            entries.append(_slice(first, None if end_mask & bit else stop, step))
    return shown(input_)[tuple(entries)]


__all__ = [
    "boolean_mask", "concat", "gather", "gather_nd", "slice", "split", "stack", "strided_slice",
    "unstack", "where",
]  # fmt: skip
