"""Least squares: the pseudo-inverse and what it solves. LAPACK computes; the derivatives are ours.

All work on batches of matrices, the last two axes. ^H is the conjugate transpose, ^+ the pseudo-inverse.
Source: G. H. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate, SIAM J. Numer. Anal. 10 (1973).
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert.errors import shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Cotangent, General, add_nodes
from wengert.primitives.matrices import NOT_CONVERGED, adjoint, check_matrices, lapack, multiply
from wengert.primitives.views import all_batched


class Pinv(General):
    """P = A^+, the pseudo-inverse; singular values at or below rcond times the largest count as 0

    Forward   P_dot = -P A_dot P + P P^H A_dot^H (I - A P) + (I - P A) A_dot^H P^H P
    Reverse   A_bar = -P^H P_bar P^H + (I - A P) P_bar^H P P^H + P^H P P_bar^H (I - P A)
    Domain    differentiable where the rank does not change near A
    Shapes    rcond is zero-dimensional and real
    """

    name = "pinv"

    def infer(self, a: ArrayType, rcond: ArrayType) -> ArrayType:
        check_matrices(self.name, a)
        return array_type((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)

    @lapack(NOT_CONVERGED)
    def evaluate(self, a: Any, rcond: Any) -> Any:
        if a.size == 0:
            return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
        return np.linalg.pinv(a, rcond=rcond).astype(a.dtype, copy=False)

    def vjp(self, y_bar: Node, a: Node, rcond: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return (lambda: pulled_through_pinv(y_bar, a, y)), None

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, rcond: Node, *, y: Node) -> Optional[Node]:
        return None if x_dots[0] is None else pushed_through_pinv(x_dots[0], a, y)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        if batched[1]:
            raise NotImplementedError("vmap over the tolerance of pinv")
        return self(*inputs)


def pushed_through_pinv(a_dot: Node, a: Node, y: Node) -> Node:
    """The tangent of y = A^+ for that of A."""
    h, p = adjoint(a_dot), adjoint(y)
    outside, inside = multiply(y, p, h), multiply(h, p, y)
    return (outside - multiply(outside, a, y)) + (inside - multiply(y, a, inside)) - multiply(y, a_dot, y)


def pulled_through_pinv(p_bar: Node, a: Node, y: Node) -> Node:
    """The cotangent of A for that of y = A^+."""
    p, h = adjoint(y), adjoint(p_bar)
    outside, inside = multiply(h, y, p), multiply(p, y, h)
    return (outside - multiply(a, y, outside)) + (inside - multiply(inside, y, a)) - multiply(p, p_bar, p)


class Lstsq(General):
    """x = the smallest of all that make |A x - B| smallest: A^+ B

    Reverse   B_bar = P^H x_bar, and A_bar by pinv's rule for P_bar = x_bar B^H, with P = A^+
    Forward   x_dot = P_dot B + P B_dot
    Shapes    A (..., m, n), B (..., m, k), x (..., n, k); rcond is zero-dimensional and real
    """

    name = "lstsq"

    def infer(self, a: ArrayType, b: ArrayType, rcond: ArrayType) -> ArrayType:
        check_matrices(self.name, a, b)
        if a.shape[:-1] != b.shape[:-1]:
            raise shape_error(self.name, "A (..., m, n) and B (..., m, k)", (a.shape, b.shape))
        return array_type((*a.shape[:-2], a.shape[-1], b.shape[-1]), a.dtype)

    @lapack(NOT_CONVERGED)
    def evaluate(self, a: Any, b: Any, rcond: Any) -> Any:
        x = np.zeros((*a.shape[:-2], a.shape[-1], b.shape[-1]), a.dtype)
        if a.size and b.size:
            for row in np.ndindex(a.shape[:-2]):
                x[row] = np.linalg.lstsq(a[row], b[row], rcond=float(rcond))[0]
        return x

    def vjp(self, y_bar: Node, a: Node, b: Node, rcond: Node, *, y: Node) -> tuple[Cotangent, ...]:
        p = pinv(a, rcond)
        return (
            lambda: pulled_through_pinv(multiply(y_bar, adjoint(b)), a, p),
            lambda: multiply(adjoint(p), y_bar),
            None,
        )

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, b: Node, rcond: Node, *, y: Node) -> Optional[Node]:
        a_dot, b_dot, _ = x_dots
        p = pinv(a, rcond)
        moved = None if a_dot is None else multiply(pushed_through_pinv(a_dot, a, p), b)
        return add_nodes(moved, None if b_dot is None else multiply(p, b_dot))

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        if batched[2]:
            raise NotImplementedError("vmap over the tolerance of lstsq")
        return self(*all_batched(size, inputs[:2], batched[:2]), inputs[2])


pinv = Pinv()
lstsq = Lstsq()
