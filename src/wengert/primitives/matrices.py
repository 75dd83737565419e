"""What the chapters of linear algebra share: matrices as the last two axes, their parts, and LAPACK's errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from wengert.dtypes import DType, int64
from wengert.errors import LinAlgError, dtype_error, shape_error
from wengert.graph.node import ArrayType, Node
from wengert.graph.rule import conjugated, primitives
from wengert.primitives.casting import move
from wengert.primitives.contractions import dot
from wengert.primitives.creation import iota
from wengert.primitives.views import permute, reshape, slice


def check_matrices(operation: str, *types: ArrayType, square: bool = False) -> None:
    """Raises RuntimeError unless all are (batches of) matrices, of one dtype that LAPACK knows; `square`: the first."""
    for x in types:
        if x.ndim < 2:
            raise shape_error(operation, "tensors with at least 2 dimensions", (x.shape,))
        if x.dtype.name not in ("float32", "float64", "complex64", "complex128"):
            raise dtype_error(operation, "float32, float64, complex64 or complex128", x.dtype.name, "convert it first")
        if x.dtype is not types[0].dtype:
            raise dtype_error(operation, "tensors of one dtype", f"{types[0].dtype.name} and {x.dtype.name}")
    if square and types[0].shape[-1] != types[0].shape[-2]:
        raise shape_error(operation, "A must be batches of square matrices", (types[0].shape,))


def lapack(message: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An `evaluate` whose failures raise LinAlgError with this message."""

    def wrap(evaluate: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(evaluate)
        def checked(self: Any, *arrays: Any, **params: Any) -> Any:
            try:
                return evaluate(self, *arrays, **params)
            except np.linalg.LinAlgError:
                raise LinAlgError(f"{self.name}: {message}") from None

        return checked

    return wrap


NOT_CONVERGED = "the algorithm did not converge; are there infinities or NaN?"


def matrixwise(self: Any, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
    """The batching rule of what takes one batch of matrices: the new axis is one more of the batch's."""
    return self(*inputs, **params)  # type: ignore[no-any-return]


# --- parts of matrices ----------------------------------------------------------------------------------------------


def transposed(x: Node) -> Node:
    """x^T"""
    return permute(x, order=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def adjoint(x: Node) -> Node:
    """x^H"""
    return transposed(conjugated(x))


def multiply(*factors: Node) -> Node:
    """The product of matrices from left to right."""
    y = factors[0]
    for x in factors[1:]:
        y = dot(y, x)
    return y


def _indices(x: Node) -> tuple[Node, Node]:
    rows, columns = x.shape[-2:]
    return reshape(iota(n=rows, dtype=int64), shape=(rows, 1)), iota(n=columns, dtype=int64)


def lower(x: Node, strict: bool = False) -> Node:
    """x on and below the diagonal (only below, when strict), else 0."""
    row, column = _indices(x)
    return primitives.where(row > column if strict else row >= column, x, 0)


def upper(x: Node, strict: bool = False) -> Node:
    """x on and above the diagonal (only above, when strict), else 0."""
    row, column = _indices(x)
    return primitives.where(row < column if strict else row <= column, x, 0)


def off_diagonal(x: Node, diagonal: Any) -> Node:
    """x with its diagonal replaced by a number or a matrix."""
    row, column = _indices(x)
    return primitives.where(primitives.eq(row, column), diagonal, x)


def diagonal(x: Node) -> Node:
    """The diagonal as a vector (..., n)."""
    return primitives.diagonal(x, offset=0, axis1=x.ndim - 2, axis2=x.ndim - 1)


def as_row(v: Node) -> Node:
    """(..., n) as (..., 1, n): what multiplies each column of a matrix by its number."""
    return reshape(v, shape=(*v.shape[:-1], 1, v.shape[-1]))


def as_column(v: Node) -> Node:
    """(..., n) as (..., n, 1): what multiplies each row of a matrix by its number."""
    return reshape(v, shape=(*v.shape, 1))


def with_diagonal(x: Node, v: Node) -> Node:
    """x with v added along its diagonal."""
    return x + off_diagonal_zeros(x, move(v, x.dtype))


def off_diagonal_zeros(like: Node, v: Node) -> Node:
    """The matrix with v on its diagonal and 0 elsewhere, of the shape of `like`."""
    row, column = _indices(like)
    return primitives.where(primitives.eq(row, column), as_row(v), 0)


def identity_like(x: Node) -> Node:
    """The identity with as many rows as x and x's dtype; it broadcasts over a batch."""
    row, _ = _indices(x)
    column = iota(n=x.shape[-2], dtype=int64)
    return primitives.convert(primitives.eq(row, column), dtype=x.dtype)


def without_projection(x: Node, basis: Node) -> Node:
    """(I - Q Q^H) x for orthonormal columns Q: what of x lies outside their span."""
    return x - multiply(basis, multiply(adjoint(basis), x))


def hermitian_part(x: Node) -> Node:
    """(x + x^H) / 2"""
    return (x + adjoint(x)) * 0.5


def skew(x: Node) -> Node:
    """x - x^H"""
    return x - adjoint(x)


def columns(x: Node, start: int, stop: int) -> Node:
    """The columns from start to stop."""
    return slice(x, index=(*[(0, n, 1) for n in x.shape[:-1]], (start, stop, 1)))


def rows(x: Node, stop: int) -> Node:
    """The first rows."""
    return slice(x, index=(*[(0, n, 1) for n in x.shape[:-2]], (0, stop, 1), (0, x.shape[-1], 1)))


def differences(w: Node, dtype: DType) -> Node:
    """E_ij = w_j - w_i, and 1 on the diagonal, so that nothing is divided by 0 there."""
    return move(off_diagonal(as_row(w) - as_column(w), 1), dtype)
