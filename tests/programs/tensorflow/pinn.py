"""A network that solves  u'' + u u' = f,  u(0) = u(1) = 0  by the equation alone: derivatives by tapes inside a tape."""

import json
import math

import numpy as np
import tensorflow as tf

tf.keras.backend.set_floatx("float64")
rng = np.random.default_rng(8)
pi = tf.constant(math.pi, dtype=tf.float64)

model = tf.keras.Sequential([
    tf.keras.layers.Input(shape=(1,)),
    tf.keras.layers.Dense(16, activation=tf.nn.tanh),
    tf.keras.layers.Dense(16, activation=tf.nn.tanh),
    tf.keras.layers.Dense(1),
])
model.set_weights([rng.normal(0, 0.6, w.shape) for w in model.get_weights()])
# Decays that float32 holds exactly: Keras on TensorFlow rounds them to it, whatever the dtype of the weights.
optimizer = tf.keras.optimizers.Adam(learning_rate=5e-3, beta_1=0.875, beta_2=0.9990234375)


def solution(x):
    return tf.sin(pi * x)


def force(x):
    return -(pi**2) * tf.sin(pi * x) + pi * tf.sin(pi * x) * tf.cos(pi * x)


def residual(x):
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            u = model(x)
        slope = inner.gradient(u, x)
    bend = outer.gradient(slope, x)
    del outer
    return bend + u * slope - force(x)


@tf.function
def train_step(inside, ends):
    with tf.GradientTape() as tape:
        of_equation = tf.reduce_mean(tf.square(residual(inside)))
        of_ends = tf.reduce_mean(tf.square(model(ends)))
        loss = of_equation + 10.0 * of_ends
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss, of_equation, of_ends


ends = tf.constant([[0.0], [1.0]], dtype=tf.float64)
history = []
for step in range(60):
    inside = tf.convert_to_tensor(np.sort(rng.random((24, 1)), axis=0))
    losses = train_step(inside, ends)
    if step % 10 == 0:
        history.append([loss.numpy().item() for loss in losses])
grid = tf.reshape(tf.linspace(tf.constant(0.0, tf.float64), 1.0, 21), [-1, 1])
error = tf.norm(model(grid) - solution(grid)) / tf.norm(solution(grid))
with tf.GradientTape() as tape:
    tape.watch(grid)
    u = model(grid)
slopes = tf.linalg.diag_part(tape.jacobian(u, grid)[:, 0, :, 0])
tf.keras.backend.set_floatx("float32")
print(json.dumps({"history": history, "error": float(error), "slope": float(slopes[0]), "dtype": u.dtype.name}))
