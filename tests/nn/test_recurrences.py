"""Recurrent layers as functions of a list of weights, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as w
from tests.functions.peer import beside, normal

KINDS = [("lstm", 4, 2), ("gru", 3, 1), ("rnn_tanh", 1, 1), ("rnn_relu", 1, 1)]


def weights(gates, directions, biases, projection=0, layers=2, features=3, hidden=4):
    found = []
    for layer in range(layers):
        for _ in range(directions):
            size = features if layer == 0 else (projection or hidden) * directions
            shapes = [(gates * hidden, size), (gates * hidden, projection or hidden)]
            shapes += [(gates * hidden,)] * 2 if biases else []
            shapes += [(projection, hidden)] if projection else []
            found += [normal(*shape, seed=len(found) + i) for i, shape in enumerate(shapes)]
    return found


def states(parts, directions, projection=0):
    return [normal(2 * directions, 2, 4 if k or not projection else projection, seed=90 + k) for k in range(parts)]


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("name", "gates", "parts"), KINDS)
def test_layers_over_padded_sequences(name, gates, parts, bidirectional):
    biases, directions = not bidirectional, 2 if bidirectional else 1

    def case(t, x, *rest):
        hx = rest[:parts] if parts == 2 else rest[0]
        return getattr(t, name)(x, hx, rest[parts:], biases, 2, 0.0, False, bidirectional, biases)

    beside(case, normal(2, 2, 3), *states(parts, directions), *weights(gates, directions, biases), second=False, scale=10)


@pytest.mark.parametrize(("name", "gates", "parts"), KINDS)
def test_layers_over_packed_sequences(name, gates, parts):
    def case(t, x, sizes, *rest):
        hx = rest[:parts] if parts == 2 else rest[0]
        return getattr(t, name)(x, sizes, hx, rest[parts:], True, 2, 0.0, False, False)

    sizes = np.array([2, 2, 1])
    beside(case, normal(5, 3), sizes, *states(parts, 1), *weights(gates, 1, True), second=False, scale=10)


def test_a_projection_is_seen_in_the_state():
    def case(t, x, h, c, *params):
        return t.lstm(x, (h, c), params, True, 2, 0.0, False, False, False)

    beside(case, normal(2, 2, 3), *states(2, 1, 2), *weights(4, 1, True, 2), second=False, scale=10)


def test_wrong_calls_are_refused():
    x, h = w.zeros(2, 2, 3), w.zeros(2, 2, 4)
    with pytest.raises(TypeError, match="num_layers"):
        w.gru(x, h, [])
    with pytest.raises(RuntimeError, match="params of 8 tensors"):
        w.gru(x, h, [], True, 2, 0.0, False, False, False)


def test_dropout_between_layers_is_drawn_in_training_only():
    params = [w.tensor(a) for a in weights(1, 1, True)]
    x, h = w.tensor(normal(2, 2, 3)), w.zeros(2, 2, 4, dtype=w.float64)
    plain, _ = w.rnn_tanh(x, h, params, True, 2, 0.0, True, False, False)
    evaluated, _ = w.rnn_tanh(x, h, params, True, 2, 0.9, False, False, False)
    dropped, _ = w.rnn_tanh(x, h, params, True, 2, 0.9, True, False, False)
    assert w.equal(plain, evaluated)
    assert not w.equal(plain, dropped)
