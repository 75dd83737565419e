"""Bessel functions of whole order, and Airy's. SciPy computes them, and is needed; the derivatives are ours.

Where a formula divides by x, the limit at 0 is written out.
Source: M. Abramowitz and I. A. Stegun, Handbook of mathematical functions, chapters 9 and 10. (I_0 and I_1, older
names, stand in `special.py`.)
"""

from __future__ import annotations

from typing import Any, ClassVar

from wengert.graph.node import Node
from wengert.graph.rule import Elementwise, primitives
from wengert.primitives.numerics import need_scipy, wide


class _Bessel(Elementwise):
    """Shared: SciPy's function `lent`.

    Raises: ImportError where SciPy is not installed.
    """

    accepts = ("floating",)
    lent: ClassVar[str]

    @wide
    def evaluate(self, x: Any) -> Any:
        return need_scipy(self.name, self.lent)(x)


def _over(y: Node, x: Node, limit: float) -> Node:
    """y / x, and its limit at 0."""
    at_zero = primitives.eq(x, 0)
    return primitives.where(at_zero, limit, y / primitives.where(at_zero, 1, x))


class BesselJ0(_Bessel):
    """y = J_0(x), of the first kind      Partial   dy/dx = -J_1(x)"""

    name = "bessel_j0"
    lent = "j0"

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -bessel_j1(x),)


class BesselJ1(_Bessel):
    """y = J_1(x), of the first kind      Partial   dy/dx = J_0(x) - J_1(x) / x, 1 / 2 at 0"""

    name = "bessel_j1"
    lent = "j1"

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: bessel_j0(x) - _over(y, x, 0.5),)


class BesselY0(_Bessel):
    """y = Y_0(x), of the second kind      Partial   dy/dx = -Y_1(x)
    Domain    x > 0; -inf at 0, NaN left of it
    """

    name = "bessel_y0"
    lent = "y0"
    domain = (0.3, 6.0)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -bessel_y1(x),)


class BesselY1(_Bessel):
    """y = Y_1(x), of the second kind      Partial   dy/dx = Y_0(x) - Y_1(x) / x
    Domain    x > 0; -inf at 0, NaN left of it
    """

    name = "bessel_y1"
    lent = "y1"
    domain = (0.3, 6.0)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: bessel_y0(x) - y / x,)


class BesselK0(_Bessel):
    """y = K_0(x), modified, of the second kind      Partial   dy/dx = -K_1(x)
    Domain    x > 0; inf at 0, NaN left of it
    """

    name = "bessel_k0"
    lent = "k0"
    domain = (0.3, 6.0)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -bessel_k1(x),)


class BesselK1(_Bessel):
    """y = K_1(x), modified, of the second kind      Partial   dy/dx = -K_0(x) - K_1(x) / x
    Domain    x > 0; inf at 0, NaN left of it
    """

    name = "bessel_k1"
    lent = "k1"
    domain = (0.3, 6.0)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -bessel_k0(x) - y / x,)


class BesselK0e(_Bessel):
    """y = e^x K_0(x)      Partial   dy/dx = y - e^x K_1(x)
    Domain    as for K_0
    """

    name = "bessel_k0e"
    lent = "k0e"
    domain = (0.3, 6.0)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: y - bessel_k1e(x),)


class BesselK1e(_Bessel):
    """y = e^x K_1(x)      Partial   dy/dx = y - e^x K_0(x) - y / x
    Domain    as for K_1
    """

    name = "bessel_k1e"
    lent = "k1e"
    domain = (0.3, 6.0)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: y - bessel_k0e(x) - y / x,)


class Airy(_Bessel):
    """y = Ai(x) for `order` 0, Ai'(x) for 1

    Partial   d Ai/dx = Ai'(x),  d Ai'/dx = x Ai(x): Airy's equation
    """

    name = "airy"
    params = ("order",)
    defaults: ClassVar[dict[str, Any]] = {"order": 0}

    @wide
    def evaluate(self, x: Any, *, order: int) -> Any:
        return need_scipy(self.name, "airy")(x)[order].astype(x.dtype, copy=False)

    def partials(self, x: Node, *, y: Node, order: int) -> Any:
        return (lambda: x * self(x, order=0) if order else self(x, order=1),)


bessel_j0 = BesselJ0()
bessel_j1 = BesselJ1()
bessel_y0 = BesselY0()
bessel_y1 = BesselY1()
bessel_k0 = BesselK0()
bessel_k1 = BesselK1()
bessel_k0e = BesselK0e()
bessel_k1e = BesselK1e()
airy = Airy()
