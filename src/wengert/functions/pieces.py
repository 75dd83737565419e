"""A dimension cut into pieces: views, one for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

from wengert.functions.axes import axis_of
from wengert.functions.operands import shape_of, sizes
from wengert.functions.parts import along
from wengert.primitives import views
from wengert.shapes import Shape
from wengert.tensors.tensor import Tensor, view

__all__ = [
    "unbind", "split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes", "chunk", "unsafe_chunk",
    "tensor_split", "hsplit", "vsplit", "dsplit",
]  # fmt: skip


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """What is at each position of a dimension.

    Raises: RuntimeError for a zero-dimensional tensor; IndexError for a dimension that is not there.
    """
    shape = shape_of(input, "unbind")
    if not shape:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    axis = axis_of(dim, len(shape), "unbind")
    return tuple([view(input, views.slice, (along(shape, axis, i),)) for i in range(shape[axis])])


def split(tensor: Tensor, split_size_or_sections: Union[int, Sequence[int]], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of a dimension: of one size (the last may be smaller), or of the sizes given.

    Raises: RuntimeError when sizes do not sum to the dimension's; IndexError for a dimension that is not there.
    """
    if isinstance(split_size_or_sections, (tuple, list)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    shape, axis = _piece_axis(tensor, dim, "split")
    (size,) = sizes("split", (split_size_or_sections,))
    n = shape[axis]
    if size < 0 or (size == 0 and n):
        raise RuntimeError(f"split expects split_size be non-negative, and above 0 unless the dimension is empty; got {size}")
    starts = list(range(0, n, size)) if n else [0]
    return _cut(tensor, shape, axis, [(start, min(start + size, n)) for start in starts])


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of a dimension, of the sizes given.

    Raises: RuntimeError when they are negative or do not sum to the dimension's.
    """
    shape, axis = _piece_axis(input, dim, "split_with_sizes")
    lengths = sizes("split_with_sizes", (tuple(split_sizes),))
    if any([n < 0 for n in lengths]) or sum(lengths) != shape[axis]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {shape[axis]} (input tensor's size at dimension "
            f"{axis}) and none to be negative, but got split_sizes={list(lengths)}"
        )
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return _cut(input, shape, axis, [(end - n, end) for end, n in zip(ends, lengths)])


def _piece_axis(tensor: Tensor, dim: int, operation: str) -> tuple[Shape, int]:
    shape = shape_of(tensor, operation)
    if not shape:
        raise RuntimeError(f"{operation} expects at least a 1-dimensional tensor")
    return shape, axis_of(dim, len(shape), operation)


def _cut(tensor: Tensor, shape: Shape, axis: int, ranges: Sequence[tuple[int, int]]) -> tuple[Tensor, ...]:
    return tuple([view(tensor, views.slice, (along(shape, axis, (start, stop, 1)),)) for start, stop in ranges])


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of a dimension, all of one size but perhaps the last.

    Raises: RuntimeError unless chunks is above 0.
    """
    shape, axis = _piece_axis(input, dim, "chunk")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = shape[axis]
    if n == 0:
        return _cut(input, shape, axis, [(0, 0)] * chunks)
    return split(input, -(-n // chunks), axis)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of a dimension: a number of pieces as even as can be, or the positions at which to cut.

    Raises: RuntimeError unless the number is above 0.
    """
    shape, axis = _piece_axis(input, dim, "tensor_split")
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    n = shape[axis]
    if isinstance(indices_or_sections, (tuple, list)):
        cuts = [max(0, min(n, cut + n if cut < 0 else cut)) for cut in sizes("tensor_split", (indices_or_sections,))]
        starts, stops = [0, *cuts], [*cuts, n]
        return _cut(input, shape, axis, [(start, max(start, stop)) for start, stop in zip(starts, stops)])
    if indices_or_sections <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {indices_or_sections}")
    small, larger = divmod(n, indices_or_sections)
    return split_with_sizes(input, [small + 1] * larger + [small] * (indices_or_sections - larger), axis)


def _split_along(input: Tensor, indices_or_sections: Any, axis: int, name: str, ndim: int) -> tuple[Tensor, ...]:
    shape = shape_of(input, name)
    if len(shape) < ndim:
        raise RuntimeError(
            f"{name} requires a tensor with at least {ndim} dimension(s), but got a tensor with {len(shape)} dimensions!"
        )
    if isinstance(indices_or_sections, int) and (indices_or_sections <= 0 or shape[axis] % indices_or_sections):
        raise RuntimeError(
            f"{name} attempted to split along dimension {axis}, but the size of the dimension {shape[axis]} is not "
            f"divisible by the split_size {indices_or_sections}!"
        )
    return tensor_split(input, indices_or_sections, axis)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along columns (along the only dimension of a vector); a number must divide the size."""
    return _split_along(input, indices_or_sections, min(1, max(0, input.ndim - 1)), "hsplit", 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along rows; a number must divide the size."""
    return _split_along(input, indices_or_sections, 0, "vsplit", 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along depth, the third dimension; a number must divide the size."""
    return _split_along(input, indices_or_sections, 2, "dsplit", 3)


unsafe_split = split
unsafe_split_with_sizes = split_with_sizes
unsafe_chunk = chunk

METHODS: dict[str, Any] = {
    "unbind": unbind, "split": split, "split_with_sizes": split_with_sizes, "unsafe_split": split,
    "unsafe_split_with_sizes": split_with_sizes, "chunk": chunk, "unsafe_chunk": chunk, "tensor_split": tensor_split,
    "hsplit": hsplit, "vsplit": vsplit, "dsplit": dsplit,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
