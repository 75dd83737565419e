"""Orthogonal polynomials, all by the recurrence of three terms that belongs to each:

    p_0 = 1,  p_1 = a_0 x + b_0,  p_k+1 = (a_k x + b_k) p_k - c_k p_k-1

The r-th derivatives follow the derivative of that: p_k+1^(r) = (a_k x + b_k) p_k^(r) + r a_k p_k^(r-1) - c_k p_k-1^(r),
so that no formula divides by 1 - x^2, and the ends of an interval are as exact as its middle.
Source: M. Abramowitz and I. A. Stegun, Handbook of mathematical functions, table 22.7.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from wengert.graph.node import Node
from wengert.graph.rule import Elementwise
from wengert.primitives.numerics import wide


class _Orthogonal(Elementwise):
    """y = the `order`-th derivative of p_n at x. Authors give (a_k, b_k, c_k), c_0 unread.

    Partial   dy/dx = the next derivative; by n none
    Domain    n is truncated to an integer; y = 0 where it is negative, NaN where it or x is
    Precision computed in float64 and rounded once
    """

    params = ("order",)
    defaults: ClassVar[dict[str, Any]] = {"order": 0}
    accepts = ("floating",)
    domain = ((-0.95, 0.95), (0.0, 5.0))

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        raise NotImplementedError

    @wide
    def evaluate(self, x: Any, n: Any, *, order: int) -> Any:
        lost = np.isnan(x) | ~np.isfinite(n)
        degree = np.trunc(np.where(np.isfinite(n), n, -1)).astype(np.int64)
        degree, point = np.broadcast_arrays(degree, x.astype(np.float64))
        y = self._recur(point, degree, order)
        return np.where(lost, np.nan, y).astype(x.dtype)

    def _recur(self, x: Any, degree: Any, order: int) -> Any:
        """Rows r of `now` are the r-th derivatives of p_k."""
        shape = (order + 1, *x.shape)
        before, now = np.zeros(shape), np.zeros(shape)
        now[0] = 1
        y = np.where(degree == 0, now[order], 0.0)
        for k in range(int(degree.max(initial=-1))):
            a, b, c = self.terms(k)
            after = (a * x + b) * now - (c * before if k else 0)
            for r in range(1, order + 1):
                after[r] += r * a * now[r - 1]
            before, now = now, after
            y = np.where(degree == k + 1, now[order], y)
        return y

    def partials(self, x: Node, n: Node, *, y: Node, order: int) -> Any:
        return lambda: self(x, n, order=order + 1), None


class ChebyshevT(_Orthogonal):
    """T_n(x) = cos(n arccos x)"""

    name = "chebyshev_t"

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        return (2, 0, 1) if k else (1, 0, 0)


class ChebyshevU(_Orthogonal):
    """U_n(x) = sin((n + 1) t) / sin t  for t = arccos x"""

    name = "chebyshev_u"

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        return 2, 0, 1


class ChebyshevV(_Orthogonal):
    """V_n(x) = cos((n + 1/2) t) / cos(t / 2)  for t = arccos x"""

    name = "chebyshev_v"

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        return (2, 0, 1) if k else (2, -1, 0)


class ChebyshevW(_Orthogonal):
    """W_n(x) = sin((n + 1/2) t) / sin(t / 2)  for t = arccos x"""

    name = "chebyshev_w"

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        return (2, 0, 1) if k else (2, 1, 0)


class HermiteH(_Orthogonal):
    """H_n(x), orthogonal for the weight e^(-x^2)"""

    name = "hermite_h"

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        return 2, 0, 2 * k


class HermiteHe(_Orthogonal):
    """He_n(x), orthogonal for the weight e^(-x^2 / 2)"""

    name = "hermite_he"

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        return 1, 0, k


class LaguerreL(_Orthogonal):
    """L_n(x), orthogonal for the weight e^-x on the positive numbers"""

    name = "laguerre_l"

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        return -1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)


class LegendreP(_Orthogonal):
    """P_n(x), orthogonal on [-1, 1]"""

    name = "legendre_p"

    @staticmethod
    def terms(k: int) -> tuple[float, float, float]:
        return (2 * k + 1) / (k + 1), 0, k / (k + 1)


chebyshev_t = ChebyshevT()
chebyshev_u = ChebyshevU()
chebyshev_v = ChebyshevV()
chebyshev_w = ChebyshevW()
hermite_h = HermiteH()
hermite_he = HermiteHe()
laguerre_l = LaguerreL()
legendre_p = LegendreP()
