"""`wengert.linalg`: norms, products and Vandermonde's matrix, beside PyTorch's `linalg`."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import INF, array, beside, complex_normal, normal, raises_as_peer, tensor
from wengert import linalg

TABLE = normal(3, 4)


@pytest.mark.parametrize("order", [2, 1, 0, 3, 0.5, -1, INF, -INF])
def test_vector_norms(order):
    beside(lambda m, x: m.linalg.vector_norm(x, order), TABLE)
    beside(lambda m, x: m.linalg.vector_norm(x, ord=order, dim=-1, keepdim=True), TABLE)
    beside(lambda m, x: m.linalg.norm(x, order, dim=1), TABLE)
    beside(lambda m, x: m.linalg.norm(x, order), TABLE[0])
    beside(lambda m, x: m.linalg.vector_norm(x, order, dtype=m.float64), TABLE.astype(np.float32))


@pytest.mark.parametrize("order", ["fro", 1, -1, INF, -INF, "nuc", 2, -2])
def test_matrix_norms(order):
    again = order not in ("nuc", 2, -2)
    beside(lambda m, x: m.linalg.matrix_norm(x, order), TABLE, second=again)
    beside(lambda m, x: m.linalg.matrix_norm(x, order), normal(2, 3, 4), second=False)
    beside(lambda m, x: m.linalg.matrix_norm(x, order, dim=(0, 2), keepdim=True), normal(2, 3, 4), second=False)
    beside(lambda m, x: m.linalg.norm(x, order, dim=(1, 0)), normal(2, 3, 4), second=False)
    beside(lambda m, x: m.linalg.norm(x, order), TABLE, second=False)
    beside(lambda m, x: m.linalg.matrix_norm(x, order), complex_normal(3, 3), second=False)


def test_the_norm_of_everything():
    beside(lambda m, x: m.linalg.norm(x), normal(2, 3, 4))
    beside(lambda m, x: m.linalg.norm(x, dim=(0, 1)), TABLE)
    beside(lambda m, x: m.linalg.norm(x, keepdim=True), TABLE)


def test_products():
    beside(lambda m, x, y: m.linalg.vecdot(x, y), TABLE, normal(4, seed=1))
    beside(lambda m, x, y: m.linalg.vecdot(x, y, dim=0), complex_normal(3, 4), complex_normal(3, 4, seed=1))
    beside(lambda m, x, y: m.linalg.cross(x, y), normal(2, 3), normal(2, 3, seed=1))
    beside(lambda m, x, y: m.linalg.cross(x, y, dim=0), normal(3, 2), normal(3, 1, seed=1))
    beside(lambda m, *xs: m.linalg.multi_dot(xs), normal(3), normal(3, 4), normal(4, 2), normal(2))
    beside(lambda m, *xs: m.linalg.multi_dot(xs), normal(3, 4), normal(4))
    beside(lambda m, x, y: m.linalg.matmul(x, y), TABLE, normal(4, 2))
    beside(lambda m, x: m.linalg.matrix_power(x, 3), normal(2, 2))


def test_vandermonde():
    beside(lambda m, x: m.linalg.vander(x), normal(4))
    beside(lambda m, x: m.linalg.vander(x, N=2), normal(2, 3))
    beside(lambda m, x: m.linalg.vander(x), np.array([1, 2, 3]))


def test_diagonals_are_views():
    beside(lambda m, x: m.linalg.diagonal(x, offset=1), normal(2, 3, 4))
    x = tensor(np.zeros((3, 3)))
    linalg.diagonal(x).fill_(2.0)
    np.testing.assert_array_equal(array(x), 2 * np.eye(3))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m, x: m.linalg.norm(x, 3),
        lambda m, x: m.linalg.norm(x, "fro", dim=0),
        lambda m, x: m.linalg.matrix_norm(x, 0),
        lambda m, x: m.linalg.matrix_norm(x, dim=(0, 0)),
        lambda m, x: m.linalg.matrix_norm(x[0]),
        lambda m, x: m.linalg.vector_norm(x, "fro"),
        lambda m, x: m.linalg.multi_dot([x]),
        lambda m, x: m.linalg.multi_dot([x, x[0], x]),
        lambda m, x: m.linalg.multi_dot([x, x, x]),
        lambda m, x: m.linalg.vecdot(x, x[0, :2]),
        lambda m, x: m.linalg.cross(x, x),
        lambda m, x: m.linalg.vander(x[0], N=0),
    ],
)
def test_wrong_arguments_are_errors(wrong):
    raises_as_peer(wrong, TABLE)
