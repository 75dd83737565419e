"""Linear algebra, as `wengert.linalg`: norms and products here, systems and factorisations from their own modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert.dtypes import DType, int64
from wengert.errors import LinAlgError as LinAlgError, runtime_error, shape_error
from wengert.functions import multilinear
from wengert.functions.axes import Dims, at_least_1d, axis_of
from wengert.functions.decompositions import (
    cholesky as cholesky,
    cond as cond,
    eigh as eigh,
    eigvalsh as eigvalsh,
    qr as qr,
    svd as svd,
    svdvals as svdvals,
)
from wengert.functions.elimination import (
    cholesky_ex as cholesky_ex,
    inv_ex as inv_ex,
    ldl_factor as ldl_factor,
    ldl_factor_ex as ldl_factor_ex,
    ldl_solve as ldl_solve,
    lu_factor as lu_factor,
    lu_factor_ex as lu_factor_ex,
    lu_of as lu,  # noqa: F401
    lu_solve_by as lu_solve,  # noqa: F401
    solve_ex as solve_ex,
)
from wengert.functions.multilinear import chain, matrix_power as matrix_power
from wengert.functions.norms import checked_floating, matrix_norm_of, vector_norm_of
from wengert.functions.operands import deliver, node_of, promote
from wengert.functions.products import matmul as matmul
from wengert.functions.spectra import (
    eig as eig,
    eigvals as eigvals,
    householder_product as householder_product,
    matrix_exp as matrix_exp,
    matrix_log as matrix_log,
    matrix_sqrt as matrix_sqrt,
    tensorinv as tensorinv,
    tensorsolve as tensorsolve,
)
from wengert.functions.systems import (
    det as det,
    inv as inv,
    lstsq as lstsq,
    matrix_rank as matrix_rank,
    pinv as pinv,
    slogdet as slogdet,
    solve as solve,
    solve_triangular as solve_triangular,
)
from wengert.graph.record import scalar
from wengert.graph.rule import conjugated, primitives as p
from wengert.primitives.casting import move
from wengert.primitives.views import diagonal as diagonal_of
from wengert.tensors.casting import in_low_precision
from wengert.tensors.tensor import Tensor, view

__all__: list[str] = []


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Optional[Tensor] = None) -> Tensor:
    """sum conj(x) y along `dim`; other dimensions broadcast. Raises: RuntimeError when the sizes along it differ."""
    a, b = promote("vecdot", x, y)
    axis = axis_of(dim, max(a.ndim, b.ndim), "vecdot") - max(a.ndim, b.ndim)
    if min(a.ndim, b.ndim) < -axis or a.shape[axis] != b.shape[axis]:
        raise shape_error("vecdot", f"two tensors of one size along dimension {dim}", (a.shape, b.shape))
    terms = conjugated(a) * b
    return deliver(p.reduce_sum(terms, axes=(terms.ndim + axis,)), out)


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Optional[Tensor] = None) -> Tensor:
    """The vector product along `dim`, where both have size 3. Raises: RuntimeError for other sizes."""
    return multilinear.cross(input, other, dim, out=out)


@in_low_precision
def multi_dot(tensors: Sequence[Tensor], *, out: Optional[Tensor] = None) -> Tensor:
    """The product of two or more matrices by the cheapest bracketing; the first and the last may be vectors.

    Raises: RuntimeError for fewer than two, and for shapes that do not fit.
    """
    if len(tensors) < 2:
        raise runtime_error("multi_dot", "expected at least 2 tensors", len(tensors))
    return deliver(chain([node_of(tensor, "multi_dot") for tensor in tensors], "multi_dot"), out)


def vector_norm(
    x: Tensor,
    ord: Any = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Optional[DType] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """(sum |x|^ord)^(1 / ord) over `dim`, or over all elements; inf, -inf and 0 as their limits.

    Raises: RuntimeError for integer tensors, and for a norm of infinite order of no elements.
    """
    return deliver(vector_norm_of(checked_floating("vector_norm", x, dtype), ord, dim, keepdim, "vector_norm"), out)


def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Optional[DType] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The norm of matrices: "fro"; "nuc", 2 and -2 by singular values; 1 and -1 by columns; inf and -inf by rows.

    Raises: RuntimeError for other orders, integer tensors, and dimensions that are not two.
    """
    return deliver(matrix_norm_of(checked_floating("matrix_norm", A, dtype), ord, dim, keepdim, "matrix_norm"), out)


def norm(
    A: Tensor,
    ord: Any = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
) -> Tensor:
    """`vector_norm` for one dimension, or for all when no order is given; `matrix_norm` for two.

    Raises: RuntimeError as those do.
    """
    x = checked_floating("norm", A, dtype)
    if ord is None:
        return deliver(vector_norm_of(x, 2, dim, keepdim, "norm"), out)
    pair = len(dim) == 2 if isinstance(dim, (tuple, list)) else dim is None and x.ndim == 2
    if isinstance(ord, str) or pair:
        return deliver(matrix_norm_of(x, ord, (-2, -1) if dim is None else dim, keepdim, "norm"), out)
    if dim is None and x.ndim > 2:
        raise runtime_error("norm", "If dim is not specified but ord is, the input must be 1D or 2D", f"{x.ndim}D")
    return deliver(vector_norm_of(x, ord, dim, keepdim, "norm"), out)


def vander(x: Tensor, N: Optional[int] = None) -> Tensor:
    """Vandermonde's matrix: y_ij = x_i^j for j = 0 ... N - 1, where N is the length of x unless given.

    Raises: RuntimeError for an N that is not positive.
    """
    points = at_least_1d(node_of(x, "vander", "x"))
    if not points.type.inexact:
        points = move(points, int64)
    n = points.shape[-1] if N is None else N
    if n <= 0:
        raise runtime_error("vander", "N > 0", n)
    ones = p.full(scalar(1, points.dtype), shape=(*points.shape, 1))
    column = p.reshape(points, shape=(*points.shape, 1))
    repeated = p.expand(column, shape=(*points.shape, n - 1))
    return deliver(p.cumprod(p.concatenate(ones, repeated, axis=points.ndim), axis=points.ndim))


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as a view. Raises: RuntimeError for fewer than two dimensions."""
    ndim = A.ndim
    return view(A, diagonal_of, (offset, axis_of(dim1, ndim, "diagonal"), axis_of(dim2, ndim, "diagonal")))


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
