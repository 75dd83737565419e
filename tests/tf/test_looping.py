"""Loops over rows inside tf.function are one operation: the values and gradients of eager code, one call of the body."""

from __future__ import annotations

import numpy as np
import pytest

import wengert.tf as tf

DRAWN = np.random.default_rng(0)
X, W = DRAWN.standard_normal((12, 3)).astype("float32"), DRAWN.standard_normal((3, 3)).astype("float32")


def derivative(w, row):
    with tf.GradientTape() as tape:
        tape.watch(row)
        y = tf.reduce_sum(row**3) * w[0, 0]
    return tape.gradient(y, row)


LOOPS = {
    "map_fn": lambda x, w: tf.map_fn(lambda row: tf.tanh(tf.linalg.matvec(w, row)), x),
    "map_fn of a structure": lambda x, w: tf.map_fn(lambda row: {"a": row[0], "b": (row[1], w * 2.0)}, (x, x * 2))["b"][1],
    "map_fn of derivatives": lambda x, w: tf.map_fn(lambda row: derivative(w, row), x),
    "scan": lambda x, w: tf.scan(lambda a, row: tf.tanh(tf.linalg.matvec(w, a) + row), x),
    "scan from a state": lambda x, w: tf.scan(lambda a, row: tf.tanh(a @ w + row), x, tf.zeros([1, 3])),
    "scan in reverse": lambda x, w: tf.scan(lambda a, row: tf.tanh(a * w[0] + row), x, reverse=True),
    "scan of a pair": lambda x, w: tf.scan(lambda a, row: (a[0] + row, a[1] * w), x, (tf.zeros([3]), tf.ones([3, 3])))[1],
    "scan from a number": lambda x, w: tf.scan(lambda a, row: a + tf.reduce_sum(row * w), x, 0.0),
    "foldl": lambda x, w: tf.foldl(lambda a, row: tf.tanh(a * w[0] + row), x),
    "foldr": lambda x, w: tf.foldr(lambda a, row: tf.tanh(a * w[0] + row), x, tf.ones([3])),
}


def both(loop):
    """The values, and the gradient for w, of a loop."""
    w = tf.Variable(W)
    with tf.GradientTape() as tape:
        y = loop(tf.constant(X), w)
        loss = tf.reduce_sum(y * y)
    return y.numpy(), tape.gradient(loss, w).numpy()


@pytest.mark.parametrize("name", LOOPS)
def test_it_is_the_eager_loop(name):
    values, gradient = both(LOOPS[name])
    function = tf.function(LOOPS[name])
    for _ in range(3):
        found = both(function)
        np.testing.assert_allclose(found[0], values, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(found[1], gradient, rtol=2e-4, atol=1e-5)
    assert function.experimental_get_tracing_count() == 1 and function._compiled.reasons == []


def test_the_numbers_of_a_scan_are_tensorflows():
    """Stored numbers of TensorFlow 2.21."""
    x = tf.constant([[0.5], [-1.0], [2.0], [0.25], [1.0]])
    f = tf.function(lambda x: tf.scan(lambda a, row: tf.tanh(a * 0.5 + row), x))
    np.testing.assert_allclose(f(x)[:, 0], [0.5, -0.6351489, 0.9331756, 0.6147913, 0.8636150], rtol=1e-6)


def test_the_body_is_called_once():
    calls = []

    @tf.function
    def f(x):
        return tf.map_fn(lambda row: calls.append(1) or row * 2, x)

    assert [f(tf.constant(X)).shape for _ in range(3)] == [(12, 3)] * 3 and len(calls) == 1


def test_bodies_that_must_run_for_each_row():
    """Random numbers, writes, branches, and states that grow."""
    count, x = tf.Variable(0.0), tf.constant(X)
    drawn = tf.function(lambda x: tf.map_fn(lambda row: tf.random.uniform([]), x))
    first, second = drawn(x).numpy(), drawn(x).numpy()
    assert len({*first, *second}) == 24
    counted = tf.function(lambda x: tf.map_fn(lambda row: count.assign_add(1.0) + 0.0, x))
    assert counted(x).numpy().tolist() == list(range(1, 13)) and counted(x).numpy()[0] == 13 and count.numpy() == 24
    branched = tf.function(lambda x: tf.map_fn(lambda row: row if tf.reduce_sum(row) > 0 else -row, x))
    for _ in range(2):
        np.testing.assert_allclose(branched(x), X * np.sign(X.sum(1, keepdims=True)))
    grown = tf.function(lambda x: tf.foldl(lambda a, row: tf.concat([a, row], 0), x, tf.zeros([1])))
    for _ in range(2):
        assert grown(x).shape == (37,)


def test_an_error_of_the_body_is_its_own():
    with pytest.raises(tf.errors.InvalidArgumentError, match="sizes must match"):
        tf.function(lambda x: tf.map_fn(lambda row: row + tf.ones([2]), x))(tf.constant(X))
    with pytest.raises(ValueError, match="my own"):
        tf.function(lambda x: tf.map_fn(_fails, x))(tf.constant(X))


def _fails(row):
    raise ValueError("my own")


def test_what_a_result_does_not_depend_on_has_zeros_for_a_gradient():
    """As in TensorFlow's loops, which are one operation too; an eager loop gives None."""
    f = tf.function(lambda x: tf.scan(lambda a, row: (a[0] + row, a[1] * 1.5), x, (tf.zeros([3]), tf.constant(1.0)))[1])
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(f(x))
    assert not tape.gradient(y, x).numpy().any()
