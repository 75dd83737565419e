"""KL(p | q) of every registered pair, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.distributions.table import CASES, Maker
from tests.functions.peer import array

torch = pytest.importorskip("torch")

OTHERS = {
    "Normal": lambda m: m.d.Normal(m.t([0.5, 0.0, 1.0]), m.t([2.0, 0.7, 1.0])),
    "Laplace": lambda m: m.d.Laplace(m.t([0.5, 0.0, 1.0]), m.t([2.0, 0.7, 1.0])),
    "Cauchy": lambda m: m.d.Cauchy(m.t([0.5, 0.0, 1.0]), m.t([2.0, 0.7, 1.0])),
    "Uniform": lambda m: m.d.Uniform(m.t([-3.0, 0.2, 0.0]), m.t([1.5, 0.8, 4.0])),
    "Exponential": lambda m: m.d.Exponential(m.t([1.5, 0.2, 1.0])),
    "Gamma": lambda m: m.d.Gamma(m.t([1.5, 0.2, 1.0]), m.t([2.0, 0.7, 1.0])),
    "Beta": lambda m: m.d.Beta(m.t([1.5, 0.2, 1.0]), m.t([2.0, 0.7, 1.0])),
    "Gumbel": lambda m: m.d.Gumbel(m.t([0.5, 0.0, 1.0]), m.t([2.0, 0.7, 1.0])),
    "Pareto": lambda m: m.d.Pareto(m.t([0.05, 0.7, 1.0]), m.t([2.5, 0.7, 1.0])),
    "Poisson": lambda m: m.d.Poisson(m.t([1.5, 0.2, 1.0])),
    "Bernoulli": lambda m: m.d.Bernoulli(m.t([0.5, 0.0, 1.0])),
    "Binomial": lambda m: m.d.Binomial(5, m.t([0.5, 0.3, 0.1])),
    "Geometric": lambda m: m.d.Geometric(m.t([0.5, 0.3, 0.1])),
    "Categorical": lambda m: m.d.Categorical(m.t([[0.5, 0.5, 0.0], [0.2, 0.2, 0.6]])),
    "OneHotCategorical": lambda m: m.d.OneHotCategorical(m.t([[0.5, 0.5, 0.0], [0.2, 0.2, 0.6]])),
    "ContinuousBernoulli": lambda m: m.d.ContinuousBernoulli(m.t([0.5, 0.3, 0.1])),
    "Dirichlet": lambda m: m.d.Dirichlet(m.t([[0.7, 0.5, 3.0], [1.2, 2.2, 0.6]])),
    "HalfNormal": lambda m: m.d.HalfNormal(m.t([0.5, 0.3, 0.1])),
    "LogNormal": lambda m: m.d.LogNormal(m.t([0.5, 0.0, 1.0]), m.t([2.0, 0.7, 1.0])),
    "Independent": lambda m: m.d.Independent(m.d.Normal(m.t([[0.5, 0.0, 1.0]]), m.t([2.0, 0.7, 1.0])), 1),
    "MultivariateNormal": lambda m: m.d.MultivariateNormal(m.t([0.5, 0.0, 1.0]), m.t([[1.0, 0.2, 0], [0.2, 2, 0], [0, 0, 3]])),
    "LowRankMultivariateNormal": lambda m: m.d.LowRankMultivariateNormal(
        m.t([0.5, 0.0, 1.0]), m.t([[0.3, 0.1], [0.2, 0.5], [0.4, 0.4]]), m.t([0.5, 1.0, 1.5])
    ),
}


def pairs():
    found = []
    for a, b in torch.distributions.kl._KL_REGISTRY:
        if (a.__name__, b.__name__) == ("ContinuousBernoulli", "Uniform"):  # infinite in PyTorch where it is not
            continue
        if a.__name__ in CASES and b.__name__ in OTHERS:
            found.append((a.__name__, b.__name__))
    return [*sorted(found), ("LogNormal", "LogNormal")]


@pytest.mark.parametrize("pair", pairs(), ids="-".join)
def test_the_divergence_is_pytorchs(pair):
    p, q = pair
    mine, theirs = Maker(wengert), Maker(torch)
    found = wengert.distributions.kl_divergence(CASES[p][0](mine), OTHERS[q](mine))
    wanted = torch.distributions.kl_divergence(CASES[p][0](theirs), OTHERS[q](theirs))
    np.testing.assert_allclose(array(found), wanted.numpy(), rtol=1e-7, atol=1e-10)


FAMILIES = "Normal Gamma Beta Dirichlet Exponential Poisson Bernoulli ContinuousBernoulli".split()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_way_through_natural_parameters_agrees(name):
    from wengert.distributions.divergences import _family
    from wengert.distributions.exp_family import ExponentialFamily

    m = Maker(wengert)
    p = CASES[name][0](m)
    q = p if name in ("Bernoulli", "ContinuousBernoulli") else OTHERS[name](m)
    np.testing.assert_allclose(array(_family(p, q)), array(wengert.distributions.kl_divergence(p, q)), rtol=1e-6, atol=1e-9)
    if name not in ("Poisson", "Beta", "Dirichlet"):
        np.testing.assert_allclose(array(ExponentialFamily.entropy(p)), array(p.entropy()), rtol=1e-7)


def test_uniform_around_the_unit_interval():
    """KL(p | Uniform) = log of the width - entropy, infinite unless the interval is inside."""
    d, m = wengert.distributions, Maker(wengert)
    p = d.ContinuousBernoulli(m.t(0.2))
    found = d.kl_divergence(p, d.Uniform(m.t([0.0, -1.0, 0.1, 0.0]), m.t([1.0, 4.0, 1.0, 0.9])))
    entropy = p.entropy().item()
    np.testing.assert_allclose(array(found), [-entropy, np.log(5) - entropy, np.inf, np.inf], rtol=1e-9)


def test_a_pair_of_ones_own():
    d = wengert.distributions

    class Mine(d.Normal):
        pass

    p = Mine(0.0, 1.0)
    assert d.kl_divergence(p, d.Normal(0.0, 1.0)) == 0
    d.register_kl(Mine, Mine)(lambda p, q: wengert.tensor(7.0))
    assert d.kl_divergence(p, p) == 7
    with pytest.raises(NotImplementedError, match="register_kl"):
        d.kl_divergence(d.StudentT(3.0), d.Normal(0.0, 1.0))
    with pytest.raises(TypeError):
        d.register_kl(int, d.Normal)
