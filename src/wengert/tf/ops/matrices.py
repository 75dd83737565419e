"""`tf.linalg`: parts of matrices, factorisations, systems of equations. The last two axes are the matrices."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, LAPACK, accept, alike, integer
from wengert.tf.ops.core import fresh, w

_LAPACK_REAL = FLOATING & LAPACK
_COMPLEX = LAPACK - FLOATING


class Qr(NamedTuple):
    """Q with orthonormal columns and R above the diagonal."""

    q: Any
    r: Any


class LogMatrixDeterminant(NamedTuple):
    """The determinant's sign and the logarithm of its size."""

    sign: Any
    log_abs_determinant: Any


class Lu(NamedTuple):
    """L below the diagonal and U on and above it, in one matrix; and the order of rows."""

    lu: Any
    p: Any


def _from_lower(x: Any) -> Any:
    """The Hermitian matrix with this lower half, so that a derivative goes to that half alone."""
    return w.tril(x) + adjoint_of(w.tril(x, -1))


def need_square(operation: str, *tensors: Any, kind: Any = LAPACK) -> None:
    for x in tensors:
        accept(operation, kind, x)
        if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
            raise invalid(f"Input matrix must be square, got shape {list(x.shape)} [Op:{operation}]")


def adjoint_of(x: Any) -> Any:
    """x^H"""
    return w.conj(x.mT) if x.dtype.is_complex else x.mT


# --- parts ------------------------------------------------------------------------------------------------------------


@face("matrix")
def adjoint(matrix: Any, name: Optional[str] = None) -> Any:
    """The conjugate transpose."""
    return adjoint_of(matrix)


@face("a")
def matrix_transpose(a: Any, name: Optional[str] = "matrix_transpose", conjugate: bool = False) -> Any:
    """The last two axes exchanged. Raises: ValueError for less than two axes."""
    if a.ndim < 2:
        raise ValueError(f"Argument `a` should be a (batch) matrix with rank >= 2. Received `a` with shape {tuple(a.shape)}")
    return adjoint_of(a) if conjugate else a.mT


@face("x")
def trace(x: Any, name: Optional[str] = None) -> Any:
    """The sum along the diagonal."""
    return w.diagonal(x, 0, -2, -1).sum(-1, dtype=x.dtype)


@face("input")
def band_part(input: Any, num_lower: Any, num_upper: Any, name: Optional[str] = None) -> Any:
    """The matrix with zeros further from the diagonal than so many places below and above; negative: all are kept."""
    rows, columns = input.shape[-2:]
    low, high = integer(num_lower), integer(num_upper)
    away = w.arange(columns) - w.arange(rows)[:, None]
    inside = ((away >= -low) if low >= 0 else (away == away)) & ((away <= high) if high >= 0 else (away == away))
    return w.where(inside, input, w.zeros_like(input))


@face("diagonal")
def tensor_diag(diagonal: Any, name: Optional[str] = None) -> Any:
    """The tensor of twice as many axes with this one on its diagonal."""
    n = diagonal.numel()
    return w.diag(diagonal.reshape(-1)).reshape(*diagonal.shape, *diagonal.shape) if n else diagonal


@face("input")
def tensor_diag_part(input: Any, name: Optional[str] = None) -> Any:
    """The diagonal of a tensor whose first half of axes is as its second half.

    Raises: InvalidArgumentError for other shapes.
    """
    half = input.ndim // 2
    if not input.ndim or input.ndim % 2 or input.shape[:half] != input.shape[half:]:
        raise invalid(f"Invalid shape {list(input.shape)}: the first and the second half of axes must be equal [Op:DiagPart]")
    sizes = tuple(input.shape[:half])
    n = int(w.zeros(sizes).numel())
    return w.diagonal(input.reshape(n, n)).reshape(sizes)


# --- numbers of a matrix ----------------------------------------------------------------------------------------------


@face("input")
def det(input: Any, name: Optional[str] = None) -> Any:
    """The determinant. Raises: InvalidArgumentError for matrices that are not square."""
    need_square("MatrixDeterminant", input)
    return w.linalg.det(input)


@face("matrix")
def logdet(matrix: Any, name: Optional[str] = None) -> Any:
    """ln of the determinant of a positive definite matrix, by its Cholesky factor.

    Raises: InvalidArgumentError for another matrix.
    """
    diagonal = w.diagonal(_factor(matrix), 0, -2, -1)
    return 2 * w.log(w.real(diagonal) if matrix.dtype.is_complex else diagonal).sum(-1)


@face("input")
def slogdet(input: Any, name: Optional[str] = None) -> Any:
    """The determinant's sign and the logarithm of its size."""
    need_square("LogMatrixDeterminant", input)
    sign, size = w.linalg.slogdet(input)
    return LogMatrixDeterminant(sign, size.to(input.dtype))


@face("a")
def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: Optional[str] = None) -> Any:
    """How many singular values are above `tol`, by default the largest times the size times the dtype's precision."""
    accept("matrix_rank", LAPACK, a)
    values = w.linalg.svdvals(a)
    if tol is None:
        limit = values.amax(-1, keepdim=True) * (max(a.shape[-2:]) * w.finfo(a.dtype.to_real).eps)
    else:
        limit = fresh(tol, values.dtype)[..., None]
    return (values > limit).sum(-1, dtype=w.int32)


# --- factors ----------------------------------------------------------------------------------------------------------


def _factor(x: Any) -> Any:
    need_square("Cholesky", x)
    factor, info = w.linalg.cholesky_ex(x)
    if bool((info != 0).any()):
        raise invalid(
            "Cholesky decomposition was not successful. The input might not be valid: it must be positive definite "
            "[Op:Cholesky]"
        )
    return factor


@face("input")
def cholesky(input: Any, name: Optional[str] = None) -> Any:
    """The L below the diagonal with L L^H = input. Raises: InvalidArgumentError for a matrix that has none."""
    return _factor(input)


@face()
def cholesky_solve(chol: Any, rhs: Any, name: Optional[str] = None) -> Any:
    """The X with A X = rhs, of A's Cholesky factor."""
    chol, rhs = alike("cholesky_solve", chol, rhs)
    half = w.linalg.solve_triangular(chol, rhs, upper=False)
    return w.linalg.solve_triangular(adjoint_of(chol), half, upper=True)


@face("input")
def qr(input: Any, full_matrices: bool = False, name: Optional[str] = None) -> Any:
    """Q R = input, Q with orthonormal columns (all of a square one, if full), R zero below the diagonal."""
    accept("Qr", LAPACK, input)
    return Qr(*w.linalg.qr(input, mode="complete" if full_matrices else "reduced"))


@face("tensor")
def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: Optional[str] = None) -> Any:
    """The singular values s from the largest, with u and v such that tensor = u diag(s) v^H."""
    accept("Svd", LAPACK, tensor)
    if not compute_uv:
        return w.linalg.svdvals(tensor)
    u, s, vh = w.linalg.svd(tensor, full_matrices=full_matrices)
    return s, u, adjoint_of(vh)


@face("tensor")
def eigh(tensor: Any, name: Optional[str] = None) -> Any:
    """Eigenvalues in rising order and eigenvectors of a symmetric (Hermitian) matrix, of its lower half."""
    need_square("SelfAdjointEigV2", tensor)
    values, vectors = w.linalg.eigh(_from_lower(tensor))
    return values.to(tensor.dtype), vectors


@face("tensor")
def eigvalsh(tensor: Any, name: Optional[str] = None) -> Any:
    """Eigenvalues of a symmetric (Hermitian) matrix in rising order."""
    need_square("SelfAdjointEigV2", tensor)
    return w.linalg.eigvalsh(_from_lower(tensor)).to(tensor.dtype)


@face("tensor")
def eig(tensor: Any, name: Optional[str] = None) -> Any:
    """Eigenvalues and right eigenvectors, complex, in no particular order."""
    need_square("Eig", tensor)
    return tuple(w.linalg.eig(tensor))


@face("tensor")
def eigvals(tensor: Any, name: Optional[str] = None) -> Any:
    """Eigenvalues, complex, in no particular order."""
    need_square("Eig", tensor)
    return w.linalg.eigvals(tensor)


# --- systems ----------------------------------------------------------------------------------------------------------


@face("input")
def inv(input: Any, adjoint: bool = False, name: Optional[str] = None) -> Any:
    """The inverse (of the conjugate transpose). Raises: InvalidArgumentError for a matrix that has none."""
    need_square("MatrixInverse", input)
    found, info = w.linalg.inv_ex(adjoint_of(input) if adjoint else input)
    return _checked(found, info, "Input is not invertible. [Op:MatrixInverse]")


def _checked(found: Any, info: Any, message: str) -> Any:
    """What was found, if `info` tells of no trouble."""
    if bool((info != 0).any()):
        raise invalid(message)
    return found


@face()
def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: Optional[str] = None) -> Any:
    """The X with A X = rhs. Raises: InvalidArgumentError for a matrix that is not square or not invertible."""
    matrix, rhs = alike("MatrixSolve", matrix, rhs)
    need_square("MatrixSolve", matrix)
    if rhs.ndim != matrix.ndim or rhs.shape[-2] != matrix.shape[-1]:
        raise invalid(f"Input matrix and rhs are incompatible: {list(matrix.shape)} and {list(rhs.shape)} [Op:MatrixSolve]")
    found, info = w.linalg.solve_ex(adjoint_of(matrix) if adjoint else matrix, rhs)
    return _checked(found, info, "Input matrix is not invertible. [Op:MatrixSolve]")


@face()
def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: Optional[str] = None) -> Any:
    """The X with A X = rhs, of the lower (or upper) half of A."""
    matrix, rhs = alike("MatrixTriangularSolve", matrix, rhs)
    need_square("MatrixTriangularSolve", matrix)
    a = adjoint_of(matrix) if adjoint else matrix
    return w.linalg.solve_triangular(a, rhs, upper=not lower if not adjoint else lower)


@face()
def lstsq(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: Optional[str] = None) -> Any:
    """The X that brings A X closest to rhs; with a regularizer r, the one of least |A X - rhs|^2 + r |X|^2."""
    matrix, rhs = alike("MatrixSolveLs", matrix, rhs)
    accept("MatrixSolveLs", LAPACK, matrix)
    if not l2_regularizer:
        return w.linalg.lstsq(matrix, rhs).solution if not fast else w.matmul(w.linalg.pinv(matrix), rhs)
    tall = matrix.shape[-2] >= matrix.shape[-1]
    gram = adjoint_of(matrix) @ matrix if tall else matrix @ adjoint_of(matrix)
    gram = gram + l2_regularizer * w.eye(gram.shape[-1], dtype=gram.dtype)
    if tall:
        return w.linalg.solve(gram, adjoint_of(matrix) @ rhs)
    return adjoint_of(matrix) @ w.linalg.solve(gram, rhs)


@face("a")
def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: Optional[str] = None) -> Any:
    """The Moore-Penrose inverse; singular values below rcond times the largest count as 0."""
    accept("pinv", _LAPACK_REAL, a)
    limit = 10.0 * max(a.shape[-2:]) * w.finfo(a.dtype).eps if rcond is None else rcond
    return w.linalg.pinv(a, rtol=limit if isinstance(limit, float) else fresh(limit, a.dtype))


@face("input")
def expm(input: Any, name: Optional[str] = None) -> Any:
    """I + A + A^2 / 2! + ..."""
    need_square("matrix_exponential", input)
    return w.linalg.matrix_exp(input)


@face("input")
def logm(input: Any, name: Optional[str] = None) -> Any:
    """The principal logarithm of a complex matrix."""
    need_square("MatrixLogarithm", input, kind=_COMPLEX)
    return w.linalg.matrix_log(input)


@face("input")
def sqrtm(input: Any, name: Optional[str] = None) -> Any:
    """The principal square root. Raises: InvalidArgumentError for a real matrix that has no real one."""
    need_square("MatrixSquareRoot", input)
    return w.linalg.matrix_sqrt(input)


matrix_square_root = sqrtm

__all__ = [
    "adjoint", "band_part", "cholesky", "cholesky_solve", "det", "eig", "eigh", "eigvals", "eigvalsh", "expm", "inv",
    "logdet", "logm", "lstsq", "matrix_rank", "matrix_square_root", "matrix_transpose", "pinv", "qr", "slogdet",
    "solve", "sqrtm", "svd", "tensor_diag", "tensor_diag_part", "trace", "triangular_solve",
]  # fmt: skip
