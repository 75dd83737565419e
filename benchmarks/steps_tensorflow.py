"""Workloads of `steps.py` in TensorFlow, as `tf.function`s on variables."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np


def data(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def mlp(sizes: tuple[int, ...], batch: int, adam: bool, tanh: bool = False) -> Callable[[], Callable[[], object]]:
    """A classifier with SGD or Adam."""

    def build() -> Callable[[], object]:
        import tensorflow as tf

        layers = [(tf.Variable(data(a, b) / a**0.5), tf.Variable(np.zeros(b, "f"))) for a, b in itertools.pairwise(sizes)]
        variables = [v for pair in layers for v in pair]
        moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables] if adam else []
        count = tf.Variable(0.0)
        x = tf.constant(data(batch, sizes[0]))
        t = tf.constant(np.random.default_rng(1).integers(0, sizes[-1], batch))

        def update(variable: Any, g: Any, state: Any) -> None:
            if not adam:
                variable.assign_sub(0.01 * g)
                return
            m, v = state
            m.assign(0.9 * m + 0.1 * g)
            v.assign(0.999 * v + 0.001 * g * g)
            c = tf.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            variable.assign_sub(1e-3 * c * m / (tf.sqrt(v) + 1e-8))

        @tf.function
        def step(x: Any, t: Any) -> Any:
            with tf.GradientTape() as tape:
                y = x
                for w, b in layers[:-1]:
                    y = (tf.tanh if tanh else tf.nn.relu)(y @ w + b)
                w, b = layers[-1]
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(t, y @ w + b)
                loss = tf.reduce_mean(losses)
            count.assign_add(1.0)
            for number, (variable, g) in enumerate(zip(variables, tape.gradient(loss, variables))):
                update(variable, g, moments[number] if adam else None)
            return loss

        return lambda: step(x, t).numpy()

    return build


BUILDERS: dict[str, Callable[[], Callable[[], object]]] = {
    "mlp64": mlp((784, 128, 10), 64, False),
    "mlp1": mlp((784, 128, 10), 1, False),
    "mlp512": mlp((784, 128, 10), 512, False),
    "wide": mlp((784, 1024, 1024, 10), 128, True),
    "policy": mlp((8, 64, 64, 4), 32, True, tanh=True),
}
