"""Views of some of a tensor's elements: one position, a range, a diagonal, windows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Optional, Union

from wengert.dtypes import INTEGER
from wengert.errors import index_error, type_error
from wengert.functions.axes import axis_of
from wengert.functions.operands import node_of, shape_of, sizes
from wengert.primitives import views
from wengert.primitives.casting import move
from wengert.primitives.control import stop_gradient
from wengert.primitives.strided import as_complex, as_real, as_strided as strided_view, reinterpret, windows
from wengert.shapes import Shape
from wengert.tensors.cell import Link
from wengert.tensors.strides import is_row_major, layout_of, layout_of_link
from wengert.tensors.tensor import Tensor, link_of, view, wrap

__all__ = [
    "select", "narrow", "diagonal", "as_strided", "as_strided_", "as_strided_scatter", "view_as_real", "view_as_complex",
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

    Raises: RuntimeError when they reach over the end, length is negative, or start is a tensor of no integer; IndexError
    for a start or a dimension that is not there.
    """
    shape = shape_of(input, "narrow")
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    axis = axis_of(dim, len(shape), "narrow")
    if isinstance(start, Tensor) and (start.ndim or start.dtype.category != INTEGER):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
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


def as_strided_(input: Tensor, size: Any, stride: Any, storage_offset: Optional[int] = None) -> Tensor:
    """The tensor itself made the view that `as_strided` gives, in place."""
    made = as_strided(input, size, stride, storage_offset)
    input._link, input._node = made._link, made._node
    return input


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


def as_strided_scatter(input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: Optional[int] = None) -> Tensor:
    """A copy of a row-major `input` with `src` where ``input.as_strided(size, stride, storage_offset)`` looks.

    Raises: as `as_strided` does; RuntimeError unless src has shape `size`.
    """
    x, new = node_of(input, "as_strided_scatter"), node_of(src, "as_strided_scatter", "src")
    shape, steps = sizes("as_strided_scatter", (size,)), sizes("as_strided_scatter", (stride,))
    if new.shape != shape:
        raise RuntimeError(f"expected src to have a size equal to the slice of self: {list(shape)}; got {list(new.shape)}")
    offset = storage_offset or 0
    strided_view.infer(x.type, shape=shape, strides=steps, offset=offset)
    return wrap(strided_view.write(x, move(new, x.dtype), shape=shape, strides=steps, offset=offset))


# --- complex numbers ---------------------------------------------------------------------------------------------------


def view_as_real(input: Tensor) -> Tensor:
    """The real and the imaginary parts of the same memory, as a last dimension of size 2.

    Raises: RuntimeError for a real tensor.
    """
    shape_of(input, "view_as_real")
    return view(input, as_real, ())


def view_as_complex(input: Tensor) -> Tensor:
    """The same memory as complex numbers: the last dimension, of size 2, holds real and imaginary parts.

    Raises: RuntimeError for another last size, another dtype, and where the two do not lie next to each other.
    """
    shape = shape_of(input, "view_as_complex")
    strides, offset = layout_of(input)
    if shape and shape[-1] == 2:
        if strides[-1] != 1:
            raise RuntimeError("Tensor must have a last dimension with stride 1")
        if offset % 2 or any([step % 2 for step, n in zip(strides[:-1], shape) if n > 1]):
            raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension, and such an offset")
    return view(input, as_complex, ())


METHODS: dict[str, Any] = {
    "select": select, "narrow": narrow, "diagonal": diagonal, "as_strided": as_strided, "as_strided_": as_strided_,
    "unfold": unfold, "as_strided_scatter": as_strided_scatter,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
