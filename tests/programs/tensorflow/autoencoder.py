"""Signals through a narrow place, and which of them are unlike the others: a subclassed model, fit with callbacks."""

import json
import os
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, losses
from tensorflow.keras.models import Model

rng = np.random.default_rng(13)
LENGTH = 24


def signals(n, odd=False):
    t = np.arange(LENGTH) / LENGTH
    phase, scale = rng.random((n, 1)), 0.5 + rng.random((n, 1)) / 2
    wave = np.sign(np.sin(9 * np.pi * (t + phase))) if odd else np.sin(2 * np.pi * (t + phase))
    return (0.5 + 0.4 * scale * wave + 0.02 * rng.standard_normal((n, LENGTH))).astype("float32")


class Narrow(Model):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.encoder = tf.keras.Sequential([
            layers.Dense(16, activation="relu"),
            layers.Dense(width, activation="relu"),
        ])
        self.decoder = tf.keras.Sequential([
            layers.Dense(16, activation="relu"),
            layers.Dense(LENGTH, activation="sigmoid"),
        ])

    def call(self, x):
        encoded = self.encoder(x)
        return self.decoder(encoded)


usual, unlike = signals(96), signals(16, odd=True)
model = Narrow(6)
model(usual[:1])
model.set_weights([rng.normal(0, 0.35, w.shape).astype("float32") for w in model.get_weights()])
model.compile(optimizer="adam", loss=losses.MeanAbsoluteError(), metrics=["mse"])
model.optimizer.learning_rate = 0.01
with tempfile.TemporaryDirectory() as folder:
    best = os.path.join(folder, "best.weights.h5")
    history = model.fit(
        usual[:80], usual[:80], epochs=8, batch_size=20, shuffle=False, verbose=0,
        validation_data=(usual[80:], usual[80:]),
        callbacks=[
            tf.keras.callbacks.ModelCheckpoint(best, save_best_only=True, save_weights_only=True),
            tf.keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=0.005),
            tf.keras.callbacks.EarlyStopping(patience=3),
        ],
    )
    model.load_weights(best)
evaluated = model.evaluate(usual[80:], usual[80:], verbose=0, return_dict=True)
train_loss = tf.keras.losses.mae(model.predict(usual[:80], verbose=0), usual[:80])
threshold = tf.reduce_mean(train_loss) + tf.math.reduce_std(train_loss)
anomalous = tf.math.greater(tf.keras.losses.mae(model(unlike), unlike), threshold)
print(json.dumps({
    **{key: [float(value) for value in values] for key, values in history.history.items()}, "evaluated": evaluated,
    "threshold": float(threshold), "found": int(tf.math.count_nonzero(anomalous)),
    "code": model.encoder(usual[:2]).numpy().tolist(), "parameters": model.count_params(),
}))
