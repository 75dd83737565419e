"""Two small convolutional networks against each other, over pictures of bars: two tapes, two optimizers, batch statistics."""

import json

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

rng = np.random.default_rng(5)
NOISE, BATCH = 6, 16


def pictures(n):
    images = np.full((n, 8, 8, 1), -1.0, "float32")
    for image, place, flat in zip(images, rng.integers(0, 7, n), rng.random(n) < 0.5):
        image[(slice(place, place + 2),) if flat else (slice(None), slice(place, place + 2))] = 1.0
    return images


def with_drawn_weights(model):
    model.set_weights([
        w if path.endswith(("variance", "gamma")) else rng.normal(0, 0.15, w.shape).astype("float32")
        for w, path in zip(model.get_weights(), [v.path for v in model.weights])
    ])
    return model


def make_generator():
    model = tf.keras.Sequential()
    model.add(layers.Input((NOISE,)))
    model.add(layers.Dense(2 * 2 * 8, use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((2, 2, 8)))
    model.add(layers.Conv2DTranspose(8, (3, 3), strides=(2, 2), padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(1, (3, 3), strides=(2, 2), padding="same", activation="tanh"))
    assert model.output_shape == (None, 8, 8, 1)
    return with_drawn_weights(model)


def make_discriminator():
    return with_drawn_weights(tf.keras.Sequential([
        layers.Input((8, 8, 1)),
        layers.Conv2D(8, (3, 3), strides=(2, 2), padding="same"),
        layers.LeakyReLU(0.2),
        layers.Conv2D(12, (3, 3), strides=2, padding="same"),
        layers.LeakyReLU(0.2),
        layers.Flatten(),
        layers.Dense(1),
    ]))


generator, discriminator = make_generator(), make_discriminator()
cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)
generator_optimizer = tf.keras.optimizers.Adam(1e-3, beta_1=0.5)
discriminator_optimizer = tf.keras.optimizers.Adam(1e-3, beta_1=0.5)


@tf.function
def train_step(images, noise):
    with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
        fakes = generator(noise, training=True)
        real_output = discriminator(images, training=True)
        fake_output = discriminator(fakes, training=True)
        gen_loss = cross_entropy(tf.ones_like(fake_output), fake_output)
        real_loss = cross_entropy(0.9 * tf.ones_like(real_output), real_output)
        disc_loss = real_loss + cross_entropy(tf.zeros_like(fake_output), fake_output)
    gen_gradients = gen_tape.gradient(gen_loss, generator.trainable_variables)
    disc_gradients = disc_tape.gradient(disc_loss, discriminator.trainable_variables)
    generator_optimizer.apply_gradients(zip(gen_gradients, generator.trainable_variables))
    discriminator_optimizer.apply_gradients(zip(disc_gradients, discriminator.trainable_variables))
    return gen_loss, disc_loss


dataset = tf.data.Dataset.from_tensor_slices(pictures(80)).batch(BATCH)
history = []
for _ in range(3):
    for images in dataset:
        noise = tf.constant(rng.standard_normal((BATCH, NOISE)), tf.float32)
        history.append([float(loss) for loss in train_step(images, noise)])
made = generator(tf.constant(rng.standard_normal((4, NOISE)), dtype=tf.float32), training=False)
images = tf.cast(tf.clip_by_value(made[:, :, :, 0] * 127.5 + 127.5, 0, 255), tf.uint8)
print(json.dumps({
    "history": history, "shape": images.shape.as_list(), "brightness": float(tf.reduce_mean(made)),
    "spread": float(tf.math.reduce_std(made)),
}))
