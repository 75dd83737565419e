"""Elementwise operations: arithmetic, comparison, and every function of one number.

Hot path: two tensors of one dtype, or a tensor and a Python number, go from the call to `record` without a detour.
Everything else (mixed dtypes, arrays, `out=`) takes the general way through `promote`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import ArgumentError, dtype_error, runtime_error, type_error, value_error
from wengert.functions.operands import assign, deliver, floating, is_number, node_of, promote, with_out
from wengert.graph.node import Node
from wengert.graph.record import ever, record, recorder, scalar
from wengert.graph.rule import Primitive, primitives
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, view, wrap

_new = object.__new__

# The lowest category of a tensor's dtype that takes a Python number of this class without being promoted.
_CATEGORY = {bool: dtypes.BOOL, int: dtypes.INTEGER, float: dtypes.FLOATING, complex: dtypes.COMPLEX}
_NO_NUMBER = dtypes.COMPLEX + 1


def unary(name: str, primitive: Primitive, floats: bool = True, doc: str = "") -> Callable[..., Tensor]:
    """The public function of a one-argument primitive. `floats`: integers become the default floating dtype first."""

    static = tuple([primitive.defaults[param] for param in primitive.params])

    def function(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
        try:
            x = input._node if input._link is None else input._read()
        except AttributeError:
            x = node_of(input, name)
        if floats and not x.type.inexact:
            x = floating(x)
        node = record(primitive, (x,), static)
        if out is not None or (ever.exposed and recorder.exposed):
            return deliver(node, out)
        made: Tensor = _new(Tensor)
        made._node = node
        made._link = None
        made._grad = None
        return made

    return _named(function, name, doc or primitive.__doc__ or "")


def binary(name: str, primitive: Primitive, floats: bool = False, doc: str = "") -> Callable[..., Tensor]:
    """The public function of a two-argument primitive, with broadcasting and promotion."""

    static = tuple([primitive.defaults[param] for param in primitive.params])

    def function(input: Any, other: Any, *, out: Optional[Tensor] = None) -> Tensor:
        try:
            x = input._node if input._link is None else input._read()
            category = _CATEGORY.get(other.__class__)
            dtype = x.type.dtype
            if category is not None:
                if category > dtype.category or (floats and not dtype.inexact):
                    raise AttributeError
                w = scalar(other, dtype)
            else:
                w = other._node if other._link is None else other._read()
                if w.type.dtype is not dtype or (floats and not dtype.inexact):
                    raise AttributeError
        except AttributeError:
            x, w = promote(name, input, other, at_least=dtypes.get_default_dtype() if floats else None)
        node = record(primitive, (x, w), static)
        if out is not None or (ever.exposed and recorder.exposed):
            return deliver(node, out)
        made: Tensor = _new(Tensor)
        made._node = node
        made._link = None
        made._grad = None
        return made

    return _named(function, name, doc or primitive.__doc__ or "")


def operator(
    function: Callable[..., Any],
    primitive: Primitive,
    floats: bool = False,
    reflected: bool = False,
    least: int = dtypes.BOOL,
) -> Callable[..., Any]:
    """The Python operator of a two-argument function: the fast way of `binary` without a hop between. The general way is
    `operator_of` the function, and tensors of a category of dtypes below `least` take it too."""
    general = operator_of(function, reflected)
    static = tuple([primitive.defaults[param] for param in primitive.params])

    def method(self: Tensor, other: Any) -> Any:
        w = None
        x = self._node if self._link is None else self._read()
        dtype = x.type.dtype
        if dtype.category >= least and (dtype.inexact or not floats):
            if isinstance(other, Tensor):
                w = other._node if other._link is None else other._read()
                if w.type.dtype is not dtype:
                    w = None
            elif _CATEGORY.get(other.__class__, _NO_NUMBER) <= dtype.category:
                w = scalar(other, dtype)
        if w is None:
            return general(self, other)
        node = record(primitive, (w, x) if reflected else (x, w), static)
        if ever.exposed and recorder.exposed:
            return deliver(node)
        made: Tensor = _new(Tensor)
        made._node = node
        made._link = None
        made._grad = None
        return made

    return _named(method, general.__name__, general.__doc__ or "")


def operator_of(function: Callable[..., Any], reflected: bool = False) -> Callable[..., Any]:
    """A binary operator: NotImplemented for operands that are none of ours, so that Python asks the other side."""

    def method(self: Tensor, other: Any) -> Any:
        try:
            return function(other, self) if reflected else function(self, other)
        except TypeError:
            if isinstance(other, (Tensor, np.ndarray)) or is_number(other):
                raise
            return NotImplemented

    return _named(method, function.__name__, function.__doc__ or "")


def _named(function: Any, name: str, doc: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The ``name_`` twin: the result is written back into the first argument."""
    name = function.__name__ + "_"

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return assign(self, function(_before(self), *args, **kwargs)._read(), name)

    return _named(method, name, f"In place `{function.__name__}`.")


def _before(tensor: Tensor) -> Tensor:
    """What an in-place operation reads of its own tensor. With a history that is a node of its own: what its derivative
    needs was saved before the write, so the write does not count as overwriting it (PyTorch saves a copy)."""
    x = node_of(tensor, "in-place")
    return wrap(record(p.identity, (x,))) if x.tracked and recorder.tracking else tensor


# --- arithmetic ----------------------------------------------------------------------------------------------------

p = primitives
_add = binary("add", p.add)
_sub = binary("sub", p.sub)
mul = binary("mul", p.mul)
true_divide = binary("div", p.div, floats=True)


def add(input: Any, other: Any, *, alpha: Any = 1, out: Optional[Tensor] = None) -> Tensor:
    """input + alpha * other

    Shapes broadcast; dtypes promote. Raises: RuntimeError when the shapes do not broadcast.
    """
    return _add(input, other, out=out) if alpha == 1 else _add(input, _scaled(other, alpha), out=out)


def sub(input: Any, other: Any, *, alpha: Any = 1, out: Optional[Tensor] = None) -> Tensor:
    """input - alpha * other

    Raises: RuntimeError for bool tensors, and when the shapes do not broadcast.
    """
    if isinstance(input, Tensor) and input.dtype is dtypes.bool_ and _is_bool(other):
        raise dtype_error(
            "sub", "subtraction, the `-` operator, with a bool tensor is not supported", None, "use `^` or logical_xor()"
        )
    return _sub(input, other, out=out) if alpha == 1 else _sub(input, _scaled(other, alpha), out=out)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, Tensor) and value.dtype is dtypes.bool_)


def _scaled(other: Any, alpha: Any) -> Any:
    if isinstance(other, Tensor):
        if not other.dtype.inexact and isinstance(alpha, float):
            raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
        return mul(other, alpha)
    return other * alpha


def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """other - alpha * input"""
    return sub(other, input, alpha=alpha) if isinstance(other, Tensor) else _sub(other, _scaled(input, alpha))


def div(input: Any, other: Any, *, rounding_mode: Optional[str] = None, out: Optional[Tensor] = None) -> Tensor:
    """input / other, true division; `rounding_mode` "floor" or "trunc" rounds the quotient and keeps integers.

    Raises: ValueError for another rounding mode; RuntimeError for an integer divided by zero.
    """
    if rounding_mode is None:
        return true_divide(input, other, out=out)
    if rounding_mode == "floor":
        if out is not None or not (isinstance(input, Tensor) or isinstance(other, Tensor)):
            return floor_divide(input, other, out=out)
        x, w = promote("div", input, other)
        y = p.floor_divide(x, w)
        # The derivative is 0, but there is one: only `floor_divide` by itself has none, as in PyTorch.
        return wrap(y if not (x.tracked or w.tracked) else p.where(scalar(True, dtypes.bool_), y, p.floor(p.div(x, w))))
    if rounding_mode != "trunc":
        raise value_error("div", "rounding_mode None, 'trunc' or 'floor'", repr(rounding_mode))
    x, w = promote("div", input, other)
    if x.type.inexact:
        return deliver(p.trunc(p.div(x, w)), out)
    return deliver(truncated_quotient(x, w), out)


def truncated_quotient(x: Node, w: Node) -> Node:
    """x / w of integers, cut towards 0: the floor, and one more where a negative quotient has a remainder."""
    floor, rest = p.floor_divide(x, w), p.remainder(x, w)
    up = p.bitwise_and(p.lt(floor, scalar(0, x.dtype)), p.ne(rest, scalar(0, x.dtype)))
    return p.add(floor, p.convert(up, dtype=x.dtype))


floor_divide = binary("floor_divide", p.floor_divide)
remainder = binary("remainder", p.remainder)
fmod = binary("fmod", p.fmod)
neg = unary("neg", p.neg, floats=False)
_square = unary("square", p.square, floats=False)


def square(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """input * input; bools as integers."""
    if isinstance(input, Tensor) and input.dtype is dtypes.bool_:
        input = wrap(move(input._read(), dtypes.int64))
    return _square(input, out=out)


sqrt = unary("sqrt", p.sqrt)
rsqrt = unary("rsqrt", p.rsqrt)
reciprocal = unary("reciprocal", p.reciprocal)
_pow = binary("pow", p.pow)


def pow(input: Any, exponent: Any, *, out: Optional[Tensor] = None) -> Tensor:
    """input ** exponent, elementwise.

    Raises: RuntimeError for an integer tensor and a negative integer exponent.
    """
    if isinstance(input, Tensor) and is_number(exponent):
        if exponent == 2 and isinstance(exponent, (int, float)):
            x = node_of(input, "pow")
            if x.type.inexact or isinstance(exponent, int):
                return deliver(p.square(x), out) if x.dtype.category else _pow(input, exponent, out=out)
        if exponent == 0.5:
            return sqrt(input, out=out)
        if isinstance(exponent, int) and exponent < 0 and input.dtype.category <= dtypes.INTEGER:
            raise ArgumentError("Integers to negative integer powers are not allowed.")
    return _pow(input, exponent, out=out)


def positive(input: Tensor) -> Tensor:
    """+input. Raises: RuntimeError for a bool tensor."""
    if input.dtype is dtypes.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# --- exponential, trigonometric, special ---------------------------------------------------------------------------

exp = unary("exp", p.exp)
exp2 = unary("exp2", p.exp2)
expm1 = unary("expm1", p.expm1)
log = unary("log", p.log)
log2 = unary("log2", p.log2)
log10 = unary("log10", p.log10)
log1p = unary("log1p", p.log1p)
sigmoid = unary("sigmoid", p.sigmoid)
_logaddexp = binary("logaddexp", p.logaddexp)


def logaddexp(input: Tensor, other: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """log(exp(input) + exp(other)), without overflow."""
    if not (isinstance(input, Tensor) and isinstance(other, Tensor) and (input.is_complex() or other.is_complex())):
        return _logaddexp(input, other, out=out)
    x, w = promote("logaddexp", input, other)
    first = p.ge(p.real(x), p.real(w))  # the larger real part is what overflows, and whose angle the result is near to
    large, small = p.where(first, x, w), p.where(first, w, x)
    return deliver(p.log(p.exp(small - large) + 1) + large, out)


logaddexp2 = binary("logaddexp2", p.logaddexp2)
xlogy = binary("xlogy", p.xlogy, floats=True)
xlog1py = binary("xlog1py", p.xlog1py, floats=True)
sin = unary("sin", p.sin)
cos = unary("cos", p.cos)
tan = unary("tan", p.tan)
asin = unary("asin", p.asin)
acos = unary("acos", p.acos)
atan = unary("atan", p.atan)
atan2 = binary("atan2", p.atan2, floats=True)
sinh = unary("sinh", p.sinh)
cosh = unary("cosh", p.cosh)
tanh = unary("tanh", p.tanh)
asinh = unary("asinh", p.asinh)
acosh = unary("acosh", p.acosh)
atanh = unary("atanh", p.atanh)
hypot = binary("hypot", p.hypot)
sinc = unary("sinc", p.sinc)
erf = unary("erf", p.erf)
erfc = unary("erfc", p.erfc)
erfinv = unary("erfinv", p.erfinv)
lgamma = unary("lgamma", p.lgamma)
digamma = unary("digamma", p.digamma)
i0 = unary("i0", p.i0)


def deg2rad(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """Degrees to radians: x pi / 180"""
    return mul(input, 0.017453292519943295, out=out)


def rad2deg(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """Radians to degrees: x 180 / pi"""
    return mul(input, 57.29577951308232, out=out)


def logit(input: Tensor, eps: Optional[float] = None, *, out: Optional[Tensor] = None) -> Tensor:
    """log(x / (1 - x)), with x clamped to [eps, 1 - eps] when `eps` is given."""
    x = floating(node_of(input, "logit"))
    if eps is not None:
        x = p.clamp(x, scalar(eps, x.dtype), scalar(1 - eps, x.dtype))
    return deliver(p.sub(p.log(x), p.log1p(-x)), out)


# --- kinks ---------------------------------------------------------------------------------------------------------

relu = unary("relu", p.relu, floats=False)
_abs = unary("abs", p.abs, floats=False)
sign = unary("sign", p.sign, floats=False)
floor = unary("floor", p.floor, floats=False)
ceil = unary("ceil", p.ceil, floats=False)
trunc = unary("trunc", p.trunc, floats=False)
frac = unary("frac", p.frac)
_round = unary("round", p.round, floats=False)
maximum = binary("maximum", p.maximum)
minimum = binary("minimum", p.minimum)
fmax = binary("fmax", p.fmax)
fmin = binary("fmin", p.fmin)
copysign = binary("copysign", p.copysign, floats=True)
heaviside = binary("heaviside", p.heaviside)
nextafter = binary("nextafter", p.nextafter)


def abs(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """|input|; real for complex input. The derivative at 0 is 0."""
    return _abs(input, out=out)


def round(input: Tensor, *, decimals: int = 0, out: Optional[Tensor] = None) -> Tensor:
    """The nearest integer, halves to even; `decimals` places after the point (before it, if negative)."""
    if decimals == 0:
        return _round(input, out=out)
    factor = 10.0 ** builtins.abs(decimals)
    scaled = mul(input, factor) if decimals > 0 else true_divide(input, factor)
    return true_divide(_round(scaled), factor, out=out) if decimals > 0 else mul(_round(scaled), factor, out=out)


def sgn(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """sign for real tensors; x / |x|, and 0 at 0, for complex ones."""
    x = node_of(input, "sgn")
    if not x.dtype.is_complex:
        return sign(input, out=out)
    size = p.convert(p.abs(x), dtype=x.dtype)
    zero = p.eq(x, scalar(0, x.dtype))
    return deliver(p.where(zero, scalar(0, x.dtype), x / p.where(zero, scalar(1, x.dtype), size)), out)


def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Optional[Tensor] = None) -> Tensor:
    """min(max(input, min), max); either bound a number, a tensor, or None.

    Raises: RuntimeError when both bounds are None.
    """
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    given = [bound for bound in (min, max) if bound is not None]
    nodes = promote("clamp", input, *given)
    if nodes[0].dtype is dtypes.bool_:
        small = clamp(wrap(move(nodes[0], dtypes.uint8)), *[None if b is None else move_bool(b) for b in (min, max)])
        return deliver(move(small._read(), dtypes.bool_), out)
    if min is None:
        return deliver(p.clamp_max(*nodes), out)
    if max is None:
        return deliver(p.clamp_min(*nodes), out)
    return deliver(p.clamp(*nodes), out)


def move_bool(bound: Any) -> Any:
    """A bound of bools as one of numbers."""
    return wrap(move(bound._read(), dtypes.uint8)) if isinstance(bound, Tensor) else int(bound)


def clamp_min(input: Tensor, min: Any, *, out: Optional[Tensor] = None) -> Tensor:
    """max(input, min)"""
    return clamp(input, min=min, out=out)


def clamp_max(input: Tensor, max: Any, *, out: Optional[Tensor] = None) -> Tensor:
    """min(input, max)"""
    return clamp(input, max=max, out=out)


def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Optional[Tensor] = None) -> Any:
    """input where condition, else other. With the condition alone: the indices where it holds, one tensor a dimension.

    Raises: TypeError when only one of input and other is given.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)  # type: ignore[attr-defined]
    if input is None or other is None:
        raise type_error("where", "both input and other, or neither", None)
    c = node_of(condition, "where", "condition")
    if c.dtype is not dtypes.bool_:
        if c.dtype is not dtypes.uint8:
            raise dtype_error("where", "condition must be a bool tensor", c.dtype)
        c = move(c, dtypes.bool_)
    x, w = promote("where", input, other)
    return deliver(p.where(c, x, w), out)


# --- comparison and logic ------------------------------------------------------------------------------------------

eq = binary("eq", p.eq)
ne = binary("ne", p.ne)
lt = binary("lt", p.lt)
le = binary("le", p.le)
gt = binary("gt", p.gt)
ge = binary("ge", p.ge)
isnan = unary("isnan", p.isnan, floats=False)
isinf = unary("isinf", p.isinf, floats=False)
isfinite = unary("isfinite", p.isfinite, floats=False)
signbit = unary("signbit", p.signbit, floats=False)
bitwise_and = binary("bitwise_and", p.bitwise_and)
bitwise_or = binary("bitwise_or", p.bitwise_or)
bitwise_xor = binary("bitwise_xor", p.bitwise_xor)
bitwise_not = unary("bitwise_not", p.bitwise_not, floats=False)
bitwise_left_shift = binary("bitwise_left_shift", p.left_shift)
bitwise_right_shift = binary("bitwise_right_shift", p.right_shift)


def _logical(name: str, primitive: Primitive, doc: str) -> Callable[..., Tensor]:
    def function(input: Any, other: Any, *, out: Optional[Tensor] = None) -> Tensor:
        x, w = promote(name, input, other)
        return deliver(primitive(move(x, dtypes.bool_), move(w, dtypes.bool_)), out)

    return _named(function, name, doc)


logical_and = _logical("logical_and", p.bitwise_and, "Whether both are nonzero.")
logical_or = _logical("logical_or", p.bitwise_or, "Whether one is nonzero.")
logical_xor = _logical("logical_xor", p.bitwise_xor, "Whether exactly one is nonzero.")


def logical_not(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """Whether the element is zero."""
    return deliver(p.bitwise_not(move(node_of(input, "logical_not"), dtypes.bool_)), out)


@with_out
def isposinf(input: Tensor) -> Tensor:
    """Whether the element is +inf."""
    return eq(input, float("inf"))


@with_out
def isneginf(input: Tensor) -> Tensor:
    """Whether the element is -inf."""
    return eq(input, float("-inf"))


def isclose(input: Tensor, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """|input - other| <= atol + rtol |other|, elementwise; infinities are close to themselves only."""
    if rtol < 0 or atol < 0:
        raise runtime_error("isclose", "rtol and atol must be greater than or equal to zero", f"rtol={rtol}, atol={atol}")
    x, w = promote("isclose", input, other)
    close = p.eq(x, w)
    if x.dtype.inexact:
        within = p.abs(x - w) <= p.abs(w) * rtol + atol
        close = close | (within & p.isfinite(w))
        if equal_nan:
            close = close | (p.isnan(x) & p.isnan(w))
    else:
        xf, wf = p.convert(x, dtype=dtypes.float64), p.convert(w, dtype=dtypes.float64)
        close = close | (p.abs(xf - wf) <= p.abs(wf) * rtol + atol)
    return wrap(close)


@with_out
def lerp(input: Tensor, end: Any, weight: Any) -> Tensor:
    """input + weight (end - input)"""
    x, w = promote("lerp", input, end)
    t = node_of(weight, "lerp", "weight") if isinstance(weight, Tensor) else scalar(weight, x.dtype)
    return wrap(x + move(t, x.dtype) * (w - x))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1, out: Optional[Tensor] = None) -> Tensor:
    """input + value * tensor1 * tensor2"""
    x, a, b = promote("addcmul", input, tensor1, tensor2)
    return deliver(x + (a * b if value == 1 else a * b * value), out)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1, out: Optional[Tensor] = None) -> Tensor:
    """input + value * tensor1 / tensor2"""
    x, a, b = promote("addcdiv", input, tensor1, tensor2, at_least=dtypes.get_default_dtype())
    return deliver(x + (a / b if value == 1 else a / b * value), out)


@with_out
def nan_to_num(
    input: Tensor, nan: float = 0.0, posinf: Optional[float] = None, neginf: Optional[float] = None
) -> Tensor:
    """NaN, +inf and -inf replaced; infinities by the dtype's largest and smallest value unless given."""
    x = node_of(input, "nan_to_num")
    if not x.dtype.is_floating_point:
        return wrap(x)
    limits = np.finfo(np.float32 if x.dtype is dtypes.bfloat16 else x.dtype.numpy)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    y = p.where(p.isnan(x), scalar(nan, x.dtype), x)
    y = p.where(p.eq(x, scalar(float("inf"), x.dtype)), scalar(high, x.dtype), y)
    return wrap(p.where(p.eq(x, scalar(float("-inf"), x.dtype)), scalar(low, x.dtype), y))


# --- complex -------------------------------------------------------------------------------------------------------


def real(input: Tensor) -> Tensor:
    """The real part; a real tensor gives itself."""
    return _part(input, 0) if input.is_complex() else input


def imag(input: Tensor) -> Tensor:
    """The imaginary part. Raises: RuntimeError for a real tensor."""
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return _part(input, 1)


def _part(input: Tensor, number: int) -> Tensor:
    """The real (0) or the imaginary parts (1), sharing the memory."""
    whole = tuple([(0, n, 1) for n in input.shape])
    return view(view(input, p.as_real, ()), p.slice, ((*whole, number),))


def conj(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor gives itself."""
    return wrap(p.conj(node_of(input, "conj"))) if input.is_complex() else input


def complex(real: Tensor, imag: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """real + i imag. Raises: RuntimeError unless both have one floating dtype."""
    x, w = node_of(real, "complex", "real"), node_of(imag, "complex", "imag")
    if x.dtype is not w.dtype or x.dtype not in (dtypes.float32, dtypes.float64):
        raise dtype_error("complex", "two float32 or two float64 tensors", f"{x.dtype} and {w.dtype}")
    return deliver(p.complex(x, w), out)


def polar(abs: Tensor, angle: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """abs (cos angle + i sin angle)"""
    r, t = promote("polar", abs, angle)
    return deliver(p.complex(r * p.cos(t), r * p.sin(t)), out)


angle = unary("angle", p.angle)


def isreal(input: Tensor) -> Tensor:
    """Whether the imaginary part is 0."""
    x = node_of(input, "isreal")
    if not x.dtype.is_complex:
        return wrap(p.full(scalar(True, dtypes.bool_), shape=x.shape))
    part = p.imag(x)
    return wrap(p.eq(part, scalar(0, part.dtype)))


# --- what becomes public and a method ------------------------------------------------------------------------------

subtract, multiply, divide, negative, absolute, power = sub, mul, div, neg, abs, pow
arcsin, arccos, arctan, arctan2, arcsinh, arccosh, arctanh = asin, acos, atan, atan2, asinh, acosh, atanh
fix, clip = trunc, clamp
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne


def float_power(input: Any, exponent: Any, *, out: Optional[Tensor] = None) -> Tensor:
    """input ** exponent in float64 (complex128 for complex operands)."""
    x, w = promote("float_power", input, exponent)
    dtype = dtypes.complex128 if x.dtype.is_complex else dtypes.float64
    return deliver(p.pow(move(x, dtype), move(w, dtype)), out)


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements, as a Python bool."""
    if tuple(input.shape) != tuple(other.shape):
        return False
    x, w = promote("equal", input, other)
    return bool(wrap(p.reduce_and(p.eq(x, w), axes=tuple(range(x.ndim)))).item())


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether all elements are close (see `isclose`), as a Python bool."""
    close = node_of(isclose(input, other, rtol, atol, equal_nan), "allclose")
    return bool(wrap(p.reduce_and(close, axes=tuple(range(close.ndim)))).item())


_PUBLIC = """
add sub subtract rsub mul multiply div divide true_divide floor_divide remainder fmod neg negative square sqrt rsqrt
reciprocal pow float_power positive exp exp2 expm1 log log2 log10 log1p sigmoid logaddexp logaddexp2 xlogy sin cos tan
asin acos atan atan2 sinh cosh tanh asinh acosh atanh arcsin arccos arctan arctan2 arcsinh arccosh arctanh hypot sinc
erf erfc erfinv lgamma digamma i0 deg2rad rad2deg logit relu abs absolute sign sgn floor ceil trunc fix frac round
maximum minimum fmax fmin copysign heaviside nextafter clamp clip clamp_min clamp_max where eq ne lt le gt ge greater
greater_equal less less_equal not_equal isnan isinf isfinite signbit bitwise_and bitwise_or bitwise_xor bitwise_not
bitwise_left_shift bitwise_right_shift logical_and logical_or logical_xor logical_not isposinf isneginf isclose lerp
addcmul addcdiv nan_to_num real imag conj complex polar angle isreal equal allclose
""".split()

__all__ = list(_PUBLIC)

_NOT_METHODS = {"rsub", "complex", "polar", "where", "real", "imag"}

METHODS: dict[str, Callable[..., Any]] = {name: globals()[name] for name in _PUBLIC if name not in _NOT_METHODS}
METHODS["where"] = lambda self, condition, other: where(condition, self, other)
METHODS["real"] = property(real)  # type: ignore[assignment]
METHODS["imag"] = property(imag)  # type: ignore[assignment]

IN_PLACE: tuple[str, ...] = tuple(
    name
    for name in METHODS
    if name not in {"where", "real", "imag", "equal", "allclose", "isnan", "isinf", "isfinite", "signbit", "isposinf",
                    "isneginf", "isclose", "isreal", "angle", "positive", "conj", "maximum", "minimum", "fmax", "fmin",
                    "logaddexp", "logaddexp2"}
)  # fmt: skip
