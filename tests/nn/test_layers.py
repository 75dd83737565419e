"""Every layer beside PyTorch's: repr, state keys, forward, derivatives of first and second order, statistics."""

import numpy as np
import pytest

import wengert
from tests.functions.peer import normal
from tests.nn.peer import layer_beside, raises_as_peer, torch
from wengert import nn


def array(x):
    return np.array(x._array())


ACTIVATIONS = [
    lambda n: n.ReLU(), lambda n: n.ReLU6(), lambda n: n.LeakyReLU(0.2), lambda n: n.ELU(0.5), lambda n: n.SELU(),
    lambda n: n.CELU(0.5), lambda n: n.GELU(), lambda n: n.GELU("tanh"), lambda n: n.SiLU(), lambda n: n.Mish(),
    lambda n: n.Sigmoid(), lambda n: n.LogSigmoid(), lambda n: n.Tanh(), lambda n: n.Softplus(2, 3),
    lambda n: n.Softsign(), lambda n: n.Softshrink(0.3), lambda n: n.Hardshrink(0.3), lambda n: n.Hardtanh(-0.5, 0.7),
    lambda n: n.Hardswish(), lambda n: n.Tanhshrink(), lambda n: n.Threshold(0.1, 2), lambda n: n.GLU(),
    lambda n: n.GLU(0), lambda n: n.Softmax(1), lambda n: n.LogSoftmax(0), lambda n: n.Softmin(1),
    lambda n: n.PReLU(), lambda n: n.PReLU(6, 0.1), lambda n: n.Identity(3, x=4), lambda n: n.Flatten(0),
]  # fmt: skip


@pytest.mark.parametrize("make", ACTIVATIONS)
def test_activations(make):
    layer_beside(make, 2 * normal(4, 6))


@pytest.mark.parametrize(
    "make",
    [
        lambda n: n.ReLU(True),
        lambda n: n.ReLU6(True),
        lambda n: n.Hardtanh(inplace=True),
        lambda n: n.SiLU(True),
        lambda n: n.Hardswish(True),
        lambda n: n.Hardsigmoid(True),
        lambda n: n.Mish(True),
        lambda n: n.SELU(True),
        lambda n: n.ELU(inplace=True),
        lambda n: n.CELU(inplace=True),
        lambda n: n.LeakyReLU(inplace=True),
        lambda n: n.Threshold(1.0, 2.0, True),
        lambda n: n.RReLU(inplace=True),
        lambda n: n.RReLU(),
        lambda n: n.Softmax2d(),
        lambda n: n.Dropout(0.3),
        lambda n: n.Dropout(inplace=True),
        lambda n: n.Dropout1d(),
        lambda n: n.Dropout2d(),
        lambda n: n.Dropout3d(),
        lambda n: n.AlphaDropout(),
        lambda n: n.FeatureAlphaDropout(),
        lambda n: n.Unflatten(1, (2, 3)),
        lambda n: n.Embedding(3, 4, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True, sparse=True),
        lambda n: n.MSELoss(),
        lambda n: n.CrossEntropyLoss(),
        lambda n: n.CosineSimilarity(),
        lambda n: n.PairwiseDistance(),
    ],
)
def test_reprs(make):
    assert repr(make(nn)) == repr(make(torch.nn))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda n: n.Linear(3, 4), (5, 3)),
        (lambda n: n.Linear(3, 4, bias=False), (2, 5, 3)),
        (lambda n: n.Linear(3, 1), (3,)),
        (lambda n: n.Flatten(), (2, 3, 4)),
        (lambda n: n.Flatten(1, 2), (2, 3, 4, 5)),
        (lambda n: n.Unflatten(1, (2, 3)), (2, 6)),
        (lambda n: n.Unflatten(-1, [3, 2]), (2, 6)),
        (lambda n: n.Softmax2d(), (2, 3, 2, 2)),
        (lambda n: n.Softmax2d(), (3, 2, 2)),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_linear_and_shapes(make, shape, training):
    layer_beside(make, normal(*shape), training=training)


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(bias):
    layer_beside(lambda n: n.Bilinear(3, 2, 4, bias=bias), normal(5, 3), normal(5, 2, seed=1))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda n: n.LayerNorm(4), (3, 4)),
        (lambda n: n.LayerNorm([3, 4], eps=1e-3), (2, 3, 4)),
        (lambda n: n.LayerNorm(4, bias=False), (3, 4)),
        (lambda n: n.LayerNorm(4, elementwise_affine=False), (3, 4)),
        (lambda n: n.RMSNorm(4), (3, 4)),
        (lambda n: n.RMSNorm((3, 4), eps=1e-3, elementwise_affine=False), (2, 3, 4)),
        (lambda n: n.GroupNorm(2, 6), (3, 6, 4)),
        (lambda n: n.GroupNorm(3, 6, affine=False), (3, 6, 2, 2)),
        (lambda n: n.BatchNorm1d(4), (5, 4)),
        (lambda n: n.BatchNorm1d(4), (3, 4, 5)),
        (lambda n: n.BatchNorm1d(4, affine=False), (5, 4)),
        (lambda n: n.BatchNorm1d(4, momentum=None), (5, 4)),
        (lambda n: n.BatchNorm1d(4, track_running_stats=False), (5, 4)),
        (lambda n: n.BatchNorm1d(4, eps=1e-2, momentum=0.5), (5, 4)),
        (lambda n: n.BatchNorm2d(4), (3, 4, 2, 3)),
        (lambda n: n.BatchNorm3d(4), (2, 4, 2, 1, 3)),
        (lambda n: n.InstanceNorm1d(4), (3, 4, 5)),
        (lambda n: n.InstanceNorm1d(4, affine=True), (4, 5)),
        (lambda n: n.InstanceNorm2d(4, track_running_stats=True), (3, 4, 2, 3)),
        (lambda n: n.InstanceNorm3d(4, affine=True), (2, 4, 2, 1, 3)),
    ],
)
def test_norms(make, shape, training):
    layer_beside(make, normal(*shape), training=training)


def test_the_number_of_batches_is_counted():
    norm = nn.BatchNorm1d(3)
    for _ in range(3):
        norm(wengert.ones(2, 3))
    norm.eval()(wengert.ones(2, 3))
    assert norm.num_batches_tracked.item() == 3
    norm.reset_running_stats()
    assert norm.num_batches_tracked.item() == 0
    np.testing.assert_array_equal(array(norm.running_var), 1.0)


def test_states_from_before_batches_were_counted_load():
    norm = nn.BatchNorm1d(3)
    state = {name: value for name, value in norm.state_dict().items() if name != "num_batches_tracked"}
    norm.load_state_dict(state)


INDEX = np.array([[0, 2, 2], [4, 1, 0]])


def test_embedding():
    layer_beside(lambda n: n.Embedding(5, 3), INDEX)
    layer_beside(lambda n: n.Embedding(5, 3, padding_idx=-3), INDEX)


def test_embedding_begins_with_zeros_at_its_padding():
    table = nn.Embedding(5, 3, padding_idx=2)
    assert not array(table.weight)[2].any()
    assert array(table.weight)[0].any()


def test_pretrained_embeddings_are_frozen_and_shared():
    given = wengert.tensor(normal(5, 3))
    table = nn.Embedding.from_pretrained(given, padding_idx=1)
    assert not table.weight.requires_grad
    given.zero_()
    assert not array(table(wengert.tensor(INDEX))).any()
    assert nn.Embedding.from_pretrained(given, freeze=False).weight.requires_grad


CLASSES = np.array([0, 3, 1])
SIGNS = np.array([1, -1, 1])
PROBABLE = np.random.default_rng(6).uniform(0.05, 0.95, (3, 4))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda n, r: n.CrossEntropyLoss(reduction=r, label_smoothing=0.1, ignore_index=1), (normal(3, 4), CLASSES)),
        (lambda n, r: n.NLLLoss(reduction=r), (normal(3, 4), CLASSES)),
        (lambda n, r: n.MSELoss(reduction=r), (normal(3, 4), PROBABLE)),
        (lambda n, r: n.L1Loss(reduction=r), (normal(3, 4), PROBABLE)),
        (lambda n, r: n.SmoothL1Loss(reduction=r, beta=0.5), (normal(3, 4), PROBABLE)),
        (lambda n, r: n.HuberLoss(reduction=r, delta=0.5), (normal(3, 4), PROBABLE)),
        (lambda n, r: n.BCELoss(reduction=r), (PROBABLE, PROBABLE[::-1].copy())),
        (lambda n, r: n.BCEWithLogitsLoss(reduction=r), (normal(3, 4), PROBABLE)),
        (lambda n, r: n.KLDivLoss(reduction=r, log_target=True), (normal(3, 4), PROBABLE)),
        (lambda n, r: n.PoissonNLLLoss(reduction=r, full=True), (normal(3, 4), PROBABLE)),
        (lambda n, r: n.GaussianNLLLoss(reduction=r, full=True), (normal(3, 4), PROBABLE, PROBABLE[::-1].copy())),
        (lambda n, r: n.HingeEmbeddingLoss(reduction=r, margin=0.5), (normal(3), SIGNS)),
        (lambda n, r: n.MarginRankingLoss(reduction=r, margin=0.5), (normal(3), normal(3, seed=1), SIGNS)),
        (lambda n, r: n.CosineEmbeddingLoss(reduction=r), (normal(3, 4), normal(3, 4, seed=1), SIGNS)),
        (
            lambda n, r: n.TripletMarginLoss(reduction=r, swap=True),
            (normal(3, 4), normal(3, 4, seed=1), normal(3, 4, seed=2)),
        ),
        (
            lambda n, r: n.TripletMarginWithDistanceLoss(reduction=r),
            (normal(3, 4), normal(3, 4, seed=1), normal(3, 4, seed=2)),
        ),
        (lambda n, r: n.MultiMarginLoss(reduction=r, p=2), (normal(3, 4), CLASSES)),
        (lambda n, r: n.MultiLabelMarginLoss(reduction=r), (normal(2, 3), np.array([[1, -1, 0], [2, 0, -1]]))),
        (lambda n, r: n.MultiLabelSoftMarginLoss(reduction=r), (normal(3, 4), (PROBABLE > 0.5).astype(np.int64))),
        (lambda n, r: n.SoftMarginLoss(reduction=r), (normal(3), SIGNS)),
    ],
)
@pytest.mark.filterwarnings("ignore:reduction. .mean. divides")
def test_losses(make, values, reduction):
    layer_beside(lambda n: make(n, reduction), *values, second=False)


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda n: n.CosineSimilarity(), (normal(3, 4), normal(3, 4, seed=1))),
        (lambda n: n.CosineSimilarity(dim=0, eps=0.1), (normal(3, 4), normal(3, 4, seed=1))),
        (lambda n: n.PairwiseDistance(keepdim=True), (normal(3, 4), normal(3, 4, seed=1))),
    ],
)
def test_distances(make, values):
    layer_beside(make, *values)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("CrossEntropyLoss", ("weight",)),
        ("NLLLoss", ("weight",)),
        ("BCELoss", ("weight",)),
        ("BCEWithLogitsLoss", ("weight", "pos_weight")),
        ("MultiLabelSoftMarginLoss", ("weight",)),
    ],
)
def test_weights_of_losses_are_buffers(name, arguments):
    mine = getattr(nn, name)(**{argument: wengert.ones(4) for argument in arguments})
    theirs = getattr(torch.nn, name)(**{argument: torch.ones(4) for argument in arguments})
    assert list(mine.state_dict()) == list(theirs.state_dict()) == list(arguments)
    assert mine.double().weight.dtype is wengert.float64


def test_dropout_layers_rest_in_evaluation():
    x = wengert.ones(2, 3, 4)
    for layer in (nn.Dropout(), nn.Dropout1d(), nn.AlphaDropout(), nn.FeatureAlphaDropout()):
        assert layer.eval()(x) is x
        assert (array(layer.train()(x)) != 1).any()


@pytest.mark.parametrize(
    ("make", "shape", "bound"),
    [
        (lambda: nn.Linear(50, 400).weight, (400, 50), 50**-0.5),
        (lambda: nn.Linear(50, 4000).bias, (4000,), 50**-0.5),
        (lambda: nn.Bilinear(10, 20, 30).weight, (30, 10, 20), 10**-0.5),
        (lambda: nn.Bilinear(10, 2, 3000).bias, (3000,), 10**-0.5),
    ],
)
def test_weights_begin_uniform_within_the_peers_bounds(make, shape, bound):
    values = array(make())
    assert values.shape == shape
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.99 * bound
    np.testing.assert_allclose(values.std(), bound / 3**0.5, rtol=0.05)


def test_embeddings_begin_normal():
    values = array(nn.Embedding(300, 50).weight)
    np.testing.assert_allclose([values.mean(), values.std()], [0, 1], atol=0.03)


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (lambda n, t: n.Hardtanh(1.0, -1.0), (AssertionError, ValueError)),
        (lambda n, t: n.Dropout(2.0), ValueError),
        (lambda n, t: n.GroupNorm(3, 4), ValueError),
        (lambda n, t: n.Embedding(3, 4, padding_idx=7), (AssertionError, ValueError)),
        (lambda n, t: n.Embedding(3, 4, _weight=t.ones(2, 4)), (AssertionError, ValueError)),
        (lambda n, t: n.Bilinear(0, 2, 3), ValueError),
        (lambda n, t: n.TripletMarginLoss(margin=-1.0), ValueError),
        (lambda n, t: n.MultiMarginLoss(p=3), ValueError),
        (lambda n, t: n.Unflatten(1, 3), TypeError),
        (lambda n, t: n.Unflatten(1, (2, "3")), TypeError),
        (lambda n, t: n.Linear(3, 4, nothing=1), TypeError),
        (lambda n, t: n.BatchNorm1d(3)(t.ones(3)), ValueError),
        (lambda n, t: n.BatchNorm1d(3)(t.ones(1, 3)), ValueError),
        (lambda n, t: n.BatchNorm1d(3)(t.ones(2, 4)), RuntimeError),
        (lambda n, t: n.BatchNorm2d(3)(t.ones(2, 3)), ValueError),
        (lambda n, t: n.InstanceNorm1d(3, affine=True)(t.ones(2, 4, 5)), ValueError),
        (lambda n, t: n.InstanceNorm1d(3)(t.ones(2, 3, 1)), ValueError),
        (lambda n, t: n.Softmax2d()(t.ones(2, 3)), (AssertionError, ValueError)),
        (lambda n, t: n.Linear(3, 4)(t.ones(2, 5)), RuntimeError),
        (lambda n, t: n.Linear(3, 4)(t.ones(2, 3, dtype=t.float64)), RuntimeError),
        (lambda n, t: n.Linear(3, 4, device="nowhere"), RuntimeError),
    ],
)
@pytest.mark.parametrize(("layers", "tensors"), [(nn, wengert), (torch.nn, torch)], ids=["wengert", "torch"])
def test_misuse_is_an_error_of_the_peers_kind(attempt, kind, layers, tensors):
    with pytest.raises(kind):
        attempt(layers, tensors)


def test_a_target_class_that_is_not_there():
    raises_as_peer(lambda n, x, t: n.CrossEntropyLoss()(x, t), normal(3, 4), np.array([0, 1, 4]))


def test_layers_take_dtype_and_device():
    layer = nn.Linear(2, 3, dtype=wengert.float64, device="cpu")
    assert layer.weight.dtype is wengert.float64
    assert nn.BatchNorm1d(3, dtype=wengert.float64).running_mean.dtype is wengert.float64
    assert nn.LayerNorm(3, dtype=wengert.float16)(wengert.ones(2, 3, dtype=wengert.float16)).dtype is wengert.float16


def test_old_arguments_of_losses_still_work():
    with pytest.warns(UserWarning, match="reduction='sum'"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
