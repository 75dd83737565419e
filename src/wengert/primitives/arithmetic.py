"""Arithmetic: the field operations, powers and roots, and division with remainder. Also the operators of Node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from wengert.errors import ArgumentError
from wengert.graph.node import Node
from wengert.graph.record import record, scalar
from wengert.graph.rule import Elementwise, Primitive, primitives


class Add(Elementwise):
    """z = x + y      Partials  dz/dx = 1, dz/dy = 1"""

    name = "add"
    saves_nothing = True
    evaluate = np.add

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return 1, 1


class Sub(Elementwise):
    """z = x - y      Partials  dz/dx = 1, dz/dy = -1"""

    name = "sub"
    accepts = ("integer", "floating", "complex")
    saves_nothing = True
    evaluate = np.subtract

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return 1, -1


class Mul(Elementwise):
    """z = x y        Partials  dz/dx = y, dz/dy = x"""

    name = "mul"
    evaluate = np.multiply

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return w, x


class Div(Elementwise):
    """z = x / y      Partials  dz/dx = 1 / y, dz/dy = -z / y
    Domain    y != 0; else inf or NaN as IEEE 754 says
    """

    name = "div"
    accepts = ("floating", "complex")
    domain = ((-3.0, 3.0), (0.5, 3.0))
    evaluate = np.true_divide

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return lambda: reciprocal(w), lambda: -(y / w)


class Neg(Elementwise):
    """y = -x         Partial   dy/dx = -1"""

    name = "neg"
    accepts = ("integer", "floating", "complex")
    saves_nothing = True
    evaluate = np.negative

    def partials(self, x: Node, *, y: Node) -> Any:
        return (-1,)


class Pow(Elementwise):
    """z = x ** y

    Partials  dz/dx = y x ** (y - 1), and 0 where y = 0;  dz/dy = z log x, and 0 where x = 0 and y >= 0
    Domain    x > 0 for the derivative by y; x < 0 with integral y
    Integers  wrap; a negative exponent gives 0, or +-1 for the bases 1 and -1 (PyTorch's choice)
    """

    name = "pow"
    domain = ((0.3, 3.0), (-2.0, 2.0))

    def evaluate(self, x: Any, w: Any) -> Any:
        if np.asarray(x).dtype.kind in "iu" and np.any(np.less(w, 0)):
            magnitude = np.where(np.abs(x) == 1, np.power(x, np.abs(w)), 0)
            return np.where(np.less(w, 0), magnitude, np.power(x, np.maximum(w, 0))).astype(x.dtype)
        if np.asarray(x).dtype.kind == "b":
            return np.logical_or(x, np.logical_not(w))
        return np.power(x, w)

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        def by_base() -> Node:
            return primitives.where(primitives.eq(w, 0), scalar(0, x.dtype), w * pow(x, w - 1))

        def by_exponent() -> Node:
            zero = primitives.eq(x, 0)
            if not w.dtype.is_complex:
                zero = primitives.bitwise_and(zero, w >= 0)
            return primitives.where(zero, scalar(0, x.dtype), y * primitives.log(primitives.where(zero, scalar(1, x.dtype), x)))

        return by_base, by_exponent


class Square(Elementwise):
    """y = x x        Partial   dy/dx = 2 x"""

    name = "square"
    accepts = ("integer", "floating", "complex")
    evaluate = np.square

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: x * 2,)


class Sqrt(Elementwise):
    """y = sqrt(x)    Partial   dy/dx = 1 / (2 y)
    Domain    x >= 0 (NaN below); the derivative at 0 is infinite
    """

    name = "sqrt"
    accepts = ("floating", "complex")
    domain = (0.2, 4.0)
    evaluate = np.sqrt

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: 0.5 / y,)


class Rsqrt(Elementwise):
    """y = 1 / sqrt(x)    Partial   dy/dx = -y^3 / 2
    Domain    x > 0
    """

    name = "rsqrt"
    accepts = ("floating", "complex")
    domain = (0.2, 4.0)

    def evaluate(self, x: Any) -> Any:
        return np.reciprocal(np.sqrt(x))

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: y * square(y) * -0.5,)


class Reciprocal(Elementwise):
    """y = 1 / x      Partial   dy/dx = -y^2
    Domain    x != 0
    """

    name = "reciprocal"
    accepts = ("floating", "complex")
    domain = (0.3, 3.0)
    evaluate = np.reciprocal

    def partials(self, x: Node, *, y: Node) -> Any:
        return (lambda: -square(y),)


class _Division(Elementwise):
    """Shared by the divisions with a remainder: an integer divided by zero is an error, as in PyTorch."""

    accepts = ("integer", "floating")
    divide: ClassVar[Callable[..., Any]]

    def evaluate(self, x: Any, w: Any) -> Any:
        if np.asarray(w).dtype.kind in "iu" and not np.all(w):
            raise ArgumentError(f"ZeroDivisionError: {self.name} of an integer by zero")
        return type(self).divide(x, w)


class FloorDivide(_Division):
    """z = floor(x / y)      Partials  none (constant between jumps)"""

    name = "floor_divide"
    differentiable = False
    divide = np.floor_divide

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return None, None


class Remainder(_Division):
    """z = x - y floor(x / y), with the sign of y     Partials  dz/dx = 1, dz/dy = -floor(x / y)
    Kink      at the jumps of the floor the value's own side is taken
    """

    name = "remainder"
    domain = ((0.1, 0.9), (1.0, 2.0))
    divide = np.remainder

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return 1, lambda: -floor_divide(x, w)


class Fmod(_Division):
    """z = x - y trunc(x / y), with the sign of x     Partials  dz/dx = 1, dz/dy = -trunc(x / y)"""

    name = "fmod"
    domain = ((0.1, 0.9), (1.0, 2.0))
    divide = np.fmod

    def partials(self, x: Node, w: Node, *, y: Node) -> Any:
        return 1, lambda: -primitives.trunc(x / w)


add = Add()
sub = Sub()
mul = Mul()
div = Div()
neg = Neg()
pow = Pow()
square = Square()
sqrt = Sqrt()
rsqrt = Rsqrt()
reciprocal = Reciprocal()
floor_divide = FloorDivide()
remainder = Remainder()
fmod = Fmod()


def _operator(primitive: Primitive) -> Any:
    def method(self: Node, other: Any) -> Node:
        if other.__class__ is not Node:
            other = scalar(other, self.type.dtype)
        return record(primitive, (self, other))

    return method


def _reflected(primitive: Primitive) -> Any:
    def method(self: Node, other: Any) -> Node:
        return record(primitive, (scalar(other, self.type.dtype), self))

    return method


def _late(name: str) -> Any:
    """An operator whose primitive stands in a later chapter."""

    def method(self: Node, other: Any) -> Node:
        if other.__class__ is not Node:
            other = scalar(other, self.type.dtype)
        return record(primitives.table[name], (self, other))

    return method


def _install() -> None:
    methods: dict[str, Any] = {
        "__add__": _operator(add), "__radd__": _reflected(add), "__sub__": _operator(sub), "__rsub__": _reflected(sub),
        "__mul__": _operator(mul), "__rmul__": _reflected(mul), "__truediv__": _operator(div),
        "__rtruediv__": _reflected(div), "__pow__": _operator(pow), "__neg__": lambda self: record(neg, (self,)),
        "__lt__": _late("lt"), "__le__": _late("le"), "__gt__": _late("gt"), "__ge__": _late("ge"),
        "__and__": _late("bitwise_and"), "__or__": _late("bitwise_or"),
        "__invert__": lambda self: record(primitives.table["bitwise_not"], (self,)),
    }  # fmt: skip
    for name in Node.OPERATORS:
        setattr(Node, name, methods[name])


_install()
