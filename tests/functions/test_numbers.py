"""Divisors, mantissas, slopes beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import beside, normal, raises_as_peer


def test_divisors_and_multiples():
    a, b = np.array([0, 4, -6, 15]), np.array([0, 6, 4, 0])
    beside(lambda t, x, y: (t.gcd(x, y), t.lcm(x, y), x.clone().gcd_(y)), a, b)
    raises_as_peer(lambda t, x: t.gcd(x, x), normal(2))


def test_taken_apart_and_put_together():
    x = np.array([0.0, 1.0, -3.5, 1e-310, 7e300])
    beside(lambda t, x: t.frexp(x), x, derivative=False)
    beside(lambda t, x: t.frexp(x).mantissa * 3, normal(4))
    beside(lambda t, x, n: (t.ldexp(x, n), x.ldexp(n)), normal(4), np.array([0, 1, 2, 5]))
    beside(lambda t, x, n: t.ldexp(x, n), normal(2), np.array([-2, -5]), derivative=False)  # PyTorch 2.13 derives 0
    raises_as_peer(lambda t, x: t.frexp(x), np.arange(3))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("spacing", [1.0, [0.5, 2.0]])
def test_slopes_at_equal_distances(order, spacing):
    beside(lambda t, x: t.gradient(x, spacing=spacing, edge_order=order), normal(4, 5))


@pytest.mark.parametrize("order", [1, 2])
def test_slopes_at_given_points(order):
    def case(t, x, a, b):
        return t.gradient(x, spacing=(a, b), dim=(1, 0), edge_order=order)

    beside(case, normal(4, 5), np.array([0.0, 1.0, 3.0, 4.5, 9.0]), np.array([1.0, 2.0, 4.0, 8.0]), scale=10)


def test_slopes_of_a_parabola_are_exact_at_the_edges():
    points = np.array([0.0, 1.0, 3.0, 4.0])
    beside(lambda t, x, p: t.gradient(x, spacing=(p,), edge_order=2), points**2, points)


@pytest.mark.parametrize(
    "case",
    [
        lambda t, x: t.gradient(x[:1]),
        lambda t, x: t.gradient(x[:2], edge_order=2),
        lambda t, x: t.gradient(x, edge_order=3),
        lambda t, x: t.gradient(x, spacing=[1.0, 2.0], dim=0),
        lambda t, x: t.gradient(x, dim=(0, 0)),
    ],
)
def test_errors_of_slopes(case):
    raises_as_peer(case, normal(4, 5))
