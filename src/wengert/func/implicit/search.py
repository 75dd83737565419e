"""Searches for a root, a fixed point, a minimum, over NumPy vectors. None of them is differentiated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Optional

import numpy as np

from wengert.func.implicit.krylov import conjugate_gradients, gmres

Value = Callable[[Any], Any]
Product = Callable[[Any, Any], Any]


def _precision(x: Any) -> float:
    return float(np.finfo(x.dtype).eps)


def _size(x: Any) -> float:
    return float(np.linalg.norm(x))


def _goal(x: Any, start: Any, tol: Optional[float]) -> float:
    return (_precision(x) ** 0.75 if tol is None else tol) * max(1.0, _size(start))


def newton(value: Value, product: Product, x: Any, tol: Optional[float], steps: int) -> Any:
    """x with value(x) = 0; product(x, v) is the derivative along v. Each step is halved until |value| falls. One more
    step is taken behind the goal, which makes the error a square of it."""
    g = value(x)
    goal = _goal(x, g, tol)
    for _ in range(steps):
        done = _size(g) <= goal
        if not _size(g):
            return x
        d = gmres(partial(product, x), -g, tol=None if done else 1e-4)
        x, g_next, fell = _backtracked(value, x, d, _size(g))
        if done:
            return x
        if not fell:
            break
        g = g_next
    raise RuntimeError(f"root: |g| = {_size(g):.1e} after {steps} steps of Newton's method; start nearer or allow more")


def _backtracked(value: Value, x: Any, d: Any, size: float) -> tuple[Any, Any, bool]:
    t = 1.0
    while t > 1e-10:
        moved = x + x.dtype.type(t) * d
        g = value(moved)
        if _size(g) <= (1 - 1e-4 * t) * size:
            return moved, g, True
        t /= 2
    return x, value(x), False


def anderson(step: Value, x: Any, tol: Optional[float], steps: int, memory: int) -> Any:
    """x with step(x) = x. Source: D. Anderson, Iterative procedures for nonlinear integral equations, 1965; H. Walker and
    P. Ni, 2011: the next x is the combination of the last values whose differences f - x, so combined, are least."""
    tol = 50 * _precision(x) if tol is None else tol
    values: list[Any] = []
    differences: list[Any] = []
    size = np.inf
    for _ in range(steps):
        f = step(x)
        g = f - x
        size = _size(g)
        if size <= tol * max(1.0, _size(x)):
            return f
        values, differences = [*values, f][-memory - 1 :], [*differences, g][-memory - 1 :]
        x = f
        if len(values) > 1 and memory:
            dg = np.stack([b - a for a, b in pairwise(differences)], 1)
            df = np.stack([b - a for a, b in pairwise(values)], 1)
            x = f - (df @ np.linalg.lstsq(dg, g, rcond=None)[0]).astype(f.dtype)
    raise RuntimeError(
        f"fixed_point: |f(x) - x| = {size:.1e} after {steps} iterations; it may not contract, or needs more of them"
    )


def minimum(
    value: Callable[[Any], float], gradient: Value, product: Product, x: Any, tol: Optional[float], steps: int
) -> Any:
    """Where value is least; product(x, v) is the Hessian times v. Steps by conjugate gradients, shortened until the value
    falls (Armijo), or, where it is flat up to rounding, the gradient."""
    g = gradient(x)
    goal = _goal(x, g, tol)
    for _ in range(steps):
        size = _size(g)
        if not size:
            return x
        inner = min(0.5, size**0.5) if size > goal else 1e-12
        d = conjugate_gradients(partial(product, x), -g, inner, 2 * x.size)
        if size <= goal:
            return x + d
        x, g = _descended(value, gradient, x, g, d)
    if _size(g) <= goal:
        return x
    raise RuntimeError(f"argmin: a gradient of {_size(g):.1e} remains after {steps} steps; start nearer or allow more")


def _descended(value: Callable[[Any], float], gradient: Value, x: Any, g: Any, d: Any) -> tuple[Any, Any]:
    here, slope, t = value(x), float(g @ d), 1.0
    while t > 1e-12:
        moved = x + x.dtype.type(t) * d
        there = value(moved)
        if there <= here + 1e-4 * t * slope:
            return moved, gradient(moved)
        if abs(there - here) <= 100 * _precision(x) * max(1.0, abs(here)):
            g_there = gradient(moved)
            if _size(g_there) < _size(g):
                return moved, g_there
        t /= 2
    raise RuntimeError(f"argmin: no descent from a gradient of {_size(g):.1e}; is the objective smooth there?")
