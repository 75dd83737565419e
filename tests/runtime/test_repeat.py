"""The same flush again: taken only where everything is the same, and then with the same result."""

import gc
import weakref

import numpy as np
import pytest

import wengert
from tests.tapes import compared
from wengert import nn, optim
from wengert.graph.record import recorder
from wengert.runtime import flush as flushing, tiers
from wengert.runtime.flush import flush
from wengert.runtime.tiers import patterns
from wengert.settings import settings


@pytest.fixture(autouse=True, params=[False, True], ids=["facts collected", "machine code"])
def fresh(request):
    flush()
    tiers.clear()
    with settings.scope(tier="interpret"), compared(request.param):
        yield
    tiers.clear()


@pytest.fixture
def again(monkeypatch):
    """What each flush did: True where it ran as one before."""
    done, run_again, make_ready = [], flushing.run_again, flushing.make_ready

    def noting(facts, tape, beside):
        done.append(run_again(facts, tape, beside))
        return done[-1]

    def noting_too(tape, beside):
        found = make_ready(tape, beside)
        done.extend([True] * (found is not None))
        return found

    monkeypatch.setattr(flushing, "run_again", noting)
    monkeypatch.setattr(flushing, "make_ready", noting_too)
    return done


def leaf(*shape, seed=0):
    return wengert.tensor(np.random.default_rng(seed).standard_normal(shape), requires_grad=True)


def test_a_loop_is_repetitions_from_its_third_turn(again):
    x = wengert.tensor([1.0, 1.0])
    x.tolist()
    for n in range(6):
        x = x * 2 + n
        x.tolist()
    assert again[-3:] == [True, True, True]
    assert x.tolist() == [121, 121]


def test_a_training_step_is_a_repetition_with_the_same_numbers(again, monkeypatch):
    def train(method):
        wengert.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 3))
        optimizer = method(model.parameters(), lr=0.05)
        losses = []
        for round in range(8):
            x = wengert.tensor(np.random.default_rng(round).standard_normal((5, 4)).astype("f"))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), wengert.arange(5) % 3)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    for method in (optim.SGD, optim.Adam):
        again.clear()
        repeating = train(method)
        assert again[-3:] == [True] * 3
        with monkeypatch.context() as patch:
            patch.setattr(flushing, "facts_of", lambda tape: None)
            patch.setattr(flushing, "make_ready", lambda tape, beside: None)
            assert train(method) == repeating


def run(function, again, *rounds):
    """Call a function of the round, some times in advance, so that a repetition is there to be taken."""
    for _ in range(5):
        function(rounds[0])
        flush()
    assert again[-1]
    for round in rounds[1:]:
        yield function(round)
        flush()


def test_a_tape_may_read_nothing_from_outside(again):
    for _ in range(4):
        assert wengert.arange(3).tolist() == [0, 1, 2]
        assert (wengert.rand(3) * 0).tolist() == [0, 0, 0]
    assert again[-2:] == [True, True]


def test_types_from_outside_are_compared(again):
    def double(shape):
        return (wengert.ones(shape) * 2).exp().numpy()

    for found, shape in zip(run(double, again, (3,), (2, 2), (3,), ()), ((2, 2), (3,), ())):
        assert found.shape == shape and np.allclose(found, np.exp(2))


def test_numbers_are_read_anew(again):
    x = wengert.ones(3)
    for found, n in zip(run(lambda n: (x * n + 1).tolist(), again, 1.0, 2.5, -1.0), (2.5, -1.0)):
        assert found == [n + 1] * 3


def test_who_reads_whom_is_compared(again):
    a, b = wengert.tensor([2.0, 3.0]), wengert.tensor([5.0, 7.0])

    def function(kind):
        x, y = a * 2, b * 2
        z = (x - y, y - x, x - x, x - a, a - b)[kind]
        return x.tolist(), y.tolist(), z.tolist()

    wanted = [[-6, -8], [6, 8], [0, 0], [2, 3], [-3, -4]]
    for found, kind in zip(run(function, again, 0, 1, 2, 3, 4, 0), (1, 2, 3, 4, 0)):
        assert found == ([4, 6], [10, 14], wanted[kind])


def test_one_node_read_twice_is_not_two_nodes():
    """A pattern of two numbers also fits where both are one node; what is settled there must not serve two numbers."""
    double, single = wengert.float64, wengert.float32

    def choose(dtype, a, b):
        x, a, b = (wengert.tensor(value, dtype=dtype) for value in ([3.0, 0.0], a, b))
        b = a if a.item() == b.item() else b
        return wengert.where(x > a, x, b).tolist()

    for numbers in [(double, 1, 5), (single, 1, 1), (single, 1, 5), (double, 1, 1), (single, 2, 5)]:
        for _ in range(4):
            assert choose(*numbers) == [3, numbers[2]], numbers


def test_arities_are_compared(again):
    parts = [wengert.full((2,), float(n)) for n in range(5)]

    def function(cut):
        first, second = wengert.cat(parts[:cut]), wengert.cat(parts[cut:])
        flush()
        return first.tolist(), second.tolist()

    for found, cut in zip(run(function, again, 2, 3, 2), (3, 2)):
        assert found[0] == [float(n // 2) for n in range(2 * cut)] and len(found[1]) == 10 - 2 * cut


def test_who_is_held_is_compared(again):
    x = leaf(3)

    def function(hold):
        y = x.detach() * 2
        z = y + 1
        if not hold:
            del y
        flush()
        assert z._node.value is not None
        return y if hold else None

    for found, hold in zip(run(function, again, False, True, False, True), (True, False, True)):
        if hold:
            assert found._node.value is not None
            np.testing.assert_array_equal(found.numpy(), 2 * x.detach().numpy())


def test_what_a_history_saves_is_compared(again):
    def function(tracked):
        x = leaf(3) if tracked else leaf(3).detach()
        y = (x * 2).sin().sum()
        flush()
        if tracked:
            y.backward()
            np.testing.assert_allclose(x.grad.numpy(), 2 * np.cos(2 * x.detach().numpy()))
        return y.item()

    results = list(run(function, again, False, True, True, True, False))
    assert len(set(results)) == 1


def test_a_value_that_was_given_in_between_is_not_computed_again(again):
    x = wengert.ones(3)
    for round in range(6):
        y = x * 2
        z = y + 1
        if round == 5:
            flushing.evaluate((y._node,))
        assert z.tolist() == [3, 3, 3] and y.tolist() == [2, 2, 2]
    assert again[-2:] == [True, False]


def test_dead_nodes_do_not_run(again):
    for _ in range(4):
        x = wengert.ones(3)
        assert (x / 0 * 1).shape == (3,)  # nobody keeps it
        assert (x + 1).tolist() == [2, 2, 2]
    assert again[-1]
    (pattern,) = patterns.values()
    (plan,) = pattern.plans.values()
    assert plan.live == (0, 3) and len(plan.entry.graph.steps) == 2


def test_errors_are_raised_and_leave_a_usable_state(again):
    table, at = wengert.arange(4.0), wengert.tensor([0, 1])

    def function(offset):
        return table[at + offset].tolist()

    for _ in range(5):
        assert function(0) == [0, 1]
    assert again[-1]
    with pytest.raises(IndexError):
        function(7)
    assert function(1) == [1, 2]


def test_nothing_is_kept():
    for _ in range(4):
        x = leaf(4)
        y = x.exp()
        z = (y * y).sum()
        z.backward()
        flush()
        references = [weakref.ref(node) for node in (x._node, y._node, z._node, x.grad._node)]
        del x, y, z
        gc.collect()
        assert not any([reference() for reference in references])
    assert not recorder.tape


def test_patterns_are_bounded(monkeypatch):
    monkeypatch.setattr("wengert.derive.remember.STEPS", 50)
    monkeypatch.setattr("wengert.graph.pattern.VARIANTS", 4)
    for _ in range(3):
        for n in range(1, 20):
            x = wengert.ones(n)
            for _ in range(n % 5):
                x = x + 1
            x.numpy()
    assert patterns.steps <= 50
    assert all(len(pattern.plans) <= 4 for pattern in patterns.values() if pattern is not None)


def test_a_transformation_that_looks_through_history_is_no_repetition(again):
    def tangent():
        x = wengert.ones(3)
        _, found = wengert.func.jvp(lambda x: (x * x).sin(), (x,), (x,))
        return found.tolist()

    first = tangent()
    assert all(tangent() == first for _ in range(4))
    with wengert.autograd.forward_ad.dual_level():
        for _ in range(4):
            x = wengert.autograd.forward_ad.make_dual(wengert.ones(3), wengert.ones(3))
            y = x * x
            assert y.tolist() == [1, 1, 1]
            assert wengert.autograd.forward_ad.unpack_dual(y).tangent.tolist() == [2, 2, 2]


def test_compiled_repetitions_write_over_what_nobody_needs():
    with settings.scope(tier="compile"):
        w = leaf(64)
        optimizer = optim.SGD([w], lr=0.5)
        addresses, before = set(), w.detach().numpy().copy()
        for round in range(8):
            optimizer.zero_grad()
            (w * 2).sum().backward()
            optimizer.step()
            addresses.add(w._read().value.ctypes.data)
            if round == 5:
                kept = w._read().value  # somebody looks at the memory
                copy = kept.copy()
        np.testing.assert_allclose(w.detach().numpy(), before - 8)
        np.testing.assert_array_equal(kept, copy)
        assert len(addresses) < 5
