"""The updates of a step as one remembered node: the same numbers as formula by formula, and asked for once."""

import numpy as np
import pytest

import wengert
from wengert import optim
from wengert.graph.record import recorder
from wengert.nn import Parameter
from wengert.optim import update as updating
from wengert.optim.update import Numbers, together, update
from wengert.settings import settings

METHODS = [
    (optim.SGD, {"lr": 0.1}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "maximize": True}),
    (optim.Adam, {"lr": 0.1}),
    (optim.Adam, {"lr": 0.1, "amsgrad": True, "weight_decay": 0.01}),
    (optim.AdamW, {"lr": 0.1, "maximize": True}),
    (optim.RMSprop, {"lr": 0.1, "centered": True, "momentum": 0.9}),
    (optim.RMSprop, {"lr": 0.1}),
    (optim.Adagrad, {"lr": 0.1, "lr_decay": 0.1}),
]


@pytest.fixture(autouse=True)
def empty_memory():
    updating.steps.clear()
    with settings.scope(tier="interpret"):
        yield
    updating.steps.clear()


def parameters():
    draw = np.random.default_rng(0)
    wide = [Parameter(wengert.tensor(draw.standard_normal(shape))) for shape in ((3, 2), (4,), ())]
    return [
        *wide,
        Parameter(wengert.tensor(draw.standard_normal(3).astype("f4"))),
        Parameter(wengert.tensor(draw.standard_normal(3).astype("f4")).bfloat16()),
        Parameter(wengert.tensor(draw.standard_normal(3) + 1j * draw.standard_normal(3))),
    ]


def train(method, options, rounds=4):
    params = parameters()
    optimizer = method(params, **options)
    draw = np.random.default_rng(1)
    for round in range(rounds):
        for number, param in enumerate(params):
            skipped = number == 1 and round == 1  # joins late, and misses a round
            grad = wengert.tensor(draw.standard_normal(param.shape)).to(param.dtype)
            param.grad = None if skipped else grad
        optimizer.param_groups[0]["lr"] *= 0.5
        optimizer.step()
    return [param.detach() for param in params]


@pytest.mark.parametrize("method, options", METHODS)
def test_numbers_are_those_of_the_formula(method, options, monkeypatch):
    remembering = train(method, options)
    assert 1 < len(updating.steps) <= 3  # all of them, all but one, and all where that one counts by itself
    monkeypatch.setattr(updating, "plain_recording", lambda: False)
    for got, want in zip(remembering, train(method, options)):
        assert wengert.equal(got, want)


def test_a_step_is_one_node_and_its_formula_runs_once(monkeypatch):
    calls, descent = [], optim.adam.descent
    monkeypatch.setattr(optim.adam, "descent", lambda *args: calls.append(1) or descent(*args))
    params = [Parameter(wengert.ones(3)), Parameter(wengert.ones(2))]
    optimizer = optim.Adam(params, lr=0.1)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    names = []
    optimizer.register_step_post_hook(lambda *args: names.append([node.primitive.name for node in recorder.tape]))
    for _ in range(5):
        for param in params:
            param.grad = wengert.ones_like(param) * 2
        optimizer.step()
        schedule.step()
    assert len(calls) == len(params)
    assert all(found.count("replay") == 1 and found.count("sqrt") == 0 for found in names)


def test_what_decides_is_part_of_the_key():
    param = Parameter(wengert.ones(3))
    for maximize, wanted in ((False, 0.9), (True, 1.0), (False, 0.9)):
        param.grad = wengert.ones(3)
        optim.SGD([param], lr=0.1, maximize=maximize).step()
        np.testing.assert_allclose(param.detach().numpy(), wanted, rtol=1e-6)


def test_gradients_that_are_one_tensor_and_then_are_not():
    params = [Parameter(wengert.zeros(2)), Parameter(wengert.zeros(2))]
    optimizer = optim.SGD(params, lr=1)
    params[0].grad = params[1].grad = wengert.ones(2)
    optimizer.step()
    params[1].grad = wengert.full((2,), 5.0)
    optimizer.step()
    assert params[0].tolist() == [-2, -2] and params[1].tolist() == [-6, -6]


@pytest.mark.parametrize("order", [1, -1])
def test_parameters_that_share_memory_are_updated_one_after_another(order):
    for _ in range(2):
        whole = wengert.ones(3)
        params = [Parameter(whole), Parameter(whole.data[1:])][::order]
        for param in params:
            param.grad = wengert.ones_like(param)
        optim.SGD(params, lr=0.5, weight_decay=1).step()
        assert whole.tolist() == [0, -0.5, -0.5]


def test_a_gradient_that_shows_another_parameter_is_read_after_its_update():
    for _ in range(2):
        first, second = Parameter(wengert.ones(2)), Parameter(wengert.zeros(2))
        first.grad, second.grad = wengert.ones(2), first.detach()
        optim.SGD([first, second], lr=0.5).step()
        assert second.tolist() == [-0.25, -0.25]


def test_an_array_that_shows_a_parameter_sees_its_updates():
    params = [Parameter(wengert.zeros(2)), Parameter(wengert.zeros(3))]
    arrays = [param.detach().numpy() for param in params]
    optimizer = optim.SGD(params, lr=1, momentum=0.5)
    for total in (1, 2.5, 4.25):
        for param in params:
            param.grad = wengert.ones_like(param)
        optimizer.step()
        assert all((array == -total).all() for array in arrays)
        assert all((param == -total).all() for param in params)


def test_counts_of_steps_are_those_of_float32_when_they_are_large():
    param = Parameter(wengert.zeros(2))
    optimizer = optim.Adam([param], lr=1)
    param.grad = wengert.ones(2)
    optimizer.step()
    optimizer.state[param]["step"] = wengert.tensor(2.0**24 - 1)
    for _ in range(3):
        param.grad = wengert.ones(2)
        optimizer.step()
    assert optimizer.state[param]["step"].item() == 2.0**24  # as in PyTorch, where it cannot grow any more


def test_a_rate_that_is_a_tensor_is_read_in_every_step():
    param, rate = Parameter(wengert.zeros(1)), wengert.tensor(1.0)
    optimizer = optim.SGD([param], lr=rate)
    for n, wanted in enumerate((-1, -3, -6), 1):
        rate.fill_(n)
        param.grad = wengert.ones(1)
        optimizer.step()
        assert param.item() == wanted
    assert not len(updating.steps)


def test_a_derivative_goes_through_a_differentiable_step():
    for _ in range(2):
        start = wengert.ones(2, requires_grad=True)
        param = start.clone()
        param.grad = (start * 3).detach()
        optim.SGD([param], lr=0.5, differentiable=True).step()
        param.sum().backward()
        np.testing.assert_array_equal(start.grad.numpy(), [1, 1])


def test_an_error_leaves_what_was_updated_before_it():
    class Failing(optim.SGD):
        def _step(self, group):
            super()._step(group)
            raise RuntimeError("in between")

    param = Parameter(wengert.zeros(2))
    param.grad = wengert.ones(2)
    with pytest.raises(RuntimeError, match="in between"):
        Failing([param], lr=1).step()
    assert param.tolist() == [-1, -1]
    assert updating._pending.rows is None


def test_a_formula_that_closes_over_something_else_is_called_every_time():
    calls = []

    def formula(n, g, x):
        calls.append(1)
        return (x - n.lr * g,)

    x = wengert.zeros(2)
    for round in range(3):
        with wengert.no_grad(), together():
            update(formula, Numbers(lr=1.0), wengert.ones(2), x)
            assert len(calls) == round
    assert len(calls) == 3 and x.tolist() == [-3, -3]


@pytest.mark.parametrize("tier", ["interpret", "compile"])
def test_a_step_that_cannot_be_computed_changes_nothing(tier):
    table, scale = Parameter(wengert.ones(4, 3)), Parameter(wengert.ones(3))
    optimizer = optim.SGD([table, scale], lr=0.1, momentum=0.9)

    def step(last):
        optimizer.zero_grad()
        rows = (wengert.tensor([0, 1, last]) + wengert.zeros(3).long()).reshape(3, 1).expand(3, 3)
        (wengert.gather(table, 0, rows) * scale).square().sum().backward()
        optimizer.step()

    with settings.scope(tier=tier):
        for _ in range(4):
            step(3)
        before = [param.tolist() for param in (table, scale)]
        with pytest.raises(IndexError, match="out of bounds"):
            step(8)
        assert [param.tolist() for param in (table, scale)] == before
        step(3)
        assert scale.tolist() != before[1]
