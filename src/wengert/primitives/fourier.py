"""Discrete Fourier transforms, without a scale. NumPy's pocketfft computes; all are linear, and each one's transpose is
made of the others.

With w = e^(-2 pi i / n):  y_k = sum_j w^(jk) x_j. The matrix F of it is symmetric, so its adjoint F^H is the transform
with the conjugate root, which is n times the inverse. A real x has y_(n-k) = conj(y_k): half of y says it all.
Source: J. W. Cooley and J. W. Tukey, An algorithm for the machine calculation of complex Fourier series, 1965.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from wengert.dtypes import int64
from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.record import scalar
from wengert.graph.rule import Cotangent, Linear, primitives
from wengert.shapes import Shape


def _check(operation: str, x: ArrayType, axes: Shape, names: tuple[str, ...]) -> None:
    if x.dtype.name not in names:
        raise dtype_error(operation, f"dtype {' or '.join(names)}", x.dtype.name, "convert it first")
    if not all([0 <= axis < x.ndim and x.shape[axis] for axis in axes]):
        raise shape_error(operation, f"at least one element along dimensions {list(axes)}", (x.shape,))


class Fft(Linear):
    """y_k = sum_j e^(-+ 2 pi i j k / n) x_j along each of `axes`, for complex x; the sign is + when `inverse`

    Transpose  x_bar = the transform of y_bar with the other sign
    Shapes     y has the shape of x
    """

    name = "fft"
    params = ("axes", "inverse")
    defaults: ClassVar[dict[str, Any]] = {"inverse": False}

    def infer(self, x: ArrayType, *, axes: Shape, inverse: bool) -> ArrayType:
        _check(self.name, x, axes, ("complex64", "complex128"))
        return x

    def evaluate(self, x: Any, *, axes: Shape, inverse: bool) -> Any:
        y = np.fft.ifftn(x, axes=axes, norm="forward") if inverse else np.fft.fftn(x, axes=axes)
        return y.astype(x.dtype, copy=False)

    def transpose(self, y_bar: Node, x: Node, *, axes: Shape, inverse: bool) -> tuple[Cotangent, ...]:
        return (lambda: self(y_bar, axes=axes, inverse=not inverse),)

    def batch(
        self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axes: Shape, inverse: bool
    ) -> Node:
        return self(*inputs, axes=tuple([axis + 1 for axis in axes]), inverse=inverse)


class Rfft(Linear):
    """The first n // 2 + 1 of y_k = sum_j e^(-2 pi i j k / n) x_j along `axis`, for real x of length n

    Transpose  x_bar = Re(F^H (y_bar, then zeros up to n))
    """

    name = "rfft"
    params = ("axis",)

    def infer(self, x: ArrayType, *, axis: int) -> ArrayType:
        _check(self.name, x, (axis,), ("float32", "float64"))
        half = x.shape[axis] // 2 + 1
        return array_type((*x.shape[:axis], half, *x.shape[axis + 1 :]), x.dtype.to_complex)

    def evaluate(self, x: Any, *, axis: int) -> Any:
        return np.fft.rfft(x, axis=axis).astype(np.result_type(x.dtype, np.complex64), copy=False)

    def transpose(self, y_bar: Node, x: Node, *, axis: int) -> tuple[Cotangent, ...]:
        def of_x() -> Node:
            missing = x.shape[axis] - y_bar.shape[axis]
            high = tuple([missing if i == axis else 0 for i in range(x.ndim)])
            whole = primitives.pad(y_bar, scalar(0, y_bar.dtype), low=(0,) * x.ndim, high=high)
            return primitives.real(fft(whole, axes=(axis,), inverse=True))

        return (of_x,)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int) -> Node:
        return self(*inputs, axis=axis + 1)


class Irfft(Linear):
    """y_j = sum_k e^(2 pi i j k / n) x_k along `axis`, of the n numbers of which x gives the first n // 2 + 1

    The rest are their conjugates, so y is real: y_j = Re(x_0 + 2 sum_(0 < k < n/2) ... + the middle one, if n is even).
    Imaginary parts of the first and of that middle one are not read.

    Transpose  x_bar_k = c_k times the transform of y_bar, c_k = 2, but 1 for the first and that middle one
    """

    name = "irfft"
    params = ("axis", "n")

    def infer(self, x: ArrayType, *, axis: int, n: int) -> ArrayType:
        _check(self.name, x, (axis,), ("complex64", "complex128"))
        if n < 1 or x.shape[axis] != n // 2 + 1:
            raise shape_error(self.name, f"{n // 2 + 1} numbers along dimension {axis} for a result of {n}", (x.shape,))
        return array_type((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.dtype.to_real)

    def evaluate(self, x: Any, *, axis: int, n: int) -> Any:
        return np.fft.irfft(x, n, axis, norm="forward").astype(x.real.dtype, copy=False)

    def transpose(self, y_bar: Node, x: Node, *, axis: int, n: int) -> tuple[Cotangent, ...]:
        def of_x() -> Node:
            half = n // 2 + 1
            place = primitives.iota(n=half, dtype=int64)
            single = primitives.eq(place, 0) | primitives.eq(place * 2, n)
            weight = primitives.where(single, scalar(1, x.dtype), scalar(2, x.dtype))
            shape = tuple([half if i == axis else 1 for i in range(x.ndim)])
            return rfft(y_bar, axis=axis) * primitives.reshape(weight, shape=shape)

        return (of_x,)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int, n: int) -> Node:
        return self(*inputs, axis=axis + 1, n=n)


fft = Fft()
rfft = Rfft()
irfft = Irfft()
