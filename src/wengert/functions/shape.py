"""Views: the same elements in another shape or order, or some of them. Each shares its input's memory.

Hot path: `view`, `reshape`, `transpose`, `permute`, `squeeze`, `unsqueeze` on a tensor that is the whole of its memory
go to the view primitive at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any, Optional, Union

from wengert.dtypes import DType
from wengert.errors import shape_error
from wengert.functions.axes import axis_of
from wengert.functions.operands import shape_of, sizes
from wengert.functions.order import in_place_view
from wengert.graph.record import record
from wengert.primitives import views
from wengert.primitives.strided import reinterpret
from wengert.shapes import Shape, broadcast, infer_reshape
from wengert.tensors.strides import is_plain, layout_of, viewed_strides
from wengert.tensors.tensor import Size, Tensor, view as view_through, wrap

__all__ = [
    "reshape", "flatten", "unflatten", "ravel", "squeeze", "unsqueeze", "broadcast_to", "broadcast_tensors",
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes",
]  # fmt: skip


_inferred = lru_cache(maxsize=4096)(infer_reshape)


# --- another shape -----------------------------------------------------------------------------------------------------


def view(self: Tensor, *shape: Any, dtype: Optional[DType] = None) -> Tensor:
    """The same memory in another shape; one size may be -1. With a dtype: the same bits read as that.

    Raises: RuntimeError when the sizes do not multiply to the number of elements, or when the tensor's strides do not
    allow it without a copy.
    """
    if dtype is not None and not shape:
        shape = (dtype,)
    if len(shape) == 1 and isinstance(shape[0], DType):
        return view_dtype(self, shape[0])
    before = self._node.type.shape
    wanted = _inferred("view", before, sizes("view", shape))
    if not is_plain(self) and viewed_strides(before, layout_of(self)[0], wanted) is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            f"contiguous subspaces): size {list(before)}, stride {list(layout_of(self)[0])}, wanted {list(wanted)}. Use "
            ".reshape(...) instead."
        )
    return view_through(self, views.reshape, (wanted,))


def view_dtype(self: Tensor, dtype: DType) -> Tensor:
    """The same bits read as another dtype; the last size changes with the size of an element.

    Raises: RuntimeError when elements of another size do not lie next to one another.
    """
    if dtype.itemsize != self.dtype.itemsize and self.ndim and layout_of(self)[0][-1] != 1:
        raise RuntimeError(
            f"self.stride(-1) must be 1 to view {self.dtype.name} as {dtype.name} (different element sizes), but got "
            f"{layout_of(self)[0][-1]}"
        )
    return view_through(self, reinterpret, (dtype,))


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The elements in row-major order in another shape; one size may be -1. A view where strides allow it, else a copy.

    Raises: RuntimeError when the sizes do not multiply to the number of elements.
    """
    return reshaped(input, _inferred("reshape", shape_of(input, "reshape"), sizes("reshape", shape)))


def reshaped(input: Tensor, wanted: Shape) -> Tensor:
    """`reshape` to sizes that are known to fit."""
    if is_plain(input) or viewed_strides(input._node.shape, layout_of(input)[0], wanted) is not None:
        return view_through(input, views.reshape, (wanted,))
    return wrap(record(views.reshape, (input._read(),), (wanted,)))


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of another tensor."""
    return view(self, tuple(other.shape))


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """`reshape` in the shape of another tensor."""
    return reshape(self, tuple(other.shape))


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim to end_dim (inclusive) as one; the tensor itself when there is nothing to do.

    Raises: IndexError for a dimension that is not there; RuntimeError when start_dim comes after end_dim.
    """
    shape = shape_of(input, "flatten")
    first, last = axis_of(start_dim, len(shape), "flatten"), axis_of(end_dim, len(shape), "flatten")
    if first > last:
        raise RuntimeError(f"flatten() has invalid args: start_dim {start_dim} cannot come after end_dim {end_dim}")
    if first == last and shape:
        return input
    return reshaped(input, (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in row-major order, one-dimensional: a view where strides allow it."""
    return reshape(input, (-1,)) if input.numel() else reshape(input, (0,))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension `dim` as several, of which one size may be -1.

    Raises: IndexError for a dimension that is not there; RuntimeError when the sizes do not multiply to its size.
    """
    shape = shape_of(input, "unflatten")
    axis = axis_of(dim, len(shape), "unflatten")
    if not len(sizes):
        raise RuntimeError("unflatten: sizes must be non-empty")
    parts = infer_reshape("unflatten", shape[axis : axis + 1], tuple([int(n) for n in sizes]))
    return view(input, (*shape[:axis], *parts, *shape[axis + 1 :]))


def squeeze(input: Tensor, dim: Union[int, Sequence[int], None] = None) -> Tensor:
    """Without the dimensions of size 1: all of them, or those among `dim`.

    Raises: IndexError for a dimension that is not there.
    """
    return view_through(input, views.reshape, (_squeezed(input, dim),))


def _squeezed(input: Tensor, dim: Any = None) -> Shape:
    shape = shape_of(input, "squeeze")
    if dim is None:
        return tuple([n for n in shape if n != 1])
    given = dim if isinstance(dim, (tuple, list)) else (dim,)
    axes = [axis_of(axis, len(shape), "squeeze") for axis in given]
    return tuple([n for axis, n in enumerate(shape) if n != 1 or axis not in axes])


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at position `dim`.

    Raises: IndexError for a position that is not there.
    """
    return view_through(input, views.reshape, (_unsqueezed(input, dim),))


def _unsqueezed(input: Tensor, dim: int) -> Shape:
    shape = shape_of(input, "unsqueeze")
    axis = axis_of(dim, len(shape) + 1, "unsqueeze")
    return (*shape[:axis], 1, *shape[axis:])


def _atleast(name: str, ndim: int, place: Callable[[Shape], Shape]) -> Callable[..., Any]:
    def function(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
            tensors = tuple(tensors[0])
            return tuple([function(tensor) for tensor in tensors])
        if len(tensors) != 1:
            return tuple([function(tensor) for tensor in tensors])
        shape = shape_of(tensors[0], name)
        return tensors[0] if len(shape) >= ndim else view_through(tensors[0], views.reshape, (place(shape),))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Tensors with at least {ndim} dimension(s); those that have them come back as they are."
    return function


atleast_1d = _atleast("atleast_1d", 1, lambda shape: (1,))
atleast_2d = _atleast("atleast_2d", 2, lambda shape: (1, *(shape or (1,))))
atleast_3d = _atleast("atleast_3d", 3, lambda shape: {0: (1, 1, 1), 1: (1, *shape, 1)}.get(len(shape), (*shape, 1)))


# --- stretched ---------------------------------------------------------------------------------------------------------


def expand(self: Tensor, *sizes_: Any, implicit: bool = False) -> Tensor:
    """Sizes of 1 stretched, without copying, and new dimensions in front; -1 keeps a size.

    Raises: RuntimeError when a size that is not 1 would change.
    """
    before = self._node.type.shape
    wanted = sizes("expand", sizes_)
    return view_through(self, views.expand, (expanded_shape(before, wanted),))


def expanded_shape(before: Shape, wanted: Shape) -> Shape:
    """What `expand` of a shape to `wanted` gives.

    Raises: RuntimeError (ShapeError) when it cannot be stretched so.
    """
    added = len(wanted) - len(before)
    if added < 0:
        raise shape_error(
            "expand", f"the number of sizes provided ({len(wanted)}) must be greater or equal to the number of dimensions "
            f"in the tensor ({len(before)})", (before, wanted),
        )  # fmt: skip
    if -1 in wanted[:added]:
        raise shape_error(
            "expand", "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension", list(wanted)
        )
    shape = (*wanted[:added], *[n if m == -1 else m for n, m in zip(before, wanted[added:])])
    for axis, (n, m) in enumerate(zip(before, shape[added:]), added):
        if m < 0 or n not in (1, m):
            raise shape_error(
                "expand",
                f"The expanded size of the tensor ({m}) must match the existing size ({n}) at non-singleton dimension "
                f"{axis}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(before)}",
            )
    if shape and min(shape) < 0:
        raise shape_error("expand", "sizes that are not negative", list(wanted))
    return shape


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor."""
    return expand(self, tuple(other.shape))


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """`expand` as a function."""
    return view_through(input, views.expand, (expanded_shape(shape_of(input, "broadcast_to"), sizes("broadcast_to", (size,))),))


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors stretched to their common shape.

    Raises: RuntimeError when there is none.
    """
    given = tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if not given:
        return ()
    shape = broadcast("broadcast_tensors", *[shape_of(tensor, "broadcast_tensors") for tensor in given])
    return tuple([expand(tensor, shape) for tensor in given])


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes broadcast to; a number is a shape of one dimension.

    Raises: RuntimeError when they do not.
    """
    return Size(broadcast("broadcast_shapes", (), *[sizes("broadcast_shapes", (shape,)) for shape in shapes]))


# --- as methods --------------------------------------------------------------------------------------------------------


METHODS: dict[str, Any] = {
    "view": view, "reshape": reshape, "view_as": view_as, "reshape_as": reshape_as, "flatten": flatten, "ravel": ravel,
    "unflatten": unflatten, "squeeze": squeeze, "unsqueeze": unsqueeze,
    "expand": expand, "expand_as": expand_as, "broadcast_to": broadcast_to,
    "squeeze_": in_place_view(views.reshape, _squeezed, "squeeze_"),
    "unsqueeze_": in_place_view(views.reshape, _unsqueezed, "unsqueeze_"),
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
