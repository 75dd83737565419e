"""Special functions: error function, normal distribution, gelu, modified Bessel functions. Gamma has `gammas.py`.

SciPy computes them where it is installed, but for erfc in float32, which all networks with gelu need. Without it the error
function's family comes from `approximations.py`; the Bessel functions raise ImportError.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from wengert.graph.node import Node
from wengert.graph.rule import Elementwise, primitives
from wengert.primitives import approximations
from wengert.primitives.numerics import need_scipy, scipy_or_own, wide

SQRT2 = sqrt(2.0)
SQRT_PI = sqrt(pi)


class _Special(Elementwise):
    """Shared by the functions of floating numbers."""

    accepts = ("floating",)


class _Bessel(_Special):
    """Shared by the Bessel functions: SciPy's function of the same name.

    Raises: ImportError where SciPy is not installed.
    """

    @wide
    def evaluate(self, x: Any) -> Any:
        return need_scipy(self.name, self.name)(x)


# --- error function and normal distribution -----------------------------------------------------------------------


class Erf(_Special):
    """y = 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x

    Partial   dy/dx = 2 / sqrt(pi) e^(-x^2)
    """

    name = "erf"

    @wide
    def evaluate(self, x: Any) -> Any:
        return scipy_or_own("erf", approximations.erf)(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.exp(-(x * x)) * (2 / SQRT_PI),)


def _erfc(x: Any) -> Any:
    return approximations.erfc_single(x) if x.dtype == np.float32 else scipy_or_own("erfc", approximations.erfc)(x)


class Erfc(_Special):
    """y = 1 - erf(x), precise in the right tail      Partial   dy/dx = -2 / sqrt(pi) e^(-x^2)"""

    name = "erfc"

    @wide
    def evaluate(self, x: Any) -> Any:
        return _erfc(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.exp(-(x * x)) * (-2 / SQRT_PI),)


class Erfcx(_Special):
    """y = e^(x^2) erfc(x), which decays like 1 / x

    Partial   dy/dx = 2 x y - 2 / sqrt(pi); the two terms cancel as x grows: the relative error is that of y times x^2
    """

    name = "erfcx"

    @wide
    def evaluate(self, x: Any) -> Any:
        return scipy_or_own("erfcx", approximations.erfcx)(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: x * y * 2 - 2 / SQRT_PI,)


class Erfinv(_Special):
    """erf(y) = x      Partial   dy/dx = sqrt(pi) / 2 e^(y^2)
    Domain    -1 < x < 1; infinite at the ends, NaN outside
    """

    name = "erfinv"
    domain = (-0.9, 0.9)

    @wide
    def evaluate(self, x: Any) -> Any:
        return scipy_or_own("erfinv", approximations.erfinv)(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.exp(y * y) * (SQRT_PI / 2),)


class Gaussian(_Special):
    """y = e^(-x^2 / 2)      Partial   dy/dx = -x y"""

    name = "gaussian"

    @wide
    def evaluate(self, x: Any) -> Any:
        return np.exp(x * x * x.dtype.type(-0.5))

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -(x * y),)


class Ndtr(_Special):
    """y = P(X <= x) for a standard normal X, that is erfc(-x / sqrt 2) / 2

    Partial   dy/dx = e^(-x^2 / 2) / sqrt(2 pi)
    """

    name = "ndtr"

    @wide
    def evaluate(self, x: Any) -> Any:
        return _erfc(x * x.dtype.type(-1 / SQRT2)) * x.dtype.type(0.5)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: density(x),)


class Ndtri(_Special):
    """P(X <= y) = x for a standard normal X      Partial   dy/dx = sqrt(2 pi) e^(y^2 / 2)
    Domain    0 < x < 1; infinite at the ends, NaN outside
    """

    name = "ndtri"
    domain = (0.05, 0.95)

    @wide
    def evaluate(self, x: Any) -> Any:
        return scipy_or_own("ndtri", approximations.ndtri)(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.exp(y * y * 0.5) * sqrt(2 * pi),)


class LogNdtr(_Special):
    """y = ln P(X <= x) for a standard normal X

    Partial   dy/dx = density(x) / P(X <= x). Left of 1 that is sqrt(2 / pi) / erfcx(-x / sqrt 2), right of it
              e^(-x^2 / 2 - y) / sqrt(2 pi): the first does not vanish on the left, the second not overflow on the right
    Stable    y = ln(erfcx(-x / sqrt 2) / 2) - x^2 / 2 left of -1, log1p(-erfc(x / sqrt 2) / 2) right of it
    """

    name = "log_ndtr"
    kinks = (1.0,)  # none in truth: two formulas meet there

    @wide
    def evaluate(self, x: Any) -> Any:
        scale = x.dtype.type(1 / SQRT2)
        left, right = np.minimum(x, -1), np.maximum(x, -1)
        below = np.log(scipy_or_own("erfcx", approximations.erfcx)(-left * scale) / 2) - left * left / 2
        above = np.log1p(-_erfc(right * scale) / 2)
        return np.where(np.less(x, -1), below, above)

    def partials(self, x: Node, *, y: Node) -> Any:
        def by_x() -> Node:
            left = sqrt(2 / pi) / erfcx(primitives.clamp_max(x, 1) * (-1 / SQRT2))
            right = primitives.exp(x * x * -0.5 - y) * (1 / sqrt(2 * pi))
            return primitives.where(x < 1, left, right)

        return (by_x,)


class Entr(_Special):
    """y = -x ln x, the summand of an entropy      Partial   dy/dx = -1 - ln x
    Domain    x >= 0; y is 0 at 0, where the derivative is infinite, and -inf below
    """

    name = "entr"
    domain = (0.2, 4.0)

    @wide
    def evaluate(self, x: Any) -> Any:
        y = -x * np.log(np.where(np.greater(x, 0), x, 1))
        return np.where(np.less(x, 0), x.dtype.type(-np.inf), y)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -1 - primitives.log(x),)


def density(x: Node) -> Node:
    """e^(-x^2 / 2) / sqrt(2 pi)"""
    return primitives.gaussian(x) * (1 / sqrt(2 * pi))


# --- gelu ---------------------------------------------------------------------------------------------------------


class Gelu(_Special):
    """y = x P(X <= x) for a standard normal X

    Partial   dy/dx = ndtr(x) + x e^(-x^2 / 2) / sqrt(2 pi)
    Source    D. Hendrycks and K. Gimpel, Gaussian error linear units, 2016, arXiv:1606.08415
    """

    name = "gelu"

    @wide
    def evaluate(self, x: Any) -> Any:
        return x * ndtr.evaluate(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: ndtr(x) + x * density(x),)


class GeluTanh(_Special):
    """y = x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3), which is x sigmoid(2 u)

    Partial   dy/dx = s + x s (1 - s) 2 u', with s = sigmoid(2 u), u' = sqrt(2 / pi) (1 + 0.134145 x^2)
    Source    as gelu, which it approximates within 5e-4
    """

    name = "gelu_tanh"

    @wide
    def evaluate(self, x: Any) -> Any:
        return x * primitives.sigmoid.evaluate((x * x * 0.044715 + 1) * x * x.dtype.type(2 * sqrt(2 / pi)))

    def partials(self, x: Node, *, y: Node) -> Any:
        def by_x() -> Node:
            c = 2 * sqrt(2 / pi)
            square = x * x
            s = primitives.sigmoid((square * (c * 0.044715) + c) * x)
            return s + x * s * (1 - s) * (square * (c * 3 * 0.044715) + c)

        return (by_x,)


# --- modified Bessel functions ------------------------------------------------------------------------------------


def _over(y: Node, x: Node) -> Node:
    """y / x, and its limit 1/2 at x = 0: for y = I1(x) or e^-|x| I1(x)."""
    at_zero = primitives.eq(x, 0)
    return primitives.where(at_zero, 0.5, y / primitives.where(at_zero, 1, x))


class I0(_Bessel):
    """y = I0(x), the modified Bessel function of order 0      Partial   dy/dx = I1(x)"""

    name = "i0"

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: i1(x),)


class I0e(_Bessel):
    """y = e^-|x| I0(x)      Partial   dy/dx = e^-|x| I1(x) - sign(x) y
    Kink      at x = 0 the derivative 0
    """

    name = "i0e"
    kinks = (0.0,)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: i1e(x) - primitives.sign(x) * y,)


class I1(_Bessel):
    """y = I1(x), the modified Bessel function of order 1      Partial   dy/dx = I0(x) - y / x, 1/2 at 0"""

    name = "i1"

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: i0(x) - _over(y, x),)


class I1e(_Bessel):
    """y = e^-|x| I1(x)      Partial   dy/dx = e^-|x| I0(x) - y / x - sign(x) y, 1/2 at 0
    Kink      the second derivative jumps at x = 0
    """

    name = "i1e"
    kinks = (0.0,)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: i0e(x) - _over(y, x) - primitives.sign(x) * y,)


erf = Erf()
erfc = Erfc()
erfcx = Erfcx()
erfinv = Erfinv()
gaussian = Gaussian()
ndtr = Ndtr()
ndtri = Ndtri()
log_ndtr = LogNdtr()
entr = Entr()
gelu = Gelu()
gelu_tanh = GeluTanh()
i0 = I0()
i0e = I0e()
i1 = I1()
i1e = I1e()
