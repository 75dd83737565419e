"""GradientTape. Numbers are worked out by hand; what TensorFlow 2.21 does in the corners is said beside each."""

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


def test_output_gradients_weigh_the_targets():
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = v * v
    np.testing.assert_array_equal(tape.gradient(y, v, output_gradients=tf.constant([10.0, 100.0])), [20, 400])


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


def test_a_variable_that_is_not_trainable_can_be_watched():
    v = tf.Variable(3.0, trainable=False)
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = v * v
    assert tape.gradient(y, v).numpy() == 6


def test_only_what_is_watched_counts_without_watch_accessed_variables():
    v, w = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape(watch_accessed_variables=False, persistent=True) as tape:
        tape.watch(w)
        y = v * w
    assert tape.gradient(y, v) is None
    assert tape.gradient(y, w).numpy() == 2
    assert tape.watched_variables() == (w,)


def test_intermediate_values_are_sources_too():
    x = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        z = y * y
    assert tape.gradient(z, y).numpy() == 18
    assert tape.gradient(z, x).numpy() == 108


def test_a_watch_ends_with_its_tape():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert not x._node.tracked
    with tf.GradientTape() as other:
        z = x * x
    assert other.gradient(z, x) is None
    assert tape.gradient(y, x).numpy() == 4


def test_what_was_computed_before_the_tape_is_constant():
    x = tf.Variable(3.0)
    with tf.GradientTape() as outer:
        y = x * x
        with tf.GradientTape(persistent=True) as inner:
            z = y * x
        assert inner.gradient(z, x).numpy() == 9  # y is a constant to the inner tape
        total = z + y
    assert outer.gradient(total, x).numpy() == 33


def test_stop_recording():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        with tape.stop_recording():
            z = y * x
        w = z * y
    assert not z._node.tracked
    assert tape.gradient(w, x).numpy() == 27 * 6


def test_stop_recording_leaves_an_outer_tape_alone():
    x = tf.Variable(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            with inner.stop_recording():
                y = x * x
            z = y * x
        assert inner.gradient(z, x).numpy() == 4
    assert outer.gradient(z, x).numpy() == 12


def test_reset():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        tape.reset()
        z = y * x
    assert tape.gradient(z, x).numpy() == 9


def test_gradient_inside_the_block_ends_the_recording():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        assert tape.gradient(y, x).numpy() == 6
        assert not (x * x)._node.tracked


def test_a_variable_may_change_between_use_and_gradient():
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = v * v
        v.assign(100.0)
    assert tape.gradient(y, v).numpy() == 6


def test_nothing_is_tracked_outside_a_tape():
    v = tf.Variable(2.0)
    y = v * 3
    assert not y._node.tracked
    with tf.GradientTape() as tape:
        z = y * v
    assert tape.gradient(z, v).numpy() == 6
    assert not (z + 1)._node.tracked


def test_jacobian():
    x = tf.Variable([1.0, 2.0])
    w = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x * w
    dx, dw = tape.jacobian(y, [x, w])
    np.testing.assert_array_equal(dx, [[6, 0], [0, 12]])
    np.testing.assert_array_equal(dw, [1, 4])


def test_jacobian_of_a_part_recorded_by_an_inner_tape():
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape():
        y = x * x
        with tf.GradientTape() as inner:
            z = y * x
        np.testing.assert_array_equal(inner.jacobian(z, x), [[1, 0], [0, 4]])


def test_batch_jacobian():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x[:, ::-1]
    np.testing.assert_array_equal(tape.batch_jacobian(y, x), [[[2, 1], [2, 1]], [[4, 3], [4, 3]]])


def test_hessian_by_a_jacobian_of_a_gradient():
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x[0] ** 3 * x[1]
        g = inner.gradient(y, x)
    np.testing.assert_array_equal(outer.jacobian(g, x), [[12, 3], [3, 0]])


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda tape, y, x: [tape.gradient(y, x) for _ in "ab"], RuntimeError, r"one set of gradients.*persistent=True"),
        (lambda tape, y, x: tape.gradient(y, 3.0), TypeError, "must be a tensor or a variable"),
        (lambda tape, y, x: tape.gradient(3.0, x), TypeError, "must be a tensor"),
        (lambda tape, y, x: tape.gradient(y, x, unconnected_gradients="nil"), ValueError, "Unknown value"),
        (lambda tape, y, x: tape.watch("x"), ValueError, "not tf.Tensor or tf.Variable"),
        (lambda tape, y, x: tape.stop_recording().__enter__(), RuntimeError, "not recording"),
        (lambda tape, y, x: tape.batch_jacobian(y, x), ValueError, "rank at least 2"),
        (lambda tape, y, x: tape.reset(), ValueError, "Tape is not recording"),
        (lambda tape, y, x: tape.gradient(y, x, output_gradients=[1.0, 2.0]), ValueError, "each of the 1 targets"),
        (lambda tape, y, x: tape.gradient(y, x, output_gradients=tf.constant([1.0])), tf.errors.InvalidArgumentError, "shape"),
    ],
)
def test_errors(use, error, message):
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = x * x
    with pytest.raises(error, match=message):
        use(tape, y, x)


def test_an_integer_target_warns_and_gives_none():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.constant([1, 2])[0] * 2
    with pytest.warns(UserWarning, match="must be floating"):
        assert tape.gradient(y, x) is None


def test_against_tensorflow():
    peer = pytest.importorskip("tensorflow")
    start = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    found = []
    for lib in (tf, peer):
        x = lib.Variable(start)
        with lib.GradientTape() as outer:
            with lib.GradientTape() as inner:
                y = (x * x / (1 + abs(x))) @ lib.constant(start.T)
            g = inner.gradient(y, x)
            z = g * g
        found.append((g.numpy(), outer.gradient(z, x).numpy(), outer.watched_variables()[0].numpy()))
    for mine, theirs in zip(*found):
        np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=1e-5)
