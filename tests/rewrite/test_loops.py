"""Loops give only what is read, and their steps are simplified."""

from __future__ import annotations

import numpy as np

from tests.rules.harness import Program, node_of
from wengert.derive.loop import loop
from wengert.graph.record import separate_tape
from wengert.graph.rule import primitives as p
from wengert.primitives.loop import scan
from wengert.rewrite.loops import trim_loops
from wengert.rewrite.pipeline import prepare

X = np.arange(12.0).reshape(4, 3)


def two_results():
    node = node_of(X)
    first = p.slice(node, index=(0, (0, 3, 1)))
    ends, ys = loop(lambda s, x: ([s[0] + x[0]], [p.identity(p.exp(x[0])), p.sin(s[0])]), [first], [node], 4)
    return node, ends, ys


def test_results_that_nobody_reads_are_not_computed():
    with separate_tape():
        node, ends, ys = two_results()
        program = Program([node], [ys[1], ends[0]])
    (step,) = [step for step in prepare(program.graph).graph.steps if step.primitive is scan]
    body = step.params[0].graph
    assert [inner.primitive.name for inner in body.steps] == ["add", "sin"] and len(body.outputs) == 2
    for found, wanted in zip(program([X]), (np.sin(np.cumsum([X[0] * 0 + X[0], *X[:3]], 0)), X[0] + X.sum(0))):
        np.testing.assert_allclose(found, wanted)


def test_a_loop_that_is_kept_whole_keeps_its_results():
    with separate_tape():
        node, ends, _ = two_results()
        program = Program([node], [ends[0].inputs[0]])
    (step,) = [step for step in prepare(program.graph).graph.steps if step.primitive is scan]
    assert len(step.params[0].graph.outputs) == 3
    assert "identity" not in [inner.primitive.name for inner in step.params[0].graph.steps]


def test_definitions_in_a_step_are_expanded_and_their_numbers_are_inputs():
    with separate_tape():
        node = node_of(X)
        first = p.slice(node, index=(0, (0, 3, 1)))
        ends, _ = loop(lambda s, x: ([p.log_softmax(s[0] + x[0], axis=0)], []), [first], [node], 4)
        program = Program([node], ends)
    plain = prepare(program.graph)
    (step,) = [step for step in plain.graph.steps if step.primitive is scan]
    assert "log_softmax" not in [inner.primitive.name for inner in step.params[0].graph.steps]
    want = X[0]
    for row in X:
        want = want + row - np.log(np.exp(want + row - (want + row).max()).sum()) - (want + row).max()
    np.testing.assert_allclose(program([X])[0], want)


def test_trimming_again_changes_nothing():
    with separate_tape():
        node, _, ys = two_results()
        graph = prepare(Program([node], [ys[0]]).graph).graph
    assert trim_loops(graph) == graph
