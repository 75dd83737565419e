"""Matrices to factorise, and a function of one of them held against differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.nodes import given, jvp, tangent, value, vjp
from tests.rules.harness import direction, inner

RANDOM = np.random.default_rng(0)
KINDS = [False, True]


def matrix(m: int, n: int, complex: bool) -> Any:
    """A matrix with singular values well apart."""
    middle = np.zeros((m, n))
    np.fill_diagonal(middle, [6.0, 4.0, 2.0, 8.0])
    x = middle + RANDOM.uniform(-0.6, 0.6, (m, n))
    return x + 1j * RANDOM.uniform(-0.6, 0.6, (m, n)) if complex else x


def weights(*shape: int) -> Any:
    return RANDOM.uniform(0.5, 2.0, shape)


def check_derivatives(function: Any, x: Any) -> None:
    """vjp and jvp of a function of one matrix against central differences and against each other; then once more,
    the gradient of the tangent against differences of it."""
    v = direction(RANDOM, x)
    h = 1e-4
    slope = (value(function(given(x + h * v))) - value(function(given(x - h * v)))) / (2 * h)
    y_dot = jvp(function, [x], [v])
    np.testing.assert_allclose(y_dot, slope, rtol=1e-5, atol=1e-6)
    y_bar = direction(RANDOM, slope)
    (x_bar,) = vjp(function, [x], y_bar)
    assert x_bar.dtype == x.dtype
    np.testing.assert_allclose(inner([x_bar], [v]), inner([y_bar], [y_dot]), rtol=1e-9, atol=1e-10)
    along = lambda z: tangent(function, [z], [given(v)])
    second = (jvp(function, [x + h * v], [v]) - jvp(function, [x - h * v], [v])) / (2 * h)
    (xx_bar,) = vjp(along, [x], y_bar)
    np.testing.assert_allclose(inner([xx_bar], [v]), inner([y_bar], [second]), rtol=1e-4, atol=1e-5)
