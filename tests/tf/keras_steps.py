"""A program of custom training loops with tf.keras, which `test_learning.py` runs with this face, and which gave its stored
numbers with TensorFlow: ``python keras_steps.py tensorflow``. It prints JSON."""

import importlib
import json
import sys

import numpy as np

tf = importlib.import_module(sys.argv[1])
keras = tf.keras
draw = np.random.default_rng(0)
X = draw.normal(size=(32, 20)).astype("float32")
Y = draw.integers(0, 5, 32)


def network(own_class=False, last=None):
    """Dense layers 20-16-5 with weights that are drawn once."""
    first, second = keras.layers.Dense(16, activation="relu"), keras.layers.Dense(5, activation=last)
    if own_class:

        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.first, self.second = first, second

            def call(self, x, training=False):
                return self.second(self.first(x))

        model = Net()
        model(X)
    else:
        model = keras.Sequential([keras.layers.Input((20,)), first, second])
    weights = np.random.default_rng(1)
    model.set_weights([weights.normal(size=w.shape).astype("float32") * 0.3 for w in model.get_weights()])
    return model


def losses(optimizer, wrap=lambda f: f, own_class=False, steps=8, change=None, last=None, from_logits=True):
    """The loss of every step."""
    model = network(own_class, last)
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    x, y = tf.constant(X), tf.constant(Y)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    step = wrap(step)
    found = []
    for i in range(steps):
        found.append(float(step(x, y).numpy()))
        if change is not None and i == steps // 2:
            change(model, optimizer)
    return found


class OwnStep(keras.Sequential):
    """A network with a training step of its own, for `fit`."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"total": loss}


def fitted(model, name="loss"):
    """The losses of eight epochs of one batch."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    return model.fit(X, Y, batch_size=32, shuffle=False, epochs=8, verbose=0).history[name]


def slower(model, optimizer):
    optimizer.learning_rate = 0.0


def frozen(model, optimizer):
    model.layers[0].trainable = False


def schedule():
    return keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)


def dropout_differs():
    """Whether dropout draws anew in every call, and is absent without training."""
    layer = keras.Sequential([keras.layers.Input((20,)), keras.layers.Dropout(0.5)])
    x = tf.constant(np.ones((4, 20), "float32"))
    first, second = [np.array(layer(x, training=True)) for _ in "ab"]
    return [bool((first != second).any()), bool((np.array(layer(x)) == 1).all())]


def batch_norm_moves():
    """The moving mean after three calls in training."""
    layer = keras.layers.BatchNormalization(momentum=0.5)
    for _ in range(3):
        layer(tf.constant(X[:, :2]), training=True)
    return np.array(layer.moving_mean).tolist()


result = {
    "sgd": losses(keras.optimizers.SGD(0.1, momentum=0.9)),
    "adam": losses(keras.optimizers.Adam(0.01)),
    "function": losses(keras.optimizers.Adam(0.01), tf.function),
    "own class": losses(keras.optimizers.Adam(0.01), own_class=True),
    "softmax": losses(keras.optimizers.SGD(0.1, momentum=0.9), last="softmax", from_logits=False),
    "softmax for logits": losses(keras.optimizers.SGD(0.1, momentum=0.9), last="softmax"),
    "learning rate 0": losses(keras.optimizers.Adam(0.01), change=slower),
    "frozen layer": losses(keras.optimizers.SGD(0.1), change=frozen),
    "schedule": losses(keras.optimizers.SGD(schedule())),
    "fit": fitted(network()),
    "fit with a step of its own": fitted(OwnStep(network().layers), "total"),
    "dropout": dropout_differs(),
    "moving mean": batch_norm_moves(),
}
model = network()
if sys.argv[1] == "wengert.tf":
    loss_fn = keras.losses.MeanSquaredError()
    loss = loss_fn(tf.constant(X[:, :5]), model(tf.constant(X)))
    calls = []

    class Counting(keras.layers.Layer):
        def call(self, x):
            calls.append(1)
            return x * 2 if x.shape.as_list() and isinstance(x, tf.Tensor) else None

    counting = Counting()
    around = keras.Sequential([keras.layers.Input((20,)), counting, keras.layers.Dense(2)])
    calls.clear()
    for _ in range(3):
        counting(tf.constant(X))
        around(tf.constant(X))
    taken = []

    def own_loss(y_true, y_pred):
        taken.append(1)
        return keras.ops.mean((y_true - y_pred) ** 2)

    for _ in range(3):
        loss_fn(tf.constant(X[:, :5]), model(tf.constant(X)))
    loss_fn.fn = own_loss  # from now on a function of the user's, called every time
    for _ in range(3):
        loss_fn(tf.constant(X[:, :5]), model(tf.constant(X)))
    metric = keras.metrics.Mean()
    metric.update_state(tf.constant(3.0))
    with tf.GradientTape() as tape:
        y = model(X)
    wrong = []
    for use in (
        lambda: keras.optimizers.SGD().apply_gradients([(None, v) for v in model.trainable_variables]),
        lambda: model(tf.constant(X[:, :3])),
    ):
        try:
            use()
        except ValueError as error:
            wrong.append(str(error))
    result |= {
        "repr": repr(loss)[:38],
        "types": [type(y).__module__, type(metric.result()).__module__, type(keras.ops.relu(tf.constant(X))).__module__],
        "calls of own layers": len(calls),
        "calls of an own loss": len(taken),
        "shape": model(tf.constant(X)).shape.as_list(),
        "metric": float(metric.result()),
        "untracked outside tapes": model(tf.constant(X))._node.tracked,
        "variable + tensor": type(model.trainable_variables[1] + tf.constant(1.0)).__module__,
        "wrong": wrong,
    }
json.dump(result, sys.stdout)
