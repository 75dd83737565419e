"""Gaussian elimination: A = P L U. LAPACK computes where SciPy lends it, else NumPy step by step; the rules are ours.

All work on batches of matrices, the last two axes. ^H is the conjugate transpose; tril and triu mean the triangle below
the diagonal and the one with it.
Source: M. B. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008; for matrices that are
not square by the same steps on the part that is.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Optional

import numpy as np

from wengert.dtypes import int32, int64
from wengert.errors import runtime_error
from wengert.graph.node import ArrayType, Node, TupleType, array_type, tuple_type
from wengert.graph.rule import Cotangent, General, Primitive, broadcast_to, primitives
from wengert.primitives.control import element
from wengert.primitives.indexing import gather
from wengert.primitives.matrices import adjoint, as_column, check_matrices, lower, matrixwise, multiply, upper
from wengert.primitives.systems import solve_triangular
from wengert.primitives.views import reshape, slice


class LuFactor(General):
    """(LU, pivots): L below the diagonal of LU, which has 1 on its own, U on and above; rows are exchanged by size

    pivots    int32, for each step the row (from 1) that row k was exchanged with
    Reverse   F_bar = tril(L^H L_bar - U2_bar U2^H) + triu(U_bar U1^H - L2^H L2_bar), where U = (U1 U2) with a square U1
              if A is wide, and L = (L1; L2) with a square L1 if it is tall:
              A1_bar = P L1^-H F_bar U1^-H,  of columns on the right P L^-H U2_bar,  of rows below P L2_bar U^-H
    Forward   F = L1^-1 (P^T A_dot)_1 U1^-1:  L1_dot = L1 tril(F), U1_dot = triu(F) U1, and what follows for the rest
    Domain    leading minors that are not 0, for a derivative
    Shapes    A and LU (..., m, n), pivots (..., min(m, n))
    """

    name = "lu_factor"

    def infer(self, a: ArrayType) -> TupleType:
        check_matrices(self.name, a)
        return tuple_type(a, array_type((*a.shape[:-2], min(a.shape[-2:])), int32))

    def evaluate(self, a: Any) -> Any:
        lu = np.array(a, order="C")
        pivots = np.empty((*a.shape[:-2], min(a.shape[-2:])), np.int32)
        factor = _getrf(a.dtype.char)
        for at in np.ndindex(a.shape[:-2]):
            if factor is not None and lu[at].size:
                lu[at], pivots[at], _ = factor(lu[at])
            else:
                pivots[at] = _eliminate(lu[at])
        pivots += 1
        return lu, pivots

    def vjp(self, y_bars: Any, a: Node, *, y: Node) -> tuple[Cotangent, ...]:
        lu_bar, _ = y_bars
        if lu_bar is None:
            return (None,)
        lu, pivots = element(y, index=0), element(y, index=1)
        return (lambda: rows_back(_pulled(lu, lu_bar), permutation_of(pivots, n=a.shape[-2])),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node) -> Any:
        (a_dot,) = x_dots
        if a_dot is None:
            return None
        lu, pivots = element(y, index=0), element(y, index=1)
        return _pushed(lu, rows_taken(a_dot, permutation_of(pivots, n=a.shape[-2]))), None

    batch = matrixwise


@cache
def _getrf(char: str) -> Any:
    """LAPACK's elimination for a dtype, or None where SciPy is not installed."""
    try:
        from scipy.linalg import get_lapack_funcs  # optional: there is a NumPy form below
    except ImportError:
        return None
    return get_lapack_funcs(("getrf",), dtype=char)[0]


def _eliminate(a: Any) -> Any:
    """One matrix, in place; gives the pivots from 0. A column without a pivot is left as it is."""
    m, n = a.shape
    pivots = np.empty(min(m, n), np.int32)
    for k in range(min(m, n)):
        pivots[k] = k + np.argmax(np.abs(a[k:, k]))
        a[[k, pivots[k]]] = a[[pivots[k], k]]
        if a[k, k] != 0:
            a[k + 1 :, k] /= a[k, k]
            a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return pivots


# --- parts ----------------------------------------------------------------------------------------------------------


def block(x: Node, rows: tuple[int, int], columns: tuple[int, int]) -> Node:
    """The block of a matrix between two rows and two columns."""
    if rows == (0, x.shape[-2]) and columns == (0, x.shape[-1]):
        return x
    return slice(x, index=(*[(0, n, 1) for n in x.shape[:-2]], (*rows, 1), (*columns, 1)))


def _blocks(x: Node) -> tuple[Node, Optional[Node], Optional[Node]]:
    """The square part, what is to the right of it, and what is below it."""
    m, n = x.shape[-2:]
    k = min(m, n)
    right = block(x, (0, k), (k, n)) if n > k else None
    below = block(x, (k, m), (0, k)) if m > k else None
    return block(x, (0, k), (0, k)), right, below


def _joined(square: Node, right: Optional[Node], below: Optional[Node]) -> Node:
    if right is not None:
        return primitives.concatenate(square, right, axis=square.ndim - 1)
    if below is not None:
        return primitives.concatenate(square, below, axis=square.ndim - 2)
    return square


def _solve_l(lu: Node, b: Node) -> Node:
    """L^-1 b"""
    return solve_triangular(lu, b, upper=False, unit=True)


def _solve_l_adjoint(lu: Node, b: Node) -> Node:
    """L^-H b"""
    return solve_triangular(adjoint(lu), b, upper=True, unit=True)


def _over_u(lu: Node, b: Node) -> Node:
    """b U^-1, the adjoint of U^-H b^H"""
    return adjoint(solve_triangular(adjoint(lu), adjoint(b), upper=False, unit=False))


def _over_u_adjoint(lu: Node, b: Node) -> Node:
    """b U^-H, the adjoint of U^-1 b^H"""
    return adjoint(solve_triangular(lu, adjoint(b), upper=True, unit=False))


def _unit_lower(lu: Node) -> Node:
    return lower(lu, strict=True) + primitives.convert(_diagonal_mask(lu), dtype=lu.dtype)


def _diagonal_mask(x: Node) -> Node:
    at = primitives.iota(n=x.shape[-1], dtype=int64)
    return primitives.eq(reshape(at, shape=(x.shape[-1], 1)), at)


def _pulled(lu: Node, lu_bar: Node) -> Node:
    """The cotangent of P^T A."""
    square, right, below = _blocks(lu)
    bar, right_bar, below_bar = _blocks(lu_bar)
    l, u = _unit_lower(square), upper(square)
    under = multiply(adjoint(l), lower(bar, strict=True))
    over = multiply(upper(bar), adjoint(u))
    if right is not None and right_bar is not None:
        under = under - multiply(right_bar, adjoint(right))
        right_bar = _solve_l_adjoint(square, right_bar)
    if below is not None and below_bar is not None:
        over = over - multiply(adjoint(below), below_bar)
        below_bar = _over_u_adjoint(square, below_bar)
    inner = lower(under, strict=True) + upper(over)
    return _joined(_over_u_adjoint(square, _solve_l_adjoint(square, inner)), right_bar, below_bar)


def _pushed(lu: Node, a_dot: Node) -> Node:
    square, right, below = _blocks(lu)
    dot, right_dot, below_dot = _blocks(a_dot)
    f = _over_u(square, _solve_l(square, dot))
    l_dot, u_dot = multiply(_unit_lower(square), lower(f, strict=True)), multiply(upper(f), upper(square))
    if right is not None and right_dot is not None:
        right_dot = _solve_l(square, right_dot - multiply(l_dot, right))
    if below is not None and below_dot is not None:
        below_dot = _over_u(square, below_dot - multiply(below, u_dot))
    return _joined(l_dot + u_dot, right_dot, below_dot)


# --- permutations ---------------------------------------------------------------------------------------------------


class PermutationOf(Primitive):
    """y = the order of n rows after row k was exchanged with row pivots_k - 1, for k = 0, 1, ...

    Shapes    pivots (..., k), integers; y (..., n), int64
    """

    name = "permutation_of"
    params = ("n",)
    differentiable = False

    def infer(self, pivots: ArrayType, *, n: int) -> ArrayType:
        return array_type((*pivots.shape[:-1], n), int64)

    def evaluate(self, pivots: Any, *, n: int) -> Any:
        order = np.broadcast_to(np.arange(n), (*pivots.shape[:-1], n)).copy()
        if pivots.size and not ((pivots >= 1) & (pivots <= n)).all():
            raise runtime_error("pivots", f"numbers between 1 and {n}", f"{pivots.min()} to {pivots.max()}")
        for k in range(pivots.shape[-1]):
            at = pivots[..., k : k + 1].astype(np.int64) - 1
            mine = order[..., k : k + 1].copy()
            order[..., k : k + 1] = np.take_along_axis(order, at, -1)
            np.put_along_axis(order, at, mine, -1)
        return order

    batch = matrixwise


def rows_taken(x: Node, order: Node) -> Node:
    """P^T x: row i of the result is row order_i of x."""
    return gather(x, broadcast_to(as_column(order), x.shape), axis=x.ndim - 2)


def rows_back(x: Node, order: Node) -> Node:
    """P x, the inverse of `rows_taken`."""
    return rows_taken(x, primitives.argsort(order, axis=order.ndim - 1, descending=False))


class CholeskyInfo(Primitive):
    """y = the order of the first leading minor of A that is not positive, 0 where A is positive definite

    Shapes    A (..., n, n), y (...), int32
    """

    name = "cholesky_info"
    differentiable = False

    def infer(self, a: ArrayType) -> ArrayType:
        check_matrices("cholesky_ex", a, square=True)
        return array_type(a.shape[:-2], int32)

    def evaluate(self, a: Any) -> Any:
        info = np.zeros(a.shape[:-2], np.int32)
        for at in np.ndindex(info.shape):
            info[at] = _first_not_positive(a[at])
        return info

    batch = matrixwise


def _first_not_positive(a: Any) -> int:
    try:
        np.linalg.cholesky(a)
        return 0
    except np.linalg.LinAlgError:
        rest = np.array(a)
    for k in range(len(rest)):
        if not rest[k, k].real > 0:
            return k + 1
        column = rest[k + 1 :, k] / rest[k, k].real
        rest[k + 1 :, k + 1 :] -= np.outer(column, rest[k + 1 :, k].conj())
    return len(rest)


lu_factor = LuFactor()
permutation_of = PermutationOf()
cholesky_info = CholeskyInfo()
