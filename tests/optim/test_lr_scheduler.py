"""Schedules against PyTorch's, epoch by epoch, and what they do when used wrongly."""

from __future__ import annotations

import math
import pickle
import warnings

import pytest

from tests.optim.tools import parameter, tensor, two_groups
from wengert.optim import SGD, Adam, lr_scheduler as ours

EPOCHS = 100

# Name, positional and keyword arguments (functions and lists for two groups).
SCHEDULES = [
    ("LambdaLR", (lambda t: 0.95**t,), {}),
    ("LambdaLR", ([lambda t: 0.95**t, lambda t: 1 / (1 + t)],), {}),
    ("MultiplicativeLR", (lambda t: 1 - 1 / (t + 2),), {}),
    ("StepLR", (7,), {"gamma": 0.5}),
    ("MultiStepLR", ([3, 30, 30, 60],), {"gamma": 0.3}),
    ("MultiStepLR", ([60, 3],), {}),
    ("ConstantLR", (), {}),
    ("ConstantLR", (), {"factor": 0.7, "total_iters": 30}),
    ("ConstantLR", (), {"factor": 1.0, "total_iters": 0}),
    ("LinearLR", (), {}),
    ("LinearLR", (0.9, 0.0, 50), {}),
    ("ExponentialLR", (0.93,), {}),
    ("PolynomialLR", (), {}),
    ("PolynomialLR", (60,), {"power": 2.5}),
    ("CosineAnnealingLR", (10,), {}),
    ("CosineAnnealingLR", (33,), {"eta_min": 0.01}),
    ("CosineAnnealingLR", (200,), {"eta_min": 0.2}),
    ("CosineAnnealingWarmRestarts", (7,), {}),
    ("CosineAnnealingWarmRestarts", (5, 2), {"eta_min": 0.001}),
    ("CyclicLR", (0.01, 0.2), {"step_size_up": 9}),
    ("CyclicLR", (0.01, [0.2, 0.3]), {"step_size_up": 9, "step_size_down": 4, "mode": "triangular2"}),
    ("CyclicLR", (0.01, 0.2), {"step_size_up": 5, "mode": "exp_range", "gamma": 0.98}),
    ("CyclicLR", (0.01, 0.2), {"step_size_up": 5, "scale_fn": lambda x: 1 / x, "scale_mode": "cycle"}),
    ("CyclicLR", (0.01, 0.2), {"step_size_up": 5, "scale_fn": lambda x: 0.9**x, "scale_mode": "iterations"}),
    ("CyclicLR", (0.01, 0.2), {"step_size_up": 5, "cycle_momentum": False}),
    ("OneCycleLR", (0.5,), {"total_steps": 120}),
    ("OneCycleLR", ([0.5, 0.9],), {"epochs": 11, "steps_per_epoch": 10, "anneal_strategy": "linear"}),
    ("OneCycleLR", (0.5, 101), {"three_phase": True, "pct_start": 0.4, "base_momentum": [0.7, 0.8]}),
    ("OneCycleLR", (0.5, 101), {"cycle_momentum": False, "pct_start": 0.0}),
]


def peer():
    """PyTorch's schedules and an optimizer like `two_groups`."""
    torch = pytest.importorskip("torch")

    def optimizer(kind="SGD", **options):
        groups = [
            {"params": [torch.nn.Parameter(torch.ones(1))]},
            {"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.5},
        ]
        return getattr(torch.optim, kind)(groups, lr=0.1, **options)

    return torch.optim.lr_scheduler, optimizer


def options_of(optimizer):
    """What schedules change, group by group."""
    keep = ("lr", "momentum", "betas")
    return [{name: group[name] for name in keep if name in group} for group in optimizer.param_groups]


def assert_same(optimizer, their_optimizer, at):
    for mine, theirs in zip(options_of(optimizer), options_of(their_optimizer)):
        assert mine.keys() == theirs.keys()
        for name in mine:
            assert mine[name] == pytest.approx(theirs[name], rel=1e-12, abs=1e-15), (at, name)


def label(case):
    return f"{case[0]}-{'-'.join(str(v) for v in (*case[1], *case[2].items()) if 'function' not in str(v))}"


@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize("case", SCHEDULES, ids=label)
def test_every_epoch_is_pytorchs(case):
    name, args, kwargs = case
    theirs, their_optimizer = peer()
    mine, other = two_groups(momentum=0.5), their_optimizer(momentum=0.5)
    a, b = getattr(ours, name)(mine, *args, **kwargs), getattr(theirs, name)(other, *args, **kwargs)
    for epoch in range(EPOCHS):
        assert_same(mine, other, epoch)
        assert a.get_last_lr() == [group["lr"] for group in mine.param_groups]
        assert a.last_epoch == b.last_epoch == epoch
        mine.step(), other.step()
        a.step(), b.step()


@pytest.mark.filterwarnings("ignore:Detected call", "ignore:The epoch parameter", "ignore:Seems like")
@pytest.mark.parametrize("case", SCHEDULES, ids=label)
def test_a_given_epoch_is_pytorchs(case):
    name, args, kwargs = case
    theirs, their_optimizer = peer()
    mine, other = two_groups(momentum=0.5), their_optimizer(momentum=0.5)
    a, b = getattr(ours, name)(mine, *args, **kwargs), getattr(theirs, name)(other, *args, **kwargs)
    if kwargs.get("total_iters") == 0:
        pytest.skip("PyTorch divides by zero here")
    for epoch in (3, 1, 30, 29, 61, 100):
        a.step(epoch), b.step(epoch)
        assert_same(mine, other, epoch)
    for _ in range(3 if name != "OneCycleLR" else 1):
        a.step(), b.step()
        assert_same(mine, other, "after")


@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize("case", SCHEDULES, ids=label)
def test_going_on_from_an_epoch_is_pytorchs(case):
    name, args, kwargs = case
    if args == (5, 2):
        pytest.skip("PyTorch 2.13 goes on at the wrong place of a grown cycle; see the test below")
    theirs, their_optimizer = peer()
    mine, other = two_groups(momentum=0.5), their_optimizer(momentum=0.5)
    for optimizer in (mine, other):
        for group in optimizer.param_groups:
            group.update(initial_lr=0.25, max_lr=0.5, min_lr=0.001, max_momentum=0.9, base_momentum=0.8)
    a = getattr(ours, name)(mine, *args, **kwargs, last_epoch=11)
    b = getattr(theirs, name)(other, *args, **kwargs, last_epoch=11)
    for epoch in range(12, 40):
        assert_same(mine, other, epoch)
        mine.step(), other.step()
        a.step(), b.step()


def test_warm_restarts_go_on_in_a_grown_cycle():
    whole = ours.CosineAnnealingWarmRestarts(two_groups(), 5, 2)
    rates = []
    for _ in range(60):
        whole.step()
        rates.append(whole.get_last_lr())
    for epoch in (3, 4, 5, 20, 40):
        optimizer = two_groups()
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        again = ours.CosineAnnealingWarmRestarts(optimizer, 5, 2, last_epoch=epoch)
        for rate in rates[epoch : epoch + 10]:
            assert again.get_last_lr() == pytest.approx(rate)
            again.step()


@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize("case", SCHEDULES, ids=label)
def test_a_state_dict_has_pytorchs_keys_and_goes_on_where_it_was(case):
    name, args, kwargs = case
    theirs, their_optimizer = peer()
    mine, other = two_groups(momentum=0.5), their_optimizer(momentum=0.5)
    a, b = getattr(ours, name)(mine, *args, **kwargs), getattr(theirs, name)(other, *args, **kwargs)
    for _ in range(20):
        mine.step(), other.step()
        a.step(), b.step()
    assert set(a.state_dict()) == set(b.state_dict())
    saved = pickle.loads(pickle.dumps((b.state_dict(), other.state_dict()["param_groups"])))
    again = two_groups(momentum=0.5)
    c = getattr(ours, name)(again, *args, **kwargs)
    c.load_state_dict(saved[0])
    again.load_state_dict({"state": {}, "param_groups": saved[1]})
    for epoch in range(20, 40):
        assert_same(again, other, epoch)
        again.step(), other.step()
        c.step(), b.step()


@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize("name", ["CyclicLR", "OneCycleLR"])
def test_beta1_moves_where_there_is_no_momentum(name):
    theirs, their_optimizer = peer()
    groups = [{"params": [parameter([1.0])]}, {"params": [parameter([2.0])], "lr": 0.5}]
    mine, other = Adam(groups, lr=0.1), their_optimizer("Adam")
    args = (0.01, 0.2, 8) if name == "CyclicLR" else (0.2, 60)
    a, b = getattr(ours, name)(mine, *args), getattr(theirs, name)(other, *args)
    for epoch in range(50):
        assert_same(mine, other, epoch)
        mine.step(), other.step()
        a.step(), b.step()


@pytest.mark.filterwarnings("ignore:Detected call")
def test_schedules_one_after_another_are_pytorchs():
    theirs, their_optimizer = peer()
    mine, other = two_groups(), their_optimizer()

    def build(module, optimizer):
        parts = [
            module.ConstantLR(optimizer, 0.1, total_iters=20),
            module.ExponentialLR(optimizer, 0.9),
            module.CosineAnnealingLR(optimizer, 15),
            module.StepLR(optimizer, 4, 0.5),
        ]
        return module.SequentialLR(optimizer, parts, [10, 30, 60])

    a, b = build(ours, mine), build(theirs, other)
    for epoch in range(EPOCHS):
        assert_same(mine, other, epoch)
        assert a.get_last_lr() == pytest.approx(b.get_last_lr())
        if epoch == 45:
            saved = pickle.loads(pickle.dumps(b.state_dict()))
            assert set(a.state_dict()) == set(saved)
            a.load_state_dict(saved)
        mine.step(), other.step()
        a.step(), b.step()


@pytest.mark.filterwarnings("ignore:Detected call")
def test_chained_schedules_are_pytorchs():
    theirs, their_optimizer = peer()
    mine, other = two_groups(), their_optimizer()

    def build(module, optimizer):
        parts = [
            module.LinearLR(optimizer, 0.2, total_iters=30),
            module.ExponentialLR(optimizer, 0.97),
            module.MultiStepLR(optimizer, [20, 50]),
        ]
        return module.ChainedScheduler(parts, optimizer=optimizer)

    a, b = build(ours, mine), build(theirs, other)
    for epoch in range(EPOCHS):
        assert_same(mine, other, epoch)
        if epoch == 45:
            saved = pickle.loads(pickle.dumps(b.state_dict()))
            assert set(a.state_dict()) == set(saved)
            a.load_state_dict(saved)
        mine.step(), other.step()
        a.step(), b.step()


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("rest", [{}, {"cooldown": 4, "min_lr": [0.01, 0.2]}, {"eps": 0.3, "threshold": 0.2}])
def test_a_plateau_is_pytorchs(mode, threshold_mode, rest):
    theirs, their_optimizer = peer()
    mine, other = two_groups(), their_optimizer()
    options = {"mode": mode, "threshold_mode": threshold_mode, "patience": 3, "factor": 0.5, **rest}
    a, b = ours.ReduceLROnPlateau(mine, **options), theirs.ReduceLROnPlateau(other, **options)
    for epoch in range(EPOCHS):
        assert_same(mine, other, epoch)
        assert a.state_dict() == b.state_dict()
        if epoch == 50:
            a.load_state_dict(b.state_dict())
        measure = math.sin(epoch / 9) + 1 / (epoch + 1) if epoch != 20 else math.nan
        a.step(measure), b.step(measure)


def test_a_plateau_takes_a_tensor_and_groups_that_were_added():
    optimizer = two_groups()
    schedule = ours.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    optimizer.add_param_group({"params": [parameter([1.0])], "lr": 1.0})
    schedule.step(tensor(1.0))
    schedule.step(tensor([2.0]))
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.25, 0.5]
    assert schedule.get_last_lr() == [0.05, 0.25, 0.5]
    schedule = ours.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0, 0, 0])
    optimizer.add_param_group({"params": [parameter([1.0])], "lr": 1.0})
    schedule.step(1.0)
    with pytest.raises(RuntimeError, match="4 groups, but min_lr was given for 3"):
        schedule.step(1.0)


def test_a_constant_factor_of_zero_comes_back():
    optimizer = two_groups()
    schedule = ours.ConstantLR(optimizer, 0.0, total_iters=2)
    assert schedule.get_last_lr() == [0.0, 0.0]
    for _ in range(2):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr() == [0.1, 0.5]


def test_a_tensor_rate_is_filled_for_all_who_hold_it():
    rate = tensor(0.5)
    optimizer = SGD([parameter([1.0])], lr=rate)
    schedule = ours.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25
    assert schedule.get_last_lr() == [0.25]
    assert schedule.base_lrs == [0.5]


# --- used wrongly --------------------------------------------------------------------------------------------------


def test_the_wrong_order_of_steps_is_said_once():
    optimizer = two_groups()
    optimizer.step()  # before there was a schedule: does not count
    schedule = ours.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedule.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()
        second = ours.StepLR(two_groups(), 3)
        second.optimizer.step()
        second.step()


def test_a_replaced_step_is_said():
    optimizer = two_groups()
    schedule = ours.StepLR(optimizer, 3)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match="overridden"):
        schedule.step()


def test_get_lr_outside_of_step_points_to_get_last_lr():
    schedule = ours.StepLR(two_groups(), 3)
    with pytest.warns(UserWarning, match="get_last_lr"):
        assert schedule.get_lr() == [0.1, 0.5]


def test_a_schedule_of_ones_own():
    class Halving(ours.LRScheduler):
        def get_lr(self):
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    optimizer = two_groups()
    schedule = Halving(optimizer)
    optimizer.step()
    schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.25]
    with pytest.raises(NotImplementedError):
        ours.LRScheduler(optimizer)


def test_an_error_in_a_schedule_leaves_it_usable():
    def factor(t):
        if t == 1 and not fixed:
            raise ValueError("not yet")
        return 1.0

    fixed = []
    optimizer = two_groups()
    schedule = ours.LambdaLR(optimizer, factor)
    optimizer.step()
    with pytest.raises(ValueError, match="not yet"):
        schedule.step()
    assert not schedule._get_lr_called_within_step


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda o: ours.StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda o: ours.CyclicLR(3, 1, 2), TypeError, "int is not an Optimizer"),
        (lambda o: ours.ReduceLROnPlateau(3), TypeError, "int is not an Optimizer"),
        (lambda o: ours.StepLR(o, 1, last_epoch=2), KeyError, "initial_lr"),
        (lambda o: ours.LambdaLR(o, [abs]), ValueError, "Expected 2 lr_lambdas, but got 1"),
        (lambda o: ours.MultiplicativeLR(o, [abs]), ValueError, "Expected 2 lr_lambdas, but got 1"),
        (lambda o: ours.ConstantLR(o, 2.0), ValueError, "between 0 and 1"),
        (lambda o: ours.LinearLR(o, 0.0), ValueError, "Starting"),
        (lambda o: ours.LinearLR(o, 0.5, 2.0), ValueError, "Ending"),
        (lambda o: ours.CosineAnnealingWarmRestarts(o, 0), ValueError, "positive integer T_0"),
        (lambda o: ours.CosineAnnealingWarmRestarts(o, 1.5), ValueError, "positive integer T_0"),
        (lambda o: ours.CosineAnnealingWarmRestarts(o, 1, 0), ValueError, "T_mult >= 1"),
        (lambda o: ours.CosineAnnealingWarmRestarts(o, 2).step(-1), ValueError, "non-negative epoch"),
        (lambda o: ours.CyclicLR(o, 0.1, 1.0, mode="saw"), ValueError, "mode is invalid"),
        (lambda o: ours.CyclicLR(o, [0.1], 1.0), ValueError, "base_lr has 1 values, param_groups has 2"),
        (lambda o: ours.OneCycleLR(o, 0.1), ValueError, "total_steps OR"),
        (lambda o: ours.OneCycleLR(o, 0.1, -1), ValueError, "positive integer total_steps"),
        (lambda o: ours.OneCycleLR(o, 0.1, 1.5), ValueError, "positive integer total_steps"),
        (lambda o: ours.OneCycleLR(o, 0.1, epochs=-1, steps_per_epoch=1), ValueError, "positive integer epochs"),
        (lambda o: ours.OneCycleLR(o, 0.1, epochs=1, steps_per_epoch=0), ValueError, "steps_per_epoch, but got 0"),
        (lambda o: ours.OneCycleLR(o, 0.1, 10, pct_start=2.0), ValueError, "pct_start"),
        (lambda o: ours.OneCycleLR(o, 0.1, 10, anneal_strategy="x"), ValueError, "'cos' or 'linear'"),
        (lambda o: ours.OneCycleLR(o, [0.1], 10), ValueError, "max_lr has 1 values, param_groups has 2"),
        (lambda o: ours.ReduceLROnPlateau(o, factor=1.0), ValueError, "< 1.0"),
        (lambda o: ours.ReduceLROnPlateau(o, min_lr=[1.0]), ValueError, "expected 2 min_lrs, got 1"),
        (lambda o: ours.ReduceLROnPlateau(o, mode="x"), ValueError, "mode x"),
        (lambda o: ours.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold mode x"),
        (lambda o: ours.ReduceLROnPlateau(o).step(), TypeError, "metrics"),
        (lambda o: ours.ReduceLROnPlateau(o).get_lr(), NotImplementedError, "get_lr"),
        (lambda o: ours.ChainedScheduler([]), ValueError, "at least one"),
        (lambda o: ours.ChainedScheduler([object()]), TypeError, "index 0"),
        (lambda o: ours.ChainedScheduler([ours.ConstantLR(o)], two_groups()), ValueError, "same optimizer"),
        (lambda o: ours.SequentialLR(o, [], []), ValueError, "at least one"),
        (lambda o: ours.SequentialLR(o, [ours.ConstantLR(o)], [1]), ValueError, "one more than"),
        (lambda o: ours.SequentialLR(o, [object()], []), TypeError, "index 0"),
        (lambda o: ours.SequentialLR(o, [ours.ConstantLR(two_groups())], []), ValueError, "same optimizer"),
        (lambda o: ours.SequentialLR(o, [ours.ReduceLROnPlateau(o)], []), ValueError, "ReduceLROnPlateau"),
    ],
)
def test_wrong_arguments_are_refused(build, error, words):
    with pytest.raises(error, match=words):
        build(two_groups(momentum=0.9))


def test_momentum_can_only_cycle_where_there_is_some():
    from wengert.optim import Adagrad

    with pytest.raises(ValueError, match="momentum or beta1"):
        ours.CyclicLR(Adagrad([parameter([1.0])]), 0.1, 1.0)
    with pytest.raises(ValueError, match="momentum or beta1"):
        ours.OneCycleLR(Adagrad([parameter([1.0])]), 0.1, 10)


@pytest.mark.filterwarnings("ignore:Detected call")
def test_one_cycle_ends():
    schedule = ours.OneCycleLR(two_groups(momentum=0.9), 0.1, 2)
    schedule.step()
    schedule.step()
    with pytest.raises(ValueError, match=r"Tried to step 3 times\. The specified number of total steps is 2"):
        schedule.step()
