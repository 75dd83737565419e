"""Complex numbers: parts, conjugate, angle.

The cotangent of a complex x is x_bar = dL/dRe(x) + i dL/dIm(x) for a real L, so that a change dx moves L by
dL = Re(conj(x_bar) dx), and -x_bar points downhill. It follows, for y = f(x) and dL = Re(conj(y_bar) dy):

    f holomorphic        dy = f'(x) dx          conj(y_bar) f'(x) dx        so  x_bar = y_bar conj(f'(x))
    y = conj(x)          dy = conj(dx)          Re(conj(y_bar) conj(dx))    so  x_bar = conj(y_bar)
    y = Re(x)            dy = Re(dx)            Re(y_bar dx), y_bar real    so  x_bar = y_bar + 0i
    y = Im(x)            dy = Re(-i dx)         Re(-i y_bar dx)             so  x_bar = i y_bar
    y = a + i b          dy = da + i db         Re(y_bar) da + Im(y_bar) db so  a_bar = Re(y_bar), b_bar = Im(y_bar)

All but the first are linear over the reals and not over the complex numbers: their vjp and jvp are written out.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert.dtypes import DType
from wengert.errors import dtype_error
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import Cotangent, Elementwise, broadcast_to, primitives, unbroadcast, zeros_of


class _RealLinear(Elementwise):
    """Linear over the reals, element by element: y_dot = f(x_dots). Authors write `transpose(y_bar)`: for each input
    its cotangent as a function that records it, before it is summed over broadcast axes."""

    saves_nothing = True
    transpose: Any

    def vjp(self, y_bar: Node, *inputs: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        return tuple(
            [lambda x=x, pull=pull: unbroadcast(pull(), x.type) for x, pull in zip(inputs, self.transpose(y_bar))]
        )

    def jvp(self, x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> Optional[Node]:
        if all([x_dot is None for x_dot in x_dots]):
            return None
        moved = [zeros_of(x.type) if x_dot is None else x_dot for x, x_dot in zip(inputs, x_dots)]
        return broadcast_to(self(*moved), y.shape)


class Real(_RealLinear):
    """y = Re(x); x itself when it is real      Transpose  x_bar = y_bar + 0i"""

    name = "real"
    result = "real"

    def evaluate(self, x: Any) -> Any:
        return x.real

    def transpose(self, y_bar: Node) -> Any:
        return (lambda: y_bar,)

    def vjp(self, y_bar: Node, *inputs: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        (x,) = inputs
        return (lambda: primitives.convert(y_bar, dtype=x.dtype) if x.dtype.is_complex else y_bar,)


class Imag(_RealLinear):
    """y = Im(x), for complex x      Transpose  x_bar = i y_bar"""

    name = "imag"
    accepts = ("complex",)
    result = "real"

    def evaluate(self, x: Any) -> Any:
        return x.imag

    def transpose(self, y_bar: Node) -> Any:
        return (lambda: complex(zeros_of(y_bar.type), y_bar),)


class Conj(_RealLinear):
    """y = Re(x) - i Im(x); x itself when it is real      Transpose  x_bar = conj(y_bar)"""

    name = "conj"

    def evaluate(self, x: Any) -> Any:
        return np.conjugate(x) if x.dtype.kind == "c" else x

    def transpose(self, y_bar: Node) -> Any:
        return (lambda: conj(y_bar),)


class Complex(_RealLinear):
    """y = a + i b, for float32 or float64 parts      Transpose  a_bar = Re(y_bar), b_bar = Im(y_bar)"""

    name = "complex"
    accepts = ("floating",)

    def result_dtype(self, dtype: DType) -> DType:
        if dtype.itemsize < 4:
            raise dtype_error("complex", "parts of dtype float32 or float64", dtype.name)
        return dtype.to_complex

    def evaluate(self, re: Any, im: Any) -> Any:
        # Filled part by part: re + 1j * im would turn an infinite part into NaN.
        y = np.empty(np.broadcast_shapes(re.shape, im.shape), np.result_type(re.dtype, np.complex64))
        y.real = re
        y.imag = im
        return y

    def transpose(self, y_bar: Node) -> Any:
        return lambda: real(y_bar), lambda: imag(y_bar)


class Angle(Elementwise):
    """y = the angle of x in (-pi, pi]: the imaginary part of log x. For real x: 0, or pi where x < 0

    Partial   dy = Im(dx / x) = Re(dx / (i x)), so dy/dx = 1 / (i x) and x_bar = y_bar i x / |x|^2; 0 for real x
    Kink      at x = 0 the derivative 0; for real x it is 0 also where the angle jumps
    """

    name = "angle"
    accepts = ("floating", "complex")
    result = "real"
    kinks = (0.0,)

    def evaluate(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            return np.arctan2(x.imag, x.real)
        half_turn = np.where(np.less(x, 0), x.dtype.type(np.pi), x.dtype.type(0))
        return np.where(np.isnan(x), x, half_turn)

    def partials(self, x: Node, *, y: Node) -> Any:
        if not x.dtype.is_complex:
            return (0,)

        def by_x() -> Node:
            at_zero = primitives.eq(x, 0)
            safe = primitives.where(at_zero, 1, x)
            return primitives.where(at_zero, 0, scalar(-1j, x.dtype) / safe)

        return (by_x,)


real = Real()
imag = Imag()
conj = Conj()
complex = Complex()
angle = Angle()
