"""The article's network (784-128-10, softmax, SGD 0.01, batch 64) in Keras: the loop with a GradientTape, and `model.fit`.

Claims: the tape loop over `tf.data` is faster than TensorFlow's eager tape and than its `tf.function`; `fit` is faster than
Keras on TensorFlow, PyTorch and JAX. Each contender is a process of its own, and they take turns: a block is one pass over
100 batches, loading included. A contender that is not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness import Timing, report

SAMPLES, BATCH = 6400, 64
STEPS = SAMPLES // BATCH


def data() -> tuple[Any, Any]:
    """Images and labels drawn at random."""
    random = np.random.default_rng(0)
    return random.random((SAMPLES, 28, 28), dtype=np.float32), random.integers(0, 10, SAMPLES)


def network(keras: Any) -> Any:
    """The article's model."""
    layers = keras.layers
    return keras.Sequential([layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")])


def tape_loop(traced: bool) -> Callable[[], Any]:
    """The article's loop, as a program has it; `traced`: its step as a `tf.function`."""
    import tensorflow as tf

    images, labels = data()
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(SAMPLES).batch(BATCH)
    model = network(tf.keras)
    loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = tf.keras.optimizers.SGD(learning_rate=0.01)

    def step(x: Any, t: Any) -> Any:
        with tf.GradientTape() as tape:
            predictions = model(x)
            loss = loss_fn(t, predictions)
        grads = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
        return loss

    taken = tf.function(step) if traced else step

    def epoch() -> Any:
        for x, t in dataset:
            loss = taken(x, t)
        return loss.numpy()

    return epoch


def fit_loop() -> Callable[[], Any]:
    """`model.fit` on arrays, with Keras's chosen backend."""
    if os.environ["KERAS_BACKEND"] == "wengert":
        import keras_wengert.bridge  # noqa: F401 - released Keras versions find the backend by it
    import keras

    images, labels = data()
    model = network(keras)
    model.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    return lambda: model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0)


def wengert_for_tensorflow() -> None:
    """`import tensorflow` gives wengert, as under `wengert run`."""
    from wengert.run import alias

    alias.install()


# Contender -> (the Keras backend, what it runs).
TAPES: dict[str, tuple[str, Callable[[], Callable[[], Any]]]] = {
    "wengert": ("wengert", lambda: (wengert_for_tensorflow(), tape_loop(False))[1]),
    "wengert tf.function": ("wengert", lambda: (wengert_for_tensorflow(), tape_loop(True))[1]),
    "TensorFlow eager": ("tensorflow", lambda: tape_loop(False)),
    "TensorFlow tf.function": ("tensorflow", lambda: tape_loop(True)),
}
FITS: dict[str, tuple[str, Callable[[], Callable[[], Any]]]] = {
    "wengert": ("wengert", fit_loop),
    "Keras on TensorFlow": ("tensorflow", fit_loop),
    "Keras on PyTorch": ("torch", fit_loop),
    "Keras on JAX": ("jax", fit_loop),
}
TABLES = {"tape": TAPES, "fit": FITS}


def worker(table: str, name: str) -> None:
    """Build and warm up; then, for every line that comes, run a block and print its seconds."""
    epoch = TABLES[table][name][1]()
    for _ in range(4):
        epoch()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        epoch()
        print(time.perf_counter() - start, flush=True)


class Contender:
    """A worker in a process of its own."""

    def __init__(self, table: str, name: str, threads: int) -> None:
        backend = TABLES[table][name][0]
        environment = {
            **os.environ, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": str(threads), "TF_NUM_INTRAOP_THREADS": str(threads),
            "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), "--worker", table, name], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.there = self.line() == "ready"
        self.blocks: list[float] = []

    def line(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def block(self) -> None:
        """Let it run one block."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.blocks.append(float(self.line()) / STEPS * 1e6)

    def timing(self) -> Timing:
        """Microseconds a step, least and median."""
        return Timing(min(self.blocks), float(np.median(self.blocks)))

    def end(self) -> None:
        """Let it go."""
        self.process.kill()
        self.process.wait()


def compare(table: str, rounds: int, threads: int) -> None:
    """Let the contenders of a table take turns, and report."""
    started = {name: Contender(table, name, threads) for name in TABLES[table]}
    there = {name: one for name, one in started.items() if one.there}
    for name in started.keys() - there.keys():
        print(f"{name} is not there: left out")
    for _ in range(rounds):
        for one in there.values():
            one.block()
    for one in started.values():
        one.end()
    report(f"{table}: one step, batch {BATCH}", {name: one.timing() for name, one in there.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="blocks of 100 steps of each contender")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=list(TABLES))
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker)
        return
    for table in TABLES:
        if arguments.only in (None, table):
            compare(table, arguments.rounds, arguments.threads)


if __name__ == "__main__":
    main()
