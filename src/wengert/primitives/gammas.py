"""The gamma function's logarithm, its derivatives, the zeta function behind them, and the incomplete integrals.

SciPy computes the first two where it is installed, else `approximations.py`, which computes zeta and polygamma always:
SciPy's zeta sums left of zero term by term, which takes forever far from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import MissingRule, value_error
from wengert.graph.node import ArrayType, Node
from wengert.graph.rule import Elementwise, primitives
from wengert.primitives import approximations
from wengert.primitives.numerics import need_scipy, scipy_or_own, wide


class _Gamma(Elementwise):
    """Shared by the functions of floating numbers."""

    accepts = ("floating",)



class Lgamma(_Gamma):
    """y = ln |Gamma(x)|      Partial   dy/dx = digamma(x)
    Domain    infinite at 0, -1, -2, ...
    """

    name = "lgamma"
    domain = (0.3, 6.0)

    @wide
    def evaluate(self, x: Any) -> Any:
        y = scipy_or_own("gammaln", approximations.lgamma)(x)
        return np.where(np.isinf(x), np.absolute(x), y)  # SciPy gives -inf at -inf

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: digamma(x),)


class Digamma(_Gamma):
    """y = d/dx ln Gamma(x)      Partial   dy/dx = polygamma(1, x)
    Domain    infinite at 0, with the sign of -x; NaN at -1, -2, ...
    """

    name = "digamma"
    domain = (0.3, 6.0)

    @wide
    def evaluate(self, x: Any) -> Any:
        y = scipy_or_own("psi", approximations.digamma)(x)
        return np.where(np.equal(x, 0), -np.copysign(x.dtype.type(np.inf), x), y)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: polygamma(x, order=1),)


class Polygamma(_Gamma):
    """y = the `order`-th derivative of digamma, (-1)^(n + 1) n! zeta(n + 1, x) for the order n >= 1

    Partial   dy/dx = polygamma(n + 1, x)
    Source    Abramowitz and Stegun 6.4.10
    """

    name = "polygamma"
    params = ("order",)
    domain = (0.4, 6.0)

    def infer(self, *types: ArrayType, **params: Any) -> ArrayType:
        if params["order"] < 0:
            raise value_error("polygamma", "an order that is not negative", params["order"])
        return super().infer(*types)

    @wide
    def evaluate(self, x: Any, *, order: int) -> Any:
        if order == 0:
            return digamma.evaluate(x)
        return approximations.polygamma(order, x.astype(np.float64)).astype(x.dtype)

    def partials(self, x: Node, *, y: Node, order: int) -> Any:
        return (lambda: self(x, order=order + 1),)


def no_derivative(operation: str, argument: str) -> Callable[[], Node]:
    """A partial that stops whoever asks for it: no closed form is known, and a zero would be a wrong number."""

    def refuse() -> Node:
        raise MissingRule(f"the derivative of {operation} with respect to {argument} is not implemented")

    return refuse


class Zeta(_Gamma):
    """z = sum_(k >= 0) (q + k)^-s, the Hurwitz zeta function of s and q

    Partial   dz/dq = -s zeta(s + 1, q); by s not implemented (MissingRule)
    Domain    s > 1 (infinite at 1, NaN below); q > 0, or any q that is no integer when s is one
    """

    name = "zeta"
    domain = ((1.5, 4.0), (0.5, 4.0))

    @wide
    def evaluate(self, s: Any, q: Any) -> Any:
        return approximations.zeta(s.astype(np.float64), q.astype(np.float64)).astype(s.dtype)

    def partials(self, s: Node, q: Node, *, y: Node) -> Any:
        return no_derivative("zeta", "its exponent"), lambda: -(s * self(s + 1, q))


class _IncompleteGamma(_Gamma):
    """Shared by the two halves of the incomplete gamma integral of t^(a - 1) e^-t / Gamma(a)."""

    domain = ((0.5, 3.0), (0.5, 3.0))

    @wide
    def evaluate(self, a: Any, x: Any) -> Any:
        return need_scipy(self.name, self.name)(a, x)

    def slope(self, a: Node, x: Node) -> Node:
        """x^(a - 1) e^-x / Gamma(a)"""
        return primitives.exp(primitives.xlogy(a - 1, x) - x - lgamma(a))


class Gammainc(_IncompleteGamma):
    """P(a, x): the integral from 0 to x

    Partial   dP/dx = x^(a - 1) e^-x / Gamma(a); by a not implemented (MissingRule)
    Raises    ImportError where SciPy is not installed
    """

    name = "gammainc"

    def partials(self, a: Node, x: Node, *, y: Node) -> Any:
        return no_derivative("gammainc", "its first argument"), lambda: self.slope(a, x)


class Gammaincc(_IncompleteGamma):
    """Q(a, x) = 1 - P(a, x): the integral from x to infinity

    Partial   dQ/dx = -x^(a - 1) e^-x / Gamma(a); by a not implemented (MissingRule)
    Raises    ImportError where SciPy is not installed
    """

    name = "gammaincc"

    def partials(self, a: Node, x: Node, *, y: Node) -> Any:
        return no_derivative("gammaincc", "its first argument"), lambda: -self.slope(a, x)


lgamma = Lgamma()
digamma = Digamma()
polygamma = Polygamma()
zeta = Zeta()
gammainc = Gammainc()
gammaincc = Gammaincc()
