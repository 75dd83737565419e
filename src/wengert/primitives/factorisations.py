"""Factorisations: Cholesky, QR, eigenvalues of Hermitian matrices, singular values. LAPACK computes; the derivatives
are ours, exact also for complex matrices and for those that are not square.

All work on batches of matrices, the last two axes. ^H is the conjugate transpose; a product with a vector of values
means the diagonal matrix of it. The factors of a matrix are unique only up to signs (phases); derivatives hold for
losses that do not depend on those.
Source: M. B. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008; S. F. Walter and
L. Lehmann, Algorithmic differentiation of linear algebra functions (QR), 2010; for complex singular vectors
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
    adjoint,
    as_column,
    as_row,
    check_matrices,
    diagonal,
    hermitian_part,
    lapack,
    lower,
    multiply,
    off_diagonal,
    off_diagonal_zeros,
    skew,
    upper,
    with_diagonal,
    without_projection,
)
from wengert.primitives.systems import solve_triangular
from wengert.primitives.views import slice

_NOT_CONVERGED = "the algorithm did not converge; are there infinities or NaN?"


def _batched(self: Any, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
    return self(*inputs, **params)  # type: ignore[no-any-return]


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

    batch = _batched


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

    @lapack(_NOT_CONVERGED)
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
            beyond, v_bar = _columns(a, m, n), None if r_bar is None else _columns(r_bar, m, n)
            from_v = None if v_bar is None else multiply(beyond, adjoint(v_bar))
            u_bar = None if r_bar is None else _columns(r_bar, 0, m)
            x_bar = _qr_pulled(q, _columns(r, 0, m), add_nodes(q_bar, from_v), u_bar)
            y_bar = _zeros_like(beyond) if v_bar is None else multiply(q, v_bar)
            return primitives.concatenate(x_bar, y_bar, axis=a.ndim - 1)  # type: ignore[no-any-return]

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
        q_dot, u_dot = _qr_pushed(q, _columns(r, 0, m), _columns(a_dot, 0, m))
        beyond, beyond_dot = _columns(a, m, n), _columns(a_dot, m, n)
        v_dot = multiply(adjoint(q_dot), beyond) + multiply(adjoint(q), beyond_dot)
        return q_dot, primitives.concatenate(u_dot, v_dot, axis=a.ndim - 1)

    def _check_mode(self, a: Node, mode: str) -> None:
        if mode == "complete" and a.shape[-2] > a.shape[-1]:
            raise GradientError(
                "The QR decomposition is not differentiable when mode='complete' and there are more rows than columns: "
                "the added columns of Q are arbitrary. Use mode='reduced'."
            )

    batch = _batched


def _columns(x: Node, start: int, stop: int) -> Node:
    return slice(x, index=(*[(0, n, 1) for n in x.shape[:-1]], (start, stop, 1)))


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
    Reverse   A_bar = V (w_bar + (V^H V_bar) / E) V^H,  E_ij = w_j - w_i off the diagonal
    Forward   M = V^H A_dot V:  w_dot = Re diag M,  V_dot = V (M / E)
    Domain    different eigenvalues, for a derivative through V; through w alone any
    """

    name = "eigh"
    params = ("lower",)
    defaults: ClassVar[dict[str, Any]] = {"lower": True}

    def infer(self, a: ArrayType, *, lower: bool) -> TupleType:
        check_matrices(self.name, a, square=True)
        return tuple_type(array_type(a.shape[:-1], a.dtype.to_real), a)

    @lapack(_NOT_CONVERGED)
    def evaluate(self, a: Any, *, lower: bool) -> Any:
        w, v = np.linalg.eigh(a, "L" if lower else "U")
        return w, v

    def vjp(self, y_bars: Any, a: Node, *, y: Node, lower: bool) -> tuple[Cotangent, ...]:
        w_bar, v_bar = y_bars
        v = element(y, index=1)

        def of_a() -> Node:
            if v_bar is None:
                return multiply(v * as_row(move(w_bar, a.dtype)), adjoint(v))
            inner = multiply(adjoint(v), v_bar) / _differences(element(y, index=0), a.dtype)
            inner = off_diagonal(inner, 0)
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
        turned = off_diagonal(m / _differences(element(y, index=0), a.dtype), 0)
        return primitives.real(diagonal(m)), multiply(v, turned)

    batch = _batched


def _differences(w: Node, dtype: Any) -> Node:
    """E_ij = w_j - w_i, and 1 on the diagonal, so that nothing is divided by 0 there."""
    return move(off_diagonal(as_row(w) - as_column(w), 1), dtype)


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

    @lapack(_NOT_CONVERGED)
    def evaluate(self, a: Any, *, full: bool) -> Any:
        u, s, w = np.linalg.svd(a, full)
        return u, s, w

    def vjp(self, y_bars: Any, a: Node, *, y: Node, full: bool) -> tuple[Cotangent, ...]:
        k = min(a.shape[-2:])
        u_bar, s_bar, w_bar = y_bars
        if full:
            u_bar = None if u_bar is None else _columns(u_bar, 0, k)
            w_bar = None if w_bar is None else _rows(w_bar, k)
        return (lambda: _svd_pulled(self._reduced(y, k), u_bar, s_bar, w_bar),)

    def _reduced(self, y: Node, k: int) -> tuple[Node, Node, Node]:
        u, s, w = (element(y, index=index) for index in range(3))
        return _columns(u, 0, k), s, _rows(w, k)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node, full: bool) -> Any:
        (a_dot,) = x_dots
        if a_dot is None:
            return None
        if full and a.shape[-2] != a.shape[-1]:
            raise GradientError("svd: a forward derivative needs full_matrices=False, where the factors are determined")
        return _svd_pushed(self._reduced(y, min(a.shape[-2:])), a_dot)

    batch = _batched


def _rows(x: Node, stop: int) -> Node:
    return slice(x, index=(*[(0, n, 1) for n in x.shape[:-2]], (0, stop, 1), (0, x.shape[-1], 1)))


def _svd_pulled(
    factors: tuple[Node, Node, Node], u_bar: Optional[Node], s_bar: Optional[Node], w_bar: Optional[Node]
) -> Node:
    u, s, w = factors
    dtype = u.dtype
    values = move(s, dtype)
    if u_bar is None and w_bar is None:
        return multiply(u * as_row(move(s_bar, dtype)), w)  # type: ignore[arg-type]
    squares = _differences(primitives.square(s), dtype)
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
    squares = _differences(primitives.square(s), dtype)
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

    @lapack(_NOT_CONVERGED)
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
        return primitives.real(diagonal(multiply(adjoint(u), a_dot, adjoint(w))))  # type: ignore[no-any-return]

    batch = _batched


cholesky = Cholesky()
qr = Qr()
eigh = Eigh()
svd = Svd()
singular_values = SingularValues()
