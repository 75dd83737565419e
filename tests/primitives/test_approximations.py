"""The NumPy forms of the special functions against 50 digits (mpmath) where installed, and against SciPy."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from wengert.primitives import approximations as own

ULP = 2.0**-53
RANDOM = np.random.default_rng(20)


def errors(function, reference, xs):
    """Relative errors in units of half the distance between neighbours of 1."""
    mp = pytest.importorskip("mpmath")
    mp.mp.dps = 50
    with np.errstate(all="ignore"):
        values = function(xs)
    wanted = [reference(mp, mp.mpf(float(x))) for x in xs]
    return np.array([float(abs(mp.mpf(float(y)) - w) / (abs(w) or 1)) for y, w in zip(values, wanted)]) / ULP


def log_abs_gamma(mp, x):
    return mp.log(abs(mp.gamma(x))) if abs(x) < 1e5 else mp.loggamma(x)


POSITIVE = np.concatenate([10 ** RANDOM.uniform(-8, 2.5, 120), RANDOM.uniform(0, 12, 120)])
LEFT = -RANDOM.uniform(0, 30, 30)
NEAR_ROOT = 1.4616321 + RANDOM.uniform(-1e-3, 1e-3, 60)

MEASURED = [
    ("erf", own.erf, lambda mp, x: mp.erf(x), np.concatenate([POSITIVE, -POSITIVE]), 8),
    ("erfc", own.erfc, lambda mp, x: mp.erfc(x), RANDOM.uniform(-6, 26, 240), 8),
    ("erfcx", own.erfcx, lambda mp, x: mp.exp(x * x) * mp.erfc(x), RANDOM.uniform(-26, 30, 240), 8),
    ("erfinv", own.erfinv, lambda mp, x: mp.erfinv(x), RANDOM.uniform(-1, 1, 120), 8),
    ("erfinv near 1", own.erfinv, lambda mp, x: mp.erfinv(x), 1 - 10 ** RANDOM.uniform(-15, -1, 60), 8),
    ("ndtri", own.ndtri, lambda mp, p: -mp.sqrt(2) * mp.erfinv(1 - 2 * p), 10 ** RANDOM.uniform(-18, -0.01, 120), 8),
    ("lgamma", own.lgamma, log_abs_gamma, POSITIVE, 8),
    ("lgamma near 1", own.lgamma, log_abs_gamma, 1 + RANDOM.uniform(-0.01, 0.01, 60), 8),
    ("lgamma near 2", own.lgamma, log_abs_gamma, 2 + RANDOM.uniform(-0.01, 0.01, 60), 8),
    ("lgamma far", own.lgamma, log_abs_gamma, 10 ** RANDOM.uniform(3, 300, 20), 8),
    ("digamma", own.digamma, lambda mp, x: mp.digamma(x), POSITIVE, 12),
    ("digamma near its zero", own.digamma, lambda mp, x: mp.digamma(x), NEAR_ROOT, 12),
    ("polygamma 1", lambda x: own.polygamma(1, x), lambda mp, x: mp.polygamma(1, x), POSITIVE[::4], 8),
    ("polygamma 1 left", lambda x: own.polygamma(1, x), lambda mp, x: mp.polygamma(1, x), LEFT, 8),
    ("polygamma 3", lambda x: own.polygamma(3, x), lambda mp, x: mp.polygamma(3, x), POSITIVE[::4], 8),
    ("zeta 1.5", lambda q: own.zeta(1.5, q), lambda mp, q: mp.zeta(1.5, q), POSITIVE[::4], 8),
    ("zeta 20", lambda q: own.zeta(20.0, q), lambda mp, q: mp.zeta(20, q), RANDOM.uniform(0.1, 30, 30), 8),
]


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row[0])
def test_error_is_a_few_ulp(row):
    _, function, reference, xs, limit = row
    assert errors(function, reference, xs).max() < limit


@pytest.mark.parametrize("name, scipy_name", [("lgamma", "gammaln"), ("digamma", "psi")])
def test_left_of_zero_only_cancellation_costs_digits(name, scipy_name):
    special = pytest.importorskip("scipy.special")
    xs = -RANDOM.uniform(0, 40, 300)
    np.testing.assert_allclose(getattr(own, name)(xs), getattr(special, scipy_name)(xs), rtol=1e-12, atol=1e-13)


def test_erfc_in_single_precision_is_rounded_once():
    x = np.concatenate([np.linspace(-5, 10.2, 20_001), [0, -0.0, 1e-30, -1e-30, 1e-45, 200, -200]]).astype("f")
    want = np.array([math.erfc(float(one)) for one in x])
    y = own.erfc_single(x)
    assert y.dtype == np.float32
    assert np.max(np.abs(y - want) / np.spacing(want.astype("f"))) < 0.504
    np.testing.assert_array_equal(own.erfc_single(np.array([np.nan, np.inf, -np.inf], "f")), [np.nan, 0, 2])


@pytest.mark.parametrize("shape", [(), (0, 3), (7, 5), (3, 11_001)])
def test_erfc_in_single_precision_keeps_the_shape(shape):
    x = RANDOM.normal(size=shape).astype("f")
    assert own.erfc_single(x).shape == shape
    np.testing.assert_allclose(own.erfc_single(x.T), own.erfc(x.T.astype("f8")), rtol=1e-7)


def test_a_network_with_gelu_loads_no_scipy():
    """It takes 27 MB and the time of a first step."""
    program = """
import sys
import wengert as torch
x = torch.linspace(-3, 3, 7, requires_grad=True)
torch.nn.functional.gelu(x).sum().backward()
assert abs(float(x.grad.sum()) - 3.5) < 1e-5, x.grad
assert "scipy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, 1.0, 2.0, -1e17, 1e308])


@pytest.mark.parametrize("name", ["erf", "erfc", "erfcx", "erfinv", "ndtri", "digamma"])
def test_special_values_are_scipys(name):
    special = pytest.importorskip("scipy.special")
    with np.errstate(all="ignore"):
        want = getattr(special, {"digamma": "psi"}.get(name, name))(SPECIAL)
        np.testing.assert_allclose(getattr(own, name)(SPECIAL), want)


def test_lgamma_is_infinite_at_both_ends_and_at_poles():
    with np.errstate(all="ignore"):
        got = own.lgamma(np.array([0.0, -0.0, -1.0, -17.0, np.inf, -np.inf]))
    assert np.all(got == np.inf)


def test_zeta_at_its_poles_and_outside():
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(own.zeta(np.array([1.0, 0.5, np.nan, 2.0, 2.0]), np.array([2.0, 2, 2, 0, -3])),
                                      [np.inf, np.nan, np.nan, np.inf, np.inf])
        assert np.isnan(own.zeta(2.5, np.array(-0.5)))


def test_constants_are_the_roundings_of_their_numbers():
    mp = pytest.importorskip("mpmath")
    mp.mp.dps = 50
    root = mp.findroot(mp.digamma, 1.46)
    assert float(root) == own._ROOT
    assert float(root - own._ROOT) == pytest.approx(own._ROOT_REST, rel=1e-3)
    assert own._around_two()[1] == float(1 - mp.euler)
    assert all(b == pytest.approx(float(mp.bernoulli(2 * k)), rel=1e-15) for k, b in enumerate(own.BERNOULLI, 1))
