"""GradientTape."""

from __future__ import annotations

import numpy as np
import pytest

import wengert.tf as tf


def test_gradients_of_watched_tensors_and_variables():
    x, v = tf.constant([1.0, 2.0]), tf.Variable([3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x * v
    dx, dv = tape.gradient(y, [x, v])
    np.testing.assert_array_equal(dx, [6, 16])
    np.testing.assert_array_equal(dv, [1, 4])
    assert type(dx) is tf.Tensor
    assert [w.name for w in tape.watched_variables()] == ["Variable:0"]


def test_structures_of_sources_and_targets():
    v, w = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        targets = {"a": v * w, "b": (v * v,)}
    found = tape.gradient(targets, {"v": v, "w": [w]})
    assert (found["v"].numpy(), found["w"][0].numpy()) == (7, 2)


def test_higher_order():
    x = tf.Variable(3.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x**3
        slope = inner.gradient(y, x)
    assert outer.gradient(slope, x).numpy() == 18


def test_what_is_not_watched_gives_none():
    x, v = tf.constant(1.0), tf.Variable(1.0, trainable=False)
    with tf.GradientTape(persistent=True) as tape:
        y = x * v
    assert tape.gradient(y, [x, v]) == [None, None]
    found = tape.gradient(y, [x, v], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert [g.numpy() for g in found] == [0, 0]


def test_a_consumed_tape_says_what_to_do():
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match=r"one set of gradients.*persistent=True"):
        tape.gradient(y, x)


def test_nothing_is_tracked_outside_a_tape():
    v = tf.Variable(2.0)
    y = v * 3
    assert not y._node.tracked
    with tf.GradientTape() as tape:
        z = y * v
    assert tape.gradient(z, v).numpy() == 6
    assert not (z + 1)._node.tracked
