"""Positions: index arrays checked against bounds and turned into row-major positions, and how a batch of them is laid
out. Shared by the chapters that read and write by index."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from wengert.dtypes import int64
from wengert.errors import PositionError, shape_error
from wengert.graph.node import ArrayType, Node
from wengert.graph.rule import align_ranks
from wengert.primitives.creation import iota
from wengert.primitives.scans import check_axis
from wengert.primitives.views import reshape
from wengert.shapes import Shape, broadcast, contiguous_strides, size_of


def check_index_dtype(operation: str, *indices: ArrayType) -> None:
    """Raises IndexError (PyTorch's type for it) unless every index is int64."""
    for index in indices:
        if index.dtype is not int64:
            raise IndexError(f"{operation}: an index must have dtype int64; got {index.dtype.name}. Convert it first.")


def in_bounds(index: Any, n: int, axis: int, wrap: bool) -> Any:
    """The same positions, none negative.

    Raises: IndexError for the first that is not in [0, n), or, when negative ones count from the end, [-n, n).
    """
    if index.size == 0 or index.view(np.uint64).max() < n:  # one pass: a negative number reads as a huge one
        return index
    if (index < (-n if wrap else 0)).any() or (index >= n).any():
        raise out_of_bounds(index, n, axis, wrap)
    return np.where(index < 0, index + n, index)


def out_of_bounds(index: Any, n: int, axis: int, wrap: bool) -> IndexError:
    """The error for the first position outside its bounds."""
    flat = np.ravel(index)
    outside = flat[(flat < (-n if wrap else 0)) | (flat >= n)]
    return PositionError(f"index {outside[0]} is out of bounds for dimension {axis} with size {n}")


def along_axis(index: Any, shape: Shape, axis: int) -> Any:
    """Row-major positions of x[a, index[a, b, c], c] in an array x of `shape`."""
    index = in_bounds(index, shape[axis], axis, wrap=False)
    if len(shape) == 1:
        return index
    sizes = (*index.shape[:axis], 1, *index.shape[axis + 1 :])
    starts = _remembered_starts(sizes, shape) if size_of(sizes) <= _REMEMBERED else _starts(sizes, shape)
    step = size_of(shape[axis + 1 :])
    return starts + index if step == 1 else starts + index * step


# Positions of up to so many elements are remembered from one call to the next.
_REMEMBERED = 1 << 12


def _starts(sizes: Shape, shape: Shape) -> Any:
    """Row-major positions, in an array of `shape`, of its first elements: `sizes` of them along each axis."""
    places = [np.arange(n) * step for n, step in zip(sizes, contiguous_strides(shape))]
    starts: Any = sum(np.ix_(*places))
    starts.flags.writeable = False
    return starts


_remembered_starts = lru_cache(maxsize=64)(_starts)


def across_axes(indices: Any, shape: Shape, axes: Shape, wrap: bool) -> Any:
    """Row-major positions of x[:, i, j, :] in an array x of `shape`, in the shape of the result."""
    strides = contiguous_strides(shape)
    flat = sum([in_bounds(index, shape[axis], axis, wrap) * strides[axis] for index, axis in zip(indices, axes)])
    rank, place = np.ndim(flat), index_place(axes)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    flat = np.reshape(flat, np.shape(flat) + (1,) * (len(kept) - place))
    for number, axis in enumerate(kept):
        after = len(kept) - number - 1 + (rank if number < place else 0)
        flat = flat + (np.arange(shape[axis]) * strides[axis]).reshape((shape[axis],) + (1,) * after)
    return flat


def index_place(axes: Shape) -> int:
    """Where the index's dimensions stand in the result: at the first indexed axis when those are neighbours, else in
    front (NumPy's rule)."""
    return axes[0] if axes[-1] - axes[0] + 1 == len(axes) else 0


def indexed_shape(operation: str, x: ArrayType, indices: tuple[ArrayType, ...], axes: Shape) -> Shape:
    check_index_dtype(operation, *indices)
    for axis in axes:
        check_axis(operation, x, axis)
    if len(indices) != len(axes) or not axes or list(axes) != sorted(set(axes)):
        raise shape_error(operation, f"one index for each of the ascending axes {axes}", len(indices))
    place = index_place(axes)
    kept = [n for axis, n in enumerate(x.shape) if axis not in axes]
    return (*kept[:place], *broadcast(operation, *[index.shape for index in indices]), *kept[place:])


def batch_positions(
    size: int, indices: tuple[Node, ...], batched: tuple[bool, ...], axes: Shape, x_rank: int, x_batched: bool
) -> tuple[tuple[Node, ...], Shape, Shape]:
    """index(x, *indices; axes) for a batch: its indices, its axes, and the order of its result's dimensions that puts
    the batch first and the rest as they stand for one element.

    `x_rank` is the rank of one element of x.
    """
    rank = max([i.ndim - b for i, b in zip(indices, batched)])
    place = index_place(axes)
    total = 1 + x_rank - len(axes) + rank
    shifted = tuple([axis + 1 for axis in axes])
    if not any(batched):  # the batch axis of x stays in front, unless the index's dimensions are put before it
        return indices, shifted, _to_front(rank if axes[-1] - axes[0] + 1 != len(axes) else 0, total)
    indices = align_ranks(indices, batched)
    if not x_batched:  # the batch axis is the first of the index's dimensions
        return indices, axes, _to_front(place, total)
    # Element b of the index reads element b of x: one more index, which counts.
    count = reshape(iota(n=size, dtype=int64), shape=(size, *(1,) * rank))
    behind = 1 + rank + place
    order = (0, *range(1 + rank, behind), *range(1, 1 + rank), *range(behind, total))
    return (count, *indices), (0, *shifted), order


def _to_front(axis: int, rank: int) -> Shape:
    return (axis, *range(axis), *range(axis + 1, rank))
