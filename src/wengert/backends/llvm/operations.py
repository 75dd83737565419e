"""Every operation of the loop language as LLVM IR, by the name of its primitive; what is not here runs through NumPy.

An emitter takes (scalars, arguments, their dtypes, result dtype) and gives the result; it meets the primitive's `evaluate`
at every edge (NaN, infinities, the sign of 0, ties, integers that wrap) and stays within 4 ulp of the true value. Where a
formula would magnify the rounding of an intermediate z, as exp(z) does by |z|, that rounding is computed and put right.

16-bit floats are computed in float32 and rounded once, as `evaluate` does.
"""

from __future__ import annotations

from typing import Any

from wengert import dtypes
from wengert.backends.llvm import elementary, philox
from wengert.backends.llvm.exponentials import (
    Emitter,
    binary_log1p,
    elu,
    entr,
    gaussian,
    gelu,
    gelu_tanh,
    log,
    log1p,
    log_sigmoid,
    log_sum,
    ndtr,
    sigmoid,
    softplus,
    times_log,
)
from wengert.backends.llvm.scalars import Scalars, wide
from wengert.dtypes import DType

# --- makers of emitters ---------------------------------------------------------------------------------------------


def _arithmetic(floating: str, integer: str, boolean: str = "") -> Emitter:
    def emit(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
        word = floating if t[0].is_floating_point else (boolean if t[0] is dtypes.bool_ else integer)
        return s.two(word, t[0], a[0], a[1])

    return emit


def _comparison(predicate: str) -> Emitter:
    return lambda s, a, t, result: s.compare(predicate, t[0], a[0], a[1])


def _libm(name: str) -> Emitter:
    return lambda s, a, t, result: s.libm(name, t[0], *a)


def _intrinsic(name: str) -> Emitter:
    return lambda s, a, t, result: s.intrinsic(name, t[0], *a)


def _rounding(name: str) -> Emitter:
    """Integers are already round."""
    return lambda s, a, t, result: s.intrinsic(name, t[0], *a) if t[0].is_floating_point else a[0]


def _bits(word: str) -> Emitter:
    return lambda s, a, t, result: s.two(word, t[0], a[0], a[1])


def _extreme(word: str) -> Emitter:
    return lambda s, a, t, result: s.extreme(word, t[0], a[0], a[1])


# --- of every kind of number ----------------------------------------------------------------------------------------


def _neg(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    if t[0].is_floating_point:
        return s.minus(t[0], a[0])
    return s.two("sub", t[0], s.constant(0, t[0]), a[0])


def _abs(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    if t[0].is_floating_point:
        return s.intrinsic("fabs", t[0], a[0])
    if not t[0].is_signed:
        return a[0]
    return s.select(s.compare("lt", t[0], a[0], s.constant(0, t[0])), t[0], _neg(s, a, t, result), a[0])


def _sign(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """0 for NaN."""
    if t[0] is dtypes.bool_:
        return a[0]
    zero, one = s.constant(0, t[0]), s.constant(1, t[0])
    up = s.select(s.compare("gt", t[0], a[0], zero), t[0], one, zero)
    return s.select(s.compare("lt", t[0], a[0], zero), t[0], s.constant(-1, t[0]), up) if t[0].is_signed else up


def _where(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.select(a[0], result, a[1], a[2])


def _relu(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """0 where x <= 0, so that NaN passes."""
    zero = s.constant(0, t[0])
    return s.select(s.compare("le", t[0], a[0], zero), t[0], zero, a[0])


def _square(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.two("fmul" if t[0].is_floating_point else "mul", t[0], a[0], a[0])


def _clamp(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.extreme("min", t[0], s.extreme("max", t[0], a[0], a[1]), a[2])


def _number_first(word: str) -> Emitter:
    """fmax, fmin: a number wins over NaN."""

    def emit(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
        if not t[0].is_floating_point:
            return s.extreme(word, t[0], a[0], a[1])
        chosen = s.compare("ge" if word == "max" else "le", t[0], a[0], a[1])
        chosen = s.two("or", dtypes.bool_, chosen, s.is_nan(t[0], a[1]))
        return s.select(chosen, t[0], a[0], a[1])

    return emit


def _heaviside(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    zero, one = s.constant(0, t[0]), s.constant(1, t[0])
    above = s.select(s.compare("gt", t[0], a[0], zero), t[0], one, zero)
    return s.select(s.compare("eq", t[0], a[0], zero), t[0], a[1], above)


def _isnan(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.is_nan(t[0], a[0]) if t[0].is_floating_point else s.constant(False, dtypes.bool_)


def _against_infinity(predicate: str, of_integers: bool) -> Emitter:
    def emit(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
        if not t[0].is_floating_point:
            return s.constant(of_integers, dtypes.bool_)
        return s.compare(predicate, t[0], s.intrinsic("fabs", t[0], a[0]), s.constant(float("inf"), t[0]))

    return emit


def _signbit(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    if t[0].is_floating_point:
        whole = dtypes.int32 if t[0].itemsize == 4 else dtypes.int64
        bits = s.w.emit(f"bitcast {s.type(t[0])} {a[0]} to {s.type(whole)}")
        return s.compare("lt", whole, bits, s.constant(0, whole))
    if not t[0].is_signed:
        return s.constant(False, dtypes.bool_)
    return s.compare("lt", t[0], a[0], s.constant(0, t[0]))


def _not(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.two("xor", t[0], a[0], s.constant(1 if t[0] is dtypes.bool_ else -1, t[0]))


def _shift(word: str) -> Emitter:
    """By less than the width; else what shifting on and on gives. Right shifts of signed numbers keep the sign."""

    def emit(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
        bits = 8 * t[0].itemsize
        fits = s.w.emit(f"icmp ult {s.type(t[0])} {a[1]}, {s.constant(bits, t[0])}")
        if word == "left":
            shifted = s.two("shl", t[0], a[0], s.select(fits, t[0], a[1], s.constant(0, t[0])))
            return s.select(fits, t[0], shifted, s.constant(0, t[0]))
        if t[0].is_signed:
            return s.two("ashr", t[0], a[0], s.select(fits, t[0], a[1], s.constant(bits - 1, t[0])))
        shifted = s.two("lshr", t[0], a[0], s.select(fits, t[0], a[1], s.constant(0, t[0])))
        return s.select(fits, t[0], shifted, s.constant(0, t[0]))

    return emit


def _convert(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.convert(a[0], t[0], result)


# --- of floats: exact, or rounded once --------------------------------------------------------------------------------


def _reciprocal(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.two("fdiv", t[0], s.constant(1, t[0]), a[0])


def _rsqrt(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return _reciprocal(s, [s.intrinsic("sqrt", t[0], a[0])], t, result)


def _frac(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.two("fsub", t[0], a[0], s.intrinsic("trunc", t[0], a[0]))


def _leaky_relu(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    below = s.two("fmul", t[0], a[0], a[1])
    return s.select(s.compare("gt", t[0], a[0], s.constant(0, t[0])), t[0], a[0], below)


def _fmod(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.lane_by_lane("fmod", t[0], tuple(a))


def _other_side(s: Scalars, t: DType, mod: str, w: str) -> str:
    """Whether a remainder of fmod is not 0 and has another sign than the divisor."""
    zero = s.constant(0, t)
    differ = s.two("xor", dtypes.bool_, s.compare("lt", t, w, zero), s.compare("lt", t, mod, zero))
    return s.two("and", dtypes.bool_, differ, s.compare("ne", t, mod, zero))


def _remainder(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """x - y floor(x / y), exactly: from fmod, moved to the divisor's side; a 0 gets its sign."""
    mod = _fmod(s, a, t, result)
    moved = s.select(_other_side(s, t[0], mod, a[1]), t[0], s.two("fadd", t[0], mod, a[1]), mod)
    zero = s.constant(0, t[0])
    at_zero = s.select(s.compare("eq", t[0], mod, zero), t[0], s.intrinsic("copysign", t[0], zero, a[1]), moved)
    return s.select(s.compare("eq", t[0], a[1], zero), t[0], mod, at_zero)


def _floor_divide(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """The integer next to (x - fmod(x, y)) / y, one less where the remainder has another sign; x / y where y = 0."""
    zero, one = s.constant(0, t[0]), s.constant(1, t[0])
    mod = _fmod(s, a, t, result)
    exact = s.two("fdiv", t[0], s.two("fsub", t[0], a[0], mod), a[1])
    exact = s.select(_other_side(s, t[0], mod, a[1]), t[0], s.two("fsub", t[0], exact, one), exact)
    floor = s.intrinsic("floor", t[0], exact)
    above = s.compare("gt", t[0], s.two("fsub", t[0], exact, floor), s.constant(0.5, t[0]))
    found = s.select(above, t[0], s.two("fadd", t[0], floor, one), floor)
    quotient = s.two("fdiv", t[0], a[0], a[1])
    at_zero = s.intrinsic("copysign", t[0], zero, quotient)
    found = s.select(s.compare("eq", t[0], exact, zero), t[0], at_zero, found)
    return s.select(s.compare("eq", t[0], a[1], zero), t[0], quotient, found)


def _nextafter(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """The bits of a float count up away from 0."""
    whole = dtypes.int32 if t[0].itemsize == 4 else dtypes.int64
    floats, words = s.type(t[0]), s.type(whole)
    zero, one = s.constant(0, t[0]), s.constant(1, whole)
    bits = s.w.emit(f"bitcast {floats} {a[0]} to {words}")
    outwards = s.two("xor", dtypes.bool_, s.compare("gt", t[0], a[0], zero), s.compare("gt", t[0], a[0], a[1]))
    moved = s.select(outwards, whole, s.two("add", whole, bits, one), s.two("sub", whole, bits, one))
    found = s.w.emit(f"bitcast {words} {moved} to {floats}")
    least = s.w.emit(f"bitcast {words} {one} to {floats}")
    found = s.select(s.compare("eq", t[0], a[0], zero), t[0], s.intrinsic("copysign", t[0], least, a[1]), found)
    found = s.select(s.compare("eq", t[0], a[0], a[1]), t[0], a[1], found)
    either = s.w.emit(f"fcmp uno {floats} {a[0]}, {a[1]}")
    return s.select(either, t[0], s.two("fadd", t[0], a[0], a[1]), found)


# --- the tables -------------------------------------------------------------------------------------------------------

# By the libm function that computes them.
LIBM = {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2", "log10": "log10", "log1p": "log1p",
    "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan", "atan2": "atan2",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh",
    "hypot": "hypot", "erf": "erf", "erfc": "erfc", "pow": "pow",
}  # fmt: skip

# Operations of floats only.
FLOATS: dict[str, Emitter] = {
    **{name: _libm(function) for name, function in LIBM.items()},
    "exp": lambda s, a, t, result: elementary.exp(s, t[0], a[0]),
    "tanh": lambda s, a, t, result: elementary.tanh(s, t[0], a[0]),
    "div": lambda s, a, t, result: s.two("fdiv", t[0], a[0], a[1]),
    "sqrt": _intrinsic("sqrt"),
    "copysign": _intrinsic("copysign"),
    "rsqrt": _rsqrt,
    "reciprocal": _reciprocal,
    "frac": _frac,
    "leaky_relu": _leaky_relu,
    "fmod": _fmod,
    "remainder": _remainder,
    "floor_divide": _floor_divide,
    "nextafter": _nextafter,
    "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid,
    "softplus": softplus,
    "logaddexp": log_sum("exp", log1p),
    "logaddexp2": log_sum("exp2", binary_log1p),
    "xlogy": times_log(log),
    "xlog1py": times_log(log1p),
    "entr": entr,
    "elu": elu,
    "gaussian": gaussian,
    "ndtr": ndtr,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
}

# Operations of integers and bools only.
WHOLE: dict[str, Emitter] = {
    "bitwise_and": _bits("and"),
    "bitwise_or": _bits("or"),
    "bitwise_xor": _bits("xor"),
    "bitwise_not": _not,
    "left_shift": _shift("left"),
    "right_shift": _shift("right"),
}

# Operations of all real numbers.
REAL: dict[str, Emitter] = {
    "add": _arithmetic("fadd", "add", "or"),
    "sub": _arithmetic("fsub", "sub"),
    "mul": _arithmetic("fmul", "mul", "and"),
    "neg": _neg,
    "abs": _abs,
    "sign": _sign,
    "square": _square,
    "relu": _relu,
    "maximum": _extreme("max"),
    "minimum": _extreme("min"),
    "fmax": _number_first("max"),
    "fmin": _number_first("min"),
    "clamp_min": _extreme("max"),
    "clamp_max": _extreme("min"),
    "clamp": _clamp,
    "heaviside": _heaviside,
    "eq": _comparison("eq"),
    "ne": _comparison("ne"),
    "lt": _comparison("lt"),
    "le": _comparison("le"),
    "gt": _comparison("gt"),
    "ge": _comparison("ge"),
    "isnan": _isnan,
    "isinf": _against_infinity("eq", False),
    "isfinite": _against_infinity("lt", True),
    "signbit": _signbit,
    "floor": _rounding("floor"),
    "ceil": _rounding("ceil"),
    "trunc": _rounding("trunc"),
    "round": _rounding("roundeven"),
    "convert": _convert,
}

# What moves numbers of any kind.
MOVES: dict[str, Emitter] = {"where": _where}

# What depends on the place in a stream of random numbers, after its key and its counter.
DRAWS: dict[str, Emitter] = {"uniform": philox.uniform}

TABLE = {**FLOATS, **WHOLE, **REAL, **MOVES, **DRAWS}


def supports(name: str, arguments: tuple[Any, ...], result: Any) -> bool:
    """Whether a program may use this operation on these dtypes: the door of `loops.lower`."""
    if result is None or None in arguments:
        return False
    if result in dtypes.EIGHT_BIT or any(t in dtypes.EIGHT_BIT for t in arguments):
        return False
    if name == "load" or name in MOVES:
        return True
    if any(t.is_complex for t in (*arguments, result)):
        return False
    if name.startswith("fold "):
        return True
    if name in DRAWS:
        return result is dtypes.float32
    if name == "convert":
        # From float64 to float16 in one rounding there is no instruction; what C makes of a float that is negative or too
        # large for a wide unsigned integer is the compiler's choice.
        wide_unsigned = arguments[0].is_floating_point and result in dtypes.WIDE_UNSIGNED
        return (arguments[0], result) != (dtypes.float64, dtypes.float16) and not wide_unsigned
    if name == "nextafter" and arguments[0].itemsize == 2:  # the next one of the narrow type
        return False
    if name in FLOATS or name in WHOLE:
        return bool(arguments[0].is_floating_point) == (name in FLOATS)
    return name in REAL


def emit(s: Scalars, op: str, args: list[str], types: list[DType], result: DType) -> str:
    """IR for one application."""
    found = TABLE[op](s, args, [wide(t) for t in types], wide(result))
    return s.rounded(found, result) if op not in MOVES else found
