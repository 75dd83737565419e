"""Elements by place: taking, sorting, searching, counting."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import wengert as w
from keras_wengert.ops.common import as_float, cast, convert_to_tensor, promoted, result_dtype, standardize_dtype


def take(x: Any, indices: Any, axis: Any = None) -> Any:
    """x at the indices along an axis; negative ones count from the end."""
    x, indices = convert_to_tensor(x), cast(indices, "int64")
    if axis is None:
        x, axis = x.reshape(-1), 0
    axis = axis % x.ndim
    indices = w.where(indices < 0, indices + x.shape[axis], indices)
    y = w.index_select(x, axis, indices.reshape(-1))
    return y.reshape(tuple(x.shape[:axis]) + tuple(indices.shape) + tuple(x.shape[axis + 1 :]))


def take_along_axis(x: Any, indices: Any, axis: Any = None) -> Any:
    """x at an index for each line along an axis."""
    x, indices = convert_to_tensor(x), cast(indices, "int64")
    if axis is None:
        x, indices, axis = x.reshape(-1), indices.reshape(-1), 0
    axis = axis % x.ndim
    n = x.shape[axis]
    indices = w.where(indices < 0, indices + n, indices)
    sizes = np.broadcast_shapes(*[tuple([1 if i == axis else s for i, s in enumerate(t.shape)]) for t in (x, indices)])
    wide = [n if i == axis else s for i, s in enumerate(sizes)]
    rows = [indices.shape[axis] if i == axis else s for i, s in enumerate(sizes)]
    return w.gather(w.broadcast_to(x, wide), axis, w.broadcast_to(indices, rows))


def nonzero(x: Any) -> Any:
    """The places of elements that are not zero, an index tensor for each axis."""
    return tuple([cast(i, "int32") for i in w.nonzero(convert_to_tensor(x), as_tuple=True)])


def sort(x: Any, axis: Any = -1) -> Any:
    """The elements in rising order."""
    x = convert_to_tensor(x)
    as_bool = x.dtype is w.bool
    x = cast(x, "int32") if as_bool else x
    y = w.sort(x.reshape(-1) if axis is None else x, dim=-1 if axis is None else axis, stable=True)[0]
    return cast(y, "bool") if as_bool else y


def argsort(x: Any, axis: Any = -1) -> Any:
    """The places of the elements in rising order, int32."""
    x = convert_to_tensor(x)
    x = cast(x, "int32") if x.dtype is w.bool else x
    return cast(w.argsort(x.reshape(-1) if axis is None else x, dim=-1 if axis is None else axis, stable=True), "int32")


def argpartition(x: Any, kth: int, axis: Any = -1) -> Any:
    """Places such that the one at kth is where a full sort would have it, smaller ones before it."""
    return argsort(x, axis)


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where values would go to keep a vector sorted.

    Raises: ValueError for a sequence that is no vector.
    """
    sequence, values = promoted(sorted_sequence, values)
    if sequence.ndim != 1:
        raise ValueError(
            f"`searchsorted` only supports 1-D sorted sequences. You can use `keras.ops.vectorized_map` to extend it to N-D "
            f"sequences. Received: sorted_sequence.shape={tuple(sequence.shape)}"
        )
    return cast(w.searchsorted(sequence, values, right=side == "right"), "int32")


def digitize(x: Any, bins: Any) -> Any:
    """The bin of each element: how many bounds are at most it."""
    x, bins = promoted(x, bins)
    if x.dtype is w.bool:
        x, bins = cast(x, "int32"), cast(bins, "int32")
    return cast(w.searchsorted(bins, x, right=True), "int32")


def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each integer occurs (or the sum of its weights), in each row of x.

    Raises: ValueError for sparse=True.
    """
    if sparse:
        raise ValueError("`sparse=True` is not supported with the wengert backend")
    x = convert_to_tensor(x)
    given, x = x, cast(x, "int64")
    if weights is None:
        dtype = "int32"
    else:
        weights = convert_to_tensor(weights)
        dtype = result_dtype(given, weights)
        weights = cast(weights, dtype)
    rows = x.reshape(-1, x.shape[-1]) if x.ndim else x.reshape(1, 1)
    length = max(int(minlength or 0), int(rows.max().item()) + 1 if rows.numel() else 0)
    amounts = w.ones_like(rows, dtype=getattr(w, dtype)) if weights is None else weights.reshape(rows.shape)
    zeros = w.zeros((rows.shape[0], length), dtype=getattr(w, dtype))
    counts = zeros.scatter_add(1, rows, amounts)
    return counts.reshape(tuple(x.shape[:-1]) + (length,))


def histogram(x: Any, bins: int = 10, range: Any = None) -> Any:
    """How many elements fall into each of equal bins, and the bins' bounds."""
    x = as_float(x).reshape(-1)
    low, high = (x.min(), x.max()) if range is None and x.numel() else range or (0.0, 1.0)
    low, high = [w.as_tensor(bound, dtype=x.dtype) for bound in (low, high)]
    half = 0.5 * cast(low == high, x.dtype.name)  # one value alone lies in the middle of a range of 1
    low, high = low - half, high + half
    steps = w.arange(bins + 1)
    edges = w.where(steps == bins, high, low + (high - low) * (cast(steps, x.dtype.name) / bins))
    inside = cast((x >= low) & (x <= high), "int32")
    place = (w.searchsorted(edges, x, right=True) - 1).clamp(0, bins - 1)
    return w.zeros(bins, dtype=w.int32).scatter_add(0, place, inside), edges


def unique(
    x: Any, sorted: bool = True, return_index: bool = False, return_inverse: bool = False,
    return_counts: bool = False, axis: Any = None, size: Any = None, fill_value: Any = None,
) -> Any:  # fmt: skip
    """The different elements (or slices along an axis), in rising order; padded or cut to `size`.

    What is padded has the index of the first element and the count 0.
    """
    given = convert_to_tensor(x)
    found = np.unique(
        given.detach().numpy(), return_index=True, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )  # its result's size comes from data, so it runs now
    values, index, inverse, counts = found
    values = convert_to_tensor(values, standardize_dtype(given.dtype))
    index, inverse, counts = [cast(np.asarray(part), "int32") for part in (index, inverse, counts)]
    if size is not None:
        along = 0 if axis is None else axis
        values = _resized(values, size, along, values.min() if fill_value is None else fill_value)
        index, counts = _resized(index, size, 0, index[:1].sum()), _resized(counts, size, 0, 0)
    results = [values]
    for wanted, part in ((return_index, index), (return_inverse, inverse), (return_counts, counts)):
        if wanted:
            results.append(part)
    return results[0] if len(results) == 1 else tuple(results)


def _resized(x: Any, size: int, axis: int, fill: Any) -> Any:
    n = x.shape[axis]
    if n >= size:
        return x.narrow(axis, 0, size)
    shape = [size - n if i == axis % x.ndim else s for i, s in enumerate(x.shape)]
    return w.cat([x, w.broadcast_to(cast(fill, standardize_dtype(x.dtype)), shape)], axis)


def unravel_index(indices: Any, shape: Any) -> Any:
    """The coordinates of positions in a shape."""
    indices = convert_to_tensor(indices)
    dtype = standardize_dtype(indices.dtype)
    rest, coordinates = cast(indices, "int64"), []
    total = int(np.prod([int(n) for n in shape]))
    rest = w.where(rest < 0, rest + total, rest)
    for n in reversed([int(n) for n in shape]):
        coordinates.append(cast(rest % n, dtype))
        rest = w.div(rest, n, rounding_mode="floor")
    return tuple(reversed(coordinates))


def vectorize(pyfunc: Any, *, excluded: Any = None, signature: Any = None) -> Any:
    """A function of elements as a function of tensors."""
    from keras.src.backend.common.backend_utils import vectorize_impl

    return vectorize_impl(pyfunc, functools.partial(_map_over, w.vmap), excluded=excluded, signature=signature)


def _map_over(vmap: Any, function: Any, in_axes: Any = 0, out_axes: Any = 0) -> Any:
    return vmap(function, in_dims=in_axes, out_dims=out_axes)
