"""Samples from distributions. Fixed seeds, so that nothing fails by chance."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.functions.peer import INF, NAN, array, ours, tensor
from wengert import dtypes
from wengert.functions import sampling
from wengert.functions.sampling import bernoulli, binomial, multinomial, normal, poisson
from wengert.functions.seeds import Generator, manual_seed

stats = pytest.importorskip("scipy.stats")
N = 20_000


@pytest.fixture(autouse=True)
def seeded():
    manual_seed(99)


def zeros(*shape, dtype=np.float32):
    return tensor(np.zeros(shape, dtype))


def test_normal_numbers_in_every_form():
    mean, std = tensor(np.arange(3.0)), tensor(np.array([0.5, 1.0, 2.0]))
    assert tuple(normal(mean, std).shape) == tuple(normal(mean).shape) == tuple(normal(0.0, std).shape) == (3,)
    assert normal(2.0, 0.0, (2, 2)).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert normal(0, 1, size=(2,), dtype=dtypes.float64, requires_grad=True).requires_grad
    x = array(normal(tensor(np.full(N, 3.0)), 2.0))
    assert stats.kstest((x - 3) / 2, "norm").pvalue > 0.01
    assert tuple(normal(tensor(np.zeros((2, 1))), std).shape) == (2, 3)
    assert not normal(tensor(np.zeros(2), requires_grad=True), 1.0).requires_grad
    for wrong in (lambda: normal(0.0, 1.0), lambda: normal(0, 1, 2)):
        with pytest.raises(TypeError, match="size"):
            wrong()
    for wrong in (lambda: normal(mean, -1.0), lambda: normal(0.0, -1.0, (2,)), lambda: array(normal(mean, -std))):
        with pytest.raises(RuntimeError, match="std >= 0"):
            wrong()
    with pytest.raises(RuntimeError, match="floating"):
        normal(tensor([1, 2]), 1.0)
    with pytest.raises(RuntimeError, match="broadcast"):
        normal(mean, tensor(np.ones(2)))


def test_bernoulli():
    p = tensor(np.repeat([0.0, 0.25, 1.0], N))
    x = array(bernoulli(p)).reshape(3, N)
    assert x[0].max() == 0 and x[2].min() == 1 and abs(x[1].mean() - 0.25) < 0.01
    assert bernoulli(p).dtype is dtypes.float64
    assert abs(array(bernoulli(tensor(np.zeros(N, np.int64)), p=0.5)).mean() - 0.5) < 0.02
    y = sampling.bernoulli_(zeros(2, N, dtype=np.int64), tensor([[0.1], [0.9]]))
    np.testing.assert_allclose(array(y).mean(1), [0.1, 0.9], atol=0.01)
    with pytest.raises(RuntimeError, match="floating"):
        bernoulli(tensor([1, 0]))
    with pytest.raises(RuntimeError, match=r"\[0, 1\]"):
        bernoulli(zeros(2), 1.5)
    with pytest.raises(RuntimeError, match=r"\[0, 1\]"):
        array(bernoulli(tensor([0.5, 2.0])))
    with pytest.raises(RuntimeError, match=r"\[0, 1\]"):
        array(bernoulli(tensor([0.5, NAN])))


def test_multinomial_with_replacement():
    p = tensor(np.array([[1.0, 2, 0, 5], [0, 0, 3, 1]], np.float32))
    x = array(multinomial(p, N, replacement=True))
    for row, weights in zip(x, array(p)):
        counts = np.bincount(row, minlength=4)
        assert not counts[weights == 0].any()
        held = weights > 0
        assert stats.chisquare(counts[held], N * weights[held] / weights.sum()).pvalue > 0.01
    assert tuple(multinomial(tensor([0.5, 0.5]), 3, True).shape) == (3,)


def test_multinomial_without_replacement():
    weights = np.array([1.0, 2, 0, 5], np.float32)
    rows = tensor(np.tile(weights, (N, 1)))
    x = array(multinomial(rows, 2))
    assert x.dtype == np.int64 and not (x == 2).any() and (x[:, 0] != x[:, 1]).all()
    total = weights.sum()
    first = np.bincount(x[:, 0], minlength=4)[[0, 1, 3]]
    assert stats.chisquare(first, N * weights[[0, 1, 3]] / total).pvalue > 0.01
    second = np.bincount(x[:, 1], minlength=4)
    want = [sum(weights[j] / total * weights[i] / (total - weights[j]) for j in range(4) if j != i) for i in range(4)]
    np.testing.assert_allclose(second / N, want, atol=0.01)
    assert sorted(array(multinomial(tensor([0.1, 0.2, 0.7]), 3)).tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("weights", "k", "replacement"),
    [
        ([0.5, -0.1], 1, False), ([0.5, NAN], 1, True), ([0.5, INF], 1, False), ([0.0, 0.0], 1, True),
        ([0.0, 0.0], 1, False), ([0.5, 0.5], 3, False), ([0.5, 0.5], 0, True), ([1, 2], 1, True), ([0.5, 0.0], 2, False),
        ([[[0.5]]], 1, True), ([], 1, False),
    ],
)  # fmt: skip
def test_wrong_weights_are_errors(weights, k, replacement):
    with pytest.raises(RuntimeError, match="multinomial"):
        array(multinomial(tensor(weights), k, replacement))


def test_poisson_and_binomial():
    x = array(poisson(tensor(np.full(N, 3.5))))
    assert abs(x.mean() - 3.5) < 0.05 and abs(x.var() - 3.5) < 0.15
    y = array(binomial(tensor(np.full(N, 10.0)), tensor(np.float64(0.3))))
    assert abs(y.mean() - 3) < 0.05 and abs(y.var() - 2.1) < 0.1
    assert poisson(tensor(np.float32(2))).dtype is dtypes.float32
    g = Generator()
    again = [array(poisson(tensor(np.full(5, 9.0)), generator=g.manual_seed(1))) for _ in range(2)]
    np.testing.assert_array_equal(*again)
    for wrong in (
        lambda: poisson(tensor([-1.0])), lambda: poisson(tensor([1])), lambda: binomial(tensor([1.5]), tensor([0.5])),
        lambda: binomial(tensor([2.0]), tensor([1.5])), lambda: poisson(tensor([NAN])),
    ):  # fmt: skip
        with pytest.raises(RuntimeError):
            array(wrong())


CONTINUOUS = {
    "uniform_": ((2.0, 5.0), stats.uniform(2, 3)),
    "normal_": ((1.0, 2.0), stats.norm(1, 2)),
    "exponential_": ((2.0,), stats.expon(scale=0.5)),
    "cauchy_": ((1.0, 2.0), stats.cauchy(1, 2)),
    "log_normal_": ((0.5, 0.7), stats.lognorm(0.7, scale=np.exp(0.5))),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_tensors_filled_in_place(name):
    arguments, distribution = CONTINUOUS[name]
    x = zeros(N)
    assert getattr(sampling, name)(x, *arguments) is x
    assert x._version == 1
    assert stats.kstest(array(x), distribution.cdf).pvalue > 0.01
    with pytest.raises(RuntimeError):
        getattr(sampling, name)(tensor([1, 2]))


def test_bounds_by_name():
    assert 3 <= sampling.uniform_(zeros(1), to=4.0, **{"from": 3.0}).item() < 4
    assert sampling.random_(zeros(1), to=5, **{"from": 4}).item() == 4
    with pytest.raises(TypeError, match="lower"):
        sampling.uniform_(zeros(1), lower=3.0)


def test_geometric():
    x = array(sampling.geometric_(zeros(N, dtype=np.int64), 0.3))
    assert x.min() == 1
    counts = np.bincount(x)[1:8]
    want = 0.3 * 0.7 ** np.arange(7)
    np.testing.assert_allclose(counts / N, want, atol=0.01)
    assert array(sampling.geometric_(zeros(3), 0.999999)).min() == 1


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int32", "int64", "float32", "float64"])
def test_integers_over_the_whole_range(dtype):
    x = array(sampling.random_(zeros(2000, dtype=dtype))).astype(np.float64)
    highest = {"bool": 1, "float32": 2**24, "float64": 2**53}.get(dtype) or np.iinfo(dtype).max
    assert x.min() >= 0 and highest * 0.9 < x.max() <= highest
    y = array(sampling.random_(zeros(2000, dtype=dtype), 1))
    assert not y.any()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: sampling.uniform_(zeros(2), 2.0, 1.0),
        lambda: sampling.normal_(zeros(2), 0.0, -1.0),
        lambda: sampling.exponential_(zeros(2), -1.0),
        lambda: sampling.cauchy_(zeros(2), 0.0, 0.0),
        lambda: sampling.log_normal_(zeros(2), 0.0, -1.0),
        lambda: sampling.geometric_(zeros(2), 1.0),
        lambda: sampling.random_(zeros(2), 5, 3),
        lambda: sampling.bernoulli_(zeros(2), 1.5),
        lambda: sampling.uniform_(tensor([1.0], requires_grad=True)),
    ],
)
def test_wrong_arguments_are_errors(wrong):
    with pytest.raises(RuntimeError):
        wrong()


def test_what_is_filled_at_random_has_no_derivative():
    x = ours.mul(tensor(np.ones(3), requires_grad=True), 2.0)
    sampling.normal_(x)
    assert not x.requires_grad


def test_positions_and_results_of_a_wrong_kind_are_refused():
    x = wengert.ones(2, 3)
    with pytest.raises(RuntimeError, match="start must be an 0-dim integral Tensor"):
        x.narrow(1, wengert.tensor([0]), 1)
    with pytest.raises(RuntimeError, match="Long tensor out"):
        wengert.multinomial(wengert.ones(3), 1, out=wengert.ones(1))
