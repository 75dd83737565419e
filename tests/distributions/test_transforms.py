"""Transforms and constraints beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.distributions.table import Maker
from tests.functions.peer import array

torch = pytest.importorskip("torch")

VECTOR, MATRIX = [[-0.5, 0.3, 1.2], [0.1, 0.0, -2.0]], [[0.3, 0.0, 0.0], [0.5, -0.2, 0.0], [0.1, 0.7, 0.4]]
TRANSFORMS = {
    "abs": (lambda m: m.d.AbsTransform(), VECTOR),
    "affine": (lambda m: m.d.AffineTransform(m.t([1.0, 2.0, 3.0]), m.t([-1.0, 0.5, 2.0])), VECTOR),
    "affine event": (lambda m: m.d.AffineTransform(1.0, -2.0, event_dim=1), VECTOR),
    "exp": (lambda m: m.d.ExpTransform(), VECTOR),
    "log": (lambda m: m.d.ExpTransform().inv, [[0.5, 0.3, 1.2]]),
    "power": (lambda m: m.d.PowerTransform(m.t(2.5)), [[0.5, 0.3, 1.2]]),
    "sigmoid": (lambda m: m.d.SigmoidTransform(), VECTOR),
    "softplus": (lambda m: m.d.SoftplusTransform(), VECTOR),
    "tanh": (lambda m: m.d.TanhTransform(), VECTOR),
    "softmax": (lambda m: m.d.SoftmaxTransform(), VECTOR),
    "stick": (lambda m: m.d.StickBreakingTransform(), VECTOR),
    "cholesky": (lambda m: m.d.LowerCholeskyTransform(), MATRIX),
    "definite": (lambda m: m.d.PositiveDefiniteTransform(), MATRIX),
    "correlation": (lambda m: m.d.CorrCholeskyTransform(), VECTOR),
    "correlation of 4": (lambda m: m.d.CorrCholeskyTransform(), [[0.1, -0.2, 0.3, 0.5, 1.0, -0.7]]),
    "reshape": (lambda m: m.d.ReshapeTransform((3,), (3, 1)), VECTOR),
    "independent": (lambda m: m.d.IndependentTransform(m.d.ExpTransform(), 1), VECTOR),
    "compose": (lambda m: m.d.ComposeTransform([m.d.AffineTransform(0.5, 2.0), m.d.StickBreakingTransform()]), VECTOR),
    "cat": (lambda m: m.d.CatTransform([m.d.ExpTransform(), m.d.TanhTransform()], dim=-1, lengths=[1, 2]), VECTOR),
    "stack": (lambda m: m.d.StackTransform([m.d.ExpTransform(), m.d.TanhTransform()], dim=0), VECTOR),
    "cdf": (lambda m: m.d.CumulativeDistributionTransform(m.d.Normal(m.t(0.0), 1.0)), VECTOR),
}


def same(found, wanted, what):
    np.testing.assert_allclose(array(found), wanted.numpy(), rtol=1e-7, atol=1e-9, err_msg=what)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_there_and_back(name):
    make, points = TRANSFORMS[name]
    t, u = make(Maker(wengert)), make(Maker(torch))
    x, y = Maker(wengert).t(points), Maker(torch).t(points)
    assert t.bijective == u.bijective
    a, b = t(x), u(y)
    same(a, b, "forward")
    same(t.inv(a), u.inv(b), "inverse")
    assert t.inv.inv is t or t.inv.inv == t
    assert tuple(t.forward_shape(x.shape)) == tuple(a.shape)
    assert tuple(t.inverse_shape(a.shape)) == tuple(x.shape) or name == "softmax"
    if t.bijective:
        same(t.log_abs_det_jacobian(x, a), u.log_abs_det_jacobian(y, b), "log det")
    for side in ("domain", "codomain"):
        mine, theirs = getattr(t, side), getattr(u, side)
        assert mine.event_dim == theirs.event_dim
        value = (x, y) if side == "domain" else (a, b)
        assert bool(mine.check(value[0]).all()) == bool(theirs.check(value[1]).all())


def test_a_cache_gives_back_the_very_tensor():
    t = wengert.distributions.ExpTransform(cache_size=1)
    x = wengert.ones(3)
    y = t(x)
    assert t.inv(y) is x and t(x) is y
    with pytest.raises(ValueError, match="cache_size"):
        wengert.distributions.ExpTransform(cache_size=2)


CONSTRAINTS = {
    "real": lambda c: c.real, "positive": lambda c: c.positive, "nonnegative": lambda c: c.nonnegative,
    "unit": lambda c: c.unit_interval, "interval": lambda c: c.interval(-1.0, 2.0), "above": lambda c: c.greater_than(0.5),
    "below": lambda c: c.less_than(0.5), "half open": lambda c: c.half_open_interval(0.0, 1.0), "boolean": lambda c: c.boolean,
    "counts": lambda c: c.nonnegative_integer, "few": lambda c: c.integer_interval(0, 2), "simplex": lambda c: c.simplex,
    "vector": lambda c: c.real_vector, "one hot": lambda c: c.one_hot, "lower": lambda c: c.lower_triangular,
    "factor": lambda c: c.lower_cholesky, "correlation": lambda c: c.corr_cholesky, "square": lambda c: c.square,
    "symmetric": lambda c: c.symmetric, "definite": lambda c: c.positive_definite, "semi": lambda c: c.positive_semidefinite,
    "multinomial": lambda c: c.multinomial(2), "pair": lambda c: c.stack([c.positive, c.real], dim=0),
    "side by side": lambda c: c.cat([c.positive, c.real], dim=-1, lengths=[1, 1]),
}  # fmt: skip
VALUES = [
    [[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.2, 0.8]], [[1.0, 0.3], [0.3, 2.0]], [[1.0, 2.0], [2.0, 1.0]],
    [[1.0, 0.0], [0.6, 0.8]], [[-1.0, 0.5], [2.0, -3.0]], [[float("nan"), 1.0], [0.0, 0.0]], [[1.0, 1.0], [2.0, 0.0]],
]  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_check_as_pytorchs(name):
    mine = CONSTRAINTS[name](wengert.distributions.constraints)
    theirs = CONSTRAINTS[name](torch.distributions.constraints)
    assert mine.event_dim == theirs.event_dim and mine.is_discrete == theirs.is_discrete
    for value in VALUES:
        if name in ("definite", "semi") and np.isnan(value).any():
            continue
        found, wanted = mine.check(Maker(wengert).t(value)), theirs.check(Maker(torch).t(value))
        assert found.tolist() == wanted.tolist(), value


REGISTERED = ["real", "positive", "nonnegative", "unit", "interval", "above", "below", "half open", "simplex", "vector"]


@pytest.mark.parametrize("name", [*REGISTERED, "correlation", "factor", "definite", "pair", "side by side"])
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_registries_give_pytorchs_transforms(name, registry):
    mine, theirs = getattr(wengert.distributions, registry), getattr(torch.distributions, registry)
    ours, other = CONSTRAINTS[name](wengert.distributions.constraints), CONSTRAINTS[name](torch.distributions.constraints)
    try:
        u = theirs(other)
    except NotImplementedError:
        with pytest.raises(NotImplementedError):
            mine(ours)
        return
    t = mine(ours)
    value = [[0.3, -0.2], [0.5, 0.1]] if name != "correlation" else [[0.3, -0.2, 0.1]]
    x, y = t(Maker(wengert).t(value)), u(Maker(torch).t(value))
    same(x, y, name)
    assert ours.check(x).all()
