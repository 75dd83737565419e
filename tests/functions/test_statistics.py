"""Variance, standard deviation, covariance, beside PyTorch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tests.functions.peer import array, beside, complex_normal, normal, ours, raises_as_peer, tensor
from wengert.autograd.backward import grad

CUBE = normal(2, 3, 4)

FORMS = [
    lambda f, x: f(x),
    lambda f, x: f(x, 0),
    lambda f, x: f(x, False),
    lambda f, x: f(x, 1, False),
    lambda f, x: f(x, (0, 2), True, True),
    lambda f, x: f(x, dim=1, keepdim=True),
    lambda f, x: f(x, unbiased=False),
    lambda f, x: f(x, dim=-1, correction=0),
    lambda f, x: f(x, dim=None, correction=2, keepdim=True),
    lambda f, x: f(x, axis=1, keepdims=True),
    lambda f, x: f(x, dim=2, correction=0.5),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])
def test_every_form_of_arguments(name, form):
    beside(lambda m, x: form(getattr(m, name), x), CUBE)


@pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])
def test_complex_numbers_have_a_real_variance(name):
    beside(lambda m, x: getattr(m, name)(x, 0), complex_normal(4, 3), second=False)


@pytest.mark.parametrize("name", ["var", "std"])
def test_few_elements(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns about the degrees of freedom
        for x in (np.zeros(0), np.array([3.0]), np.float64(3)):
            beside(lambda m, x: getattr(m, name)(x), x, derivative=False)
        beside(lambda m, x: getattr(m, name)(x, 0), np.zeros((0, 2)), derivative=False)
        beside(lambda m, x: getattr(m, name)(x, correction=2), np.array([3.0, 4.0]), derivative=False)
        beside(lambda m, x: getattr(m, name)(x, correction=0), np.array([3.0]), second=False)


def test_where_the_deviation_is_0_so_is_its_derivative():
    beside(lambda m, x: m.std(x, 1), [[2.0, 2, 2], [1, 2, 4]], second=False)


def test_halves_are_computed_in_float32():
    x = (normal(50, 3) + 200).astype(np.float16)
    beside(lambda m, x: m.var(x, 0), x, derivative=False)
    beside(lambda m, x: m.std(x), x, derivative=False)
    half, single = tensor(x, requires_grad=True), tensor(x.astype(np.float32), requires_grad=True)
    (g,), (wanted,) = (grad([ours.sum(ours.var(v, 0))], [v]) for v in (half, single))
    np.testing.assert_allclose(array(g), array(wanted), rtol=1e-3, atol=1e-3)  # PyTorch's own is out by 40%


def test_wrong_arguments_are_errors():
    raises_as_peer(lambda m, x: m.var(x), np.array([1, 2]))
    raises_as_peer(lambda m, x: m.var(x, 3), CUBE)
    raises_as_peer(lambda m, x: m.var(x, 0, unbiased=False, correction=1), CUBE)
    raises_as_peer(lambda m, x: m.std(x, (1, 1)), CUBE)


TABLE = normal(3, 6)


@pytest.mark.parametrize("x", [TABLE, TABLE[0], complex_normal(3, 5)], ids=["table", "row", "complex"])
def test_covariance(x):
    beside(lambda m, x: m.cov(x), x, second=False)
    beside(lambda m, x: m.cov(x, correction=0), x, second=False)


def test_covariance_with_weights():
    frequency, importance = np.array([1, 2, 3, 1, 0, 2]), np.array([0.1, 0.5, 0.3, 1.0, 0.7, 0.2])
    for x in (TABLE, TABLE[0], TABLE + 1j * TABLE[::-1]):
        beside(lambda m, x, f: m.cov(x, fweights=f), x, frequency, second=False)
        beside(lambda m, x: m.cov(x, aweights=m_weights(m, importance)), x, second=False)
        beside(lambda m, x, f: m.cov(x, fweights=f, aweights=m_weights(m, importance), correction=0), x, frequency)


def test_weights_of_less_precision_are_added_up_in_theirs():
    importance = np.array([0.3666, 0.0583, 0.7006], np.float32)
    beside(lambda m, x: m.cov(x, correction=2, aweights=m_weights(m, importance)), TABLE[:, :3], second=False)


def m_weights(m, values):
    """Weights as a tensor of the module's own."""
    return tensor(values) if m is ours else m.from_numpy(values)


def test_covariance_of_integers_and_single_numbers():
    beside(lambda m, x: m.cov(x), np.array([[1, 2, 4], [0, 1, 0]]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        beside(lambda m, x: m.cov(x), np.float64(3), derivative=False)
    with pytest.warns(UserWarning, match="degrees of freedom"):
        ours.cov(tensor([[1.0], [2.0]]))


def test_correlation():
    beside(lambda m, x: m.corrcoef(x), TABLE, second=False)
    beside(lambda m, x: m.corrcoef(x), complex_normal(2, 5), second=False)
    beside(lambda m, x: m.corrcoef(x), TABLE[0], derivative=False)


def test_wrong_weights_are_errors():
    raises_as_peer(lambda m, x: m.cov(x), np.zeros((2, 2, 2)))
    raises_as_peer(lambda m, x, w: m.cov(x, fweights=w), TABLE, np.array([1, 2]))
    raises_as_peer(lambda m, x, w: m.cov(x, fweights=w), TABLE, np.ones(6))
    raises_as_peer(lambda m, x, w: m.cov(x, aweights=w), TABLE, np.ones(6, np.int64))
    raises_as_peer(lambda m, x, w: m.cov(x, fweights=w), TABLE, -np.ones(6, np.int64))
