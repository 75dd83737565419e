"""Exponentials and logarithms, and the stable forms that are built of both."""

from __future__ import annotations

from math import log as ln
from typing import Any

import numpy as np

from wengert.graph.node import Node
from wengert.graph.rule import Elementwise, primitives
from wengert.primitives.numerics import wide

LN2 = ln(2.0)
LN10 = ln(10.0)


class _Smooth(Elementwise):
    """Shared by the functions of floating and complex numbers."""

    accepts = ("floating", "complex")


# --- exponentials -------------------------------------------------------------------------------------------------


class Exp(_Smooth):
    """y = e^x        Partial   dy/dx = y"""

    name = "exp"
    evaluate = np.exp

    def partials(self, x: Node, *, y: Node) -> Any:
        return (y,)


class Exp2(_Smooth):
    """y = 2^x        Partial   dy/dx = y ln 2"""

    name = "exp2"

    def evaluate(self, x: Any) -> Any:
        return np.exp(x * x.dtype.type(LN2)) if x.dtype.kind == "c" else np.exp2(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: y * LN2,)


class Expm1(_Smooth):
    """y = e^x - 1, accurate near 0

    Partial   dy/dx = e^x; not y + 1, which is 0 or rounded badly where x is far below 0
    """

    name = "expm1"
    evaluate = np.expm1

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: exp(x),)


# --- logarithms ---------------------------------------------------------------------------------------------------


class Log(_Smooth):
    """y = ln x       Partial   dy/dx = 1 / x
    Domain    x > 0; -inf at 0, NaN below; for complex x the branch cut is the negative axis
    """

    name = "log"
    domain = (0.2, 4.0)
    evaluate = np.log

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.reciprocal(x),)


class Log2(_Smooth):
    """y = ln x / ln 2      Partial   dy/dx = 1 / (x ln 2)"""

    name = "log2"
    domain = (0.2, 4.0)
    evaluate = np.log2

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: 1 / (x * LN2),)


class Log10(_Smooth):
    """y = ln x / ln 10     Partial   dy/dx = 1 / (x ln 10)"""

    name = "log10"
    domain = (0.2, 4.0)
    evaluate = np.log10

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: 1 / (x * LN10),)


class Log1p(_Smooth):
    """y = ln(1 + x), accurate near 0      Partial   dy/dx = 1 / (1 + x)
    Domain    x > -1
    """

    name = "log1p"
    domain = (-0.7, 3.0)
    evaluate = np.log1p

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: 1 / (x + 1),)


# --- logistic functions -------------------------------------------------------------------------------------------


class Sigmoid(_Smooth):
    """y = 1 / (1 + e^-x)

    Partial   dy/dx = y (1 - y), from the result, so x need not be kept
    Domain    every real; exact limits 0 and 1
    Stable    the exponential is taken of -|x| (of -x or x, by the sign of the real part), so it cannot overflow
    """

    name = "sigmoid"

    @wide
    def evaluate(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            right = np.greater_equal(x.real, 0)
            z = np.exp(np.where(right, -x, x))
        else:
            right = np.greater_equal(x, 0)
            z = np.exp(-np.absolute(x))
        return np.where(right, 1, z) / (1 + z)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: y * (1 - y),)


class LogSigmoid(Elementwise):
    """y = ln(1 / (1 + e^-x)) = min(x, 0) - ln(1 + e^-|x|)

    Partial   dy/dx = sigmoid(-x)
    Stable    neither side overflows or loses its small values
    """

    name = "log_sigmoid"
    accepts = ("floating",)

    @wide
    def evaluate(self, x: Any) -> Any:
        return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: sigmoid(-x),)


class Softplus(Elementwise):
    """y = ln(1 + e^(beta x)) / beta, and y = x where beta x > threshold

    Partials  dy/dx = sigmoid(beta x), and 1 above the threshold;  dy/dbeta = (x sigmoid(beta x) - y) / beta, and 0
              above;  dy/dthreshold = 0
    Kink      at the threshold: a jump of e^-threshold / beta, 2e-9 for the usual 20
    """

    name = "softplus"
    accepts = ("floating",)
    domain = ((-3.0, 3.0), (0.5, 2.0), (15.0, 25.0))

    @wide
    def evaluate(self, x: Any, beta: Any, threshold: Any) -> Any:
        z = x * beta
        soft = (np.maximum(z, 0) + np.log1p(np.exp(-np.absolute(z)))) / beta
        return np.where(np.greater(z, threshold), x, soft)

    def partials(self, x: Node, beta: Node, threshold: Node, *, y: Node) -> Any:
        z = x * beta

        def by_x() -> Node:
            return primitives.where(z > threshold, 1, sigmoid(z))

        def by_beta() -> Node:
            return primitives.where(z > threshold, 0, (x * sigmoid(z) - y) / beta)

        return by_x, by_beta, 0


class Logaddexp(Elementwise):
    """z = ln(e^x + e^y)

    Partials  dz/dx = sigmoid(x - y), dz/dy = sigmoid(y - x)
    Domain    where both are the same infinity the partials are NaN, as in PyTorch
    """

    name = "logaddexp"
    accepts = ("floating",)
    evaluate = np.logaddexp

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return lambda: sigmoid(x - w), lambda: sigmoid(w - x)


class Logaddexp2(Elementwise):
    """z = log2(2^x + 2^y)

    Partials  dz/dx = sigmoid((x - y) ln 2), dz/dy = sigmoid((y - x) ln 2)
    """

    name = "logaddexp2"
    accepts = ("floating",)
    evaluate = np.logaddexp2

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return lambda: sigmoid((x - w) * LN2), lambda: sigmoid((w - x) * LN2)


# --- products with a logarithm ------------------------------------------------------------------------------------


class Xlogy(Elementwise):
    """z = x ln y, and 0 where x = 0 unless y is NaN

    Partials  dz/dx = ln y, and 0 where x = 0 and y <= 0;  dz/dy = x / y
    Domain    y > 0
    """

    name = "xlogy"
    accepts = ("floating",)
    domain = ((-3.0, 3.0), (0.2, 4.0))

    @wide
    def evaluate(self, x: Any, w: Any) -> Any:
        return _product(x, w, np.log(w))

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        def by_x() -> Node:
            outside = primitives.eq(x, 0) & (w <= 0)
            return primitives.where(outside, 0, log(primitives.where(outside, 1, w)))

        return by_x, lambda: x / w


class Xlog1py(Elementwise):
    """z = x ln(1 + y), and 0 where x = 0 unless y is NaN

    Partials  dz/dx = ln(1 + y), and 0 where x = 0 and y <= -1;  dz/dy = x / (1 + y)
    Domain    y > -1
    """

    name = "xlog1py"
    accepts = ("floating",)
    domain = ((-3.0, 3.0), (-0.7, 3.0))

    @wide
    def evaluate(self, x: Any, w: Any) -> Any:
        return _product(x, w, np.log1p(w))

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        def by_x() -> Node:
            outside = primitives.eq(x, 0) & (w <= -1)
            return primitives.where(outside, 0, log1p(primitives.where(outside, 0, w)))

        return by_x, lambda: x / (w + 1)


def _product(x: Any, w: Any, logarithm: Any) -> Any:
    """x times the logarithm of w, where 0 times anything but NaN is 0."""
    return np.where(np.equal(x, 0) & ~np.isnan(w), 0, x * logarithm)


exp = Exp()
exp2 = Exp2()
expm1 = Expm1()
log = Log()
log2 = Log2()
log10 = Log10()
log1p = Log1p()
sigmoid = Sigmoid()
log_sigmoid = LogSigmoid()
softplus = Softplus()
logaddexp = Logaddexp()
logaddexp2 = Logaddexp2()
xlogy = Xlogy()
xlog1py = Xlog1py()
