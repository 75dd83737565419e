import numpy as np
import pytest

from tests.functions.peer import array, normal, tensor
from tests.nn.peer import beside, compare, double, raises_as_peer, torch
from wengert import nn
from wengert.nn import functional as F

REDUCTIONS = ["mean", "sum", "none"]
CLASSES = np.array([2, 0, 4, 1])


def targets(F_, value):
    return tensor(value) if F_ is F else torch.from_numpy(np.array(value))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_linear_cross_entropy_agrees(reduction):
    x, w, b, factor = normal(4, 3), normal(5, 3, seed=1), normal(5, seed=2), np.abs(normal(5, seed=3))
    call = lambda F, *a, **o: F.linear_cross_entropy(*a, reduction=reduction, **o)
    beside(lambda F, x, w: call(F, x, w, targets(F, CLASSES)), x, w)
    beside(lambda F, x, w, b: call(F, x, w, targets(F, CLASSES), linear_bias=b, ignore_index=4), x, w, b)
    beside(lambda F, x, w, f: call(F, x, w, targets(F, CLASSES), weight=f.detach(), label_smoothing=0.1), x, w, factor)
    beside(lambda F, x, w, t: call(F, x, w, t.detach().softmax(1)), x, w, normal(4, 5))
    beside(lambda F, x, w: call(F, x[0], w, targets(F, np.array(3))), x, w)
    beside(lambda F, x, w: call(F, x, w, targets(F, CLASSES.reshape(4, 1) % 5 + np.zeros((4, 2), int))), x, normal(5, 2, 3))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("size", [1, 3, None])
def test_chunks_change_nothing(size, reduction):
    x, w, factor = normal(4, 3), normal(5, 3, seed=1), np.abs(normal(5, seed=3))
    for weight in (None, factor):
        options = {"ignore_index": 4, "reduction": reduction, "weight": None if weight is None else tensor(weight)}
        chunks = nn.LinearCrossEntropyOptions(batch_chunk_size=size)
        a, b = [[tensor(x, True), tensor(w, True)] for _ in range(2)]
        y = F.linear_cross_entropy(*a, tensor(CLASSES), options=chunks, **options)
        z = F.linear_cross_entropy(*b, tensor(CLASSES), **options)
        np.testing.assert_allclose(array(y), array(z), rtol=1e-12)
        y.sum().backward()
        z.sum().backward()
        for t, u in zip(a, b):
            np.testing.assert_allclose(array(t.grad), array(u.grad), rtol=1e-12)


def test_chunk_sizes_are_the_peers():
    with pytest.raises(ValueError, match="chunking_method"):
        nn.LinearCrossEntropyOptions(chunking_method="rows")
    with pytest.raises(ValueError, match="batch_chunk_size"):
        nn.LinearCrossEntropyOptions(batch_chunk_size=0)
    with pytest.raises(ValueError, match="acc_policy"):
        nn.LinearCrossEntropyOptions(acc_policy="fast")
    assert nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio").rows(64, 8, 80) == 8
    assert nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio:4").rows(64, 8, 80) == 2
    assert nn.LinearCrossEntropyOptions(chunking_method=None).rows(64, 8, 80) == 64


def test_linear_cross_entropy_loss_agrees():
    x = normal(4, 3)
    for options in ({}, {"bias": True, "out_features": (2,)}, {"label_smoothing": 0.2, "reduction": "sum"}):
        mine, theirs = (m.LinearCrossEntropyLoss(3, 5, **options) for m in (nn, torch.nn))
        assert repr(mine) == repr(theirs)
        double(mine, theirs)
        theirs.load_state_dict({k: torch.from_numpy(np.array(array(v))) for k, v in mine.state_dict().items()})
        t = np.stack([CLASSES] * 2, 1) if "out_features" in options else CLASSES
        a, b = tensor(x, True), torch.from_numpy(x.copy()).requires_grad_()
        y, z = mine(a, tensor(t)), theirs(b, torch.from_numpy(t))
        compare(y, z, [a, *mine.parameters()], [b, *theirs.parameters()], True)


@pytest.mark.parametrize(
    "call",
    [
        lambda nn, x, t: nn.functional.linear_cross_entropy(x, x[:, :2], t),
        lambda nn, x, t: nn.functional.linear_cross_entropy(x, x[0], t),
        lambda nn, x, t: nn.functional.linear_cross_entropy(x, x, t, linear_bias=x[0]),
        lambda nn, x, t: nn.functional.linear_cross_entropy(x, x, x @ x.T, ignore_index=1),
        lambda nn, x, t: nn.LinearCrossEntropyLoss(3, 5, weight=x[0]),
        lambda nn, x, t: nn.LinearCrossEntropyLoss(3, 5, label_smoothing=2),
        lambda nn, x, t: nn.AdaptiveLogSoftmaxWithLoss(3, 8, []),
        lambda nn, x, t: nn.AdaptiveLogSoftmaxWithLoss(3, 8, [4, 2]),
        lambda nn, x, t: nn.AdaptiveLogSoftmaxWithLoss(3, 8, [2, 8]),
        lambda nn, x, t: nn.AdaptiveLogSoftmaxWithLoss(3, 8, [2, 5], 1.5).double()(x, t[:2]),
        lambda nn, x, t: nn.AdaptiveLogSoftmaxWithLoss(3, 8, [2, 5], 1.1).double()(x, t + 5),
        lambda nn, x, t: nn.AdaptiveLogSoftmaxWithLoss(3, 8, [2, 5], 1.1).double()(x[0], t),
    ],
)
def test_wrong_input_is_refused(call):
    raises_as_peer(call, normal(4, 3), CLASSES)


@pytest.mark.parametrize("t", [np.array([0, 3, 7, 1]), np.array([0, 1, 1, 0]), np.array([7, 6, 5, 5])])
@pytest.mark.parametrize("head_bias", [True, False])
def test_adaptive_log_softmax_agrees(t, head_bias):
    x = normal(4, 6)
    mine, theirs = (m.AdaptiveLogSoftmaxWithLoss(6, 8, [2, 5], 2.0, head_bias) for m in (nn, torch.nn))
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    double(mine, theirs)
    theirs.load_state_dict({k: torch.from_numpy(np.array(array(v))) for k, v in mine.state_dict().items()})
    a, b = tensor(x, True), torch.from_numpy(x.copy()).requires_grad_()
    for y, z in zip(mine(a, tensor(t)), theirs(b, torch.from_numpy(t))):
        compare(y, z, [a, *mine.parameters()], [b, *theirs.parameters()], True)
    compare(mine.log_prob(a), theirs.log_prob(b), [a], [b], True)
    np.testing.assert_array_equal(array(mine.predict(a)), array(theirs.predict(b)))
    one, other = mine(a[0], tensor(t[0])), theirs(b[0], torch.from_numpy(t)[0])
    compare(one.output, other.output, [a], [b], False)
    mine.reset_parameters()
