"""Medians, quantiles and modes, beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import NAN, array, beside, normal, ours, raises_as_peer, tensor

CUBE = normal(3, 4, 5)
HOLES = np.array([[1.0, NAN, 3, 2, NAN], [5, 4, 3, 2, 1], [NAN, NAN, NAN, NAN, NAN]])


@pytest.mark.parametrize("name", ["median", "nanmedian"])
def test_medians(name):
    f = lambda m: getattr(m, name)
    beside(lambda m, x: f(m)(x), CUBE)
    for dim in (0, 1, -1):
        beside(lambda m, x, dim=dim: f(m)(x, dim), CUBE)
        beside(lambda m, x, dim=dim: f(m)(x, dim, True), CUBE)
    beside(lambda m, x: f(m)(x, 1), HOLES[:2], second=False)
    beside(lambda m, x: f(m)(x, 1), HOLES, values_only=True, derivative=False)
    beside(lambda m, x: f(m)(x), HOLES[:2], second=False)
    beside(lambda m, x: f(m)(x), HOLES[2], second=False)
    beside(lambda m, x: f(m)(x), np.float64(3))
    beside(lambda m, x: f(m)(x, 0), np.float64(3))
    beside(lambda m, x: f(m)(x), np.array([4, 1, 3, 2]))
    beside(lambda m, x: f(m)(x, 0), np.array([4, 1, 3, 2]))
    beside(lambda m, x: f(m)(x), np.zeros((0, 3)), derivative=False)
    beside(lambda m, x: f(m)(x, 0), np.zeros((3, 0)), derivative=False)


def test_equal_medians_share_the_derivative():
    beside(lambda m, x: m.median(x), [2.0, 2, 1, 2, 5], second=False)
    beside(lambda m, x: m.nanmedian(x), [2.0, 2, NAN, 1], second=False)


def test_a_median_is_an_element_exactly():
    x = np.full(7, 0.1)
    assert ours.median(tensor(x, requires_grad=True)).item() == 0.1


def test_modes():
    x = np.random.default_rng(0).integers(0, 4, (4, 9))
    for dim in (0, 1):
        beside(lambda m, x, dim=dim: m.mode(x, dim), x)
        beside(lambda m, x, dim=dim: m.mode(x, dim, True), x.astype(float))
    beside(lambda m, x: m.mode(x), np.float64(3))
    beside(lambda m, x: m.mode(x), np.zeros((0, 3)), derivative=False)
    beside(lambda m, x: m.mode(x), np.array([2.0, 1, 2, 1, 1, 3, NAN, NAN, NAN, NAN]), derivative=False)
    raises_as_peer(lambda m, x: m.mode(x, 0), np.zeros((0, 3)))


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_quantiles(name, interpolation):
    def f(m, *args, **kwargs):
        return getattr(m, name)(*args, interpolation=interpolation, **kwargs)

    q = np.array([0.0, 0.33, 0.5, 0.81, 1.0])
    beside(lambda m, x, q: f(m, x, q), CUBE, q, second=interpolation == "linear")
    beside(lambda m, x, q: f(m, x, q, 1), CUBE, q, second=False)
    beside(lambda m, x, q: f(m, x, q, -1, True), CUBE, q, second=False)
    beside(lambda m, x: f(m, x, 0.3), CUBE)
    beside(lambda m, x: f(m, x, 0.3, keepdim=True), CUBE)
    beside(lambda m, x: f(m, x, 0.77, dim=0), CUBE.astype(np.float32), second=False)
    beside(lambda m, x: f(m, x, 0.4, dim=1), HOLES, derivative=False)
    beside(lambda m, x, q: f(m, x, q), np.float64(3), q[1], derivative=False)


def test_wrong_arguments_are_errors():
    raises_as_peer(lambda m, x: m.median(x), np.array([True]))
    raises_as_peer(lambda m, x: m.median(x, 0), np.zeros((0, 3)))
    raises_as_peer(lambda m, x: m.median(x, 3), CUBE)
    raises_as_peer(lambda m, x: m.quantile(x, 2.0), CUBE)
    raises_as_peer(lambda m, x, q: m.quantile(x, q), CUBE, np.array([2.0]))
    raises_as_peer(lambda m, x, q: m.quantile(x, q), CUBE, np.array([[0.2]]))
    raises_as_peer(lambda m, x, q: m.quantile(x, q), CUBE, np.array([0.2], np.float32))
    raises_as_peer(lambda m, x: m.quantile(x, 0.5), np.array([1, 2]))
    raises_as_peer(lambda m, x: m.quantile(x, 0.5), np.zeros((0, 3)))
    raises_as_peer(lambda m, x: m.quantile(x, 0.5, interpolation="cubic"), CUBE)


def test_a_fraction_outside_its_range_is_an_error_when_it_runs():
    y = ours.quantile(tensor(CUBE), tensor([0.5, 1.5]))
    with pytest.raises(RuntimeError, match=r"range \[0, 1\].*test_quantiles"):
        array(y)
