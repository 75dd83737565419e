"""Samples: their moments and their derivatives, as far as chance goes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

import wengert
from tests.distributions.table import CASES, Maker
from tests.functions.peer import array
from wengert.primitives.sampling import _gamma_slope

COUNT = 20_000
NO_MOMENTS = (
    "Cauchy", "HalfCauchy", "StudentT", "FisherSnedecor", "Pareto", "InverseGamma", "GeneralizedPareto", "Chi2", "LogNormal",
)  # fmt: skip


def made(name):
    return CASES[name][0](Maker(wengert))


@pytest.mark.parametrize("name", CASES)
def test_samples_lie_in_the_support(name):
    wengert.manual_seed(0)
    p = made(name)
    values = p.sample((1000,))
    assert tuple(values.shape) == (1000, *p.batch_shape, *p.event_shape)
    assert not values.requires_grad
    assert p.support.check(values).all()


@pytest.mark.parametrize("name", [name for name in CASES if name.partition(" ")[0] not in NO_MOMENTS])
def test_samples_have_the_moments(name):
    wengert.manual_seed(1)
    p = made(name)
    try:
        mean, variance = array(p.mean), array(p.variance)
    except NotImplementedError:
        return
    if not np.isfinite(mean).all() or name == "VonMises":
        return
    values = array(p.sample((COUNT,))).astype(float)
    off = np.abs(values.mean(0) - mean) / np.sqrt(variance / COUNT + 1e-12)
    assert off.max() < 5
    np.testing.assert_allclose(values.var(0), variance, rtol=0.25, atol=1e-3)


SCIPY = {
    "Normal": (stats.norm, (1.0, 0.5)), "Laplace": (stats.laplace, (1.0, 0.5)), "Cauchy": (stats.cauchy, (1.0, 0.5)),
    "StudentT": (stats.t, (1.5, 1.0, 0.5)), "Gamma": (stats.gamma, (0.3, 0, 2.0)), "Beta": (stats.beta, (0.05, 0.1)),
    "FisherSnedecor": (stats.f, (1.5, 3.0)), "VonMises": (stats.vonmises, (1.5, 0.4)),
    "HalfCauchy": (stats.halfcauchy, (0, 2.0)),
    "InverseGamma": (stats.invgamma, (1.5, 0, 2.0)), "Pareto": (stats.pareto, (1.5, 0, 0.5)),
    "Gumbel": (stats.gumbel_r, (1.0, 0.5)), "Weibull": (stats.weibull_min, (1.5, 0, 0.5)),
    "GeneralizedPareto": (stats.genpareto, (0.3, 1.0, 0.5)),
}  # fmt: skip
OURS = {
    "Normal": (1.0, 0.5), "Laplace": (1.0, 0.5), "Cauchy": (1.0, 0.5), "StudentT": (1.5, 1.0, 0.5), "Gamma": (0.3, 0.5),
    "Beta": (0.05, 0.1), "FisherSnedecor": (1.5, 3.0), "VonMises": (0.4, 1.5), "HalfCauchy": (2.0,), "InverseGamma": (1.5, 2.0),
    "Pareto": (0.5, 1.5), "Gumbel": (1.0, 0.5), "Weibull": (0.5, 1.5), "GeneralizedPareto": (1.0, 0.5, 0.3),
}  # fmt: skip


@pytest.mark.parametrize("name", SCIPY)
def test_samples_follow_the_distribution_function(name):
    wengert.manual_seed(2)
    m = Maker(wengert)
    values = array(getattr(m.d, name)(*[m.t(x) for x in OURS[name]]).sample((4000,)))
    family, options = SCIPY[name]
    assert stats.kstest(values, family(*options).cdf).pvalue > 1e-3


def test_the_same_seed_gives_the_same_samples():
    for name in ("Gamma", "Beta", "VonMises", "Poisson", "Categorical", "Normal"):
        p = made(name)
        wengert.manual_seed(3)
        first = p.sample((5,))
        second = p.sample((5,))
        wengert.manual_seed(3)
        assert wengert.equal(p.sample((5,)), first)
        assert not wengert.equal(second, first)


# --- derivatives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [1e-3, 0.05, 0.3, 1.0, 5.0, 80.0, 3000.0])
@pytest.mark.parametrize("q", [1e-3, 0.2, 0.5, 0.9, 0.999])
def test_the_slope_of_a_gamma_number(a, q):
    """Against differences of the inverse of the distribution function."""
    x, h = special.gammaincinv(a, q), 1e-5 * a
    if x < 1e-250:
        return
    wanted = (special.gammaincinv(a + h, q) - special.gammaincinv(a - h, q)) / (2 * h)
    np.testing.assert_allclose(_gamma_slope(np.array([a]), np.array([x])), wanted, rtol=2e-6)


def expectation(make, f, *parameters):
    """The mean of f over many samples, and its derivative by each parameter."""
    xs = [wengert.tensor(x, dtype=wengert.float64, requires_grad=True) for x in parameters]
    value = f(make(wengert.distributions, *xs).rsample((COUNT,))).mean(0).sum()
    value.backward()
    return value.item(), [x.grad.item() for x in xs]


@pytest.mark.parametrize(
    ("make", "f", "parameters", "value", "slopes"),
    [
        (lambda d, m, s: d.Normal(m, s), lambda x: x**2, (0.5, 1.5), 2.5, (1.0, 3.0)),
        (lambda d, a, b: d.Gamma(a, b), lambda x: x, (1.7, 2.0), 0.85, (0.5, -0.425)),
        (lambda d, a, b: d.Gamma(a, b), lambda x: x**2, (0.4, 1.0), 0.56, (1.8, -1.12)),
        (lambda d, a, b: d.Beta(a, b), lambda x: x, (1.5, 0.7), 1.5 / 2.2, (0.7 / 2.2**2, -1.5 / 2.2**2)),
        (lambda d, a: d.Dirichlet(wengert.stack([a, 2 * a, a + 1])), lambda x: x[..., 0], (0.8,), 0.8 / 4.2, (1 / 4.2**2,)),
        (lambda d, s: d.StudentT(20.0, 0.0, s), lambda x: x**2, (1.5,), 2.25 * 20 / 18, (3.0 * 20 / 18,)),
        (lambda d, r: d.Exponential(r), lambda x: x, (2.0,), 0.5, (-0.25,)),
        (lambda d, m, s: d.LogNormal(m, s), lambda x: x.log(), (0.5, 1.5), 0.5, (1.0, 0.0)),
        (lambda d, m, s: d.Laplace(m, s), lambda x: x**2, (0.5, 1.5), 4.75, (1.0, 6.0)),
        (lambda d, m, s: d.Gumbel(m, s), lambda x: x, (0.5, 1.5), 0.5 + 1.5 * np.euler_gamma, (1.0, np.euler_gamma)),
    ],
)
def test_derivatives_of_expectations(make, f, parameters, value, slopes):
    wengert.manual_seed(4)
    found, gradients = expectation(make, f, *parameters)
    np.testing.assert_allclose(found, value, rtol=0.06, atol=0.02)
    np.testing.assert_allclose(gradients, slopes, rtol=0.12, atol=0.04)


def test_a_sample_differentiates_once():
    a = wengert.tensor(2.0, requires_grad=True)
    (slope,) = wengert.autograd.grad(wengert.distributions.Gamma(a, 1.0).rsample(), a, create_graph=True)
    with pytest.raises(RuntimeError, match="twice"):
        slope.backward()


def test_straight_through_and_relaxed():
    d = wengert.distributions
    logits = wengert.tensor([0.1, 0.5, -0.3], requires_grad=True)
    y = d.OneHotCategoricalStraightThrough(logits=logits).rsample()
    assert sorted(y.tolist()) == pytest.approx([0, 0, 1], abs=1e-6)
    (y * wengert.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert logits.grad.abs().sum() > 0
    y = d.RelaxedOneHotCategorical(wengert.tensor(0.1), logits=logits).rsample((100,))
    assert (y.sum(-1) - 1).abs().max() < 1e-5
    assert d.RelaxedBernoulli(wengert.tensor(0.1), logits=logits).rsample((4,)).requires_grad


def test_small_concentrations_do_not_vanish():
    wengert.manual_seed(5)
    x = wengert.distributions.Dirichlet(wengert.full((4,), 1e-4)).sample((500,))
    assert x.isfinite().all() and ((x.sum(-1) - 1).abs() < 1e-5).all()


def test_gamma_numbers_by_pytorchs_name_come_from_their_generator():
    a = wengert.tensor([0.5, 3.0]).expand(2000, 2).clone().requires_grad_()
    draws = [wengert._standard_gamma(a, wengert.Generator().manual_seed(3)) for _ in range(2)]
    assert bool((draws[0] == draws[1]).all())
    np.testing.assert_allclose(array(draws[0].detach()).mean(0), [0.5, 3.0], rtol=0.1)
    draws[0].sum().backward()  # of the mean, which is the shape parameter
    np.testing.assert_allclose(array(a.grad).mean(0), [1.0, 1.0], rtol=0.1)
