"""Exponentials, logarithms and the normal distribution as LLVM IR, as `operations.py` says: each within 4 ulp."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext

from wengert import dtypes
from wengert.backends.llvm import elementary
from wengert.backends.llvm.scalars import Scalars
from wengert.dtypes import DType

Emitter = Callable[[Scalars, list[str], list[DType], DType], str]

# --- of floats: exponentials and logarithms ---------------------------------------------------------------------------


def _decay(s: Scalars, t: DType, z: str, error: str = "") -> str:
    """exp(-|z|), or exp(-|z + error|): exp(-|z|) (1 -+ error)."""
    e = _exp_of_negative(s, t, s.minus(t, s.intrinsic("fabs", t, z)))
    if not error:
        return e
    # Where z is infinite or NaN its error means nothing.
    small = s.compare("lt", t, s.intrinsic("fabs", t, error), s.constant(0.125, t))
    against = s.select(s.compare("lt", t, z, s.constant(0, t)), t, error, s.minus(t, error))
    return s.select(small, t, s.fused(t, e, against, e), e)


def _exp_of_negative(s: Scalars, t: DType, x: str) -> str:
    """e^x for x <= 0 or NaN"""
    if t is not dtypes.float32:
        return elementary.exp(s, t, x)
    least = s.constant(-104, t)
    return elementary.decay(s, s.select(s.compare("lt", t, x, least), t, least, x))


def _logistic(s: Scalars, t: DType, z: str, decay: str) -> str:
    """1 / (1 + exp(-z)) from exp(-|z|): no overflow on either side."""
    one = s.constant(1, t)
    top = s.select(s.compare("ge", t, z, s.constant(0, t)), t, one, decay)
    return s.two("fdiv", t, top, s.two("fadd", t, one, decay))


def sigmoid(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return _logistic(s, t[0], a[0], _decay(s, t[0], a[0]))


def log_sigmoid(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """min(x, 0) - log(1 + exp(-|x|))"""
    below = s.extreme("min", t[0], a[0], s.constant(0, t[0]))
    return s.two("fsub", t[0], below, s.libm("log1p", t[0], _decay(s, t[0], a[0])))


def softplus(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """(max(z, 0) + log(1 + exp(-|z|))) / beta with z = beta x; x above the threshold"""
    x, beta, threshold = a
    z = s.two("fmul", t[0], x, beta)
    decay = _decay(s, t[0], z, s.product_error(t[0], x, beta, z))
    above = s.extreme("max", t[0], z, s.constant(0, t[0]))
    soft = s.two("fdiv", t[0], s.two("fadd", t[0], above, s.libm("log1p", t[0], decay)), beta)
    return s.select(s.compare("gt", t[0], z, threshold), t[0], x, soft)


def log_sum(exponential: str, logarithm: Callable[[Scalars, DType, str], str]) -> Emitter:
    """max(x, y) + log(1 + exp(-|x - y|)); twice an infinity is that infinity."""

    def emit(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
        apart = s.intrinsic("fabs", t[0], s.two("fsub", t[0], a[0], a[1]))
        rest = logarithm(s, t[0], s.libm(exponential, t[0], s.minus(t[0], apart)))
        found = s.two("fadd", t[0], s.extreme("max", t[0], a[0], a[1]), rest)
        infinite = s.compare("eq", t[0], s.intrinsic("fabs", t[0], a[0]), s.constant(float("inf"), t[0]))
        same = s.two("and", dtypes.bool_, infinite, s.compare("eq", t[0], a[0], a[1]))
        return s.select(same, t[0], a[0], found)

    return emit


def binary_log1p(s: Scalars, t: DType, x: str) -> str:
    return s.two("fmul", t, s.libm("log1p", t, x), s.constant(_LOG2E, t))


def log(s: Scalars, t: DType, x: str) -> str:
    """log x for products with it. Near 1, where libmvec's own is off by 4 ulp, through log(1 + (x - 1)); x - 1 is exact."""
    one = s.constant(1, t)
    from_one = s.two("fsub", t, x, one)
    near = s.compare("lt", t, s.intrinsic("fabs", t, from_one), s.constant(0.5, t))
    close = s.libm("log1p", t, s.select(near, t, from_one, one))
    return s.select(near, t, close, s.libm("log", t, x))


def log1p(s: Scalars, t: DType, x: str) -> str:
    return s.libm("log1p", t, x)


def times_log(logarithm: Callable[[Scalars, DType, str], str]) -> Emitter:
    """x log(y), and 0 where x = 0 unless y is NaN"""

    def emit(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
        product = s.two("fmul", t[0], a[0], logarithm(s, t[0], a[1]))
        number = s.w.emit(f"fcmp ord {s.type(t[0])} {a[1]}, {a[1]}")
        nothing = s.two("and", dtypes.bool_, s.compare("eq", t[0], a[0], s.constant(0, t[0])), number)
        return s.select(nothing, t[0], s.constant(0, t[0]), product)

    return emit


def entr(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """-x log x; 0 at 0 and -inf below"""
    zero, one = s.constant(0, t[0]), s.constant(1, t[0])
    safe = s.select(s.compare("gt", t[0], a[0], zero), t[0], a[0], one)
    y = s.two("fmul", t[0], s.minus(t[0], a[0]), log(s, t[0], safe))
    return s.select(s.compare("lt", t[0], a[0], zero), t[0], s.constant(float("-inf"), t[0]), y)


def elu(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    zero = s.constant(0, t[0])
    below = s.two("fmul", t[0], a[1], s.libm("expm1", t[0], s.extreme("min", t[0], a[0], zero)))
    return s.select(s.compare("gt", t[0], a[0], zero), t[0], a[0], below)


# --- of floats: the normal distribution -------------------------------------------------------------------------------

with localcontext() as _context:
    _context.prec = 60
    _PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
    _ROOT_HALF = 1 / Decimal(2).sqrt()
    _TWICE_ROOT = 2 * (2 / _PI).sqrt()  # 2 sqrt(2 / pi)
    _CUBIC = _TWICE_ROOT * Decimal("0.044715")
    _FOUR_BY_PI = 4 / _PI
    _LOG2E = 1 / Decimal(2).ln()


def _halves(s: Scalars, t: DType, number: Decimal) -> tuple[str, str]:
    """A number as a float of this dtype, and what is missing, as another."""
    with localcontext() as context:
        context.prec = 60
        high = t.numpy.type(float(number))
        return s.constant(high, t), s.constant(float(number - Decimal(float(high))), t)


# erfcx(t / sqrt 2) / 2 = P(q) / (t + K) with q = (t - K) / (t + K), for 0 <= t < 14.6; P by weighted least squares, moved
# towards the least greatest error: 2.4e-8 of the value with these float32 coefficients.
_K = 4.242640495300293
_MILLS = (
    0.7594375645375906, -0.6246542205699862, 0.41735440398874085, -0.2195325612358984, 0.08451988664969472,
    -0.01897881835589678, -0.0008677591176370704, 0.0021783379701294787, -0.00034062399239394536, -0.00022950864973618888,
)  # fmt: skip


def ndtr(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """P(X <= x). With float32, from e^(-x^2 / 2), which is the second argument if it is given."""
    if t[0] is not dtypes.float32:
        return _ndtr64(s, a, t)
    return _ndtr32(s, a[0], a[1] if len(a) > 1 else elementary.gaussian(s, t[0], a[0]))


def _ndtr32(s: Scalars, x: str, e: str) -> str:
    """e erfcx(t / sqrt 2) / 2 with t = |x| and e = e^(-t^2 / 2), or 1 less it"""
    d = dtypes.float32
    one, shift, lot = s.constant(1, d), s.constant(_K, d), s.constant(-2 * _K, d)
    size = s.intrinsic("fabs", d, x)
    # Beyond, e is 0 and the rest might overflow. NaN stays.
    size = s.select(s.compare("gt", d, size, s.constant(15, d)), d, s.constant(15, d), size)
    r = s.two("fdiv", d, one, s.two("fadd", d, size, shift))
    # What r lacks of 1 / (t + K): near t = 0 q would double its error.
    minus = s.minus(d, r)
    lack = s.two("fmul", d, s.fused(d, minus, size, s.fused(d, minus, shift, one)), r)
    q = s.fused(d, lot, lack, s.fused(d, lot, r, one))
    # P(q) and P(q) / (t + K), with what rounding takes from them: 3.5 ulp at most instead of 4.6.
    first, slope = s.constant(_MILLS[0], d), elementary.polynomial(s, q, _MILLS[1:])
    p = s.fused(d, q, slope, first)
    low = s.fused(d, q, slope, s.two("fsub", d, first, p))
    product = s.two("fmul", d, p, r)
    rest = s.fused(d, low, r, s.fused(d, p, lack, s.product_error(d, p, r, product)))
    tail = s.two("fmul", d, e, s.two("fadd", d, product, rest))
    return s.select(s.compare("lt", d, x, s.constant(0, d)), d, tail, s.two("fsub", d, one, tail))


def gaussian(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return elementary.gaussian(s, t[0], a[0])


def _ndtr64(s: Scalars, a: list[str], t: list[DType]) -> str:
    """erfc(z) / 2 at z = -x / sqrt 2. With z = h + l, the product and its rounding, erfc(z) is erfc(h) (1 - l f(h)), where
    f = -erfc' / erfc is, for what it is needed, near enough h + sqrt(h^2 + 4 / pi)."""
    high, low = _halves(s, t[0], -_ROOT_HALF)
    h = s.two("fmul", t[0], a[0], high)
    error = s.fused(t[0], a[0], low, s.product_error(t[0], a[0], high, h))
    root = s.intrinsic("sqrt", t[0], s.fused(t[0], h, h, s.constant(_FOUR_BY_PI, t[0])))
    e = s.libm("erfc", t[0], h)
    slope = s.minus(t[0], s.two("fmul", t[0], e, s.two("fadd", t[0], h, root)))
    moderate = s.compare("lt", t[0], s.intrinsic("fabs", t[0], h), s.constant(64, t[0]))
    e = s.select(moderate, t[0], s.fused(t[0], slope, error, e), e)
    return s.two("fmul", t[0], e, s.constant(0.5, t[0]))


def gelu(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.two("fmul", t[0], a[0], ndtr(s, a, t, result))


def gelu_tanh(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """x sigmoid(z) with z = 2 sqrt(2 / pi) (x + 0.044715 x^3), whose rounding errors are collected on the way"""
    x, d = a[0], t[0]
    linear, linear_low = _halves(s, d, _TWICE_ROOT)
    cubic, cubic_low = _halves(s, d, _CUBIC)
    square = s.two("fmul", d, x, x)
    term = s.two("fmul", d, cubic, square)
    factor = s.two("fadd", d, linear, term)
    z = s.two("fmul", d, x, factor)
    # z + error = x (linear + linear_low + (cubic + cubic_low) (square + its error))
    error = s.fused(d, cubic, s.product_error(d, x, x, square), s.product_error(d, cubic, square, term))
    error = s.two("fadd", d, s.fused(d, cubic_low, square, error), linear_low)
    error = s.two("fadd", d, error, s.sum_error(d, linear, term, factor))
    error = s.fused(d, x, error, s.product_error(d, x, factor, z))
    return s.two("fmul", d, x, _logistic(s, d, z, _decay(s, d, z, error)))
