"""tf.function."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

import wengert.tf as tf


def counted(function):
    """A tf.function that counts how often its Python code runs."""
    calls = []

    def python(*args, **kwargs):
        calls.append(1)
        return function(*args, **kwargs)

    made = tf.function(python)
    made.calls = calls
    return made


def test_it_is_replayed():
    f = counted(lambda x: x * 2)
    for i in range(4):
        y = f(tf.constant([float(i)]))
        assert (type(y), y.numpy()) == (tf.Tensor, [2 * i])
    assert len(f.calls) == f.experimental_get_tracing_count() == 1
    f(tf.constant([1.0, 2.0]))
    f(tf.constant([1]))
    assert len(f.calls) == 3


def test_structures_none_keywords_and_python_values():
    @tf.function
    def f(x, scale=1, *, options=None):
        return {"y": [x["a"] * scale], "none": None, "number": 3, "options": options}

    for _ in range(3):
        found = f({"a": tf.constant(2.0)}, scale=3)
        assert (found["y"][0].numpy(), found["none"], found["number"].numpy(), found["options"]) == (6, None, 3, None)
    assert f({"a": tf.constant(2.0)}, scale=4)["y"][0].numpy() == 8


def test_arrays_are_tensors():
    f = counted(lambda x: x + 1)
    for i in range(3):
        assert f(np.float32(i)).numpy() == i + 1
    assert len(f.calls) == 1


def test_variables_are_read_and_written_by_every_call():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        v.assign_add(x)
        return v * 10

    assert [f(tf.constant(2.0)).numpy() for _ in range(4)] == [30, 50, 70, 90]
    assert v.numpy() == 9


def test_variables_are_created_in_the_first_call_only():
    class Counter(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = None

        @tf.function
        def __call__(self, x):
            if self.v is None:
                self.v = tf.Variable(0.0)
            return self.v.assign_add(x)

    counter = Counter()
    assert [counter(tf.constant(2.0)).numpy() for _ in range(4)] == [2, 4, 6, 8]

    @tf.function
    def wrong(x):
        return tf.Variable(x) + 1

    wrong(tf.constant(1.0))
    with pytest.raises(ValueError, match="created on the first call"):
        wrong(tf.constant(1.0))


def test_methods_are_bound_to_their_object():
    class Scale:
        def __init__(self, by):
            self.by = tf.constant(by)

        @tf.function
        def of(self, x):
            return x * self.by

    two, three = Scale(2.0), Scale(3.0)
    for _ in range(3):
        assert (two.of(tf.constant(1.0)).numpy(), three.of(tf.constant(1.0)).numpy()) == (2, 3)
    assert two.of is two.of


def test_a_tape_inside():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = v * v * x
        g = tape.gradient(loss, v)
        v.assign_sub(0.1 * g)
        return g

    for _ in range(4):
        before = v.numpy()
        np.testing.assert_allclose(step(tf.constant(3.0)), 6 * before, rtol=1e-6)
        np.testing.assert_allclose(v.numpy(), before - 0.6 * before, rtol=1e-6)


def test_a_tape_around():
    f = counted(lambda x: x * x)
    x = tf.Variable(3.0)
    for _ in range(3):
        with tf.GradientTape() as tape:
            y = f(x) * 2
        assert tape.gradient(y, x).numpy() == 12
    assert len(f.calls) == 1


def test_python_control_flow_on_values_is_right():
    @tf.function
    def collatz(n):
        steps = tf.constant(0)
        while n > 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return steps

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [collatz(tf.constant(n)).numpy() for n in (6, 7, 1, 6)] == [8, 16, 0, 8]


def test_input_signature():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return x * 2

    np.testing.assert_array_equal(f([1, 2]), [2, 4])
    for wrong in (tf.constant([[1.0]]), tf.constant([1]), "text"):
        with pytest.raises(TypeError, match="Binding inputs"):
            f(wrong)
    with pytest.raises(TypeError):
        f()
    nested = tf.function(lambda d: d["a"][0] + 1, input_signature=[{"a": [tf.TensorSpec([], tf.float32)]}])
    assert nested({"a": [2]}).numpy() == 3


def test_concrete_functions():
    f = tf.function(lambda x, scale: x * scale)
    concrete = f.get_concrete_function(tf.TensorSpec([None], tf.float32), 3)
    np.testing.assert_array_equal(concrete(tf.constant([1.0, 2.0])), [3, 6])
    assert concrete.inputs == [tf.TensorSpec([None], tf.float32)]
    with pytest.raises(TypeError, match="Can not cast"):
        concrete(tf.constant([1]))
    assert tf.function(lambda x: x * 2).get_concrete_function(tf.TensorSpec([3])).structured_outputs == tf.TensorSpec([3])


def test_numbers_that_are_returned_are_tensors_in_every_call():
    grown = tf.function(lambda x: x + 1)
    found = [grown(x) for x in (1.0, 2.0, 3.5, 4.0)]
    assert [type(x) for x in found] == [tf.Tensor] * 4
    assert [x.numpy() for x in found] == [2, 3, 4.5, 5]


def test_what_a_signature_and_a_concrete_function_need():
    with pytest.raises(TypeError, match="sequence of TensorSpec objects, got 3"):
        tf.function(lambda x: x, input_signature=[3])
    with pytest.raises(TypeError, match="must be a list or tuple"):
        tf.function(lambda x: x, input_signature=tf.TensorSpec([]))
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        tf.function(lambda x: x).get_concrete_function()


def test_a_retrace_storm_warns_once():
    f = tf.function(lambda x, n: x * n)
    with pytest.warns(UserWarning, match="triggered tf.function retracing.*pass numbers that change as tensors") as said:
        for n in range(10):
            assert f(tf.constant(2.0), n).numpy() == 2 * n
    assert len(said) == 1


def test_executing_eagerly_and_run_functions_eagerly():
    assert tf.executing_eagerly()
    assert not tf.function(tf.executing_eagerly)().numpy()
    f = counted(lambda x: x)
    tf.config.run_functions_eagerly(True)
    try:
        f(1), f(1)
    finally:
        tf.config.run_functions_eagerly(False)
    assert len(f.calls) == 2


def test_what_is_no_function():
    with pytest.raises(TypeError, match="a function is wanted"):
        tf.function(3)


def test_loops_that_count_are_unrolled():
    @tf.function
    def power(x, n):
        y = tf.ones_like(x)
        for _ in tf.range(n):
            y = y * x
        i = tf.constant(0)
        while i < 2:
            y, i = y + 1.0, i + 1
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2.0), (tf.constant(0), y))[1]

    assert [power(tf.constant(x), 3).numpy() for x in (1.0, 2.0, 3.0)] == [24.0, 80.0, 232.0]
    assert power.experimental_get_tracing_count() == 1 and power._compiled.reasons == []
    with tf.GradientTape() as tape:
        x = tf.Variable(2.0)
        y = power(x, 3)
    assert tape.gradient(y, x).numpy() == 96.0


def test_a_loop_over_a_tensor_with_a_break_runs_as_python_code():
    @tf.function
    def up_to(x, most):
        total, seen = tf.constant(0.0), []
        for part in x:
            if total + part > most:
                break
            total += part
            seen.append(part)
        return total

    v = tf.Variable([1.0, 2.0, 3.0])
    for most, total, gradient in ((4.0, 3.0, [1.0, 1.0, 0.0]), (9.0, 6.0, [1.0, 1.0, 1.0]), (0.0, 0.0, None)):
        with tf.GradientTape() as tape:
            y = up_to(v, tf.constant(most))
        found = tape.gradient(y, v)
        assert y.numpy() == total and (found is None if gradient is None else found.numpy().tolist() == gradient)


def test_side_effects_of_a_branch_happen_where_it_is_taken():
    count = tf.Variable(0)

    @tf.function
    def step(x):
        if x > 0:
            count.assign_add(1)
            return x
        return -x

    assert [step(tf.constant(x)).numpy() for x in (1.0, -1.0, 2.0, -2.0, 3.0)] == [1.0, 1.0, 2.0, 2.0, 3.0]
    assert count.numpy() == 3


def test_errors_in_a_function_are_of_the_kinds_of_eager_and_of_traced_code():
    """TensorFlow raises ValueError and TypeError while it traces, InvalidArgumentError in eager code."""
    for call, kind in (
        (lambda: tf.ones([2]) + tf.ones([3]), ValueError),
        (lambda: tf.ones([2]) + tf.ones([2], tf.float64), TypeError),
        (lambda: tf.matmul(tf.ones([2, 3]), tf.ones([2, 3])), ValueError),
        (lambda: tf.constant([1, 2]) + 1.5, TypeError),
    ):
        for way in (call, tf.function(call)):
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                way()
            assert isinstance(caught.value, kind) and type(caught.value).__name__ == "InvalidArgumentError"
            assert type(pickle.loads(pickle.dumps(caught.value))) is tf.errors.InvalidArgumentError


def test_a_position_that_is_not_there_is_found_in_every_call():
    f = tf.function(lambda x, i: tf.gather(x, i))
    x = tf.constant([1.0, 2.0])
    assert f(x, tf.constant([1])).numpy() == [2.0]
    for _ in range(3):
        with pytest.raises(tf.errors.InvalidArgumentError, match="index 7 is out of bounds"):
            f(x, tf.constant([7])).numpy()
    assert f(x, tf.constant([0])).numpy() == [1.0]


def test_functions_that_are_made_anew_in_a_loop_warn():
    with pytest.warns(UserWarning, match="make the tf.function once, outside of loops") as said:
        for k in range(9):
            assert tf.function(lambda x: x + 1)(tf.constant(float(k))).numpy() == k + 1
    assert len(said) == 1


def test_defaults_beyond_the_signature_stand():
    f = tf.function(lambda x, training=False: x * (3 if training else 2), input_signature=[tf.TensorSpec([None])])
    assert f(tf.constant([1.0])).numpy() == f(x=tf.constant([1.0])).numpy() == [2.0]
    with pytest.raises(TypeError, match="takes 1 arguments"):
        f(tf.constant([1.0]), training=True)
    with pytest.raises(TypeError, match="takes 2 arguments"):
        tf.function(lambda x: x, input_signature=[tf.TensorSpec([])] * 2)(1.0)


def test_open_sizes_of_outputs():
    spec = tf.TensorSpec([None, 3], tf.float32)
    concrete = tf.function(lambda x: (tf.reduce_sum(x, 0), {"y": x > 0})).get_concrete_function(spec)
    assert concrete.structured_outputs == (tf.TensorSpec([3]), {"y": tf.TensorSpec([None, 3], tf.bool)})
    assert concrete.output_shapes == ((3,), {"y": tf.TensorShape([None, 3])})
    assert concrete.output_dtypes == (tf.float32, {"y": tf.bool})
