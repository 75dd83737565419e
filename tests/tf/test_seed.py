"""tf.random.set_seed: what a program draws after it, data sets included, repeats; the order of data sets is TensorFlow's."""

from __future__ import annotations

import random

import numpy as np

import wengert.tf as tf


def order(data):
    return [int(one) for one in data]


def shuffled(**options):
    return tf.data.Dataset.range(8).shuffle(8, **options)


def test_the_orders_are_tensorflows():
    """Stored orders of TensorFlow 2.21. Operations without a seed of their own that are made before a data set count."""
    tf.random.set_seed(7)
    assert order(shuffled()) == [4, 2, 6, 1, 7, 5, 0, 3]
    tf.random.set_seed(7)
    tf.random.uniform([2]), tf.random.normal([3])
    data = shuffled()
    assert (order(data), order(data)) == ([2, 4, 0, 3, 5, 7, 1, 6], [5, 1, 2, 6, 3, 4, 0, 7])
    tf.random.set_seed(7)
    tf.random.shuffle([1, 2]), tf.random.uniform([], 1, 5, dtype=tf.int32), tf.random.truncated_normal([1])
    tf.nn.dropout(tf.ones([3]), 0.5), tf.random.categorical([[1.0, 2.0]], 1), tf.random.uniform([1], seed=3)
    assert order(shuffled()) == [0, 1, 7, 2, 3, 5, 6, 4]
    tf.random.set_seed(7)
    tf.random.gamma([1], 1.0), tf.random.poisson([1], 1.0)
    assert (order(shuffled(seed=4)), order(shuffled())) == ([3, 6, 4, 7, 0, 5, 1, 2], [2, 4, 0, 3, 5, 7, 1, 6])


def everything():
    tf.keras.utils.set_random_seed(5)
    layer = tf.keras.layers.Dense(2)
    layer.build((None, 2))
    dropped = tf.keras.layers.Dropout(0.5)(tf.ones([20]), training=True)
    drawn = [random.random(), float(np.random.rand()), *tf.random.normal([2]).numpy()]
    return [*drawn, *layer.kernel.numpy().ravel(), *dropped.numpy(), *order(shuffled())]


def test_one_seed_for_everything():
    assert everything() == everything()
    tf.random.set_seed(1)
    first = tf.random.normal([3]).numpy()
    assert (tf.random.normal([3]).numpy() != first).all()
    tf.random.set_seed(1)
    assert (tf.random.normal([3]).numpy() == first).all()
