"""Order, beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import NAN, array, beside, normal, ours, raises_as_peer, tensor

CUBE = normal(2, 3, 5)
HOLES = np.array([[1.0, NAN, 3, -2, NAN], [5, 4, 3, 2, 1]])
TIES = np.array([[3, 1, 2, 1, 3], [0, 0, 5, 5, 0]])


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sorting(dim, descending):
    beside(lambda m, x: m.sort(x, dim, descending), CUBE)
    beside(lambda m, x: m.argsort(x, dim, descending), CUBE, derivative=False)
    for x in (HOLES, TIES, TIES.astype(float), TIES > 1, TIES.astype(np.float16)):
        beside(lambda m, x: m.sort(x, dim=min(dim, 1), descending=descending, stable=True), x, second=False)
        beside(lambda m, x: m.argsort(x, dim=min(dim, 1), descending=descending, stable=True), x, derivative=False)


def test_sorting_numbers_and_nothing():
    beside(lambda m, x: m.sort(x), np.float64(3))
    beside(lambda m, x: m.argsort(x), np.float64(3), derivative=False)
    beside(lambda m, x: m.sort(x, 1), np.zeros((2, 0)), derivative=False)
    beside(lambda m, x: m.msort(x), CUBE)
    assert ours.sort(tensor(CUBE)).values.shape == CUBE.shape


@pytest.mark.parametrize("largest", [False, True])
def test_the_largest(largest):
    for k in (0, 1, 3, 5):
        beside(lambda m, x, k=k: m.topk(x, k, largest=largest), CUBE)
    beside(lambda m, x: m.topk(x, 2, 1, largest), CUBE)
    beside(lambda m, x: m.topk(x, k=3, dim=-1, largest=largest, sorted=True), HOLES[1:], second=False)
    beside(lambda m, x: m.topk(x, 3, largest=largest)[0], HOLES, derivative=False)
    beside(lambda m, x: m.topk(x, 2, largest=largest), TIES, values_only=True)
    beside(lambda m, x: m.topk(x, 1), np.float64(3))
    beside(lambda m, x: m.topk(x, 0), np.float64(3))


def test_the_kth():
    for k in (1, 3, 5):
        beside(lambda m, x, k=k: m.kthvalue(x, k), CUBE)
    beside(lambda m, x: m.kthvalue(x, 2, 1, True), CUBE)
    beside(lambda m, x: m.kthvalue(x, 2), TIES, values_only=True)
    beside(lambda m, x: m.kthvalue(x, 4), HOLES, derivative=False, values_only=True)
    beside(lambda m, x: m.kthvalue(x, 1), np.float64(3))
    beside(lambda m, x: m.kthvalue(x, 1), np.zeros((0, 3)), derivative=False)
    x = tensor(TIES)
    values, indices = ours.kthvalue(x, 2)
    np.testing.assert_array_equal(np.take_along_axis(TIES, array(indices)[:, None], 1)[:, 0], array(values))


@pytest.mark.parametrize("right", [False, True])
def test_where_values_belong(right):
    s, rows = np.array([1.0, 3, 5, 5, 9]), np.sort(normal(2, 3, 6), -1)
    values = np.array([[0.0, 1, 5], [9, 10, 4]])
    beside(lambda m, s, v: m.searchsorted(s, v, right=right), s, values, derivative=False)
    beside(lambda m, s, v: m.searchsorted(s, v, right=right, out_int32=True), s, values, derivative=False)
    beside(lambda m, s, v: m.searchsorted(s, v, right=right), rows, normal(2, 3, 4), derivative=False)
    beside(lambda m, s: m.searchsorted(s, 5.0, right=right), s, derivative=False)
    beside(lambda m, s: m.searchsorted(s, 4.5, right=right), np.array([1, 3, 5]))
    beside(lambda m, s, v: m.searchsorted(s, v, side="right"), s, values, derivative=False)
    beside(lambda m, s, v, o: m.searchsorted(s, v, sorter=o), s[[2, 0, 1]], values, np.array([1, 2, 0]), derivative=False)
    beside(lambda m, s, v: m.bucketize(v, s, right=right), s, values, derivative=False)
    beside(lambda m, s: m.bucketize(2, s, right=right), np.array([1, 2]))
    beside(lambda m, s, v: m.searchsorted(s, v), s, np.zeros((0, 3)), derivative=False)
    beside(lambda m, s, v: m.searchsorted(s, v), np.zeros(0), values, derivative=False)


def test_membership():
    x = np.array([[1.0, 2, NAN], [0, 5, 2]])
    beside(lambda m, x, t: m.isin(x, t), x, np.array([2.0, 0, NAN]), derivative=False)
    beside(lambda m, x, t: m.isin(x, t, invert=True), x, np.array([[2, 0]]), derivative=False)
    beside(lambda m, x: m.isin(x, 2), x, derivative=False)
    beside(lambda m, x: m.isin(2, x), x, derivative=False)
    beside(lambda m, x, t: m.isin(x, t), x, np.zeros(0), derivative=False)
    beside(lambda m, x, t: m.isin(x, t), np.zeros(0), x, derivative=False)
    beside(lambda m, x, t: m.isin(x, t), np.array([3, 1]), np.array([1, 7]))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m, x: m.topk(x, 6),
        lambda m, x: m.topk(x, -1),
        lambda m, x: m.topk(m.gt(x, 0), 1),
        lambda m, x: m.topk(x, 1, 3),
        lambda m, x: m.kthvalue(x, 0),
        lambda m, x: m.kthvalue(x, 6),
        lambda m, x: m.sort(x, 3),
        lambda m, x: m.searchsorted(x, 1.0),
        lambda m, x: m.searchsorted(x, x[0] if m is not ours else m.sum(x, 0)),
        lambda m, x: m.bucketize(x, x),
        lambda m, x: m.isin(2, 2),
    ],
)
def test_wrong_arguments_are_errors(wrong):
    raises_as_peer(wrong, CUBE)


def test_sides_that_disagree_are_errors():
    raises_as_peer(lambda m, s, v: m.searchsorted(s, v, side="left", right=True), np.ones(2), np.ones(2))
    raises_as_peer(lambda m, s, v: m.searchsorted(s, v, sorter=v), np.ones(2), np.ones(2))
