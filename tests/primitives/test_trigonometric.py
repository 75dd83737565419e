"""Circular and hyperbolic functions beside PyTorch, and where they are meant to be better."""

from __future__ import annotations

import numpy as np
import pytest

from tests.primitives.peer import INF, LINE, PLANE, beside, bind, evaluate, gradients, grid
from wengert.primitives import trigonometric as own

UNARY = ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]


def peer(name):
    torch = pytest.importorskip("torch")
    return getattr(torch, name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", UNARY)
def test_on_the_real_line(name, dtype):
    x = LINE.astype(dtype)
    if name == "acosh":  # left of its domain PyTorch gives the derivative of another function, ours is NaN
        x = x[~(x < 1)]
    beside(getattr(own, name), peer(name), x)


def test_acosh_has_neither_value_nor_derivative_left_of_one():
    y, (bar,) = gradients(own.acosh, [np.array([-2.0, 0.0, 0.5])])
    assert np.isnan(y).all()
    assert np.isnan(bar).all()


@pytest.mark.parametrize("name", [name for name in UNARY if name != "acosh"])
def test_in_the_complex_plane(name):
    beside(getattr(own, name), peer(name), PLANE)


def test_acosh_has_the_right_branch_left_of_the_imaginary_axis():
    """d/dx acosh = 1 / (sqrt(x - 1) sqrt(x + 1)), against a difference; PyTorch 2.13 gives its negative there."""
    x = np.array([-2 + 0.5j, -0.3 - 1.0j, 2.0 + 0.1j])
    _, (bar,) = gradients(own.acosh, [x])
    h = 1e-6
    slope = (np.arccosh(x + h) - np.arccosh(x - h)) / (2 * h)
    np.testing.assert_allclose(bar, np.conj(slope), rtol=1e-8)


def test_hypot_and_atan2_on_the_grid():
    finite = LINE[np.isfinite(LINE)]
    beside(own.hypot, peer("hypot"), *grid(finite, finite))
    beside(own.atan2, peer("atan2"), *grid(finite, finite))
    beside(own.atan2, peer("atan2"), *grid(LINE, LINE), gradient=False)
    beside(own.hypot, peer("hypot"), *grid(LINE, LINE), gradient=False)


def test_atan2_neither_overflows_nor_vanishes_on_the_way():
    _, bars = gradients(own.atan2, [np.array([3e200, 3e-200]), np.array([4e200, 4e-200])])
    np.testing.assert_allclose(bars[0] * [1e200, 1e-200], 4 / 25, rtol=1e-14)
    np.testing.assert_allclose(bars[1] * [1e200, 1e-200], -3 / 25, rtol=1e-14)


def test_sinc_beside_pytorch():
    x = np.array([-20.25, -3.5, -1.0, -0.3, 0.0, 0.2, 1.0, 2.75])
    beside(bind(own.sinc, order=0), peer("sinc"), x)
    beside(bind(own.sinc, order=0), peer("sinc"), PLANE)


@pytest.mark.parametrize("order", range(7))
def test_sinc_derivatives_are_smooth_through_zero(order):
    """d^n/dx^n sinc(x) = pi^n times the integral of t^n cos(pi x t + n pi / 2) over [0, 1], by Gauss's rule."""
    x = np.concatenate([np.linspace(-4.2, 4.2, 43), [0.0, 1e-9, -1e-4, 1e-3]])
    nodes, weights = np.polynomial.legendre.leggauss(40)
    t = (nodes + 1) / 2
    want = np.pi**order * (t**order * np.cos(np.pi * x[:, None] * t + order * np.pi / 2)) @ weights / 2
    got = evaluate(bind(own.sinc, order=order), x)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14 * np.pi**order)


def test_inverses_near_the_ends_of_their_domain():
    """1 - x^2 rounds away what (1 - x) (1 + x) keeps."""
    near = 1 - 2.0**-50
    _, (bar,) = gradients(own.asin, [np.array(near)])
    assert bar == pytest.approx(1 / np.sqrt(2.0**-50 * (2 - 2.0**-50)), rel=1e-15)
    _, (bar,) = gradients(own.asin, [np.array([1.0, -1.0])])
    np.testing.assert_array_equal(bar, [INF, INF])
