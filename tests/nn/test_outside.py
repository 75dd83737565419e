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


@pytest.mark.parametrize("reduction", [0, 1, 2])
def test_binary_cross_entropy_with_logits_takes_the_reduction_by_number(reduction):
    def case(t, x, y, g):
        return t.binary_cross_entropy_with_logits(x, y, None, g.detach(), reduction)

    beside(case, X, np.abs(normal(4, 6, 5, seed=1)) % 1, np.abs(normal(5)))


@pytest.mark.parametrize("transposed", [True, False])
def test_convolutions_of_every_rank_by_one_name(transposed):
    def case(t, x, g, b):
        return t.convolution(x, g, b, (2,), (1,), (1,), transposed, (0,), 1)

    beside(case, X, normal(6, 6, 3), normal(6), second=False, scale=10)


def test_the_grid_of_an_affine_map():
    beside(lambda t, x: t.affine_grid_generator(x, (2, 3, 4, 5), True), normal(2, 2, 3))


@pytest.mark.parametrize("name", ["dropout_", "alpha_dropout_", "feature_alpha_dropout_"])
def test_dropout_in_place_gives_its_argument_back(name):
    w.manual_seed(0)
    x = w.ones(20, 10)
    assert getattr(w, name)(x, 0.5, True) is x
    assert (x != 1).any()
    before = x.clone()
    assert w.equal(getattr(w, name)(x, 0.5, False), before)


def test_activations_in_place():
    for name, args in (("celu_", (2.0,)), ("selu_", ()), ("threshold_", (0.1, 3.0)), ("rrelu_", (0.2, 0.2))):
        x = w.tensor(X)
        assert getattr(w, name)(x, *args) is x
        assert w.equal(x, getattr(w, name[:-1])(w.tensor(X), *args))
