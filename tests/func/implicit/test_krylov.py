import numpy as np
import pytest

from wengert.func.implicit import conjugate_gradients, gmres


@pytest.mark.parametrize("n", [1, 2, 10, 120])
def test_gmres_solves_to_rounding(n):
    random = np.random.default_rng(n)
    A, b = random.normal(size=(n, n)) + 2 * np.sqrt(n) * np.eye(n), random.normal(size=n)
    x = gmres(lambda v: A @ v, b)
    assert np.linalg.norm(A @ x - b) < 1e-13 * np.linalg.norm(b)


def test_a_system_no_larger_than_the_space_is_solved_by_one_cycle():
    """Products are counted: a rotation gives GMRES nothing before the last dimension."""
    calls = []
    A, b = np.roll(np.eye(8), 1, axis=0), np.eye(8)[0]

    def product(v):
        calls.append(1)
        return A @ v

    np.testing.assert_allclose(A @ gmres(product, b), b, atol=1e-14)
    assert len(calls) <= 9


def test_single_precision_and_zero():
    A, b = np.diag([1.0, 2.0, 3.0]).astype(np.float32), np.ones(3, np.float32)
    x = gmres(lambda v: A @ v, b)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, [1, 1 / 2, 1 / 3], rtol=1e-6)
    assert not gmres(lambda v: A @ v, b * 0).any()


def test_a_singular_system_is_refused():
    with pytest.raises(RuntimeError, match="singular"):
        gmres(lambda v: v * [1.0, 0.0], np.ones(2))


def test_conjugate_gradients():
    random = np.random.default_rng(0)
    Q = random.normal(size=(6, 6))
    A, b = Q @ Q.T + np.eye(6), random.normal(size=6)
    np.testing.assert_allclose(conjugate_gradients(lambda v: A @ v, b, 1e-12), np.linalg.solve(A, b), rtol=1e-8)
    assert conjugate_gradients(lambda v: -v, b, 1e-12) is b
