"""Linear systems: inverse, solution, determinant. LAPACK computes; the derivatives are ours.

All work on batches of matrices, the last two axes. ^H is the conjugate transpose.
Source: M. B. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008.
"""

from __future__ import annotations

from typing import Any, ClassVar, Optional

import numpy as np

from wengert.errors import shape_error
from wengert.graph.node import ArrayType, Node, TupleType, array_type, tuple_type
from wengert.graph.rule import Cotangent, General, Primitive, add_nodes, conjugated, primitives
from wengert.primitives.casting import move
from wengert.primitives.control import element
from wengert.primitives.matrices import (
    adjoint,
    as_column,
    check_matrices,
    diagonal,
    lapack,
    lower,
    multiply,
    transposed,
    upper,
)
from wengert.primitives.reductions import reduce_sum
from wengert.primitives.views import all_batched

_SINGULAR = "the matrix is singular, so it has no inverse"


class _OfMatrices(Primitive):
    """What the rules here share: a batch is one more leading axis."""

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*all_batched(size, inputs, batched), **params)


class Inv(_OfMatrices, General):
    """y = x^-1

    Reverse   x_bar = -y^H y_bar y^H
    Forward   y_dot = -y x_dot y
    """

    name = "inv"

    def infer(self, x: ArrayType) -> ArrayType:
        check_matrices(self.name, x, square=True)
        return x

    @lapack(_SINGULAR)
    def evaluate(self, x: Any) -> Any:
        return np.linalg.inv(x)

    def vjp(self, y_bar: Node, x: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return (lambda: -multiply(adjoint(y), y_bar, adjoint(y)),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node) -> Optional[Node]:
        return None if x_dots[0] is None else -multiply(y, x_dots[0], y)


class _Solving(_OfMatrices, General):
    """x = A^-1 B for whatever part of A the subclass reads.

    Reverse   B_bar = A^-H x_bar,  A_bar = -B_bar x^H
    Forward   x_dot = A^-1 (B_dot - A_dot x)
    """

    def infer(self, a: ArrayType, b: ArrayType, **params: Any) -> ArrayType:
        check_matrices(self.name, a, b, square=True)
        if a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
            raise shape_error(self.name, "A (..., n, n) and B (..., n, k)", (a.shape, b.shape))
        return b

    def triangle(self, a: Node, **params: Any) -> Node:
        """The part of a matrix that is read."""
        return a

    def adjoint_solve(self, a: Node, b: Node, **params: Any) -> Node:
        return self(adjoint(a), b)

    def vjp(self, x_bar: Node, a: Node, b: Node, *, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        b_bar = self.adjoint_solve(a, x_bar, **params)
        return lambda: self.triangle(-multiply(b_bar, adjoint(y)), **params), b_bar

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, b: Node, *, y: Node, **params: Any) -> Optional[Node]:
        a_dot, b_dot = x_dots
        moved = None if a_dot is None else -multiply(self.triangle(a_dot, **params), y)
        right = add_nodes(b_dot, moved)
        return None if right is None else self(a, right, **params)


class Solve(_Solving):
    """x = A^-1 B

    Shapes    A (..., n, n), B and x (..., n, k) with equal leading axes
    """

    name = "solve"

    @lapack("the matrix is singular, so the system has no one solution")
    def evaluate(self, a: Any, b: Any) -> Any:
        return np.linalg.solve(a, b)


class SolveTriangular(_Solving):
    """x = A^-1 B, of which only the upper (or lower) triangle of A is read; its diagonal counts as 1 when `unit`

    Shapes    as for solve
    """

    name = "solve_triangular"
    params = ("upper", "unit")
    defaults: ClassVar[dict[str, Any]] = {"upper": False, "unit": False}

    @lapack("a number on the diagonal is 0, so the system has no one solution")
    def evaluate(self, a: Any, b: Any, *, upper: bool, unit: bool) -> Any:
        part = np.triu(a, int(unit)) if upper else np.tril(a, -int(unit))
        if unit:
            part = part + np.eye(a.shape[-1], dtype=a.dtype)
        return np.linalg.solve(part, b)

    def triangle(self, a: Node, **params: Any) -> Node:
        part = upper if params["upper"] else lower
        return part(a, params["unit"])

    def adjoint_solve(self, a: Node, b: Node, **params: Any) -> Node:
        return self(adjoint(a), b, upper=not params["upper"], unit=params["unit"])


class Det(_OfMatrices, General):
    """y = det x

    Reverse   x_bar = y_bar conj(C), where C = det(x) x^-T is the matrix of cofactors: it exists for singular x too
    Forward   y_dot = sum of C x_dot
    """

    name = "det"

    def infer(self, x: ArrayType) -> ArrayType:
        check_matrices(self.name, x, square=True)
        return array_type(x.shape[:-2], x.dtype)

    def evaluate(self, x: Any) -> Any:
        return np.linalg.det(x)

    def vjp(self, y_bar: Node, x: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return (lambda: as_column(as_column(y_bar)) * conjugated(cofactors(x)),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None else reduce_sum(cofactors(x) * x_dot, axes=(x.ndim - 2, x.ndim - 1))


class Cofactors(_OfMatrices, General):
    """C_ij = (-1)^(i + j) times the determinant of x without row i and column j

    By singular values x = U S V^H:  C = det(U) det(V^H) conj(U) diag(prod_(j != i) s_j) conj(V^H), with no division.
    Reverse   from C = det(x) y^T with y = x^-1: d_bar = sum(C_bar conj(y^T)),
              x_bar = d_bar conj(C) - y^H (conj(det x) C_bar^T) y^H; singular x raise LinAlgError here
    Forward   C_dot = (det)_dot y^T - det (y x_dot y)^T
    """

    name = "cofactors"

    def infer(self, x: ArrayType) -> ArrayType:
        check_matrices(self.name, x, square=True)
        return x

    @lapack("the singular values did not converge; are there infinities or NaN?")
    def evaluate(self, x: Any) -> Any:
        u, s, v = np.linalg.svd(x)
        n = s.shape[-1]
        others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1, dtype=s.dtype)
        turn = np.linalg.det(u) * np.linalg.det(v)
        return np.matmul(u.conj() * (turn[..., None] * others)[..., None, :], v.conj()).astype(x.dtype, copy=False)

    def vjp(self, y_bar: Node, x: Node, *, y: Node) -> tuple[Cotangent, ...]:
        def of_x() -> Node:
            inverse, d = inv(x), as_column(as_column(det(x)))
            d_bar = reduce_sum(y_bar * conjugated(transposed(inverse)), axes=(x.ndim - 2, x.ndim - 1))
            inner = transposed(y_bar) * conjugated(d)
            return as_column(as_column(d_bar)) * conjugated(y) - multiply(adjoint(inverse), inner, adjoint(inverse))

        return (of_x,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node) -> Optional[Node]:
        (x_dot,) = x_dots
        if x_dot is None:
            return None
        inverse, d = inv(x), as_column(as_column(det(x)))
        d_dot = as_column(as_column(reduce_sum(y * x_dot, axes=(x.ndim - 2, x.ndim - 1))))
        return d_dot * transposed(inverse) - d * transposed(multiply(inverse, x_dot, inverse))


class Slogdet(_OfMatrices, General):
    """(s, l) with det x = s exp(l), |s| = 1, or s = 0 and l = -inf

    dl + i dt = tr(x^-1 dx), where t is the angle of s, so with T = -Im(conj(s_bar) s), 0 for real x:
    Reverse   x_bar = (l_bar + i T) x^-H; a singular x raises LinAlgError
    Forward   l_dot = Re tr(x^-1 x_dot),  s_dot = i s Im tr(x^-1 x_dot)
    """

    name = "slogdet"

    def infer(self, x: ArrayType) -> TupleType:
        check_matrices(self.name, x, square=True)
        return tuple_type(array_type(x.shape[:-2], x.dtype), array_type(x.shape[:-2], x.dtype.to_real))

    def evaluate(self, x: Any) -> Any:
        sign, logarithm = np.linalg.slogdet(x)
        return np.asarray(sign), np.asarray(logarithm)

    def vjp(self, y_bars: Any, x: Node, *, y: Node) -> tuple[Cotangent, ...]:
        s_bar, l_bar = y_bars
        if x.dtype.is_complex:
            parts = [] if l_bar is None else [move(l_bar, x.dtype)]
            if s_bar is not None:
                turn = primitives.imag(primitives.conj(s_bar) * element(y, index=0))
                parts.append(primitives.complex(turn * 0, -turn))
            weight = add_nodes(*parts, *[None] * (2 - len(parts)))
        else:
            weight = l_bar
        if weight is None:
            return (None,)
        return (lambda: as_column(as_column(weight)) * adjoint(inv(x)),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node) -> Any:
        (x_dot,) = x_dots
        if x_dot is None:
            return None
        trace = reduce_sum(diagonal(solve(x, x_dot)), axes=(x.ndim - 2,))
        if not x.dtype.is_complex:
            return None, trace
        real, turn = primitives.real(trace), primitives.imag(trace)
        return element(y, index=0) * primitives.complex(turn * 0, turn), real


inv = Inv()
solve = Solve()
solve_triangular = SolveTriangular()
det = Det()
cofactors = Cofactors()
slogdet = Slogdet()
