"""Functions in pieces: every kink and jump, and the value that is chosen there.

The choices are PyTorch's. A derivative that is 0 or 1 is a mask (a bool partial), not a product, so that what lies on
the other side of a kink stays 0 even where the cotangent is infinite or NaN. Rounding, comparisons and the like, whose
derivative is 0 or none, stand in `steps.py`. One long chapter, so that no kink has to be looked for elsewhere.
"""

from __future__ import annotations

from functools import partial as bind
from typing import Any, Optional

import numpy as np

from wengert.errors import dtype_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.record import record, scalar
from wengert.graph.rule import Cotangent, Elementwise, add_nodes, broadcast_to, conjugated, primitives, unbroadcast
from wengert.primitives.numerics import wide
from wengert.primitives.steps import bitwise_and, bitwise_not, bitwise_or, eq, ge, gt, isnan, le, lt, ne
from wengert.shapes import broadcast

# --- choosing -----------------------------------------------------------------------------------------------------


# The floats whose zeros a mask can set, and elements from which that is quicker than to choose.
_ZEROS = {char: bytes(np.dtype(char).itemsize) for char in "efd"}
_WORTH_MASKING = 1024


class Where(Elementwise):
    """z = x where c, else y

    Partials  dz/dx = 1 where c, dz/dy = 1 where not c; exact zeros elsewhere
    Shapes    all three broadcast; c is bool, x and y share a dtype
    """

    name = "where"

    def __call__(self, c: Node, x: Any, w: Any) -> Node:
        """Record it; a Python number takes the dtype of the other branch."""
        if x.__class__ is not Node:
            x = scalar(x, w.dtype)
        if w.__class__ is not Node:
            w = scalar(w, x.dtype)
        return record(self, (c, x, w))

    def infer(self, *types: ArrayType, **params: Any) -> ArrayType:
        c, x, w = types
        if c.dtype.name != "bool":
            raise dtype_error("where", "a condition of dtype bool", c.dtype.name, "compare first, as in x > 0")
        if x.dtype is not w.dtype:
            raise dtype_error("where", "two branches of one dtype", f"{x.dtype.name} and {w.dtype.name}")
        return array_type(broadcast("where", c.shape, x.shape, w.shape), x.dtype)

    def evaluate(self, c: Any, x: Any, w: Any) -> Any:
        if w.ndim == 0 and x.size >= _WORTH_MASKING and x.shape == c.shape and w.tobytes() == _ZEROS.get(x.dtype.char):
            bits = x.view(f"u{x.itemsize}")  # a number's bits times 1 or 0: a third of the time of np.where
            return np.multiply(c, bits).view(x.dtype)
        return np.where(c, x, w)

    def partials(self, c: Node, x: Node, w: Node, *, y: Node) -> Any:
        return None, c, lambda: bitwise_not(c)


class _Extremum(Elementwise):
    """Shared by maximum and minimum. `loses(x, w)` records where x is not chosen.

    Partials  1 for the one that is chosen, 1/2 each at a tie, 0 for the other
    Domain    NaN wins over everything, and both inputs receive its cotangent
    """

    accepts = ("bool", "integer", "floating")
    loses: Any

    def share(self, t: Node, x: Node, w: Node) -> Node:
        halved = where(eq(x, w), t * 0.5, t)
        return where(self.loses(x, w), 0, halved)

    def vjp(self, y_bar: Node, *inputs: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        x, w = inputs

        def pull(x: Node, w: Node) -> Node:
            return unbroadcast(self.share(y_bar, x, w), x.type)

        return bind(pull, x, w), bind(pull, w, x)

    def jvp(self, x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> Optional[Node]:
        x, w = inputs
        x_dot, w_dot = x_dots
        left = None if x_dot is None else self.share(broadcast_to(x_dot, y.shape), x, w)
        right = None if w_dot is None else self.share(broadcast_to(w_dot, y.shape), w, x)
        return add_nodes(left, right)


class Maximum(_Extremum):
    """z = the greater of x and y      Kink  x = y: half of the derivative each"""

    name = "maximum"
    evaluate = np.maximum
    loses = lt


class Minimum(_Extremum):
    """z = the lesser of x and y       Kink  x = y: half of the derivative each"""

    name = "minimum"
    evaluate = np.minimum
    loses = gt


class _NumberExtremum(Elementwise):
    """Shared by fmax and fmin. `wins(x, w)` records where x is chosen among numbers.

    Partials  dz/dx = 1 where x wins or y is NaN, dz/dy = 1 elsewhere
    Kink      x = y: the whole derivative goes to x
    Domain    a number wins over NaN
    """

    accepts = ("bool", "integer", "floating")
    wins: Any

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        chosen = bitwise_or(self.wins(x, w), isnan(w))
        return chosen, lambda: bitwise_not(chosen)


class Fmax(_NumberExtremum):
    """z = the greater of x and y; a number wins over NaN      Kink  x = y: the whole derivative goes to x"""

    name = "fmax"
    evaluate = np.fmax
    wins = ge


class Fmin(_NumberExtremum):
    """z = the lesser of x and y; a number wins over NaN       Kink  x = y: the whole derivative goes to x"""

    name = "fmin"
    evaluate = np.fmin
    wins = le


class ClampMin(Elementwise):
    """y = max(x, low)

    Partials  dy/dx = 1 where x >= low, dy/dlow = 1 where x < low
    Kink      at x = low the derivative is x's; NaN passes through without one
    """

    name = "clamp_min"
    accepts = ("integer", "floating")
    domain = ((-3.0, 3.0), (-1.0, 1.0))
    evaluate = np.maximum

    def partials(self, x: Node, low: Node, *, y: Node) -> Any:
        return lambda: ge(x, low), lambda: lt(x, low)


class ClampMax(Elementwise):
    """y = min(x, high)

    Partials  dy/dx = 1 where x <= high, dy/dhigh = 1 where x > high
    Kink      at x = high the derivative is x's; NaN passes through without one
    """

    name = "clamp_max"
    accepts = ("integer", "floating")
    domain = ((-3.0, 3.0), (-1.0, 1.0))
    evaluate = np.minimum

    def partials(self, x: Node, high: Node, *, y: Node) -> Any:
        return lambda: le(x, high), lambda: gt(x, high)


class Clamp(Elementwise):
    """y = min(max(x, low), high); where low > high, y = high

    Partials  dy/dx = 1 where low <= x <= high;  dy/dlow = 1 where x < low < high;  dy/dhigh = 1 where x > high or
              low > high
    Kink      at either bound the derivative is x's; NaN passes through without one
    """

    name = "clamp"
    accepts = ("integer", "floating")
    domain = ((-3.0, 3.0), (-1.5, -0.5), (0.5, 1.5))

    def evaluate(self, x: Any, low: Any, high: Any) -> Any:
        return np.minimum(np.maximum(x, low), high)

    def partials(self, x: Node, low: Node, high: Node, *, y: Node) -> Any:
        return (
            lambda: bitwise_and(ge(x, low), le(x, high)),
            lambda: bitwise_and(lt(x, low), lt(low, high)),
            lambda: bitwise_or(gt(x, high), gt(low, high)),
        )


# --- around zero --------------------------------------------------------------------------------------------------


class Relu(Elementwise):
    """y = max(x, 0)

    Partial   dy/dx = 1 where x > 0, else 0; from the result, so x need not be kept
    Kink      at x = 0 the subgradient 0; NaN passes through, and so does its cotangent
    """

    name = "relu"
    takes_out = True
    accepts = ("integer", "floating")
    kinks = (0.0,)

    def evaluate(self, x: Any, *, out: Any = None) -> Any:
        return np.maximum(x, x.dtype.type(0), out=out)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: ne(y, scalar(0, y.dtype)),)  # y is never negative


class LeakyRelu(Elementwise):
    """y = x where x > 0, else slope x

    Partials  dy/dx = 1 where x > 0, else slope;  dy/dslope = x where x <= 0, else 0
    Kink      at x = 0 the derivative is slope
    """

    name = "leaky_relu"
    accepts = ("floating",)
    domain = ((-3.0, 3.0), (0.01, 0.5))
    kinks = (0.0,)

    def evaluate(self, x: Any, slope: Any) -> Any:
        return np.where(np.greater(x, 0), x, x * slope)

    def partials(self, x: Node, slope: Node, *, y: Node) -> Any:
        return lambda: where(x > 0, 1, slope), lambda: where(x > 0, 0, x)


class Elu(Elementwise):
    """y = x where x > 0, else alpha (exp(x) - 1)

    Partials  dy/dx = 1 where x > 0, else alpha exp(x);  dy/dalpha = exp(x) - 1 where x <= 0, else 0
    Kink      at x = 0 the derivative is alpha
    Stable    exp sees min(x, 0) only, so nothing overflows on the side that is not taken
    """

    name = "elu"
    accepts = ("floating",)
    domain = ((-3.0, 3.0), (0.5, 1.5))
    kinks = (0.0,)

    @wide
    def evaluate(self, x: Any, alpha: Any) -> Any:
        return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))

    def partials(self, x: Node, alpha: Node, *, y: Node) -> Any:
        def below() -> Node:
            return clamp_max(x, 0)

        return (
            lambda: where(x <= 0, alpha * primitives.exp(below()), 1),
            lambda: where(x > 0, 0, primitives.expm1(below())),
        )


class Abs(Elementwise):
    """y = |x|, a real number

    Partial   dy/dx = sign(x); for complex x its conjugate, so x_bar = y_bar x / |x|
    Kink      at x = 0 the subgradient 0
    """

    name = "abs"
    accepts = ("integer", "floating", "complex")
    result = "real"
    kinks = (0.0,)
    evaluate = np.absolute

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: conjugated(sign(x)),)


class Sign(Elementwise):
    """y = -1, 0 or 1 with the sign of x, and 0 for NaN; for complex x, y = x / |x| and 0 at 0

    Partial   0 for real x. A complex y moves on the unit circle: with r = |x|,
              dr = Re(conj(y) dx) and x = r y give  y_dot = (x_dot - y Re(conj(y) x_dot)) / r
    Reverse   that map is its own adjoint, so x_bar is the same expression in y_bar
    Kink      at x = 0 the derivative 0
    """

    name = "sign"
    kinks = (0.0,)

    def evaluate(self, x: Any) -> Any:
        kind = x.dtype.kind
        if kind == "b":
            return x
        if kind == "c":
            r = np.absolute(x)
            return np.where(np.equal(r, 0), 0, x / np.where(np.equal(r, 0), 1, r))
        return np.greater(x, 0).astype(x.dtype) - np.less(x, 0).astype(x.dtype)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (0,)

    def across(self, t: Node, x: Node, y: Node) -> Node:
        """The part of t that turns y, over |x|."""
        at_zero = eq(x, 0)
        r = where(at_zero, 1, abs(x))
        along = y * primitives.convert(primitives.real(primitives.conj(y) * t), dtype=y.dtype)
        return where(at_zero, 0, (t - along) / primitives.convert(r, dtype=y.dtype))

    def vjp(self, y_bar: Node, *inputs: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        if not y.dtype.is_complex:
            return super().vjp(y_bar, *inputs, y=y)
        (x,) = inputs
        return (lambda: self.across(y_bar, x, y),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> Optional[Node]:
        (x,), (x_dot,) = inputs, x_dots
        if x_dot is None or not y.dtype.is_complex:
            return super().jvp(x_dots, *inputs, y=y)
        return self.across(x_dot, x, y)


class Copysign(Elementwise):
    """z = |x| with the sign of y (of its sign bit: -0.0 counts as negative)

    Partials  dz/dx = 1 where the signs of x and z agree, else -1;  dz/dy = 0
    Kink      at x = 0 the derivative 0
    """

    name = "copysign"
    accepts = ("floating",)
    kinks = (0.0,)
    evaluate = np.copysign

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return lambda: sign(x) * self(scalar(1, w.dtype), w), 0


class Heaviside(Elementwise):
    """z = 0 where x < 0, y where x = 0, 1 where x > 0 (and 0 for NaN). No derivative, as in PyTorch."""

    name = "heaviside"
    accepts = ("bool", "integer", "floating")
    differentiable = False

    def evaluate(self, x: Any, w: Any) -> Any:
        return np.where(np.equal(x, 0), w, np.greater(x, 0).astype(x.dtype))

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return None, None


class Nextafter(Elementwise):
    """z = the float next to x in the direction of y; y itself where x = y

    Partials  dz/dx = 1 where x != y, else 0;  dz/dy = 0 (PyTorch's choice, though z is y where x = y)
    """

    name = "nextafter"
    accepts = ("floating",)
    evaluate = np.nextafter

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return lambda: ne(x, w), 0


where = Where()
maximum = Maximum()
minimum = Minimum()
fmax = Fmax()
fmin = Fmin()
clamp_min = ClampMin()
clamp_max = ClampMax()
clamp = Clamp()
relu = Relu()
leaky_relu = LeakyRelu()
elu = Elu()
abs = Abs()
sign = Sign()
copysign = Copysign()
heaviside = Heaviside()
nextafter = Nextafter()
