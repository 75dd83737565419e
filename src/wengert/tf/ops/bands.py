"""Diagonals of matrices, and matrices that have few of them: `tf.linalg.diag`, `set_diag`, the tridiagonal ones."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import LAPACK, accept, alike, integer, ints, like
from wengert.tf.ops.core import fresh, w

_ALIGN = ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")


def _range_of(k: Any) -> tuple[int, int]:
    """The lowest and the highest of the diagonals meant."""
    both = ints(k)
    low, high = both[0], both[-1]
    if low > high:
        raise invalid(f"lower_diag_index must not be larger than upper_diag_index: {low} > {high}")
    return low, high


def _length(rows: int, columns: int, k: int) -> int:
    return max(min(rows + min(k, 0), columns - max(k, 0)), 0)


def _offset(k: int, length: int, longest: int, align: str) -> int:
    """How many places of padding stand before a diagonal in its row of a packed band."""
    if align not in _ALIGN:
        raise ValueError(f"align must be one of {_ALIGN}, got {align}")
    above, below = align.split("_")
    side = above if k >= 0 else below
    return longest - length if side == "RIGHT" else 0


@face("input")
def diag_part(
    input: Any, name: Optional[str] = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Any:
    """A diagonal, or a band of them from the highest down, padded to one length.

    Raises: InvalidArgumentError for diagonals that are not there.
    """
    low, high = _range_of(k)
    rows, columns = input.shape[-2:]
    if low <= -max(rows, 1) or high >= max(columns, 1):
        raise invalid(f"diagonals {low} to {high} are out of bounds for a matrix of {rows} by {columns} [Op:MatrixDiagPartV3]")
    if low == high:
        return w.diagonal(input, low, -2, -1)
    longest = max([_length(rows, columns, i) for i in range(low, high + 1)])
    fill = like("MatrixDiagPartV3", padding_value, input)
    lines = []
    for i in range(high, low - 1, -1):
        line = w.diagonal(input, i, -2, -1)
        before = _offset(i, line.shape[-1], longest, align)
        sides = [w.broadcast_to(fill, (*line.shape[:-1], n)) for n in (before, longest - before - line.shape[-1])]
        lines.append(w.cat([sides[0], line, sides[1]], -1))
    return w.stack(lines, -2)


def _lines(diagonal: Any, low: int, high: int, rows: int, columns: int, align: str) -> list[tuple[int, Any]]:
    """The diagonals of a packed band, each with its number, without padding."""
    if low == high:
        return [(low, diagonal)]
    if diagonal.shape[-2] != high - low + 1:
        raise invalid(f"a band of diagonals {low} to {high} has {high - low + 1} rows, got shape {list(diagonal.shape)}")
    longest, found = diagonal.shape[-1], []
    for place, i in enumerate(range(high, low - 1, -1)):
        n = _length(rows, columns, i)
        before = _offset(i, n, longest, align)
        found.append((i, diagonal[..., place, before : before + n]))
    return found


def _placed(lines: Any, rows: int, columns: int, into: Any) -> Any:
    """`into` with diagonals put in their places."""
    row, column = w.arange(rows)[:, None], w.arange(columns)
    for i, line in lines:
        n = line.shape[-1]
        place = (row if i >= 0 else column).clamp(0, max(n - 1, 0)).expand(rows, columns)
        here = (column - row == i) & (place < n)
        spread = w.index_select(line, -1, place.reshape(-1)).reshape(*line.shape[:-1], rows, columns) if n else into
        into = w.where(here, spread, into)
    return into


@face("diagonal")
def diag(
    diagonal: Any, name: Optional[str] = "diag", k: Any = 0, num_rows: Any = -1, num_cols: Any = -1,
    padding_value: Any = 0, align: str = "RIGHT_LEFT",
) -> Any:  # fmt: skip
    """The matrix with these diagonals, `padding_value` elsewhere; see `diag_part` for how a band is packed.

    Raises: InvalidArgumentError for sizes that the diagonals do not fit.
    """
    low, high = _range_of(k)
    n = diagonal.shape[-1]
    rows, columns = integer(num_rows), integer(num_cols)
    least_rows, least_columns = n - min(high, 0), n + max(low, 0)
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    rows = least_rows if rows == -1 else rows
    columns = least_columns if columns == -1 else columns
    if rows < least_rows or columns < least_columns:
        raise invalid(
            f"The number of rows or columns is too small: {rows} by {columns}, at least {least_rows} by "
            f"{least_columns} are needed [Op:MatrixDiagV3]"
        )
    lead = diagonal.shape[:-1] if low == high else diagonal.shape[:-2]
    into = w.broadcast_to(like("MatrixDiagV3", padding_value, diagonal), (*lead, rows, columns))
    return _placed(_lines(diagonal, low, high, rows, columns, align), rows, columns, into)


@face()
def set_diag(input: Any, diagonal: Any, name: Optional[str] = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT") -> Any:
    """The matrix with these diagonals in place of its own. Raises: InvalidArgumentError for shapes that do not fit."""
    input, diagonal = alike("MatrixSetDiagV3", input, diagonal)
    low, high = _range_of(k)
    rows, columns = input.shape[-2:]
    longest = max([_length(rows, columns, i) for i in range(low, high + 1)])
    if diagonal.shape[-1] != longest:
        raise invalid(f"must have diagonal of length {longest}, got shape {list(diagonal.shape)} [Op:MatrixSetDiagV3]")
    return _placed(_lines(diagonal, low, high, rows, columns, align), rows, columns, input)


# --- tridiagonal matrices ---------------------------------------------------------------------------------------------


def _three(diagonals: Any, form: str) -> tuple[Any, Any, Any]:
    """The diagonals above, at and below the middle, each of full length; places outside the matrix are not read."""
    if form == "compact":
        packed = fresh(diagonals)
        above, middle, below = packed.unbind(-2)
    elif form == "sequence":
        above, middle, below = alike("tridiagonal", *diagonals)
        n = middle.shape[-1]
        if above.shape[-1] == n - 1:
            above = w.cat([above, w.zeros_like(above[..., :1])], -1)
        if below.shape[-1] == n - 1:
            below = w.cat([w.zeros_like(below[..., :1]), below], -1)
    elif form == "matrix":
        matrix = fresh(diagonals)
        above, middle, below = [w.diagonal(matrix, i, -2, -1) for i in (1, 0, -1)]
        above = w.cat([above, w.zeros_like(middle[..., :1])], -1)
        below = w.cat([w.zeros_like(middle[..., :1]), below], -1)
    else:
        raise ValueError(f"Unrecognized diagonals_format: {form}. It must be 'compact', 'sequence' or 'matrix'.")
    return above, middle, below


def _matrix(above: Any, middle: Any, below: Any) -> Any:
    return w.diag_embed(middle) + w.diag_embed(above[..., :-1], 1) + w.diag_embed(below[..., 1:], -1)


@face()
def tridiagonal_matmul(diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: Optional[str] = None) -> Any:
    """The product of a tridiagonal matrix and rhs. "compact" has rows above, at and below the middle, each of full length.

    Raises: ValueError for another format.
    """
    above, middle, below = _three(diagonals, diagonals_format)
    rhs = like("TridiagonalMatMul", rhs, middle)
    zero = w.zeros_like(rhs[..., :1, :])
    up = w.cat([rhs[..., 1:, :], zero], -2)
    down = w.cat([zero, rhs[..., :-1, :]], -2)
    return above[..., None] * up + middle[..., None] * rhs + below[..., None] * down


@face()
def tridiagonal_solve(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", transpose_rhs: bool = False, conjugate_rhs: bool = False,
    name: Optional[str] = None, partial_pivoting: bool = True, perturb_singular: bool = False,
) -> Any:  # fmt: skip
    """The X with T X = rhs, T tridiagonal; solved as a full matrix, with pivoting.

    Raises: ValueError for another format, InvalidArgumentError for a matrix that is not invertible.
    """
    above, middle, below = _three(diagonals, diagonals_format)
    rhs = like("TridiagonalSolve", rhs, middle)
    vector = rhs.ndim == middle.ndim
    rhs = w.conj(rhs) if conjugate_rhs and rhs.dtype.is_complex else rhs
    rhs = rhs[..., None] if vector else rhs.mT if transpose_rhs else rhs
    y = w.linalg.solve(_matrix(above, middle, below), rhs)
    return y[..., 0] if vector else y


@face()
def eigh_tridiagonal(
    alpha: Any, beta: Any, eigvals_only: bool = True, select: str = "a", select_range: Any = None, tol: Any = None,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Eigenvalues (and vectors) of the symmetric matrix with alpha on the diagonal and beta beside it.

    select: "a" all of them, "i" those with the numbers of `select_range`, both included, "v" those in the interval

    Raises: ValueError for another selection.
    """
    alpha, beta = alike("eigh_tridiagonal", alpha, beta)
    accept("eigh_tridiagonal", LAPACK, alpha)
    upper = w.conj(beta) if beta.dtype.is_complex else beta
    matrix = w.diag_embed(alpha) + w.diag_embed(beta, -1) + w.diag_embed(upper, 1)
    values, vectors = w.linalg.eigh(matrix)
    if select == "i":
        first, last = ints(select_range)
        values, vectors = values[..., first : last + 1], vectors[..., first : last + 1]
    elif select == "v":
        low, high = [float(x) for x in select_range]
        chosen = w.nonzero((values > low) & (values <= high))[:, 0]
        values, vectors = w.index_select(values, -1, chosen), w.index_select(vectors, -1, chosen)
    elif select != "a":
        raise ValueError(f"'select must have a value in {{'a', 'i', 'v'}}, got {select}")
    return values if eigvals_only else (values, vectors)


@face()
def banded_triangular_solve(bands: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: Optional[str] = None) -> Any:
    """The X with B X = rhs, B triangular with few diagonals: row i of `bands` is the i-th below (above) the middle."""
    bands, rhs = alike("BandedTriangularSolve", bands, rhs)
    count, n = bands.shape[-2:]
    if lower:
        parts = [w.diag_embed(bands[..., i, i:], -i) for i in range(count)]
    else:
        parts = [w.diag_embed(bands[..., count - 1 - i, : n - i], i) for i in range(count)]
    matrix = w.stack(parts).sum(0)
    if adjoint:
        matrix = w.conj(matrix.mT) if matrix.dtype.is_complex else matrix.mT
    return w.linalg.solve_triangular(matrix, rhs, upper=not lower if not adjoint else lower)


__all__ = [
    "banded_triangular_solve", "diag", "diag_part", "eigh_tridiagonal", "set_diag", "tridiagonal_matmul",
    "tridiagonal_solve",
]  # fmt: skip
