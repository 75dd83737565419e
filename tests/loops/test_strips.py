"""Steps in strips of rows: the grammar and the code against the interpreter, and what is left out of the loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.loops.reference import run_program
from tests.loops.tools import assert_same, compiled
from tests.rules.harness import Program, node_of
from wengert.backends.llvm import operations, pool
from wengert.derive.reverse import pull_back
from wengert.graph.record import separate_tape, tracking
from wengert.graph.rule import primitives as p
from wengert.loops import strips
from wengert.loops.arena import plan
from wengert.loops.lower import lower
from wengert.loops.nest import Contract, Repeat
from wengert.rewrite.pipeline import prepare

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def small_is_worth_it(monkeypatch):
    """Strips of a few rows, and threads as before."""
    for name, value in {"LEAST_ROWS": 8, "LEAST_PRODUCTS": 2, "LEAST_SAVED": 1, "FEWEST": 8, "MOST": 16}.items():
        monkeypatch.setattr(strips, name, value)
    before = pool.get_num_threads()
    yield
    pool.set_num_threads(before)


def network(rows: int, width: int, dtype: str) -> tuple[list[Any], list[Any], list[Any]]:
    """Two layers, a loss and its derivatives: products over and along rows, folds along them, values row by row."""
    shapes = [(rows, 3), (3, width), (width,), (width, 2), (rows, 2), ()]
    values = [np.asarray(RANDOM.normal(size=shape), dtype) for shape in shapes]
    x, w, bias, v, wanted, bar = nodes = [node_of(value, tracked=True) for value in values]
    hidden = p.tanh(p.dot(x, w) + p.expand(p.reshape(bias, shape=(1, width)), shape=(rows, width)))
    error = p.dot(hidden, v) - wanted
    loss = p.reduce_sum(error * error, axes=(0, 1))
    bars = pull_back([loss], [bar], [x, w, bias, v])
    return nodes, [loss, hidden, *[bars[node] for node in (x, w, bias, v)]], values


def lowered(program: Program) -> Any:
    return lower(prepare(program.graph), operations.supports)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=4, deadline=None)
@given(st.sampled_from([8, 9, 15, 16, 17, 31, 64, 101]), st.sampled_from([1, 4, 9, 17]))
def test_a_network_and_its_derivatives(threads, dtype, rows, width):
    pool.set_num_threads(threads)
    with separate_tape(), tracking(True):
        nodes, outputs, values = network(rows, width, dtype)
        program = Program(nodes, outputs)
    given_values = [*values, *program.constants]
    want = program.interpreter.run(given_values)
    found = strips.in_strips(lowered(program))
    loops = [step for step in found.steps if isinstance(step, Repeat)]
    assert loops
    assert sum([step.extents[0] * height(step) for step in loops]) == rows
    assert_same(run_program(found, given_values), want)
    code = compiled(program.graph)
    first = code.run(given_values)
    assert_same(first, want)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, code.run(given_values)))


def height(loop: Repeat) -> int:
    return next(step.rows[0] for step in loop.steps if isinstance(step, Contract) and step.label.startswith("dot"))


def test_values_of_a_strip_take_turns_in_memory():
    with separate_tape(), tracking(True):
        nodes, outputs, _ = network(1024, 16, "float32")
        program = lowered(Program(nodes, outputs[:1] + outputs[3:]))
    assert plan(strips.in_strips(program))[1] < plan(program)[1] / 8


@pytest.mark.parametrize("rows, threads, wanted", [(64, 1, 16), (64, 2, 32), (64, 3, 32), (64, 8, 64), (62, 4, 62)])
def test_strips_are_higher_for_more_threads(rows, threads, wanted):
    with separate_tape(), tracking(True):
        nodes, outputs, values = network(rows, 9, "float64")
        program = Program(nodes, outputs)
    found = strips.in_strips(lowered(program), threads)
    assert [height(step) for step in found.steps if isinstance(step, Repeat)] == [wanted]
    given_values = [*values, *program.constants]
    assert_same(run_program(found, given_values), program.interpreter.run(given_values))


def test_sums_of_products_along_rows_are_all_made_in_the_loop():
    """x^T y + y^T x: what follows from the first sum is done after the loop, with the second."""
    with separate_tape(), tracking(False):
        values = [RANDOM.normal(size=shape).astype("f") for shape in [(40, 5), (5, 5), (5, 5)]]
        x, a, b = nodes = [node_of(value) for value in values]
        y = p.dot(p.tanh(p.dot(p.tanh(p.dot(x, a)), b)), b)
        z = p.dot(p.permute(x, order=(1, 0)), y) + p.dot(p.permute(y, order=(1, 0)), x)
        program = Program(nodes, [p.tanh(z)])
    found = strips.in_strips(lowered(program))
    assert not any(isinstance(step, Contract) for step in found.steps)
    want = program.interpreter.run([*values, *program.constants])
    assert_same(run_program(found, [*values, *program.constants]), want)
    assert_same(compiled(program.graph).run([*values, *program.constants]), want)


def test_what_mixes_rows_comes_after_the_loop():
    """A softmax down the rows needs all of them; what follows it is not done strip by strip."""
    with separate_tape(), tracking(False):
        values = [RANDOM.normal(size=shape).astype("f") for shape in [(40, 5), (5, 6), (6, 6), (6, 3)]]
        x, a, b, c = nodes = [node_of(value) for value in values]
        y = p.dot(p.tanh(p.dot(p.tanh(p.dot(x, a)), b)), b)
        y = y - p.expand(p.reduce_max(y, axes=(0,), keepdims=True), shape=(40, 6))
        program = Program(nodes, [p.dot(y, c), p.flip(y, axes=(0,))])
    found = strips.in_strips(lowered(program))
    assert isinstance(found.steps[0], Repeat)
    assert any(isinstance(step, Contract) for step in found.steps)
    want = program.interpreter.run([*values, *program.constants])
    assert_same(run_program(found, [*values, *program.constants]), want)
    assert_same(compiled(program.graph).run([*values, *program.constants]), want)


def test_small_programs_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(strips, "LEAST_SAVED", 1 << 30)
    with separate_tape(), tracking(True):
        nodes, outputs, _ = network(64, 8, "float32")
        program = lowered(Program(nodes, outputs))
    assert strips.in_strips(program) is program
