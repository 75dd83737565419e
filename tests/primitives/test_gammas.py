"""The gamma family beside PyTorch, at its poles, and without SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.primitives.peer import INF, NAN, beside, bind, evaluate, gradients
from tests.rules.harness import node_of
from wengert import dtypes
from wengert.derive.reverse import Saves, saves
from wengert.errors import MissingRule
from wengert.graph.node import array_type
from wengert.graph.record import separate_tape
from wengert.graph.rule import placeholder
from wengert.primitives import gammas as own

RIGHT = np.array([1e-9, 0.3, 0.5, 1.0, 1.5, 2.0, 2.5, 7.0, 20.0, 1e3])


def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name, peer", [("lgamma", "gammaln"), ("digamma", "psi")])
def test_beside_pytorch(name, peer, dtype, library):
    x = RIGHT.astype(dtype)
    # PyTorch's trigamma has ten digits.
    beside(getattr(own, name), getattr(torch().special, peer), x, gradient=name == "lgamma", atol=1e-15)


POLYGAMMA = np.array([0.1, 0.5, 1.0, 2.5, 7.0, 30.0, -0.5, -1.3, -7.7])


@pytest.mark.parametrize("order", [0, 2, 3, 5])
def test_polygamma(order, library):
    def peer(x):
        return torch().special.polygamma(order, x)

    beside(bind(own.polygamma, order=order), peer, POLYGAMMA, gradient=False)
    if order:
        beside(bind(own.polygamma, order=order), peer, POLYGAMMA[:6])


def test_trigamma(library):
    """Beside SciPy: PyTorch's trigamma has ten digits."""
    special = pytest.importorskip("scipy.special")
    right = POLYGAMMA[:6]
    np.testing.assert_allclose(evaluate(bind(own.polygamma, order=1), right), special.polygamma(1, right), rtol=1e-14)
    _, (bar,) = gradients(own.digamma, [right])
    np.testing.assert_allclose(bar, special.polygamma(1, right), rtol=1e-14)
    beside(bind(own.polygamma, order=1), lambda x: torch().special.polygamma(1, x), right, atol=1e-7)
    assert evaluate(bind(own.polygamma, order=1), np.array(1.0)) == pytest.approx(np.pi**2 / 6, rel=1e-15)


def test_polygamma_refuses_a_negative_order():
    with pytest.raises(ValueError, match="an order that is not negative; got -1"):
        own.polygamma(placeholder(array_type((2,), dtypes.float32)), order=-1)


def test_poles(library):
    ends = np.array([0.0, -0.0, -1.0, INF, -INF, NAN])
    np.testing.assert_array_equal(evaluate(own.lgamma, ends), [INF, INF, INF, INF, INF, NAN])
    np.testing.assert_array_equal(evaluate(own.digamma, ends), [-INF, INF, NAN, INF, NAN, NAN])


def test_zeta_and_its_derivative_by_the_second_argument():
    s, q = np.array([1.5, 2.0, 3.0, 8.0]), np.array([0.3, 1.0, 2.5, 7.0])
    beside(own.zeta, torch().special.zeta, s, q, gradient=False)
    _, (bar,) = gradients(lambda q: own.zeta(node_of(s), q), [q])
    want = -s * torch().special.zeta(torch().tensor(s + 1), torch().tensor(q)).numpy()
    np.testing.assert_allclose(bar, want, rtol=1e-12)


@pytest.mark.parametrize("name", ["gammainc", "gammaincc"])
def test_incomplete_gamma_and_its_derivative_by_the_second_argument(name):
    pytest.importorskip("scipy")
    a, x = np.array([0.5, 1.0, 2.5]), np.array([0.3, 1.0, 7.0])
    function = getattr(torch().special, name)
    beside(getattr(own, name), function, a, x, gradient=False)
    beside(lambda x: getattr(own, name)(node_of(a), x), lambda x: function(torch().from_numpy(a), x), x)


@pytest.mark.parametrize("name", ["zeta", "gammainc", "gammaincc"])
def test_a_derivative_that_is_not_known_is_an_error_and_not_a_zero(name):
    pytest.importorskip("scipy")
    with pytest.raises(MissingRule, match=f"the derivative of {name} with respect to its .* is not implemented"):
        gradients(getattr(own, name), [np.array([2.0]), np.array([1.5])])


def test_a_value_is_there_though_one_of_its_derivatives_is_not():
    """What a flush keeps for backward is found without asking for the derivative that is missing."""
    pytest.importorskip("scipy")
    with separate_tape():
        y = own.gammainc(node_of(np.array([2.0]), tracked=True), node_of(np.array([1.5]), tracked=True))
        assert saves(y) == Saves((0, 1), True)
