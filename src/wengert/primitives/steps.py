"""Functions that are constant between their jumps: rounding, comparisons, tests and bits.

Rounding keeps the dtype and has the derivative 0 (exact zeros, also where the cotangent is infinite); the others give
bool or integers, and no derivative can flow.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from wengert.graph.node import Node
from wengert.graph.rule import Elementwise

# --- rounding -----------------------------------------------------------------------------------------------------


class _Rounding(Elementwise):
    """Shared by the roundings: the identity on integers; derivative 0, also at the jumps."""

    accepts = ("integer", "floating")
    saves_nothing = True
    kinks: ClassVar[tuple[float, ...]] = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    rounded: Any

    def evaluate(self, x: Any) -> Any:
        return x if x.dtype.kind in "iu" else self.rounded(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (0,)


class Floor(_Rounding):
    """y = the greatest integer that is not above x"""

    name = "floor"
    rounded = np.floor


class Ceil(_Rounding):
    """y = the least integer that is not below x"""

    name = "ceil"
    rounded = np.ceil


class Round(_Rounding):
    """y = the integer nearest to x; halves go to the even one"""

    name = "round"
    kinks = (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)
    rounded = np.rint


class Trunc(_Rounding):
    """y = x without its fraction: rounded towards zero"""

    name = "trunc"
    rounded = np.trunc


class Frac(Elementwise):
    """y = x - trunc(x), with the sign of x      Partial   dy/dx = 1, also at the jumps"""

    name = "frac"
    accepts = ("floating",)
    saves_nothing = True
    kinks = _Rounding.kinks

    def evaluate(self, x: Any) -> Any:
        return x - np.trunc(x)

    def partials(self, x: Node, *, y: Node) -> Any:
        return (1,)


# --- comparisons and tests ----------------------------------------------------------------------------------------


class _Test(Elementwise):
    """Shared by what answers yes or no."""

    result = "bool"
    differentiable = False
    saves_nothing = True

    def partials(self, *inputs: Node, y: Node) -> Any:
        return (None,) * len(inputs)


class _Order(_Test):
    """Shared by the comparisons that need an order: complex numbers have none."""

    accepts = ("bool", "integer", "floating")


class Eq(_Test):
    """z = (x = y); NaN equals nothing"""

    name = "eq"
    evaluate = np.equal


class Ne(_Test):
    """z = (x != y)"""

    name = "ne"
    evaluate = np.not_equal


class Lt(_Order):
    """z = (x < y)"""

    name = "lt"
    evaluate = np.less


class Le(_Order):
    """z = (x <= y)"""

    name = "le"
    evaluate = np.less_equal


class Gt(_Order):
    """z = (x > y)"""

    name = "gt"
    evaluate = np.greater


class Ge(_Order):
    """z = (x >= y)"""

    name = "ge"
    evaluate = np.greater_equal


class IsNan(_Test):
    """y = x is not a number (for complex x: one of its parts is not)"""

    name = "isnan"
    evaluate = np.isnan


class IsInf(_Test):
    """y = x is infinite (for complex x: one of its parts is)"""

    name = "isinf"
    evaluate = np.isinf


class IsFinite(_Test):
    """y = x is neither infinite nor NaN"""

    name = "isfinite"
    evaluate = np.isfinite


class Signbit(_Test):
    """y = the sign bit of x is set; true for -0.0, never for unsigned x"""

    name = "signbit"
    accepts = ("bool", "integer", "floating")

    def evaluate(self, x: Any) -> Any:
        return np.less(x, 0) if x.dtype.kind in "biu" else np.signbit(x)


# --- bits ---------------------------------------------------------------------------------------------------------


class _Bits(Elementwise):
    """Shared by the operations on bits; on bool they are the logical ones."""

    accepts: ClassVar[tuple[str, ...]] = ("bool", "integer")
    differentiable = False
    saves_nothing = True

    def partials(self, *inputs: Node, y: Node) -> Any:
        return (None,) * len(inputs)


class BitwiseAnd(_Bits):
    """z = x and y, bit by bit"""

    name = "bitwise_and"
    evaluate = np.bitwise_and


class BitwiseOr(_Bits):
    """z = x or y, bit by bit"""

    name = "bitwise_or"
    evaluate = np.bitwise_or


class BitwiseXor(_Bits):
    """z = either x or y but not both, bit by bit"""

    name = "bitwise_xor"
    evaluate = np.bitwise_xor


class BitwiseNot(_Bits):
    """y = not x, bit by bit"""

    name = "bitwise_not"
    evaluate = np.invert


class LeftShift(_Bits):
    """z = x 2^y, without the bits that leave the width; 0 when y is negative or not less than the width"""

    name = "left_shift"
    accepts = ("integer",)
    evaluate = np.left_shift


class RightShift(_Bits):
    """z = floor(x / 2^y); when y is negative or not less than the width, 0 or -1 by the sign of x"""

    name = "right_shift"
    accepts = ("integer",)
    evaluate = np.right_shift


floor = Floor()
ceil = Ceil()
round = Round()
trunc = Trunc()
frac = Frac()
eq = Eq()
ne = Ne()
lt = Lt()
le = Le()
gt = Gt()
ge = Ge()
isnan = IsNan()
isinf = IsInf()
isfinite = IsFinite()
signbit = Signbit()
bitwise_and = BitwiseAnd()
bitwise_or = BitwiseOr()
bitwise_xor = BitwiseXor()
bitwise_not = BitwiseNot()
left_shift = LeftShift()
right_shift = RightShift()
