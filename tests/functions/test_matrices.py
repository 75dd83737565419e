"""Linear algebra outside `linalg`, beside PyTorch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tests.functions.peer import array, beside, complex_normal, normal, ours, raises_as_peer, tensor

TALL = normal(4, 2)
POSITIVE = TALL.T @ TALL + np.eye(2)


@pytest.fixture(autouse=True)
def old_names():
    """PyTorch warns of what it calls old."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch")
        yield


@pytest.mark.parametrize("name", ["inverse", "det", "logdet", "slogdet", "pinverse", "cholesky"])
def test_of_one_matrix(name):
    beside(lambda m, x: getattr(m, name)(x), POSITIVE, second=name != "cholesky")
    beside(lambda m, x: getattr(m, name)(x), np.stack([POSITIVE, 2 * POSITIVE]), second=False)
    beside(lambda m, x: getattr(x, name)(), POSITIVE, second=False)


def test_logarithms_of_determinants():
    beside(lambda m, x: m.logdet(x), np.diag([1.0, -1]), derivative=False)
    beside(lambda m, x: m.logdet(x), np.zeros((2, 2)), derivative=False)
    beside(lambda m, x: m.logdet(x), complex_normal(2, 2), second=False)


@pytest.mark.parametrize("upper", [False, True])
def test_systems_given_by_their_factor(upper):
    factor = np.linalg.cholesky(POSITIVE)
    factor = factor.T.copy() if upper else factor
    # PyTorch also gives the triangle that is not read a derivative.
    read = lambda m, x: m.triu(x) if upper else m.tril(x)
    beside(lambda m, b, x: m.cholesky_solve(b, read(m, x), upper), normal(2, 3), factor, second=False)
    beside(lambda m, x: m.cholesky_inverse(read(m, x), upper), factor, second=False)
    with pytest.raises(RuntimeError, match="2 dimensions"):
        ours.cholesky_inverse(tensor(np.ones(2)))


def test_qr_by_its_older_name():
    beside(lambda m, x: m.abs(m.qr(x)[1]), TALL, second=False)
    beside(lambda m, x: m.abs(m.qr(x, some=False)[0])[:, :2], TALL, derivative=False)
    q, r = ours.qr(tensor(TALL))
    np.testing.assert_allclose(array(q) @ array(r), TALL, atol=1e-12)


def test_svd_by_its_older_name():
    for x in (TALL, TALL.T.copy(), complex_normal(3, 2)):
        u, s, v = ours.svd(tensor(x))
        np.testing.assert_allclose(array(u) * array(s) @ array(v).conj().T, x, atol=1e-12)
        beside(lambda m, x: m.svd(x)[1], x, second=False)
        beside(lambda m, x: m.mul(m.abs(m.svd(x).V), m.abs(m.svd(x).V)), x, second=False)
        beside(lambda m, x: m.svd(x, compute_uv=False), x, derivative=False)
        assert tuple(ours.svd(tensor(x), some=False).U.shape) == (x.shape[0], x.shape[0])


def test_wrong_arguments_are_errors():
    raises_as_peer(lambda m, x: m.inverse(x), TALL)
    raises_as_peer(lambda m, x: m.logdet(x), TALL)
    raises_as_peer(lambda m, b, x: m.cholesky_solve(b, x), normal(3, 1), POSITIVE)
