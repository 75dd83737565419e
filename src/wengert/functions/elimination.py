"""Gaussian elimination and its kin: A = P L U and what is solved by it, A = L D L^T, and the forms of `linalg` that say
by a number, instead of an exception, whether a factorisation went well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.errors import LinAlgError, runtime_error, shape_error
from wengert.functions import return_types, systems
from wengert.functions.decompositions import parts
from wengert.functions.operands import deliver, node_of
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import broadcast_to, conjugated, primitives as p
from wengert.primitives.control import element
from wengert.primitives.elimination import block, rows_back, rows_taken
from wengert.primitives.matrices import adjoint, as_row, diagonal, identity_like, lower, transposed, upper
from wengert.runtime.flush import value_of
from wengert.shapes import broadcast
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["lu", "lu_solve", "lu_unpack", "triangular_solve"]


def _checked(info: Node, check: bool, operation: str, what: str) -> None:
    """Raises LinAlgError when errors are to be raised and there is one."""
    if check and value_of(info).any():
        raise LinAlgError(f"{operation}: {what}")


def _out(values: list[Node], out: Any) -> list[Tensor]:
    return [deliver(y, to) for y, to in zip(values, out or (None,) * len(values))]


# --- P L U ------------------------------------------------------------------------------------------------------------


def _factored(A: Tensor, pivot: bool, operation: str) -> tuple[Node, Node]:
    if not pivot:
        raise runtime_error(operation, "LU without pivoting is not implemented on the CPU", "pivot=False")
    made = p.lu_factor(node_of(A, operation, "A"))
    return element(made, index=0), element(made, index=1)


def _singular(lu: Node) -> Node:
    """The first diagonal element of U that is 0, counted from 1; 0 when none is."""
    zeros = p.eq(diagonal(p.stop_gradient(lu)), 0)
    last = zeros.ndim - 1
    if not zeros.shape[last]:
        return p.full(scalar(0, dtypes.int32), shape=zeros.shape[:-1])
    first = p.argmax(p.convert(zeros, dtype=dtypes.uint8), axis=last) + 1
    return p.convert(p.where(p.reduce_or(zeros, axes=(last,)), first, 0), dtype=dtypes.int32)


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """(LU, pivots) of A = P L U: L below the diagonal, which has 1 on its own, U on and above. pivots: int32, for each
    step the row, counted from 1, that was exchanged with this one.

    Raises: RuntimeError for `pivot=False`.
    """
    return return_types.linalg_lu_factor(*_out(list(_factored(A, pivot, "lu_factor")), out))


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """`lu_factor` with a third result `info`: the first zero on U's diagonal, counted from 1, or 0.

    Raises: RuntimeError for `pivot=False`; LinAlgError for such a zero, when `check_errors`.
    """
    packed, pivots = _factored(A, pivot, "lu_factor_ex")
    info = _singular(packed)
    _checked(info, check_errors, "lu_factor_ex", "U has a zero on its diagonal: the matrix is singular")
    return return_types.linalg_lu_factor_ex(*_out([packed, pivots, info], out))


def _unpacked(packed: Node, pivots: Node) -> tuple[Node, Node, Node]:
    m, n = packed.shape[-2:]
    k = min(m, n)
    l = lower(block(packed, (0, m), (0, k)), strict=True)
    ones = identity_like(l)
    l = l + (ones if k == m else block(ones, (0, m), (0, k)))
    return _permutation(pivots, m, packed.dtype), l, upper(block(packed, (0, k), (0, n)))


def _permutation(pivots: Node, m: int, dtype: Any) -> Node:
    """The matrix P with A = P (L U): row order_j of A is row j of L U."""
    order = p.permutation_of(pivots, n=m)
    row = p.reshape(p.iota(n=m, dtype=dtypes.int64), shape=(m, 1))
    return p.convert(p.eq(row, as_row(order)), dtype=dtype)


def lu_of(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """(P, L, U) with P L U = A: a permutation, a lower triangle with 1 on its diagonal, an upper triangle.

    Raises: RuntimeError for `pivot=False`.
    """
    return return_types.linalg_lu(*_out(list(_unpacked(*_factored(A, pivot, "lu"))), out))


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Any:
    """(P, L, U) from what `linalg.lu_factor` gives; empty tensors for what is not asked.

    Raises: RuntimeError for pivots that are not int32.
    """
    packed, pivots = node_of(LU_data, "lu_unpack", "LU_data"), node_of(LU_pivots, "lu_unpack", "LU_pivots")
    if unpack_pivots and pivots.dtype is not dtypes.int32:
        raise runtime_error("lu_unpack", "LU_pivots of dtype torch.int32, as lu_factor gives them", pivots.dtype)
    if packed.ndim < 2:
        raise shape_error("lu_unpack", "LU_data with at least 2 dimensions", (packed.shape,))
    empty = p.full(scalar(0, packed.dtype), shape=(0,))
    k = min(packed.shape[-2:])
    found = list(_unpacked(packed, pivots if unpack_pivots else p.full(scalar(1, dtypes.int32), shape=(k,))))
    values = [y if wanted else empty for y, wanted in zip(found, (unpack_pivots, unpack_data, unpack_data))]
    return return_types.lu_unpack(*_out(values, out))


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """`linalg.lu_factor`, or `linalg.lu_factor_ex` when `get_infos`, by its older name."""
    packed, pivots = _factored(A, pivot, "lu")
    if get_infos:
        return return_types.linalg_lu_factor_ex(*_out([packed, pivots, _singular(packed)], out))
    return return_types.linalg_lu_factor(*_out([packed, pivots], out))


def _solved(packed: Node, pivots: Node, b: Node, flipped: bool) -> Node:
    """A^-1 b, or A^-H b when `flipped`."""
    order = p.permutation_of(pivots, n=packed.shape[-1])
    if not flipped:
        y = p.solve_triangular(packed, rows_taken(b, order), upper=False, unit=True)
        return p.solve_triangular(packed, y, upper=True, unit=False)
    y = p.solve_triangular(adjoint(packed), b, upper=False, unit=False)
    return rows_back(p.solve_triangular(adjoint(packed), y, upper=True, unit=True), order)


def lu_solve_by(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Optional[Tensor] = None
) -> Tensor:
    """X with A X = B, or X A = B when not `left`, where A (or its adjoint) is given by `lu_factor`. Batches broadcast.

    Raises: RuntimeError for shapes that do not fit.
    """
    packed, b = node_of(LU, "lu_solve", "LU"), node_of(B, "lu_solve", "B")
    order = node_of(pivots, "lu_solve", "pivots")
    if packed.ndim < 2 or packed.shape[-1] != packed.shape[-2]:
        raise shape_error("lu_solve", "LU must be batches of square matrices", (packed.shape,))
    if order.dtype is not dtypes.int32:
        raise runtime_error("lu_solve", "pivots of dtype torch.int32, as lu_factor gives them", order.dtype)
    if order.ndim < 1 or order.shape != packed.shape[:-1]:
        raise shape_error("lu_solve", "as many pivots as the matrix has rows, for each of the batch", (order.shape,))
    if packed.dtype is not b.dtype:
        raise runtime_error("lu_solve", "LU and B of one dtype", f"{packed.dtype} and {b.dtype}")
    if b.ndim < 2 or b.shape[-2 if left else -1] != packed.shape[-1]:
        raise shape_error("lu_solve", "Incompatible shapes of A and B for the equation AX = B", (packed.shape, b.shape))
    batch = broadcast("lu_solve", packed.shape[:-2], b.shape[:-2])
    packed = broadcast_to(packed, batch + packed.shape[-2:])
    order, b = broadcast_to(order, batch + order.shape[-1:]), broadcast_to(b, batch + b.shape[-2:])
    if left:
        return deliver(_solved(packed, order, b, adjoint), out)
    # X A = B is A^H X^H = B^H.
    y = _solved(packed, order, conjugated(transposed(b)), not adjoint)
    return deliver(conjugated(transposed(y)), out)


def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """`linalg.lu_solve` by its older name, with the right side first."""
    return lu_solve_by(LU_data, LU_pivots, b, out=out)


def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out: Any = None
) -> Any:
    """(X with A X = b, or A^T X = b when `transpose`; A): `linalg.solve_triangular` by its older name."""
    a = transposed(node_of(A, "triangular_solve", "A")) if transpose else node_of(A, "triangular_solve", "A")
    x = systems.solve_triangular(wrap(a), b, upper=upper != transpose, unitriangular=unitriangular)
    copy = broadcast_to(node_of(A, "triangular_solve", "A"), (*x.shape[:-2], *A.shape[-2:]))
    return return_types.triangular_solve(*_out([x._read(), p.clone(copy)], out))


# --- L D L^T ----------------------------------------------------------------------------------------------------------


def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """(LD, pivots) of a symmetric (or Hermitian) A = P L D L^T P^T, in LAPACK's form; only the lower triangle is read.

    Raises: ImportError where SciPy is not installed.
    """
    made = p.ldl_factor(node_of(A, "ldl_factor", "A"), hermitian=hermitian)
    return return_types.linalg_ldl_factor(*parts(made, 2, out))


def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """`ldl_factor` with a third result `info`: the first singular block of D, counted from 1, or 0."""
    made = p.ldl_factor(node_of(A, "ldl_factor_ex", "A"), hermitian=hermitian)
    _checked(element(made, index=2), check_errors, "ldl_factor_ex", "D is singular")
    return return_types.linalg_ldl_factor_ex(*parts(made, 3, out))


def ldl_solve(
    LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Optional[Tensor] = None
) -> Tensor:
    """X with A X = B, where A is given by `ldl_factor`. Raises: RuntimeError for shapes that do not fit."""
    ld, b, at = node_of(LD, "ldl_solve", "LD"), node_of(B, "ldl_solve", "B"), node_of(pivots, "ldl_solve", "pivots")
    if ld.ndim < 2 or b.ndim < 2 or ld.shape[-1] != ld.shape[-2] or ld.shape[-1] != b.shape[-2]:
        raise shape_error("ldl_solve", "LD (..., n, n) and B (..., n, k)", (ld.shape, b.shape))
    if at.dtype.inexact or at.shape != ld.shape[:-1]:
        raise shape_error("ldl_solve", "integer pivots (..., n)", (at.shape,))
    batch = broadcast("ldl_solve", ld.shape[:-2], b.shape[:-2])
    ld, b = broadcast_to(ld, batch + ld.shape[-2:]), broadcast_to(b, batch + b.shape[-2:])
    return deliver(p.ldl_solve(ld, broadcast_to(at, batch + at.shape[-1:]), b, hermitian=hermitian), out)


# --- with a number instead of an exception ----------------------------------------------------------------------------


def _kept_where(good: Node, x: Node) -> Node:
    """x, and the identity where `good` is not 0, so that what follows does not raise."""
    failed = p.ne(p.reshape(good, shape=(*good.shape, 1, 1)), 0)
    return p.where(failed, identity_like(x), x)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """(L, info): `cholesky`, and the order of the first leading minor that is not positive, or 0. Where there is one, L
    is the identity.

    Raises: LinAlgError for such a minor, when `check_errors`.
    """
    a = node_of(A, "cholesky_ex", "A")
    info = p.cholesky_info(p.stop_gradient(a))
    _checked(info, check_errors, "cholesky_ex", "the matrix is not positive definite")
    y = p.cholesky(_kept_where(info, a))
    return return_types.linalg_cholesky_ex(*_out([adjoint(y) if upper else y, info], out))


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """(inverse, info): `inv`, and the first zero pivot, counted from 1, or 0. Where there is one, the inverse is the
    identity.

    Raises: LinAlgError for such a pivot, when `check_errors`.
    """
    a = node_of(A, "inv_ex", "A")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise shape_error("inv_ex", "A must be batches of square matrices", (a.shape,))
    info = _singular(element(p.lu_factor(p.stop_gradient(a)), index=0))
    _checked(info, check_errors, "inv_ex", "the matrix is singular, so it has no inverse")
    return return_types.linalg_inv_ex(*_out([p.inv(_kept_where(info, a)), info], out))


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """(result, info): `solve`, and the first zero pivot, counted from 1, or 0. Where there is one, the result is B.

    Raises: LinAlgError for such a pivot, when `check_errors`.
    """
    a = node_of(A, "solve_ex", "A")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise shape_error("solve_ex", "A must be batches of square matrices", (a.shape,))
    info = _singular(element(p.lu_factor(p.stop_gradient(a)), index=0))
    _checked(info, check_errors, "solve_ex", "the matrix is singular, so the system has no one solution")
    y = systems.solve(wrap(_kept_where(info, a)), B, left=left)
    return return_types.linalg_solve_ex(*_out([y._read(), info], out))


METHODS: dict[str, Callable[..., Any]] = {"lu": lu, "lu_solve": lu_solve, "triangular_solve": triangular_solve}
IN_PLACE: tuple[str, ...] = ()
