"""Operations that no sample holds beside TensorFlow, which has no kernel for them here: numbers by NumPy, or by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import wengert.tf as tf

CUBE = np.sin(np.arange(24) * 1.3).astype(np.float32).reshape(2, 3, 4)
CUBES = (CUBE + 1j * CUBE[::-1] * 0.5).astype(np.complex64)


def near(y, want):
    np.testing.assert_allclose(np.asarray(y), want, rtol=1e-4, atol=1e-5)


def test_transforms_over_chosen_axes():
    near(tf.signal.fftnd(CUBES, axes=[0, 2]), np.fft.fftn(CUBES, axes=(0, 2)))
    near(tf.signal.fftnd(CUBES, [4, 3], [0, 1]), np.fft.fftn(CUBES, (4, 3), (0, 1)))
    near(tf.signal.ifftnd(CUBES, norm="ortho"), np.fft.ifftn(CUBES, norm="ortho"))
    near(tf.signal.rfftnd(CUBE, axes=[1, 2]), np.fft.rfftn(CUBE, axes=(1, 2)))
    near(tf.signal.irfftnd(CUBES, axes=[1, 2]), np.fft.irfftn(CUBES, axes=(1, 2)))


def test_sobols_points_are_tensorflows():
    near(tf.math.sobol_sample(3, 2), [[0.5, 0.5, 0.5], [0.75, 0.25, 0.25]])
    near(tf.math.sobol_sample(3, 2, skip=2), [[0.25, 0.75, 0.75], [0.375, 0.375, 0.625]])
    assert tf.math.sobol_sample(2, 3, dtype=tf.float64).dtype is tf.float64
    for wrong in ((0, 4), (3, 0), (21201, 1), (2, 2, 0, tf.int32)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="sobol_sample"):
            tf.math.sobol_sample(*wrong)


def test_the_smallest_of_an_axis():
    values, places = tf.math.approx_min_k([[3.0, 1.0, 2.0]], 2)
    assert values.numpy().tolist() == [[1.0, 2.0]]
    assert places.numpy().tolist() == [[1, 2]]


def test_rows_that_come_more_than_once_in_a_scatter():
    y = tf.tensor_scatter_nd_update(tf.zeros([3]), [[1], [1]], [5.0, 5.0])
    assert y.numpy().tolist() == [0.0, 5.0, 0.0]


def test_convolution_in_groups_and_with_dilation_has_its_derivative():
    x = tf.Variable(np.arange(2 * 5 * 5 * 2, dtype=np.float32).reshape(2, 5, 5, 2) / 50)
    kernel = tf.Variable(np.arange(2 * 2 * 1 * 4, dtype=np.float32).reshape(2, 2, 1, 4) / 16)
    with tf.GradientTape() as tape:
        y = tf.nn.conv2d(x, kernel, 1, "VALID", dilations=2)
        loss = tf.reduce_sum(y * y)
    gradient = tape.gradient(loss, kernel).numpy()
    moved = np.zeros_like(kernel.numpy())
    moved[1, 0, 0, 2] = 1e-2
    ends = [tf.nn.conv2d(x, kernel + sign * moved, 1, "VALID", dilations=2) for sign in (1, -1)]
    slope = sum(sign * float(tf.reduce_sum(end * end)) for sign, end in zip((1, -1), ends)) / 2e-2
    np.testing.assert_allclose(gradient[1, 0, 0, 2], slope, rtol=2e-3)


def test_broadcast_static_shape():
    assert tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3])) == (2, 3)


def test_names_of_arguments_that_differ_from_the_core():
    near(tf.atan2(y=[1.0], x=[0.0]), [np.pi / 2])
    near(tf.nn.relu(features=[-1.0, 2.0], name="activation"), [0.0, 2.0])
    near(tf.add(x=[1.0], y=[2.0], name="sum"), [3.0])


def test_names_that_keras_has(monkeypatch):
    """Without loading Keras: a module in its place."""
    part = {"MeanSquaredError": 1, "Zeros": 2}
    keras = SimpleNamespace(losses=SimpleNamespace(**part), initializers=SimpleNamespace(**part))
    monkeypatch.setitem(vars(tf), "keras", keras)
    for name in ("losses", "initializers", "zeros_initializer"):
        monkeypatch.delitem(vars(tf), name, raising=False)
    found = tf.losses.MeanSquaredError, tf.initializers.Zeros, tf.zeros_initializer
    for name in ("losses", "initializers", "zeros_initializer"):
        monkeypatch.delitem(vars(tf), name)
    assert found == (1, 2, 2)
