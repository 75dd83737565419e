"""Running sums, differences and integrals, beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import NAN, beside, complex_normal, normal, raises_as_peer

CUBE = normal(2, 3, 4)
TABLE = np.array([[1.0, 3, 2], [3, 0, 3]])


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_running_sums_and_products(name, dim):
    beside(lambda m, x: getattr(m, name)(x, dim), CUBE)


def test_running_sums_of_other_dtypes():
    for dtype in ("bool", "uint8", "int32", "float32", "float16"):
        for name in ("cumsum", "cumprod"):
            x = np.array([[1, 0, 3], [2, 2, 1]]).astype(dtype)
            beside(lambda m, x, name=name: getattr(m, name)(x, 1), x, derivative=False)
            beside(lambda m, x, name=name: getattr(m, name)(x, 0, dtype=m.float64), x, derivative=False)
    beside(lambda m, x: m.cumsum(x, 0), complex_normal(3, 2))
    beside(lambda m, x: m.cumprod(x, 0), complex_normal(3, 2), second=False)
    for name in ("cumsum", "cumprod", "logcumsumexp"):
        beside(lambda m, x, name=name: getattr(m, name)(x, 0), np.float64(2))
        beside(lambda m, x, name=name: getattr(m, name)(x, 0), np.zeros((0, 2)))


def test_running_products_are_exact_at_zeros():
    beside(lambda m, x: m.cumprod(x, 0), [2.0, 0, 3, 0, 4])


@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_running_extremes(name):
    for dim in (0, 1, -1):
        beside(lambda m, x, dim=dim: getattr(m, name)(x, dim), CUBE)
    beside(lambda m, x: getattr(m, name)(x, 0), np.array([1.0, 3, 3, 0, 0, NAN, 2]), second=False)
    beside(lambda m, x: getattr(m, name)(x, 0), np.array([True, False, True]))
    beside(lambda m, x: getattr(m, name)(x, 0), np.float64(3))
    beside(lambda m, x: getattr(m, name)(x, 0), np.zeros((0, 2)), derivative=False)


def test_differences():
    beside(lambda m, x: m.diff(x), CUBE)
    beside(lambda m, x: m.diff(x, 2, 1), CUBE)
    beside(lambda m, x: m.diff(x, n=9), CUBE)
    beside(lambda m, x: m.diff(x, n=0), CUBE)
    beside(lambda m, x: m.diff(x, dim=0), np.array([[True, False], [True, True]]))
    beside(lambda m, x: m.diff(x), np.array([[3, 1, 4]]))
    beside(lambda m, x, a, b: m.diff(x, prepend=a, append=b), TABLE, np.zeros((2, 2)), np.ones((2, 1)))
    beside(lambda m, x, a: m.diff(x, n=0, prepend=a), TABLE, np.zeros((2, 2)), derivative=False)
    beside(lambda m, x, a: m.diff(x, prepend=a), np.array([[3, 1]]), np.zeros((1, 1)))
    raises_as_peer(lambda m, x: m.diff(x), np.float64(1))
    raises_as_peer(lambda m, x: m.diff(x, n=-1), TABLE)
    raises_as_peer(lambda m, x, a: m.diff(x, prepend=a), TABLE, np.zeros(2))
    raises_as_peer(lambda m, x, a: m.diff(x, prepend=a), TABLE, np.zeros((1, 3)))


@pytest.mark.parametrize("name", ["trapezoid", "cumulative_trapezoid"])
def test_integrals(name):
    f = lambda m, *args, **kwargs: getattr(m, name)(*args, **kwargs)
    beside(lambda m, y: f(m, y), CUBE)
    beside(lambda m, y: f(m, y, dx=0.5, dim=1), CUBE)
    beside(lambda m, y, x: f(m, y, x), TABLE, np.array([0.0, 1, 4]))
    beside(lambda m, y, x: f(m, y, x, dim=0), TABLE, TABLE * 2)
    beside(lambda m, y, x: f(m, y, x, dim=0), CUBE, TABLE[:, :1].repeat(4, 1)[:1].repeat(3, 0)[None].repeat(2, 0))
    beside(lambda m, y: f(m, y), np.array([[1, 2, 2]]))
    beside(lambda m, y: f(m, y, dx=2), np.array([[1, 2, 2]]))
    raises_as_peer(lambda m, y: f(m, y), np.float64(1))
    raises_as_peer(lambda m, y, x: f(m, y, x), TABLE, np.zeros(2))
    raises_as_peer(lambda m, y, x: f(m, y, x, dx=1), TABLE, TABLE)
    raises_as_peer(lambda m, y: f(m, y), np.array([True, False]))


def test_trapz_is_trapezoid():
    beside(lambda m, y, x: m.trapz(y, x), TABLE, TABLE[0])
    beside(lambda m, y: m.trapz(y, dx=2.0, dim=0), TABLE)


@pytest.mark.parametrize("name", ["trapezoid", "cumulative_trapezoid"])
def test_integrals_of_integers_wrap_before_they_are_halved(name):
    for dtype in (np.uint8, np.int32):
        y, x = np.array([200, 100, 7], dtype), np.array([200, 7, 100], dtype)
        beside(lambda m, y, x: getattr(m, name)(y, x), y, x, derivative=False)
    beside(lambda m, y: getattr(m, name)(y, dx=2), y, derivative=False)


def test_wrong_arguments_are_errors():
    raises_as_peer(lambda m, x: m.cumsum(x, 3), CUBE)
    raises_as_peer(lambda m, x: m.cumsum(x), CUBE)
    raises_as_peer(lambda m, x: m.cummax(x, -4), CUBE)
    raises_as_peer(lambda m, x: m.logcumsumexp(x, 0), np.array([1, 2]))
