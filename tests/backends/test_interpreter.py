"""The interpreter writes into memory that dies, and only where nobody can see it."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.nodes import graph_from as graph
from wengert.backends import interpreter
from wengert.backends.interpreter import Interpreter
from wengert.graph.rule import primitives as p

N = 64  # float64: 32 kB a matrix
X, W = np.random.default_rng(0).standard_normal((2, N, N))


def written(made):
    return sum([step[0].__name__ == "run" for step in made.steps if hasattr(step[0], "__name__")])


def run(function, *arrays):
    copies = [x.copy() for x in arrays]
    made = Interpreter(graph(function, *arrays))
    found = made.run(list(arrays))
    for x, copy in zip(arrays, copies):
        np.testing.assert_array_equal(x, copy)  # inputs are never written to
    return made, found


def test_a_chain_uses_one_piece_of_memory():
    made, (y,) = run(lambda x, w: [p.neg(p.exp(p.sub(p.mul(x, w), w)))], X, W)
    assert written(made) == 3
    np.testing.assert_array_equal(y, -np.exp(X * W - W))


def test_a_step_that_takes_memory_for_its_result_gets_it():
    made, (y,) = run(lambda x, w: [p.relu(p.mul(x, w))], X, W)
    assert written(made) == 1
    np.testing.assert_array_equal(y, np.maximum(X * W, 0))


def test_inputs_and_outputs_are_left_alone():
    def function(x, w):
        z = p.mul(x, w)
        return [p.add(x, w), z, p.exp(z)]

    made, found = run(function, X, W)
    assert written(made) == 0
    for got, want in zip(found, (X + W, X * W, np.exp(X * W))):
        np.testing.assert_array_equal(got, want)


def test_a_view_that_lives_on_keeps_its_memory():
    def function(x, w):
        z = p.mul(x, w)
        turned = p.permute(z, order=(1, 0))
        y = p.exp(z)  # z dies here, but not what looks at it
        return [p.add(y, turned), p.reshape(p.mul(x, x), shape=(N * N,))]

    made, found = run(function, X, W)
    np.testing.assert_array_equal(found[0], np.exp(X * W) + (X * W).T)
    np.testing.assert_array_equal(found[1], (X * X).reshape(-1))
    assert written(made) == 1  # the sum, into y


def test_a_view_as_an_output_keeps_its_memory():
    def function(x, w):
        z = p.mul(x, w)
        turned = p.permute(z, order=(1, 0))
        return [turned, p.exp(z)]

    _, found = run(function, X, W)
    np.testing.assert_array_equal(found[0], (X * W).T)
    np.testing.assert_array_equal(found[1], np.exp(X * W))


def test_an_argument_used_twice():
    made, (y,) = run(lambda x, w: [p.mul(z := p.sub(x, w), z)], X, W)
    assert written(made) == 1
    np.testing.assert_array_equal(y, (X - W) * (X - W))


def test_small_and_stretched_values_get_memory_of_their_own():
    made, (y,) = run(lambda x, w: [p.exp(p.neg(p.mul(x, w)))], X[:2, :2].copy(), W[:2, :2].copy())
    assert written(made) == 0
    made, (y,) = run(lambda x, w: [p.add(p.neg(x), w)], X[:1].copy(), W)
    assert written(made) == 0
    np.testing.assert_array_equal(y, -X[:1] + W)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_random_graphs_give_what_they_give_without(data):
    choose = [
        lambda x, w: p.mul(x, w), lambda x, w: p.sub(x, w), lambda x, w: p.neg(x), lambda x, w: p.sin(w),
        lambda x, w: p.permute(x, order=(1, 0)), lambda x, w: p.dot(x, w), lambda x, w: p.flip(x, axes=(0,)),
        lambda x, w: p.reshape(p.reshape(x, shape=(N * N,)), shape=(N, N)), lambda x, w: p.maximum(x, w),
    ]  # fmt: skip
    plan = data.draw(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 99), st.integers(0, 99)), max_size=12))
    ends = data.draw(st.lists(st.integers(0, 99), min_size=1, max_size=3))

    def function(x, w):
        pool = [x, w]
        for kind, a, b in plan:
            pool.append(choose[kind](pool[a % len(pool)], pool[b % len(pool)]))
        return [pool[i % len(pool)] for i in ends]

    _, found = run(function, X, W)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interpreter, "_LARGE", float("inf"))
        made, wanted = run(function, X, W)
    assert written(made) == 0
    for got, want in zip(found, wanted):
        np.testing.assert_array_equal(got, want)
