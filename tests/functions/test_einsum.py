"""einsum beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.functions.peer import beside, complex_normal, normal, ours, raises_as_peer, tensor
from wengert.graph.record import separate_tape

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,kj->ik", (2, 3), (4, 3)),
    ("ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ji", (3, 3, 2)),
    ("iii->i", (3, 3, 3)),
    ("i,i->", (3,), (3,)),
    ("i,j->ij", (3,), (2,)),
    ("i,i->i", (3,), (3,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bij,bjk->kib", (2, 3, 4), (2, 4, 5)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("...j,...j->...", (2, 3), (2, 3)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...ij,...jk", (5, 2, 3), (1, 3, 4)),
    ("...j,j", (2, 3), (3,)),
    ("i...->i", (2, 3, 4)),
    ("i...->...i", (2, 3, 4)),
    ("i->i...", (3,)),
    ("ij...,...k->i", (2, 3, 4), (4, 5)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ij,jk,kl", (2, 3), (3, 4), (4, 5)),
    ("ij,ik,il->jkl", (2, 3), (2, 4), (2, 5)),
    ("a,ab,abc->abc", (2,), (2, 3), (2, 3, 4)),
    ("ij,j", (2, 3), (1,)),
    ("ij,jk", (2, 1), (3, 4)),
    ("bi,bi->b", (1, 3), (4, 3)),
    ("i,j,k->", (2,), (3,), (4,)),
    ("Ab,bA->", (2, 3), (3, 2)),
    ("aB", (2, 3)),
    (",", (), ()),
    ("->", ()),
    (",i->i", (), (3,)),
    ("i j , j -> i", (2, 3), (3,)),
    ("ijk,ijk->", (2, 3, 4), (2, 3, 4)),
    ("ij,ij->ji", (2, 3), (2, 3)),
    ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)),
    ("nlhd,nshd->nhls", (2, 3, 2, 4), (2, 5, 2, 4)),
    ("ijkl,lk->ij", (2, 3, 4, 5), (5, 4)),
]


@pytest.mark.parametrize(("equation", "shapes"), [(e, s) for e, *s in EQUATIONS], ids=[e for e, *_ in EQUATIONS])
def test_equations(equation, shapes):
    values = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    beside(lambda m, *xs: m.einsum(equation, *xs), *values)


def test_complex_operands():
    beside(lambda m, x, y: m.einsum("ij,jk->ik", x, y), complex_normal(2, 3), complex_normal(3, 2, seed=1))


def test_integers_and_a_list_of_operands():
    beside(lambda m, x, y: m.einsum("ij,j->i", [x, y]), np.array([[1, 2], [3, 4]]), np.array([5, 6]))


def test_subscript_lists():
    x, v = normal(2, 3), normal(3)
    beside(lambda m, x, v: m.einsum(x, [0, 1], v, [1], [0]), x, v)
    beside(lambda m, x, v: m.einsum(x, [0, 1], v, [1]), x, v)
    beside(lambda m, x, v: m.einsum(x, [..., 1], v, [1]), x, v)
    beside(lambda m, x: m.einsum(x, [30, 2]), x)
    beside(lambda m, x: m.einsum(x, [..., 0], [0, ...]), x)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk", [(2, 3), (2, 3)]),
        ("ij->ijk", [(2, 3)]),
        ("ij->ii", [(2, 3)]),
        ("ijk", [(2, 3)]),
        ("i", [(2, 3)]),
        ("ij,ij", [(2, 3)]),
        ("i%", [(2, 3)]),
        ("i->j->k", [(2,)]),
        ("ii->i", [(2, 3)]),
        ("ii->i", [(1, 3)]),
        ("i......", [(2, 3)]),
        ("ijk...", [(2, 3)]),
    ],
)
def test_equations_that_do_not_fit_are_errors(equation, shapes):
    raises_as_peer(lambda m, *xs: m.einsum(equation, *xs), *[np.ones(shape) for shape in shapes])


def test_integers_are_summed_in_int64():
    x = wengert.ones(2, 3, dtype=wengert.uint8)
    for equation, n in (("ij->j", 1), ("ij,k->k", 2), ("ij->ij", 1)):
        wanted = wengert.uint8 if equation.endswith("ij") else wengert.int64
        assert ours.einsum(equation, *(x, x[0])[:n]).dtype is wanted


def test_missing_operands_are_errors():
    raises_as_peer(lambda m, x: m.einsum("ij"), np.ones(1))
    raises_as_peer(lambda m, x: m.einsum(x), np.ones(1))
    raises_as_peer(lambda m, x: m.einsum(x, [0, 60]), np.ones((1, 1)))
    raises_as_peer(lambda m, x, y: m.einsum("i,i", x, y), np.ones(2), np.ones(2, np.int64))


def test_contractions_are_products_of_matrices():
    q, k = tensor(normal(2, 3, 4, 5)), tensor(normal(2, 3, 6, 5))
    with separate_tape() as tape:
        ours.einsum("bhqd,bhkd->bhqk", q, k)
    names = [node.primitive.name for node in tape]
    assert names.count("dot") == 1 and "mul" not in names
