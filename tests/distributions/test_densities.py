"""Everything about a distribution that is no chance, beside PyTorch's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import wengert
from tests.distributions.table import CASES, Maker
from tests.functions.peer import array

torch = pytest.importorskip("torch")

LATER = (NotImplementedError, AttributeError)

# Where PyTorch 2.13 is not right: for a concentration below 1 the density of Weibull is largest at 0; the logarithm of a
# negative number in Kumaraswamy; polynomials of single precision for Bessel functions.
MODES = {"Weibull": [0.0, 0.5 * (1 / 3) ** (2 / 3), 2 * (2 / 3) ** (1 / 3)]}
MODES["Kumaraswamy"] = [np.nan, (0.5 / 2.75) ** (1 / 1.5), (2 / 5) ** (1 / 3)]
ROUGH = {"VonMises": 2e-6}


@pytest.fixture(autouse=True)
def in_double_precision():
    """PyTorch's distributions mix in constants of the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def both(name):
    make, points = CASES[name]
    mine, theirs = Maker(wengert), Maker(torch)
    return make(mine), make(theirs), mine.t(points), theirs.t(points)


def same(found, wanted, what, rtol=1e-9):
    np.testing.assert_allclose(array(found), wanted.detach().numpy(), rtol=rtol, atol=1e-12, err_msg=what)


def asked(call, name):
    """What PyTorch gives, or None where it has nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except LATER:
        return None


@pytest.mark.parametrize("name", CASES)
def test_shapes_and_words(name):
    p, q, _, _ = both(name)
    assert tuple(p.batch_shape) == tuple(q.batch_shape) and tuple(p.event_shape) == tuple(q.event_shape)
    assert p.has_rsample == q.has_rsample or name in ("Gumbel", "Pareto", "Weibull")
    assert p.has_enumerate_support == q.has_enumerate_support
    assert asked(lambda: p.support.event_dim, name) == asked(lambda: q.support.event_dim, name)
    assert asked(lambda: p.support.is_discrete, name) == asked(lambda: q.support.is_discrete, name)
    if "array" not in repr(q):
        assert repr(p).partition("(")[0] == repr(q).partition("(")[0]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("what", ["mean", "mode", "variance", "stddev"])
def test_moments(name, what):
    p, q, _, _ = both(name)
    wanted = asked(lambda: getattr(q, what), name)
    if wanted is None:
        return
    if what == "mode" and name in MODES:
        wanted = torch.tensor(MODES[name])
    same(getattr(p, what), wanted, what, ROUGH.get(name, 1e-9))


@pytest.mark.parametrize("name", CASES)
def test_log_prob(name):
    p, q, x, y = both(name)
    same(p.log_prob(x), q.log_prob(y), "log_prob", ROUGH.get(name, 1e-9))


@pytest.mark.parametrize("name", CASES)
def test_entropy_and_perplexity(name):
    p, q, _, _ = both(name)
    wanted = asked(q.entropy, name)
    if wanted is not None:
        same(p.entropy(), wanted, "entropy", 1e-8)
        same(p.perplexity(), q.perplexity(), "perplexity", 1e-8)


@pytest.mark.parametrize("name", CASES)
def test_cdf_and_back(name):
    p, q, x, y = both(name)
    wanted = asked(lambda: q.cdf(y), name)
    if wanted is not None:
        same(p.cdf(x), wanted, "cdf")
    u = [0.1, 0.5, 0.8]
    wanted = asked(lambda: q.icdf(Maker(torch).t(u)), name)
    if wanted is not None:
        same(p.icdf(Maker(wengert).t(u)), wanted, "icdf", 1e-8)


@pytest.mark.parametrize("name", CASES)
def test_expanding(name):
    p, q, x, y = both(name)
    shape = (3, *p.batch_shape)
    p, q = p.expand(shape), q.expand(shape)
    assert tuple(p.batch_shape) == shape and tuple(p.event_shape) == tuple(q.event_shape)
    same(p.log_prob(x), q.log_prob(y), "log_prob", ROUGH.get(name, 1e-9))
    wanted = asked(lambda: q.sample((3,)), name)
    assert tuple(p.sample((3,)).shape) == tuple(wanted.shape)
    assert p.sample().dtype is wengert.float64 or name.startswith("Categorical")


@pytest.mark.parametrize("name", [name for name in CASES if both(name)[1].has_enumerate_support])
@pytest.mark.parametrize("expand", [True, False])
def test_enumeration(name, expand):
    p, q, _, _ = both(name)
    same(p.enumerate_support(expand), q.enumerate_support(expand), "support")


@pytest.mark.parametrize("name", CASES)
def test_derivatives_of_log_prob(name):
    """By the value, and through the parameters' entropy where there is one."""
    p, q, x, y = both(name)
    if asked(lambda: q.support.is_discrete, name):
        return
    x.requires_grad_(), y.requires_grad_()
    found, wanted = p.log_prob(x).sum(), q.log_prob(y).sum()
    assert found.requires_grad == wanted.requires_grad
    if not found.requires_grad:
        return
    found.backward()
    wanted.backward()
    same(x.grad, y.grad, "derivative", 1e-7)


def test_every_name_is_there():
    assert set(torch.distributions.__all__) <= set(wengert.distributions.__all__)
    for part in ("constraints", "transforms", "kl"):
        theirs, mine = getattr(torch.distributions, part), getattr(wengert.distributions, part)
        assert set(theirs.__all__) <= set(mine.__all__), part


BAD = {
    "a scale below 0": lambda m: m.d.Normal(m.t(0.0), m.t(-1.0)),
    "NaN": lambda m: m.d.Normal(m.t(float("nan")), m.t(1.0)),
    "probs above 1": lambda m: m.d.Bernoulli(m.t([0.5, 1.5])),
    "probs and logits": lambda m: m.d.Bernoulli(m.t(0.5), m.t(0.5)),
    "neither": lambda m: m.d.Categorical(),
    "no simplex": lambda m: m.d.Categorical(m.t([-0.5, 1.5])),
    "scalar probs": lambda m: m.d.Categorical(m.t(0.5)),
    "not positive definite": lambda m: m.d.MultivariateNormal(m.t([0.0, 0.0]), m.t([[1.0, 2.0], [2.0, 1.0]])),
    "two matrices": lambda m: m.d.MultivariateNormal(m.t([0.0]), m.t([[1.0]]), m.t([[1.0]])),
    "low above high": lambda m: m.d.Uniform(m.t(1.0), m.t(0.0)),
    "text": lambda m: m.d.Normal("a", 1.0),
    "too many dimensions": lambda m: m.d.Independent(m.d.Normal(m.t([0.0]), 1.0), 2),
    "value outside": lambda m: m.d.Exponential(m.t(1.0)).log_prob(m.t(-1.0)),
    "value of no tensor": lambda m: m.d.Exponential(m.t(1.0)).log_prob(1.0),
    "value of the wrong shape": lambda m: m.d.Dirichlet(m.t([1.0, 1.0])).log_prob(m.t([0.2, 0.3, 0.5])),
    "value that does not broadcast": lambda m: m.d.Normal(m.t([0.0, 1.0]), 1.0).log_prob(m.t([0.2, 0.3, 0.5])),
    "half a count": lambda m: m.d.Poisson(m.t(1.0)).log_prob(m.t(0.5)),
    "df too small": lambda m: m.d.Wishart(m.t(1.0), m.t([[1.0, 0.0], [0.0, 1.0]])),
    "one dimension": lambda m: m.d.LKJCholesky(1, m.t(1.0)),
}


@pytest.mark.parametrize("call", BAD.values(), ids=BAD)
def test_errors_are_value_errors(call):
    with pytest.raises(ValueError):
        call(Maker(torch))
    with pytest.raises(ValueError):
        call(Maker(wengert))


def test_checks_can_be_turned_off():
    d = wengert.distributions
    assert d.Normal(0.0, -1.0, validate_args=False).scale == -1
    d.Distribution.set_default_validate_args(False)
    try:
        assert d.Exponential(1.0).log_prob(wengert.tensor(-1.0)) == 1.0
    finally:
        d.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError):
        d.Distribution.set_default_validate_args(3)
