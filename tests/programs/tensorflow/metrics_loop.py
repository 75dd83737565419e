"""A training loop of one's own: a functional model, a compiled step, a schedule, clipped gradients, metrics by epoch."""

import json

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(11)
x_train = rng.standard_normal((256, 12)).astype("float32")
y_train = (np.abs(x_train[:, 0] * x_train[:, 1]) + x_train[:, 2] > 0.6).astype("int64") + (x_train[:, 3] > 0.9)
x_test, y_test = x_train[:64] + 0.1 * rng.standard_normal((64, 12)).astype("float32"), y_train[:64]

train = tf.data.Dataset.from_tensor_slices((x_train, y_train)).batch(32).prefetch(tf.data.AUTOTUNE)
test = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(48)

inputs = tf.keras.Input(shape=(12,), name="measurements")
hidden = tf.keras.layers.Dense(24, activation="relu")(inputs)
hidden = tf.keras.layers.LayerNormalization()(hidden)
hidden = tf.keras.layers.Add()([hidden, tf.keras.layers.Dense(24, activation="gelu")(hidden)])
outputs = tf.keras.layers.Dense(3)(hidden)
model = tf.keras.Model(inputs=inputs, outputs=outputs)
model.set_weights([rng.normal(0, 0.3, w.shape).astype("float32") for w in model.get_weights()])

schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=10, decay_rate=0.8, staircase=True)
optimizer = tf.keras.optimizers.Adam(schedule)
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_loss = tf.keras.metrics.Mean(name="train_loss")
train_accuracy = tf.keras.metrics.SparseCategoricalAccuracy(name="train_accuracy")
test_loss = tf.keras.metrics.Mean(name="test_loss")
test_accuracy = tf.keras.metrics.SparseCategoricalAccuracy(name="test_accuracy")
gradient_norm = tf.keras.metrics.Mean(name="gradient_norm")


@tf.function
def train_step(features, labels):
    with tf.GradientTape() as tape:
        logits = model(features, training=True)
        loss = loss_object(labels, logits)
        loss += 1e-3 * tf.add_n([tf.nn.l2_loss(w) for w in model.trainable_weights if w.shape.rank == 2])
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, norm = tf.clip_by_global_norm(gradients, 1.0)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    train_loss(loss)
    train_accuracy(labels, logits)
    gradient_norm.update_state(norm)


@tf.function
def test_step(features, labels):
    logits = model(features, training=False)
    test_loss(loss_object(labels, logits))
    test_accuracy.update_state(labels, logits)


history = []
for _ in range(4):
    for metric in (train_loss, train_accuracy, test_loss, test_accuracy, gradient_norm):
        metric.reset_state()
    for features, labels in train:
        train_step(features, labels)
    for features, labels in test:
        test_step(features, labels)
    history.append([
        float(metric.result()) for metric in (train_loss, train_accuracy, test_loss, test_accuracy, gradient_norm)
    ])
found = tf.math.confusion_matrix(y_test, tf.argmax(model(x_test), axis=1), num_classes=3).numpy()
print(json.dumps({
    "history": history, "confusion": found.tolist(), "steps": int(optimizer.iterations),
    "rate": float(optimizer.learning_rate),
}))
