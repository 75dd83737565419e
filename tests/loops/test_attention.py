"""Attention by blocks gives what its definition gives, forward and backward, and never holds the whole matrix of scores."""

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
from wengert.loops import attention
from wengert.loops.attention import is_fused
from wengert.loops.lower import lower
from wengert.loops.nest import Call
from wengert.rewrite.pipeline import prepare

RANDOM = np.random.default_rng(0)


def program_of(shapes: list[Any], mask: Any, causal: bool, dtype: str, turned: bool) -> tuple[Program, list[Any]]:
    """Result, normaliser and the three derivatives; with `turned`, heads lie behind rows in memory."""
    values = [RANDOM.normal(size=shape).astype(dtype) for shape in shapes]
    if turned:
        values = [np.ascontiguousarray(value.swapaxes(1, 2)) for value in values]
    masks = [] if mask is None else [mask]
    with separate_tape(), tracking(True):
        nodes = [node_of(value, tracked=True) for value in values] + [node_of(m) for m in masks]
        q, k, v = [p.permute(x, order=(0, 2, 1, 3)) if turned else x for x in nodes[:3]]
        y = p.attention(q, k, v, scalar(0.4, q.dtype), *nodes[3:], causal=causal)
        result, normaliser = [p.element(y, index=i) for i in range(2)]
        bars = pull_back([result], [p.sin(result)], nodes[:3])
        program = Program(nodes, [result, normaliser, *[bars[node] for node in nodes[:3]]])
    return program, [*values, *masks, *program.constants]


def check(program: Program, values: list[Any]) -> None:
    lowered = lower(prepare(program.graph, is_fused), operations.supports)
    assert not any(isinstance(step, Call) for step in lowered.steps)
    want = program.interpreter.run(values)
    assert_same(run_program(lowered, values), want, 256)
    assert_same(compiled(program.graph).run(values), want, 256)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("causal", [False, True])
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_blocks_give_what_the_definition_gives(dtype, causal, data):
    batch = tuple(data.draw(st.lists(st.integers(1, 3), min_size=0, max_size=2)))
    n, m = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    e, f = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    kind = data.draw(st.sampled_from(["none", "bool", "float", "bool of keys"]))
    shape = {"none": (), "bool": (n, m), "float": (*batch, n, m), "bool of keys": (*batch, 1, m)}[kind]
    mask: Any = None
    if kind == "float":
        mask = RANDOM.normal(size=shape).astype(dtype)
    elif kind != "none":
        mask = RANDOM.random(shape) > 0.3
    turned = len(batch) == 2 and data.draw(st.booleans())
    check(*program_of([(*batch, n, e), (*batch, m, e), (*batch, m, f)], mask, causal, dtype, turned))


def test_a_row_that_may_look_at_nothing_is_zero():
    mask = np.ones((20, 20), bool)
    mask[3] = False
    program, values = program_of([(2, 20, 4)] * 3, mask, False, "float64", False)
    result, normaliser, *bars = compiled(program.graph).run(values)
    assert not result[:, 3].any() and np.isneginf(normaliser[:, 3]).all() and not bars[0][:, 3].any()
    check(program, values)


def test_the_matrix_of_scores_is_never_there(monkeypatch):
    """And with a causal mask, what lies above the diagonal is not computed."""
    monkeypatch.setattr(attention, "BLOCK_BYTES", 1 << 15)
    program, values = program_of([(2, 2, 256, 8)] * 3, None, True, "float32", False)
    lowered = lower(prepare(program.graph, is_fused), operations.supports)
    assert max(type.size for type in lowered.buffers) < 2 * 2 * 256 * 256 // 4
    scores = [step for step in lowered.steps if getattr(step, "label", "") == "attention scores"]
    computed = sum(step.rows[0] * step.columns[0] for step in scores)
    assert len(scores) == 8 and computed < 0.6 * 256 * 256
    check(program, values)


def test_a_derivative_by_the_mask_goes_by_the_definition():
    shapes = [(2, 5, 3), (2, 6, 3), (2, 6, 4), (5, 6)]
    values = [RANDOM.normal(size=shape) for shape in shapes]
    with separate_tape(), tracking(True):
        nodes = [node_of(value, tracked=True) for value in values]
        y = p.element(p.attention(*nodes[:3], scalar(0.4, nodes[0].dtype), nodes[3], causal=False), index=0)
        bars = pull_back([y], [y], nodes)
        program = Program(nodes, [bars[node] for node in nodes])
    given_values = [*values, *program.constants]
    assert_same(compiled(program.graph).run(given_values), program.interpreter.run(given_values))


def test_attention_in_a_loop():
    values = [RANDOM.normal(size=shape) for shape in ((3, 2, 5, 4), (2, 5, 4))]
    with separate_tape():
        nodes = [node_of(value) for value in values]

        def step(state: Any, now: Any) -> Any:
            y = p.attention(state[0], now[0], now[0], scalar(0.5, state[0].dtype), causal=True)
            return [p.element(y, index=0)], [p.element(y, index=1)]

        ends, ys = loop(step, nodes[1:], nodes[:1], 3)
        program = Program(nodes, [*ends, *ys])
    check(program, [*values, *program.constants])
