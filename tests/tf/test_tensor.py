"""tf.Tensor: TensorFlow's operators, printing, indexing and errors. The texts and numbers are TensorFlow 2.21's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
import wengert.tf as tf

F = tf.constant([1.0, 2.0])
I = tf.constant([1, 2])
X2 = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)


def test_repr_and_str_are_tensorflows():
    assert repr(F) == "<tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>"
    assert str(F) == "tf.Tensor([1. 2.], shape=(2,), dtype=float32)"
    assert str(tf.constant(2.2964106)) == "tf.Tensor(2.2964106, shape=(), dtype=float32)"
    assert repr(tf.constant(1.0)) == "<tf.Tensor: shape=(), dtype=float32, numpy=1.0>"
    assert repr(tf.constant([[1], [2]])) == (
        "<tf.Tensor: shape=(2, 1), dtype=int32, numpy=\narray([[1],\n       [2]], dtype=int32)>"
    )
    assert (repr(F.dtype), str(F.dtype), repr(F.shape)) == ("tf.float32", "<dtype: 'float32'>", "TensorShape([2])")


@pytest.mark.parametrize(
    ("compute", "expected", "dtype"),
    [
        (lambda: F + 1, [2, 3], tf.float32),
        (lambda: 1 - F, [0, -1], tf.float32),
        (lambda: np.array([1.0, 2.0]) * F, [1, 4], tf.float32),
        (lambda: F + np.array([1, 2]), [2, 4], tf.float32),
        (lambda: [1.0, 2.0] + F, [2, 4], tf.float32),
        (lambda: F + True, [2, 3], tf.float32),
        (lambda: I / 2, [0.5, 1.0], tf.float64),
        (lambda: I // 2, [0, 1], tf.int32),
        (lambda: -I % 3, [2, 1], tf.int32),
        (lambda: 2**I, [2, 4], tf.int32),
        (lambda: I + 2**40, [1, 2], tf.int32),
        (lambda: tf.constant(5, tf.uint8) + 300, 49, tf.uint8),
        (lambda: ~I, [-2, -3], tf.int32),
        (lambda: F == 2, [False, True], tf.bool),
        (lambda: 1 > F, [False, False], tf.bool),  # noqa: SIM300
        (lambda: F == F, [True, True], tf.bool),
        (lambda: tf.constant([True]) & [False], [False], tf.bool),
        (lambda: abs(-F), [1, 2], tf.float32),
        (lambda: tf.constant([[1.0, 2.0]]) @ [[3.0], [4.0]], [[11.0]], tf.float32),
    ],
)
def test_operators(compute, expected, dtype):
    y = compute()
    assert type(y) is tf.Tensor
    assert y.dtype is dtype
    np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize(
    ("compute", "error"),
    [
        (lambda: F + I, tf.errors.InvalidArgumentError),
        (lambda: F + tf.constant([1.0], tf.float64), tf.errors.InvalidArgumentError),
        (lambda: F == I, tf.errors.InvalidArgumentError),
        (lambda: 1.5 + I, TypeError),
        (lambda: I < 1.5, TypeError),
        (lambda: tf.constant([True]) + tf.constant([True]), tf.errors.InvalidArgumentError),
        (lambda: F + tf.constant([1.0, 2.0, 3.0]), tf.errors.InvalidArgumentError),
        (lambda: F @ F, tf.errors.InvalidArgumentError),
        (lambda: F[5], tf.errors.InvalidArgumentError),
        (lambda: F[I], TypeError),
        (lambda: F.__setitem__(0, 1), TypeError),
        (lambda: bool(F), ValueError),
        (lambda: float(F), TypeError),
        (lambda: len(tf.constant(1)), TypeError),
        (lambda: iter(tf.constant(1)), TypeError),
        (lambda: F.set_shape([3]), ValueError),
        (lambda: F.name, AttributeError),
        (lambda: tf.Tensor(2), TypeError),
    ],
)
def test_errors_are_tensorflows(compute, error):
    with pytest.raises(error):
        compute()


def test_a_strict_dtype_error_says_what_to_do():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"expected to be a float32 tensor but is a int32.*tf.cast"):
        F + I


X = np.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "index",
    [
        0, (1, 2), slice(None, None, -1), (slice(None), slice(2, 0, -1)), (..., slice(None, None, -1)), None, ...,
        (None, 0, ..., None), (..., 0), (slice(5, 1, -2), ..., slice(-1, None, -3)), (0, ..., slice(None, None, -2)),
        (slice(1, 1),), (slice(0, 2, -1),), np.int64(1), X > 5,
    ],
)  # fmt: skip
def test_indexing_follows_numpy(index):
    np.testing.assert_array_equal(tf.constant(X)[index].numpy(), X[index])


def test_indexing_takes_scalar_tensors():
    assert F[tf.constant(1)].numpy() == 2


@pytest.mark.parametrize("make", [tf.constant, tf.Variable])
def test_numpys_functions_take_them_for_arrays_and_give_arrays(make):
    """TensorFlow's tensors have none of the methods that NumPy's functions would call."""
    x = make([[1.0, 2.0], [3.0, 5.0]])
    assert (np.mean(x), np.std(x), np.sum(x), np.argmax(x)) == (2.75, np.float32(np.sqrt(2.1875)), 11, 3)
    for found, wanted in (
        (np.exp(x), np.exp(X2)),
        (np.reshape(x, 4), [1, 2, 3, 5]),
        (np.stack([x, x])[1], X2),
        (np.concatenate((x, x), axis=1)[0], [1, 2, 1, 2]),
        (np.clip(x, a_min=2.0, a_max=x), np.clip(X2, 2, X2)),
        (np.linalg.norm(x, axis=0), np.linalg.norm(X2, axis=0)),
    ):
        assert type(found) is np.ndarray and found.dtype == np.float32
        np.testing.assert_array_equal(found, np.asarray(wanted, np.float32))
    assert type(np.ones((2, 2), np.float32) + x) is type(x + np.ones((2, 2), np.float32)) is tf.Tensor


def test_values_that_an_operation_does_not_take_are_invalid_arguments():
    for call in (lambda: tf.random.normal([-1]), lambda: tf.constant(7) ** -1, lambda: (1 // tf.constant([1, 0])).numpy()):
        with pytest.raises(tf.errors.InvalidArgumentError):
            call()


def test_numpy_is_a_copy_and_never_complains():
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape():
        y = v * 2
    y.numpy()[0] = 100
    np.testing.assert_array_equal(y, [2, 4])
    assert isinstance(tf.constant(1.0).numpy(), np.float32)


def test_core_tensors_and_tensorflows_mix():
    core = wengert.tensor([1.0, 2.0])
    for y in (core + F, F + core, core * F):
        assert type(y) is tf.Tensor
    np.testing.assert_array_equal(wengert.exp(F * 0).numpy(), [1, 1])
    assert type(core) is wengert.Tensor


def test_augmented_assignment_makes_another_tensor():
    x = y = tf.constant([1.0])
    x += 1
    assert (x.numpy(), y.numpy()) == ([2], [1])


def test_ref_is_a_key():
    assert {F.ref(): 1}[F.ref()] == 1
    assert F.ref() != tf.constant([1.0, 2.0]).ref()
    assert F.ref().deref() is F
