import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, raises_as_peer
from wengert.nn import functional as F

REDUCTIONS = ["mean", "sum", "none"]
POSITIVE = np.abs(normal(3, 4, seed=5)) + 0.1
PROBABLE = np.random.default_rng(6).uniform(0.05, 0.95, (3, 4))
SIGNS = np.sign(normal(3, 4, seed=7))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "call",
    [
        lambda F, x, t, **o: F.mse_loss(x, t, **o),
        lambda F, x, t, **o: F.l1_loss(x, t, **o),
        lambda F, x, t, **o: F.smooth_l1_loss(x, t, **o),
        lambda F, x, t, **o: F.smooth_l1_loss(x, t, beta=0.5, **o),
        lambda F, x, t, **o: F.smooth_l1_loss(x, t, beta=0.0, **o),
        lambda F, x, t, **o: F.huber_loss(x, t, **o),
        lambda F, x, t, **o: F.huber_loss(x, t, delta=0.3, **o),
        lambda F, x, t, **o: F.soft_margin_loss(x, t.detach(), **o),
        lambda F, x, t, **o: F.poisson_nll_loss(x, t, **o),
        lambda F, x, t, **o: F.poisson_nll_loss(x, t.abs() * 3, full=True, **o),
        lambda F, x, t, **o: F.kl_div(x, t.abs(), **o),
        lambda F, x, t, **o: F.kl_div(x, t, log_target=True, **o),
        lambda F, x, t, **o: F.binary_cross_entropy_with_logits(x, t, **o),
        lambda F, x, t, **o: F.binary_cross_entropy(x.sigmoid(), t.sigmoid(), **o),
    ],
)
def test_losses_of_two_agree(call, reduction):
    for shape in [(3, 4), (), (0, 3)]:
        beside(lambda F, x, t: call(F, x, t, reduction=reduction), normal(*shape), normal(*shape, seed=1), scale=10)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weighted_distances_agree(name, reduction):
    call = lambda F, x, t, w: getattr(F, name)(x, t, reduction=reduction, weight=w)
    beside(lambda F, x, t: call(F, x, t, t.detach().abs()), normal(3, 4), normal(3, 4, seed=1), second=False)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weighted_binary_losses_agree(reduction):
    values = normal(3, 4), PROBABLE, POSITIVE[0], POSITIVE[1]
    call = lambda F, x, t, w, q: F.binary_cross_entropy_with_logits(
        x, t, w.detach(), reduction=reduction, pos_weight=q.detach()
    )
    beside(call, *values)
    call = lambda F, x, t, w: F.binary_cross_entropy(x.sigmoid(), t, w.detach(), reduction=reduction)
    beside(call, *values[:3])


def test_binary_cross_entropy_at_0_and_1():
    x, t = np.array([0.0, 1.0, 0.0, 1.0, 0.3]), np.array([0.0, 1.0, 1.0, 0.0, 0.5])
    # PyTorch's bound of 1e-12 is rounded to single precision.
    beside(lambda F, x: F.binary_cross_entropy(x, like(F, t), reduction="none"), x, second=False, scale=1e3)
    x = x.astype(np.float32)
    beside(lambda F, x: F.binary_cross_entropy(x, like(F, t.astype(np.float32))), x, second=False)


def test_binary_cross_entropy_with_extreme_logits():
    x, t = np.array([-1e4, 1e4, -1e4, 1e4]), np.array([0.0, 1.0, 1.0, 0.0])
    beside(lambda F, x: F.binary_cross_entropy_with_logits(x, like(F, t), reduction="none"), x)
    call = lambda F, x: F.binary_cross_entropy_with_logits(x, like(F, t), pos_weight=like(F, np.array(2.0)))
    beside(call, x)


def like(F_, value):
    if F_ is F:
        return tensor(value)
    torch = pytest.importorskip("torch")
    return torch.from_numpy(np.array(value))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("full", [True, False])
def test_gaussian_nll_loss_agrees(full, reduction):
    call = lambda F, x, t, v: F.gaussian_nll_loss(x, t, v, full=full, reduction=reduction)
    beside(call, normal(3, 4), normal(3, 4, seed=1), POSITIVE, second=False)
    beside(call, normal(3, 4), normal(3, 4, seed=1), POSITIVE[:, :1], second=False)
    beside(call, normal(3, 4), normal(3, 4, seed=1), POSITIVE[:, 0], second=False)
    beside(lambda F, x, t: call(F, x, t, 0.7), normal(3, 4), normal(3, 4, seed=1), second=False)
    beside(call, normal(3, 4), normal(3, 4, seed=1), POSITIVE * 1e-7, second=False)


def test_poisson_nll_loss_of_rates():
    beside(lambda F, x, t: F.poisson_nll_loss(x, t, log_input=False), POSITIVE, PROBABLE)


def test_targets_of_another_dtype_are_promoted():
    x, t = normal(5, dtype=np.float32), PROBABLE[0, :1]
    for name in ("mse_loss", "l1_loss", "binary_cross_entropy_with_logits"):
        call = lambda F, x, t, name=name: getattr(F, name)(x, t.expand(5))
        beside(call, x, t, second=False, scale=1e4)


def test_kl_div_batchmean_agrees():
    beside(lambda F, x, t: F.kl_div(x, t, reduction="batchmean"), normal(3, 4), PROBABLE)
    with pytest.warns(UserWarning, match="batchmean"):
        F.kl_div(tensor(normal(3)), tensor(normal(3)))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_hinge_embedding_loss_agrees(reduction):
    call = lambda F, x: F.hinge_embedding_loss(x, like(F, SIGNS), 0.7, reduction=reduction)
    beside(call, normal(3, 4), second=False)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_margin_ranking_loss_agrees(reduction):
    call = lambda F, a, b: F.margin_ranking_loss(a, b, like(F, SIGNS), 0.2, reduction=reduction)
    beside(call, normal(3, 4), normal(3, 4, seed=1), second=False)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cosine_embedding_loss_agrees(reduction):
    call = lambda F, a, b: F.cosine_embedding_loss(a, b, like(F, SIGNS[:, 0]), 0.2, reduction=reduction)
    beside(call, normal(3, 4), normal(3, 4, seed=1), second=False)
    call = lambda F, a, b: F.cosine_embedding_loss(a, b, like(F, SIGNS[0, 0]), 0.2, reduction=reduction)
    beside(call, normal(4), normal(4, seed=1), second=False)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("swap", [True, False])
@pytest.mark.parametrize("order", [1.0, 2.0])
def test_triplet_margin_loss_agrees(order, swap, reduction):
    values = normal(3, 4), normal(3, 4, seed=1), normal(3, 4, seed=2)
    call = lambda F, a, p, n: F.triplet_margin_loss(a, p, n, p=order, swap=swap, reduction=reduction)
    beside(call, *values, second=False)
    call = lambda F, a, p, n: F.triplet_margin_with_distance_loss(
        a, p, n, distance_function=lambda u, v: 1 - F.cosine_similarity(u, v), swap=swap, reduction=reduction
    )
    beside(call, *values, second=False)
    beside(lambda F, a, p, n: F.triplet_margin_with_distance_loss(a, p, n), *values, second=False)


def test_losses_in_single_precision():
    x, t = normal(100, dtype=np.float32), normal(100, seed=1, dtype=np.float32)
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss"):
        beside(lambda F, x, t, name=name: getattr(F, name)(x, t.detach()), x, t, second=False)


def test_two_shapes_warn_and_broadcast():
    with pytest.warns(UserWarning, match="target size"):
        y = F.mse_loss(tensor(normal(3, 4)), tensor(normal(4)))
    np.testing.assert_allclose(array(y), np.mean((normal(3, 4) - normal(4)) ** 2))


@pytest.mark.parametrize(
    "call",
    [
        lambda nn, x: nn.functional.mse_loss(x, x, reduction="what"),
        lambda nn, x: nn.functional.l1_loss(x, x, reduction="what"),
        lambda nn, x: nn.functional.kl_div(x, x, reduction="what"),
        lambda nn, x: nn.functional.poisson_nll_loss(x, x, reduction="what"),
        lambda nn, x: nn.functional.mse_loss(x, x, weight=x[0]),
        lambda nn, x: nn.functional.mse_loss(x.long(), x.long()),
        lambda nn, x: nn.functional.smooth_l1_loss(x, x, beta=-1.0),
        lambda nn, x: nn.functional.huber_loss(x, x, delta=0.0),
        lambda nn, x: nn.functional.binary_cross_entropy(x, x[0]),
        lambda nn, x: nn.functional.binary_cross_entropy(x, x),
        lambda nn, x: nn.functional.binary_cross_entropy_with_logits(x, x[0]),
        lambda nn, x: nn.functional.gaussian_nll_loss(x, x, x),
        lambda nn, x: nn.functional.gaussian_nll_loss(x, x, -1.0),
        lambda nn, x: nn.functional.gaussian_nll_loss(x, x, x.abs()[:2]),
        lambda nn, x: nn.functional.margin_ranking_loss(x, x, x[0]),
        lambda nn, x: nn.functional.cosine_embedding_loss(x, x, x),
        lambda nn, x: nn.functional.triplet_margin_loss(x, x, x[0]),
        lambda nn, x: nn.functional.triplet_margin_loss(x, x, x, margin=-1.0),
        lambda nn, x: nn.functional.soft_margin_loss(x, x[:2]),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_wrong_input_is_refused(call):
    raises_as_peer(call, normal(3, 4))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_whole_numbers_meet_in_their_own_dtype(dtype):
    """Differences of bytes wrap before anything becomes floating, in PyTorch too."""
    a, b, c = (np.random.default_rng(k).integers(0, 9, (3, 4)).astype(dtype) for k in range(3))
    for call in (
        lambda F, a, b, c: F.margin_ranking_loss(a, b, c, 0.5),
        lambda F, a, b, c: F.triplet_margin_loss(a, b, c),
        lambda F, a, b, c: F.pairwise_distance(a, b),
        lambda F, a, b, c: F.poisson_nll_loss(a, b),
        lambda F, a, b, c: F.softsign(a),
        lambda F, a, b, c: F.tanhshrink(a),
    ):
        beside(call, a, b, c, scale=10)


def test_one_class_without_dimensions():
    beside(lambda F, x: F.multi_margin_loss(x, like(F, np.array(0))), np.array(0.3), second=False)
    beside(lambda F, x: F.multilabel_margin_loss(x, like(F, np.array(0))), np.array(0.3), second=False)
