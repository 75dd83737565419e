"""Averaged models beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.functions.peer import array

torch = pytest.importorskip("torch")


def network(library, seed=0):
    model = library.nn.Sequential(library.nn.Linear(3, 4), library.nn.BatchNorm1d(4), library.nn.Linear(4, 2))
    rng = np.random.default_rng(seed)
    with library.no_grad():
        for p in model.parameters():
            p.copy_(library.tensor(rng.normal(size=tuple(p.shape)).astype(np.float32)))
    return model


def changed(library, model, step):
    rng = np.random.default_rng(100 + step)
    with library.no_grad():
        for p in model.parameters():
            p.add_(library.tensor(rng.normal(size=tuple(p.shape)).astype(np.float32)))
        for b in model.buffers():
            b.add_(step)


WAYS = {
    "mean": lambda u: {},
    "ema": lambda u: {"avg_fn": u.get_ema_avg_fn(0.9)},
    "swa": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "multi ema": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9)},
    "multi swa": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "own": lambda u: {"avg_fn": lambda old, new, n: 0.5 * old + 0.5 * new / (n + 1)},
    "buffers": lambda u: {"use_buffers": True, "multi_avg_fn": u.get_ema_multi_avg_fn(0.75)},
}


@pytest.mark.parametrize("way", WAYS)
def test_averages_are_pytorchs(way):
    states = []
    for library in (wengert, torch):
        model = network(library)
        averaged = library.optim.swa_utils.AveragedModel(model, **WAYS[way](library.optim.swa_utils))
        for step in range(4):
            changed(library, model, step)
            averaged.update_parameters(model)
        states.append(averaged.state_dict())
    mine, theirs = states
    assert list(mine) == list(theirs)
    for name, value in mine.items():
        np.testing.assert_allclose(array(value), theirs[name].numpy(), rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_average_is_a_model_of_its_own():
    model = network(wengert)
    averaged = wengert.optim.swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    x = wengert.ones(2, 3)
    model.eval(), averaged.eval()
    before = averaged(x)
    assert wengert.equal(before, model(x))
    changed(wengert, model, 1)
    assert wengert.equal(averaged(x), before)


def test_update_bn():
    batches = [np.random.default_rng(k).normal(size=(8, 3)).astype(np.float32) for k in range(3)]
    found = []
    for library in (wengert, torch):
        model = network(library).eval()
        data = [(library.tensor(batch), 0) for batch in batches]
        library.optim.swa_utils.update_bn(data, model)
        assert not model.training and model[1].momentum == 0.1
        found.append([model[1].running_mean, model[1].running_var, model[1].num_batches_tracked])
    for mine, theirs in zip(*found):
        np.testing.assert_allclose(array(mine), theirs.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 5])
def test_swalr(strategy, epochs):
    rates = []
    for library in (wengert, torch):
        xs = [library.ones(2, requires_grad=True), library.ones(2, requires_grad=True)]
        optimizer = library.optim.SGD([{"params": xs[:1]}, {"params": xs[1:], "lr": 0.5}], lr=0.1)
        schedule = library.optim.swa_utils.SWALR(optimizer, [0.01, 0.3], epochs, strategy)
        found = []
        for step in range(8):
            optimizer.step()
            schedule.step()
            found.append(schedule.get_last_lr())
            if step == 3:
                state = schedule.state_dict()
                schedule.load_state_dict(state)
        rates.append(found)
    np.testing.assert_allclose(*rates, rtol=1e-12)


def test_misuse():
    utils, model = wengert.optim.swa_utils, network(wengert)
    optimizer = wengert.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="decay"):
        utils.get_ema_avg_fn(1.5)
    with pytest.raises(AssertionError, match="Only one"):
        utils.AveragedModel(model, avg_fn=utils.get_swa_avg_fn(), multi_avg_fn=utils.get_swa_multi_avg_fn())
    for wrong in ({"swa_lr": [0.1, 0.2]}, {"swa_lr": 0.1, "anneal_strategy": "x"}, {"swa_lr": 0.1, "anneal_epochs": -1}):
        with pytest.raises(ValueError):
            utils.SWALR(optimizer, **wrong)
