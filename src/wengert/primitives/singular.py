"""Singular values and vectors. LAPACK computes; the derivatives are ours, exact also for complex matrices and for those
that are not square.

All work on batches of matrices, the last two axes. ^H is the conjugate transpose; a product with a vector of values
means the diagonal matrix of it. Singular vectors are unique only up to signs (phases), and derivatives hold for losses
that do not depend on those.
Source: M. B. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008; for complex vectors
Z.-Q. Wan and S.-X. Zhang, arXiv:1909.02659.
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
    as_column,
    as_row,
    check_matrices,
    columns,
    diagonal,
    differences,
    lapack,
    matrixwise,
    multiply,
    off_diagonal,
    rows,
    skew,
    with_diagonal,
    without_projection,
)


class Svd(General):
    """(U, s, W) with U s W = A: orthonormal columns of U and rows of W (which is V^H), s in descending order

    full      U (..., m, m) and W (..., n, n), instead of (..., m, k) and (..., k, n), k = min(m, n); what the k first
              columns of U and rows of W do not determine has no derivative
    Reverse   with E_ij = s_j^2 - s_i^2 off the diagonal, P = skew(U^H U_bar), Q = skew(W W_bar^H), skew(X) = X - X^H:
              A_bar = U [(P s + s Q) / E + s_bar + diag(P) / (2 s)] W      (diag(P) for complex A only)
                      + (I - U U^H) U_bar s^-1 W + U s^-1 W_bar (I - W^H W)
    Forward   M = U^H A_dot V:  s_dot = Re diag M,
              U_dot = U (M s + s M^H) / E + (I - U U^H) A_dot V s^-1,
              V_dot = V (s M + M^H s) / E + (I - V V^H) A_dot^H U s^-1, and i Im diag(M) / (2 s) to the brackets, -/+
    Domain    different singular values above 0, for a derivative through U or W
    """

    name = "svd"
    params = ("full",)
    defaults: ClassVar[dict[str, Any]] = {"full": False}

    def infer(self, a: ArrayType, *, full: bool) -> TupleType:
        check_matrices(self.name, a)
        *batch, m, n = a.shape
        k = min(m, n)
        u, w = ((m, m), (n, n)) if full else ((m, k), (k, n))
        s = array_type((*batch, k), a.dtype.to_real)
        return tuple_type(array_type((*batch, *u), a.dtype), s, array_type((*batch, *w), a.dtype))

    @lapack(NOT_CONVERGED)
    def evaluate(self, a: Any, *, full: bool) -> Any:
        u, s, w = np.linalg.svd(a, full)
        return u, s, w

    def vjp(self, y_bars: Any, a: Node, *, y: Node, full: bool) -> tuple[Cotangent, ...]:
        k = min(a.shape[-2:])
        u_bar, s_bar, w_bar = y_bars
        if full:
            u_bar = None if u_bar is None else columns(u_bar, 0, k)
            w_bar = None if w_bar is None else rows(w_bar, k)
        return (lambda: _svd_pulled(self._reduced(y, k), u_bar, s_bar, w_bar),)

    def _reduced(self, y: Node, k: int) -> tuple[Node, Node, Node]:
        u, s, w = (element(y, index=index) for index in range(3))
        return columns(u, 0, k), s, rows(w, k)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node, full: bool) -> Any:
        (a_dot,) = x_dots
        if a_dot is None:
            return None
        if full and a.shape[-2] != a.shape[-1]:
            raise GradientError("svd: a forward derivative needs full_matrices=False, where the factors are determined")
        return _svd_pushed(self._reduced(y, min(a.shape[-2:])), a_dot)

    batch = matrixwise


def _svd_pulled(factors: tuple[Node, Node, Node], u_bar: Optional[Node], s_bar: Optional[Node], w_bar: Optional[Node]) -> Node:
    u, s, w = factors
    dtype = u.dtype
    values = move(s, dtype)
    if u_bar is None and w_bar is None:
        return multiply(u * as_row(move(s_bar, dtype)), w)  # type: ignore[arg-type]
    squares = differences(primitives.square(s), dtype)
    p = None if u_bar is None else skew(multiply(adjoint(u), u_bar))
    q = None if w_bar is None else skew(multiply(w, adjoint(w_bar)))
    left = None if p is None else p * as_row(values)
    right = None if q is None else q * as_column(values)
    inner = off_diagonal(add_nodes(left, right) / squares, 0)
    if s_bar is not None:
        inner = with_diagonal(inner, s_bar)
    if dtype.is_complex and p is not None:
        inner = with_diagonal(inner, diagonal(p) / (values * 2))
    a_bar = multiply(u, inner, w)
    if u_bar is not None and u.shape[-2] > u.shape[-1]:
        a_bar = a_bar + multiply(without_projection(u_bar / as_row(values), u), w)
    if w_bar is not None and w.shape[-1] > w.shape[-2]:
        outside = without_projection(adjoint(w_bar / as_column(values)), adjoint(w))
        a_bar = a_bar + multiply(u, adjoint(outside))
    return a_bar


def _svd_pushed(factors: tuple[Node, Node, Node], a_dot: Node) -> tuple[Node, Node, Node]:
    u, s, w = factors
    dtype, v = u.dtype, adjoint(w)
    values = move(s, dtype)
    m = multiply(adjoint(u), a_dot, v)
    squares = differences(primitives.square(s), dtype)
    turn_u = off_diagonal((m * as_row(values) + adjoint(m) * as_column(values)) / squares, 0)
    # (M s + s M^H)_ij = M_ij s_j + s_i conj(M_ji); for V the roles of M and M^H are exchanged.
    turn_v = off_diagonal((m * as_column(values) + adjoint(m) * as_row(values)) / squares, 0)
    if dtype.is_complex:
        phase = primitives.imag(diagonal(m))
        half = primitives.complex(phase * 0, phase) / (values * 2)
        turn_u, turn_v = with_diagonal(turn_u, half), with_diagonal(turn_v, -half)
    u_dot, v_dot = multiply(u, turn_u), multiply(v, turn_v)
    if u.shape[-2] > u.shape[-1]:
        u_dot = u_dot + without_projection(multiply(a_dot, v) / as_row(values), u)
    if w.shape[-1] > w.shape[-2]:
        v_dot = v_dot + without_projection(multiply(adjoint(a_dot), u) / as_row(values), v)
    return u_dot, primitives.real(diagonal(m)), adjoint(v_dot)


class SingularValues(General):
    """s = the singular values of A, in descending order

    Reverse   A_bar = U s_bar V^H
    Forward   s_dot = Re diag(U^H A_dot V)
    """

    name = "singular_values"

    def infer(self, a: ArrayType) -> ArrayType:
        check_matrices(self.name, a)
        return array_type((*a.shape[:-2], min(a.shape[-2:])), a.dtype.to_real)

    @lapack(NOT_CONVERGED)
    def evaluate(self, a: Any) -> Any:
        return np.linalg.svd(a, compute_uv=False)

    def vjp(self, y_bar: Node, a: Node, *, y: Node) -> tuple[Cotangent, ...]:
        def of_a() -> Node:
            factors = svd(a, full=False)
            u, w = element(factors, index=0), element(factors, index=2)
            return multiply(u * as_row(move(y_bar, a.dtype)), w)

        return (of_a,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node) -> Optional[Node]:
        (a_dot,) = x_dots
        if a_dot is None:
            return None
        factors = svd(a, full=False)
        u, w = element(factors, index=0), element(factors, index=2)
        return primitives.real(diagonal(multiply(adjoint(u), a_dot, adjoint(w))))

    batch = matrixwise


svd = Svd()
singular_values = SingularValues()
