"""Circular and hyperbolic functions and their inverses.

Branch cuts of complex inverses are NumPy's (and C99's): asin, acos, atanh cut the real axis outside [-1, 1], acosh
below 1, atan and asinh the imaginary axis outside [-i, i].
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from wengert.graph.node import Node
from wengert.graph.rule import Elementwise, primitives
from wengert.primitives.numerics import wide


class _Smooth(Elementwise):
    """Shared by the functions of floating and complex numbers."""

    accepts = ("floating", "complex")


# --- circular -----------------------------------------------------------------------------------------------------


class Sin(_Smooth):
    """y = sin x      Partial   dy/dx = cos x"""

    name = "sin"
    evaluate = np.sin

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: cos(x),)


class Cos(_Smooth):
    """y = cos x      Partial   dy/dx = -sin x"""

    name = "cos"
    evaluate = np.cos

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -sin(x),)


class Tan(_Smooth):
    """y = tan x      Partial   dy/dx = 1 + y^2"""

    name = "tan"
    domain = (-1.2, 1.2)
    evaluate = np.tan

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: y * y + 1,)


class Asin(_Smooth):
    """y = arcsin x   Partial   dy/dx = 1 / sqrt((1 - x) (1 + x)); the factors keep what 1 - x^2 loses near +-1
    Domain    -1 <= x <= 1; the derivative is infinite at the ends
    """

    name = "asin"
    domain = (-0.8, 0.8)
    evaluate = np.arcsin

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.rsqrt((1 - x) * (x + 1)),)


class Acos(_Smooth):
    """y = arccos x   Partial   dy/dx = -1 / sqrt((1 - x) (1 + x))
    Domain    -1 <= x <= 1; the derivative is infinite at the ends
    """

    name = "acos"
    domain = (-0.8, 0.8)
    evaluate = np.arccos

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -primitives.rsqrt((1 - x) * (x + 1)),)


class Atan(_Smooth):
    """y = arctan x   Partial   dy/dx = 1 / (1 + x^2)"""

    name = "atan"
    evaluate = np.arctan

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: 1 / (x * x + 1),)


class Atan2(Elementwise):
    """z = the angle, in (-pi, pi], of the point whose height is x and whose width is y

    Partials  with r = hypot(x, y):  dz/dx = (y / r) / r,  dz/dy = -(x / r) / r; r^2 might overflow or vanish
    Kink      at the origin both are 0
    """

    name = "atan2"
    accepts = ("floating",)
    domain = ((-3.0, 3.0), (0.5, 3.0))
    evaluate = np.arctan2

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        def over_square(part: Node) -> Node:
            r = hypot(x, w)
            r = primitives.where(primitives.eq(r, 0), 1, r)
            return part / r / r

        return lambda: over_square(w), lambda: -over_square(x)


class Hypot(Elementwise):
    """z = sqrt(x^2 + y^2), without overflow on the way

    Partials  dz/dx = x / z, dz/dy = y / z
    Kink      at the origin they are NaN, as in PyTorch
    """

    name = "hypot"
    accepts = ("floating",)
    domain = ((-3.0, 3.0), (0.5, 3.0))
    evaluate = np.hypot

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return lambda: x / y, lambda: w / y


class Sinc(_Smooth):
    """y = the `order`-th derivative of sin(pi x) / (pi x), which is 1 at 0

    Partial   dy/dx = the derivative of the next order
    Stable    every derivative is bounded, but its closed form cancels near 0. With z = pi x, s(z) = sin(z) / z:
              where |z| is large, differentiating z s(z) = sin z n times gives the recurrence
              z s_n = sin(z + n pi / 2) - n s_(n-1);  where it is small, the power series of s differentiated n times
    """

    name = "sinc"
    params = ("order",)
    defaults = {"order": 0}

    @wide
    def evaluate(self, x: Any, *, order: int) -> Any:
        z = x.astype(np.result_type(x.dtype, np.float64)) * pi
        bound = 1 + order / 2  # above it the recurrence's errors, n! / z^n of a rounding, do not grow
        small = np.less_equal(np.absolute(z), bound)
        far = np.where(small, bound, z)
        s = np.sin(far) / far
        for n in range(1, order + 1):
            s = (np.sin(far + n * (pi / 2)) - n * s) / far
        series = _sinc_series(np.where(small, z, 0), order)
        return (np.where(small, series, s) * pi**order).astype(x.dtype)

    def partials(self, x: Node, *, y: Node, order: int) -> Any:
        return (lambda: self(x, order=order + 1),)


def _sinc_series(z: Any, order: int) -> Any:
    """The `order`-th derivative of sum_k (-1)^k z^(2k) / (2k + 1)!, for |z| <= 1 + order / 2."""
    total = np.zeros_like(z)
    first = (order + 1) // 2
    # d^n/dz^n z^(2k) / (2k + 1)! = z^(2k - n) / ((2k - n)! (2k + 1))
    power = np.ones_like(z) if order % 2 == 0 else z.copy()
    factorial = 1.0
    for k in range(first, first + 12 + order):
        total = total + (-1) ** k * power / (factorial * (2 * k + 1))
        rest = 2 * k - order
        factorial *= (rest + 1) * (rest + 2)
        power = power * z * z
    return total


# --- hyperbolic ---------------------------------------------------------------------------------------------------


class Sinh(_Smooth):
    """y = sinh x     Partial   dy/dx = cosh x"""

    name = "sinh"
    evaluate = np.sinh

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: cosh(x),)


class Cosh(_Smooth):
    """y = cosh x     Partial   dy/dx = sinh x"""

    name = "cosh"
    evaluate = np.cosh

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: sinh(x),)


class Tanh(_Smooth):
    """y = tanh x     Partial   dy/dx = 1 - y^2, from the result, so x need not be kept"""

    name = "tanh"
    evaluate = np.tanh

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: 1 - y * y,)


class Asinh(_Smooth):
    """y = arsinh x   Partial   dy/dx = 1 / sqrt(x^2 + 1)"""

    name = "asinh"
    evaluate = np.arcsinh

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.rsqrt(x * x + 1),)


class Acosh(_Smooth):
    """y = arcosh x   Partial   dy/dx = 1 / (sqrt(x - 1) sqrt(x + 1)); one root of the product would take the wrong
                            branch for complex x left of the imaginary axis
    Domain    x >= 1; the derivative is infinite at 1
    """

    name = "acosh"
    domain = (1.2, 4.0)
    evaluate = np.arccosh

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.rsqrt(x - 1) * primitives.rsqrt(x + 1),)


class Atanh(_Smooth):
    """y = artanh x   Partial   dy/dx = 1 / ((1 - x) (1 + x))
    Domain    -1 < x < 1
    """

    name = "atanh"
    domain = (-0.8, 0.8)
    evaluate = np.arctanh

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: 1 / ((1 - x) * (x + 1)),)


sin = Sin()
cos = Cos()
tan = Tan()
asin = Asin()
acos = Acos()
atan = Atan()
atan2 = Atan2()
hypot = Hypot()
sinc = Sinc()
sinh = Sinh()
cosh = Cosh()
tanh = Tanh()
asinh = Asinh()
acosh = Acosh()
atanh = Atanh()
