"""Linear systems by products with a matrix that nobody writes down. Vectors are NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import numpy as np

Product = Callable[[Any], Any]


def gmres(product: Product, b: Any, tol: Optional[float] = None, restart: int = 50, cycles: int = 40) -> Any:
    """x with A x = b, where product(v) = A v, A any invertible matrix.

    Each cycle minimises |b - A x| over the Krylov space of up to `restart` dimensions; a system of at most that size is
    solved exactly, up to rounding, by one. tol: how small |b - A x| / |b| is to be; by default 20 times the dtype's
    precision, or as near to it as rounding allows.

    Source: Y. Saad and M. Schultz, GMRES, 1986; orthogonalised twice. Cost: one product a dimension.

    Raises: RuntimeError when the residual stays above the square root of the precision: A may be singular.
    """
    eps = float(np.finfo(b.dtype).eps)
    tol = 20 * eps if tol is None else tol
    size = float(np.linalg.norm(b))
    x, left = np.zeros_like(b), b
    if size == 0:
        return x
    for _ in range(cycles):
        before = float(np.linalg.norm(left))
        x = x + _cycle(product, left, tol * size, restart)
        left = b - product(x)
        after = float(np.linalg.norm(left))
        if after <= tol * size or not after < 0.9 * before:
            break
    if not float(np.linalg.norm(left)) <= max(eps**0.5, tol) * size:
        raise RuntimeError(
            f"gmres: a residual of {float(np.linalg.norm(left)) / size:.1e} remains; the system may be singular"
        )
    return x


def _cycle(product: Product, r: Any, target: float, dimensions: int) -> Any:
    """The correction that makes |r - A x| least over a Krylov space."""
    size = float(np.linalg.norm(r))
    basis = [r / size]
    m = min(dimensions, r.size)
    h = np.zeros((m + 1, m))
    y: Any = np.zeros(0)
    for j in range(m):
        w = product(basis[j])
        for _ in range(2):
            shares = np.array([float(v @ w) for v in basis])
            h[: j + 1, j] += shares
            w = w - sum([share * v for share, v in zip(shares.astype(r.dtype), basis)])
        h[j + 1, j] = np.linalg.norm(w)
        goal = np.zeros(j + 2)
        goal[0] = size
        part = h[: j + 2, : j + 1]
        y = np.linalg.lstsq(part, goal, rcond=None)[0]
        if np.linalg.norm(part @ y - goal) <= target or h[j + 1, j] <= 1e-14 * np.linalg.norm(h[: j + 1, j]):
            break
        basis.append(w / h[j + 1, j].astype(r.dtype))
    return sum([c * v for c, v in zip(y.astype(r.dtype), basis)], np.zeros_like(r))


def conjugate_gradients(product: Product, b: Any, tol: float, steps: Optional[int] = None) -> Any:
    """x with A x = b up to tol |b|, where product(v) = A v, A symmetric and positive definite. Where it turns out not to
    be, the descent direction reached so far: what a minimisation needs.

    Source: M. Hestenes and E. Stiefel, 1952; R. Dembo and T. Steihaug, Truncated-Newton algorithms, 1983.
    """
    x, r = np.zeros_like(b), b
    d, square = r, float(r @ r)
    goal = tol**2 * square
    for k in range(b.size if steps is None else steps):
        if square <= goal:
            break
        ad = product(d)
        curvature = float(d @ ad)
        if not curvature > 0:
            return b if k == 0 else x
        step = square / curvature
        x, r = x + b.dtype.type(step) * d, r - b.dtype.type(step) * ad
        before, square = square, float(r @ r)
        d = r + b.dtype.type(square / before) * d
    return x
