"""A graph that is laid out in one pass gives what the interpreter gives, as soon, and lets values go as early."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import wengert as torch
from tests.nodes import graph_from as graph
from wengert.backends.first import LIGHT, FirstRun, is_light
from wengert.backends.interpreter import Interpreter
from wengert.graph.rule import primitives as p
from wengert.runtime import tiers
from wengert.settings import settings

X = np.random.default_rng(0).standard_normal((5, 5))


CASES = {
    "composites": lambda x: [p.log_softmax(x, axis=1), p.logsumexp(x, axes=(0,))],
    "twice the same": lambda x: [p.mul(p.exp(x), p.exp(x)), p.exp(x)],
    "nobody reads": lambda x: [p.exp(x), p.neg(p.sin(x))][:1],
    "marks": lambda x: [p.stop_gradient(p.identity(x)), p.exp(p.identity(x))],
    "several": lambda x: [p.element(p.pack(p.exp(x), p.neg(x)), index=1)],
    "product": lambda x: [p.dot(x, p.permute(x, order=(1, 0)))],
    "input": lambda x: [x],
}


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_the_interpreters(case):
    built = graph(CASES[case], X)
    found, wanted = FirstRun(built).run([X]), Interpreter(built).run([X])
    assert len(found) == len(wanted)
    for got, want in zip(found, wanted):
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_equal_steps_run_once_and_unread_ones_do_not():
    twice = FirstRun(graph(CASES["twice the same"], X))
    assert len(twice.steps) == 2
    unread = FirstRun(graph(CASES["nobody reads"], X))
    assert [step[0].__name__ for step in unread.steps] == ["exp", "_nothing", "_nothing"]


def test_a_value_goes_after_its_last_use():
    gone = []

    class Watching:
        def __init__(self, function):
            self.function = function

        def __call__(self, *arguments):
            y = self.function(*arguments)
            gone.append(weakref.ref(y))
            if len(gone) == 3:
                assert gone[0]() is None and gone[1]() is not None
            return y

    made = FirstRun(graph(lambda x: [p.exp(p.neg(p.sin(x)))], X))
    made.steps = [(Watching(function), args, dead) for function, args, dead in made.steps]
    made.run([X])
    assert len(gone) == 3 and gone[1]() is None


def test_an_error_names_the_line_that_recorded_the_step():
    with settings.scope(tier="auto"):
        rows = torch.randn(3)[torch.tensor([0, 6]) + 1]
        with pytest.raises(IndexError, match=r"7 is out of bounds.*test_first\.py"):
            rows.sum().item()


def test_graphs_with_large_values_are_laid_out_with_care():
    assert is_light(graph(lambda x: [p.exp(x)], X))
    large = np.broadcast_to(np.float64(0), (LIGHT // 8 + 1,))
    assert not is_light(graph(lambda x: [p.exp(x)], large))


def test_a_graph_that_comes_again_and_is_not_compiled_is_laid_out_with_care(monkeypatch):
    monkeypatch.setattr(tiers, "_compile_later", lambda entry: None)
    with settings.scope(tier="auto"):
        entry = tiers.Entry(graph(lambda x: [p.exp(x)], X), ())
        kinds = []
        for _ in range(tiers.SIGHTS_OF_FIRST + 1):
            entry.run([X])
            kinds.append(type(entry.interpreter))
    assert kinds == [FirstRun] * (tiers.SIGHTS_OF_FIRST - 1) + [Interpreter] * 2
