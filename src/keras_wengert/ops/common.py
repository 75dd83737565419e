"""What all operations share: dtypes by Keras's names and rules, and arguments as tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras.src.backend.common import dtypes
from keras.src.backend.common.variables import standardize_dtype
from keras.src.backend.config import floatx

import wengert
from keras_wengert.ops.core import cast, convert_to_tensor


def dtype_of(x: Any) -> Any:
    """What decides a result's dtype: the argument's dtype, or the Python type of a number."""
    dtype = getattr(x, "dtype", None)
    return type(x) if dtype is None else standardize_dtype(dtype)


def result_dtype(*xs: Any) -> str:
    """The dtype of an operation on these arguments, by Keras's promotion."""
    return dtypes.result_type(*[dtype_of(x) for x in xs])


def promoted(*xs: Any) -> list[wengert.Tensor]:
    """The arguments as tensors of one dtype."""
    xs = tuple([convert_to_tensor(x) if isinstance(x, (list, tuple)) else x for x in xs])
    dtype = result_dtype(*xs)
    return [convert_to_tensor(x, dtype) for x in xs]


def as_float(x: Any) -> wengert.Tensor:
    """The argument as a tensor of a floating (or complex) dtype: integers become the default float."""
    x = convert_to_tensor(x)
    if x.dtype.is_floating_point or x.dtype.is_complex:
        return x
    return cast(x, dtypes.result_type(standardize_dtype(x.dtype), float))


def float_dtype(*xs: Any) -> str:
    """As `result_dtype`, and floating."""
    return dtypes.result_type(*[dtype_of(x) for x in xs], float)


def floats(*xs: Any) -> list[wengert.Tensor]:
    """The arguments as tensors of one floating dtype."""
    xs = tuple([convert_to_tensor(x) if isinstance(x, (list, tuple)) else x for x in xs])
    dtype = float_dtype(*xs)
    return [convert_to_tensor(x, dtype) for x in xs]


def unary(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that keeps the dtype."""

    def operation(x: Any) -> Any:
        return function(convert_to_tensor(x))

    return operation


def unary_float(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation whose result is floating."""

    def operation(x: Any) -> Any:
        return function(as_float(x))

    return operation


def binary(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation on two arguments of one dtype."""

    def operation(x1: Any, x2: Any) -> Any:
        return function(*promoted(x1, x2))

    return operation


def binary_float(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation on two arguments of one floating dtype."""

    def operation(x1: Any, x2: Any) -> Any:
        return function(*floats(x1, x2))

    return operation


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """An axis argument as a tuple of positions; None is all of them.

    Raises: ValueError for an axis that is not there.
    """
    if axis is None:
        return tuple(range(ndim))
    for a in axis if isinstance(axis, (tuple, list)) else (axis,):
        if not -max(ndim, 1) <= int(a) < max(ndim, 1):
            raise ValueError(f"axis {a} is out of bounds for a tensor of {ndim} dimensions")
    if isinstance(axis, (tuple, list)):
        return tuple([int(a) % ndim if ndim else int(a) for a in axis])
    return (int(axis) % ndim if ndim else int(axis),)


__all__ = [
    "as_float", "axes_of", "binary", "binary_float", "cast", "convert_to_tensor", "dtype_of", "dtypes", "float_dtype",
    "floats", "floatx", "promoted", "result_dtype", "standardize_dtype", "unary", "unary_float",
]  # fmt: skip
