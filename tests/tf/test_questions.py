"""What programs ask, and small things at their beginning."""

from __future__ import annotations

import logging
import time

import numpy as np
import pytest

import wengert.tf as tf


def test_what_a_tensor_is():
    assert tf.is_tensor(tf.constant(1)) and tf.is_tensor(tf.Variable(1.0))
    assert tf.is_tensor(tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0])))
    assert tf.is_tensor(tf.keras.Variable([1.0]))
    assert not any([tf.is_tensor(x) for x in (1.0, [1.0], np.ones(2), None, tf.TensorSpec([1]))])


def test_what_is_known_inside_a_function():
    found = []

    @tf.function
    def look(x):
        found.append((tf.is_symbolic_tensor(x), tf.get_static_value(x), tf.executing_eagerly()))
        with tf.init_scope():
            found.append((tf.is_symbolic_tensor(x), tf.executing_eagerly()))
        return x

    look(tf.constant(2.0))
    assert found[:2] == [(True, None, False), (False, True)]
    assert not tf.is_symbolic_tensor(tf.constant(2.0)) and float(tf.get_static_value(tf.constant(2.0))) == 2.0


def test_nothing_in_an_init_scope_is_on_a_tape():
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        with tf.init_scope():
            y = v * v
        z = v + y
    assert tape.gradient(z, v).numpy() == 1.0


def test_gradients_that_pass_through():
    x = tf.Variable(0.6)
    with tf.GradientTape() as tape:
        y = 3.0 * tf.grad_pass_through(tf.round)(x)
    assert y.numpy() == 3.0 and tape.gradient(y, x).numpy() == 3.0


def test_the_clock_goes_on_inside_a_function():
    now = tf.function(tf.timestamp)
    first = float(now())
    time.sleep(0.002)
    assert abs(first - time.time()) < 60 and float(now()) > first and now().dtype is tf.float64


def test_paddings_for_blocks():
    """Numbers of TensorFlow 2.21."""
    paddings, crops = tf.required_space_to_batch_paddings([5, 7], [2, 3])
    assert paddings.numpy().tolist() == [[0, 1], [0, 2]] and crops.numpy().tolist() == [[0, 1], [0, 2]]
    paddings, crops = tf.required_space_to_batch_paddings([5, 7], [2, 3], [[1, 2], [0, 1]])
    assert paddings.numpy().tolist() == [[1, 2], [0, 2]] and crops.numpy().tolist() == [[0, 0], [0, 1]]


def test_names_and_small_things():
    with tf.name_scope("outer"), tf.name_scope("inner"):
        assert tf.get_current_name_scope() == "outer/inner"
    assert tf.get_current_name_scope() == ""
    assert [x.numpy() for x in tf.tuple([1, tf.constant(2)])] == [1, 2]
    assert tf.guarantee_const(3).numpy() == 3
    assert tf.get_logger() is logging.getLogger("tensorflow")
    assert tf.autograph.experimental.do_not_convert(len) is len and tf.autograph.experimental.do_not_convert()(len) is len
    assert not tf.test.is_gpu_available() and tf.test.gpu_device_name() == "" and tf.__version__ == tf.version.VERSION
    assert tf.compat.as_bytes("ä") == "ä".encode() and tf.compat.as_str(b"a") == "a" and tf.compat.as_str_any(3) == "3"
    with pytest.raises(TypeError, match="binary or unicode"):
        tf.compat.as_text(3)


def test_the_dtypes_are_found_by_their_namespace():
    assert tf.dtypes.bool is tf.bool and tf.dtypes.cast(1.7, tf.dtypes.int32).numpy() == 1
    assert tf.dtypes.saturate_cast(300.0, tf.uint8).numpy() == 255 and tf.dtypes.complex(1.0, 2.0).numpy() == 1 + 2j


def test_what_is_left_of_tensorflow_1():
    level = tf.compat.v1.logging.get_verbosity()
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    assert tf.get_logger().level == logging.ERROR
    tf.compat.v1.logging.set_verbosity(level)
    tf.compat.v1.enable_eager_execution()
    with pytest.raises(RuntimeError, match="TensorFlow 1"):
        tf.compat.v1.disable_eager_execution()
    with pytest.raises(AttributeError, match="GradientTape"):
        tf.compat.v1.Session


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("strings", "in Python"), ("sparse", "IndexedSlices"), ("ragged", "padded_batch"), ("distribute", "all cores"),
        ("io", "from_generator"), ("saved_model", r"model.save\('x.keras'\)"), ("lite", "wengert.onnx"),
        ("gradients", "GradientTape"), ("lookup", "dict"), ("profiler", "wengert.profiler"),
    ],
)  # fmt: skip
def test_a_name_out_of_scope_says_so_and_what_comes_nearest(name, hint):
    with pytest.raises(AttributeError, match=f"leaves out: .*{hint}"):
        getattr(tf, name)
