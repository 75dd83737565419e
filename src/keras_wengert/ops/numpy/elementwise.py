"""Element by element: arithmetic, comparisons, bits, exponentials and angles."""

from __future__ import annotations

from typing import Any

import wengert as w
from keras_wengert.ops.common import (
    as_float,
    binary,
    binary_float,
    cast,
    convert_to_tensor,
    dtypes,
    floats,
    floatx,
    promoted,
    result_dtype,
    standardize_dtype,
    unary,
    unary_float,
)

add = binary(lambda a, b: w.logical_or(a, b) if a.dtype is w.bool else a + b)
multiply = binary(lambda a, b: w.logical_and(a, b) if a.dtype is w.bool else a * b)
maximum = binary(w.maximum)
minimum = binary(w.minimum)
fmax = binary(w.fmax)
fmin = binary(w.fmin)
power = binary(lambda a, b: w.pow(a, b))
gcd = binary(lambda a, b: w.gcd(a, b))
lcm = binary(lambda a, b: w.lcm(a, b))


def subtract(x1: Any, x2: Any) -> Any:
    """x1 - x2"""
    a, b = promoted(x1, x2)
    return w.logical_xor(a, b) if a.dtype is w.bool else a - b


true_divide = divide = binary_float(lambda a, b: a / b)
arctan2 = binary_float(w.atan2)
hypot = binary_float(w.hypot)
logaddexp = binary_float(w.logaddexp)
logaddexp2 = binary_float(w.logaddexp2)
nextafter = binary_float(w.nextafter)
heaviside = binary_float(w.heaviside)


def _without_bool(a: Any, b: Any) -> tuple[Any, Any]:
    return (cast(a, "int32"), cast(b, "int32")) if a.dtype is w.bool else (a, b)


def floor_divide(x1: Any, x2: Any) -> Any:
    """The quotient rounded down."""
    a, b = _without_bool(*promoted(x1, x2))
    return w.floor_divide(a, b)


def mod(x1: Any, x2: Any) -> Any:
    """The remainder with the divisor's sign."""
    a, b = _without_bool(*promoted(x1, x2))
    return w.remainder(a, b)


def fmod(x1: Any, x2: Any) -> Any:
    """The remainder with the dividend's sign."""
    a, b = _without_bool(*promoted(x1, x2))
    return w.fmod(a, b)


def divide_no_nan(x1: Any, x2: Any) -> Any:
    """x1 / x2, and 0 where x2 is 0; the derivative there is 0 too."""
    a, b = floats(x1, x2)
    safe = w.where(b == 0, w.ones_like(b), b)
    return w.where(b == 0, w.zeros_like(a / safe), a / safe)


def ldexp(x1: Any, x2: Any) -> Any:
    """x1 * 2 ** x2"""
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    dtype = dtypes.result_type(standardize_dtype(x1.dtype), standardize_dtype(x2.dtype), float)
    if x2.dtype.is_floating_point:
        raise TypeError(f"ldexp exponent must be an integer type. Received: x2 dtype={x2.dtype}")
    return cast(x1, dtype) * w.pow(2.0, cast(x2, dtype))


# --- comparisons and logic --------------------------------------------------------------------------------------------

equal = binary(w.eq)
not_equal = binary(w.ne)
greater = binary(w.gt)
greater_equal = binary(w.ge)
less = binary(w.lt)
less_equal = binary(w.le)


def _logical(function: Any) -> Any:
    def operation(x1: Any, x2: Any) -> Any:
        return function(cast(x1, "bool"), cast(x2, "bool"))

    return operation


logical_and = _logical(w.logical_and)
logical_or = _logical(w.logical_or)
logical_xor = _logical(w.logical_xor)


def logical_not(x: Any) -> Any:
    """Whether an element is zero."""
    return w.logical_not(cast(x, "bool"))


isfinite = unary(w.isfinite)
isinf = unary(w.isinf)
isnan = unary(w.isnan)
isneginf = unary(w.isneginf)
isposinf = unary(w.isposinf)
isreal = unary(w.isreal)
signbit = unary(w.signbit)


def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether elements differ by at most atol + rtol |x2|."""
    a, b = promoted(x1, x2)
    if a.dtype is w.bool:
        return a == b
    return w.isclose(a, b, rtol, atol, equal_nan)


def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether all elements are close."""
    return isclose(x1, x2, rtol, atol, equal_nan).all()


# --- bits -------------------------------------------------------------------------------------------------------------


def _bitwise(function: Any) -> Any:
    def operation(x: Any, y: Any) -> Any:
        return function(*promoted(x, y))

    return operation


bitwise_and = _bitwise(w.bitwise_and)
bitwise_or = _bitwise(w.bitwise_or)
bitwise_xor = _bitwise(w.bitwise_xor)
bitwise_not = bitwise_invert = unary(w.bitwise_not)


def _shift(function: Any) -> Any:
    def operation(x: Any, y: Any) -> Any:
        a, b = promoted(convert_to_tensor(x), y)
        return function(cast(a, "int32"), cast(b, "int32")) if a.dtype is w.bool else function(a, b)

    return operation


left_shift = bitwise_left_shift = _shift(w.bitwise_left_shift)
right_shift = bitwise_right_shift = _shift(w.bitwise_right_shift)


# --- one argument -----------------------------------------------------------------------------------------------------

negative = unary(lambda x: cast(x, "int32").neg() if x.dtype is w.bool else -x)
conjugate = conj = unary(w.conj)
real = unary(lambda x: x.real if x.dtype.is_complex else x)
imag = unary(lambda x: x.imag if x.dtype.is_complex else w.zeros_like(x))
sign = unary(lambda x: cast(x, "int32").sign() if x.dtype is w.bool else w.sign(x))
trunc = unary(lambda x: x if not x.dtype.is_floating_point else w.trunc(x))
fabs = unary_float(w.abs)


def absolute(x: Any) -> Any:
    """|x|"""
    x = convert_to_tensor(x)
    return x if x.dtype is w.bool or not x.dtype.is_signed else w.abs(x)


abs = absolute


def square(x: Any) -> Any:
    """x * x"""
    x = convert_to_tensor(x)
    return cast(x, "int32") if x.dtype is w.bool else w.square(x)


def round(x: Any, decimals: int = 0) -> Any:
    """x rounded to the nearest, halves to even; to 10 ** -decimals."""
    x = convert_to_tensor(x)
    if x.dtype.is_floating_point:
        return w.round(x, decimals=decimals)
    if decimals >= 0:
        return cast(x, "int32") if x.dtype is w.bool else x
    scale = 10**-decimals
    return cast(w.round(cast(x, floatx()) / scale) * scale, standardize_dtype(x.dtype))


def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """x between the bounds."""
    x = convert_to_tensor(x)
    if x.dtype is w.bool:
        x = cast(x, "int32")
    low = None if x_min is None else convert_to_tensor(x_min, standardize_dtype(x.dtype))
    high = None if x_max is None else convert_to_tensor(x_max, standardize_dtype(x.dtype))
    return w.clamp(x, low, high)


def nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """x with NaN and the infinities replaced."""
    x = convert_to_tensor(x)
    return w.nan_to_num(x, nan, posinf, neginf) if x.dtype.inexact else x


def angle(x: Any) -> Any:
    """The argument of a complex number."""
    return w.angle(as_float(x))


for _name, _theirs in {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log10": "log10", "log1p": "log1p", "log2": "log2",
    "sqrt": "sqrt", "reciprocal": "reciprocal", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "ceil": "ceil", "floor": "floor", "sinc": "sinc", "i0": "i0",
    "deg2rad": "deg2rad", "rad2deg": "rad2deg",
}.items():  # fmt: skip
    globals()[_name] = unary_float(getattr(w, _theirs))


def cbrt(x: Any) -> Any:
    """The real cube root."""
    x = as_float(x)
    return w.sign(x) * w.pow(w.abs(x), 1 / 3)


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, else x2; without them, the places where it holds."""
    condition = cast(condition, "bool")
    if x1 is None and x2 is None:
        return w.where(condition)
    a, b = promoted(x1, x2)
    return w.where(condition, a, b)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each element the choice of the first condition that holds."""
    choices = promoted(*choicelist, default)
    y = choices[-1]
    for condition, choice in reversed(list(zip(condlist, choices))):
        y = w.where(cast(condition, "bool"), choice, y)
    return y


def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each element of x1 is in x2."""
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    dtype = result_dtype(x1, x2)
    dtype = "int32" if dtype == "bool" else dtype
    return w.isin(cast(x1, dtype), cast(x2, dtype), assume_unique=assume_unique, invert=invert)
