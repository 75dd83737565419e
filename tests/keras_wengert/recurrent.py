"""Recurrent layers as loops, and step by step (``unroll=True``), from the same weights: outputs, states, derivatives.

Imported by `fits.py`, which `test_trainer.py` runs.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

layers = keras.layers

# Options of layers, and calls: which mask, from which state.
KINDS = [
    (layers.LSTM, {"return_sequences": True}),
    (layers.LSTM, {"use_bias": False, "go_backwards": True, "return_sequences": True}),
    (layers.LSTM, {"activation": "relu", "recurrent_activation": "hard_sigmoid", "go_backwards": True}),
    (layers.LSTM, {"zero_output_for_mask": True, "return_sequences": True}),
    (layers.LSTM, {"dropout": 0.5, "recurrent_dropout": 0.5, "seed": 1}),
    (layers.GRU, {"return_sequences": True, "go_backwards": True}),
    (layers.GRU, {"reset_after": False}),
    (layers.GRU, {"use_bias": False, "dropout": 0.5, "seed": 1}),
    (layers.SimpleRNN, {"activation": "relu", "return_sequences": True}),
    (layers.SimpleRNN, {"recurrent_dropout": 0.5, "seed": 1}),
]
MASKS = [None, [[1, 1, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0]]]


def results(layer: Any, x: Any, mask: Any, states: Any) -> list[Any]:
    """Outputs and states, and derivatives of a sum of them, with other factors everywhere, by inputs and weights."""
    import wengert

    inputs = [wengert.tensor(value, requires_grad=True) for value in (x, *states)]
    outputs = layer(inputs[0], mask=mask, initial_state=inputs[1:], training=True)
    total = sum([(y * wengert.cos(wengert.arange(y.numel())).reshape(y.shape)).sum() for y in outputs])
    weights = [v.value for v in layer.trainable_variables]
    gradients = wengert.autograd.grad(total, [*inputs, *weights])
    return [part.detach().numpy() for part in (*outputs, *gradients)]


def difference() -> float:
    """The largest difference between the two, over all layers and calls."""
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 4, 5)).astype("f")
    most = 0.0
    for kind, options in KINDS:
        states = [random.normal(size=(3, 6)).astype("f") for _ in range(2 if kind is layers.LSTM else 1)]
        both = [kind(6, return_state=True, unroll=unroll, **options) for unroll in (False, True)]
        for layer in both:
            layer.build(x.shape)
            layer.set_weights([0.4 * np.cos(np.arange(w.size)).reshape(w.shape) for w in layer.get_weights()])
        for mask in MASKS:
            mask = None if mask is None else np.array(mask, bool)
            loop, steps = [results(layer, x, mask, states) for layer in both]
            for a, b in zip(loop, steps, strict=True):
                assert a.shape == b.shape, (kind, options)
                most = max(most, float(np.abs(a - b).max()))
    return most
