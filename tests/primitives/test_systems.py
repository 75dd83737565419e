"""Linear systems: what the battery does not draw, singular and empty matrices among it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes import given, value, vjp
from wengert.errors import LinAlgError, ShapeError
from wengert.primitives.control import element
from wengert.primitives.systems import cofactors, det, inv, slogdet, solve, solve_triangular

SINGULAR = np.array([[1.0, 2], [2, 4]])


def minors(x):
    """Cofactors by their definition."""
    n = len(x)
    found = np.zeros_like(x)
    for i in range(n):
        for j in range(n):
            rest = np.delete(np.delete(x, i, 0), j, 1)
            found[i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    return found


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("complex", [False, True])
def test_cofactors_exist_at_every_rank(rank, complex):
    random = np.random.default_rng(rank)
    a, b = random.standard_normal((3, 4)), random.standard_normal((4, 3))
    x = a[:, :rank] @ b[:rank] + (1j * a[:, :rank] @ b[:rank][:, ::-1] if complex else 0)
    np.testing.assert_allclose(value(cofactors(given(x))), minors(x), atol=1e-12)
    (bar,) = vjp(det, [x])
    np.testing.assert_allclose(bar, minors(x).conj(), atol=1e-12)


@pytest.mark.parametrize("function", [inv, lambda x: solve(x, given(np.eye(2)))])
def test_singular_matrices_are_errors(function):
    with pytest.raises(LinAlgError, match="singular"):
        value(function(given(SINGULAR)))


def test_a_zero_on_the_diagonal_of_a_triangle_is_an_error():
    with pytest.raises(LinAlgError, match="diagonal"):
        value(solve_triangular(given(np.array([[0.0, 1], [0, 1]])), given(np.eye(2)), upper=True))


def test_the_determinant_of_a_singular_matrix():
    assert value(det(given(SINGULAR))) == 0
    y = slogdet(given(SINGULAR))
    assert value(element(y, index=0)) == 0 and value(element(y, index=1)) == -np.inf


def test_empty_matrices():
    x = given(np.zeros((0, 0)))
    assert value(det(x)) == 1 and value(inv(x)).shape == (0, 0) and value(cofactors(x)).shape == (0, 0)


def test_shapes_that_do_not_fit_are_errors():
    with pytest.raises(ShapeError, match="square"):
        inv(given(np.ones((2, 3))))
    with pytest.raises(ShapeError, match="B"):
        solve(given(np.eye(2)), given(np.ones((3, 1))))
