import math

import numpy as np
import pytest

import wengert
from tests.nn.peer import torch
from wengert.nn import init


def array(x):
    return np.array(x._array())


def empty(*shape, dtype=wengert.float64):
    return wengert.zeros(*shape, dtype=dtype)


@pytest.mark.parametrize(
    ("nonlinearity", "param"),
    [
        ("linear", None),
        ("conv2d", None),
        ("conv_transpose3d", None),
        ("sigmoid", None),
        ("tanh", None),
        ("relu", None),
        ("selu", None),
        ("leaky_relu", None),
        ("leaky_relu", 0.3),
        ("leaky_relu", 0),
    ],
)
def test_gains_are_the_peers(nonlinearity, param):
    assert init.calculate_gain(nonlinearity, param) == torch.nn.init.calculate_gain(nonlinearity, param)


@pytest.mark.parametrize(
    ("fill", "values"), [(init.ones_, 1.0), (init.zeros_, 0.0), (lambda x: init.constant_(x, 3), 3.0)]
)
def test_constants(fill, values):
    x = wengert.nn.Parameter(wengert.rand(2, 3))
    assert fill(x) is x
    np.testing.assert_array_equal(array(x), values)
    assert x.is_leaf


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (2, 2)])
def test_eye(shape):
    np.testing.assert_array_equal(array(init.eye_(empty(*shape))), np.eye(*shape))


@pytest.mark.parametrize(("shape", "groups"), [((4, 2, 3), 1), ((4, 2, 3), 2), ((6, 2, 3, 4), 3), ((2, 4, 3, 3, 1), 1)])
def test_dirac(shape, groups):
    wanted = torch.nn.init.dirac_(torch.empty(*shape), groups).numpy()
    np.testing.assert_array_equal(array(init.dirac_(empty(*shape), groups)), wanted)


@pytest.mark.parametrize(
    ("fill", "mean", "std", "low", "high"),
    [
        (lambda x: init.uniform_(x, -1, 3), 1, 4 / 12**0.5, -1, 3),
        (lambda x: init.normal_(x, 2, 3), 2, 3, -np.inf, np.inf),
        (lambda x: init.xavier_uniform_(x, 2), 0, 2 * (2 / 300) ** 0.5, -2 * (6 / 300) ** 0.5, 2 * (6 / 300) ** 0.5),
        (lambda x: init.xavier_normal_(x, 2), 0, 2 * (2 / 300) ** 0.5, -np.inf, np.inf),
        (lambda x: init.kaiming_uniform_(x), 0, (2 / 200) ** 0.5, -((6 / 200) ** 0.5), (6 / 200) ** 0.5),
        (lambda x: init.kaiming_uniform_(x, math.sqrt(5)), 0, (1 / 3 / 200) ** 0.5, -(200**-0.5), 200**-0.5),
        (lambda x: init.kaiming_normal_(x, mode="fan_out", nonlinearity="relu"), 0, (2 / 100) ** 0.5, -np.inf, np.inf),
    ],
)
def test_distributions(fill, mean, std, low, high):
    x = wengert.nn.Parameter(empty(100, 200))
    assert fill(x) is x
    values = array(x)
    np.testing.assert_allclose(values.mean(), mean, atol=4 * std / 20000**0.5)
    np.testing.assert_allclose(values.std(), std, rtol=0.03)
    assert values.min() >= low
    assert values.max() <= high
    assert x.is_leaf
    assert x.requires_grad


@pytest.mark.parametrize(("mean", "std", "a", "b"), [(0, 1, -2, 2), (1, 2, 0, 1.5), (0, 0.02, -2, 2)])
def test_truncated_normal(mean, std, a, b):
    stats = pytest.importorskip("scipy.stats")
    values = array(init.trunc_normal_(empty(20000), mean, std, a, b))
    assert values.min() >= a
    assert values.max() <= b
    wanted = stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    assert stats.kstest(values, wanted.cdf).pvalue > 1e-3


def test_truncation_far_from_the_mean_warns():
    with pytest.warns(UserWarning, match="more than 2 std"):
        init.trunc_normal_(empty(3), 10, 1, -2, 2)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (3, 2, 2), (4, 2, 3)])
def test_orthogonal(shape):
    q = array(init.orthogonal_(empty(*shape), gain=2)).reshape(shape[0], -1) / 2
    product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, np.eye(min(q.shape)), atol=1e-12)


def test_sparse():
    values = array(init.sparse_(empty(50, 200), 0.31, std=2))
    np.testing.assert_array_equal((values == 0).sum(0), math.ceil(0.31 * 50))
    np.testing.assert_allclose(values[values != 0].std(), 2, rtol=0.05)


def test_the_same_seed_gives_the_same_values():
    def draw():
        return array(init.kaiming_normal_(empty(3, 4), generator=wengert.Generator().manual_seed(5)))

    np.testing.assert_array_equal(draw(), draw())
    wengert.manual_seed(3)
    first = array(init.uniform_(empty(3)))
    wengert.manual_seed(3)
    np.testing.assert_array_equal(array(init.uniform_(empty(3))), first)


def test_single_and_half_precision():
    for dtype in (wengert.float32, wengert.float16, wengert.bfloat16):
        x = empty(8, 8, dtype=dtype)
        for fill in (init.xavier_uniform_, init.kaiming_normal_, init.orthogonal_, init.trunc_normal_, init.eye_):
            assert fill(x).dtype is dtype
            assert np.isfinite(array(x).astype(float)).all()


def test_nothing_is_done_without_elements():
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_uniform_(empty(0, 3))
    assert init.orthogonal_(empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda i, x: i.calculate_gain("what"),
        lambda i, x: i.calculate_gain("leaky_relu", "x"),
        lambda i, x: i.eye_(x[0]),
        lambda i, x: i.dirac_(x),
        lambda i, x: i.dirac_(x.reshape(2, 3, 2), 5),
        lambda i, x: i.xavier_uniform_(x[0]),
        lambda i, x: i.kaiming_normal_(x, mode="what"),
        lambda i, x: i.orthogonal_(x[0]),
        lambda i, x: i.sparse_(x[0], 0.1),
    ],
)
@pytest.mark.parametrize(("side", "tensors"), [(init, wengert), (torch.nn.init, torch)], ids=["wengert", "torch"])
def test_what_does_not_fit_is_a_value_error(side, tensors, attempt):
    with pytest.raises(ValueError):
        attempt(side, tensors.ones(4, 3))
