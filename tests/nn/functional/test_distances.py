import numpy as np
import pytest

from tests.functions.peer import normal
from tests.nn.peer import beside, raises_as_peer


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, 0.5, float("inf")])
def test_normalize_agrees(order):
    beside(lambda F, x: F.normalize(x, order), normal(3, 4), second=order != 0.5)
    beside(lambda F, x: F.normalize(x, order, dim=0), normal(3, 4), second=False)


def test_normalize_of_nothing_but_zeros():
    beside(lambda F, x: F.normalize(x), np.zeros((2, 3)), second=False)


@pytest.mark.parametrize(
    ("first", "second", "dim"), [((3, 4), (3, 4), 1), ((3, 4), (4,), 1), ((2, 3, 4), (2, 1, 4), 2)]
)
def test_cosine_similarity_agrees(first, second, dim):
    beside(lambda F, a, b: F.cosine_similarity(a, b, dim), normal(*first), normal(*second, seed=1))


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("keepdim", [True, False])
def test_pairwise_distance_agrees(order, keepdim):
    call = lambda F, a, b: F.pairwise_distance(a, b, order, keepdim=keepdim)
    beside(call, normal(3, 4), normal(3, 4, seed=1), second=order == 2)
    beside(call, normal(3, 4), normal(4, seed=1), second=False)
    beside(call, normal(4), normal(4, seed=1), second=False)
    if not keepdim:
        beside(call, normal(), normal(seed=1), second=False)


def test_pdist_agrees():
    beside(lambda F, x: F.pdist(x), normal(4, 3), second=False)


@pytest.mark.parametrize(
    "call",
    [
        lambda nn, x: nn.functional.cosine_similarity(x, x, 5),
        lambda nn, x: nn.functional.cosine_similarity(x, x[:, :2]),
        lambda nn, x: nn.functional.pairwise_distance(x, x[:2]),
        lambda nn, x: nn.functional.normalize(x, dim=3),
        lambda nn, x: nn.functional.pdist(x[0]),
    ],
)
def test_wrong_input_is_refused(call):
    raises_as_peer(call, normal(3, 4))
