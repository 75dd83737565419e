"""Integrals with names: known numbers, ends of their domains. Derivatives, dtypes and batches come from tests/rules."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from wengert.errors import MissingRule
from wengert.functions import special

pytest.importorskip("scipy")

INF, NAN = float("inf"), float("nan")

# Abramowitz and Stegun, tables 5.1, 7.5, 7.7 and 27.7.
KNOWN = {
    "dawson": ([0.0, 1.0, 2.0], [0.0, 0.5380795069, 0.3013403889]),
    "exponential_integral": ([0.5, 1.0, -1.0], [0.4542199049, 1.8951178164, -0.2193839344]),
    "fresnel_sine": ([0.0, 1.0, 2.0, -1.0], [0.0, 0.4382591474, 0.3434156784, -0.4382591474]),
    "fresnel_cosine": ([0.0, 1.0, 2.0, -1.0], [0.0, 0.7798934004, 0.4882534061, -0.7798934004]),
    "spence": ([0.0, 1.0, 2.0], [np.pi**2 / 6, 0.0, -np.pi**2 / 12]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_numbers(name):
    x, y = KNOWN[name]
    np.testing.assert_allclose(getattr(special, name)(wengert.tensor(x, dtype=wengert.float64)).numpy(), y, atol=1e-9)


def test_ends():
    ends = wengert.tensor([INF, -INF, NAN, 0.0], dtype=wengert.float64)
    np.testing.assert_array_equal(special.dawson(ends).numpy(), [0, 0, NAN, 0])
    np.testing.assert_array_equal(special.exponential_integral(ends).numpy(), [INF, 0, NAN, -INF])
    np.testing.assert_array_equal(special.fresnel_sine(ends).numpy(), [0.5, -0.5, NAN, 0])
    assert np.isnan(special.spence(wengert.tensor(-1.0)).numpy())


def test_spence_has_its_slope_where_the_formula_divides_by_zero():
    x = wengert.tensor(1.0, dtype=wengert.float64, requires_grad=True)
    special.spence(x).backward()
    assert x.grad.item() == -1.0


def test_incomplete_beta():
    a, b, x = [wengert.tensor(v, dtype=wengert.float64) for v in ([1.0, 2.0, 2.0], [1.0, 1.0, 3.0], [0.3, 0.5, 0.5])]
    x.requires_grad_()
    y = special.betainc(a, b, x)
    np.testing.assert_allclose(y.detach().numpy(), [0.3, 0.25, 0.6875], rtol=1e-12)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [1.0, 1.0, 1.5], rtol=1e-12)
    with pytest.raises(RuntimeError, match="floating"):
        special.betainc(wengert.tensor([1]), wengert.tensor([1]), wengert.tensor([1]))


def test_a_derivative_that_is_not_known_is_an_error_and_not_a_zero():
    a = wengert.tensor(2.0, requires_grad=True)
    with pytest.raises(MissingRule, match="first argument"):
        special.betainc(a, wengert.tensor(1.0), wengert.tensor(0.5)).backward()
