"""ForwardAccumulator."""

from __future__ import annotations

import numpy as np
import pytest

import wengert.tf as tf
from wengert.tf.autodiff import ForwardAccumulator


def test_tangents():
    x = tf.constant([2.0, 3.0])
    before = x._node
    with ForwardAccumulator(x, tf.constant([1.0, 10.0])) as acc:
        y = x * x
        np.testing.assert_array_equal(acc.jvp(y), [4, 60])
        np.testing.assert_array_equal(acc.jvp(x), [1, 10])
    np.testing.assert_array_equal(acc.jvp({"y": [y]})["y"][0], [4, 60])
    assert acc.jvp(tf.constant(1.0)) is None
    assert acc.jvp(tf.constant(1.0), unconnected_gradients=tf.UnconnectedGradients.ZERO).numpy() == 0
    assert x._node is before


def test_variables_and_several_primals():
    v, x = tf.Variable(2.0), tf.constant(3.0)
    with ForwardAccumulator([v, x], [tf.constant(1.0), tf.constant(10.0)]) as acc:
        y = v * v * x
    assert acc.jvp(y).numpy() == 12 + 40


def test_nested():
    x = tf.constant(3.0)
    with ForwardAccumulator(x, tf.constant(1.0)) as outer:
        with ForwardAccumulator(x, tf.constant(1.0)) as inner:
            y = x**4
        slope = inner.jvp(y)
    assert slope.numpy() == 108
    assert outer.jvp(slope).numpy() == 108
    assert outer.jvp(y).numpy() == 108


@pytest.mark.parametrize("make", [tf.Variable, tf.constant])
def test_forward_over_backward_is_a_product_with_the_hessian(make):
    x = make([1.0, 2.0])
    with ForwardAccumulator(x, tf.constant([1.0, 0.0])) as acc:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x[0] ** 3 * x[1]
        g = tape.gradient(y, x)
    np.testing.assert_array_equal(acc.jvp(g), [12, 3])


def test_backward_over_forward():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        with ForwardAccumulator(x, tf.constant(1.0)) as acc:
            y = x**3
        slope = acc.jvp(y)
    assert tape.gradient(slope, x).numpy() == 18


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: ForwardAccumulator(tf.constant([1.0]), tf.constant(1.0)), ValueError),
        (lambda: ForwardAccumulator(tf.constant([1]), tf.constant([1])), TypeError),
        (lambda: ForwardAccumulator(1.0, 1.0), TypeError),
    ],
)
def test_errors(make, error):
    with pytest.raises(error):
        make()
