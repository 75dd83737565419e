import numpy as np
import pytest

from tests.functions.peer import array, check, normal, tensor
from tests.nn.peer import beside, raises_as_peer, torch
from wengert.nn import functional as F


@pytest.mark.parametrize("shape", [(5, 4), (4,), (2, 3, 4), (0, 4)])
def test_layer_norm_agrees(shape):
    last = shape[-1:]
    beside(lambda F, x: F.layer_norm(x, last), normal(*shape), scale=10)
    weight, bias = normal(*last, seed=1), normal(*last, seed=2)
    beside(lambda F, x, w, b: F.layer_norm(x, last, w, b, 1e-3), normal(*shape), weight, bias, scale=10)
    beside(lambda F, x, w: F.layer_norm(x, last, w), normal(*shape), weight, scale=10)


def test_layer_norm_over_several_dimensions():
    beside(lambda F, x, w: F.layer_norm(x, (3, 4), w), normal(2, 3, 4), normal(3, 4, seed=1), scale=10)


@pytest.mark.parametrize("eps", [None, 1e-2])
def test_rms_norm_agrees(eps):
    beside(lambda F, x: F.rms_norm(x, (4,), eps=eps), normal(3, 4), scale=10)
    beside(lambda F, x, w: F.rms_norm(x, [3, 4], w, eps), normal(2, 3, 4), normal(3, 4, seed=1), scale=10)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 5), (3, 6, 2, 2), (1, 6, 3)])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm_agrees(shape, groups):
    weight, bias = normal(6, seed=1), normal(6, seed=2)
    scale = 1e10 if shape == (4, groups) else 10  # one value a group: both sides give rounding errors around 0
    beside(lambda F, x, w, b: F.group_norm(x, groups, w, b), normal(*shape), weight, bias, scale=scale)


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 4), (2, 3, 4, 2), (1, 3, 4)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_agrees(shape, training):
    def call(F, x, w, b):
        make = torch.from_numpy if F is torch.nn.functional else tensor
        mean, var = make(normal(3, seed=3)), make(normal(3, seed=4) ** 2)
        y = F.batch_norm(x, mean, var, w, b, training, 0.3, 1e-4)
        statistics.append((mean, var))
        return y

    statistics = []
    beside(call, normal(*shape), normal(3, seed=1), normal(3, seed=2), scale=10)
    (mean, var), (their_mean, their_var) = statistics
    check(mean, their_mean, "running mean")
    check(var, their_var, "running variance")


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_of_nothing_may_have_one_dimension(training):
    beside(lambda F, x: F.batch_norm(x, x, x, training=training), normal(0))


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4), (2, 3, 0)])
def test_an_empty_batch_leaves_running_statistics_alone(shape):
    mean, var = tensor(normal(3)), tensor(normal(3, seed=1) ** 2)
    before = array(mean).copy(), array(var).copy()
    assert F.batch_norm(tensor(normal(*shape)), mean, var, training=True).shape == shape
    np.testing.assert_array_equal(array(mean), before[0])
    np.testing.assert_array_equal(array(var), before[1])


def test_batch_norm_without_statistics_uses_the_batch():
    beside(lambda F, x: F.batch_norm(x, None, None, training=True), normal(5, 3), scale=10)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 2), (1, 3, 5)])
@pytest.mark.parametrize("use_input_stats", [True, False])
def test_instance_norm_agrees(shape, use_input_stats):
    def call(F, x, w, b):
        make = torch.from_numpy if F is torch.nn.functional else tensor
        mean, var = make(normal(3, seed=3)), make(normal(3, seed=4) ** 2)
        y = F.instance_norm(x, mean, var, w, b, use_input_stats, 0.3, 1e-4)
        statistics.append((mean, var))
        return y

    statistics = []
    beside(call, normal(*shape), normal(3, seed=1), normal(3, seed=2), scale=10)
    (mean, var), (their_mean, their_var) = statistics
    check(mean, their_mean, "running mean")
    check(var, their_var, "running variance")


def test_half_precision_is_normalised_in_single():
    x = (100 + normal(4, 64)).astype(np.float16)
    for call in (
        lambda x: F.layer_norm(x, (64,)),
        lambda x: F.rms_norm(x, (64,)),
        lambda x: F.group_norm(x.reshape(4, 8, 8), 2),
        lambda x: F.batch_norm(x.reshape(32, 8), None, None, training=True),
    ):
        half, exact = tensor(x, requires_grad=True), tensor(x.astype(np.float64), requires_grad=True)
        y, w = call(half), call(exact)
        assert y.dtype is half.dtype
        np.testing.assert_allclose(array(y), array(w), rtol=2e-3, atol=1e-5)
        (y * y * y).sum().backward()
        (w * w * w).sum().backward()
        np.testing.assert_allclose(array(half.grad), array(exact.grad), rtol=1e-2, atol=2e-2)


def test_a_single_value_is_normalised_to_0():
    y = F.layer_norm(tensor(normal(3, 1)), (1,), tensor(np.ones(1)), tensor(np.full(1, 0.5)))
    np.testing.assert_array_equal(array(y), 0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda nn, x: nn.functional.layer_norm(x, (5,)),
        lambda nn, x: nn.functional.layer_norm(x, ()),
        lambda nn, x: nn.functional.layer_norm(x, (4,), x),
        lambda nn, x: nn.functional.rms_norm(x, (5,)),
        lambda nn, x: nn.functional.group_norm(x, 3),
        lambda nn, x: nn.functional.group_norm(x[:1, :1], 1),
        lambda nn, x: nn.functional.batch_norm(x, None, None),
        lambda nn, x: nn.functional.batch_norm(x[:1], None, None, training=True),
        lambda nn, x: nn.functional.batch_norm(x, x[0, :3], x[0, :3]),
        lambda nn, x: nn.functional.instance_norm(x[:, :, None]),
        lambda nn, x: nn.functional.layer_norm(x.long(), (4,)),
        lambda nn, x: nn.functional.batch_norm(x.long(), None, None, training=True),
    ],
)
def test_wrong_input_is_refused(call):
    raises_as_peer(call, normal(3, 4))


def test_the_running_statistics_have_no_history():
    x, mean, var = tensor(normal(5, 3), requires_grad=True), tensor(np.zeros(3)), tensor(np.ones(3))
    F.batch_norm(x, mean, var, training=True).sum().backward()
    assert not mean.requires_grad
    assert not var.requires_grad
    assert array(mean).any()
