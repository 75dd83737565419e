"""Dtypes' answers to TensorFlow's questions."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
import wengert.tf as tf


def test_there_is_one_object_for_each_type():
    assert tf.float32 is wengert.float32
    assert tf.float32 == "float32" == tf.float32
    assert tf.float32 == np.float32
    assert tf.float32 != "int32"
    assert tf.float32 != None  # noqa: E711
    assert {tf.float32: 1}[wengert.float32] == 1


def test_questions():
    assert (tf.float32.is_floating, tf.int8.is_integer, tf.uint8.is_unsigned, tf.bool.is_bool) == (True,) * 4
    assert (tf.float32.size, tf.float32.max, tf.int32.min, tf.uint8.limits) == (4, np.finfo(np.float32).max, -(2**31), (0, 255))
    assert tf.float32.as_numpy_dtype is np.float32
    assert tf.complex128.real_dtype is tf.float64
    assert float(tf.bfloat16.max) == pytest.approx(3.3895e38, rel=1e-3)


@pytest.mark.parametrize("named", ["float", float, np.float32, np.dtype("float32"), "float32", tf.float32])
def test_as_dtype(named):
    assert tf.as_dtype(named) is tf.float32


@pytest.mark.parametrize("wrong", [int, "floaty", None, object()])
def test_as_dtype_refuses(wrong):
    with pytest.raises(TypeError, match="Cannot convert the argument"):
        tf.as_dtype(wrong)


def test_text_is_no_dtype_and_it_is_said_what_comes_nearest():
    with pytest.raises(TypeError, match=r"'string' to a TensorFlow DType. .* tensors of text; prepare text in Python"):
        tf.as_dtype("string")
