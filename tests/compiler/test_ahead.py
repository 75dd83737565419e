"""Replays that run beside Python: nothing about them can be seen but the time."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import wengert
from tests.compiler.threads import compiled_on_two_threads  # noqa: F401
from wengert import nn
from wengert.backends.llvm import pool
from wengert.backends.llvm.bound import READY
from wengert.compiler.ahead import Ahead, multiply_adds
from wengert.graph.node import Coming
from wengert.loops.nest import Contract, Number, Repeat
from wengert.nn import functional as F
from wengert.runtime import beside

pytestmark = pytest.mark.skipif(not pool.has_threads(), reason="a platform without POSIX threads")


@pytest.fixture
def begun(monkeypatch):
    """What each beginning gave."""
    found = []
    begin = Ahead.begin

    def noted(ahead, *what):
        found.append(begin(ahead, *what))
        return found[-1]

    monkeypatch.setattr(Ahead, "begin", noted)
    return found


class Training:
    """A network large enough to be worth it, and a compiled step."""

    def __init__(self, make=lambda p: wengert.optim.Adam(p, lr=0.01)):
        wengert.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(200, 64), nn.ReLU(), nn.Linear(64, 10))
        self.optimizer = make(self.model.parameters())
        draw = np.random.default_rng(0)
        self.x = [wengert.tensor(draw.standard_normal((64, 200), np.float32)) for _ in range(4)]
        self.t = [wengert.tensor(draw.integers(0, 10, 64)) for _ in range(4)]
        self.compiled = wengert.compile(self.train, fullgraph=True)

    def train(self, x, t):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), t)
        loss.backward()
        self.optimizer.step()
        return loss

    def step(self, i):
        return self.compiled(self.x[i % 4], self.t[i % 4])

    @property
    def fast(self):
        return next(iter(self.compiled.programs.values()))[0].fast

    def weights(self):
        return [p.detach().clone().numpy() for p in self.model.parameters()]


def both_ways(monkeypatch, use, make=Training):
    """What a use of a training gives, and its weights at the end, beside and not."""
    found = []
    for can in (Ahead.can, lambda ahead, arrays: False):
        monkeypatch.setattr(Ahead, "can", can)
        training = make()
        found.append((use(training), training.weights()))
    (a, weights), (b, others) = found
    assert a == b
    assert all((x == y).all() for x, y in zip(weights, others))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_same_bits_as_without(begun, monkeypatch, momentum):
    def losses(training):
        return [loss.item() for loss in [training.step(i) for i in range(10)]]

    both_ways(monkeypatch, losses, lambda: Training(lambda p: wengert.optim.SGD(p, lr=0.1, momentum=momentum)))
    both_ways(monkeypatch, losses)
    assert len(begun) > 6 and all(status == READY for status in begun[2:])


def test_content_and_results_are_coming(begun):
    training = Training()
    weight = training.model[0].weight
    for i in range(5):
        loss = training.step(i)
    assert begun and beside._runs
    assert loss._node.value.__class__ is Coming and weight._current().value.__class__ is Coming
    assert np.isfinite(loss.item())  # may be there before the rest
    assert np.isfinite(weight.sum().item()) and not beside._runs
    assert weight._current().value.__class__ is np.ndarray


def test_whoever_reads_or_writes_in_between_meets_whole_steps(begun, monkeypatch):
    """Weights that are read, kept, and changed by hand."""

    def use(training):
        first, kept = training.model[0].weight, []
        for i in range(16):
            loss = training.step(i)
            if i % 4 == 0:
                kept.append(first.detach().clone())
            if i % 4 == 1:
                kept.append(first * 2)
            if i % 4 == 2:
                with wengert.no_grad():
                    first.mul_(0.5)
            if i % 8 == 3:
                training.model.load_state_dict({name: x * 0.9 for name, x in training.model.state_dict().items()})
            kept.append(loss)
        return [x.sum().item() for x in kept]

    both_ways(monkeypatch, use)
    assert len(begun) > 8


def test_an_old_look_keeps_what_it_saw(begun):
    training = Training()
    for i in range(5):
        training.step(i)
    look = training.model[0].weight.detach().numpy().copy()
    node = training.model[0].weight._current()  # a leaf of now, while the step may still be running
    training.step(5)
    node_of_then = training.model[0].weight._current()
    training.step(6)
    training.step(7)
    wengert.flush()
    assert begun and (node.value == look).all()
    assert node_of_then.value.__class__ is np.ndarray and (node_of_then.value != look).any()


def test_memory_that_takes_turns(begun, monkeypatch):
    """Content that can't be written over is written into a second array."""
    monkeypatch.setattr("wengert.compiler.fast.in_place", lambda compiled, wanted: set())

    def use(training):
        found = []
        for i in range(12):
            loss = training.step(i)
            if i % 3 == 0:
                found.append(training.model[2].weight.sum().item())
            if i == 7:
                monkeypatch.setattr("wengert.backends.llvm.pool.get_num_threads", lambda: 1)  # one step in between
            if i == 8:
                monkeypatch.undo()
                monkeypatch.setattr("wengert.compiler.fast.in_place", lambda compiled, wanted: set())
        assert all(kept.spare for kept in training.fast.kept)
        return [*found, loss.item()]

    ahead = Training()
    wanted = Training()
    found = use(ahead)
    assert begun
    monkeypatch.setattr(Ahead, "can", lambda ahead, arrays: False)
    assert found == use(wanted)
    assert all((a == b).all() for a, b in zip(ahead.weights(), wanted.weights()))


def test_an_index_out_of_bounds_is_an_error_of_its_own_step(begun):
    training = Training()
    for i in range(5):
        training.step(i)
    before, count = training.weights(), len(begun)
    with pytest.raises(IndexError):
        training.compiled(training.x[0], training.t[0] + 10)
    assert len(begun) == count
    assert all((a == b).all() for a, b in zip(before, training.weights()))
    training.step(0)
    assert len(begun) == count + 1


def test_memory_that_the_outside_can_write_to_is_read_at_once(begun):
    training = Training()
    for i in range(5):
        training.step(i)
    count, array = len(begun), np.ones((64, 200), np.float32)
    shared = wengert.from_numpy(array)
    wanted = training.compiled(wengert.ones(64, 200), training.t[0]).item()
    again = Training()
    for i in range(5):
        again.step(i)
    count = len(begun)
    loss = again.compiled(shared, again.t[0])
    array[:] = 0
    assert len(begun) == count and loss.item() == wanted


@pytest.mark.parametrize("place", ["before", "after", "landing"])
def test_an_interrupt_leaves_a_whole_step_or_none(begun, monkeypatch, place):
    training, wanted = Training(), Training()
    for i in range(5):
        training.step(i)
        wanted.step(i)
    bound = training.fast.bound
    begin, finish = bound.begin, bound.finish
    with monkeypatch.context() as patch:
        if place == "before":
            patch.setattr(bound, "begin", lambda arrays, rows: (_ for _ in ()).throw(KeyboardInterrupt))
        elif place == "after":
            patch.setattr(bound, "begin", lambda arrays, rows: (begin(arrays, rows), (_ for _ in ()).throw(KeyboardInterrupt)))
        else:
            patch.setattr(bound, "finish", lambda: (finish(), (_ for _ in ()).throw(KeyboardInterrupt)))
        with pytest.raises(KeyboardInterrupt):
            training.step(5)
            training.step(6)  # "landing": it finishes the step before, and never begins
    if place != "before":
        wanted.step(5)
    assert begun
    done = threading.Thread(target=beside.land)  # the lock was let go
    done.start()
    done.join(10)
    assert not done.is_alive()
    for i in range(6, 9):
        training.step(i)
        wanted.step(i)
    assert all((a == b).all() for a, b in zip(training.weights(), wanted.weights()))


def test_another_thread_never_sees_half_a_step(begun):
    """Every step makes all elements one number higher."""
    layer = nn.Linear(300, 300)
    with wengert.no_grad():
        layer.weight.fill_(0.0)
        layer.bias.fill_(0.0)

    @wengert.compile(fullgraph=True)
    def step(x):
        with wengert.no_grad():
            layer.weight.add_(x)
            return layer.weight.sum()

    one, mixed, over = wengert.ones(300, 300), [], threading.Event()

    def read():
        while not over.is_set():
            values = layer.weight.detach().clone().numpy()
            if values.min() != values.max():
                mixed.append(values)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(150):
        step(one)
    over.set()
    reader.join()
    assert begun and not mixed
    assert layer.weight.detach().numpy().max() == 150


def test_a_first_call_reads_counts_that_are_coming():
    """The step count of an optimizer may be coming when a compiled step that uses it is traced."""
    model = nn.Linear(300, 300)
    optimizer = wengert.optim.Adam(model.parameters())
    x = wengert.ones(64, 300)

    def step():
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()

    for _ in range(6):
        step()
    assert beside._runs
    compiled = wengert.compile(step)
    for _ in range(3):
        compiled()
    assert [state["step"].item() for state in optimizer.state.values()] == [9, 9]


def test_large_programs_are_shared_out_from_the_start():
    product = Contract((2,), (3,), (4,), (5,), (), (), (Number(0, wengert.float32),), (), wengert.float32)
    assert multiply_adds([product, product]) == 240
    assert multiply_adds([Repeat((7,), (), (), (product,))]) == 840


def test_what_is_only_recorded_does_not_wait():
    """Calls whose results can be differentiated only record: the step before may go on meanwhile."""
    model = nn.Linear(300, 300)
    optimizer = wengert.optim.Adam(model.parameters())
    recorded = wengert.compile(model.forward, pending=True)
    x, seen = wengert.ones(64, 300), []
    for _ in range(8):
        optimizer.zero_grad()
        before = bool(beside._runs)
        y = recorded(x)
        seen.append((before, bool(beside._runs)))
        y.square().mean().backward()
        optimizer.step()
    assert seen[-1] == (True, True)
    assert np.isfinite(model.weight.sum().item())
