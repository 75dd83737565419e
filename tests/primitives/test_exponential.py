"""Exponentials and logarithms beside PyTorch, on both tails and at the edges of their domains."""

from __future__ import annotations

import numpy as np
import pytest

from tests.primitives.peer import INF, LINE, NAN, PLANE, beside, evaluate, gradients, grid
from wengert.primitives import exponential as own

UNARY = ["exp", "exp2", "log", "log2", "log10", "log1p", "sigmoid"]


def peer(name):
    torch = pytest.importorskip("torch")
    return getattr(torch, name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", UNARY)
def test_on_the_real_line(name, dtype):
    beside(getattr(own, name), peer(name), LINE.astype(dtype))


@pytest.mark.parametrize("name", [*UNARY, "expm1"])
def test_in_the_complex_plane(name):
    beside(getattr(own, name), peer(name), PLANE)


def test_expm1_has_the_derivative_exp_also_far_below_zero():
    beside(own.expm1, peer("expm1"), LINE, gradient=False)
    _, (bar,) = gradients(own.expm1, [np.array([-90.0, -20.0, 0.0, 2.0])])
    np.testing.assert_allclose(bar, np.exp([-90.0, -20.0, 0.0, 2.0]), rtol=1e-15)


def test_sigmoid_keeps_its_tails():
    np.testing.assert_array_equal(evaluate(own.sigmoid, np.array([-800.0, 800.0])), [0.0, 1.0])
    assert evaluate(own.sigmoid, np.array(-700.0)) == pytest.approx(np.exp(-700.0), rel=1e-14)
    assert np.isfinite(evaluate(own.sigmoid, np.array([-800.0 + 1j, 800.0 - 1j]))).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_log_sigmoid_on_the_real_line(dtype):
    torch = pytest.importorskip("torch")
    beside(own.log_sigmoid, torch.nn.functional.logsigmoid, LINE[1:-2].astype(dtype))
    np.testing.assert_array_equal(evaluate(own.log_sigmoid, np.array([-INF, INF, NAN])), [-INF, 0.0, NAN])


@pytest.mark.parametrize("beta, threshold", [(1.0, 20.0), (2.0, 5.0), (0.5, 20.0)])
def test_softplus_and_its_threshold(beta, threshold):
    torch = pytest.importorskip("torch")
    beside(
        lambda x: own.softplus(x, beta, threshold),
        lambda x: torch.nn.functional.softplus(x, beta, threshold),
        np.concatenate([LINE, [2.5, 2.50001, 10.0, 10.1, 40.0, 40.1]]),
    )


@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2"])
def test_logaddexp_on_the_grid(name):
    beside(getattr(own, name), peer(name), *grid(LINE, LINE), atol=1e-16)


def test_xlogy_on_the_grid():
    beside(own.xlogy, peer("xlogy"), *grid(LINE[1:-2], LINE))


def test_xlog1py_on_the_grid():
    torch = pytest.importorskip("torch")
    line = LINE[1:-2]
    beside(own.xlog1py, torch.special.xlog1py, *grid(line, line))


def test_nothing_times_a_logarithm_is_nothing_unless_the_logarithm_is_not_a_number():
    np.testing.assert_array_equal(evaluate(own.xlogy, np.zeros(4), np.array([0.0, -1.0, INF, NAN])), [0, 0, 0, NAN])
    np.testing.assert_array_equal(evaluate(own.xlog1py, np.zeros(4), np.array([-1.0, -2.0, INF, NAN])), [0, 0, 0, NAN])
