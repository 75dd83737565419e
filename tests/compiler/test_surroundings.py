"""What a compiled function reads beside its arguments may change between calls: the results are those of the function."""

from __future__ import annotations

import collections
import itertools
import random
import warnings

import numpy as np
import pytest

import wengert as torch
from tests.compiler.programs import classifier
from wengert import nn, optim
from wengert.nn import functional as F

FACTOR = 2.0


class Settings:
    factor = 2.0


class Holder:
    def __init__(self) -> None:
        self.factor = 2.0
        self.inner = {"factors": [1.0, 2.0]}


def check(build, change, *, traced=True):
    """Calls before and after a change, compiled and not. `build` gives the function and what `change` changes."""
    results = []
    for compiled in (False, True):
        function, state = build()
        g = torch.compile(function, fullgraph=traced) if compiled else function
        values = []
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for number in range(6):
                if number == 3:
                    change(state)
                values.append(g(torch.arange(3.0)).tolist())
        assert bool(seen) == (compiled and not traced)
        results.append(values)
    assert results[0] == results[1]
    assert len(set(map(tuple, results[0]))) > 1


def test_items_of_a_dict():
    def build():
        options = {"factor": 2.0, "other": "text"}
        return lambda x: x * options["factor"] + 1, options

    check(build, lambda options: options.update(factor=3.0))


@pytest.mark.parametrize("kind", [list, collections.deque])
def test_items_and_length_of_a_list(kind):
    def build():
        factors = kind([2.0, 3.0])
        return lambda x: x * factors[0] + len(factors) + 1, factors

    check(build, lambda factors: factors.append(1.0))
    check(build, lambda factors: factors.__setitem__(0, 5.0))


def test_members_of_a_set():
    def build():
        names = {"a"}
        return lambda x: x + 2 if "b" in names else x + 1, names

    check(build, lambda names: names.add("b"))


def test_attributes_of_objects_however_deep():
    def build():
        holder = Holder()
        return lambda x: x * holder.factor + holder.inner["factors"][1], holder

    check(build, lambda holder: setattr(holder, "factor", 3.0))
    check(build, lambda holder: holder.inner["factors"].__setitem__(1, 7.0))


def test_attributes_of_an_object_that_is_an_argument():
    def build():
        holder = Holder()
        g = torch.compile(lambda x, holder: x * holder.factor + 1)
        return lambda x: g(x, holder), holder

    function, holder = build()
    x = torch.arange(3.0)
    before = [function(x).tolist() for _ in range(3)]
    holder.factor = 3.0
    assert function(x).tolist() == [1.0, 4.0, 7.0] != before[-1]


def test_attributes_of_a_class():
    def build():
        Settings.factor = 2.0
        return lambda x: x * Settings.factor + 1, Settings

    check(build, lambda settings: setattr(settings, "factor", 3.0))


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.options = {"factor": 1.0}

    def forward(self, x):
        return self.scaled(x) + self.options["factor"]

    def scaled(self, x):
        return x * FACTOR


def set_factor(value):
    global FACTOR
    FACTOR = value


@pytest.mark.parametrize("whole", [False, True], ids=["module", "function"])
def test_what_the_methods_of_a_module_read(whole):
    def build():
        set_factor(2.0)
        module = Scaled()
        return (lambda x: module(x) * 2) if whole else module, module

    check(build, lambda module: set_factor(3.0))
    check(build, lambda module: module.options.update(factor=5.0))


def test_the_content_of_an_array():
    def build():
        array = np.ones(3, np.float32)
        return lambda x: x * torch.tensor(array) + float(array[0]), array

    check(build, lambda array: np.multiply(array, 3, out=array))


def test_arrays_too_large_to_compare_are_refused():
    def build():
        array = np.ones(20_000, np.float32)
        return lambda x: x * torch.tensor(array[:3]), array

    check(build, lambda array: np.multiply(array, 3, out=array), traced=False)


GENERATOR = np.random.default_rng(0)

DRAWS = {
    "random": lambda x: x + 1 if random.random() < 0.5 else x * 2,
    "NumPy": lambda x: x + np.random.rand(),
    "a generator": lambda x: x * GENERATOR.random() + 1,
}


@pytest.mark.parametrize("name", DRAWS)
def test_functions_that_draw_other_random_numbers_are_refused(name):
    def build():
        random.seed(0)
        np.random.seed(0)
        GENERATOR.bit_generator.state = np.random.default_rng(0).bit_generator.state
        return DRAWS[name], None

    check(build, lambda state: None, traced=False)


def test_functions_that_ask_an_iterator_are_refused():
    def build():
        numbers = itertools.count()
        return lambda x: x + next(numbers), numbers

    check(build, lambda numbers: None, traced=False)


def test_functions_that_count_in_a_dict_are_refused():
    def build():
        counts = {"calls": 0}

        def f(x):
            counts["calls"] += 1
            return x + counts["calls"]

        return f, counts

    check(build, lambda counts: None, traced=False)


def test_zeros_of_either_sign_are_different_arguments():
    f = torch.compile(lambda x, a: x / (torch.ones(1) * a))
    for a in (0.0, 0.0, -0.0, -0.0, 1.0, 0.0, -0.0, 0.0):
        assert f(torch.ones(1), a).item() == (1 / a if a else float("inf") * np.copysign(1, a))


# --- training steps ---------------------------------------------------------------------------------------------------


def train(change, compiled, make=lambda p: optim.SGD(p, lr=0.1, momentum=0.9)):
    torch.manual_seed(0)
    model = classifier()
    optimizer = make(model.parameters())

    def step(x, t):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    run = torch.compile(step, fullgraph=True) if compiled else step
    losses = []
    for number in range(9):
        if number in (4, 7):
            change(number, model, optimizer)
        losses.append(run(torch.randn(4, 7), torch.randint(3, (4,))).item())
    return [*losses, *[p.detach().tolist() for p in model.parameters()]]


HANDLES = []


def hook(number, model, optimizer):
    """A hook is added at step 4 and taken away at step 7."""
    if number == 4:
        HANDLES.append(model[0].weight.register_hook(lambda g: g * 3))
    else:
        HANDLES.pop().remove()


def set_momentum(number, model, optimizer):
    state = optimizer.state[model[0].weight]
    state["momentum_buffer"] = torch.ones_like(state["momentum_buffer"])


CHANGES = {
    "a hook on a parameter": hook,
    "an option that is no number": lambda number, model, optimizer: optimizer.param_groups[0].update(nesterov=number == 4),
    "state that is forgotten": lambda number, model, optimizer: optimizer.state.clear(),
    "another table of state": lambda number, model, optimizer: setattr(optimizer, "state", collections.defaultdict(dict)),
    "a tensor of the state": set_momentum,
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_between_steps_are_seen(name):
    found, wanted = train(CHANGES[name], True), train(CHANGES[name], False)
    plain = train(lambda *_: None, False)
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert not np.allclose(wanted[8], plain[8], rtol=1e-4)
