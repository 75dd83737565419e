"""Eigenvalues, the exponential, reflections, tensors as matrices, low rank, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as w
from tests.functions.peer import beside, complex_normal, normal, raises_as_peer


@pytest.mark.parametrize("draw", [normal, complex_normal])
@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4)])
def test_eigenvalues_and_what_does_not_depend_on_phases(draw, shape):
    beside(lambda t, a: t.linalg.eigvals(a).abs().sort(-1)[0], draw(*shape), scale=1000)
    beside(lambda t, a: t.linalg.eig(a).eigenvectors.abs(), draw(*shape), scale=1000)


@pytest.mark.parametrize("draw", [normal, complex_normal])
@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_the_exponential(draw, scale):
    a = draw(2, 3, 3)
    beside(lambda t, x: t.linalg.matrix_exp(x), scale * a / np.abs(a).sum(-1).max(), scale=1000)


def test_the_exponential_of_large_and_empty_matrices():
    beside(lambda t, x: t.matrix_exp(x), np.diag([-40.0, 0.0, 3.0]), scale=100)
    assert w.matrix_exp(w.zeros(0, 3, 3)).shape == (0, 3, 3)
    assert w.matrix_exp(w.zeros(2, 0, 0)).shape == (2, 0, 0)


@pytest.mark.parametrize("shape, k", [((3, 3), 3), ((4, 2), 2), ((2, 4, 3), 2), ((4, 3), 0)])
def test_products_of_reflections(shape, k):
    tau = np.abs(normal(*shape[:-2], k, seed=2))
    beside(lambda t, a, s: t.linalg.householder_product(a, s), normal(*shape), tau)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
def test_products_with_an_implicit_factor(left, transpose):
    c = complex_normal(4, 4, seed=5)
    beside(lambda t, a, s, c: t.ormqr(a, s, c, left, transpose), complex_normal(4, 2), complex_normal(2, seed=1), c)


def test_geqrf_holds_q_and_r():
    a = normal(2, 4, 3)
    beside(lambda t, x: t.geqrf(x), a, derivative=False)
    packed, tau = w.geqrf(w.tensor(a))
    q = w.linalg.householder_product(packed, tau)
    assert w.allclose(q @ w.triu(packed[:, :3]), w.tensor(a))


def test_tensors_as_matrices():
    beside(lambda t, a: t.linalg.tensorinv(a, 1), normal(6, 2, 3), scale=100)
    beside(lambda t, a, b: t.linalg.tensorsolve(a, b), normal(2, 3, 6), normal(2, 3, seed=1), scale=100)
    beside(lambda t, a, b: t.linalg.tensorsolve(a, b, (0,)), normal(6, 2, 3), normal(2, 3, seed=1), scale=100)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (2, 6, 5)])
def test_low_rank_gives_back_a_matrix_of_low_rank(shape):
    a = w.tensor(normal(*shape[:-1], 2) @ normal(*shape[:-2], 2, shape[-1], seed=1))
    u, s, v = w.svd_lowrank(a, 3)
    assert w.allclose(u * s.unsqueeze(-2) @ v.mT, a)
    u, s, v = w.pca_lowrank(a, 3)
    assert w.allclose(u * s.unsqueeze(-2) @ v.mT, a - a.mean(-2, True))


@pytest.mark.parametrize(
    "case",
    [
        lambda t, a: t.linalg.eig(a),
        lambda t, a: t.matrix_exp(a),
        lambda t, a: t.linalg.householder_product(a, t.ones(2, dtype=a.dtype)),
        lambda t, a: t.linalg.tensorinv(a, 0),
        lambda t, a: t.pca_lowrank(a, 9),
    ],
)
def test_errors(case):
    raises_as_peer(case, normal(2, 3))
