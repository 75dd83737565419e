"""Layers' functions by the names and orders of arguments that they have at the top, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as w
from tests.functions.peer import beside, normal

X = normal(4, 6, 5)


@pytest.mark.parametrize("training", [True, False])
def test_batch_and_instance_norm_take_the_weight_first(training):
    def case(t, x, g, b, m, v):
        batch = t.batch_norm(x, g, b, m.clone().detach(), v.clone().detach(), training, 0.1, 1e-5, False)
        return batch, t.instance_norm(x, g, b, m.clone().detach(), v.clone().detach(), training, 0.1, 1e-5, False)

    beside(case, X, normal(6), normal(6, seed=1), normal(6, seed=2), np.abs(normal(6, seed=3)) + 1, scale=10, second=False)


def test_norms_with_their_statistics():
    def case(t, x, g, b, c):
        return (
            *t.native_layer_norm(x, (6, 5), g, b, 1e-5),
            *t.native_group_norm(x, c, None, 4, 6, 5, 3, 1e-5),
            *t.native_batch_norm(x, c, None, None, None, True, 0.1, 1e-5),
        )

    beside(case, X, normal(6, 5, seed=1), normal(6, 5, seed=2), normal(6, seed=3), scale=100, second=False)


def test_embedding_takes_the_table_first():
    beside(lambda t, table, i: t.embedding(table, i), normal(5, 3), np.array([[0, 4], [1, 1]]))
    beside(lambda t, table, i: t.embedding(table, i, 1), normal(5, 3), np.array([0, 1, 1]), second=False)


@pytest.mark.parametrize("name", ["celu", "selu", "rms_norm", "hardshrink", "layer_norm", "cosine_similarity"])
def test_the_others_are_those_of_functional(name):
    arguments = {"rms_norm": ((5,),), "layer_norm": ((5,),), "cosine_similarity": (X + 1,)}.get(name, ())

    def case(t, x):
        rest = [t.tensor(a.tolist(), dtype=t.float64) if isinstance(a, np.ndarray) else a for a in arguments]
        return getattr(t, name)(x, *rest)

    beside(case, X, second=False)


def test_in_place_functions():
    x = w.tensor([-1.0, 2.0])
    assert w.relu_(x) is x
    assert x.tolist() == [0.0, 2.0]
    assert "layer_norm" in dir(w)
