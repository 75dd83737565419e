"""Numbers by their divisors and by their exponents: common divisors and multiples, and floating numbers taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.dtypes import int32
from wengert.graph.node import Node
from wengert.graph.rule import Elementwise, primitives
from wengert.primitives.numerics import is_half, wide


class _Whole(Elementwise):
    """Shared by functions of integers: no derivative."""

    accepts = ("integer",)
    differentiable = False
    evaluate: Any


class Gcd(_Whole):
    """y = the greatest common divisor of |x| and |w|; that of 0 and 0 is 0"""

    name = "gcd"
    evaluate = np.gcd


class Lcm(_Whole):
    """y = the least common multiple of |x| and |w|; 0 if either is"""

    name = "lcm"
    evaluate = np.lcm


class Exponent(Elementwise):
    """y = the e in x = m 2^e with 1/2 <= |m| < 1; 0 for 0. An int32, without a derivative"""

    name = "exponent"
    accepts = ("floating",)
    differentiable = False

    def result_dtype(self, dtype: Any) -> Any:
        return int32

    def evaluate(self, x: Any) -> Any:
        return np.frexp(x.astype(np.float32) if is_half(x) else x)[1]


class Mantissa(Elementwise):
    """y = the m in x = m 2^e with 1/2 <= |m| < 1; 0 for 0

    Partial   dy/dx = 2^-e
    Kink      at powers of 2, where e jumps: that of the number itself
    """

    name = "mantissa"
    accepts = ("floating",)
    domain = (1.1, 1.9)

    @wide
    def evaluate(self, x: Any) -> Any:
        return np.frexp(x)[0]

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: primitives.exp2(-primitives.convert(exponent(x), dtype=x.dtype)),)


gcd = Gcd()
lcm = Lcm()
exponent = Exponent()
mantissa = Mantissa()
