"""Factorisations: Cholesky, QR, eigenvalues of Hermitian matrices (singular values have a chapter of their own). LAPACK
computes; the derivatives are ours, exact also for complex matrices and for those that are not square.

All work on batches of matrices, the last two axes. ^H is the conjugate transpose; a product with a vector of values
means the diagonal matrix of it. The factors of a matrix are unique only up to signs (phases); derivatives hold for
losses that do not depend on those.
Source: M. B. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008; S. F. Walter and
L. Lehmann, Algorithmic differentiation of linear algebra functions (QR), 2010.
"""

from __future__ import annotations

from typing import Any, ClassVar, Optional

import numpy as np

from wengert.errors import GradientError
from wengert.graph.node import ArrayType, Node, TupleType, array_type, tuple_type
from wengert.graph.rule import Cotangent, General, add_nodes, primitives
from wengert.primitives.casting import move
from wengert.primitives.control import element
from wengert.primitives.matrices import (
    NOT_CONVERGED,
    adjoint,
    as_row,
    check_matrices,
    columns,
    diagonal,
    differences,
    hermitian_part,
    lapack,
    lower,
    matrixwise,
    multiply,
    off_diagonal,
    off_diagonal_zeros,
    skew,
    upper,
    with_diagonal,
    without_projection,
)
from wengert.primitives.systems import solve_triangular


def _half_lower(x: Node) -> Node:
    """The lower triangle with half of the diagonal."""
    return lower(x, strict=True) + off_diagonal_zeros(x, diagonal(x) * 0.5)


class Cholesky(General):
    """L lower triangular with L L^H = A, for a Hermitian A (its lower triangle is read)

    Forward   L_dot = L Phi(L^-1 A_dot L^-H), Phi: the lower triangle with half of the diagonal
    Reverse   A_bar = the Hermitian part of L^-H Phi(L^H L_bar) L^-1
    Domain    A positive definite, else LinAlgError
    """

    name = "cholesky"

    def infer(self, a: ArrayType) -> ArrayType:
        check_matrices(self.name, a, square=True)
        return a

    @lapack("the matrix is not positive definite")
    def evaluate(self, a: Any) -> Any:
        return np.linalg.cholesky(a)

    def vjp(self, y_bar: Node, a: Node, *, y: Node) -> tuple[Cotangent, ...]:
        def of_a() -> Node:
            inner = _half_lower(multiply(adjoint(y), y_bar))
            left = solve_triangular(adjoint(y), inner, upper=True, unit=False)  # L^-H Phi
            right = solve_triangular(adjoint(y), adjoint(left), upper=True, unit=False)  # (L^-H Phi L^-1)^H
            return hermitian_part(right)

        return (of_a,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node) -> Optional[Node]:
        (a_dot,) = x_dots
        if a_dot is None:
            return None
        left = solve_triangular(y, hermitian_part(a_dot), upper=False, unit=False)
        both = solve_triangular(y, adjoint(left), upper=False, unit=False)
        return multiply(y, _half_lower(adjoint(both)))

    batch = matrixwise


class Qr(General):
    """Q R = A with orthonormal columns Q and an upper triangular R

    mode      "reduced": Q (..., m, k), R (..., k, n), k = min(m, n); "complete": Q (..., m, m), R (..., m, n)
    Reverse   for m >= n:  A_bar = (Q_bar + Q S(R_bar R^H - Q^H Q_bar)) R^-H, S(M) = triu(M) + triu(M)^H with the real
              part of M's diagonal; for m < n with A = (X Y), R = (U V):  V = Q^H Y adds Y V_bar^H to Q_bar, and
              Y_bar = Q V_bar
    Forward   for m >= n, C = Q^H A_dot R^-1 and W = tril(C) - tril(C)^H, its diagonal i Im C:
              Q_dot = (I - Q Q^H) A_dot R^-1 + Q W,  R_dot = (C - W) R
    Domain    the first k columns of A independent; "complete" with m > n has no derivative
    """

    name = "qr"
    params = ("mode",)
    defaults: ClassVar[dict[str, Any]] = {"mode": "reduced"}

    def infer(self, a: ArrayType, *, mode: str) -> TupleType:
        check_matrices(self.name, a)
        *batch, m, n = a.shape
        k = m if mode == "complete" else min(m, n)
        return tuple_type(array_type((*batch, m, k), a.dtype), array_type((*batch, k, n), a.dtype))

    @lapack(NOT_CONVERGED)
    def evaluate(self, a: Any, *, mode: str) -> Any:
        q, r = np.linalg.qr(a, "complete" if mode == "complete" else "reduced")
        return q, r

    def vjp(self, y_bars: Any, a: Node, *, y: Node, mode: str) -> tuple[Cotangent, ...]:
        self._check_mode(a, mode)
        q, r = element(y, index=0), element(y, index=1)
        q_bar, r_bar = y_bars
        m, n = a.shape[-2:]
        if m >= n:
            return (lambda: _qr_pulled(q, r, q_bar, r_bar),)

        def of_wide() -> Node:
            beyond, v_bar = columns(a, m, n), None if r_bar is None else columns(r_bar, m, n)
            from_v = None if v_bar is None else multiply(beyond, adjoint(v_bar))
            u_bar = None if r_bar is None else columns(r_bar, 0, m)
            x_bar = _qr_pulled(q, columns(r, 0, m), add_nodes(q_bar, from_v), u_bar)
            y_bar = _zeros_like(beyond) if v_bar is None else multiply(q, v_bar)
            return primitives.concatenate(x_bar, y_bar, axis=a.ndim - 1)

        return (of_wide,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node, mode: str) -> Any:
        self._check_mode(a, mode)
        (a_dot,) = x_dots
        if a_dot is None:
            return None
        q, r = element(y, index=0), element(y, index=1)
        m, n = a.shape[-2:]
        if m >= n:
            return _qr_pushed(q, r, a_dot)
        q_dot, u_dot = _qr_pushed(q, columns(r, 0, m), columns(a_dot, 0, m))
        beyond, beyond_dot = columns(a, m, n), columns(a_dot, m, n)
        v_dot = multiply(adjoint(q_dot), beyond) + multiply(adjoint(q), beyond_dot)
        return q_dot, primitives.concatenate(u_dot, v_dot, axis=a.ndim - 1)

    def _check_mode(self, a: Node, mode: str) -> None:
        if mode == "complete" and a.shape[-2] > a.shape[-1]:
            raise GradientError(
                "The QR decomposition is not differentiable when mode='complete' and there are more rows than columns: "
                "the added columns of Q are arbitrary. Use mode='reduced'."
            )

    batch = matrixwise


def _zeros_like(x: Node) -> Node:
    return x * 0


def _qr_pulled(q: Node, r: Node, q_bar: Optional[Node], r_bar: Optional[Node]) -> Node:
    """The cotangent of a matrix with at least as many rows as columns."""
    inner = None if r_bar is None else multiply(r_bar, adjoint(r))
    if q_bar is not None:
        inner = add_nodes(inner, -multiply(adjoint(q), q_bar))
    triangle = upper(inner, strict=True)  # type: ignore[arg-type]
    whole = with_diagonal(triangle + adjoint(triangle), primitives.real(diagonal(inner)))  # type: ignore[arg-type]
    left = add_nodes(multiply(q, whole), q_bar)
    # x R^-H is the adjoint of R^-1 x^H.
    return adjoint(solve_triangular(r, adjoint(left), upper=True, unit=False))  # type: ignore[arg-type]


def _qr_pushed(q: Node, r: Node, a_dot: Node) -> tuple[Node, Node]:
    # x R^-1 is the adjoint of R^-H x^H.
    scaled = adjoint(solve_triangular(adjoint(r), adjoint(a_dot), upper=False, unit=False))
    c = multiply(adjoint(q), scaled)
    below = lower(c, strict=True)
    w = skew(below)
    if c.dtype.is_complex:
        imaginary = primitives.imag(diagonal(c))
        w = with_diagonal(w, primitives.complex(imaginary * 0, imaginary))
    return without_projection(scaled, q) + multiply(q, w), multiply(c - w, r)


class Eigh(General):
    """(w, V) with A V = V w, for a Hermitian A: real eigenvalues in ascending order, orthonormal eigenvectors

    lower     which triangle of A is read
    Reverse   A_bar = V (w_bar + P / (2 E)) V^H,  P = V^H V_bar - V_bar^H V,  E_ij = w_j - w_i off the diagonal
    Forward   M = V^H A_dot V:  w_dot = Re diag M,  V_dot = V (M / E)
    Domain    different eigenvalues, for a derivative through V; through w alone any
    """

    name = "eigh"
    params = ("lower",)
    defaults: ClassVar[dict[str, Any]] = {"lower": True}

    def infer(self, a: ArrayType, *, lower: bool) -> TupleType:
        check_matrices(self.name, a, square=True)
        return tuple_type(array_type(a.shape[:-1], a.dtype.to_real), a)

    @lapack(NOT_CONVERGED)
    def evaluate(self, a: Any, *, lower: bool) -> Any:
        w, v = np.linalg.eigh(a, "L" if lower else "U")
        return w, v

    def vjp(self, y_bars: Any, a: Node, *, y: Node, lower: bool) -> tuple[Cotangent, ...]:
        w_bar, v_bar = y_bars
        v = element(y, index=1)

        def of_a() -> Node:
            if v_bar is None:
                return multiply(v * as_row(move(w_bar, a.dtype)), adjoint(v))
            turned = skew(multiply(adjoint(v), v_bar)) * 0.5
            inner = off_diagonal(turned / differences(element(y, index=0), a.dtype), 0)
            if w_bar is not None:
                inner = with_diagonal(inner, w_bar)
            return multiply(v, inner, adjoint(v))

        return (of_a,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node, lower: bool) -> Any:
        (a_dot,) = x_dots
        if a_dot is None:
            return None
        v = element(y, index=1)
        m = multiply(adjoint(v), hermitian_part(a_dot), v)
        turned = off_diagonal(m / differences(element(y, index=0), a.dtype), 0)
        return primitives.real(diagonal(m)), multiply(v, turned)

    batch = matrixwise


cholesky = Cholesky()
qr = Qr()
eigh = Eigh()
