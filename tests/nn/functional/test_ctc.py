import numpy as np
import pytest

import wengert as ours
from tests.functions.peer import array, check, normal, tensor
from tests.nn.peer import beside, raises_as_peer, torch
from wengert.autograd.backward import grad
from wengert.nn import functional as F

TARGETS = np.array([[1, 1, 3], [2, 3, 0], [3, 0, 0]])
FRAMES, LENGTHS = np.array([7, 6, 7]), np.array([3, 2, 1])


def loss(F, x, targets, frames, lengths, **options):
    log_probs = x.log_softmax(-1)
    module = ours if F.__name__.startswith("wengert") else torch
    return F.ctc_loss(log_probs, module.tensor(targets), frames, lengths, **options)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ctc_loss_agrees_behind_log_softmax(reduction):
    given = TARGETS.tolist(), FRAMES.tolist(), LENGTHS.tolist()
    beside(lambda F, x: loss(F, x, *given, reduction=reduction), normal(7, 3, 4), second=False, scale=10)
    given = [1, 1, 3, 2, 3, 3], FRAMES.tolist(), LENGTHS.tolist()  # one after the other
    beside(lambda F, x: loss(F, x, *given, reduction=reduction), normal(7, 3, 4), second=False, scale=10)
    beside(lambda F, x: loss(F, x, [2, 1, 2], (5,), (3,), blank=3, reduction=reduction), normal(5, 4), second=False, scale=10)
    beside(lambda F, x: loss(F, x, [[0]], [5], [0], reduction=reduction), normal(5, 1, 4), second=False, scale=10)


def test_a_blank_among_the_labels_is_a_label_as_any():
    given = [[1, 0, 2], [0, 1, 3]], [5, 4], [3, 3]  # as the last label too, but there PyTorch 2.13's derivative lacks a term
    beside(lambda F, x: loss(F, x, *given, reduction="none"), normal(5, 2, 4), second=False, scale=10)


@pytest.mark.parametrize("zero_infinity", [True, False])
def test_too_few_frames(zero_infinity):
    """`1 1 3` needs a blank between the two 1s, so 4 frames."""
    given = TARGETS.tolist(), [3, 6, 7], LENGTHS.tolist()
    call = lambda F, x: loss(F, x, *given, zero_infinity=zero_infinity, reduction="none")
    beside(call, normal(7, 3, 4), second=False, scale=10)


def test_single_precision_and_long_sequences():
    targets = np.random.default_rng(0).integers(1, 20, (2, 40))
    x = normal(300, 2, 20, dtype=np.float32) * 10
    beside(lambda F, x: loss(F, x, targets.tolist(), [300, 250], [40, 30]), x, second=False, scale=100)


def test_the_derivative_by_log_probs_themselves_is_exact():
    """log_probs that no log_softmax has touched: central differences, where PyTorch's derivative is exp(x) higher."""
    x = normal(5, 1, 4)
    given = tensor(TARGETS[:1]), [5], [3]
    f = lambda x: float(F.ctc_loss(tensor(x), *given, reduction="sum"))
    t = tensor(x, True)
    (g,) = grad(F.ctc_loss(t, *given, reduction="sum"), [t])
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-5
        assert abs((f(x + step) - f(x - step)) / 2e-5 - array(g)[at]) < 1e-8
    w = torch.from_numpy(x).requires_grad_()
    loss = torch.nn.functional.ctc_loss(w, torch.from_numpy(TARGETS[:1]), [5], [3], reduction="sum")
    (h,) = torch.autograd.grad(loss, [w])
    check(g + t.detach().exp(), h, "derivative", scale=100)


def test_lengths_as_tensors_of_other_integers():
    call = lambda F, x, n, m: F.ctc_loss(x.log_softmax(-1), (n * 0 + 1)[:, None], n, m)
    beside(call, normal(7, 3, 4), FRAMES.astype(np.int32), (LENGTHS * 0 + 1).astype(np.int32), second=False, scale=10)


def test_vmap_over_ctc_is_a_loop():
    x = tensor(normal(2, 7, 3, 4))
    one = lambda x: F.ctc_loss(x.log_softmax(-1), tensor(TARGETS), tensor(FRAMES), tensor(LENGTHS))
    whole = ours.func.vmap(ours.func.grad(one))(x)
    for k in range(2):
        np.testing.assert_allclose(array(whole)[k], array(ours.func.grad(one)(x[k])), rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda F, x, t: F.ctc_loss(x, t, [7, 6, 8], [3, 2, 1]),
        lambda F, x, t: F.ctc_loss(x, t, [7, 6, 7], [4, 2, 1]),
        lambda F, x, t: F.ctc_loss(x, t, [7, 6], [3, 2, 1]),
        lambda F, x, t: F.ctc_loss(x, t, [7, 6, 7], [3, 2]),
        lambda F, x, t: F.ctc_loss(x, t, [7, 6, 7], [3, 2, 1], blank=4),
        lambda F, x, t: F.ctc_loss(x, t, [7, 6, 7], [3, 2, 1], reduction="median"),
        lambda F, x, t: F.ctc_loss(x, t, t[0].double(), t[0]),
        lambda F, x, t: F.ctc_loss(x.long(), t, [7, 6, 7], [3, 2, 1]),
        lambda F, x, t: F.ctc_loss(x, t[0], [7, 6, 7], [3, 2, 1]),
    ],
)
def test_wrong_input_is_refused(call):
    raises_as_peer(lambda nn, x, t: call(nn.functional, x, t), normal(7, 3, 4), TARGETS)


def test_a_target_that_is_no_class_is_refused():
    """PyTorch reads elsewhere."""
    with pytest.raises(IndexError, match="target 9"):
        F.ctc_loss(tensor(normal(7, 1, 4)), tensor([[1, 9]]), [7], [2]).item()
