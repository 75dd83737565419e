"""Special functions beside PyTorch, at their poles and in their tails, and without SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.primitives.peer import INF, NAN, beside, evaluate, gradients
from wengert.primitives import special as own

PEERS = {
    "erf": "erf", "erfc": "erfc", "erfcx": "erfcx", "erfinv": "erfinv", "ndtr": "ndtr", "ndtri": "ndtri",
    "log_ndtr": "log_ndtr", "i0": "i0", "i0e": "i0e", "i1": "i1", "i1e": "i1e",
}  # fmt: skip

NEAR = np.array([-3.7, -1.0, -0.5, -1e-9, -0.0, 0.0, 1e-9, 0.5, 1.0, 2.5, 3.9])
UNIT = np.array([-1.5, -1.0, -0.999, -0.3, 0.0, 1e-12, 0.4, 0.97, 1.0, 1.5, NAN])
WHERE = {"erfinv": UNIT, "ndtri": UNIT}


def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PEERS)
def test_beside_pytorch(name, dtype, library):
    if library == "own" and name.startswith("i"):
        with pytest.raises(ImportError, match=f"{name}: this function is computed by SciPy.*pip install scipy"):
            evaluate(getattr(own, name), NEAR)
        return
    x = WHERE.get(name, NEAR).astype(dtype)
    # PyTorch's ndtr is 1 + erf, which cancels in the left tail.
    atol = 1e-8 if (name, dtype) == ("ndtr", "float32") else 1e-15
    beside(getattr(own, name), getattr(torch().special, PEERS[name]), x, atol=atol)


def test_tails_keep_their_relative_precision(library):
    x = np.array([-30.0, -12.0, 5.0, 26.0])
    special = pytest.importorskip("scipy.special")
    for name in ("erfc", "ndtr", "log_ndtr"):
        # x / sqrt 2 is rounded before it is squared: x^2 ulp, 1e-13 at -30
        np.testing.assert_allclose(evaluate(getattr(own, name), x), getattr(special, name)(x), rtol=3e-13)


def test_log_ndtr_has_finite_derivatives_on_both_tails(library):
    x = np.array([-1e4, -50.0, 0.5, 1.0, 1.5, 30.0, 50.0])
    _, (bar,) = gradients(own.log_ndtr, [x])
    special = pytest.importorskip("scipy.special")
    np.testing.assert_allclose(bar, np.sqrt(2 / np.pi) / special.erfcx(-x / np.sqrt(2)), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name, approximate", [("gelu", "none"), ("gelu_tanh", "tanh")])
def test_gelu(name, approximate, library):
    beside(getattr(own, name), lambda x: torch().nn.functional.gelu(x, approximate=approximate), NEAR)


def test_gelu_does_not_lose_its_left_tail(library):
    x = np.array([-12.0, -8.5])
    special = pytest.importorskip("scipy.special")
    np.testing.assert_allclose(evaluate(own.gelu, x), x * special.ndtr(x), rtol=1e-13)
    u = np.sqrt(2 / np.pi) * (6 + 0.044715 * 6**3)
    assert evaluate(own.gelu_tanh, np.array(-6.0)) == pytest.approx(-6 / (1 + np.exp(2 * u)), rel=1e-12)


def test_ends(library):
    np.testing.assert_array_equal(evaluate(own.erfinv, np.array([-1.0, 1.0, 1.1])), [-INF, INF, NAN])
    np.testing.assert_array_equal(evaluate(own.ndtri, np.array([0.0, 1.0, -0.1])), [-INF, INF, NAN])
