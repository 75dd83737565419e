"""The methods against PyTorch's over 50 steps, with every combination of options; and how few graphs they make."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.optim.tools import array, parameter, tensor
from wengert import dtypes, optim
from wengert.graph.record import recorder, separate_tape, tracking
from wengert.graph.rule import primitives
from wengert.runtime.tiers import Counts
from wengert.tensors.tensor import Tensor

STEPS = 50
SHAPES = [(3, 4), (5,), (), (0, 2), (1, 1)]


def options(**choices):
    """Every combination of the choices."""
    return [dict(zip(choices, row)) for row in itertools.product(*choices.values())]


CASES = [
    *[
        ("SGD", o)
        for o in options(momentum=[0, 0.9], dampening=[0, 0.3], weight_decay=[0, 0.1], maximize=[False, True])
    ],
    *[("SGD", {"nesterov": True, **o}) for o in options(momentum=[0.9], weight_decay=[0, 0.1], maximize=[False, True])],
    *[
        (name, {"betas": betas, **o})
        for name in ("Adam", "AdamW")
        for betas in ((0.9, 0.999), (0.0, 0.5))
        for o in options(amsgrad=[False, True], weight_decay=[0, 0.1], maximize=[False, True], eps=[1e-8, 0.1])
    ],
    *[("Adam", {"decoupled_weight_decay": True, "weight_decay": 0.1, **o}) for o in options(maximize=[False, True])],
    *[
        ("RMSprop", o)
        for o in options(centered=[False, True], momentum=[0, 0.7], weight_decay=[0, 0.1], maximize=[False, True])
    ],
    ("RMSprop", {"alpha": 0.5, "eps": 0.1}),
    *[
        ("Adagrad", o)
        for o in options(
            lr_decay=[0, 0.05], weight_decay=[0, 0.1], initial_accumulator_value=[0, 0.5], maximize=[False, True]
        )
    ],
    *[
        ("NAdam", o)
        for o in options(
            betas=[(0.9, 0.999), (0.0, 0.5)], weight_decay=[0, 0.1], momentum_decay=[0.004, 0.1],
            decoupled_weight_decay=[False, True], maximize=[False, True],
        )
    ],
    *[
        ("RAdam", o)
        for o in options(
            betas=[(0.9, 0.999), (0.0, 0.5)], weight_decay=[0, 0.1], decoupled_weight_decay=[False, True],
            maximize=[False, True], eps=[1e-8, 0.1],
        )
    ],
    *[
        ("Adamax", o)
        for o in options(betas=[(0.9, 0.999), (0.0, 0.5)], weight_decay=[0, 0.1], maximize=[False, True], eps=[1e-8, 0.1])
    ],
    *[
        ("ASGD", o)
        for o in options(
            lambd=[1e-4, 0.1], alpha=[0.75, 0.2], t0=[1e6, 5], weight_decay=[0, 0.1], maximize=[False, True]
        )
    ],
    *[
        ("Rprop", o)
        for o in options(etas=[(0.5, 1.2), (0.1, 2.0)], step_sizes=[(1e-6, 50), (0.01, 0.1)], maximize=[False, True])
    ],
    *[("Adadelta", o) for o in options(rho=[0.9, 0.0, 1.0], weight_decay=[0, 0.1], maximize=[False, True], eps=[1e-6, 0.1])],
    *[
        ("Adafactor", o)
        for o in options(
            beta2_decay=[-0.8, -0.1], eps=[(None, 1e-3), (0.01, 0.5)], d=[1.0, 3.0], weight_decay=[0, 0.1],
            maximize=[False, True],
        )
    ],
    *[(name, {}) for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adamax", "ASGD")],
    *[(name, {}) for name in ("Rprop", "Adadelta", "Adafactor")],
]
RATE = {
    "SGD": 0.05, "Adam": 0.03, "AdamW": 0.03, "RMSprop": 0.01, "Adagrad": 0.1, "NAdam": 0.03, "RAdam": 0.03,
    "Adamax": 0.03, "ASGD": 0.05, "Rprop": 0.02, "Adadelta": 1.0, "Adafactor": 0.05,
}  # fmt: skip
COMPLEX = [name for name in RATE if name != "Adafactor"]


def label(case):
    return "-".join([case[0], *[f"{k}={v}" for k, v in case[1].items() if v]])


def begin(name):
    """Starting points, and a rule that gives a bounded gradient with noise from values and step."""
    rng = np.random.default_rng(0)
    shapes = [shape for shape in SHAPES if 0 not in shape or name != "Adafactor"]  # where PyTorch's divides by 0
    starts = [rng.normal(size=shape) for shape in shapes]
    noise = [rng.normal(size=(STEPS, *shape)) for shape in shapes]

    def gradient(number, x, step):
        return np.sin(x) + 0.2 * np.tanh(x) + 0.5 * noise[number][step]

    return starts, gradient


def missing(number, step):
    """Some parameters have no gradient in some steps: the second begins late, the third pauses."""
    return (number == 1 and step < 3) or (number == 2 and step % 10 == 7)


def run_ours(name, given, dtype=dtypes.float64, steps=STEPS, rate=None):
    starts, gradient = begin(name)
    xs = [parameter(x, dtype) for x in starts]
    groups = [{"params": xs[:2]}, {"params": xs[2:], "lr": 0.7 * RATE[name]}]
    optimizer = getattr(optim, name)(groups, lr=RATE[name] if rate is None else rate, **given)
    for step in range(steps):
        for number, x in enumerate(xs):
            absent = missing(number, step)
            x.grad = None if absent else tensor(gradient(number, array(x), step), dtype)
        optimizer.step()
    return xs, optimizer


def run_theirs(name, given, steps=STEPS, dtype="float64"):
    torch = pytest.importorskip("torch")
    starts, gradient = begin(name)
    kind = getattr(torch, dtype)
    xs = [torch.nn.Parameter(torch.tensor(x, dtype=kind)) for x in starts]
    groups = [{"params": xs[:2]}, {"params": xs[2:], "lr": 0.7 * RATE[name]}]
    optimizer = getattr(torch.optim, name)(groups, lr=RATE[name], foreach=False, **given)
    for step in range(steps):
        for number, x in enumerate(xs):
            absent = missing(number, step)
            x.grad = None if absent else torch.tensor(gradient(number, x.detach().numpy(), step), dtype=kind)
        optimizer.step()
    return xs, optimizer


@pytest.mark.parametrize("case", CASES, ids=label)
def test_fifty_steps_are_pytorchs(case):
    name, given = case
    mine, optimizer = run_ours(name, given)
    theirs, other = run_theirs(name, given)
    for x, y in zip(mine, theirs):
        np.testing.assert_allclose(array(x), y.detach().numpy(), rtol=1e-10, atol=1e-12)
    for x, y in zip(mine, theirs):
        assert optimizer.state[x].keys() == other.state[y].keys()
        for key, value in optimizer.state[x].items():
            np.testing.assert_allclose(array(value), other.state[y][key].numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", RATE)
def test_single_precision_follows_pytorch(name):
    given = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    mine, _ = run_ours(name, given, dtypes.float32)
    theirs, _ = run_theirs(name, given, dtype="float32")
    for x, y in zip(mine, theirs):
        np.testing.assert_allclose(array(x), y.detach().numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", COMPLEX)
def test_a_complex_parameter_moves_like_the_pair_of_its_parts(name):
    torch = pytest.importorskip("torch")
    given = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    rng = np.random.default_rng(1)
    start = rng.normal(size=(4,)) + 1j * rng.normal(size=(4,))
    x, y = parameter(start, dtypes.complex128), torch.nn.Parameter(torch.tensor(start))
    mine, theirs = getattr(optim, name)([x], **given), getattr(torch.optim, name)([y], foreach=False, **given)
    for _ in range(20):
        gradient = rng.normal(size=(4,)) + 1j * rng.normal(size=(4,))
        x.grad, y.grad = tensor(gradient, dtypes.complex128), torch.tensor(gradient)
        mine.step(), theirs.step()
    np.testing.assert_allclose(array(x), y.detach().numpy(), rtol=1e-10)
    for key, value in mine.state[x].items():
        np.testing.assert_allclose(array(value), theirs.state[y][key].numpy(), rtol=1e-10)


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16])
@pytest.mark.parametrize("name", RATE)
def test_sixteen_bits_are_rounded_once(name, dtype):
    x, exact = parameter([1.0, -2.0, 0.5], dtype), parameter([1.0, -2.0, 0.5], dtypes.float32)
    gradient = [0.125, -1.0, 0.0]
    for each in (x, exact):
        each.grad = tensor(gradient, each.dtype)
        getattr(optim, name)([each], lr=0.25).step()
    assert x.dtype is dtype
    np.testing.assert_array_equal(array(x), array(exact).astype(dtype.numpy))


def test_an_epsilon_below_sixteen_bits_still_protects():
    x = parameter([1.0], dtypes.float16)
    x.grad = tensor([0.0], dtypes.float16)
    optim.Adam([x]).step()
    assert array(x) == 1.0


# --- graphs --------------------------------------------------------------------------------------------------------

METHODS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "dampening": 0.5}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {"lr_decay": 0.1}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("Adamax", {}),
    ("ASGD", {"t0": 5}),
    ("Rprop", {}),
    ("Adadelta", {}),
    ("Adafactor", {}),
    ("Lion", {}),
    ("ScheduleFreeAdamW", {}),
]
NO_MOMENTUM = ("Adagrad", "ASGD", "Rprop", "Adadelta", "Adafactor")


def train(optimizer, xs, steps, schedule=None):
    for step in range(steps):
        for x in xs:
            x.grad = tensor(np.full(x.shape, 0.1 * step), x.dtype)
        optimizer.step()
        if schedule is not None:
            schedule.step()


@pytest.mark.parametrize("case", METHODS, ids=label)
def test_neither_schedule_nor_count_makes_a_graph(case):
    name, given = case
    xs = [parameter(np.ones((2, 7))), parameter(np.ones(3))]
    optimizer = getattr(optim, name)(xs, lr=0.1, **given)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 200, cycle_momentum=name not in NO_MOMENTUM)
    train(optimizer, xs, 2, schedule)
    made = Counts.made
    train(optimizer, xs, 50, schedule)
    assert Counts.made == made


@pytest.mark.parametrize("case", METHODS, ids=label)
def test_each_step_is_one_graph_the_same_after_the_first(case):
    name, given = case
    xs = [parameter(np.ones((3, 7))), parameter(np.ones(3))]
    optimizer = getattr(optim, name)(xs, lr=0.1, **given)
    made, found = Counts.made, Counts.found
    train(optimizer, xs, 10)
    assert Counts.made + Counts.found - made - found == 10  # one flush a step
    assert Counts.made - made <= 2  # in the first step the new parameters themselves are pending too


def test_numbers_that_happen_to_be_equal_stay_apart():
    x = parameter([1.0, 2.0])
    optimizer = optim.SGD([x], lr=0.1, momentum=0.1, weight_decay=0.1)
    train(optimizer, [x], 1)
    made = Counts.made
    optimizer.param_groups[0]["lr"] = 0.2
    train(optimizer, [x], 1)
    assert Counts.made == made


def test_a_tensor_as_rate_makes_no_graph_either():
    x, rate = parameter([1.0, 2.0]), tensor([0.1])
    optimizer = optim.SGD([x], lr=rate)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    train(optimizer, [x], 2, schedule)
    made = Counts.made
    train(optimizer, [x], 10, schedule)
    assert Counts.made == made


def test_the_forward_pass_runs_with_the_update():
    x = parameter([1.0, 2.0])
    optimizer = optim.SGD([x], lr=0.1)
    looked_up = Counts.found + Counts.made
    with tracking(False):
        pending = primitives.square(x._read())
    x.grad = tensor([1.0, 1.0])
    optimizer.step()
    assert not recorder.tape
    np.testing.assert_allclose(pending.value, [1, 4])
    assert Counts.found + Counts.made == looked_up + 1


@pytest.mark.parametrize(
    ("name", "given", "nodes"),
    [
        ("SGD", {}, 2),
        ("SGD", {"momentum": 0.9}, 4),
        ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, 8),
        ("Adam", {}, 12),
        ("AdamW", {}, 13),
        ("RMSprop", {}, 9),
        ("Adagrad", {}, 7),
    ],
)
def test_an_update_takes_few_nodes(name, given, nodes):
    x = parameter([1.0, 2.0])
    x.grad = tensor([1.0, 1.0])
    optimizer = getattr(optim, name)([x], **given)
    with separate_tape() as tape:
        optimizer.step()
    assert len(tape) == nodes


# --- a rate that is a tensor ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_tensor_as_rate_gives_what_the_number_gives(shape):
    x, y = parameter([1.0, 2.0]), parameter([1.0, 2.0])
    rate = tensor(np.full(shape, 0.125))
    for each, lr in ((x, rate), (y, 0.125)):
        each.grad = tensor([1.0, -3.0])
        optim.SGD([each], lr=lr, momentum=0.5).step()
    np.testing.assert_array_equal(array(x), array(y))


def test_parameters_without_gradient_are_left_alone():
    x, y = parameter([1.0]), parameter([1.0])
    x.grad = tensor([1.0])
    optimizer = optim.Adam([x, y], lr=0.1)
    optimizer.step()
    assert y not in optimizer.state
    assert array(y) == 1.0
    assert array(x) != 1.0


def test_the_state_can_be_asked_for_in_the_middle():
    x = parameter([1.0, 2.0])
    x.grad = tensor([1.0, 1.0])
    optimizer = optim.Adam([x])
    optimizer.step()
    assert isinstance(optimizer.state[x]["step"], Tensor)
    assert optimizer.state[x]["step"].item() == 1.0
    assert optimizer.state[x]["step"].dtype is dtypes.float32
