"""Draws of counts: their moments, and that they are functions of key and counter."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes import given, value
from wengert.primitives.sampling import binomial, poisson

KEY = given(np.int64(5))
N = 20_000


def at(counter):
    return KEY, given(np.int64(counter))


def test_moments():
    for rate in (0.0, 0.7, 30.0, 4000.0):
        x = value(poisson(*at(1), given(np.full(N, rate))))
        assert abs(x.mean() - rate) <= 5 * np.sqrt(rate / N) and abs(x.var() - rate) <= 0.06 * rate
    x = value(binomial(*at(2), given(np.full(N, 12.0)), given(np.float64(0.25))))
    assert abs(x.mean() - 3) < 0.05 and abs(x.var() - 2.25) < 0.1 and x.max() <= 12


def test_draws_are_functions_of_key_and_counter():
    rate = given(np.full(50, 8.0))
    np.testing.assert_array_equal(value(poisson(*at(1), rate)), value(poisson(*at(1), rate)))
    assert not np.array_equal(value(poisson(*at(1), rate)), value(poisson(*at(2), rate)))


def test_one_number():
    assert value(poisson(*at(1), given(np.float32(3)))).shape == ()
    assert value(binomial(*at(1), given(np.float32(3)), given(np.float32(1)))) == 3


@pytest.mark.parametrize("rate", [-1.0, np.nan])
def test_rates_that_are_none(rate):
    with pytest.raises(RuntimeError, match="rate"):
        value(poisson(*at(1), given(np.array([rate]))))


@pytest.mark.parametrize(("count", "prob"), [(1.5, 0.5), (-1.0, 0.5), (2.0, 1.5), (2.0, np.nan)])
def test_trials_that_are_none(count, prob):
    with pytest.raises(RuntimeError, match="binomial"):
        value(binomial(*at(1), given(np.array([count])), given(np.array([prob]))))
