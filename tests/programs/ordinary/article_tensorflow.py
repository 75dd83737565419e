"""The article's TensorFlow training step, as a program that `python` and `wengert run` take alike: from given weights, over
given batches, it prints the losses of its first steps, as JSON. The softmax layer and from_logits=True are the article's."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import tensorflow as tf

from tests.programs.article import batches, weights

model = tf.keras.Sequential([
    tf.keras.layers.Flatten(),
    tf.keras.layers.Dense(128, activation="relu"),
    tf.keras.layers.Dense(10, activation="softmax"),
])
model.build((None, 784))
given = weights()
model.set_weights([given["fc1.weight"].T, given["fc1.bias"], given["fc2.weight"].T, given["fc2.bias"]])
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.SGD(learning_rate=0.01)

found = []
for images, labels in batches():
    with tf.GradientTape() as tape:
        predictions = model(tf.constant(images))
        loss = loss_fn(tf.constant(labels), predictions)
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    found.append(float(loss.numpy()))
print(json.dumps(found))
