"""Random numbers: what seeds promise, and the distributions by their moments."""

from __future__ import annotations

import numpy as np
import pytest

import wengert.tf as tf

N = 4000


def same(a, b):
    return bool(np.array_equal(np.asarray(a), np.asarray(b)))


def test_the_program_s_seed_makes_everything_repeat():
    def program():
        tf.random.set_seed(7)
        return [
            tf.random.normal([3]), tf.random.uniform([3]), tf.random.normal([3], seed=1), tf.random.normal([3], seed=1),
            tf.random.shuffle(tf.range(9)), tf.nn.dropout(tf.ones([9]), 0.5),
        ]  # fmt: skip

    first, second = program(), program()
    assert all(same(a, b) for a, b in zip(first, second))
    assert not same(first[2], first[3])  # a seed of an operation is a stream, not a number
    tf.random.set_seed(8)
    assert not same(tf.random.normal([3]), first[0])


def test_stateless_numbers_are_a_function_of_the_seed():
    calls = {
        "normal": lambda s: tf.random.stateless_normal([4], s),
        "uniform": lambda s: tf.random.stateless_uniform([4], s),
        "whole": lambda s: tf.random.stateless_uniform([4], s, 0, 100, dtype=tf.int32),
        "truncated": lambda s: tf.random.stateless_truncated_normal([4], s),
        "bounded": lambda s: tf.random.stateless_parameterized_truncated_normal([4], s, 0.0, 1.0, -1.0, 0.5),
        "gamma": lambda s: tf.random.stateless_gamma([4], s, [2.0]),
        "poisson": lambda s: tf.random.stateless_poisson([16], s, [3.0]),
        "binomial": lambda s: tf.random.stateless_binomial([16], s, 20.0, 0.4),
        "categorical": lambda s: tf.random.stateless_categorical(tf.zeros([1, 9]), 8, s),
        "split": lambda s: tf.random.split(s, 3),
        "folded": lambda s: tf.random.fold_in(s, 5),
        "flip": lambda s: tf.image.stateless_random_flip_left_right(tf.reshape(tf.range(60.0), [20, 1, 3, 1]), s),
        "crop": lambda s: tf.image.stateless_random_crop(tf.reshape(tf.range(900.0), [30, 30, 1]), [2, 2, 1], s),
        "brightness": lambda s: tf.image.stateless_random_brightness(tf.ones([1, 1, 3]), 0.5, s),
        "contrast": lambda s: tf.image.stateless_random_contrast(tf.reshape(tf.range(6.0), [1, 2, 3]), 0.1, 0.9, s),
        "hue": lambda s: tf.image.stateless_random_hue(tf.constant([[[0.1, 0.5, 0.9]]]), 0.4, s),
        "saturation": lambda s: tf.image.stateless_random_saturation(tf.constant([[[0.1, 0.5, 0.9]]]), 0.1, 0.9, s),
    }
    for name, call in calls.items():
        assert same(call([3, 4]), call([3, 4])), name
        assert not same(call([3, 4]), call([4, 3])), name


def test_generators_repeat_and_go_on():
    a, b = tf.random.Generator.from_seed(5), tf.random.Generator.from_seed(5)
    assert same(a.normal([3]), b.normal([3]))
    after = a.uniform([3])
    assert not same(after, a.uniform([3]))
    assert same(after, b.uniform([3]))
    c = tf.random.Generator.from_state(a.state)
    assert same(c.truncated_normal([3]), a.truncated_normal([3]))
    one, other = a.split(2)
    assert not same(one.normal([3]), other.normal([3]))
    assert a.make_seeds(4).shape == (2, 4)
    assert same(tf.random.Generator(copy_from=a).binomial([5], 9.0, 0.5), a.binomial([5], 9.0, 0.5))
    a.reset_from_seed(5)
    b.reset_from_seed(5)
    a.skip(2)
    b.normal([]), b.normal([])
    assert same(a.uniform_full_int([2]), b.uniform_full_int([2]))
    tf.random.set_global_generator(a)
    assert tf.random.get_global_generator() is a
    with pytest.raises(ValueError, match="copy_from"):
        tf.random.Generator()


def test_moments_and_ranges():
    tf.random.set_seed(3)
    draws = {
        "normal": (tf.random.normal([N], 2.0, 3.0), 2.0, 3.0), "uniform": (tf.random.uniform([N], 1.0, 5.0), 3.0, 4 / 12**0.5),
        "truncated": (tf.random.truncated_normal([N]), 0.0, 0.8796), "gamma": (tf.random.gamma([N], 4.0, 2.0), 2.0, 1.0),
        "poisson": (tf.random.poisson([N], 5.0), 5.0, 5**0.5),
    }  # fmt: skip
    for name, (values, mean, deviation) in draws.items():
        values = values.numpy()
        assert abs(values.mean() - mean) < 5 * deviation / N**0.5, name
        assert abs(values.std() - deviation) < 0.05 * deviation, name
    assert np.abs(tf.random.truncated_normal([N]).numpy()).max() <= 2
    whole = tf.random.uniform([N], 3, 6, dtype=tf.int64)
    assert whole.dtype is tf.int64
    assert set(whole.numpy().tolist()) == {3, 4, 5}
    classes = tf.random.categorical(tf.math.log([[0.2, 0.8], [1.0, 1e-30]]), N)
    assert classes.shape == (2, N)
    assert abs(classes.numpy()[0].mean() - 0.8) < 0.04
    assert not classes.numpy()[1].any()


def test_shapes_of_parameters():
    assert tf.random.gamma([5], [1.0, 2.0, 3.0]).shape == (5, 3)
    assert tf.random.poisson([2], [[1.0], [2.0]], dtype=tf.int32).dtype is tf.int32
    assert tf.random.stateless_gamma([5, 3], [1, 2], [1.0, 2.0, 3.0]).shape == (5, 3)
    assert tf.random.uniform([2, 3], [0, 10, 20], [1, 11, 21], dtype=tf.int32).numpy().tolist() == [[0, 10, 20]] * 2


def test_dropout_scales_what_it_keeps():
    tf.random.set_seed(1)
    y = tf.nn.dropout(tf.ones([N]), 0.25, seed=3).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.04
    columns = tf.nn.dropout(tf.ones([30, 4]), 0.5, noise_shape=[30, 1]).numpy()
    assert (columns == columns[:, :1]).all()


def test_images_by_chance():
    tf.random.set_seed(2)
    photo = tf.constant(np.linspace(0, 1, 5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3))
    for name, args in {
        "random_brightness": (0.3,), "random_contrast": (0.2, 0.8), "random_hue": (0.2,), "random_saturation": (0.2, 0.8),
        "random_flip_left_right": (), "random_flip_up_down": (), "random_crop": ([3, 2, 3],),
    }.items():  # fmt: skip
        y = getattr(tf.image, name)(photo, *args)
        assert y.dtype is tf.float32, name
        assert y.shape == ((3, 2, 3) if name == "random_crop" else (5, 4, 3)), name
    flips = tf.image.random_flip_left_right(tf.reshape(tf.range(120.0), [40, 1, 3, 1])).numpy()[:, 0, :, 0]
    turned = flips[:, 0] > flips[:, 2]
    assert 5 < turned.sum() < 35
