"""Linear algebra by the names that stand outside `linalg`: some older, with arguments of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert.errors import shape_error
from wengert.functions import decompositions, return_types, systems
from wengert.functions.operands import deliver, node_of
from wengert.functions.systems import det
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.control import element
from wengert.primitives.matrices import adjoint, identity_like
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "pinverse", "qr", "slogdet", "svd",
]  # fmt: skip


def inverse(input: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """`linalg.inv`"""
    return systems.inv(input, out=out)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with a tolerance for nearly full rank."""
    return systems.pinv(input, rtol=rcond)


def slogdet(input: Tensor, *, out: Any = None) -> Any:
    """`linalg.slogdet`"""
    return return_types.slogdet(*systems.slogdet(input, out=out))


def logdet(input: Tensor) -> Tensor:
    """log(det(input)) of square matrices; NaN where the determinant is negative, -inf where it is 0."""
    node = p.slogdet(node_of(input, "logdet"))
    sign, logarithm = element(node, index=0), element(node, index=1)
    if sign.dtype.is_complex:
        return wrap(p.log(sign) + p.convert(logarithm, dtype=sign.dtype))
    return wrap(p.where(p.eq(sign, scalar(-1, sign.dtype)), float("nan"), logarithm))


def cholesky(input: Tensor, upper: bool = False, *, out: Optional[Tensor] = None) -> Tensor:
    """`linalg.cholesky`"""
    return decompositions.cholesky(input, upper=upper, out=out)


def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False, *, out: Optional[Tensor] = None) -> Tensor:
    """X with A X = input, where A = L L^H (or U^H U, when `upper`) is given by its factor.

    Raises: RuntimeError for shapes that do not fit.
    """
    first = systems.solve_triangular(_adjoint(L) if upper else L, input, upper=False)
    return systems.solve_triangular(L if upper else _adjoint(L), first, upper=True, out=out)


def _adjoint(tensor: Tensor) -> Tensor:
    x = node_of(tensor, "cholesky_solve", "L")
    if x.ndim < 2:
        raise shape_error("cholesky_solve", "a factor with at least 2 dimensions", (x.shape,))
    return wrap(adjoint(x))


def cholesky_inverse(input: Tensor, upper: bool = False, *, out: Optional[Tensor] = None) -> Tensor:
    """The inverse of A = L L^H (or U^H U, when `upper`), given by its factor."""
    x = node_of(input, "cholesky_inverse")
    if x.ndim < 2:
        raise shape_error("cholesky_inverse", "a factor with at least 2 dimensions", (x.shape,))
    return cholesky_solve(wrap(identity_like(x)), input, upper, out=out)


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """`linalg.qr` in the mode "reduced", or "complete" when not `some`."""
    return return_types.qr(*decompositions.qr(input, "reduced" if some else "complete", out=out))


def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """(U, S, V) with U diag(S) V^H = input: V by columns, where `linalg.svd` gives Vh by rows.

    some: U (m, k) and V (n, k) for k = min(m, n), instead of (m, m) and (n, n). Without `compute_uv` these are zeros.
    """
    x = node_of(input, "svd")
    if not compute_uv:
        values = decompositions.svdvals(input)
        zeros = [p.full(scalar(0, x.dtype), shape=(*x.shape[:-2], n, n)) for n in x.shape[-2:]]
        return return_types.svd(deliver(zeros[0]), values, deliver(zeros[1]))
    u, s, vh = (y._read() for y in decompositions.svd(input, not some))
    return return_types.svd(*[deliver(y, to) for y, to in zip((u, s, adjoint(vh)), out or (None,) * 3)])


METHODS: dict[str, Callable[..., Any]] = {
    "cholesky": cholesky, "cholesky_inverse": cholesky_inverse, "cholesky_solve": cholesky_solve, "det": det,
    "inverse": inverse, "logdet": logdet, "pinverse": pinverse, "qr": qr, "slogdet": slogdet, "svd": svd,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
