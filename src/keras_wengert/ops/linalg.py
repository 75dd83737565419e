"""Linear algebra: `keras.ops.linalg` on wengert."""

from __future__ import annotations

from typing import Any

import wengert as w
from keras_wengert.ops.common import as_float, axes_of, cast, convert_to_tensor, floats


def cholesky(x: Any, upper: bool = False) -> Any:
    """The Cholesky factor. Raises: ValueError for a matrix that is not positive definite."""
    factor, info = w.linalg.cholesky_ex(as_float(x), upper=upper)
    if bool((info != 0).any()):
        raise ValueError("Cholesky decomposition failed: the matrix is not positive definite")
    return factor


def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of the matrix that has this Cholesky factor."""
    return w.cholesky_inverse(as_float(x), upper=upper)


def det(x: Any) -> Any:
    """The determinant."""
    return w.linalg.det(as_float(x))


def slogdet(x: Any) -> Any:
    """The sign of the determinant and the logarithm of its size."""
    return tuple(w.linalg.slogdet(as_float(x)))


def eig(x: Any) -> Any:
    """Eigenvalues and right eigenvectors."""
    return tuple(w.linalg.eig(as_float(x)))


def eigh(x: Any) -> Any:
    """Eigenvalues and eigenvectors of a symmetric matrix."""
    return tuple(w.linalg.eigh(as_float(x)))


def inv(x: Any) -> Any:
    """The inverse."""
    return w.linalg.inv(as_float(x))


def pinv(x: Any, rcond: Any = None) -> Any:
    """The Moore-Penrose inverse."""
    x = as_float(x)
    return w.linalg.pinv(x) if rcond is None else w.linalg.pinv(x, rtol=rcond)


def lu_factor(x: Any) -> Any:
    """The LU factors in one matrix, and the pivots counted from 0."""
    factors, pivots = w.linalg.lu_factor(as_float(x))
    return factors, cast(pivots - 1, "int32")


def matrix_rank(x: Any, tol: Any = None) -> Any:
    """How many singular values are above `tol`."""
    return cast(w.linalg.matrix_rank(as_float(x), tol=tol), "int32")


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """A vector norm over one axis, a matrix norm over two; of all elements when neither is said.

    Raises: ValueError for an order that the norm has not, and for other numbers of axes.
    """
    x = as_float(x)
    if axis is None and ord is None:
        return w.linalg.vector_norm(x, 2, None, keepdim=keepdims)
    axes = axes_of(axis, x.ndim)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(f"Invalid `ord` argument for vector norm. Received: ord={ord}")
        return w.linalg.vector_norm(x, 2 if ord is None else ord, axes, keepdim=keepdims)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(f"Improper number of axes to norm: one or two different ones. Received: axis={axis}")
    if ord not in (None, "fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf")):
        raise ValueError(f"Invalid `ord` argument for matrix norm. Received: ord={ord}")
    return w.linalg.matrix_norm(x, "fro" if ord is None else ord, axes, keepdim=keepdims)


def qr(x: Any, mode: str = "reduced") -> Any:
    """The QR factorisation. Raises: ValueError for another mode."""
    if mode not in ("reduced", "complete"):
        raise ValueError(
            f"`mode` argument value not supported. Expected one of {{'reduced', 'complete'}}. Received: mode={mode}"
        )
    return tuple(w.linalg.qr(as_float(x), mode=mode))


def solve(a: Any, b: Any) -> Any:
    """x with a x = b."""
    return w.linalg.solve(*floats(a, b))


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """x with a x = b, a triangular."""
    a, b = floats(a, b)
    if b.ndim == a.ndim - 1:
        return w.linalg.solve_triangular(a, b[..., None], upper=not lower)[..., 0]
    return w.linalg.solve_triangular(a, b, upper=not lower)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular value decomposition, or the singular values alone."""
    x = as_float(x)
    return tuple(w.linalg.svd(x, full_matrices=full_matrices)) if compute_uv else w.linalg.svdvals(x)


def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The x of smallest norm among those that bring a x closest to b."""
    a, b = floats(a, b)
    vector = b.ndim == 1
    rcond = w.finfo(a.dtype).eps * max(a.shape[-2:]) if rcond is None else rcond
    x = w.linalg.pinv(a, rtol=rcond) @ (b[:, None] if vector else b)
    return x[:, 0] if vector else x


def jvp(fun: Any, primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """The value of `fun` and its derivative along tangents."""
    convert = convert_to_tensor
    given, along = tuple(map(convert, primals)), tuple(map(convert, tangents))
    return w.func.jvp(fun, given, along, has_aux=has_aux)


__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "lstsq", "lu_factor", "matrix_rank", "norm",
    "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
]  # fmt: skip
