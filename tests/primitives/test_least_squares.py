"""Least squares: what the battery does not draw."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes import given, value
from wengert.errors import LinAlgError, ShapeError
from wengert.primitives.least_squares import lstsq, pinv

SINGULAR = np.array([[1.0, 2], [2, 4]])
RCOND = given(np.float64(1e-10))


def test_of_all_least_squares_solutions_the_smallest():
    x = value(lstsq(given(SINGULAR), given(np.array([[1.0], [1]])), RCOND))
    np.testing.assert_allclose(x, np.linalg.pinv(SINGULAR) @ [[1], [1]])


def test_empty_matrices():
    assert value(pinv(given(np.zeros((0, 3))), RCOND)).shape == (3, 0)
    y = value(lstsq(given(np.zeros((0, 3))), given(np.zeros((0, 2))), RCOND))
    assert y.shape == (3, 2) and not y.any()


def test_a_tolerance_for_each_matrix():
    a = np.stack([np.diag([4.0, 1]), np.diag([4.0, 1])])
    y = value(pinv(given(a), given(np.array([0.1, 0.5]))))
    np.testing.assert_allclose(y, [np.diag([0.25, 1]), np.diag([0.25, 0])])


def test_wrong_arguments_are_errors():
    with pytest.raises(ShapeError, match="B"):
        lstsq(given(np.eye(2)), given(np.ones((3, 1))), given(np.float64(0)))
    with pytest.raises(LinAlgError, match="NaN"):
        value(pinv(given(np.full((2, 2), np.nan)), RCOND))
