"""A layer, a loss and a training step of one's own, inside fit: low-rank weights with a penalty, gradients gathered over
two batches, metrics of the model's own."""

import json

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(34)


@tf.keras.utils.register_keras_serializable(package="programs")
class LowRank(tf.keras.layers.Layer):
    def __init__(self, units, rank, penalty=1e-2, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rank, self.penalty = units, rank, penalty

    def build(self, input_shape):
        self.left = self.add_weight(shape=(input_shape[-1], self.rank), initializer="glorot_uniform", name="left")
        self.right = self.add_weight(shape=(self.rank, self.units), initializer="glorot_uniform", name="right")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs, training=False):
        if training:
            self.calls.assign_add(1.0)
        self.add_loss(self.penalty * tf.reduce_sum(tf.square(tf.matmul(self.left, self.left, transpose_a=True))))
        return tf.matmul(tf.matmul(inputs, self.left), self.right) + self.bias

    def get_config(self):
        return {**super().get_config(), "units": self.units, "rank": self.rank, "penalty": self.penalty}


class Gathering(tf.keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.out = LowRank(16, 3), LowRank(1, 2, penalty=0.0)
        self.loss_tracker = tf.keras.metrics.Mean(name="loss")
        self.error = tf.keras.metrics.MeanAbsoluteError(name="error")

    def build(self, input_shape):
        self.hidden.build(input_shape)
        self.out.build((None, 16))
        self.gathered = [
            self.add_weight(shape=v.shape, initializer="zeros", trainable=False, name=f"gathered_{i}")
            for i, v in enumerate(self.trainable_variables)
        ]
        self.built = True

    def call(self, inputs, training=False):
        return self.out(tf.nn.elu(self.hidden(inputs, training=training)), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        huber = tf.where(tf.abs(y - y_pred) < 1.0, 0.5 * (y - y_pred) ** 2, tf.abs(y - y_pred) - 0.5)
        loss = tf.reduce_mean(huber)
        if self.losses:
            loss += tf.add_n(self.losses)
        self.loss_tracker.update_state(loss)
        return loss

    def train_step(self, data):
        x, y = data
        halves = zip(tf.split(x, 2), tf.split(y, 2))
        for half, (x, y) in enumerate(halves):
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(x, y, y_pred)
            gradients = tape.gradient(loss, self.trainable_variables)
            for gathered, gradient in zip(self.gathered, gradients):
                gathered.assign(gradient / 2 if half == 0 else gathered + gradient / 2)
            self.error.update_state(y, y_pred)
        self.optimizer.apply_gradients(zip([tf.identity(g) for g in self.gathered], self.trainable_variables))
        return {m.name: m.result() for m in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        self.compute_loss(x, y, y_pred)
        self.error.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "error": self.error.result()}

    @property
    def metrics(self):
        return [self.loss_tracker, self.error]


x = rng.standard_normal((128, 6)).astype("float32")
y = (np.tanh(x[:, :1] - x[:, 1:2]) + 2 * x[:, 2:3]).astype("float32")
model = Gathering()
model.build((None, 6))
for v in model.trainable_variables:
    v.assign(rng.normal(0, 0.4, v.shape))
model.compile(optimizer=tf.keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True))
history = model.fit(x[:96], y[:96], batch_size=32, epochs=4, shuffle=False, verbose=0, validation_data=(x[96:], y[96:]))
again = LowRank.from_config(model.hidden.get_config())
print(json.dumps({
    **history.history, "calls": [float(model.hidden.calls), float(model.out.calls)], "config": [again.units, again.rank],
    "prediction": model.predict(x[:3], verbose=0)[:, 0].tolist(),
}))
