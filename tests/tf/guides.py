"""Programs in the style of TensorFlow's guides, with models and data of fixed numbers: what each prints can be compared.

``python tests/tf/guides.py wengert.tf`` prints their numbers as JSON, with ``tensorflow`` instead those of TensorFlow.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import numpy as np

tf = importlib.import_module(sys.argv[1])
keras = tf.keras
L = keras.layers


def given(model: Any, seed: int, scale: float = 0.3) -> Any:
    """The model, with weights of a seed; scales and variances are positive."""
    random = np.random.RandomState(seed)
    values = [(random.randn(*w.shape) * scale).astype("float32") for w in model.weights]
    positive = [w.name in ("gamma", "moving_variance") for w in model.weights]
    model.set_weights([np.abs(x) + 0.5 if p else x for x, p in zip(values, positive)])
    return model


def drawn(seed: int, *shape: int) -> Any:
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def two_players() -> Any:
    """A generator and a discriminator: two tapes side by side, two optimizers, batch normalisation in between."""
    deconv = L.Conv2DTranspose(1, 3, strides=2, padding="same", activation="tanh")
    maker = [
        keras.Input((4,)),
        L.Dense(32, use_bias=False),
        L.BatchNormalization(),
        L.LeakyReLU(),
        L.Reshape((4, 4, 2)),
        deconv,
    ]
    judge = [keras.Input((8, 8, 1)), L.Conv2D(4, 3, strides=2, padding="same"), L.LeakyReLU(), L.Flatten(), L.Dense(1)]
    maker, judge = given(keras.Sequential(maker), 0), given(keras.Sequential(judge), 1)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    first, second = keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-2)

    @tf.function
    def step(images: Any, noise: Any) -> Any:
        with tf.GradientTape() as one, tf.GradientTape() as other:
            made = maker(noise, training=True)
            real, fake = judge(images, training=True), judge(made, training=True)
            loss = entropy(tf.ones_like(fake), fake)
            against = entropy(tf.ones_like(real), real) + entropy(tf.zeros_like(fake), fake)
        first.apply_gradients(zip(one.gradient(loss, maker.trainable_variables), maker.trainable_variables))
        second.apply_gradients(zip(other.gradient(against, judge.trainable_variables), judge.trainable_variables))
        return loss, against

    return [step(tf.constant(drawn(i, 8, 8, 8, 1)), tf.constant(drawn(i + 9, 8, 4))) for i in range(4)]


def gradient_penalty() -> Any:
    """A derivative inside the loss."""
    critic = given(keras.Sequential([keras.Input((4,)), L.Dense(8, activation="tanh"), L.Dense(1)]), 0)
    optimizer, points, found = keras.optimizers.Adam(1e-2, beta_1=0.5), tf.constant(drawn(2, 16, 4)), []
    for _ in range(4):
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(points)
                score = critic(points, training=True)
            slope = inner.gradient(score, [points])[0]
            loss = tf.reduce_mean((tf.norm(slope, axis=1) - 1.0) ** 2) + tf.reduce_mean(score)
        optimizer.apply_gradients(zip(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables))
        found.append(loss)
    return found


def frozen_then_tuned() -> Any:
    """A base that is frozen while a head learns, and tuned afterwards, its batch normalisation in inference."""
    base = [keras.Input((6, 6, 3)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.GlobalAveragePooling2D()]
    base = given(keras.Sequential(base), 0)
    base.trainable = False
    inputs, head = keras.Input((6, 6, 3)), L.Dense(1)
    model = keras.Model(inputs, head(base(L.Rescaling(0.5)(inputs), training=False)))
    head.set_weights([drawn(1, 4, 1), drawn(2, 1)])
    data = tf.data.Dataset.from_tensor_slices((drawn(3, 16, 6, 6, 3), np.arange(16) % 2)).batch(4).cache().prefetch(1)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss)
    found = model.fit(data, epochs=2, verbose=0).history["loss"]
    base.trainable = True
    model.compile(keras.optimizers.RMSprop(1e-3), loss)
    return found + model.fit(data, epochs=4, initial_epoch=2, validation_data=data, verbose=0).history["val_loss"]


def returns_by_a_loop() -> Any:
    """A policy's gradient: a loop over tensors that writes to a TensorArray, inside a compiled step."""
    inputs = keras.Input((4,))
    hidden = L.Dense(8, activation="relu")(inputs)
    model = given(keras.Model(inputs, [L.Dense(2)(hidden), L.Dense(1)(hidden)]), 0)
    states, actions, rewards = drawn(1, 10, 4), np.arange(10) % 2, tf.constant(np.abs(drawn(2, 10)))
    optimizer, huber = keras.optimizers.Adam(0.01), keras.losses.Huber(reduction="sum")

    def expected() -> Any:
        total, array = tf.constant(0.0), tf.TensorArray(tf.float32, size=tf.shape(rewards)[0])
        for i in tf.range(tf.shape(rewards)[0]):
            total = rewards[::-1][i] + 0.9 * total
            array = array.write(i, total)
        found = array.stack()[::-1]
        return (found - tf.reduce_mean(found)) / (tf.math.reduce_std(found) + 1e-7)

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            logits, value = model(states)
            chosen = tf.gather(tf.nn.softmax(logits), actions, batch_dims=1)
            wanted, value = expected(), tf.squeeze(value)
            loss = -tf.reduce_sum(tf.math.log(chosen) * (wanted - value)) + huber(value[:, None], wanted[:, None])
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return loss

    return [step() for _ in range(4)]


def image_as_variable() -> Any:
    """An image that is moved until its features correlate as another's do."""
    image = tf.Variable(np.abs(drawn(0, 1, 8, 8, 3)))
    features = [keras.Input((8, 8, 3)), L.Conv2D(4, 3, activation="relu"), L.Conv2D(4, 3)]
    features = given(keras.Sequential(features), 1)
    features.trainable = False

    def gram(x: Any) -> Any:
        size = tf.shape(x)
        return tf.linalg.einsum("bijc,bijd->bcd", x, x) / tf.cast(size[1] * size[2], tf.float32)

    wanted = gram(features(tf.constant(np.abs(drawn(2, 1, 8, 8, 3)))))
    optimizer = keras.optimizers.Adam(learning_rate=0.02, beta_1=0.99, epsilon=1e-1)

    @tf.function()
    def step(image: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_mean((gram(features(image)) - wanted) ** 2)])
            loss += 1e-3 * tf.image.total_variation(image)[0]
        optimizer.apply_gradients([(tape.gradient(loss, image), image)])
        image.assign(tf.clip_by_value(image, 0.0, 1.0))
        return loss

    return [step(image) for _ in range(4)]


def accumulated() -> Any:
    """Gradients of several batches in variables, then one update."""
    model = given(keras.Sequential([keras.Input((5,)), L.Dense(8, activation="relu"), L.Dense(3)]), 0)
    loss_of, optimizer = keras.losses.SparseCategoricalCrossentropy(from_logits=True), keras.optimizers.Adam(0.05)
    x, y = drawn(1, 32, 5), np.arange(32) % 3
    sums = [tf.Variable(tf.zeros_like(v), trainable=False) for v in model.trainable_variables]

    @tf.function
    def add(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True)) / 2
        for total, gradient in zip(sums, tape.gradient(loss, model.trainable_variables)):
            total.assign_add(gradient)
        return loss

    @tf.function
    def update() -> None:
        optimizer.apply_gradients(zip(sums, model.trainable_variables))
        for total in sums:
            total.assign(tf.zeros_like(total))

    found = []
    for _ in range(3):
        found += [add(x[i::2], y[i::2]) for i in range(2)]
        update()
    return found


PROGRAMS = (two_players, gradient_penalty, frozen_then_tuned, returns_by_a_loop, image_as_variable, accumulated)

if __name__ == "__main__":
    numbers = {program.__name__: np.ravel([np.asarray(x, "float64") for x in program()]).tolist() for program in PROGRAMS}
    sys.stdout.write(json.dumps(numbers) + "\n")
