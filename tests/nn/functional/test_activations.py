import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, raises_as_peer
from wengert.nn import functional as F

KINKS = np.array([-7.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0, np.nan])

PLAIN = [
    "relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "leaky_relu", "rrelu", "elu",
    "selu", "celu", "gelu", "silu", "mish", "logsigmoid", "softplus", "softsign", "tanhshrink", "sigmoid", "tanh",
]  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_activations_agree(name):
    hard = name == "hardsigmoid"  # PyTorch multiplies by a sixth in single precision, and has no second derivative
    for shape in [(3, 4), (), (0, 2)]:
        beside(lambda F, x: getattr(F, name)(x), 3 * normal(*shape), second=not hard, scale=1e3 if hard else 1.0)


@pytest.mark.parametrize("name", PLAIN)
def test_activations_agree_at_kinks_and_nan(name):
    hard = name in ("hardsigmoid", "hardswish")  # their derivative at NaN is NaN here, a number there
    beside(lambda F, x: getattr(F, name)(x), KINKS[:-1] if hard else KINKS, second=False, scale=1e3 if hard else 1)


def test_hardswish_has_the_slope_of_its_ends_at_infinity():
    x = tensor(np.array([-np.inf, np.inf])).requires_grad_()
    F.hardswish(x).backward(tensor(np.ones(2)))
    np.testing.assert_array_equal(array(x.grad), [0, 1])


@pytest.mark.parametrize("name", [name for name in PLAIN if name not in ("relu", "sigmoid", "tanh")])
def test_activations_in_single_and_half_precision(name):
    beside(lambda F, x: getattr(F, name)(x), 3 * normal(20, dtype=np.float32), second=False, scale=5)
    beside(lambda F, x: getattr(F, name)(x), 2 * normal(20, dtype=np.float16), second=False, scale=2)


@pytest.mark.parametrize(
    "call",
    [
        lambda F, x: F.hardtanh(x, -2.0, 0.5),
        lambda F, x: F.threshold(x, 0.5, -3.0),
        lambda F, x: F.leaky_relu(x, -0.5),
        lambda F, x: F.elu(x, 0.5),
        lambda F, x: F.celu(x, 0.5),
        lambda F, x: F.gelu(x, approximate="tanh"),
        lambda F, x: F.softplus(x, 2.0, 1.0),
        lambda F, x: F.softshrink(x, 0.0),
        lambda F, x: F.hardshrink(x, -1.0),
        lambda F, x: F.glu(x),
        lambda F, x: F.glu(x, 0),
        lambda F, x: F.softmax(x, 0),
        lambda F, x: F.softmax(x, -1),
        lambda F, x: F.softmin(x, 1),
        lambda F, x: F.log_softmax(x, 0),
        lambda F, x: F.softmax(x),
    ],
)
def test_activations_with_arguments_agree(call):
    beside(call, 2 * normal(4, 6))


@pytest.mark.parametrize(
    ("shape", "weight"), [((3, 4), (4,)), ((3, 4), (1,)), ((2, 3, 4, 2), (3,)), ((5,), (1,)), ((), (1,)), ((3, 4), ())]
)
def test_prelu_has_a_slope_for_all_or_for_each_channel(shape, weight):
    beside(lambda F, x, w: F.prelu(x, w), normal(*shape), normal(*weight, seed=1))


@pytest.mark.parametrize(
    "name", ["relu", "relu6", "hardtanh", "elu", "selu", "celu", "leaky_relu", "silu", "mish", "hardswish"]
)
def test_inplace_writes_into_the_input(name):
    x = tensor(normal(3, 4))
    wanted = array(getattr(F, name)(x)).copy()
    assert getattr(F, name)(x, inplace=True) is x
    np.testing.assert_array_equal(array(x), wanted)


def test_inplace_twins_are_the_same():
    for name in ("relu_", "hardtanh_", "elu_", "selu_", "celu_", "leaky_relu_"):
        x = tensor(normal(3, 4))
        wanted = array(getattr(F, name[:-1])(x)).copy()
        assert getattr(F, name)(x) is x
        np.testing.assert_array_equal(array(x), wanted)
    x = tensor(normal(3, 4))
    F.threshold_(x, 0.0, 9.0)
    assert array(x).min() > 0


@pytest.mark.parametrize(
    "name",
    "relu relu6 hardtanh elu selu celu leaky_relu silu mish hardswish hardsigmoid rrelu threshold dropout".split(),
)
def test_inplace_carries_the_derivative(name):
    """The write does not count as overwriting what the derivative of the activation itself reads."""
    args = {"threshold": (0.1, 0.2), "dropout": (0.0,)}.get(name, ())

    def call(F, x):
        y = x * 2
        z = getattr(F, name)(y, *args, inplace=True)
        return z * y

    rough = name == "hardsigmoid"  # whose 1/6 PyTorch has in single precision, and whose second derivative not at all
    beside(call, normal(3, 4), second=not rough, scale=1e3 if rough else 1)


def test_what_others_read_must_not_be_overwritten():
    x = tensor(normal(3, 4), requires_grad=True)
    y = x * 2
    z = y.exp().sum() + (y * y).sum()
    F.silu(y, inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


@pytest.mark.parametrize("name", ["gelu", "hardshrink", "logsigmoid", "softplus", "softshrink"])
def test_results_are_written_into_out(name):
    x, out = tensor(normal(3, 4)), tensor(np.zeros((3, 4)))
    assert getattr(F, name)(x, out=out) is out
    np.testing.assert_array_equal(array(out), array(getattr(F, name)(x)))


def test_rrelu_draws_slopes_between_its_bounds():
    x = tensor(-np.ones(2000, np.float32), requires_grad=True)
    y = F.rrelu(x, 0.1, 0.4, training=True)
    slopes = -array(y)
    assert slopes.min() >= 0.1
    assert slopes.max() < 0.4
    assert abs(slopes.mean() - 0.25) < 0.02
    y.sum().backward()
    np.testing.assert_allclose(array(x.grad), slopes, rtol=1e-6)


def test_gumbel_softmax_samples_the_classes():
    logits = tensor(np.log(np.tile([0.1, 0.2, 0.7], (4000, 1))), requires_grad=True)
    soft = F.gumbel_softmax(logits, tau=0.5)
    np.testing.assert_allclose(array(soft).sum(1), 1.0)
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(np.unique(array(hard).round(6))) == {0.0, 1.0}
    np.testing.assert_allclose(array(hard).mean(0), [0.1, 0.2, 0.7], atol=0.04)
    (hard * hard).sum().backward()
    assert np.isfinite(array(logits.grad)).all()


def test_softmax_without_dim_warns_and_chooses_as_peer():
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        np.testing.assert_allclose(array(F.softmax(tensor(normal(2, 3)))).sum(1), 1.0)
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        np.testing.assert_allclose(array(F.softmax(tensor(normal(2, 3, 4)))).sum(0), 1.0)


@pytest.mark.parametrize(
    ("call", "values"),
    [
        (lambda nn, x: nn.functional.glu(x), (normal(3, 5),)),
        (lambda nn, x: nn.functional.gelu(x, approximate="what"), (normal(3),)),
        (lambda nn, x: nn.functional.gelu(x), (np.arange(3),)),
        (lambda nn, x: nn.functional.silu(x), (np.arange(3),)),
        (lambda nn, x: nn.functional.softplus(x), (np.arange(3),)),
        (lambda nn, x: nn.functional.celu(x, 0.0), (normal(3),)),
        (lambda nn, x: nn.functional.softshrink(x, -1.0), (normal(3),)),
        (lambda nn, x: nn.functional.hardtanh(x, 1.0, -1.0), (normal(3),)),
        (lambda nn, x: nn.functional.rrelu(x, 0.5, 0.1, True), (normal(3),)),
        (lambda nn, x: nn.functional.softmax(x, 3), (normal(3),)),
        (lambda nn, x: nn.functional.softmax(x, 0), (np.arange(3),)),
        (lambda nn, x, w: nn.functional.prelu(x, w), (normal(3, 4), normal(3))),
        (lambda nn, x, w: nn.functional.prelu(x, w), (normal(3, 4), normal(2, 2))),
        (lambda nn, x: nn.functional.relu(x), (np.array([True]),)),
        (lambda nn, x: nn.functional.relu([1.0]), (normal(3),)),
    ],
)
def test_wrong_input_is_refused(call, values):
    raises_as_peer(call, *values)


def test_integers_pass_where_peer_lets_them():
    beside(lambda F, x: F.relu(x), np.array([-2, 3]))
    beside(lambda F, x: F.relu6(x), np.array([-2, 3, 9]))
    beside(lambda F, x: F.sigmoid(x), np.array([-2, 3]))
