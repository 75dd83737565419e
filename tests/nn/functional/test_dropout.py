import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import raises_as_peer
from wengert.nn import functional as F


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "dropout1d", "feature_alpha_dropout"])
def test_nothing_is_done_out_of_training_or_for_probability_0(name):
    x = tensor(normal(2, 3, 4))
    assert getattr(F, name)(x, 0.5, False) is x
    assert getattr(F, name)(x, 0.0, True) is x
    integers = tensor(np.ones((2, 3), np.int64))
    assert getattr(F, name)(integers, 0.5, False) is integers


def test_dropout_keeps_the_expectation():
    x = tensor(np.ones((100, 100), np.float32), requires_grad=True)
    y = F.dropout(x, 0.2)
    values = array(y)
    assert set(np.unique(values)) == {0.0, np.float32(1.25)}
    assert abs((values == 0).mean() - 0.2) < 0.02
    y.sum().backward()
    np.testing.assert_array_equal(array(x.grad), values)
    assert (array(F.dropout(x, 0.2)) != values).any()


def test_dropout_of_everything():
    x = tensor(np.array([1.0, np.inf]), requires_grad=True)
    y = F.dropout(x, 1.0)
    np.testing.assert_array_equal(array(y), 0.0)
    y.sum().backward()
    np.testing.assert_array_equal(array(x.grad), 0.0)
    np.testing.assert_array_equal(array(F.alpha_dropout(tensor([1.0, 2.0]), 1.0, True)), 0.0)


@pytest.mark.parametrize(
    ("name", "shape", "channels"),
    [
        ("dropout1d", (50, 20, 3), 2),
        ("dropout1d", (500, 3), 1),
        ("dropout2d", (50, 20, 2, 3), 2),
        ("dropout3d", (50, 20, 2, 1, 3), 2),
        ("dropout3d", (500, 2, 1, 3), 1),
    ],
)
def test_whole_channels_are_dropped(name, shape, channels):
    y = array(getattr(F, name)(tensor(np.ones(shape)), 0.5)).reshape(*shape[:channels], -1)
    assert (y == y[..., :1]).all()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert abs(y.mean() - 1) < 0.2


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(name):
    y = array(getattr(F, name)(tensor(normal(300, 200)), 0.3, training=True))
    assert abs(y.mean()) < 0.05
    assert abs(y.std() - 1) < 0.05


def test_inplace_dropout_writes_into_the_input():
    x = tensor(np.ones(100))
    assert F.dropout(x, 0.5, inplace=True) is x
    assert set(np.unique(array(x))) == {0.0, 2.0}


def test_rank_warnings_as_peer():
    with pytest.warns(UserWarning, match="dropout2d"):
        F.dropout2d(tensor(normal(2, 3)))
    with pytest.warns(UserWarning, match="dropout1d"):
        F.dropout2d(tensor(normal(2, 3, 4)))
    with pytest.warns(UserWarning, match="dropout3d"):
        F.dropout3d(tensor(normal(2, 3)))


@pytest.mark.parametrize(
    "call",
    [
        lambda nn, x: nn.functional.dropout(x, 2.0),
        lambda nn, x: nn.functional.dropout(x, -0.1),
        lambda nn, x: nn.functional.dropout(x.long()),
        lambda nn, x: nn.functional.dropout1d(x[0]),
        lambda nn, x: nn.functional.alpha_dropout(x, 2.0),
        lambda nn, x: nn.functional.feature_alpha_dropout(x[0], 0.5, True),
        lambda nn, x: nn.Dropout(2.0),
    ],
)
def test_wrong_input_is_refused(call):
    raises_as_peer(call, normal(3, 4))
