"""What becomes a tensor, of which dtype. The dtypes are TensorFlow 2.21's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert.tf as tf


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (1, tf.int32, ()), (2**40, tf.int64, ()), (1.0, tf.float32, ()), (True, tf.bool, ()), (1j, tf.complex128, ()),
        ([1, 2.5], tf.float32, (2,)), ([1, 2**40], tf.int64, (2,)), ([], tf.float32, (0,)), ([[1, 2]], tf.int32, (1, 2)),
        (np.array([1, 2]), tf.int64, (2,)), (np.array([1.0]), tf.float64, (1,)), ([np.float64(1)], tf.float64, (1,)),
        (range(3), tf.int32, (3,)), ((1.0, (2)), tf.float32, (2,)), ([np.zeros(2, np.float32)] * 3, tf.float32, (3, 2)),
    ],
)  # fmt: skip
def test_dtypes_of_constants(value, dtype, shape):
    for x in (tf.constant(value), tf.convert_to_tensor(value)):
        assert (x.dtype, x.shape) == (dtype, shape)
        np.testing.assert_array_equal(x.numpy(), np.array(value))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: tf.constant([[1], [1, 2]]), ValueError, "non-rectangular"),
        (lambda: tf.constant([True, 1]), ValueError, "mixed types"),
        (lambda: tf.constant(None), ValueError, "unsupported type"),
        (lambda: tf.constant(1.5, dtype=tf.int32), TypeError, "Cannot convert 1.5 to EagerTensor of dtype int32"),
        (lambda: tf.constant([1, 2, 3], shape=(2, 2)), TypeError, "3 elements"),
        (lambda: tf.convert_to_tensor(tf.constant(1.0), tf.int32), ValueError, "requested dtype int32"),
        (lambda: tf.constant(tf.constant(1.0), tf.float64), TypeError, "tf.cast"),
        (lambda: tf.constant("text"), ValueError, "unsupported type"),
    ],
)
def test_what_is_no_tensor(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_lists_with_tensors_stack():
    v = tf.Variable(2.0)
    x = tf.convert_to_tensor([[v, 1.0], [3, tf.constant(4.0)]])
    np.testing.assert_array_equal(x, [[2, 1], [3, 4]])
    assert x.dtype is tf.float32


def test_constant_repeats_one_value():
    np.testing.assert_array_equal(tf.constant(1, shape=(2, 2)), np.ones((2, 2)))


def test_a_type_of_ones_own_converts():
    class Celsius:
        dtype = tf.float32

        def __init__(self, degrees):
            self.degrees = degrees

    tf.register_tensor_conversion_function(Celsius, lambda value, dtype=None: tf.constant(value.degrees))
    assert (tf.constant(1.0) + Celsius(2.0)).numpy() == 3
