"""Histograms and distinct elements, beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import INF, NAN, array, beside, normal, ours, raises_as_peer, tensor
from wengert.autograd.backward import grad

TABLE = np.array([[1.0, 2, 2], [3, 0, 3]])


def test_bincount():
    x = np.array([1, 1, 3, 0, 5])
    beside(lambda m, x: m.bincount(x), x)
    beside(lambda m, x: m.bincount(x, minlength=9), x.astype(np.int32))
    for dtype in ("float32", "float64", "int64", "float16"):
        beside(lambda m, x, w: m.bincount(x, w), x, np.arange(5).astype(dtype), derivative=False)
    beside(lambda m, x: m.bincount(x, minlength=3), np.zeros(0, np.int64))
    raises_as_peer(lambda m, x: m.bincount(x), np.array([[1]]))
    raises_as_peer(lambda m, x: m.bincount(x), np.array([1, -1]))
    raises_as_peer(lambda m, x: m.bincount(x), np.array([1.0]))
    raises_as_peer(lambda m, x: m.bincount(x, minlength=-1), x)
    raises_as_peer(lambda m, x, w: m.bincount(x, w), x, np.ones(2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_histc(dtype):
    x = normal(200).astype(dtype)
    beside(lambda m, x: m.histc(x, 7), x, derivative=False)
    beside(lambda m, x: m.histc(x, 7, -1, 1.5), x, derivative=False)
    beside(lambda m, x: m.histc(x, bins=4, min=0, max=3), np.array([NAN, 0, 3, 5, -1, 1], dtype), derivative=False)
    beside(lambda m, x: m.histc(x, 4), np.ones(3, dtype), derivative=False)
    beside(lambda m, x: m.histc(x, 4), np.zeros((0, 2), dtype), derivative=False)
    beside(lambda m, x: m.histc(x, 4, 0, 2), TABLE.astype(dtype), derivative=False)
    raises_as_peer(lambda m, x: m.histc(x, 4), np.array([NAN, 1], dtype))
    raises_as_peer(lambda m, x: m.histc(x, 4, 0, INF), x)
    raises_as_peer(lambda m, x: m.histc(x, 0), x)
    raises_as_peer(lambda m, x: m.histc(x, 4, 2, 1), x)
    raises_as_peer(lambda m, x: m.histc(x, 4), np.array([1, 2]))


def test_histogram():
    x = normal(100)
    beside(lambda m, x: m.histogram(x, 6), x, derivative=False)
    beside(lambda m, x: m.histogram(x, 6, range=(-1.0, 2.0), density=True), x, derivative=False)
    beside(lambda m, x, w: m.histogram(x, 4, weight=w), TABLE, TABLE + 1, derivative=False)
    beside(lambda m, x, e: m.histogram(x, e), TABLE, np.array([0.0, 1, 2.5]), derivative=False)
    beside(lambda m, x: m.histogram(x, 5), TABLE.astype(np.float32), derivative=False)
    raises_as_peer(lambda m, x: m.histogram(x, 4), np.array([1, 2]))
    raises_as_peer(lambda m, x: m.histogram(x, 0), x)


@pytest.mark.parametrize("dim", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["unique", "unique_consecutive"])
def test_distinct_elements(name, dim):
    x = np.array([[1, 2, 2, 1], [1, 2, 2, 1], [3, 0, 0, 0]])
    f = lambda m, *args, **kwargs: getattr(m, name)(*args, dim=dim, **kwargs)
    beside(lambda m, x: f(m, x), x)
    beside(lambda m, x: f(m, x, return_inverse=True), x)
    beside(lambda m, x: f(m, x, return_inverse=True, return_counts=True), x.astype(float), derivative=False)
    beside(lambda m, x: f(m, x, return_counts=True), x > 1)


@pytest.mark.parametrize("name", ["unique", "unique_consecutive"])
def test_distinct_elements_of_nothing(name):
    f = lambda m, x: getattr(m, name)(x, return_inverse=True, return_counts=True)
    beside(f, np.zeros((2, 0)), derivative=False)
    beside(f, np.zeros(0, np.int64))


def test_distinct_elements_of_numbers_and_nan():
    beside(lambda m, x: m.unique(x, return_inverse=True, return_counts=True), np.float64(3), derivative=False)
    beside(lambda m, x: m.unique(x), np.array([NAN, 1, NAN, 1]), derivative=False)
    beside(lambda m, x: m.unique_consecutive(x), np.array([1, 1, NAN, NAN]), derivative=False)
    beside(lambda m, x: m.unique(x, False, True), np.array([3, 1, 2, 1]))


def test_the_derivative_of_a_distinct_element_goes_to_its_first_place():
    x = tensor([4.0, 0, 4], requires_grad=True)
    (g,) = grad([ours.sum(ours.mul(ours.unique(x), tensor([1.0, 2.0])))], [x])
    np.testing.assert_array_equal(array(g), [2, 1, 0])
