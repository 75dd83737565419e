"""Products of matrices and vectors, beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import NAN, array, beside, complex_normal, normal, ours, raises_as_peer, tensor
from wengert.functions.products import METHODS
from wengert.graph.record import separate_tape

RANKS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((6, 5, 2, 3), (1, 5, 3, 1)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2, 3), (3, 4)),
    ((4, 0), (0,)),
    ((1, 1), (1, 1)),
]


@pytest.mark.parametrize(("a", "b"), RANKS)
def test_every_rank(a, b):
    beside(lambda m, x, y: m.matmul(x, y), normal(*a), normal(*b, seed=1))


def test_complex_and_integer_matrices():
    for a, b in RANKS[:8]:
        beside(lambda m, x, y: m.matmul(x, y), complex_normal(*a), complex_normal(*b, seed=1))
    beside(lambda m, x, y: m.matmul(x, y), np.array([[1, 2], [3, 4]]), np.array([[5], [6]]))
    beside(lambda m, x, y: m.matmul(x, y), normal(4, 5, dtype=np.float16), normal(5, 3, dtype=np.float16), second=False)


def test_a_batch_times_a_matrix_is_one_tall_product():
    x, w = tensor(normal(4, 5, 3)), tensor(normal(3, 2))
    with separate_tape() as tape:
        ours.matmul(x, w)
    assert [node.primitive.name for node in tape] == ["reshape", "dot", "reshape"]
    with separate_tape() as tape:
        ours.matmul(tensor(normal(4, 3)), w)
    assert [node.primitive.name for node in tape] == ["dot"]


MATRIX, VECTOR = normal(2, 3), normal(3, seed=2)
BATCH = normal(4, 2, 3, seed=3)


def test_one_rank_at_a_time():
    beside(lambda m, x, y: m.mm(x, y), MATRIX, normal(3, 5))
    beside(lambda m, x, y: m.bmm(x, y), BATCH, normal(4, 3, 2))
    beside(lambda m, x, y: m.mv(x, y), MATRIX, VECTOR)
    beside(lambda m, x, y: m.dot(x, y), VECTOR, normal(3))
    beside(lambda m, x, y: m.vdot(x, y), complex_normal(3), complex_normal(3, seed=1))
    beside(lambda m, x, y: m.vdot(x, y), VECTOR, normal(3))
    beside(lambda m, x, y: m.outer(x, y), VECTOR, normal(4))
    beside(lambda m, x, y: m.ger(x, y), VECTOR, np.array([1, 2]))
    beside(lambda m, x, y: m.dot(x, y), np.zeros(0), np.zeros(0))


@pytest.mark.parametrize(("a", "b"), [((2, 3), (3,)), ((2, 3), (4, 3)), ((3,), (3,)), ((2, 5, 3), (4, 3)), ((), (2, 3))])
def test_inner(a, b):
    beside(lambda m, x, y: m.inner(x, y), normal(*a), normal(*b, seed=1))


@pytest.mark.parametrize("weights", [{}, {"beta": 2, "alpha": 0.5}, {"beta": 0}, {"alpha": 0}])
def test_added_products(weights):
    square = normal(2, 2)
    beside(lambda m, c, x, y: m.addmm(c, x, y, **weights), square, MATRIX, normal(3, 2))
    beside(lambda m, c, x, y: m.addmm(c, x, y, **weights), normal(2), MATRIX, normal(3, 2))
    beside(lambda m, c, x, y: m.addmv(c, x, y, **weights), normal(2), MATRIX, VECTOR)
    beside(lambda m, c, x, y: m.addbmm(c, x, y, **weights), square, BATCH, normal(4, 3, 2))
    beside(lambda m, c, x, y: m.baddbmm(c, x, y, **weights), square, BATCH, normal(4, 3, 2))
    beside(lambda m, c, x, y: m.addr(c, x, y, **weights), normal(3, 4), VECTOR, normal(4))
    beside(lambda m, c, x, y: m.addmm(c, x, y, **weights), np.float64(3), MATRIX, normal(3, 2))


def test_with_beta_0_the_input_does_not_matter():
    y = ours.addmm(tensor(np.full((2, 2), NAN)), tensor(MATRIX), tensor(normal(3, 2)), beta=0)
    assert np.isfinite(array(y)).all()


@pytest.mark.parametrize(
    ("wrong", "shapes"),
    [
        (lambda m, x, y: m.matmul(x, y), [(2, 3), (2, 3)]),
        (lambda m, x, y: m.matmul(x, y), [(3,), (2, 3)]),
        (lambda m, x, y: m.matmul(x, y), [(2, 3), (2,)]),
        (lambda m, x, y: m.matmul(x, y), [(2, 3), ()]),
        (lambda m, x, y: m.matmul(x, y), [(2, 2, 3), (4, 3, 5)]),
        (lambda m, x, y: m.matmul(x, y), [(4, 2, 3), (2, 5)]),
        (lambda m, x, y: m.mm(x, y), [(2, 3), (3,)]),
        (lambda m, x, y: m.bmm(x, y), [(2, 3), (3, 2)]),
        (lambda m, x, y: m.bmm(x, y), [(2, 2, 3), (3, 3, 2)]),
        (lambda m, x, y: m.mv(x, y), [(2, 3), (3, 1)]),
        (lambda m, x, y: m.mv(x, y), [(2, 3), (2,)]),
        (lambda m, x, y: m.dot(x, y), [(3,), (2,)]),
        (lambda m, x, y: m.dot(x, y), [(3,), (1, 3)]),
        (lambda m, x, y: m.inner(x, y), [(2, 3), (2,)]),
        (lambda m, x, y: m.outer(x, y), [(2, 3), (2,)]),
        (lambda m, x, y: m.addmm(m.sum(x, 0), x, y), [(2, 3), (3, 2)]),
        (lambda m, x, y: m.addmv(y, x, y), [(2, 3), (3,)]),
        (lambda m, x, y: m.addbmm(x, x, y), [(2, 2, 3), (3, 3, 2)]),
    ],
)
def test_sizes_that_do_not_meet_are_errors(wrong, shapes):
    raises_as_peer(wrong, *[np.ones(shape) for shape in shapes])


def test_dtypes_that_differ_are_errors():
    for name in ("matmul", "mm"):
        raises_as_peer(lambda m, x, y, name=name: getattr(m, name)(x, y), np.ones((2, 2)), np.ones((2, 2), np.float32))
    raises_as_peer(lambda m, x, y: m.matmul(x, y), np.ones((2, 2), bool), np.ones((2, 2), bool))
    raises_as_peer(lambda m, x, y: m.dot(x, y), np.ones(2), np.ones(2, np.int64))
    raises_as_peer(lambda m, c, x: m.addmm(c, x, x), np.ones((2, 2), np.float32), np.ones((2, 2)))
    with pytest.raises(RuntimeError, match="integer alpha"):
        ours.addr(tensor([[1]]), tensor([1]), tensor([1]), alpha=0.5)


def test_factors_of_integers_lose_their_fractions():
    x, y = ours.arange(4).reshape(2, 2), ours.full((2, 2), 2)
    assert ours.addmm(x, y, y, beta=1.6, alpha=2.7).tolist() == [[16, 17], [18, 19]]
    assert ours.addbmm(x, y.expand(3, 2, 2), y.expand(3, 2, 2), beta=0.6).tolist() == [[24, 24], [24, 24]]
    assert ours.addmv(x[0], y, x[1], alpha=0.5).tolist() == [0, 1]


def test_an_error_shows_both_shapes_and_the_remedy():
    with pytest.raises(RuntimeError, match=r"3 != 2; got \[4, 2, 3\] and \[2, 3\]\. Did you mean other\.mT\?"):
        ours.matmul(tensor(np.ones((4, 2, 3))), tensor(np.ones((2, 3))))


def test_the_operator_leaves_other_operands_to_python():
    x = tensor(MATRIX)
    assert METHODS["__matmul__"](x, 2) is NotImplemented
    assert METHODS["__rmatmul__"](x, 2) is NotImplemented
    np.testing.assert_allclose(array(METHODS["__rmatmul__"](x, tensor(MATRIX.T))), MATRIX.T @ MATRIX)
