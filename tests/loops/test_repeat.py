"""Loops over time, and values put together of parts, compiled: what the interpreter gives, and no calls of NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.loops.reference import run_program
from tests.loops.tools import assert_same, compiled
from tests.rules.harness import Program, node_of
from wengert.backends.llvm import operations
from wengert.derive.loop import loop
from wengert.derive.reverse import pull_back
from wengert.graph.record import scalar, separate_tape, tracking
from wengert.graph.rule import primitives as p
from wengert.loops.lower import lower
from wengert.loops.nest import Call, Repeat
from wengert.primitives.loop import parts_of
from wengert.rewrite.pipeline import prepare

RANDOM = np.random.default_rng(0)


def steps_of(program: Program) -> list[Any]:
    return list(lower(prepare(program.graph), operations.supports).steps)


def check(inputs: list[Any], outputs: list[Any], values: list[Any]) -> Program:
    """Outputs of nodes by the grammar, by the code, and by the interpreter."""
    program = Program(inputs, outputs)
    given_values = [*values, *program.constants]
    want = program.interpreter.run(given_values)
    assert_same(run_program(lower(prepare(program.graph), operations.supports), given_values), want)
    assert_same(compiled(program.graph).run(given_values), want)
    return program


def gated(x: Any, h: Any, c: Any, w: Any) -> Any:
    """A long short-term memory's step."""
    i, f, g, o = parts_of(x + p.dot(h, w), 1, (h.shape[1],) * 4)
    c = p.sigmoid(f) * c + p.sigmoid(i) * p.tanh(g)
    return p.sigmoid(o) * p.tanh(c), c


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backward", [False, True])
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 4), st.integers(1, 5), st.integers(1, 19))
def test_a_recurrent_layer_and_its_derivative(dtype, backward, time, batch, size):
    shapes = [(time, batch, 4 * size), (batch, size), (batch, size), (4 * size, size)]
    values = [RANDOM.normal(size=shape).astype(dtype) for shape in shapes]
    with separate_tape(), tracking(True):
        x, h, c, w = nodes = [node_of(value, tracked=True) for value in values]
        turned = p.permute(w, order=(1, 0))
        step = lambda state, now: ((after := gated(now[0], *state, turned)), [after[0]])
        ends, (y,) = loop(step, [h, c], [x], time, backward)
        bars = pull_back([y, *ends], [y, *ends], nodes)
        program = check(nodes, [y, *ends, *[bars[node] for node in nodes if node in bars]], values)
    assert not any(isinstance(one, Call) for one in steps_of(program))


def test_weights_are_multiplied_once_for_all_times():
    """The loops have the products with the state; the weight's gradient is one product after them."""
    values = [RANDOM.normal(size=shape) for shape in ((6, 3, 8), (3, 2), (3, 2), (8, 2))]
    with separate_tape(), tracking(True):
        x, h, c, w = nodes = [node_of(value, tracked=True) for value in values]
        turned = p.permute(w, order=(1, 0))
        step = lambda state, now: ((after := gated(now[0], *state, turned)), [after[0]])
        _, (y,) = loop(step, [h, c], [x], 6)
        program = Program(nodes, [pull_back([y], [y], nodes)[w]])
    repeats = [one for one in steps_of(program) if isinstance(one, Repeat)]
    assert [one.extents for one in repeats] == [(6,), (6,)]
    for one in repeats:
        products = [inner for inner in one.steps if type(inner).__name__ == "Contract"]
        assert len(products) == 1 and products[0].rows == (3,)


def test_a_state_that_is_handed_on_and_one_that_is_shown():
    x, a, b = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=3), RANDOM.normal(size=(1, 3))
    with separate_tape():
        nodes = [node_of(value) for value in (x, a, b)]

        def step(state: Any, now: Any) -> Any:
            a, b = state
            return [p.reshape(b, shape=(3,)) + now[0], b], [a, p.flip(a, axes=(0,)), p.reshape(b, shape=(3, 1)), now[0]]

        ends, ys = loop(step, nodes[1:], nodes[:1], 5)
        check(nodes, [*ends, *ys], [x, a, b])
        swapped, _ = loop(lambda s, now: ([s[1], s[0] + now[0]], []), [nodes[1], nodes[1]], nodes[:1], 5)
        check(nodes, swapped, [x, a, b])


def test_a_loop_in_a_loop():
    x, w = RANDOM.normal(size=(4, 3, 2)), RANDOM.normal(size=(2, 2))
    with separate_tape():
        nodes = [node_of(x), node_of(w)]

        def inner(state: Any, now: Any) -> Any:
            new = p.tanh(p.dot(p.reshape(state[0] + now[0], shape=(1, 2)), nodes[1]))
            return [p.reshape(new, shape=(2,))], []

        def outer(state: Any, now: Any) -> Any:
            (end,), _ = loop(inner, state, [now[0]], 3)
            return [end], [end]

        ends, ys = loop(outer, [p.full(scalar(0.5, nodes[0].dtype), shape=(2,))], nodes[:1], 4)
        program = check(nodes, [*ends, *ys], [x, w])
    (repeat,) = [one for one in steps_of(program) if isinstance(one, Repeat)]
    assert any(isinstance(one, Repeat) for one in repeat.steps)


def test_a_step_without_a_lowering_makes_the_loop_a_call():
    x = RANDOM.normal(size=(4, 3))
    with separate_tape():
        node = node_of(x)
        first = p.slice(node, index=(0, (0, 3, 1)))
        ends, ys = loop(lambda s, now: ([p.cumsum(s[0] + now[0], axis=0, reverse=False)], [s[0]]), [first], [node], 4)
        program = check([node], [*ends, *ys], [x])
    assert any(isinstance(one, Call) and one.primitive.name == "scan" for one in steps_of(program))


def test_an_index_out_of_range_in_a_loop_is_an_error():
    x, i = RANDOM.normal(size=(4, 3)), np.array([0, 1, 7, 2])
    with separate_tape():
        nodes = [node_of(x), node_of(i)]

        def step(state: Any, now: Any) -> Any:
            row = p.take(nodes[0], p.reshape(now[0], shape=(1,)), axis=0, wrap=False)
            return [state[0] + p.reshape(row, shape=(3,))], []

        ends, _ = loop(step, [p.slice(nodes[0], index=(0, (0, 3, 1)))], nodes[1:], 4)
        program = Program(nodes, ends)
    values = [x, i, *program.constants]
    with pytest.raises(IndexError):
        compiled(program.graph).run(values)
    values[1] = np.array([0, 1, 3, 2])
    assert_same(compiled(program.graph).run(values), program.interpreter.run(values))


def test_the_whole_value_of_a_loop_can_be_kept():
    """As in a step of training, where the backward pass reads it in another program."""
    x = RANDOM.normal(size=(4, 3))
    with separate_tape():
        node = node_of(x)
        ends, _ = loop(lambda s, now: ([s[0] * now[0]], [s[0]]), [p.slice(node, index=(0, (0, 3, 1)))], [node], 4)
        (whole,) = ends[0].inputs
        check([node], [whole, ends[0]], [x])


# --- joins ----------------------------------------------------------------------------------------------------------


def test_parts_are_written_to_their_places():
    x, y = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(5, 4))
    with separate_tape():
        a, b = nodes = [node_of(x), node_of(y)]
        wide = p.concatenate(p.sin(a), b, p.exp(b), p.flip(a, axes=(1,)), p.sin(a), axis=1)
        program = check(nodes, [wide, p.reduce_sum(wide, axes=(1,)), p.sin(a)], [x, y])
    assert not any(isinstance(one, Call) for one in steps_of(program))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_updates_and_paddings(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    index: list[Any] = []
    for n in shape:
        if data.draw(st.booleans()):
            index.append(data.draw(st.integers(0, n - 1)))
        else:
            start = data.draw(st.integers(0, n))
            index.append((start, data.draw(st.integers(start, n)), data.draw(st.integers(1, 3))))
    sizes = tuple(len(range(*entry)) for entry in index if not isinstance(entry, int))
    low, high = ([data.draw(st.integers(0, 2)) for _ in shape] for _ in range(2))
    x, new = RANDOM.normal(size=shape), RANDOM.normal(size=sizes)
    with separate_tape():
        a, b = nodes = [node_of(x), node_of(new)]
        zeros = p.full(scalar(0, a.dtype), shape=shape)
        outputs = [
            p.slice_update(a, p.sin(b), index=tuple(index)),
            p.slice_update(zeros, b, index=tuple(index)) + a,
            p.pad(p.cos(a), scalar(2.5, a.dtype), low=tuple(low), high=tuple(high)),
        ]
        program = check(nodes, outputs, [x, new])
    assert not any(isinstance(one, Call) for one in steps_of(program))


def test_an_input_is_not_written_over_while_parts_of_it_are_read():
    """The join's first part could take the input's memory before its second part has been read."""
    x = RANDOM.normal(size=8)
    with separate_tape():
        (node,) = nodes = [node_of(x)]
        first, second = p.slice(node, index=((0, 4, 1),)), p.slice(node, index=((4, 8, 1),))
        joined = p.concatenate(p.sin(first), p.cumsum(first, axis=0, reverse=False) * second, axis=0)
        program = Program(nodes, [joined])
    code = compiled(program.graph)
    want = program.interpreter.run([x.copy(), *program.constants])
    assert_same(code.run([x.copy(), *program.constants], frozenset(code.donations)), want)
