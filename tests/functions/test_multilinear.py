"""Chains, powers, tensordot, Kronecker's product, traces and vector products, beside PyTorch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tests.functions.peer import beside, complex_normal, normal, ours, raises_as_peer, tensor
from wengert.graph.record import separate_tape


def test_chains():
    factors = [normal(2, 5), normal(5, 3, seed=1), normal(3, 7, seed=2), normal(7, 1, seed=3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch calls the name old
        for n in (1, 2, 3, 4):
            beside(lambda m, *xs: m.chain_matmul(*xs), *factors[:n])
    with pytest.raises(RuntimeError, match="one or more"):
        ours.chain_matmul()


def test_a_chain_is_multiplied_in_the_cheapest_order():
    tall, wide, column = tensor(normal(100, 2)), tensor(normal(2, 100)), tensor(normal(100, 1))
    with separate_tape() as tape:
        ours.chain_matmul(tall, wide, column)
    assert [node.shape for node in tape if node.primitive.name == "dot"] == [(2, 1), (100, 1)]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 8])
def test_powers(n):
    beside(lambda m, x: m.matrix_power(x, n), normal(3, 3))
    beside(lambda m, x: m.matrix_power(x, n), normal(2, 3, 3), second=False)
    beside(lambda m, x: m.matrix_power(x, n), np.array([[1, 2], [3, 4]]))


def test_only_square_matrices_have_powers():
    raises_as_peer(lambda m, x: m.matrix_power(x, 2), np.ones((2, 3)))
    raises_as_peer(lambda m, x: m.matrix_power(x, 2), np.ones(3))


@pytest.mark.parametrize("dims", [0, 1, 2, ([1, 2], [0, 1]), ([-1], [1]), ([2, 1], [1, 0]), ([], [])])
def test_tensordot(dims):
    b = {1: normal(4, 3), 2: normal(3, 4), 0: normal(2)}.get(dims if isinstance(dims, int) else -1, normal(3, 4, 2))
    beside(lambda m, x, y: m.tensordot(x, y, dims), normal(2, 3, 4), b)


def test_tensordot_with_wrong_dimensions():
    x = np.ones((2, 3))
    for dims in (3, -1, ([0], [1]), ([0, 1], [0]), ([5], [0])):
        raises_as_peer(lambda m, a, b, dims=dims: m.tensordot(a, b, dims), x, x)


@pytest.mark.parametrize(("a", "b"), [((2, 3), (4,)), ((2,), (3,)), ((2, 3), (3, 2)), ((), (2,)), ((2, 1, 3), (2, 2))])
def test_kron(a, b):
    beside(lambda m, x, y: m.kron(x, y), normal(*a), normal(*b, seed=1))
    beside(lambda m, x, y: m.kron(x, y), np.ones(a, np.int64), normal(*b, dtype=np.float32))


def test_traces():
    beside(lambda m, x: m.trace(x), normal(3, 4))
    beside(lambda m, x: m.trace(x), complex_normal(3, 3))
    beside(lambda m, x: m.trace(x), np.array([[1, 2], [3, 4]], np.int32))
    beside(lambda m, x: m.trace(x), np.zeros((0, 3)))
    raises_as_peer(lambda m, x: m.trace(x), np.ones(3))
    raises_as_peer(lambda m, x: m.trace(x), np.ones((2, 2), bool))


def test_vector_products():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch wants the dimension named
        beside(lambda m, x, y: m.cross(x, y), normal(3), normal(3, seed=1))
        beside(lambda m, x, y: m.cross(x, y), normal(2, 3), normal(2, 3, seed=1))
        raises_as_peer(lambda m, x, y: m.cross(x, y), np.ones((2, 2)), np.ones((2, 2)))
    beside(lambda m, x, y: m.cross(x, y, dim=0), normal(3, 4), normal(3, 1, seed=1))
    beside(lambda m, x, y: m.cross(x, y, dim=-1), complex_normal(2, 3), complex_normal(2, 3, seed=1))
    raises_as_peer(lambda m, x, y: m.cross(x, y, dim=0), np.ones((2, 3)), np.ones((2, 3)))
    raises_as_peer(lambda m, x, y: m.cross(x, y, dim=1), np.ones((2, 3)), np.ones(3))
