"""tf.Variable. Texts and errors are TensorFlow 2.21's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert.tf as tf


def test_what_it_is():
    v = tf.Variable([1.0, 2.0], name="w")
    assert repr(v) == "<tf.Variable 'w:0' shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)>"
    assert (v.name, v.shape, v.dtype, v.trainable, tf.Variable(1).name) == ("w:0", [2], tf.float32, True, "Variable:0")
    assert not isinstance(v, tf.Tensor)
    assert type(v + 1) is type(1 - v) is type(v.value()) is tf.Tensor
    np.testing.assert_array_equal(tf.constant([1.0, 1.0]) + v, [2, 3])


def test_assigns():
    v = tf.Variable([1.0, 2.0])
    before = v.value()
    v.assign([3.0, 4.0]).assign_add([1.0, 1.0]).assign_sub(tf.constant([0.5, 0.5]))
    np.testing.assert_array_equal(v, [3.5, 4.5])
    np.testing.assert_array_equal(before, [1, 2])
    v[0].assign(9.0)
    np.testing.assert_array_equal(v, [9, 4.5])


def test_scatters():
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), tf.constant([0, 2, 0]))
    distinct = tf.IndexedSlices(tf.constant([[4.0, 0.5], [2.0, 2.0]]), tf.constant([2, 0]))
    made = {}
    for name in ("add", "sub", "update", "max", "min", "mul", "div"):
        v = tf.Variable([[1.0, 1.0]] * 3)
        made[name] = getattr(v, f"scatter_{name}")(rows if name in ("add", "sub") else distinct).numpy().tolist()
    assert made == {
        "add": [[7, 9], [1, 1], [4, 5]], "sub": [[-5, -7], [1, 1], [-2, -3]], "update": [[2, 2], [1, 1], [4, 0.5]],
        "max": [[2, 2], [1, 1], [4, 1]], "min": [[1, 1], [1, 1], [1, 0.5]], "mul": [[2, 2], [1, 1], [4, 0.5]],
        "div": [[0.5, 0.5], [1, 1], [0.25, 2]],
    }  # fmt: skip
    w = tf.Variable([1.0, 2.0, 3.0])
    w.scatter_nd_add([[0], [0]], [1.0, 1.0]).scatter_nd_update([[2]], [9.0]).scatter_nd_sub([[1]], [5.0])
    np.testing.assert_array_equal(w, [3, -3, 9])
    with tf.GradientTape() as tape:
        y = w.sparse_read([2, 0, 2]) * tf.constant([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(y, [9, 30, 900])
    np.testing.assert_array_equal(tape.gradient(y, w), [10, 0, 101])
    np.testing.assert_array_equal(v.gather_nd([[0, 1], [2, 0]]), [0.5, 0.25])
    with pytest.raises(tf.errors.InvalidArgumentError):
        w.scatter_nd_add([[7]], [1.0])


def test_the_value_it_was_made_of_is_its_own():
    x = tf.constant([1.0])
    v, w = tf.Variable(x), tf.Variable(x)
    v.assign([5.0])
    assert (x.numpy(), w.numpy()) == ([1], [1])


def test_a_function_makes_the_value():
    assert tf.Variable(lambda: tf.constant([1.0, 1.0])).shape == [2]


def test_open_sizes_may_change():
    v = tf.Variable([[1.0, 2.0]], shape=[None, 2])
    assert v.shape.as_list() == [None, 2]
    v.assign([[1.0, 2.0], [3.0, 4.0]]).assign_add([[1.0, 1.0], [1.0, 1.0]])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(v * v)
    np.testing.assert_array_equal(v, [[2, 3], [4, 5]])
    np.testing.assert_array_equal(tape.gradient(y, v), [[4, 6], [8, 10]])
    free = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None))
    np.testing.assert_array_equal(free.assign([[5.0]]), [[5]])


def test_open_sizes_change_inside_a_function():
    total = tf.Variable(tf.zeros([0]), shape=[None])

    @tf.function
    def add(x):
        total.assign(tf.concat([total, x], 0))
        return tf.reduce_sum(total)

    assert [add(tf.constant([float(i)])).numpy() for i in range(5)] == [0, 1, 3, 6, 10]
    np.testing.assert_array_equal(total, [0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda v: v.assign([1.0, 2.0, 3.0]), ValueError, "Shape mismatch"),
        (lambda v: v.assign(tf.constant([1, 2])), ValueError, "requested dtype float32"),
        (lambda v: tf.Variable([1.5], dtype=tf.int32), TypeError, "Cannot convert"),
        (lambda v: tf.Variable(), ValueError, "must be specified"),
        (lambda v: tf.Variable([1.0], shape=[2]), ValueError, "not compatible"),
        (lambda v: len(v), TypeError, "has no len"),
        (lambda v: v.initial_value, RuntimeError, "eager"),
        (lambda v: v.assign_add(1.0), tf.errors.InvalidArgumentError, "shapes must be equal"),
        (lambda v: v.__setitem__(0, 1.0), TypeError, "does not support item assignment"),
        (lambda v: tf.Variable([[1.0]], shape=[None, 1]).assign([[1.0, 2.0]]), ValueError, "Shape mismatch"),
    ],
)
def test_errors(use, error, message):
    with pytest.raises(error, match=message):
        use(tf.Variable([1.0, 2.0]))
