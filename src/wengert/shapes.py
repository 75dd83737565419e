"""Arithmetic on shape tuples: broadcasting, axes, sizes. Pure Python; shapes are tuples of ints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Optional, Union

from wengert.errors import AxisError, shape_error

Shape = tuple[int, ...]


def size_of(shape: Sequence[int]) -> int:
    """The number of elements of a shape."""
    return prod(shape)


def broadcast(operation: str, *shapes: Shape) -> Shape:
    """The common shape by NumPy's rule: aligned at the right, a 1 stretches.

    Raises: ShapeError when two sizes differ and neither is 1.
    """
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    ndim = max(len(shape) for shape in shapes)
    result = [1] * ndim
    for shape in shapes:
        for offset, size in enumerate(shape, ndim - len(shape)):
            if size != 1 and result[offset] != size:
                if result[offset] != 1:
                    raise shape_error(
                        operation,
                        f"the sizes must match at dimension {offset} to broadcast, but "
                        f"{result[offset]} and {size} differ and neither is 1",
                        shapes,
                    )
                result[offset] = size
    return tuple(result)


def broadcast_axes(source: Shape, target: Shape) -> tuple[Shape, Shape]:
    """How `source` was stretched to `target`: (axes that were added in front, axes of size 1 that were stretched).

    Both are axes of `target`.
    """
    added = len(target) - len(source)
    stretched = tuple(added + i for i, size in enumerate(source) if size == 1 and target[added + i] != 1)
    return tuple(range(added)), stretched


def normalize_axis(axis: int, ndim: int, operation: str = "dim") -> int:
    """A dimension in [0, ndim), counting from the end when negative. A zero-dimensional tensor accepts 0 and -1.

    Raises: IndexError (AxisError) in PyTorch's words when it is out of range.
    """
    bound = max(ndim, 1)
    if not -bound <= axis < bound:
        raise AxisError(
            f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got {axis}) in {operation}"
        )
    return axis + bound if axis < 0 else axis


def normalize_axes(
    axes: Optional[Union[int, Iterable[int]]], ndim: int, operation: str = "dim", none_is_all: bool = True
) -> Shape:
    """Sorted distinct dimensions; None (or an empty list, if `none_is_all`) means all of them.

    Raises: IndexError when one is out of range, RuntimeError when one appears twice.
    """
    if axes is None:
        return tuple(range(ndim))
    if isinstance(axes, int) or not isinstance(axes, Iterable):
        axes = (int(axes),)
    given = tuple(axes)
    if not given and none_is_all:
        return tuple(range(ndim))
    result = tuple(normalize_axis(int(axis), ndim, operation) for axis in given)
    if len(set(result)) != len(result):
        raise RuntimeError(f"{operation}: a dimension appears more than once in {given}")
    if ndim == 0:
        return ()
    return tuple(sorted(result))


def reduced(shape: Shape, axes: Shape, keepdims: bool) -> Shape:
    """The shape after reducing `axes` (normalised)."""
    if keepdims:
        return tuple(1 if i in axes else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in axes)


def infer_reshape(operation: str, shape: Shape, wanted: Sequence[int]) -> Shape:
    """`wanted` with its one -1 replaced by what is left.

    Raises: RuntimeError (ShapeError) when sizes do not multiply to the same number, or -1 is ambiguous.
    """
    total = prod(shape)
    unknown = [i for i, size in enumerate(wanted) if size == -1]
    if len(unknown) > 1:
        raise shape_error(operation, "only one dimension can be inferred (-1)", list(wanted))
    if any(size < -1 for size in wanted):
        raise shape_error(operation, "sizes must not be negative", list(wanted))
    if unknown:
        rest = prod(size for size in wanted if size != -1)
        if rest == 0 and total == 0:
            raise shape_error(
                operation, "cannot reshape an empty tensor with -1 because the unknown size could be anything", list(wanted)
            )
        if rest == 0 or total % rest:
            raise shape_error(operation, f"shape '{list(wanted)}' is invalid for input of size {total}")
        return tuple(total // rest if size == -1 else size for size in wanted)
    if prod(wanted) != total:
        raise shape_error(operation, f"shape '{list(wanted)}' is invalid for input of size {total}")
    return tuple(wanted)


def contiguous_strides(shape: Shape) -> Shape:
    """Row-major strides in elements."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def inverse_permutation(order: Sequence[int]) -> Shape:
    """q with q[p[i]] = i."""
    result = [0] * len(order)
    for position, axis in enumerate(order):
        result[axis] = position
    return tuple(result)
