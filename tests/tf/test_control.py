"""Control flow by functions, and derivatives through it."""

from __future__ import annotations

import numpy as np
import pytest

import wengert.tf as tf

X = tf.constant([1.0, 2.0, 3.0])


def test_cond_case_switch():
    assert tf.cond(tf.constant(2) > 1, lambda: tf.constant(1), lambda: tf.constant(2)).numpy() == 1
    pairs = [(tf.constant(False), lambda: 1), (tf.constant(True), lambda: 2), (True, lambda: 3)]
    assert tf.case(pairs, default=lambda: 4) == 2
    assert tf.case(pairs[:1], default=lambda: 4) == 4
    branches = [lambda: 10, lambda: 20]
    assert [tf.switch_case(tf.constant(i), branches) for i in (0, 1, 7, -1)] == [10, 20, 20, 20]
    assert tf.switch_case(9, {3: lambda: 30}, default=lambda: 0) == 0


def test_while_loop_with_its_derivative():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        i, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (tf.constant(0), tf.constant(1.0)))
    assert (i.numpy(), y.numpy(), tape.gradient(y, x).numpy()) == (3, 8, 12)
    assert tf.while_loop(lambda i: i < 10, lambda i: i + 1, [tf.constant(0)], maximum_iterations=4)[0].numpy() == 4


def test_loops_over_rows_with_derivatives():
    w = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        mapped = tf.map_fn(lambda row: row * w, X)
        vector = tf.vectorized_map(lambda row: row * w * row, X)
        sums = tf.scan(lambda total, row: total * w + row, X)
        last = tf.foldl(lambda total, row: total * w + row, X, initializer=tf.constant(0.0))
        first = tf.foldr(lambda total, row: total * w + row, X)
    np.testing.assert_array_equal(mapped, [2, 4, 6])
    np.testing.assert_array_equal(vector, [2, 8, 18])
    np.testing.assert_array_equal(sums, [1, 4, 11])
    assert (last.numpy(), first.numpy()) == (11, 3 * 4 + 2 * 2 + 1)
    assert [tape.gradient(y, w).numpy() for y in (mapped, vector, sums, last, first)] == [6, 14, 1 + 6, 6, 12 + 2]


def test_structures_of_rows():
    found = tf.map_fn(lambda row: {"sum": row[0] + row[1]}, (X, X * 10))
    np.testing.assert_array_equal(found["sum"], [11, 22, 33])
    back = tf.scan(lambda total, row: total + row, X, initializer=tf.constant(0.0), reverse=True)
    np.testing.assert_array_equal(back, [6, 5, 3])


def test_tensor_array():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        array = tf.TensorArray(tf.float32, size=2)
        for i in range(2):
            array = array.write(i, x ** (i + 1))
        y = array.stack()
    np.testing.assert_array_equal(y, [3, 9])
    assert tape.gradient(y, x).numpy() == 7
    grown = tf.TensorArray(tf.float32, size=0, dynamic_size=True).write(1, [5.0])
    np.testing.assert_array_equal(grown.stack(), [[0], [5]])
    rows = tf.TensorArray(tf.float32, 3).unstack(X)
    np.testing.assert_array_equal(rows.gather([2, 0]), [3, 1])
    assert rows.size().numpy() == 3
    np.testing.assert_array_equal(tf.TensorArray(tf.float32, 2).split(X, [1, 2]).concat(), X)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: tf.cond(True, 1, 2), TypeError, "must be callable"),
        (lambda: tf.cond(tf.constant(1), lambda: 1, lambda: 2), TypeError, "scalar of dtype bool"),
        (lambda: tf.case([(True, lambda: 1)] * 2, exclusive=True), tf.errors.InvalidArgumentError, "more than one"),
        (lambda: tf.while_loop(lambda i: True, lambda i: (i, i), [0]), ValueError, "number of elements"),
        (lambda: tf.map_fn(lambda x: x, tf.constant(1.0)), ValueError, "1. dimensional"),
        (lambda: tf.map_fn(lambda x: x[0], (X, X[:2])), ValueError, "same first dimension"),
        (lambda: tf.TensorArray(tf.float32, 1).write(1, 1.0), tf.errors.OutOfRangeError, "size is 1"),
        (lambda: tf.TensorArray(tf.float32, 1).read(0), tf.errors.InvalidArgumentError, "not been written"),
        (lambda: tf.TensorArray(tf.float32, 1).write(0, 1.0).write(0, 1.0), tf.errors.InvalidArgumentError, "already"),
        (lambda: tf.TensorArray(tf.float32, 1).write(0, tf.constant(1)), ValueError, "requested dtype"),
    ],
)
def test_errors(use, error, message):
    with pytest.raises(error, match=message):
        use()
