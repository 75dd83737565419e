"""Linear systems, beside PyTorch's `linalg`."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import array, beside, complex_normal, normal, raises_as_peer, tensor
from wengert import linalg


def square(n: int, *batch: int, seed: int = 0):
    return normal(*batch, n, n, seed=seed) + 3 * np.eye(n)


COMPLEX = complex_normal(3, 3) + 3 * np.eye(3)
SINGULAR = np.array([[1.0, 2], [2, 4]])


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "pinv"])
def test_of_one_matrix(name):
    beside(lambda m, x: getattr(m.linalg, name)(x), square(3))
    beside(lambda m, x: getattr(m.linalg, name)(x), square(2, 4))
    beside(lambda m, x: getattr(m.linalg, name)(x), COMPLEX, second=False)
    beside(lambda m, x: getattr(m.linalg, name)(x), square(3).astype(np.float32), second=False)
    beside(lambda m, x: getattr(m.linalg, name)(x), np.zeros((0, 0)), derivative=False)


def test_determinants_of_singular_matrices():
    for x in (SINGULAR, np.diag([1.0, 2, 0]), np.zeros((3, 3))):
        beside(lambda m, x: m.linalg.det(x), x, derivative=False)
    x = tensor(SINGULAR, requires_grad=True)
    linalg.det(x).backward()
    np.testing.assert_allclose(array(x.grad), [[4, -2], [-2, 1]], atol=1e-14)  # PyTorch 2.13 gives 0
    assert linalg.slogdet(tensor(SINGULAR)).logabsdet.item() == -np.inf


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize(
    ("a", "b"), [((3, 3), (3, 3)), ((4, 3, 3), (4, 3, 3)), ((4, 3, 3), (3, 3)), ((3, 3), (4, 3, 3)), ((2, 1, 3, 3), (4, 3, 3))]
)
def test_solving(a, b, left):
    x = normal(*a) + 3 * np.eye(3)
    beside(lambda m, x, y: m.linalg.solve(x, y, left=left), x, normal(*b, seed=1), second=False)
    for upper in (True, False):
        for unit in (True, False):
            options = {"upper": upper, "left": left, "unitriangular": unit}
            beside(lambda m, x, y, o=options: m.linalg.solve_triangular(x, y, **o), x, normal(*b, seed=1), second=False)


def test_solving_for_vectors_and_numbers_of_columns():
    beside(lambda m, x, y: m.linalg.solve(x, y), square(3), normal(3))
    beside(lambda m, x, y: m.linalg.solve(x, y), square(3), normal(3, 5))
    beside(lambda m, x, y: m.linalg.solve(x, y), square(3, 4), normal(4, 3))
    beside(lambda m, x, y: m.linalg.solve(x, y), square(3, 4), normal(3))
    beside(lambda m, x, y: m.linalg.solve(x, y), COMPLEX, complex_normal(3, 2), second=False)
    beside(lambda m, x, y: m.linalg.solve(x, y), np.zeros((0, 0)), np.zeros((0, 2)), derivative=False)


@pytest.mark.parametrize(("m", "n"), [(4, 2), (2, 4), (3, 3)])
def test_pseudo_inverses(m, n):
    beside(lambda t, x: t.linalg.pinv(x), normal(m, n))
    beside(lambda t, x: t.linalg.pinv(x), complex_normal(m, n), second=False)
    beside(lambda t, x: t.linalg.pinv(x, rtol=0.5), normal(m, n), derivative=False)
    beside(lambda t, x: t.linalg.pinv(x, atol=1.0), normal(m, n), derivative=False)
    beside(lambda t, x: t.linalg.pinv(x, 0.5), normal(2, m, n), derivative=False)
    beside(lambda t, x: t.linalg.pinv(x, atol=1.0), normal(2, m, n), derivative=False)
    beside(lambda t, x: t.linalg.pinv(x), SINGULAR, derivative=False)


@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
@pytest.mark.parametrize(("m", "n"), [(4, 2), (2, 4), (3, 3)])
def test_least_squares(m, n, driver):
    beside(lambda t, a, b: t.linalg.lstsq(a, b, driver=driver), normal(m, n), normal(m, 2, seed=1), derivative=False)
    beside(lambda t, a, b: t.linalg.lstsq(a, b, driver=driver)[0], normal(m, n), normal(m, 2, seed=1), second=False)
    beside(lambda t, a, b: t.linalg.lstsq(a, b, driver=driver), normal(3, m, n), normal(3, m, seed=1), derivative=False)
    beside(lambda t, a, b: t.linalg.lstsq(a, b, driver=driver)[0], complex_normal(m, n), complex_normal(m, 1), second=False)


def test_least_squares_of_less_than_full_rank():
    beside(lambda t, a, b: t.linalg.lstsq(a, b), SINGULAR, normal(2, 1), derivative=False)
    beside(lambda t, a, b: t.linalg.lstsq(a, b, driver="gelsd"), normal(4, 1) @ normal(1, 2), normal(4, 1), derivative=False)
    beside(lambda t, a, b: t.linalg.lstsq(a, b, rcond=0.9, driver="gelsd"), normal(4, 2), normal(4, 1), derivative=False)


def test_ranks():
    beside(lambda m, x: m.linalg.matrix_rank(x), SINGULAR, derivative=False)
    beside(lambda m, x: m.linalg.matrix_rank(x), normal(2, 3, 4), derivative=False)
    beside(lambda m, x: m.linalg.matrix_rank(x, atol=1.0), normal(3, 4), derivative=False)
    beside(lambda m, x: m.linalg.matrix_rank(x, rtol=0.5), normal(3, 4), derivative=False)
    beside(lambda m, x: m.linalg.matrix_rank(x, 1.0), normal(3, 4), derivative=False)
    beside(lambda m, x: m.linalg.matrix_rank(x), np.zeros((0, 3)), derivative=False)


def test_negative_powers():
    beside(lambda m, x: m.matrix_power(x, -2), square(3))
    beside(lambda m, x: m.linalg.matrix_power(x, -1), square(3, 2))
    raises_as_peer(lambda m, x: m.matrix_power(x, -1), SINGULAR)


@pytest.mark.parametrize(
    ("wrong", "shapes"),
    [
        (lambda m, x: m.linalg.inv(x), [(2, 3)]),
        (lambda m, x: m.linalg.inv(x), [(3,)]),
        (lambda m, x: m.linalg.det(x), [(2, 3)]),
        (lambda m, x, y: m.linalg.solve(x, y), [(2, 2), (3,)]),
        (lambda m, x, y: m.linalg.solve(x, y), [(2, 2), (3, 2)]),
        (lambda m, x, y: m.linalg.solve(x, y), [(2, 3), (3, 2)]),
        (lambda m, x, y: m.linalg.solve(x, y, left=False), [(2, 2), (2, 3)]),
        (lambda m, x, y: m.linalg.solve_triangular(x, y, upper=True), [(2, 2), (2,)]),
        (lambda m, x, y: m.linalg.lstsq(x, y), [(3, 2), (2, 1)]),
        (lambda m, x, y: m.linalg.lstsq(x, y, driver="best"), [(3, 2), (3, 1)]),
    ],
)
def test_wrong_arguments_are_errors(wrong, shapes):
    raises_as_peer(wrong, *[normal(*shape) for shape in shapes])


def test_singular_matrices_are_errors():
    for name in ("inv", "solve"):
        arguments = [tensor(SINGULAR), tensor(np.ones(2))][: 1 + (name == "solve")]
        with pytest.raises(linalg.LinAlgError, match="singular"):
            array(getattr(linalg, name)(*arguments))


def test_other_dtypes_are_errors():
    for dtype in (np.int64, np.float16):
        raises_as_peer(lambda m, x: m.linalg.inv(x), np.eye(2).astype(dtype))
    raises_as_peer(lambda m, x, y: m.linalg.solve(x, y), np.eye(2), np.eye(2, dtype=np.float32))
