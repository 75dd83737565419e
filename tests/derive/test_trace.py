"""Tracing, levels, and rules that a program brings along."""

import numpy as np
import pytest

from tests.nodes import given, tracked, value
from wengert.derive.batch import map_function, map_over_axis
from wengert.derive.forward import push_forward
from wengert.derive.jacobian import jacobian_by_columns, jacobian_by_rows, unit_vectors
from wengert.derive.level import leave, tracked_outside
from wengert.derive.reverse import pull_back
from wengert.derive.rules import Rule, attached
from wengert.derive.trace import record_again, trace
from wengert.errors import TracedValue
from wengert.graph.node import array_type, tuple_type
from wengert.graph.record import next_serial, recorder, tracking
from wengert.graph.rule import placeholder, primitives as p
from wengert.graph.verify import verify
from wengert.primitives.control import CustomInputs, identity, pack
from wengert.runtime.flush import value_of

X = np.array([0.5, -1.0, 2.0])


# --- trace -----------------------------------------------------------------------------------------------------------


def test_only_what_depends_on_the_arguments_is_traced():
    w = given(X)
    recording = trace(lambda x: [x * p.exp(w), p.sin(w)], [array_type((3,), w.dtype)], [False])
    verify(recording.graph)
    assert [step.primitive.name for step in recording.graph.steps] == ["mul"]
    assert {node.primitive.name for node in recording.captured} == {"exp", "sin"}
    assert set(recording.captured) <= set(recorder.tape)  # ordinary pending work
    inputs = [given(X), *recording.captured]
    every = [*inputs, *record_again(recording, inputs)]
    found = [value_of(every[i]) for i in recording.graph.outputs]
    np.testing.assert_allclose(found[0], X * np.exp(X))
    np.testing.assert_allclose(found[1], np.sin(X))


def test_tracking_is_recorded_step_by_step():
    def function(x):
        with tracking(False):
            y = p.exp(x)
        return [y * x]

    recording = trace(function, [array_type((3,), given(X).dtype)], [True])
    assert recording.tracked == (False, True)
    x = tracked(given(X))
    (steps_exp, steps_mul) = record_again(recording, [x])
    assert (steps_exp.tracked, steps_mul.tracked) == (False, True)
    with tracking(False):
        assert not record_again(recording, [x])[1].tracked


def test_values_of_arguments_are_refused_and_others_given():
    w = given(X)

    def function(x):
        np.testing.assert_allclose(value_of(p.exp(w)), np.exp(X))
        return [x * value_of(x)]

    with pytest.raises(TracedValue, match="traced"):
        trace(function, [w.type], [False])
    assert recorder.retain == 0


def test_an_argument_as_output_and_nothing_as_output():
    recording = trace(lambda x: [x, x], [given(X).type], [False])
    assert recording.graph.outputs == (0, 0) and not recording.graph.steps
    assert trace(lambda x: [], [given(X).type], [False]).graph.outputs == ()


def test_a_map_passes_whole_arguments_as_they_are():
    w = given(X)
    seen = []
    found = map_function(lambda x, w: seen.append(w) or [x * w, w + w], [given(np.stack([X, 2 * X])), w], [True, False], 2)
    assert seen == [w]
    assert [flag for _, flag in found] == [True, False]
    np.testing.assert_allclose(value_of(found[0][0]), np.stack([X * X, 2 * X * X]))


def test_several_values_of_one_node_are_mapped():
    def function(x):
        both = pack(x, p.sin(x))
        return [p.element(both, index=1), p.element(both, index=0)]

    (a, _), (b, _) = map_function(function, [given(np.stack([X, 2 * X]))], [True], 2)
    np.testing.assert_allclose(value_of(a), np.sin(np.stack([X, 2 * X])))
    np.testing.assert_allclose(value_of(b), np.stack([X, 2 * X]))


# --- levels ----------------------------------------------------------------------------------------------------------


def test_forced_tracking_is_seen_through():
    p_outside, x_outside = tracked(given(X)), given(X)
    first = next_serial()
    x = identity(x_outside)
    x.tracked = True
    through_force, through_both = p.sin(x), p.sin(x) * p_outside
    inner_leaf = tracked(given(X))
    nodes = [through_force, through_both, p_outside, x_outside, inner_leaf * x, identity(p_outside)]
    assert tracked_outside(nodes, first) == [False, True, True, False, True, True]
    left = leave(nodes, first)
    assert [node.tracked for node in left] == [False, True, True, False, True, True]
    assert left[1] is nodes[1] and left[0].inputs == (through_force,)
    late = p.exp(x)
    assert tracked_outside([late], first, {late: True}) == [True]


# --- Jacobians -------------------------------------------------------------------------------------------------------


def test_unit_vectors():
    type = array_type((2, 2), given(X).dtype)
    np.testing.assert_array_equal(value_of(unit_vectors(type)), np.eye(4).reshape(4, 2, 2))
    np.testing.assert_array_equal(value_of(unit_vectors(type, 1, 3)), np.eye(4)[1:3].reshape(2, 2, 2))
    assert value_of(unit_vectors(array_type((0,), type.dtype))).shape == (0, 0)


@pytest.mark.parametrize("chunk", [None, 1, 2, 10])
def test_jacobians_by_rows_and_by_columns(chunk):
    x, w = tracked(given(X)), tracked(given(X[:2]))
    ys = [p.sin(x), p.reduce_sum(x * x, axes=(0,)), p.exp(w)]
    rows = jacobian_by_rows(
        lambda y, bar: [pull_back([y], [bar], [x, w]).get(t) for t in (x, w)], [x, w], ys, chunk
    )
    columns = jacobian_by_columns([x, w], ys)
    wanted = [
        [np.diag(np.cos(X)), np.zeros((3, 2))],
        [2 * X, np.zeros(2)],
        [np.zeros((2, 3)), np.diag(np.exp(X[:2]))],
    ]
    for found in (rows, columns):
        for blocks, right in zip(found, wanted):
            for block, numbers in zip(blocks, right):
                np.testing.assert_allclose(value(block), numbers)


# --- rules of a program's own ----------------------------------------------------------------------------------------


class Doubled(Rule):
    """Says that the derivative of anything is 2, and reads an extra value."""

    def vjp(self, y_bars, arguments, saved):
        return [None if bar is None else bar * 2 * saved[0] for bar in y_bars]

    def jvp(self, x_dots, arguments, saved):
        return [None if dot is None else dot * 2 * saved[0] for dot in x_dots]


def custom_sum(x, y, extra):
    with tracking(False):
        results = (p.sin(x), p.cos(y))
    return attached(Doubled(), CustomInputs(results, (x, y), (extra,), (4,)))


def test_a_rule_of_its_own():
    x, y, extra = tracked(given(X)), tracked(given(X)), given(3 * np.ones(3))
    sine, cosine = custom_sum(x, y, extra)
    assert sine.inputs[0].type is tuple_type(x.type, y.type)
    np.testing.assert_allclose(value(sine), np.sin(X))
    found = pull_back([sine, cosine], [given(X), given(2 * X)], [x, y])
    np.testing.assert_allclose(value(found[x]), 6 * X)
    np.testing.assert_allclose(value(found[y]), 12 * X)
    only = pull_back([cosine], [given(X)], [x, y])
    assert x not in only
    tangents = push_forward([x], [given(X)], [sine, cosine])
    np.testing.assert_allclose(value(tangents[0]), 6 * X)
    assert tangents[1] is None


@pytest.mark.parametrize("flags", [(True, True, True), (True, False, False), (False, True, False), (False, False, True)])
def test_a_rule_over_a_batch(flags):
    rows = [np.stack([X, 2 * X]), np.stack([3 * X, X]), np.stack([X * 0 + 3, X * 0 + 5])]
    nodes = [tracked(given(r if flag else r[0])) for r, flag in zip(rows, flags)]
    mapped = map_function(lambda *one: custom_sum(*one), nodes, flags, 2)
    bar = given(np.ones((2, 3)))
    ys = [y if flag else p.expand(y, shape=(2, 3)) for y, flag in mapped]
    found = pull_back(ys, [bar, bar], nodes[:2])
    factor = 2 * (rows[2] if flags[2] else np.stack([rows[2][0]] * 2))
    for node, flag in zip(nodes[:2], flags):
        np.testing.assert_allclose(value(found[node]), factor if flag else factor.sum(0))
    tangents = push_forward([nodes[0]], [given(np.ones(nodes[0].shape))], ys)
    np.testing.assert_allclose(np.broadcast_to(value(tangents[0]), (2, 3)), factor)


def test_a_primitive_without_a_batching_rule_runs_in_a_loop(monkeypatch):
    monkeypatch.setattr(type(p.cumsum), "batch", None)
    graph = trace(lambda x: [p.cumsum(x, axis=0, reverse=False)], [given(X).type], [False]).graph
    ((y, flag),) = map_over_axis(graph, [given(np.stack([X, 2 * X]))], [True], 2)
    assert flag
    np.testing.assert_allclose(value(y), np.cumsum(np.stack([X, 2 * X]), 1))
    ((none, _),) = map_over_axis(graph, [given(np.zeros((0, 3)))], [True], 0)
    assert none.shape == (0, 3)


def test_a_placeholder_has_no_value():
    with pytest.raises(TracedValue):
        value_of(p.exp(placeholder(given(X).type)))
    recorder.tape.clear()
