"""Factorisations, beside PyTorch's `linalg`: what does not depend on signs and phases."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import INF, array, beside, complex_normal, normal, raises_as_peer, tensor
from wengert import linalg

TALL, WIDE = normal(4, 2), normal(2, 4)
POSITIVE = TALL.T @ TALL + np.eye(2)
HERMITIAN = complex_normal(3, 3) + complex_normal(3, 3).conj().T


def test_cholesky():
    for x in (POSITIVE, np.stack([POSITIVE, 2 * POSITIVE])):
        beside(lambda m, x: m.linalg.cholesky(x), x, second=False)
        beside(lambda m, x: m.linalg.cholesky(x, upper=True), x, second=False)
    # PyTorch's derivative by a complex matrix is right up to what no Hermitian matrix sees.
    x = HERMITIAN @ HERMITIAN.conj().T + np.eye(3)
    beside(lambda m, x: m.linalg.cholesky(m.add(x, m.adjoint(x))), x, second=False)
    with pytest.raises(linalg.LinAlgError, match="positive definite"):
        array(linalg.cholesky(tensor(-POSITIVE)))


@pytest.mark.parametrize("x", [TALL, WIDE, POSITIVE, normal(3, 4, 2), complex_normal(3, 2)])
def test_qr(x):
    def both(m, x):
        q, r = m.linalg.qr(x)
        return m.matmul(m.mul(q, q), m.mul(r, r)) if x.ndim == 2 else m.mul(r, r)

    real = x.dtype.kind != "c"
    if real:
        beside(both, x, second=False)
        beside(lambda m, x: m.abs(m.linalg.qr(x, mode="complete")[1]), x, derivative=False)
        beside(lambda m, x: m.abs(m.linalg.qr(x, mode="r")[1]), x, derivative=False)
    q, r = linalg.qr(tensor(x))
    np.testing.assert_allclose(array(q) @ array(r), x, atol=1e-12)
    assert array(linalg.qr(tensor(x), "r").Q).size == 0


def test_eigenvalues():
    a = POSITIVE
    for x in (a, np.stack([a, 3 * a]), HERMITIAN):
        beside(lambda m, x: m.linalg.eigvalsh(x), x, second=False)
        beside(lambda m, x: m.linalg.eigh(x)[0], x, second=False)
        beside(lambda m, x: m.linalg.eigvalsh(x, UPLO="U"), x, second=False)

    def squares(m, x):
        v = m.linalg.eigh(x).eigenvectors
        return m.mul(m.abs(v), m.abs(v))

    beside(squares, a, second=False)
    beside(squares, HERMITIAN, second=False)
    upper = np.triu(a) + 5 * np.tril(np.ones_like(a), -1)
    np.testing.assert_allclose(array(linalg.eigvalsh(tensor(upper), "U")), np.linalg.eigvalsh(a))
    raises_as_peer(lambda m, x: m.linalg.eigh(x, "X"), a)
    raises_as_peer(lambda m, x: m.linalg.eigh(x), TALL)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("x", [TALL, WIDE, POSITIVE, normal(3, 4, 2), complex_normal(3, 2), complex_normal(2, 3)])
def test_singular_values(x, full):
    def squares(m, x):
        k = min(x.shape[-2:])
        u, s, w = m.linalg.svd(x, full_matrices=full)
        return m.mul(m.abs(u), m.abs(u))[..., :k], s, m.mul(m.abs(w), m.abs(w))[..., :k, :]

    beside(squares, x, second=False)
    beside(lambda m, x: m.linalg.svdvals(x), x, second=False)
    shapes = [tuple(y.shape) for y in linalg.svd(tensor(x), full)]
    assert shapes == [np.shape(y) for y in np.linalg.svd(x, full)]


def test_empty_matrices():
    beside(lambda m, x: m.linalg.svdvals(x), np.zeros((0, 3)), derivative=False)
    beside(lambda m, x: m.linalg.eigvalsh(x), np.zeros((0, 0)), derivative=False)
    beside(lambda m, x: m.linalg.cholesky(x), np.zeros((0, 0)), derivative=False)
    beside(lambda m, x: m.linalg.qr(x), np.zeros((0, 3)), derivative=False)


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, INF, -INF, "fro", "nuc"])
def test_condition_numbers(p):
    own = p in (None, 2, -2)  # PyTorch 2.13 fails in its own derivative of the others
    beside(lambda m, x: m.linalg.cond(x, p), POSITIVE, second=False, derivative=own)
    beside(lambda m, x: m.linalg.cond(x, p), normal(2, 3, 3), second=False, derivative=own)
    if own:
        beside(lambda m, x: m.linalg.cond(x, p), TALL, second=False)
    else:
        assert linalg.cond(tensor([[1.0, 2], [2, 4]]), p).item() == INF
        raises_as_peer(lambda m, x: m.linalg.cond(x, p), TALL)


def test_wrong_arguments_are_errors():
    raises_as_peer(lambda m, x: m.linalg.qr(x, mode="x"), TALL)
    raises_as_peer(lambda m, x: m.linalg.svd(x), np.ones(3))
    raises_as_peer(lambda m, x: m.linalg.cholesky(x), TALL)
    raises_as_peer(lambda m, x: m.linalg.svdvals(x), np.array([[1, 2]]))
    raises_as_peer(lambda m, x: m.linalg.svd(x), np.full((2, 2), np.nan))
