"""Functions of one or two numbers, by TensorFlow's names: `tf.math`, part of it at the top, `tf.bitwise`."""

from __future__ import annotations

from math import sqrt as root
from typing import Any, Optional

from wengert.tf.errors import InvalidArgumentError, invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import (
    BOOL,
    FLOATING,
    INEXACT,
    INTEGER,
    NUMERIC,
    REAL,
    SIGNED,
    accept,
    alike,
    binary,
    led,
    like,
    unary,
)
from wengert.tf.ops.core import F, fresh, w

# --- one number -------------------------------------------------------------------------------------------------------


def _still(function: Any) -> Any:
    """A function that TensorFlow gives no derivative: a gradient through it is None, not 0."""
    return lambda x: function(x.detach())


abs = unary(w.abs, "Abs", SIGNED, "|x|; of complex numbers, real.")
acos = unary(w.acos, "Acos", INEXACT, "The angle in [0, pi] whose cosine is x.")
acosh = unary(w.acosh, "Acosh", INEXACT, "The number that cosh takes to x.")
asin = unary(w.asin, "Asin", INEXACT, "The angle in [-pi/2, pi/2] whose sine is x.")
asinh = unary(w.asinh, "Asinh", INEXACT, "The number that sinh takes to x.")
atan = unary(w.atan, "Atan", INEXACT, "The angle in (-pi/2, pi/2) whose tangent is x.")
atanh = unary(w.atanh, "Atanh", INEXACT, "The number that tanh takes to x.")
ceil = unary(_still(w.ceil), "Ceil", FLOATING, "The smallest whole number that is not below x.")
cos = unary(w.cos, "Cos", INEXACT, "The cosine.")
cosh = unary(w.cosh, "Cosh", INEXACT, "(e^x + e^-x) / 2")
erf = unary(w.erf, "Erf", FLOATING, "2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.")
erfc = unary(w.erfc, "Erfc", FLOATING, "1 - erf(x)")
erfinv = unary(w.erfinv, "Erfinv", FLOATING, "The number that erf takes to x.")
exp = unary(w.exp, "Exp", INEXACT, "e^x")
expm1 = unary(w.expm1, "Expm1", INEXACT, "e^x - 1, exact near 0.")
floor = unary(_still(w.floor), "Floor", FLOATING, "The largest whole number that is not above x.")
is_finite = unary(w.isfinite, "IsFinite", FLOATING, "Whether x is neither infinite nor NaN.")
is_inf = unary(w.isinf, "IsInf", FLOATING, "Whether x is infinite.")
is_nan = unary(w.isnan, "IsNan", FLOATING, "Whether x is NaN.")
lgamma = unary(w.lgamma, "Lgamma", FLOATING, "ln |Gamma(x)|")
digamma = unary(w.digamma, "Digamma", FLOATING, "The derivative of ln Gamma.")
log = unary(w.log, "Log", INEXACT, "The natural logarithm.")
log1p = unary(w.log1p, "Log1p", INEXACT, "ln(1 + x), exact near 0.")
log_sigmoid = unary(F.logsigmoid, "LogSigmoid", FLOATING, "ln(1 / (1 + e^-x)), without overflow.")
logical_not = unary(w.logical_not, "LogicalNot", BOOL, "Whether x is False.")
ndtri = unary(w.special.ndtri, "Ndtri", FLOATING, "The number below which a normal one falls with probability x.")
negative = unary(w.neg, "Neg", NUMERIC, "-x")
reciprocal = unary(w.reciprocal, "Reciprocal", INEXACT, "1 / x")
rsqrt = unary(w.rsqrt, "Rsqrt", INEXACT, "1 / sqrt(x)")
sigmoid = unary(w.sigmoid, "Sigmoid", INEXACT, "1 / (1 + e^-x)")
sign = unary(w.sgn, "Sign", SIGNED, "-1, 0 or 1; x / |x| of a complex number.")
sin = unary(w.sin, "Sin", INEXACT, "The sine.")
sinh = unary(w.sinh, "Sinh", INEXACT, "(e^x - e^-x) / 2")
sqrt = unary(w.sqrt, "Sqrt", INEXACT, "The square root.")
square = unary(w.square, "Square", NUMERIC, "x^2")
tan = unary(w.tan, "Tan", INEXACT, "The tangent.")
tanh = unary(w.tanh, "Tanh", INEXACT, "sinh(x) / cosh(x)")
invert = unary(w.bitwise_not, "Invert", INTEGER, "Every bit turned.")
reciprocal_no_nan = unary(
    lambda x: w.where(x == 0, w.zeros_like(x), 1 / w.where(x == 0, w.ones_like(x), x)), "ReciprocalNoNan", INEXACT,
    "1 / x, and 0 where x is 0.",
)  # fmt: skip
erfcinv = unary(lambda x: w.special.ndtri(x * 0.5) * -root(0.5), "Erfcinv", FLOATING, "The number that erfc takes to x.")


def _rounded(x: Any) -> Any:
    return w.round(x.detach()) if x.dtype.inexact else x


round = unary(_rounded, "Round", REAL, "The nearest whole number, the even one of two.")
rint = unary(_still(w.round), "Rint", FLOATING, "The nearest whole number, the even one of two.")


# --- parts of complex numbers: a real one is its own real part ---------------------------------------------------------


@face("input")
def real(input: Any, name: Optional[str] = None) -> Any:
    """The real part."""
    return input.real if input.dtype.is_complex else input


@face("input")
def imag(input: Any, name: Optional[str] = None) -> Any:
    """The imaginary part; 0 for real numbers."""
    return w.imag(input) if input.dtype.is_complex else w.zeros_like(input)


@face("x")
def conj(x: Any, name: Optional[str] = None) -> Any:
    """The conjugate. Raises: TypeError for bools."""
    if x.dtype is w.bool:
        raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype.name}")
    return w.conj(x) if x.dtype.is_complex else x


@face("input")
def angle(input: Any, name: Optional[str] = None) -> Any:
    """The angle of a complex number; 0 or pi for real ones."""
    return w.angle(input) if input.dtype.is_complex else w.where(input < 0, w.full_like(input, w.pi), w.zeros_like(input))


@face()
def complex(real: Any, imag: Any, name: Optional[str] = None) -> Any:
    """real + i imag. Raises: InvalidArgumentError for two dtypes; TypeError for others than float32 and float64."""
    real, imag = alike("Complex", real, imag)
    if real.dtype not in (w.float32, w.float64):
        raise TypeError(
            f"The `real` and `imag` components have incorrect types: {real.dtype.name} {imag.dtype.name}. They "
            "must be consistent, and one of tf.float32, tf.float64"
        )
    return w.complex(*w.broadcast_tensors(real, imag))


# --- two numbers ------------------------------------------------------------------------------------------------------


def _or_zero(where: Any, x: Any, y: Any) -> Any:
    """x / y, and 0 where `where` holds, with no NaN on the way to a derivative."""
    safe = w.where(where, w.ones_like(y), y)
    return w.where(where, w.zeros_like(x / safe), x / safe)


def _floor_divided(x: Any, y: Any) -> Any:
    _no_zeros(y, "FloorDiv")
    return w.floor_divide(x, y)


def _floor_modulus(x: Any, y: Any) -> Any:
    _no_zeros(y, "FloorMod")
    return w.remainder(x, y)


def _no_zeros(y: Any, operation: str) -> None:
    """Raises: InvalidArgumentError when integers are divided by zero."""
    if not y.dtype.inexact and bool((y == 0).any()):
        raise invalid(f"Integer division by zero [Op:{operation}]")


def _times_unless_zero(x: Any, y: Any) -> Any:
    return w.where((y == 0) & ~w.isfinite(x), w.zeros_like(x), x) * y


def _first_of_equal(better: Any, function: Any) -> Any:
    """The better of two numbers; the first of equal ones has all of the derivative, as in TensorFlow."""

    def chosen(x: Any, y: Any) -> Any:
        return w.where(better(x, y) | w.isnan(x), x, y) if x.dtype.inexact else function(x, y)

    return chosen


def _still_at_zero(function: Any) -> Any:
    """``x f(y)`` whose derivative by x is 0 where x is 0."""
    return lambda x, y: function(w.where(x == 0, w.zeros_like(x), x), y)


add = binary(w.add, "AddV2", NUMERIC, "x + y", together=led)
subtract = binary(w.sub, "Sub", NUMERIC, "x - y")
multiply = binary(w.mul, "Mul", NUMERIC, "x y")
maximum = binary(_first_of_equal(w.ge, w.maximum), "Maximum", REAL, "The larger of two.")
minimum = binary(_first_of_equal(w.le, w.minimum), "Minimum", REAL, "The smaller of two.")
atan2 = binary(w.atan2, "Atan2", FLOATING, "The angle of the point (x, y).", arguments=("y", "x"))
floordiv = binary(_floor_divided, "FloorDiv", NUMERIC, "x / y, rounded down.")
floormod = binary(_floor_modulus, "FloorMod", REAL, "What is left of x / y, with y's sign.")
truncatediv = binary(lambda x, y: w.div(x, y, rounding_mode="trunc"), "TruncateDiv", NUMERIC, "x / y, towards 0.")
truncatemod = binary(w.fmod, "TruncateMod", REAL, "What is left of x / y, with x's sign.")
realdiv = binary(w.true_divide, "RealDiv", INEXACT, "x / y")
squared_difference = binary(lambda x, y: w.conj(x - y) * (x - y), "SquaredDifference", NUMERIC, "|x - y|^2")
divide_no_nan = binary(lambda x, y: _or_zero(y == 0, x, y), "DivNoNan", INEXACT, "x / y, and 0 where y is 0.")
multiply_no_nan = binary(_times_unless_zero, "MulNoNan", INEXACT, "x y, and 0 where y is 0, though x be infinite or NaN.")
nextafter = binary(
    w.nextafter, "NextAfter", frozenset([w.float32, w.float64]), "The next number from x1 towards x2.",
    arguments=("x1", "x2"),
)  # fmt: skip
xlogy = binary(_still_at_zero(w.xlogy), "Xlogy", INEXACT, "x ln y, and 0 where x is 0.")
xlog1py = binary(_still_at_zero(w.special.xlog1py), "Xlog1py", INEXACT, "x ln(1 + y), and 0 where x is 0.")
xdivy = binary(lambda x, y: _or_zero((x == 0) & (y == y), x, y), "Xdivy", INEXACT, "x / y, and 0 where x is 0.")
equal = binary(w.eq, "Equal", NUMERIC | BOOL, "Whether x = y.")
not_equal = binary(w.ne, "NotEqual", NUMERIC | BOOL, "Whether x and y differ.")
less = binary(w.lt, "Less", REAL, "Whether x < y.")
less_equal = binary(w.le, "LessEqual", REAL, "Whether x <= y.")
greater = binary(w.gt, "Greater", REAL, "Whether x > y.")
greater_equal = binary(w.ge, "GreaterEqual", REAL, "Whether x >= y.")
logical_and = binary(w.logical_and, "LogicalAnd", BOOL, "Whether both hold.")
logical_or = binary(w.logical_or, "LogicalOr", BOOL, "Whether one of them holds.")
logical_xor = binary(w.logical_xor, "LogicalXor", BOOL, "Whether just one of them holds.")
bitwise_and = binary(w.bitwise_and, "BitwiseAnd", INTEGER, "The bits that both have.")
bitwise_or = binary(w.bitwise_or, "BitwiseOr", INTEGER, "The bits that one of them has.")
bitwise_xor = binary(w.bitwise_xor, "BitwiseXor", INTEGER, "The bits that just one of them has.")
left_shift = binary(w.bitwise_left_shift, "LeftShift", INTEGER, "x's bits, y places up.")
right_shift = binary(w.bitwise_right_shift, "RightShift", INTEGER, "x's bits, y places down, the sign kept.")
igamma = binary(
    w.igamma, "Igamma", FLOATING, "The part of the gamma integral of t^(a-1) e^-t from 0 to x.", arguments=("a", "x")
)
igammac = binary(w.igammac, "Igammac", FLOATING, "1 - igamma(a, x)", arguments=("a", "x"))
zeta = binary(w.special.zeta, "Zeta", FLOATING, "The sum of (q + k)^-x over k = 0, 1, ...", arguments=("x", "q"))


@face()
def pow(x: Any, y: Any, name: Optional[str] = None) -> Any:
    """x^y. Raises: InvalidArgumentError for dtypes that differ, or an integer to a negative power."""
    x, y = alike("Pow", x, y)
    accept("Pow", NUMERIC, x)
    if not x.dtype.inexact and bool((y < 0).any()):
        raise invalid("Integers to negative integer powers are not allowed [Op:Pow]")
    return w.pow(x, y)


def _quotient(x: Any, y: Any) -> Any:
    """x / y; integers of up to 16 bits divide in float32, others in float64. Raises: TypeError for two dtypes."""
    x = fresh(x)
    try:
        y = like("RealDiv", y, x)
    except Exception as error:
        if getattr(y, "dtype", x.dtype) is x.dtype:
            raise
        raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype.name} != {y.dtype.name}. Use tf.cast") from error
    if not x.dtype.inexact:
        wide = w.float32 if x.dtype.itemsize <= 2 else w.float64
        x, y = x.to(wide), y.to(wide)
    return w.true_divide(x, y)


@face()
def truediv(x: Any, y: Any, name: Optional[str] = None) -> Any:
    """x / y, of integers too. Raises: TypeError for dtypes that differ."""
    return _quotient(x, y)


@face()
def divide(x: Any, y: Any, name: Optional[str] = None) -> Any:
    """x / y as Python divides. Raises: TypeError for dtypes that differ."""
    return _quotient(x, y)


@face()
def scalar_mul(scalar: Any, x: Any, name: Optional[str] = None) -> Any:
    """x times a number. Raises: ValueError for a scalar that has dimensions."""
    x = fresh(x)
    scalar = like("Mul", scalar, x)
    if scalar.ndim:
        raise ValueError(f"The input scalar must be a 0-D value. Received shape {tuple(scalar.shape)}.")
    return scalar * x


@face()
def add_n(inputs: Any, name: Optional[str] = None) -> Any:
    """The sum of tensors of one shape and dtype. Raises: ValueError for none; InvalidArgumentError for shapes that differ."""
    if not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    if not inputs:
        raise ValueError("Inputs must be an iterable of at least one Tensor with the same dtype and shape.")
    terms = alike("AddN", *inputs)
    accept("AddN", NUMERIC, terms[0])
    total = terms[0]
    for term in terms[1:]:
        if term.shape != total.shape:
            raise invalid(
                f"Inputs to operation AddN must have the same size and shape. Input 0: {list(total.shape)} != "
                f"input: {list(term.shape)} [Op:AddN]"
            )
        total = total + term
    return total


@face()
def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: Optional[str] = None) -> Any:
    """As `add_n`. Raises: ValueError for none, or for shapes or dtypes that differ or are not those said."""
    try:
        total = fresh(add_n(list(inputs)))
    except InvalidArgumentError as error:
        raise ValueError(f"inputs must be a list of at least one Tensor with the same dtype and shape: {error}") from error
    if shape is not None and tuple(shape) != tuple(total.shape):
        raise ValueError(f"accumulate_n: inputs of shape {tuple(total.shape)}, not {tuple(shape)}")
    return total


@face()
def approx_equal(x: Any, y: Any, tolerance: float = 1e-5, name: Optional[str] = None) -> Any:
    """Whether |x - y| < tolerance."""
    x, y = alike("ApproximateEqual", x, y)
    accept("ApproximateEqual", NUMERIC, x)
    return w.abs(x - y) < tolerance


__all__ = [
    "abs", "accumulate_n", "acos", "acosh", "add", "add_n", "angle", "approx_equal", "asin", "asinh", "atan", "atan2", "atanh",
    "bitwise_and", "bitwise_or", "bitwise_xor", "ceil", "complex", "conj", "cos", "cosh", "digamma", "divide",
    "divide_no_nan", "equal", "erf", "erfc", "erfcinv", "erfinv", "exp", "expm1", "floor", "floordiv", "floormod",
    "greater", "greater_equal", "igamma", "igammac", "imag", "invert", "is_finite", "is_inf", "is_nan", "left_shift",
    "less", "less_equal", "lgamma", "log", "log1p", "log_sigmoid", "logical_and", "logical_not", "logical_or",
    "logical_xor", "maximum", "minimum", "multiply", "multiply_no_nan", "ndtri", "negative", "nextafter", "not_equal",
    "pow", "real", "realdiv", "reciprocal", "reciprocal_no_nan", "right_shift", "rint", "round", "rsqrt",
    "scalar_mul", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "squared_difference", "subtract", "tan", "tanh",
    "truediv", "truncatediv", "truncatemod", "xdivy", "xlog1py", "xlogy", "zeta",
]  # fmt: skip
