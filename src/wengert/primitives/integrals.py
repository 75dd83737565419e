"""Integrals that have names: Dawson's, the exponential, Fresnel's, Spence's, the incomplete beta integral.

SciPy computes them, and is needed; the derivatives are ours: each is its own integrand.
Source: M. Abramowitz and I. A. Stegun, Handbook of mathematical functions, 5.1, 6.6, 7.1, 7.3, 27.7.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from wengert.graph.node import Node
from wengert.graph.rule import Elementwise, primitives
from wengert.primitives.gammas import lgamma, no_derivative
from wengert.primitives.numerics import need_scipy


class _Integral(Elementwise):
    """Shared: SciPy's function `lent`, computed in float64 and rounded once.

    Raises: ImportError where SciPy is not installed.
    """

    accepts = ("floating",)
    lent: ClassVar[str]

    def evaluate(self, x: Any) -> Any:
        return self.chosen(need_scipy(self.name, self.lent)(x.astype(np.float64))).astype(x.dtype)

    def chosen(self, values: Any) -> Any:
        """The one meant of SciPy's results."""
        return values


class Dawson(_Integral):
    """y = e^(-x^2) integral of e^(t^2) from 0 to x      Partial   dy/dx = 1 - 2 x y"""

    name = "dawson"
    lent = "dawsn"

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: 1 - 2 * (x * y),)


class ExponentialIntegral(_Integral):
    """y = Ei(x): the principal value of the integral of e^t / t from -infinity to x

    Partial   dy/dx = e^x / x
    Domain    -infinity at 0
    """

    name = "exponential_integral"
    lent = "expi"
    domain = (0.5, 4.0)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.exp(x) / x,)


def _quarter_turns(x: Node) -> Node:
    return (x * x) * (np.pi / 2)


class FresnelSine(_Integral):
    """y = integral of sin(pi t^2 / 2) from 0 to x      Partial   dy/dx = sin(pi x^2 / 2)"""

    name = "fresnel_sine"
    lent = "fresnel"

    def chosen(self, values: Any) -> Any:
        return values[0]

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.sin(_quarter_turns(x)),)


class FresnelCosine(_Integral):
    """y = integral of cos(pi t^2 / 2) from 0 to x      Partial   dy/dx = cos(pi x^2 / 2)"""

    name = "fresnel_cosine"
    lent = "fresnel"

    def chosen(self, values: Any) -> Any:
        return values[1]

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.cos(_quarter_turns(x)),)


class Spence(_Integral):
    """y = - integral of ln t / (t - 1) from 1 to x, the dilogarithm of 1 - x

    Partial   dy/dx = ln x / (1 - x), and -1 at 1
    Domain    x >= 0; NaN left of it
    """

    name = "spence"
    lent = "spence"
    domain = (1.2, 6.0)

    def partials(self, x: Node, *, y: Node) -> Any:
        def slope() -> Node:
            at_one = primitives.eq(x, 1)
            away = primitives.where(at_one, 2, x)
            return primitives.where(at_one, -1, primitives.log(away) / (1 - away))

        return (slope,)


class Betainc(Elementwise):
    """I(a, b, x) = integral of t^(a - 1) (1 - t)^(b - 1) / B(a, b) from 0 to x

    Partial   dI/dx = x^(a - 1) (1 - x)^(b - 1) / B(a, b); by a and by b not implemented (MissingRule)
    Domain    a, b > 0 and 0 <= x <= 1; NaN outside
    Raises    ImportError where SciPy is not installed
    """

    name = "betainc"
    accepts = ("floating",)
    domain = ((0.5, 3.0), (0.5, 3.0), (0.1, 0.9))

    def evaluate(self, a: Any, b: Any, x: Any) -> Any:
        wide = [part.astype(np.float64) for part in (a, b, x)]
        return need_scipy(self.name, self.name)(*wide).astype(x.dtype)

    def partials(self, a: Node, b: Node, x: Node, *, y: Node) -> Any:
        def slope() -> Node:
            powers = primitives.xlogy(a - 1, x) + primitives.xlog1py(b - 1, -x)
            return primitives.exp(powers + lgamma(a + b) - lgamma(a) - lgamma(b))

        return no_derivative("betainc", "its first argument"), no_derivative("betainc", "its second argument"), slope


dawson = Dawson()
exponential_integral = ExponentialIntegral()
fresnel_sine = FresnelSine()
fresnel_cosine = FresnelCosine()
spence = Spence()
betainc = Betainc()
