"""Series of calls: one run, and nothing about it can be seen but the time."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.compiler.threads import compiled_on_two_threads  # noqa: F401
from wengert.backends.llvm import pool
from wengert.backends.llvm.bound import READY
from wengert.compiler.ahead import Ahead
from wengert.graph.node import Coming
from wengert.nn import functional as F
from wengert.runtime import beside

pytestmark = pytest.mark.skipif(not pool.has_threads(), reason="a platform without POSIX threads")


@pytest.fixture
def begun(monkeypatch):
    """How many calls each run that began had."""
    found = []
    begin = Ahead.begin

    def noted(ahead, arrays, rows=None, inputs=None):
        status = begin(ahead, arrays, rows, inputs)
        if status == READY:
            found.append(1 if rows is None else len(rows))
        return status

    monkeypatch.setattr(Ahead, "begin", noted)
    return found


class Training:
    """Weights, and a compiled step that returns the loss and counts samples, as Keras's do."""

    def __init__(self):
        draw = np.random.default_rng(0)
        self.weights = [
            wengert.tensor(draw.standard_normal(shape, np.float32) / 10, requires_grad=True) for shape in ((200, 64), (64, 10))
        ]
        self.seen = wengert.tensor(0.0)
        self.batches = [
            (wengert.tensor(draw.standard_normal((64, 200), np.float32)), wengert.tensor(draw.integers(0, 10, 64)))
            for _ in range(7)
        ]
        self.compiled = wengert.compile(self.train, fullgraph=True)
        for batch in self.batches[:4]:
            self.compiled(*batch)

    def train(self, x, t):
        first, second = self.weights
        loss = F.cross_entropy((x @ first).relu() @ second, t)
        gradients = wengert.autograd.grad(loss, self.weights)
        with wengert.no_grad():
            for weight, gradient in zip(self.weights, gradients):
                weight.sub_(0.1 * gradient)
            self.seen.add_(x.shape[0])
        return loss.detach(), self.seen * 1

    def one_by_one(self, batches):
        for batch in batches:
            found = self.compiled(*batch)
        return found

    def now(self):
        return [*[weight.detach().clone().numpy() for weight in self.weights], self.seen.item()]


def assert_same(a, b):
    assert all((x == y).all() if isinstance(x, np.ndarray) else x == y for x, y in zip(a.now(), b.now()))


@pytest.mark.parametrize("count", [2, 5, 6])
@pytest.mark.parametrize("over", [True, False], ids=["in place", "by turns"])
def test_the_same_bits_as_one_by_one(begun, monkeypatch, count, over):
    if not over:  # an odd and an even number of calls leave content in different arrays
        monkeypatch.setattr("wengert.compiler.fast.in_place", lambda compiled, wanted: set())
    series, single = Training(), Training()
    for _ in range(3):
        (found,) = series.compiled.at_once(series.batches[:count])
        wanted = single.one_by_one(single.batches[:count])
        assert [x.item() for x in found] == [x.item() for x in wanted]
        assert_same(series, single)
    series.one_by_one(series.batches[:3])
    single.one_by_one(single.batches[:3])
    assert_same(series, single)
    assert begun.count(count) == 3


def test_content_is_coming_until_all_calls_are_done(begun):
    training = Training()
    (found,) = training.compiled.at_once(training.batches)
    assert begun[-1] == 7 and beside._runs
    assert found[0]._node.value.__class__ is Coming
    assert found[1].item() == 64 * (4 + 7) and not beside._runs
    kept = found[0].item()
    training.compiled.at_once(training.batches)
    assert found[0].item() == kept  # what was handed out is nobody else's memory


def test_changes_between_series_are_seen(begun):
    """Content that is changed or kept by somebody else: the series is bound anew."""
    series, single = Training(), Training()
    for _ in range(2):
        for training in (series, single):
            with wengert.no_grad():
                training.weights[0].mul_(0.5)
        kept = series.weights[1].detach().clone(), series.weights[0] * 1
        series.compiled.at_once(series.batches)
        single.one_by_one(single.batches)
        assert_same(series, single)
        assert (kept[0] != series.weights[1]).any() and (kept[1] != series.weights[0]).any()
    assert begun.count(7) == 2
    outside = series.weights[0].detach().numpy()  # the outside can look at it, and write to it
    assert series.compiled.at_once(series.batches) is None
    series.one_by_one(series.batches)
    single.one_by_one(single.batches)
    assert_same(series, single)
    assert (outside == single.weights[0].detach().numpy()).all()


def test_an_index_out_of_bounds_leaves_everything_to_single_calls(begun):
    training = Training()
    bad = (training.batches[5][0], training.batches[5][1] + 10)
    before = training.now()
    assert training.compiled.at_once([*training.batches[:3], bad]) is None
    assert all(np.array_equal(a, b) for a, b in zip(before, training.now()))
    with pytest.raises(IndexError):
        training.one_by_one([*training.batches[:3], bad])
    assert training.seen.item() == 64 * (4 + 3)


def test_what_cannot_be_a_series_says_so(begun):
    training = Training()
    one, other = training.batches[:2]
    shorter = (wengert.ones(3, 200), wengert.tensor([1, 2, 3]))
    assert training.compiled.at_once([one, shorter]) is None
    shared = (wengert.from_numpy(np.ones((64, 200), np.float32)), other[1])
    assert training.compiled.at_once([one, shared]) is None
    turned = (wengert.tensor(np.ones((200, 64), np.float32)).mT, other[1])
    assert training.compiled.at_once([one, turned]) is None
    assert training.compiled.most_at_once > 1 and training.seen.item() == 64 * 4

    counted = wengert.compile(lambda x: x + wengert.rand(200), fullgraph=True)  # draws anew in each call
    for _ in range(3):
        counted(one[0])
    assert counted.most_at_once == 1 and counted.at_once([one[:1], other[:1]]) is None


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_interrupt_leaves_a_whole_series_or_none(begun, monkeypatch, place):
    training, wanted = Training(), Training()
    bound = next(iter(training.compiled.programs.values()))[0].fast.bound
    begin = bound.begin

    def interrupted(arrays, rows=None):
        if place == "after":
            begin(arrays, rows)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bound, "begin", interrupted)
        with pytest.raises(KeyboardInterrupt):
            training.compiled.at_once(training.batches)
    if place == "after":
        wanted.one_by_one(wanted.batches)
    assert_same(training, wanted)
    training.one_by_one(training.batches)
    wanted.one_by_one(wanted.batches)
    assert_same(training, wanted)
