"""py_function, numpy_function, print; assertions."""

from __future__ import annotations

import io

import numpy as np
import pytest

import wengert.tf as tf
from wengert.tf import debugging


def test_python_functions_run_in_every_call():
    seen = []

    def python(x):
        seen.append(float(x))
        return x * x

    @tf.function
    def f(x):
        return tf.py_function(python, [x], tf.float32) + 1

    assert [f(tf.constant(n)).numpy() for n in (1.0, 2.0, 3.0)] == [2, 5, 10]
    assert seen == [1, 2, 3]
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = tf.py_function(python, [x], tf.float32)
    assert tape.gradient(y, x).numpy() == 6
    np.testing.assert_array_equal(tf.numpy_function(np.sort, [tf.constant([2.0, 1.0])], tf.float32), [1, 2])
    with pytest.raises(TypeError, match="Tout says int32"):
        tf.numpy_function(np.sort, [tf.constant([2.0, 1.0])], tf.int32)


def test_print():
    stream = io.StringIO()
    tf.print("x =", tf.constant([1.0, 2.5]), tf.constant(3), [tf.constant(0.5)], output_stream=stream)
    tf.print(tf.constant(list(range(10))), output_stream=stream, end="|")
    assert stream.getvalue() == "x = [1 2.5] 3 [0.5]\n[0 1 2 ... 7 8 9]|"


@pytest.mark.parametrize(
    "holds",
    [
        lambda: debugging.assert_equal([1, 2], tf.constant([1, 2])), lambda: debugging.assert_less(1.0, 2.0),
        lambda: debugging.assert_positive([1, 2]), lambda: debugging.assert_near(1.0, 1.0 + 1e-7),
        lambda: debugging.assert_rank(tf.constant([1]), 1), lambda: debugging.assert_all_finite([1.0], "x"),
        lambda: debugging.assert_shapes([(tf.constant([1]), ("N",)), (tf.constant([[1, 2]]), ("N", 2))]),
        lambda: debugging.assert_type(tf.constant(1), tf.int32), lambda: tf.Assert(True, ["x"]),
    ],
)  # fmt: skip
def test_assertions_that_hold(holds):
    holds()


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        (lambda: debugging.assert_equal([1, 2], [1, 3], "said"), tf.errors.InvalidArgumentError),
        (lambda: debugging.assert_greater(1.0, 2.0), tf.errors.InvalidArgumentError),
        (lambda: debugging.assert_negative(1.0), tf.errors.InvalidArgumentError),
        (lambda: debugging.assert_near(1.0, 1.1), tf.errors.InvalidArgumentError),
        (lambda: debugging.check_numerics([np.nan], "x"), tf.errors.InvalidArgumentError),
        (lambda: tf.Assert(tf.constant(False), [tf.constant(1)]), tf.errors.InvalidArgumentError),
        (lambda: debugging.assert_rank(tf.constant(1), 1), ValueError),
        (lambda: debugging.assert_scalar(tf.constant([1])), ValueError),
        (lambda: debugging.assert_shapes([(tf.constant([1]), ("N",)), (tf.constant([[1, 2]] * 2), ("N", 2))]), ValueError),
        (lambda: debugging.assert_type(tf.constant(1), tf.float32), TypeError),
        (lambda: debugging.assert_integer(tf.constant(1.0)), TypeError),
    ],
)
def test_assertions_that_fail(fails, error):
    with pytest.raises(error):
        fails()
