"""custom_gradient, stop_gradient, recompute_grad, IndexedSlices."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
import wengert.tf as tf


def exp(x):
    return wengert.exp(x)


def test_stop_gradient():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * tf.stop_gradient(x)
    assert tape.gradient(y, x).numpy() == 3


@tf.custom_gradient
def doubled_backwards(x, scale=1.0):
    """Three times x, whose derivative claims to be twice x."""
    return x * 3, lambda upstream: upstream * 2 * x * scale


def test_custom_gradient():
    x = tf.constant([1.0, 2.0])
    np.testing.assert_array_equal(doubled_backwards(x), [3, 6])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = doubled_backwards(x, scale=10.0)
    np.testing.assert_array_equal(tape.gradient(y, x), [20, 40])


def test_custom_gradient_to_second_order():
    x = tf.Variable(5.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = doubled_backwards(x)
        g = inner.gradient(y, x)
    assert (g.numpy(), outer.gradient(g, x).numpy()) == (10, 2)


def test_custom_gradient_of_several_results():
    @tf.custom_gradient
    def both(x, w):
        return (x * w, x + w), lambda a, b: (a * w + b, a * x - b)

    x, w = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        first, second = both(x, w)
        y = first * 10 + second
    assert [g.numpy() for g in tape.gradient(y, [x, w])] == [31, 19]


def test_custom_gradient_with_variables():
    v = tf.Variable(3.0)

    @tf.custom_gradient
    def scaled(x):
        def grad(upstream, variables=None):
            assert [one is v for one in variables] == [True]
            return upstream * 7, [upstream * 11]

        return x * v, grad

    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = scaled(x)
    assert [y.numpy()] + [g.numpy() for g in tape.gradient(y, [x, v])] == [6, 7, 11]


def test_custom_gradient_says_that_variables_are_read():
    v = tf.Variable(3.0)
    with tf.GradientTape(), pytest.raises(TypeError, match="must accept a 'variables' keyword"):
        tf.custom_gradient(lambda x: (x * v, lambda upstream: upstream))(tf.constant(1.0))


def test_custom_gradient_counts_gradients():
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = tf.custom_gradient(lambda a, b: (a * b, lambda upstream: upstream))(x, x)
    with pytest.raises(ValueError, match="expected to return 2 gradients"):
        tape.gradient(y, x)


def test_recompute_grad():
    v, x = tf.Variable(2.0), tf.constant(3.0)
    part = tf.recompute_grad(lambda x: exp(x * v) * v)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = part(x)
    dx, dv = tape.gradient(y, [x, v])
    np.testing.assert_allclose([dx, dv], [4 * np.exp(6), 7 * np.exp(6)], rtol=1e-6)
    assert part(x).numpy() == y.numpy()


def test_indexed_slices_are_tensors():
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), tf.constant([0, 2, 0]), tf.constant([3, 2]))
    np.testing.assert_array_equal(tf.convert_to_tensor(rows), [[6, 8], [0, 0], [3, 4]])
    assert (rows.shape, rows.dtype) == ((3, 2), tf.float32)
    with pytest.raises(ValueError, match="dense_shape"):
        tf.convert_to_tensor(tf.IndexedSlices(tf.constant([1.0]), tf.constant([0])))
