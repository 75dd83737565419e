"""Eigenvalues of any matrix, the exponential of a matrix, products of reflections, tensors as matrices, and singular
values of low rank by random projection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Optional

from wengert.dtypes import bool_
from wengert.errors import runtime_error, shape_error
from wengert.functions import decompositions, return_types
from wengert.functions.decompositions import parts
from wengert.functions.operands import deliver, node_of
from wengert.functions.random import randn
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import broadcast_to, conjugated, primitives as p
from wengert.primitives.control import element
from wengert.primitives.elimination import block
from wengert.primitives.matrices import adjoint, as_row, identity_like, lower, multiply
from wengert.shapes import normalize_axis
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["geqrf", "orgqr", "ormqr", "matrix_exp", "svd_lowrank", "pca_lowrank"]


# --- eigenvalues and the exponential ----------------------------------------------------------------------------------


def eig(A: Tensor, *, out: Any = None) -> Any:
    """(eigenvalues, eigenvectors) of square matrices, both complex: A V = V diag(w), columns of length 1.

    Derivatives through the vectors need different eigenvalues, and a loss that does not depend on their phases.

    Raises: LinAlgError, when running, for infinities and NaN.
    """
    return return_types.linalg_eig(*parts(p.eig(node_of(A, "eig", "A")), 2, out))


def eigvals(A: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The eigenvalues of square matrices, complex, in no particular order; see `eig`."""
    return deliver(element(p.eig(node_of(A, "eigvals", "A")), index=0), out)


def matrix_exp(input: Tensor) -> Tensor:
    """I + A + A^2 / 2! + ..., for square matrices. Raises: RuntimeError for matrices that are not square."""
    return deliver(p.matrix_exp(node_of(input, "matrix_exp")))


def matrix_sqrt(input: Tensor) -> Tensor:
    """The Y with Y Y = A whose eigenvalues have a positive real part, for square matrices.

    Raises: RuntimeError for matrices that are not square, LinAlgError for a real one without a real root; ImportError
    where SciPy is not installed.
    """
    return deliver(p.matrix_sqrt(node_of(input, "matrix_sqrt")))


def matrix_log(input: Tensor) -> Tensor:
    """The principal Y with exp(Y) = A, for square matrices; see `matrix_sqrt` for errors."""
    return deliver(p.matrix_log(node_of(input, "matrix_log")))


# --- reflections ------------------------------------------------------------------------------------------------------


def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """LAPACK's (a, tau) of Q R = input: R on and above the diagonal of a, below it the vectors of reflections
    I - tau_k v_k v_k^H whose product is Q. Without a derivative, as in PyTorch; use `linalg.qr` for one."""
    return return_types.geqrf(*parts(p.geqrf(node_of(input, "geqrf")), 2, out))


def _reflections(a: Node, tau: Node, operation: str) -> list[tuple[Node, Node]]:
    """(v_k, tau_k) as columns (..., m, 1) and numbers (..., 1, 1)."""
    m, k = a.shape[-2], tau.shape[-1] if tau.ndim else 0
    if a.ndim < 2 or tau.ndim != a.ndim - 1 or tau.shape[:-1] != a.shape[:-2] or k > a.shape[-1] or k > m:
        raise shape_error(operation, "input (..., m, n) and tau (..., k), k <= n and k <= m", (a.shape, tau.shape))
    if a.dtype is not tau.dtype:
        raise runtime_error(operation, "input and tau of one dtype", f"{a.dtype} and {tau.dtype}")
    vectors = lower(a, strict=True) + block(identity_like(a), (0, m), (0, a.shape[-1])) if m >= a.shape[-1] else a
    if m < a.shape[-1]:
        vectors = lower(block(a, (0, m), (0, m)), strict=True) + identity_like(a)
    scales = as_row(tau)
    return [(block(vectors, (0, m), (i, i + 1)), block(scales, (0, 1), (i, i + 1))) for i in range(k)]


def _turned(c: Node, reflections: list[tuple[Node, Node]], left: bool, flipped: bool) -> Node:
    """Q C (C Q, when not `left`), or with the adjoint of Q, when `flipped`; one reflection after the other."""
    for v, tau in reflections if left == flipped else reversed(reflections):
        t = conjugated(tau) if flipped else tau
        if left:
            c = c - multiply(v * t, multiply(adjoint(v), c))
        else:
            c = c - multiply(multiply(c, v), t * adjoint(v))
    return c


def householder_product(input: Tensor, tau: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The first n columns of H_1 H_2 ... H_k, where H_i = I - tau_i v_i v_i^H and v_i stands below the diagonal of
    column i of input (..., m, n), as `geqrf` gives it.

    Raises: RuntimeError for shapes that do not fit, or m < n.
    """
    a = node_of(input, "householder_product")
    t = node_of(tau, "householder_product", "tau")
    if a.ndim < 2 or a.shape[-2] < a.shape[-1]:
        raise shape_error("householder_product", "input.shape[-2] >= input.shape[-1]", (a.shape,))
    m, n = a.shape[-2:]
    start = broadcast_to(block(identity_like(a), (0, m), (0, n)), a.shape)
    if not t.size:  # no reflections: the identity, but in the history
        return deliver(p.where(scalar(True, bool_), start, a), out)
    return deliver(_turned(start, _reflections(a, t, "householder_product"), True, False), out)


orgqr = householder_product


def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out: Optional[Tensor] = None
) -> Tensor:
    """Q other (other Q, when not `left`), with the adjoint of Q when `transpose`, where Q (m, m) is the product of the
    reflections that `geqrf` gives.

    Raises: RuntimeError for shapes that do not fit.
    """
    a, t, c = node_of(input, "ormqr"), node_of(tau, "ormqr", "tau"), node_of(other, "ormqr", "other")
    if a.ndim < 2 or c.ndim != a.ndim or c.shape[:-2] != a.shape[:-2] or c.shape[-2 if left else -1] != a.shape[-2]:
        raise shape_error("ormqr", "other with as many rows (columns, when not left) as input", (a.shape, c.shape))
    if c.dtype is not a.dtype:
        raise runtime_error("ormqr", "input and other of one dtype", f"{a.dtype} and {c.dtype}")
    return deliver(_turned(c, _reflections(a, t, "ormqr"), left, transpose), out)


# --- tensors as matrices ----------------------------------------------------------------------------------------------


def tensorinv(A: Tensor, ind: int = 2, *, out: Optional[Tensor] = None) -> Tensor:
    """The inverse of A as a map from its last dimensions to its first `ind`.

    Raises: RuntimeError for ind < 1 and where the two products of sizes differ.
    """
    a = node_of(A, "tensorinv", "A")
    if ind <= 0:
        raise runtime_error("tensorinv", "Expected a strictly positive integer for 'ind'", ind)
    rows, columns = a.shape[:ind], a.shape[ind:]
    if prod(rows) != prod(columns):
        raise shape_error("tensorinv", f"as many elements in the first {ind} dimensions as in the others", (a.shape,))
    y = p.inv(p.reshape(a, shape=(prod(rows), prod(columns))))
    return deliver(p.reshape(y, shape=(*columns, *rows)), out)


def tensorsolve(A: Tensor, B: Tensor, dims: Optional[Sequence[int]] = None, *, out: Optional[Tensor] = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B. dims: dimensions of A that are moved to its end first.

    Raises: RuntimeError where the sizes of A do not make a square map.
    """
    a, b = node_of(A, "tensorsolve", "A"), node_of(B, "tensorsolve", "B")
    if dims is not None:
        last = [normalize_axis(dim, a.ndim, "tensorsolve") for dim in dims]
        a = p.permute(a, order=(*[i for i in range(a.ndim) if i not in last], *last))
    shape = a.shape[b.ndim :]
    if prod(shape) != prod(a.shape[: b.ndim]) or prod(shape) != b.size:
        raise shape_error("tensorsolve", "A whose last dimensions have as many elements as B", (a.shape, b.shape))
    y = p.solve(p.reshape(a, shape=(b.size, b.size)), p.reshape(b, shape=(b.size, 1)))
    return deliver(p.reshape(y, shape=shape), out)


# --- low rank by random projection ------------------------------------------------------------------------------------


def svd_lowrank(A: Tensor, q: Optional[int] = 6, niter: Optional[int] = 2, M: Optional[Tensor] = None) -> Any:
    """(U, S, V) of the q largest singular values, nearly: A - M is projected on the range of its product with q random
    vectors, after `niter` power iterations.

    Source: N. Halko, P. G. Martinsson and J. A. Tropp, Finding structure with randomness, 2009, algorithms 4.4 and 5.1.

    Raises: RuntimeError for a tensor with fewer than two dimensions.
    """
    x = node_of(A, "svd_lowrank", "A")
    if x.ndim < 2:
        raise shape_error("svd_lowrank", "A with at least 2 dimensions", (x.shape,))
    if M is not None:
        x = x - broadcast_to(node_of(M, "svd_lowrank", "M"), x.shape)
    wide = x.shape[-2] < x.shape[-1]
    tall = adjoint(x) if wide else x
    basis = _range_of(tall, 6 if q is None else q, 2 if niter is None else niter)
    found = decompositions.svd(wrap(multiply(adjoint(basis), tall)), full_matrices=False)
    u, v = multiply(basis, found.U._read()), adjoint(found.Vh._read())
    return (wrap(v), found.S, wrap(u)) if wide else (wrap(u), found.S, wrap(v))


def _range_of(x: Node, q: int, niter: int) -> Node:
    """An orthonormal basis of about the range of x."""
    start = randn(x.shape[-1], q, dtype=wrap(x).dtype)._read()
    basis = _orthonormal(multiply(x, broadcast_to(start, (*x.shape[:-2], *start.shape))))
    for _ in range(niter):
        basis = _orthonormal(multiply(x, _orthonormal(multiply(adjoint(x), basis))))
    return basis


def _orthonormal(x: Node) -> Node:
    return element(p.qr(x), index=0)


def pca_lowrank(A: Tensor, q: Optional[int] = None, center: bool = True, niter: int = 2) -> Any:
    """(U, S, V) of the principal components: `svd_lowrank` of A with the mean of each column taken off.

    q: how many, by default the smallest of 6 and A's sizes.

    Raises: ValueError for a q that is not between 0 and the smaller size, or a negative niter.
    """
    x = node_of(A, "pca_lowrank", "A")
    m, n = x.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if center:
        mean = p.reduce_sum(x, axes=(x.ndim - 2,)) * (1 / m)
        x = x - as_row(mean)
    return svd_lowrank(wrap(x), q, niter)


METHODS: dict[str, Callable[..., Any]] = {"geqrf": geqrf, "orgqr": orgqr, "ormqr": ormqr, "matrix_exp": matrix_exp}
IN_PLACE: tuple[str, ...] = ()
