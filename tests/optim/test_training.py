"""Whole training steps: forward, backward and update as one graph, and the losses that PyTorch gets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import wengert
from wengert.runtime.tiers import Counts

METHODS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {}),
]
STEPS_PER_EPOCH, EPOCHS = 5, 4


def train(torch, name, options):
    """The loss of every step, and how often an executable was looked up and made in each epoch."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS_PER_EPOCH * 16, 12)).astype(np.float32)
    y = rng.integers(0, 5, len(x))
    model = torch.nn.Sequential(torch.nn.Linear(12, 8), torch.nn.ReLU(), torch.nn.Linear(8, 5))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.from_numpy(rng.normal(size=tuple(p.shape)).astype(np.float32) * 0.3))
    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = torch.utils.data.DataLoader(data, batch_size=16)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.02, **options)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS_PER_EPOCH * EPOCHS)
    criterion = torch.nn.CrossEntropyLoss()
    losses, counts = [], []
    for _ in range(EPOCHS):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        counts.append((Counts.found + Counts.made, Counts.made))
    return losses, counts


@pytest.mark.parametrize(("name", "options"), METHODS)
def test_losses_are_pytorchs(name, options):
    torch = pytest.importorskip("torch")
    mine, theirs = train(wengert, name, options)[0], train(torch, name, options)[0]
    np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=2e-6)
    assert sum(mine[-STEPS_PER_EPOCH:]) < sum(mine[:STEPS_PER_EPOCH])


@pytest.mark.parametrize(("name", "options"), METHODS)
def test_a_step_is_one_graph_and_always_the_same(name, options):
    counts = train(wengert, name, options)[1]
    for (before, made_before), (after, made_after) in pairwise(counts[1:]):
        assert after - before <= STEPS_PER_EPOCH + 1  # one more for the seed of the epoch
        assert made_after == made_before


def test_a_derivative_through_a_step():
    w = wengert.tensor([1.0, 2.0], requires_grad=True)
    x = w * 1.0
    x.retain_grad()
    x.grad = 2 * w
    wengert.optim.SGD([x], lr=0.1, differentiable=True).step()
    x.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), [0.8, 0.8], rtol=1e-6)


def test_a_closure_may_compute_the_gradient():
    x = wengert.tensor([3.0], requires_grad=True)
    optimizer = wengert.optim.SGD([x], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    np.testing.assert_allclose(x.detach().numpy(), [2.4], rtol=1e-6)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "SGD", "Adagrad"])
def test_rates_and_betas_may_be_tensors(name):
    results = []
    for as_tensors in (False, True):
        x = wengert.tensor([1.0, -2.0], dtype=wengert.float64, requires_grad=True)
        given = {"lr": 0.05}
        if name.startswith("Adam"):
            given["betas"] = (0.5, 0.75)
        if as_tensors:
            given = {"lr": wengert.tensor(0.05, dtype=wengert.float64)}
            if name.startswith("Adam"):
                given["betas"] = tuple(wengert.tensor(b, dtype=wengert.float64) for b in (0.5, 0.75))
        optimizer = getattr(wengert.optim, name)([x], **given)
        for _ in range(5):
            optimizer.zero_grad()
            (x**2).sum().backward()
            optimizer.step()
        results.append(x.detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-12)
