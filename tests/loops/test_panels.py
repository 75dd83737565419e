"""Right operands laid out before a loop: the grammar and the code against the interpreter, and what is left as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.loops.reference import run_program
from tests.loops.tools import assert_same, compiled, use_vectors
from tests.rules.harness import Program, node_of
from wengert.backends.llvm import compile as llvm, operations
from wengert.derive.loop import loop
from wengert.derive.reverse import pull_back
from wengert.graph.record import separate_tape, tracking
from wengert.graph.rule import primitives as p
from wengert.loops.lower import lower
from wengert.loops.nest import Contract, Nest, Repeat
from wengert.loops.panels import in_panels
from wengert.rewrite.pipeline import prepare

RANDOM = np.random.default_rng(0)


def recurrent(time: int, batch: int, size: int, dtype: str, turned: bool, changing: bool = False) -> tuple[Program, list[Any]]:
    """h = tanh(x + h w) again and again, or with w transposed, and its derivatives. `changing`: w is a part of each turn."""
    shapes = [(time, batch, size), (batch, size), (time, size, size) if changing else (size, size)]
    values = [(RANDOM.normal(size=shape) / size**0.5).astype(dtype) for shape in shapes]
    with separate_tape(), tracking(True):
        x, h, w = nodes = [node_of(value, tracked=True) for value in values]

        def step(state: Any, now: Any) -> Any:
            weight = now[1] if changing else w
            after = p.tanh(now[0] + p.dot(state[0], p.permute(weight, order=(1, 0)) if turned else weight))
            return [after], [after]

        _, (y,) = loop(step, [h], [x, w] if changing else [x], time)
        bars = pull_back([y], [y], nodes)
        program = Program(nodes, [y, *[bars[node] for node in nodes]])
    return program, [*values, *program.constants]


def lowered(program: Program) -> Any:
    return lower(prepare(program.graph), operations.supports)


def products(program: Any) -> list[tuple[Repeat, Contract]]:
    loops = [step for step in program.steps if isinstance(step, Repeat)]
    return [(step, one) for step in loops for one in step.steps if isinstance(one, Contract)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turned", [False, True])
@settings(max_examples=5, deadline=None)
@given(st.integers(3, 6), st.sampled_from([3, 4, 7, 50]), st.sampled_from([4, 16, 24, 48]))
def test_a_loop_over_time(dtype, turned, time, batch, size):
    program, values = recurrent(time, batch, size, dtype, turned)
    want = program.interpreter.run(values)
    laid = in_panels(lowered(program), lambda itemsize: 32 // itemsize)
    panel = 32 // np.dtype(dtype).itemsize
    laid_out = [one.columns == (size // panel, panel) for _, one in products(laid)]
    assert laid_out == [time >= 4 and batch >= 4 and size >= 8] * len(laid_out)
    assert_same(run_program(laid, values), want)
    assert_same(compiled(program.graph).run(values), want)


@pytest.mark.parametrize("width", [16, 64])
def test_vectors_of_other_widths(monkeypatch, width):
    use_vectors(monkeypatch, width)
    program, values = recurrent(5, 9, 64, "float32", True)
    assert_same(compiled(program.graph).run(values), program.interpreter.run(values))


def test_a_matrix_is_laid_out_once_before_its_loop():
    program, _ = recurrent(6, 5, 32, "float32", True)
    found = llvm.loops(prepare(program.graph))
    inside = products(found)
    assert len(inside) == 2  # forward, and by the state
    for loop_of, one in inside:
        assert len(one.columns) == 2
        copy = found.steps[found.steps.index(loop_of) - 1]
        assert isinstance(copy, Nest) and [a.buffer for a in copy.actions] == [one.b[0].buffer]


def test_a_matrix_that_changes_from_turn_to_turn_stays():
    program, values = recurrent(6, 5, 32, "float32", True, changing=True)
    assert all(one.columns == (32,) for _, one in products(llvm.loops(prepare(program.graph))))
    assert_same(compiled(program.graph).run(values), program.interpreter.run(values))
