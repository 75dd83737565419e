"""Factorisations, for `wengert.linalg`: Cholesky, QR, eigenvalues of Hermitian matrices, singular values."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Optional

from wengert.errors import runtime_error
from wengert.functions import return_types
from wengert.functions.norms import checked_floating, matrix_norm_of
from wengert.functions.operands import deliver, node_of
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.control import element
from wengert.primitives.matrices import adjoint, identity_like
from wengert.tensors.tensor import Tensor

__all__: list[str] = []


def parts(node: Node, n: int, out: Any = None) -> list[Tensor]:
    """The values of a node that has several, as tensors, written into `out` when that is given."""
    targets = (None,) * n if out is None else out
    return [deliver(element(node, index=index), target) for index, target in enumerate(targets)]


def cholesky(A: Tensor, *, upper: bool = False, out: Optional[Tensor] = None) -> Tensor:
    """The lower triangular L with L L^H = A (or its adjoint, when `upper`), for Hermitian positive definite matrices.
    Only the lower triangle of A is read; the derivative is spread evenly over both.

    Raises: LinAlgError, when running, for a matrix that is not positive definite.
    """
    y = p.cholesky(node_of(A, "cholesky", "A"))
    return deliver(adjoint(y) if upper else y, out)


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """The pair (Q, R) with Q R = A: orthonormal columns, and an upper triangle.

    mode: "reduced", Q (m, k) for k = min(m, n); "complete", Q (m, m), whose derivative needs m <= n; "r", R alone.

    Raises: RuntimeError for another mode.
    """
    if mode not in ("reduced", "complete", "r"):
        raise runtime_error("qr", "mode 'reduced' (default), 'r', or 'complete'", repr(mode))
    x = node_of(A, "qr", "A")
    if mode == "r":
        nothing = p.full(scalar(0, x.dtype), shape=(0,))
        return return_types.linalg_qr(deliver(nothing), deliver(element(p.qr(p.stop_gradient(x)), index=1)))
    return return_types.linalg_qr(*parts(p.qr(x, mode=mode), 2, out))


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """The pair (eigenvalues, eigenvectors) of Hermitian matrices: real, in ascending order; columns, orthonormal.

    UPLO: the triangle of A that is read, "L" or "U". A derivative through the vectors needs different eigenvalues.

    Raises: RuntimeError for another UPLO.
    """
    return return_types.linalg_eigh(*parts(_eigh(A, UPLO), 2, out))


def _eigh(A: Tensor, UPLO: str) -> Node:
    if UPLO.upper() not in ("L", "U"):
        raise runtime_error("eigh", "Expected UPLO argument to be 'L' or 'U'", UPLO)
    return p.eigh(node_of(A, "eigh", "A"), lower=UPLO.upper() == "L")


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Optional[Tensor] = None) -> Tensor:
    """The eigenvalues of Hermitian matrices, in ascending order; see `eigh`."""
    return deliver(element(_eigh(A, UPLO), index=0), out)


def svd(A: Tensor, full_matrices: bool = True, *, driver: Any = None, out: Any = None) -> Any:
    """(U, S, Vh) with U diag(S) Vh = A: orthonormal columns of U and rows of Vh, singular values in descending order.

    full_matrices: U (m, m) and Vh (n, n), instead of (m, k) and (k, n) for k = min(m, n); what A does not determine of
    them has no derivative. A derivative through U or Vh needs different singular values.

    Raises: LinAlgError, when running, for infinities and NaN.
    """
    x = node_of(A, "svd", "A")
    full = full_matrices and x.ndim >= 2 and x.shape[-1] != x.shape[-2]
    return return_types.linalg_svd(*parts(p.svd(x, full=full), 3, out))


def svdvals(A: Tensor, *, driver: Any = None, out: Optional[Tensor] = None) -> Tensor:
    """The singular values, in descending order. Raises: LinAlgError, when running, for infinities and NaN."""
    return deliver(p.singular_values(node_of(A, "svdvals", "A")), out)


def cond(A: Tensor, p: Any = None, *, out: Optional[Tensor] = None) -> Tensor:
    """The condition number |A| |A^-1| in a matrix norm; by default, and for 2, the ratio of the largest to the smallest
    singular value (for -2 the other way round), also for matrices that are not square. inf for singular ones.

    Raises: RuntimeError for matrices that are not square, in other norms.
    """
    x = checked_floating("cond", A)
    if p is None or p in (2, -2):
        return deliver(_ratio(x, p == -2), out)
    return deliver(_condition(x, p), out)


def _ratio(x: Node, inverted: bool) -> Node:
    values = p.singular_values(x)
    last = (values.ndim - 1,)
    largest, smallest = p.reduce_max(values, axes=last), p.reduce_min(values, axes=last)
    return smallest / largest if inverted else largest / smallest


def _condition(x: Node, order: Any) -> Node:
    """|A| |A^-1|, and inf where A is singular."""
    singular = p.eq(p.det(p.stop_gradient(x)), 0)
    column = p.reshape(singular, shape=(*singular.shape, 1, 1))
    size = matrix_norm_of(x, order, (-2, -1), False, "cond")
    inverse = p.inv(p.where(column, identity_like(x), x))
    y = size * matrix_norm_of(inverse, order, (-2, -1), False, "cond")
    return p.where(singular, inf, y)


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
