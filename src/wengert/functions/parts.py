"""Views of some of a tensor's elements: one position, a range, a diagonal, windows, pieces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Optional, Union

from wengert.errors import index_error, type_error
from wengert.functions.axes import axis_of
from wengert.functions.operands import shape_of, sizes
from wengert.primitives import views
from wengert.primitives.control import stop_gradient
from wengert.primitives.strided import as_strided as strided_view, reinterpret, windows
from wengert.shapes import Shape
from wengert.tensors.cell import Link
from wengert.tensors.strides import is_row_major, layout_of, layout_of_link
from wengert.tensors.tensor import Tensor, link_of, view

__all__ = [
    "select", "narrow", "diagonal", "unbind", "split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes",
    "chunk", "unsafe_chunk", "tensor_split", "hsplit", "vsplit", "dsplit", "as_strided",
]  # fmt: skip

Entry = Union[int, tuple[int, int, int]]


@lru_cache(maxsize=4096)
def everything(shape: Shape) -> tuple[Entry, ...]:
    """The index that takes all of a shape."""
    return tuple([(0, n, 1) for n in shape])


def along(shape: Shape, axis: int, entry: Entry) -> tuple[Entry, ...]:
    """The index that takes `entry` of one axis and all of the others."""
    whole = everything(shape)
    return (*whole[:axis], entry, *whole[axis + 1 :])


def position(index: Any, n: int, axis: int, operation: str) -> int:
    """A position in [0, n), counting from the end when negative.

    Raises: IndexError when it is out of range.
    """
    try:
        at: int = index.__index__()
    except AttributeError:
        raise type_error(operation, "an integer index", type(index).__name__) from None
    if not -n <= at < n:
        raise index_error(operation, f"index {at} is out of bounds for dimension {axis} with size {n}")
    return at + n if at < 0 else at


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """What is at one position of a dimension, which is dropped.

    Raises: IndexError when the position or the dimension is not there.
    """
    shape = shape_of(input, "select")
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    axis = axis_of(dim, len(shape), "select")
    return view(input, views.slice, (along(shape, axis, position(index, shape[axis], axis, "select")),))


def narrow(input: Tensor, dim: int, start: Union[int, Tensor], length: int) -> Tensor:
    """`length` positions of a dimension from `start` on.

    Raises: RuntimeError when they reach over the end or length is negative; IndexError for a start or a dimension that
    is not there.
    """
    shape = shape_of(input, "narrow")
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    axis = axis_of(dim, len(shape), "narrow")
    n, first = shape[axis], int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -n <= first <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {first})")
    first += n if first < 0 else 0
    if first + length > n:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({n}).")
    return view(input, views.slice, (along(shape, axis, (first, first + length, 1)),))


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements of the diagonal of two dimensions, as a last dimension in their place.

    Raises: RuntimeError when dim1 and dim2 are one; IndexError for a dimension that is not there.
    """
    ndim = len(shape_of(input, "diagonal"))
    axis1, axis2 = axis_of(dim1, ndim, "diagonal"), axis_of(dim2, ndim, "diagonal")
    if axis1 == axis2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return view(input, views.diagonal, (offset, axis1, axis2))


# --- pieces ------------------------------------------------------------------------------------------------------------


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


# --- by strides --------------------------------------------------------------------------------------------------------


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: Optional[int] = None) -> Tensor:
    """The memory that `input` shares, read at the given strides from an offset on (in elements).

    Raises: RuntimeError when that reaches outside the memory; a write through places that overlap is refused.
    """
    shape_of(input, "as_strided")
    offset = layout_of(input)[1] if storage_offset is None else storage_offset
    whole, start = _row_major_memory(input)
    shape, steps = sizes("as_strided", (size,)), sizes("as_strided", (stride,))
    return view(whole, strided_view, (shape, steps, offset - start))


def _row_major_memory(input: Tensor) -> tuple[Tensor, int]:
    """What `input` is a view of, as far up as the derivative goes, and where that begins in the memory.

    Raises: RuntimeError when it does not lie there in row-major order.
    """
    link: Link = link_of(input)
    while link.view is not None and link.watch is None and link.view.primitive is not stop_gradient:
        link = link.view.parent
    strides, start = layout_of_link(link)
    if not is_row_major(link.node.shape, strides):
        raise RuntimeError(
            f"as_strided: what this tensor is a view of has strides {list(strides)} itself; make it contiguous() first"
        )
    whole = Tensor.__new__(Tensor)
    whole._node, whole._link = link.node, link
    if whole.dtype is not input.dtype:
        whole = view(view(whole, views.reshape, ((whole.numel(),),)), reinterpret, (input.dtype,))
    return whole, start


def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of `size` along a dimension, one every `step`; the window's own dimension is the last.

    Raises: RuntimeError when the window is larger than the dimension, or step is not above 0; a write through windows
    that overlap is refused.
    """
    shape = self._node.type.shape
    axis = axis_of(dimension, len(shape), "unfold")
    n = shape[axis] if shape else 1
    if not 0 <= size <= n:
        raise RuntimeError(f"maximum size for tensor at dimension {axis} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not shape:  # one window, of which the dimension of windows is left out
        return view(self, views.reshape, ((1,),)) if size else view(self, strided_view, ((0,), (1,), 0))
    return view(self, windows, (axis, size, step))


METHODS: dict[str, Any] = {
    "select": select, "narrow": narrow, "diagonal": diagonal, "unbind": unbind, "split": split,
    "split_with_sizes": split_with_sizes, "unsafe_split": split, "unsafe_chunk": chunk, "chunk": chunk,
    "tensor_split": tensor_split, "hsplit": hsplit, "vsplit": vsplit, "dsplit": dsplit, "as_strided": as_strided,
    "unfold": unfold,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
