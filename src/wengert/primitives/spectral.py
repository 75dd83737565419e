"""Eigenvalues of matrices of any kind, and the exponential of a matrix. The derivatives are ours.

Both work on batches of matrices, the last two axes. ^H is the conjugate transpose.
Source: C. Boeddeker, P. Hanebrink, L. Drude, J. Heymann and R. Haeb-Umbach, On the computation of complex-valued
gradients, 2017; N. J. Higham, The scaling and squaring method for the matrix exponential revisited, 2005.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert.graph.node import ArrayType, Node, TupleType, array_type, tuple_type
from wengert.graph.rule import Cotangent, General, primitives
from wengert.primitives.casting import move
from wengert.primitives.control import element
from wengert.primitives.elimination import block
from wengert.primitives.matrices import (
    NOT_CONVERGED,
    adjoint,
    as_row,
    check_matrices,
    diagonal,
    differences,
    lapack,
    matrixwise,
    multiply,
    off_diagonal,
    with_diagonal,
)


class Eig(General):
    """(w, V) with A V = V w: complex eigenvalues in LAPACK's order, eigenvectors as columns of length 1

    Reverse   A_bar = V^-H (w_bar + (V^H V_bar - V^H V Re diag(V^H V_bar)) / conj(E)) V^H, E_ij = w_j - w_i off the
              diagonal; the real part for a real A
    Forward   M = V^-1 A_dot V:  w_dot = diag M,  K = M / E:  V_dot = V K - V Re diag(V^H V K)
    Domain    different eigenvalues. The phase of a vector is arbitrary: derivatives hold for losses that do not depend
              on it
    """

    name = "eig"

    def infer(self, a: ArrayType) -> TupleType:
        check_matrices(self.name, a, square=True)
        dtype = a.dtype.to_complex
        return tuple_type(array_type(a.shape[:-1], dtype), array_type(a.shape, dtype))

    @lapack(NOT_CONVERGED)
    def evaluate(self, a: Any) -> Any:
        w, v = np.linalg.eig(a)
        dtype = np.result_type(a.dtype, np.complex64)
        return w.astype(dtype, copy=False), v.astype(dtype, copy=False)

    def vjp(self, y_bars: Any, a: Node, *, y: Node) -> tuple[Cotangent, ...]:
        w_bar, v_bar = y_bars
        w, v = element(y, index=0), element(y, index=1)

        def of_a() -> Node:
            inner = v * 0
            if v_bar is not None:
                turned = multiply(adjoint(v), v_bar)
                length = move(primitives.real(diagonal(turned)), v.dtype)
                turned = turned - multiply(adjoint(v), v) * as_row(length)
                inner = off_diagonal(turned / primitives.conj(differences(w, v.dtype)), 0)
            if w_bar is not None:
                inner = with_diagonal(inner, w_bar)
            return move(primitives.solve(adjoint(v), multiply(inner, adjoint(v))), a.dtype)

        return (of_a,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node) -> Any:
        (a_dot,) = x_dots
        if a_dot is None:
            return None
        w, v = element(y, index=0), element(y, index=1)
        m = primitives.solve(v, multiply(move(a_dot, v.dtype), v))
        k = off_diagonal(m / differences(w, v.dtype), 0)
        v_dot = multiply(v, k)
        length = move(primitives.real(diagonal(multiply(adjoint(v), v_dot))), v.dtype)
        return diagonal(m), v_dot - v * as_row(length)

    batch = matrixwise


# Numerators of the diagonal Pade approximant of degree 13 (Higham, section 2), and the norm up to which it is exact.
_PADE = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
    670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip
_THETA = 5.371920351148152


class MatrixExp(General):
    """y = I + A + A^2 / 2! + A^3 / 3! + ...

    Reverse   A_bar = the upper right block of the exponential of (A^H y_bar; 0 A^H)
    Forward   y_dot = the upper right block of the exponential of (A A_dot; 0 A)
    Precision computed in float64 (complex128) and rounded once
    """

    name = "matrix_exp"

    def infer(self, a: ArrayType) -> ArrayType:
        check_matrices(self.name, a, square=True)
        return a

    def evaluate(self, a: Any) -> Any:
        wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
        norm = np.abs(wide).sum(axis=-2).max(axis=-1, initial=0)[..., None, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.nan_to_num(np.maximum(0, np.ceil(np.log2(norm / _THETA))), posinf=0)
            y = _pade(wide / 2.0**times)
            for k in range(int(times.max(initial=0))):
                y = np.where(times > k, y @ y, y)
        return y.astype(a.dtype)

    def vjp(self, y_bar: Node, a: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return (lambda: _corner(adjoint(a), y_bar),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node) -> Optional[Node]:
        (a_dot,) = x_dots
        return None if a_dot is None else _corner(a, a_dot)

    batch = matrixwise


def _pade(a: Any) -> Any:
    b, one = _PADE, np.eye(a.shape[-1])
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    high_odd = a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2)
    odd = a @ (high_odd + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    return np.linalg.solve(even - odd, even + odd)


def _corner(a: Node, x: Node) -> Node:
    """The upper right block of exp (a x; 0 a): the derivative of exp at a in the direction x."""
    n = a.shape[-1]
    above = primitives.concatenate(a, x, axis=a.ndim - 1)
    below = primitives.concatenate(a * 0, a, axis=a.ndim - 1)
    whole = matrix_exp(primitives.concatenate(above, below, axis=a.ndim - 2))
    return block(whole, (0, n), (n, 2 * n))


eig = Eig()
matrix_exp = MatrixExp()
