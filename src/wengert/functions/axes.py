"""Which dimensions an operation is about: `dim` and `keepdim` as PyTorch takes them, NumPy's names for them, and a
reduced value given its dimensions back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from math import prod
from operator import index
from typing import Any, Optional, TypeVar, Union

from wengert.errors import type_error
from wengert.graph.node import Node
from wengert.graph.record import record
from wengert.primitives.views import reshape
from wengert.shapes import Shape, normalize_axes, normalize_axis, reduced

Dims = Union[int, Sequence[int], None]

F = TypeVar("F", bound=Callable[..., Any])


def numpy_names(function: F) -> F:
    """Take NumPy's `axis` and `keepdims` for `dim` and `keepdim`, as PyTorch does. Costs 0.1 microseconds a call."""

    @wraps(function)
    def accepting(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            if "axis" in kwargs:
                kwargs["dim"] = kwargs.pop("axis")
            if "keepdims" in kwargs:
                kwargs["keepdim"] = kwargs.pop("keepdims")
        return function(*args, **kwargs)

    return accepting  # type: ignore[return-value]


def axes_of(dim: Dims, ndim: int, operation: str) -> Shape:
    """Sorted distinct dimensions; None and an empty sequence mean all of them.

    Raises: IndexError when one is out of range, RuntimeError when one appears twice, TypeError when one is no integer.
    """
    if dim is not None and dim.__class__ is not int:
        dim = _as_integers(dim, operation)
    return _settled(dim, ndim, operation)


@lru_cache(maxsize=4096)
def _settled(dim: Union[int, Shape, None], ndim: int, operation: str) -> Shape:
    return normalize_axes(dim, ndim, operation)


def _as_integers(dim: Any, operation: str) -> Union[int, Shape]:
    if isinstance(dim, (tuple, list)):
        return tuple([_integer(axis, operation) for axis in dim])
    return _integer(dim, operation)


def _integer(axis: Any, operation: str) -> int:
    try:
        if not isinstance(axis, bool):
            return index(axis)
    except TypeError:
        pass
    raise type_error(operation, "argument 'dim' must be an int or a tuple of ints", type(axis).__name__) from None


def axis_of(dim: Any, ndim: int, operation: str) -> int:
    """One dimension in [0, ndim); 0 for a zero-dimensional tensor.

    Raises: IndexError when it is out of range, TypeError when it is no integer.
    """
    if dim.__class__ is not int:
        if isinstance(dim, (tuple, list)):
            raise type_error(operation, "argument 'dim' must be an int", type(dim).__name__)
        dim = _integer(dim, operation)
    return dim if 0 <= dim < ndim else normalize_axis(dim, ndim, operation)


def one_axis(dim: Any, ndim: int, operation: str) -> Shape:
    """One dimension as the axes of a reduction: none for a zero-dimensional tensor. Raises: as `axis_of`."""
    axis = axis_of(dim, ndim, operation)
    return (axis,) if ndim else ()


def kept(y: Node, shape: Shape, axes: Shape) -> Node:
    """A value reduced over `axes` of `shape`, with those dimensions put back as size 1."""
    return record(reshape, (y,), (_with_ones(shape, axes),))


@lru_cache(maxsize=4096)
def _with_ones(shape: Shape, axes: Shape) -> Shape:
    return reduced(shape, axes, keepdims=True)


def at_least_1d(x: Node) -> Node:
    """x, or its one element as a sequence: primitives along an axis want one."""
    return x if x.type.ndim else record(reshape, (x,), ((1,),))


def flat(x: Node) -> Node:
    """All elements in row-major order, one-dimensional."""
    return x if x.type.ndim == 1 else record(reshape, (x,), ((x.type.size,),))


def moved_last(ndim: int, axes: Shape) -> Shape:
    """The order of dimensions that puts `axes` behind the others."""
    return (*[axis for axis in range(ndim) if axis not in axes], *axes)


def count(shape: Shape, axes: Optional[Shape] = None) -> int:
    """How many elements go into one result of a reduction."""
    return prod(shape) if axes is None else prod([shape[axis] for axis in axes])
