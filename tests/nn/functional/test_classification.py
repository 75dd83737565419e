import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, raises_as_peer
from wengert.nn import functional as F

REDUCTIONS = ["mean", "sum", "none"]
SHAPES = [((5, 4), (5,)), ((4,), ()), ((2, 4, 3), (2, 3)), ((2, 4, 3, 2), (2, 3, 2)), ((0, 4), (0,))]


def classes(shape, seed=0):
    return np.asarray(np.random.default_rng(seed).integers(0, 4, shape))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "target"), SHAPES)
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_class_losses_agree(name, shape, target, reduction):
    x, t, w = normal(*shape), classes(target), np.abs(normal(4, seed=2))
    beside(lambda F, x: getattr(F, name)(x, as_peer(F, t), reduction=reduction), x)
    beside(lambda F, x: getattr(F, name)(x, as_peer(F, t), as_peer(F, w), reduction=reduction), x)
    some = np.where(t == t.flat[0], -100, t) if t.ndim and t.size else t
    beside(lambda F, x: getattr(F, name)(x, as_peer(F, t), reduction=reduction, ignore_index=1), x)
    beside(lambda F, x: getattr(F, name)(x, as_peer(F, some), as_peer(F, w), reduction=reduction), x)
    beside(lambda F, x: getattr(F, name)(x, as_peer(F, some), reduction=reduction), x)


def as_peer(F_, value):
    """The same numbers as a tensor of whichever side the functions are from."""
    if F_ is F:
        return tensor(value)
    torch = pytest.importorskip("torch")
    return torch.from_numpy(np.array(value))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "target"), SHAPES)
@pytest.mark.parametrize("weight", [True, False])
def test_label_smoothing_agrees(shape, target, reduction, weight):
    t, w = classes(target), np.abs(normal(4, seed=2)) if weight else None

    def call(F, x):
        factor = None if w is None else as_peer(F, w)
        options = {"reduction": reduction, "label_smoothing": 0.3, "ignore_index": 2}
        return F.cross_entropy(x, as_peer(F, t), factor, **options)

    beside(call, normal(*shape))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [shape for shape, _ in SHAPES])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_probabilities_agree(shape, reduction, smoothing):
    w = np.abs(normal(4, seed=2))
    options = {"reduction": reduction, "label_smoothing": smoothing}
    beside(lambda F, x, t: F.cross_entropy(x, t, **options), normal(*shape), np.abs(normal(*shape, seed=1)))
    call = lambda F, x, t: F.cross_entropy(x, t, as_peer(F, w), **options)
    beside(call, normal(*shape), np.abs(normal(*shape, seed=1)))


def test_a_mean_over_nothing_is_nan_as_peer():
    beside(lambda F, x: F.cross_entropy(x, as_peer(F, np.array([-100, -100]))), normal(2, 4), second=False)


def test_bytes_are_targets_too():
    beside(lambda F, x: F.cross_entropy(x, as_peer(F, classes(5).astype(np.uint8))), normal(5, 4))


def test_half_precision_rounds_once():
    x = normal(6, 4).astype(np.float16)
    beside(lambda F, x: F.cross_entropy(x, as_peer(F, classes(6))), x, second=False)
    beside(lambda F, x: F.cross_entropy(x, as_peer(F, classes(6)), label_smoothing=0.1), x, second=False)


def test_extreme_scores_do_not_overflow():
    x = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]])
    beside(lambda F, x: F.cross_entropy(x, as_peer(F, np.array([1, 2]))), x, second=False)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_a_class_that_is_not_there_is_refused_at_once_or_when_run(name):
    x = tensor(normal(3, 4))
    for wrong in (4, -1, 10):
        with pytest.raises(IndexError, match=f"Target {wrong} is out of bounds"):
            getattr(F, name)(x, tensor([0, 1, wrong]))
        pending = getattr(F, name)(x, tensor([0, 1, wrong - 1]) + 1)
        with pytest.raises(IndexError):
            pending._array()
    with pytest.raises(IndexError, match="Target 9 is out of bounds"):
        getattr(F, name)(x, tensor([0, 1, 9]), ignore_index=1)


@pytest.mark.parametrize(
    ("call", "values"),
    [
        (lambda nn, x, t: nn.functional.cross_entropy(x, t.float()), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, t.int()), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, t), (normal(3, 4), classes(2))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, t), (normal(3, 4, 2), classes(3))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, t), (normal(3, 4, 2), classes((3, 3)))),
        (lambda nn, x, t: nn.functional.cross_entropy(x.long(), t), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, t, reduction="what"), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, t, x[0, :3]), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, t, label_smoothing=2.0), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, x, ignore_index=2), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.cross_entropy(x, [0, 1, 2]), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.nll_loss(x, t.int()), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.nll_loss(x, t, reduction="what"), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.multi_margin_loss(x, t, p=3), (normal(3, 4), classes(3))),
        (lambda nn, x, t: nn.functional.multilabel_margin_loss(x, t), (normal(3, 4), classes(3))),
    ],
)
def test_wrong_input_is_refused(call, values):
    raises_as_peer(call, *values)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("power", [1, 2])
def test_multi_margin_loss_agrees(power, reduction):
    w = np.abs(normal(4, seed=2))
    for shape, target in SHAPES[:2]:
        x, t = normal(*shape), classes(target)

        def call(F, x, weighted=False, t=t):
            return F.multi_margin_loss(
                x, as_peer(F, t), power, 0.7, as_peer(F, w) if weighted else None, reduction=reduction
            )

        beside(call, x, second=False)
        beside(lambda F, x, call=call: call(F, x, True), x, second=False)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_multilabel_margin_loss_agrees(reduction):
    t = np.array([[3, 0, -1, 1], [1, -1, 2, 3], [-1, 0, 1, 2], [0, 1, 2, 3]])
    call = lambda F, x: F.multilabel_margin_loss(x, as_peer(F, t), reduction=reduction)
    beside(call, normal(4, 4), second=False)
    call = lambda F, x: F.multilabel_margin_loss(x, as_peer(F, t[0]), reduction=reduction)
    beside(call, normal(4), second=False)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_multilabel_soft_margin_loss_agrees(reduction):
    t, w = (normal(3, 4, seed=1) > 0).astype(float), np.abs(normal(4, seed=2))
    beside(lambda F, x: F.multilabel_soft_margin_loss(x, as_peer(F, t), reduction=reduction), normal(3, 4))
    call = lambda F, x: F.multilabel_soft_margin_loss(x, as_peer(F, t), as_peer(F, w), reduction=reduction)
    beside(call, normal(3, 4))


def test_old_arguments_still_say_the_reduction():
    x, t = tensor(normal(3, 4)), tensor(classes(3))
    with pytest.warns(UserWarning, match="reduction='sum'"):
        y = F.cross_entropy(x, t, size_average=False)
    np.testing.assert_allclose(array(y), array(F.cross_entropy(x, t, reduction="sum")))
    with pytest.warns(UserWarning, match="reduction='none'"):
        assert F.cross_entropy(x, t, reduce=False).shape == (3,)
