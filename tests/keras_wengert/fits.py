"""Trainings that two backends of Keras should do alike: run by `test_trainer.py` in a process for each backend.

    python fits.py FOLDER CHAPTER     writes, as one JSON object, what each case of a chapter gave; FOLDER is for files

Chapters: "alike", for every backend, and "alone", which has no counterpart on others.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path

if os.environ["KERAS_BACKEND"] == "wengert":
    import keras_wengert.bridge  # noqa: F401
    from wengert import no_grad as NO_GRAD
else:
    from torch import no_grad as NO_GRAD

import keras
import numpy as np
import recurrent

layers, ops = keras.layers, keras.ops
FOLDER = Path(sys.argv[1])
CASES = {"alike": [], "alone": []}


def case(function):
    CASES["alike"].append(function)
    return function


def alone(function):
    CASES["alone"].append(function)
    return function


def data(n=80, width=6, classes=3):
    random = np.random.default_rng(1)
    return random.normal(size=(n, width)).astype("float32"), random.integers(0, classes, n)


def cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def begin(model):
    """The same weights on every backend."""
    random = np.random.default_rng(0)
    model.set_weights(
        [
            w.numpy() if "variance" in w.path or "seed" in w.path else (0.3 * random.normal(size=w.shape)).astype("float32")
            for w in model.weights
        ]
    )
    return model


def small(*inner):
    return begin(keras.Sequential([keras.Input((6,)), *inner, layers.Dense(3)]))


def outcome(model, history):
    weights = [float(np.abs(w).sum()) for w in model.get_weights()]
    return {"history": history.history, "weights": weights, "reason": getattr(model.train_function, "reason", None)}


# --- models -----------------------------------------------------------------------------------------------------------


@case
def several_inputs_and_outputs():
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    hidden = layers.Concatenate()([layers.Dense(4, activation="relu")(a), b])
    outputs = {"kind": layers.Dense(3, name="kind")(hidden), "size": layers.Dense(1, name="size")(hidden)}
    model = begin(keras.Model({"a": a, "b": b}, outputs))
    model.compile(
        "adam", {"kind": cross_entropy(), "size": "mse"}, loss_weights={"kind": 1.0, "size": 0.3},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )  # fmt: skip
    x, y = data()
    return outcome(
        model,
        model.fit(
            {"a": x[:, :4], "b": x[:, 4:]}, {"kind": y, "size": x[:, :1]}, batch_size=32, epochs=3, verbose=0, shuffle=False
        ),
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(4, activation="relu", kernel_regularizer="l2", activity_regularizer="l1")
        self.norm = layers.BatchNormalization()
        self.last = layers.Dense(3)

    def call(self, x, training=False):
        hidden = self.norm(self.first(x), training=training)
        self.add_loss(0.01 * ops.sum(hidden**2))
        return self.last(hidden)


@case
def a_subclassed_model_with_losses_of_its_own():
    model = Subclassed()
    x, y = data()
    model(x[:2])
    begin(model)
    model.compile(keras.optimizers.RMSprop(0.01), cross_entropy(), metrics=["accuracy"])
    return outcome(
        model, model.fit(x, y, batch_size=32, epochs=3, verbose=0, shuffle=False, validation_data=(x[:50], y[:50]))
    )


@case
def frozen_layers():
    base = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.BatchNormalization()])
    model = small(base)
    x, y = data()
    for free in (True, False):
        base.trainable = free
        model.compile("adam", cross_entropy())
        history = model.fit(x, y, batch_size=32, epochs=2, verbose=0, shuffle=False)
    return outcome(model, history)


class Share(keras.metrics.Metric):
    """The share of right answers, with a vector as its state."""

    def __init__(self):
        super().__init__(name="share")
        self.seen = self.add_weight(shape=(2,), initializer="zeros", name="seen")

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = ops.cast(ops.equal(ops.argmax(y_pred, -1), ops.cast(ops.reshape(y_true, (-1,)), "int32")), "float32")
        self.seen.assign_add(ops.stack([ops.sum(right), ops.sum(ops.ones_like(right))]))

    def result(self):
        return self.seen[0] / self.seen[1]


@case
def metrics_and_class_weights():
    model = small(layers.Dense(5, activation="tanh"))
    metrics = [Share(), keras.metrics.SparseTopKCategoricalAccuracy(2)]
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), cross_entropy(), metrics=metrics, weighted_metrics=["accuracy"])
    x, y = data()
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    return outcome(model, model.fit(x, y, batch_size=32, epochs=3, verbose=0, shuffle=False, class_weight=weights))


@case
def sample_weights_and_a_validation_split():
    model = small()
    model.compile(keras.optimizers.Nadam(0.01), cross_entropy(), weighted_metrics=["accuracy"])
    x, y = data()
    history = model.fit(
        x, y, batch_size=16, epochs=3, verbose=0, shuffle=False, sample_weight=np.linspace(0, 2, 80), validation_split=0.25
    )
    return outcome(model, history)


@case
def text_with_masks():
    model = keras.Sequential(
        [keras.Input((5,)), layers.Embedding(20, 6, mask_zero=True), layers.LSTM(4), layers.Dense(3)]
    )
    begin(model).compile("adam", cross_entropy())
    random = np.random.default_rng(0)
    x, y = random.integers(0, 20, size=(64, 5)), random.integers(0, 3, 64)
    return outcome(model, model.fit(x, y, batch_size=32, epochs=2, verbose=0, shuffle=False))


# --- optimizers that depend on values -----------------------------------------------------------------------------------


@case
def a_schedule_that_warms_up():
    model = small()
    rate = keras.optimizers.schedules.CosineDecay(0.5, 9, warmup_target=1.0, warmup_steps=3)
    model.compile(keras.optimizers.SGD(rate, global_clipnorm=0.5), cross_entropy())
    x, y = data()
    return outcome(model, model.fit(x, y, batch_size=32, epochs=4, verbose=0, shuffle=False))


@case
def accumulated_gradients_and_averaged_weights():
    model = small()
    model.compile(
        keras.optimizers.Adam(
            0.1, gradient_accumulation_steps=3, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=4, weight_decay=0.01
        ),
        cross_entropy(),
    )
    x, y = data()
    return outcome(model, model.fit(x, y, batch_size=16, epochs=4, verbose=0, shuffle=False))


@case
def half_precision_with_a_scaled_loss():
    model = small(layers.Dense(8, dtype="mixed_float16", activation="relu"))
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), dynamic_growth_steps=3), cross_entropy())
    x, y = data()
    result = outcome(model, model.fit(x, y, batch_size=32, epochs=4, verbose=0, shuffle=False))
    return {**result, "scale": float(model.optimizer.dynamic_scale.numpy())}


# --- callbacks, custom steps ------------------------------------------------------------------------------------------


@case
def callbacks():
    model = small(layers.Dense(5, activation="tanh"))
    model.compile(keras.optimizers.SGD(0.5), cross_entropy(), metrics=["accuracy"])
    x, y = data()
    seen = []
    log, best = FOLDER / "log.csv", FOLDER / "best.weights.h5"

    def note(batch, logs):
        seen.append([type(logs["loss"]).__name__, logs["loss"]])

    made = [
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1)),
        keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0, min_delta=10),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, min_delta=0.05, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(str(best), monitor="val_loss", save_best_only=True, save_weights_only=True),
        keras.callbacks.CSVLogger(str(log)),
        keras.callbacks.LambdaCallback(on_train_batch_end=note),
    ]
    history = model.fit(x, y, batch_size=32, epochs=8, verbose=0, shuffle=False, validation_split=0.25, callbacks=made)
    stopped = model.get_weights()
    model.load_weights(best)
    return {
        **outcome(model, history),
        "seen": seen,
        "lines": len(log.read_text().splitlines()),
        "restored": all((a == b).all() for a, b in zip(stopped, model.get_weights())),
        "predictions": model.predict(x[:5], verbose=0).tolist(),
    }


class Counting(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = layers.Dense(3)
        self.steps = 0

    def call(self, x):
        return self.last(x)

    def train_step(self, data):
        self.steps += 1
        return {**super().train_step(data), "steps": float(self.steps)}


@case
def a_step_of_the_users_own_that_counts():
    model = Counting()
    x, y = data()
    model(x[:2])
    begin(model).compile("sgd", cross_entropy())
    return outcome(model, model.fit(x, y, batch_size=32, epochs=2, verbose=0, shuffle=False))


class Stepping(keras.Model):
    """A step in PyTorch's style, of a model that is not called itself."""

    def __init__(self, inner):
        super().__init__()
        self.built = os.environ["KERAS_BACKEND"] == "torch"  # which asks for `call` otherwise
        self.inner, self.mean = inner, keras.metrics.Mean(name="mean")

    @property
    def metrics(self):
        return [self.mean]

    def train_step(self, data):
        x, y = data
        self.zero_grad()
        loss = cross_entropy()(y, self.inner(x, training=True))
        loss.backward()
        weights = self.trainable_weights
        with NO_GRAD():
            self.optimizer.apply([v.value.grad for v in weights], weights)
        self.mean.update_state(loss)
        return {"mean": self.mean.result(), "all": float(len(list(self.parameters())))}


@case
def a_step_in_pytorchs_style():
    model = Stepping(small(layers.Dense(4, activation="relu"), layers.BatchNormalization()))
    model.compile(keras.optimizers.Adam(0.01))
    x, y = data()
    return outcome(model, model.fit(x, y, batch_size=32, epochs=2, verbose=0, shuffle=False))


@case
def single_batches():
    model = small(layers.BatchNormalization())
    model.compile("sgd", cross_entropy(), metrics=["accuracy"])
    x, y = data()
    found = []
    for n in (32, 32, 16, 32):
        found.append([float(v) for v in model.train_on_batch(x[:n], y[:n])])
        found.append([float(v) for v in model.test_on_batch(x[:n], y[:n])])
    return {
        "found": found,
        "predictions": model.predict_on_batch(x[:3]).tolist(),
        "evaluated": [float(v) for v in model.evaluate(x, y, batch_size=32, verbose=0)],
    }


# --- files ------------------------------------------------------------------------------------------------------------


def go_on(model):
    x, y = data()
    return outcome(model, model.fit(x, y, batch_size=32, epochs=2, verbose=0, shuffle=False))


def write_files(name):
    """A model that has been trained, with its optimizer, and weights by themselves."""
    x, y = data()
    model = small(layers.Dense(4, activation="relu"), layers.BatchNormalization())
    model.compile(keras.optimizers.Adam(0.01), cross_entropy())
    model.fit(x, y, batch_size=32, epochs=1, verbose=0, shuffle=False)
    model.save(FOLDER / f"{name}.keras")
    model.save_weights(FOLDER / f"{name}.weights.h5")
    return model


def read_files(name):
    """What training on gives, for the model with its own weights, and with the others, which are negated before."""
    found = [go_on(keras.saving.load_model(FOLDER / f"{name}.keras"))]
    model = keras.saving.load_model(FOLDER / f"{name}.keras")
    model.set_weights([-w for w in model.get_weights()])
    model.load_weights(FOLDER / f"{name}.weights.h5")
    return [*found, go_on(model)]


@case
def files_of_pytorch():
    """As PyTorch's backend wrote them (it ran before)."""
    if os.environ["KERAS_BACKEND"] == "torch":
        write_files("torch")
    return read_files("torch")


@case
def files_of_wengert():
    """As wengert wrote them (its other chapter ran before)."""
    return read_files("wengert")


@alone
def files():
    return [go_on(write_files("wengert"))] * 2  # what `files_of_wengert` should give


# --- what has no counterpart ------------------------------------------------------------------------------------------


def losses(model, x, y, times):
    return [model.train_on_batch(x, y) for _ in range(times)]


@alone
def what_changes_between_steps_is_seen():
    """By a step that is replayed: compared with one that is recorded every time."""
    x, y = data(32)
    found = []
    for eager in (False, True):
        model = small(layers.Dense(8), layers.Dropout(0.5, seed=3), layers.Dense(4, activation="relu"))
        first, dropout = model.layers[0], model.layers[1]
        model.compile(keras.optimizers.SGD(0.1, momentum=0.5), cross_entropy(), run_eagerly=eager)
        seen = losses(model, x, y, 3)
        model.optimizer.learning_rate = 0.01
        seen += losses(model, x, y, 2)
        model.set_weights([w * 0.5 for w in model.get_weights()])
        seen += losses(model, x, y, 2)
        first.trainable = False
        before = first.get_weights()
        seen += losses(model, x, y, 2)
        assert all((a == b).all() for a, b in zip(before, first.get_weights()))
        first.trainable = True
        dropout.rate = 0.0
        seen += losses(model, x, y, 2)
        model.optimizer.momentum = 0.0
        seen += losses(model, x, y, 2)
        found.append(seen)
        assert (model.train_function.reason is None) is not eager, model.train_function.reason
    np.testing.assert_allclose(found[0], found[1], rtol=2e-6)
    return len({round(loss, 9) for loss in found[0]}) == len(found[0])


class Between(keras.callbacks.Callback):
    """What programs do between the steps of `fit`: read logs and weights, change weights, evaluate, give up."""

    def __init__(self, x, y, fails):
        super().__init__()
        self.x, self.y, self.fails, self.seen, self.steps = x, y, fails, [], 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps % 5 == 1:
            self.seen.append(float(logs["loss"]))
        if self.steps % 7 == 2:
            self.seen.append(float(ops.sum(self.model.layers[0].kernel)))
        if self.steps % 11 == 3:
            self.model.layers[0].set_weights([w * 0.5 for w in self.model.layers[0].get_weights()])
        if self.steps % 13 == 4:
            self.seen.append(float(self.model.predict_on_batch(self.x[:8]).sum()))
        if self.steps == self.fails:
            raise KeyError("enough")

    def on_epoch_end(self, epoch, logs=None):
        self.seen += [float(value) for value in self.model.evaluate(self.x, self.y, verbose=0)]


class EndOfEpoch(keras.callbacks.Callback):
    """Looks at the model between epochs, and changes it."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen += [logs["loss"], logs["accuracy"], float(ops.sum(self.model.layers[0].kernel))]
        self.model.optimizer.learning_rate = 0.02 / (epoch + 1)
        if epoch == 1:
            self.model.layers[0].set_weights([w * 0.5 for w in self.model.layers[0].get_weights()])
        self.model.stop_training = epoch == 3


@alone
def steps_beside_python_are_as_others():
    """A program that begins beside Python, for a step or a series of them, gives the same bits as one that is waited for,
    whatever comes in between; how many of each began."""
    import wengert
    from wengert.compiler.ahead import Ahead
    from wengert.settings import settings

    random = np.random.default_rng(0)
    x, y = random.random((660, 200), dtype=np.float32), random.integers(0, 10, 660)
    begin, begun, found = Ahead.begin, [], []

    def noted(ahead, arrays, rows=None, inputs=None):
        begun.append(1 if rows is None else len(rows))
        return begin(ahead, arrays, rows, inputs)

    wengert.set_num_threads(2)
    Ahead.begin = noted
    with settings.scope(tier="compile"):
        for threads in (2, 1):
            if threads == 1:
                Ahead.can = lambda ahead, arrays: False
            keras.utils.set_random_seed(2)
            model = keras.Sequential([keras.Input((200,)), layers.Dense(64, activation="relu"), layers.Dense(10)])
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
            for fails in (0, 25, 0):
                between = Between(x, y, fails)
                with contextlib.suppress(KeyError):
                    model.fit(x, y, batch_size=64, epochs=3, verbose=0, callbacks=[between])
                found.append(between.seen)
            ends = EndOfEpoch()
            for shuffle in (True, False, "batch"):
                model.fit(x, y, batch_size=64, epochs=6, verbose=0, shuffle=shuffle, callbacks=[ends])
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                model.fit(x, y, sample_weight=y / 10, batch_size=64, epochs=2, verbose=1)
            evaluated = model.evaluate(x, y, batch_size=32, verbose=0)
            found += [ends.seen, evaluated, "11/11" in shown.getvalue(), [float(w.sum()) for w in model.get_weights()]]
    wengert.set_num_threads(1)
    half = len(found) // 2
    return [found[:half] == found[half:] and len(ends.seen) == 36, begun.count(1), len(begun) - begun.count(1), max(begun)]


@alone
def every_step_draws_anew():
    model = small(layers.Dropout(0.5))
    model.compile(keras.optimizers.SGD(0.0), cross_entropy())
    x, y = data(32)
    return len(set(losses(model, x, y, 6)))


@alone
def several_steps_in_an_execution():
    """Three at a time, with a rest; and the default order of rows, which is random and the same for the same seed."""
    x, y = data(72)
    found = []
    for together in (1, 3):
        keras.utils.set_random_seed(5)
        model = small(layers.Dense(4))
        model.compile("sgd", cross_entropy(), steps_per_execution=together)
        found.append(model.fit(x, y, batch_size=16, epochs=3, verbose=0).history["loss"])
    return np.allclose(found[0], found[1], rtol=1e-6)


@alone
def wide_integers_and_histograms():
    small_numbers = ops.cast([200, 100, 3], "uint8")
    x = np.array([0.0, 0.5, 2.0, 2.0, 5.0], "f")
    for given in ({"bins": 4}, {"bins": 3, "range": (0.2, 2.0)}):
        for ours, theirs in zip(ops.histogram(x, **given), np.histogram(x, **given)):
            np.testing.assert_allclose(ops.convert_to_numpy(ours), theirs, rtol=1e-6)
    sums = [ops.sum(small_numbers), ops.prod(small_numbers), ops.trace(ops.cast([[200, 0], [0, 100]], "uint8"))]
    powers = ops.vander(ops.cast([1, 2], "int16"))
    return [[int(y), keras.backend.standardize_dtype(y.dtype)] for y in (*sums, powers[1, 0])]


@alone
def loops_and_steps_differ_by():
    return recurrent.difference()


@alone
def reasons():
    x, y = data(16)
    found = {}
    for name, options in (("eager", {"run_eagerly": True}), ("not jit", {"jit_compile": False}), ("ordinary", {})):
        model = small()
        model.compile("sgd", cross_entropy(), **options)
        model.fit(x, y, verbose=0)
        found[name] = model.train_function.reason

    rates = iter([0.5, 0.0, 0.25, 0.0])
    model = small()
    model.compile(keras.optimizers.SGD(lambda: next(rates)), cross_entropy())
    found["seen"] = [float(loss) for loss in losses(model, x, y, 4)]
    found["function"] = model.train_function.reason

    class Branching(keras.Sequential):
        def train_step(self, data):
            logs = super().train_step(data)
            return {**logs, "high": 1.0 if float(logs["loss"]) > 1 else 0.0}

    model = Branching([keras.Input((6,)), layers.Dense(3)])
    model.compile("sgd", cross_entropy())
    found["logs"] = sorted(model.fit(x, y, verbose=0).history)
    found["branch"] = model.train_function.reason
    try:
        model.export(FOLDER / "served")
    except NotImplementedError as error:
        found["export"] = str(error)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps({run.__name__: run() for run in CASES[sys.argv[2]]}) + "\n")
