"""A replay stands for exactly the steps of its stretch, in every transformation."""

import numpy as np

from tests.nodes import given, tracked, value
from wengert import dtypes
from wengert.derive.batch import map_over_axis
from wengert.derive.forward import push_forward
from wengert.derive.remember import remembered
from wengert.derive.reverse import pull_back
from wengert.graph.graph import graph_of
from wengert.graph.node import array_type
from wengert.graph.record import next_serial, separate_tape
from wengert.graph.rule import placeholder, primitives as p
from wengert.graph.verify import verify
from wengert.primitives.control import element
from wengert.rewrite.definitions import expand_composites

X, W = np.array([0.5, -1.0, 2.0]), np.array([1.5, 2.0, -0.5])


def function(x, w):
    z = p.exp(x) * w + 2
    return [z, z * x, w]


def stretch():
    since, type = 0, array_type((3,), dtypes.float64)
    with separate_tape():
        x, w, unused = placeholder(type), placeholder(type), placeholder(type)
        since = next_serial()
        return remembered([x, w, unused], function(x, w), since)


def test_a_stretch_has_inputs_constants_and_results():
    found = stretch()
    verify(found.stretch.graph)
    assert found.reads == (0, 1) and found.results == (0, 1, ~1)
    assert [value.tolist() for value in found.stretch.constants] == [2.0]
    assert found.steps == len(found.stretch.graph.steps) == 5


def test_values_are_those_of_the_steps():
    x, w = given(X), given(W)
    for got, want in zip(stretch().record([x, w, x], None), function(x, w)):
        np.testing.assert_array_equal(value(got), value(want))


def test_derivatives_go_through_the_steps():
    (whole,) = {node.inputs[0] for node in stretch().record([given(X), given(W), given(X)], None)[:2]}
    x, w, bar = tracked(given(X)), tracked(given(W)), given([1.0, 2.0, 3.0])
    again = p.replay(x, w, stretch=whole.params[0])
    got = pull_back([element(again, index=1)], [bar])
    want = pull_back([function(x, w)[1]], [bar])
    for leaf in (x, w):
        np.testing.assert_allclose(value(got[leaf]), value(want[leaf]))
    (got_dot,) = push_forward([x], [bar], [element(again, index=1)])
    (want_dot,) = push_forward([x], [bar], [function(x, w)[1]])
    np.testing.assert_allclose(value(got_dot), value(want_dot))


def test_a_batch_goes_through_the_steps():
    with separate_tape():
        x, w = placeholder(array_type((3,), dtypes.float64)), placeholder(array_type((3,), dtypes.float64))
        y = stretch().record([x, w, x], None)[1]
        graph = graph_of([x, w], [y.inputs[0], y], [y])
    rows = np.stack([X, 2 * X])
    ((got, flag),) = map_over_axis(graph, [given(rows), given(W)], [True, False], 2)
    assert flag
    for row, x_row in zip(value(got), rows):
        np.testing.assert_allclose(row, value(function(given(x_row), given(W))[1]))


def test_expansion_keeps_the_lines_of_the_steps():
    with separate_tape():
        x, w = placeholder(array_type((3,), dtypes.float64)), placeholder(array_type((3,), dtypes.float64))
        y = stretch().record([x, w, x], None)[1]
        graph = graph_of([x, w], [y.inputs[0], y], [y])
    plain = expand_composites(graph)
    verify(plain.graph)
    names = [step.primitive.name for step in plain.graph.steps]
    assert names == ["exp", "mul", "add", "mul", "pack", "element"]
    assert all(step.origin is not None for step in plain.graph.steps[:4])


def test_what_reads_something_else_is_not_remembered():
    x, other = given(X), given(W)
    since = next_serial()
    assert remembered([x], [x * other], since) is None
    assert remembered([x], [other], since) is None
    assert remembered([x], [x], since).stretch is None
