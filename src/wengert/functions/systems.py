"""Linear systems, for `wengert.linalg`: inverse, solution, determinant, least squares, pseudo-inverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import runtime_error, shape_error
from wengert.functions import return_types
from wengert.functions.decompositions import parts
from wengert.functions.operands import deliver, is_number, node_of
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import broadcast_to, primitives as p
from wengert.primitives.casting import move
from wengert.primitives.matrices import adjoint, diagonal, lower, transposed, with_diagonal
from wengert.runtime.flush import value_of
from wengert.shapes import broadcast
from wengert.tensors.tensor import Tensor, wrap

__all__: list[str] = []


def inv(A: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The inverse of square matrices.

    Raises: RuntimeError for matrices that are not square; LinAlgError, when running, for singular ones.
    """
    return deliver(p.inv(node_of(A, "inv", "A")), out)


def det(A: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The determinant of square matrices. Its derivative, the matrix of cofactors, exists for singular ones too."""
    return deliver(p.det(node_of(A, "det", "A")), out)


def slogdet(A: Tensor, *, out: Any = None) -> Any:
    """The pair (sign, logabsdet) with det A = sign exp(logabsdet); (0, -inf) for a singular matrix.

    Raises: RuntimeError for matrices that are not square; LinAlgError for the derivative at a singular one.
    """
    return return_types.linalg_slogdet(*parts(p.slogdet(node_of(A, "slogdet", "A")), 2, out))


# --- solving ---------------------------------------------------------------------------------------------------------


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Optional[Tensor] = None) -> Tensor:
    """X with A X = B, or X A = B when not `left`. B is a vector where it has one dimension, or the shape of A without
    its last; batches broadcast.

    Raises: RuntimeError for shapes that do not fit; LinAlgError, when running, for a singular A.

    Example:
        >>> import wengert as w
        >>> w.linalg.solve(w.tensor([[2.0, 0.0], [0.0, 4.0]]), w.tensor([1.0, 2.0])).tolist()
        [0.5, 0.5]
    """
    a, b = node_of(A, "solve", "A"), node_of(B, "solve", "B")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise shape_error("solve", "A must be batches of square matrices", (a.shape,))
    vector = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    if vector:
        b = p.reshape(b, shape=(*b.shape, 1))
    a, b = _fitting("solve", a, b, left)
    y = p.solve(a, b) if left else transposed(p.solve(transposed(a), transposed(b)))
    return deliver(p.reshape(y, shape=y.shape[:-1]) if vector else y, out)


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
    out: Optional[Tensor] = None,
) -> Tensor:
    """X with A X = B, or X A = B when not `left`, where only the upper (or lower) triangle of A is read, and its
    diagonal counts as 1 when `unitriangular`.

    Raises: RuntimeError for shapes that do not fit; LinAlgError, when running, for a 0 on the diagonal.
    """
    a, b = node_of(A, "solve_triangular", "A"), node_of(B, "solve_triangular", "B")
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise shape_error("solve_triangular", "square matrices A, and B with at least 2 dimensions", (a.shape, b.shape))
    a, b = _fitting("solve_triangular", a, b, left)
    if left:
        return deliver(p.solve_triangular(a, b, upper=upper, unit=unitriangular), out)
    y = p.solve_triangular(transposed(a), transposed(b), upper=not upper, unit=unitriangular)
    return deliver(transposed(y), out)


def _fitting(operation: str, a: Node, b: Node, left: bool) -> tuple[Node, Node]:
    """Both with the same batch. Raises: RuntimeError when their sizes do not meet."""
    if a.shape[-1] != b.shape[-2 if left else -1]:
        equation = "AX = B" if left else "XA = B"
        raise shape_error(operation, f"shapes of A and B that fit the equation {equation}", (a.shape, b.shape))
    batch = broadcast(operation, a.shape[:-2], b.shape[:-2])
    return broadcast_to(a, batch + a.shape[-2:]), broadcast_to(b, batch + b.shape[-2:])


# --- least squares ---------------------------------------------------------------------------------------------------

_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def default_tolerance(x: Node) -> float:
    """The relative size below which a singular value counts as 0: eps max(m, n)."""
    return float(np.finfo(x.dtype.to_real.numpy).eps) * max(x.shape[-2:])


def lstsq(
    A: Tensor, B: Tensor, rcond: Optional[float] = None, *, driver: Optional[str] = None, out: Any = None
) -> Any:
    """(solution, residuals, rank, singular_values) of the X that makes |A X - B| smallest, itself as small as possible.

    B (..., m, k), or (..., m) where A is (..., m, n). rcond: singular values at or below this part of the largest
    count as 0 (eps max(m, n) unless given). As in PyTorch, the driver decides what else is given: the residuals
    sum |A X - B|^2 by "gels", "gelsd" and "gelss" (empty unless m > n and the rank is full), the rank by all but
    "gels", the singular values by "gelsd" and "gelss".

    Raises: RuntimeError for shapes that do not fit and for another driver.
    """
    driver = driver or "gelsy"
    if driver not in _DRIVERS:
        raise runtime_error("lstsq", f"parameter `driver` should be one of {', '.join(_DRIVERS)}", driver)
    a, b = node_of(A, "lstsq", "A"), node_of(B, "lstsq", "B")
    if a.ndim < 2:
        raise shape_error("lstsq", "A with at least 2 dimensions", (a.shape,))
    vector = b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]
    b = p.reshape(b, shape=(*b.shape, 1)) if vector else b
    if b.ndim < 2 or a.shape[-2] != b.shape[-2]:
        raise shape_error("lstsq", "as many rows in B as in A", (a.shape, b.shape))
    batch = broadcast("lstsq", a.shape[:-2], b.shape[:-2])
    a, b = broadcast_to(a, batch + a.shape[-2:]), broadcast_to(b, batch + b.shape[-2:])
    tolerance = scalar(default_tolerance(a) if rcond is None else rcond, a.dtype.to_real)
    x = p.lstsq(a, b, tolerance)
    solution = p.reshape(x, shape=x.shape[:-1]) if vector else x
    values = p.singular_values(p.stop_gradient(a))
    nothing = p.slice(p.reshape(p.real(x), shape=(x.size,)), index=((0, 0, 1),))  # in the history, as in PyTorch
    no_values = p.full(scalar(0, values.dtype), shape=(0,))
    no_rank = p.full(scalar(0, dtypes.int64), shape=(0,))
    rank = _rank(values, tolerance)
    found = (
        solution,
        _residuals(a, b, x, rank, nothing) if driver != "gelsy" else nothing,
        no_rank if driver == "gels" else rank,
        values if driver in ("gelsd", "gelss") else no_values,
    )
    return return_types.linalg_lstsq(*[wrap(y) if out is None else deliver(y, t) for y, t in zip(found, out or found)])


def _residuals(a: Node, b: Node, x: Node, rank: Node, nothing: Node) -> Node:
    """sum |A X - B|^2 of each column; nothing unless there are more rows than columns and the rank is full."""
    m, n = a.shape[-2:]
    if m <= n or not (value_of(rank) == n).all():
        return nothing
    rest = p.abs(p.dot(a, x) - b)
    return p.reduce_sum(p.square(rest), axes=(rest.ndim - 2,))


def _rank(values: Node, relative: Node, absolute: Optional[Node] = None) -> Node:
    """How many singular values are above the tolerance, the larger of the two."""
    if values.shape[-1] == 0:
        return p.full(scalar(0, dtypes.int64), shape=values.shape[:-1])
    last = (values.ndim - 1,)
    largest = p.reduce_max(values, axes=last)
    limit = largest * relative
    if absolute is not None:
        limit = p.maximum(limit, absolute)
    above = p.gt(values, p.reshape(limit, shape=(*limit.shape, 1)))
    return p.reduce_sum(p.convert(above, dtype=dtypes.int64), axes=last)


def _tolerances(operation: str, x: Node, atol: Any, rtol: Any) -> tuple[Node, Optional[Node]]:
    """(relative, absolute or None); the relative one is 0 when only an absolute one is given."""
    if rtol is None:
        rtol = default_tolerance(x) if atol is None else 0.0
    dtype = x.dtype.to_real
    found = [
        scalar(t, dtype) if is_number(t) else move(node_of(t, operation, "tolerance"), dtype)
        for t in (rtol, atol)
        if t is not None
    ]
    return found[0], found[1] if len(found) > 1 else None


def _hermitian(x: Node, hermitian: bool) -> Node:
    """The Hermitian matrix of which x holds the lower triangle; x itself when that is not promised."""
    if not hermitian:
        return x
    below = lower(x, strict=True)
    return with_diagonal(below + adjoint(below), p.real(diagonal(x)))


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The number of singular values above max(atol, rtol times the largest); rtol is eps max(m, n) when neither is
    given.

    tol: an absolute tolerance, as NumPy's function takes it. hermitian: only the lower triangle is read.
    """
    x = _hermitian(node_of(A, "matrix_rank", "A"), hermitian)
    relative, absolute = _tolerances("matrix_rank", x, tol if atol is None else atol, rtol)
    return deliver(_rank(p.singular_values(p.stop_gradient(x)), relative, absolute), out)


def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The pseudo-inverse: singular values at or below max(atol, rtol times the largest) count as 0; rtol is
    eps max(m, n) when neither is given.

    rcond: rtol by its older name. hermitian: only the lower triangle is read.
    """
    x = _hermitian(node_of(A, "pinv", "A"), hermitian)
    relative, absolute = _tolerances("pinv", x, atol, rcond if rtol is None else rtol)
    if absolute is not None and x.size:
        largest = p.reduce_max(p.singular_values(p.stop_gradient(x)), axes=(x.ndim - 2,))
        relative = p.maximum(relative, absolute / p.where(p.eq(largest, 0), 1, largest))
    return deliver(p.pinv(x, p.stop_gradient(relative)), out)


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
