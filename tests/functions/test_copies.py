"""Views by name, as copies."""

from __future__ import annotations

import pytest

import wengert as w
from tests.functions.peer import beside, normal

CASES = {
    "expand_copy": lambda t, x: t.expand_copy(x, (2, 3, 4)),
    "permute_copy": lambda t, x: t.permute_copy(x, (1, 0)),
    "split_copy": lambda t, x: t.split_copy(x, 2),
    "unbind_copy": lambda t, x: t.unbind_copy(x, 1),
    "view_copy": lambda t, x: t.view_copy(x, (12,)),
    "unfold_copy": lambda t, x: t.unfold_copy(x, 1, 2, 1),
    "diagonal_copy": lambda t, x: t.diagonal_copy(x),
    "squeeze_copy": lambda t, x: t.squeeze_copy(x),
    "slice of as_strided": lambda t, x: t.as_strided_copy(x, (2, 2), (1, 2)),
}


@pytest.mark.parametrize("name", CASES)
def test_copies(name):
    beside(CASES[name], normal(3, 4))


def test_a_copy_shares_nothing():
    x = w.zeros(2, 2)
    w.t_copy(x).fill_(1.0)
    assert x.sum().item() == 0
