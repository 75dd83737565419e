"""The factors L and U, and what is solved with them."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.face import face
from wengert.tf.ops.arguments import alike
from wengert.tf.ops.core import w
from wengert.tf.ops.matrices import Lu, need_square


@face("input")
def lu(input: Any, output_idx_type: Any = w.int32, name: Optional[str] = None) -> Any:
    """L (1 on the diagonal) and U in one matrix, and the rows' order: row i of L U is row p[i] of the input."""
    need_square("Lu", input)
    factors, pivots = w.linalg.lu_factor(input)
    turned, _, _ = w.lu_unpack(factors, pivots)
    n = input.shape[-1]
    order = (turned.detach().mT.to(w.float64) @ w.arange(n, dtype=w.float64)[:, None])[..., 0]
    return Lu(factors, order.round().to(as_dtype(output_idx_type)))


def _halves(lower_upper: Any) -> tuple[Any, Any]:
    n = lower_upper.shape[-1]
    return w.tril(lower_upper, -1) + w.eye(n, dtype=lower_upper.dtype), w.triu(lower_upper)


@face("lower_upper", "perm")
def lu_reconstruct(lower_upper: Any, perm: Any, validate_args: bool = False, name: Optional[str] = None) -> Any:
    """The matrix of which these are the factors."""
    low, high = _halves(lower_upper)
    back = w.argsort(perm, dim=-1)
    return w.take_along_dim(low @ high, back[..., None], -2)


@face("perm")
def lu_solve(lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: Optional[str] = None) -> Any:
    """The X with A X = rhs, of A's factors."""
    factors, rhs = alike("lu_solve", lower_upper, rhs)
    low, high = _halves(factors)
    moved = w.take_along_dim(rhs, perm.to(w.int64)[..., None], -2)
    half = w.linalg.solve_triangular(low, moved, upper=False, unitriangular=True)
    return w.linalg.solve_triangular(high, half, upper=True)


@face("lower_upper", "perm")
def lu_matrix_inverse(lower_upper: Any, perm: Any, validate_args: bool = False, name: Optional[str] = None) -> Any:
    """The inverse of the matrix of which these are the factors."""
    identity = w.broadcast_to(w.eye(lower_upper.shape[-1], dtype=lower_upper.dtype), tuple(lower_upper.shape))
    return lu_solve(lower_upper, perm, identity)


__all__ = [
    "lu", "lu_matrix_inverse", "lu_reconstruct", "lu_solve",
]  # fmt: skip
