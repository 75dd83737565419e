"""Norms and distances, beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import INF, array, beside, complex_normal, normal, ours, raises_as_peer, tensor
from wengert.autograd.backward import grad

TABLE = normal(3, 4)
ORDERS = [2, 1, 0, 3, 0.5, 1.5, -1, -2.5, INF, -INF, "fro", None]


@pytest.mark.parametrize("order", ORDERS)
def test_norms(order):
    beside(lambda m, x: m.norm(x, order), TABLE)
    beside(lambda m, x: m.norm(x, order, 1), TABLE)
    beside(lambda m, x: m.norm(x, p=order, dim=0, keepdim=True), TABLE)
    beside(lambda m, x: m.norm(x, order, (0, 2)), normal(2, 3, 4))
    beside(lambda m, x: m.norm(x, order), complex_normal(2, 3), second=False)
    beside(lambda m, x: m.norm(x, order, dim=-1), np.float64(-3), derivative=False)


@pytest.mark.parametrize("order", [2, 1, 3, 0.5, 1.5, INF, -INF])
def test_the_derivative_of_a_norm_of_zeros_is_0(order):
    beside(lambda m, x: m.norm(x, order), np.zeros(3), second=False)
    beside(lambda m, x: m.norm(x, order, 1), [[0.0, 2, -2], [1, 0, 3], [0, 0, 0]], second=False)


def test_a_negative_order_with_a_zero():
    beside(lambda m, x: m.norm(x, -1), [2.0, 1, 0], second=False)


def test_other_forms():
    beside(lambda m, x: m.norm(x), TABLE)
    beside(lambda m, x: m.norm(x, dtype=m.float64), TABLE.astype(np.float32))
    beside(lambda m, x: m.norm(x, 3), TABLE.astype(np.float16), second=False)
    beside(lambda m, x: m.norm(x), np.zeros((0, 3)), derivative=False)
    beside(lambda m, x: m.norm(x, dim=1), np.zeros((0, 3)), derivative=False)
    raises_as_peer(lambda m, x: m.norm(x), np.array([1, 2]))
    raises_as_peer(lambda m, x: m.norm(x, INF), np.zeros((0, 3)))
    raises_as_peer(lambda m, x: m.norm(x, p="abc"), TABLE)
    raises_as_peer(lambda m, x: m.norm(x, [1]), TABLE)
    raises_as_peer(lambda m, x: m.norm(x, 2, 5), TABLE)


def test_distances():
    for p in (2, 1, 0, 3.5, INF):
        beside(lambda m, x, y, p=p: m.dist(x, y, p), TABLE, normal(4, seed=1), derivative=p != 0)
    beside(lambda m, x: m.dist(x, x), TABLE, second=False)


@pytest.mark.parametrize("p", [1, 3, 0.5, INF, 2])
def test_renorm(p):
    beside(lambda m, x: m.renorm(x, p, 0, 1.0), [[3.0, 4], [0.1, 0.2], [0, 0]], second=False)
    beside(lambda m, x: m.renorm(x, p, -1, 0.7), normal(2, 3, 4), second=False)
    raises_as_peer(lambda m, x: m.renorm(x, p, 0, 1.0), np.ones(3))
    raises_as_peer(lambda m, x: m.renorm(x, -p, 0, 1.0), TABLE)


@pytest.mark.parametrize("p", [2.0, 1.0, 0.0, 3.0, 0.5, INF])
def test_distances_between_rows(p):
    # PyTorch has no second derivative of cdist but for p = 2.
    beside(lambda m, x, y: m.cdist(x, y, p), TABLE, normal(5, 4, seed=1), second=False)
    beside(lambda m, x, y: m.cdist(x, y, p), normal(2, 1, 3, 4), normal(6, 5, 4, seed=1), second=False)
    beside(lambda m, x, y: m.cdist(x, y, p), np.zeros((0, 3)), normal(2, 3), derivative=False)
    beside(lambda m, x, y: m.cdist(x, y, p), np.zeros((2, 0)), np.zeros((3, 0)), derivative=False)
    beside(lambda m, x: m.cdist(x, x, p), [[0.0, 1], [1, 0.5], [0, 1]], second=False)
    torch = pytest.importorskip("torch")
    x = normal(5, 3)
    want = torch.nn.functional.pdist(torch.from_numpy(x), p)
    np.testing.assert_allclose(array(ours.pdist(tensor(x), p)), want.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "mode", ["use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"]
)
def test_ways_to_euclids_distance(mode):
    beside(lambda m, x, y: m.cdist(x, y, compute_mode=mode), normal(30, 4), normal(7, 4, seed=1), second=False)
    beside(lambda m, x, y: m.cdist(x, y, compute_mode=mode), normal(2, 30, 4), normal(7, 4, seed=1), second=False)


def test_a_row_is_at_distance_0_from_itself_with_derivative_0():
    x = tensor(np.round(normal(30, 3) * 8), requires_grad=True)  # whole numbers, so the product is exact
    d = ours.cdist(x, x)
    assert not np.diag(array(d)).any()
    (g,) = grad([ours.sum(d)], [x])
    assert np.isfinite(array(g)).all()


def test_wrong_rows_are_errors():
    raises_as_peer(lambda m, x, y: m.cdist(x, y), np.ones(3), TABLE)
    raises_as_peer(lambda m, x, y: m.cdist(x, y), np.ones((2, 3)), TABLE)
    raises_as_peer(lambda m, x: m.cdist(x, x), np.ones((2, 3), np.int64))
    raises_as_peer(lambda m, x, y: m.cdist(x, y), np.ones((2, 4), np.float32), TABLE)
    raises_as_peer(lambda m, x: m.cdist(x, x, p=-1.0), TABLE)
    with pytest.raises(RuntimeError, match="two dimensions"):
        ours.pdist(tensor(np.ones(3)))
