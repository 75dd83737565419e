"""Elementary functions of float32 written out where they are used, each within 2 ulp, tanh within 2.5: no call, which would
spill every vector register, and no need of a vector library. Other dtypes, and other functions, go to `Scalars.libm`.

The polynomials are weighted least-squares fits moved towards the least greatest error, rounded to float32.
"""

from __future__ import annotations

from wengert import dtypes
from wengert.backends.llvm.scalars import Scalars
from wengert.dtypes import DType

_F = dtypes.float32
_LOG2E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.693145751953125, 1.42860682030941723212e-6
# (e^r - 1 - r) / r^2 for |r| <= log(2) / 2
_EXP = (0.4999999403953552, 0.1666651964187622, 0.041668396443128586, 0.008368796668946743, 0.0013814435806125402)


def polynomial(s: Scalars, x: str, coefficients: tuple[float, ...]) -> str:
    """By Horner's rule, in float32."""
    y = s.constant(coefficients[-1], _F)
    for c in reversed(coefficients[:-1]):
        y = s.fused(_F, y, x, s.constant(c, _F))
    return y


def exp(s: Scalars, t: DType, x: str) -> str:
    """e^x = 2^n e^r with n = round(x / log 2); 2^n in two factors, so that results below the normal ones are rounded once."""
    if t is not _F:
        return s.libm("exp", t, x)
    whole = dtypes.int32
    for bound, word in ((89.0, "gt"), (-104.0, "lt")):  # beyond: infinity, 0. NaN stays
        limit = s.constant(bound, _F)
        x = s.select(s.compare(word, _F, x, limit), _F, limit, x)
    y, bits = _reduced(s, x, 2 * _BIAS)
    half = s.two("lshr", whole, bits, s.constant(1, whole))
    for part in (half, s.two("sub", whole, bits, half)):
        y = s.two("fmul", _F, y, _power_of_two(s, part))
    return y


def decay(s: Scalars, x: str, low: str = "") -> str:
    """e^x for x in float32, or e^(x + low), where -112 < x <= 0 or NaN and low is small: 2^n 2^64 is no less than the normal
    ones, so one factor and a constant are enough."""
    y, bits = _reduced(s, x, _BIAS + 64, low)
    return s.two("fmul", _F, s.two("fmul", _F, y, _power_of_two(s, bits)), s.constant(2.0**-64, _F))


def gaussian(s: Scalars, t: DType, x: str) -> str:
    """e^(-x^2 / 2), with the rounding of the square put right"""
    limit, half = s.constant(15 if t is _F else 40, t), s.constant(-0.5, t)
    size = s.intrinsic("fabs", t, x)
    # Beyond, the result is 0 and the square might overflow. NaN stays.
    size = s.select(s.compare("gt", t, size, limit), t, limit, size)
    square = s.two("fmul", t, size, size)
    exponent, low = s.two("fmul", t, square, half), s.two("fmul", t, s.product_error(t, size, size, square), half)
    if t is _F:
        return decay(s, exponent, low)
    e = s.libm("exp", t, exponent)
    return s.fused(t, e, low, e)


_BIAS = 127  # of a float32's exponent


def _reduced(s: Scalars, x: str, bias: int, low: str = "") -> tuple[str, str]:
    """e^r and an integer as `_exponent_apart` gives them."""
    y, bits = _exponent_apart(s, x, bias, low)
    return s.two("fadd", _F, y, s.constant(1, _F)), bits


def _exponent_apart(s: Scalars, x: str, bias: int, low: str = "") -> tuple[str, str]:
    """e^r - 1 where x + low = n log 2 + r, and an integer whose lowest nine bits are n + bias. Where x is NaN, e^r is.

    A sum with 1.5 2^23 has no room for a fraction: it is rounded to a whole number, which its lowest bits hold.
    """
    shift = s.constant(1.5 * 2.0**23 + bias, _F)
    shifted = s.fused(_F, x, s.constant(_LOG2E, _F), shift)
    n = s.two("fsub", _F, shifted, shift)
    r = s.fused(_F, n, s.constant(-_LN2_HIGH, _F), x)
    r = s.fused(_F, n, s.constant(-_LN2_LOW, _F), r)
    if low:
        r = s.two("fadd", _F, r, low)
    y = s.fused(_F, s.two("fmul", _F, r, r), polynomial(s, r, _EXP), r)
    return y, s.w.emit(f"bitcast {s.type(_F)} {shifted} to {s.type(dtypes.int32)}")


def _power_of_two(s: Scalars, biased: str) -> str:
    """2^n for -127 < n < 128 from an integer whose lowest nine bits are n + 127: they become the exponent, the sign 0."""
    bits = s.two("shl", dtypes.int32, biased, s.constant(23, dtypes.int32))
    return s.w.emit(f"bitcast {s.type(dtypes.int32)} {bits} to {s.type(_F)}")


def tanh(s: Scalars, t: DType, x: str) -> str:
    """-d / (d + 2) with d = e^(-2|x|) - 1, and the sign of x. d = 2^n (e^r - 1) + (2^n - 1), where nothing is lost: n is 0
    near 0, and 2^n - 1 is exact as long as it matters."""
    if t is not _F:
        return s.libm("tanh", t, x)
    size = s.intrinsic("fabs", _F, x)
    limit = s.constant(10, _F)  # beyond, the result is 1. NaN stays
    size = s.select(s.compare("gt", _F, size, limit), _F, limit, size)
    part, bits = _exponent_apart(s, s.two("fmul", _F, size, s.constant(-2, _F)), _BIAS)
    power, one = _power_of_two(s, bits), s.constant(1, _F)
    d = s.fused(_F, part, power, s.two("fsub", _F, power, one))
    quotient = s.two("fdiv", _F, d, s.two("fadd", _F, d, s.constant(2, _F)))
    return s.intrinsic("copysign", _F, quotient, x)
