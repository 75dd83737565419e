"""Whole training steps, compiled, against the same steps run as ordinary functions."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as torch
from tests.compiler.programs import Built, batches, check, classifier, states_of, training
from wengert import nn, optim
from wengert.nn import functional as F
from wengert.settings import settings

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD with decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.1),
    "Nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.9, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
    "Adadelta": lambda p: optim.Adadelta(p),
    "Adamax": lambda p: optim.Adamax(p, lr=0.01),
    "ASGD": lambda p: optim.ASGD(p, lr=0.1, t0=2),
    "Lion": lambda p: optim.Lion(p, lr=0.01),
    "NAdam": lambda p: optim.NAdam(p, lr=0.01),
    "RAdam": lambda p: optim.RAdam(p, lr=0.01),
    "Rprop": lambda p: optim.Rprop(p, lr=0.01),
    "a tensor as rate": lambda p: optim.Adam(p, lr=torch.tensor(0.01)),
    "two groups": lambda p: optim.SGD([{"params": list(p)[:2], "lr": 0.3}, {"params": []}], lr=0.1, momentum=0.5),
}


@pytest.fixture(params=["interpret", "compile"], autouse=True)
def tier(request):
    with settings.scope(tier=request.param):
        yield request.param


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_takes_the_same_steps(name):
    step = check(lambda: training(OPTIMIZERS[name]))
    assert step.traces <= 4  # the first call makes the state; RAdam and ASGD change their way after some steps


def test_a_schedule_neither_retraces_nor_is_ignored():
    def build():
        schedules = []

        def with_schedule(parameters):
            optimizer = optim.Adam(parameters, lr=0.1)
            schedules.append(optim.lr_scheduler.StepLR(optimizer, 2, 0.1))
            return optimizer

        return training(with_schedule, between=lambda number, model, optimizer: schedules[0].step())

    check(build, traces=2)


def test_weight_decay_that_is_turned_off_is_another_trace():
    def between(number, model, optimizer):
        optimizer.param_groups[0]["weight_decay"] = 0.0 if number >= 2 else 0.1 * (number + 1)

    check(lambda: training(OPTIMIZERS["SGD with decay"], between=between), traces=2)


def test_clipping_the_gradients_is_part_of_the_step():
    check(lambda: training(OPTIMIZERS["momentum"], clip=True))


def test_dropout_draws_what_the_ordinary_loop_draws():
    step = check(lambda: training(OPTIMIZERS["SGD"], nn.Dropout(0.5)), traces=1)
    assert len(step.programs) == 1


def test_batch_norm_moves_its_statistics():
    check(lambda: training(OPTIMIZERS["SGD"], nn.BatchNorm1d(6)), traces=1)


def test_modes_alternate_with_one_trace_each():
    def between(number, model, optimizer):
        model.train(number % 2 == 0)

    check(lambda: training(OPTIMIZERS["SGD"], nn.BatchNorm1d(6), nn.Dropout(0.2), between=between), traces=2)


def test_a_smaller_last_batch_is_a_trace_of_its_own():
    def build():
        built = training(OPTIMIZERS["momentum"])
        return built._replace(batches=[*batches(3), *batches(1, 2), *batches(3), *batches(1, 2)])

    check(build, traces=3)


def test_gradients_add_up_over_calls():
    def build():
        model = classifier()
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x, t):
            loss = F.cross_entropy(model(x), t)
            loss.backward()
            return loss.detach()

        def between(number):
            if number % 2:
                optimizer.step()
                optimizer.zero_grad()

        return Built(step, lambda: list(model.parameters()), batches(8), between)

    check(build, traces=2)


def test_a_parameter_without_a_gradient_stays():
    def build():
        model = classifier()
        unused = nn.Linear(3, 3)
        optimizer = optim.Adam([*model.parameters(), *unused.parameters()], lr=0.01)

        def step(x, t):
            optimizer.zero_grad()
            F.cross_entropy(model(x), t).backward()
            optimizer.step()

        return Built(step, lambda: [*model.parameters(), *unused.parameters()], batches())

    check(build)


def test_a_loss_that_differentiates_the_network_itself():
    def build():
        model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = optim.Adam(model.parameters(), lr=0.01)

        def step(points):
            points = points.detach().requires_grad_()  # a leaf of its own, whose gradient nobody asks for
            optimizer.zero_grad()
            (first,) = torch.autograd.grad(model(points).sum(), points, create_graph=True)
            (second,) = torch.autograd.grad(first[:, 0].sum(), points, create_graph=True)
            loss = ((first[:, 1] - second[:, 0]) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return Built(step, lambda: list(model.parameters()), [(torch.randn(20, 2),) for _ in range(6)])

    check(build, traces=2)


def test_two_models_and_two_optimizers_in_one_step():
    def build():
        first, second = classifier(), classifier()
        one, two = optim.SGD(first.parameters(), lr=0.1, momentum=0.9), optim.AdamW(second.parameters(), lr=0.01)

        def step(x, t):
            one.zero_grad()
            loss = F.cross_entropy(first(x), t)
            loss.backward()
            one.step()
            two.zero_grad()
            other = F.mse_loss(second(x), first(x).detach())
            other.backward()
            two.step()
            return loss, other.detach()

        return Built(step, lambda: [*first.parameters(), *second.parameters(), *states_of(one), *states_of(two)], batches())

    check(build)


def test_an_optimizer_of_the_users_with_python_numbers_in_its_state():
    class Mine(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    if not state:
                        state["step"] = 0
                        state["average"] = torch.zeros_like(p)
                    state["step"] += 1
                    state["average"].mul_(0.9).add_(p.grad, alpha=0.1)
                    p.add_(state["average"], alpha=-group["lr"] / (1 - 0.9 ** state["step"]))

    check(lambda: training(lambda p: Mine(p, 0.1)), traces=2)


def test_gradients_that_were_used_up_say_so_and_are_kept_on_request():
    built = training(OPTIMIZERS["SGD"])
    model_parameters = built.state()
    step = torch.compile(built.step)
    for batch in built.batches:
        step(*batch)
    weights = [cell.cell_contents for cell in built.step.__closure__]
    model = next(m for m in weights if isinstance(m, nn.Module))
    grad = model[0].weight.grad
    assert grad.shape == (6, 7)
    with pytest.raises(RuntimeError, match="keep_gradients=True"):
        grad.sum().item()
    assert len(model_parameters) == 4

    def build():
        return training(OPTIMIZERS["SGD"])

    wanted, got = [], []
    for store, compiled in ((wanted, False), (got, True)):
        torch.manual_seed(3)
        built = build()
        step = torch.compile(built.step, keep_gradients=True) if compiled else built.step
        model = next(m for m in [c.cell_contents for c in built.step.__closure__] if isinstance(m, nn.Module))
        for batch in built.batches:
            step(*batch)
            store.append(model[0].weight.grad.numpy().copy())
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


def test_the_loss_has_a_history_that_was_gone_through():
    built = training(OPTIMIZERS["SGD"])
    step = torch.compile(built.step)
    for batch in built.batches[:3]:
        loss = step(*batch)
        assert loss.requires_grad
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()


def test_an_index_out_of_range_changes_nothing_and_names_the_line():
    torch.manual_seed(0)
    built = training(OPTIMIZERS["Adam"])
    step = torch.compile(built.step)
    for batch in built.batches[:4]:
        step(*batch)
    before = [np.array(v.detach().numpy()) for v in built.state()]
    x, _ = built.batches[0]
    with pytest.raises(IndexError, match=r"programs\.py:\d+"):
        step(x, torch.tensor([0, 1, 7, 2]))
    for old, new in zip(before, built.state(), strict=True):
        np.testing.assert_array_equal(new.detach().numpy(), old)
    step(*built.batches[4])
