"""Which dtype operations compute in while `amp.autocast` is on. The functions that it is about ask here; for all others
nothing changes. Per thread.

Hot path: `casting.active` is read by every product of matrices; it counts the regions that are open in all threads.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Optional

from wengert.dtypes import DType, float32, float64
from wengert.graph.changes import modes
from wengert.graph.record import record
from wengert.primitives.casting import convert
from wengert.tensors.tensor import Tensor, wrap


class _Casting:
    """`active`: how many regions are open, in any thread."""

    __slots__ = ("active",)

    def __init__(self) -> None:
        self.active = 0


class _Here(threading.local):
    """The dtype of this thread's innermost region; None outside, and where autocast is off."""

    dtype: Optional[DType] = None


casting = _Casting()
here = _Here()
modes.append(lambda: here.dtype if casting.active else None)  # what a compiled function recorded depends on it


def lowered(*values: Any) -> tuple[Any, ...]:
    """Tensors for a product: in the region's dtype, unless they are of float64 or no floating numbers."""
    return values if here.dtype is None else tuple([_cast(value, here.dtype) for value in values])


def single(value: Any) -> Any:
    """What needs precision: tensors of 16 bits as float32; also in lists and tuples."""
    if isinstance(value, (list, tuple)):
        return type(value)([single(part) for part in value]) if type(value) in (list, tuple) else value
    if isinstance(value, Tensor) and value.dtype.is_floating_point and value.dtype.itemsize == 2:
        return _cast(value, float32)
    return value


def _cast(value: Any, dtype: DType) -> Any:
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)([_cast(part, dtype) for part in value])
    if not isinstance(value, Tensor) or not value.dtype.is_floating_point or value.dtype in (dtype, float64):
        return value
    return wrap(record(convert, (value._read(),), (dtype,)))


def in_low_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that computes in the region's dtype."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if casting.active and here.dtype is not None:
            args = lowered(*args)
            kwargs = {name: _cast(value, here.dtype) for name, value in kwargs.items()}
        return function(*args, **kwargs)

    return call


def in_single_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that computes in float32 inside a region, whatever 16 bits it is given."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if casting.active and here.dtype is not None:
            args = tuple([single(value) for value in args])
            kwargs = {name: single(value) for name, value in kwargs.items()}
        return function(*args, **kwargs)

    return call
