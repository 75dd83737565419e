"""Reductions: long sums keep their digits, zeros and ties are exact, and PyTorch agrees."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.nodes import given, jvp, tangent, value, vjp
from wengert import dtypes
from wengert.errors import AxisError, DtypeError
from wengert.graph.rule import primitives
from wengert.settings import settings

random = np.random.default_rng(0)
NAN, INF = float("nan"), float("inf")


def reduce(name, x, axes):
    return value(getattr(primitives, name)(given(x), axes=axes))


# --- sums ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape, axes", [
    ((300_000, 3), (0,)), ((3, 300_000), (1,)), ((5, 50_000, 2), (1,)), ((50_000, 4, 2), (0, 2)),
    ((3000, 70, 2), (0, 1)), ((2_000_000,), (0,)), ((1024, 5), (0,)), ((1025, 5), (0,)),
    ((5, 128), (1,)), ((5, 129), (1,)),
])  # fmt: skip
@pytest.mark.parametrize("layout", ["C", "F"])
def test_long_float32_sums_keep_their_digits(shape, axes, layout):
    x = np.asarray(random.uniform(0, 1, shape), np.float32, order=layout)
    exact = x.sum(axes, dtype=np.float64)
    got = reduce("reduce_sum", x, axes)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, exact, rtol=4e-6)  # row after row in float32 would be off by 1e-3


def test_a_sum_of_ones_does_not_get_stuck():
    ones = np.broadcast_to(np.float32(1), (40_000_000, 1))
    assert reduce("reduce_sum", ones, (0,)) == 40_000_000  # float32 counts to 2 ** 24 one by one


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16], ids=str)
def test_narrow_sums_are_rounded_once(dtype):
    x = random.uniform(0, 1, (5, 3000)).astype(dtype.numpy)
    wide = x.astype(np.float64).sum(1)
    np.testing.assert_array_equal(reduce("reduce_sum", x, (1,)), wide.astype(np.float32).astype(dtype.numpy))


def test_integers_and_bools_keep_their_dtype():
    np.testing.assert_array_equal(reduce("reduce_sum", np.full((3, 2), 100, np.uint8), (0,)), np.uint8([44, 44]))
    assert reduce("reduce_sum", np.array([True, True]), (0,)).dtype == bool
    assert reduce("reduce_prod", np.array([3, 5], np.int16), (0,)).dtype == np.int16


@pytest.mark.parametrize("name, empty", [("reduce_sum", 0), ("reduce_prod", 1)])
def test_nothing_reduces_to_the_neutral_element(name, empty):
    for shape, axes in [((0,), (0,)), ((0, 3), (0,)), ((3, 0), (1,)), ((3, 0, 2), (0, 1))]:
        got = reduce(name, np.zeros(shape, np.float32), axes)
        assert got.shape == tuple(n for i, n in enumerate(shape) if i not in axes)
        assert np.all(got == empty)
    assert reduce(name, np.zeros((0, 3), np.float32), (1,)).shape == (0,)


@pytest.mark.parametrize("name", ["reduce_sum", "reduce_prod", "reduce_max", "reduce_min"])
def test_no_axes_and_no_dimensions_give_the_input(name):
    assert reduce(name, np.float32(3), ()) == 3
    np.testing.assert_array_equal(reduce(name, np.float32([[1, 2]]), ()), [[1, 2]])


def test_infinities_and_nan_pass_through_sums():
    x = np.float32([[1, INF, INF, NAN], [2, 1, -INF, 1]])
    np.testing.assert_array_equal(reduce("reduce_sum", x, (0,)), [3, INF, NAN, NAN])
    np.testing.assert_array_equal(reduce("reduce_sum", x.T, (1,)), [3, INF, NAN, NAN])


@pytest.mark.parametrize("axes", [(2,), (-1,), (1, 0), (0, 0)])
def test_axes_that_are_not_there_are_refused(axes):
    with pytest.raises(AxisError, match="dimensions of a tensor of shape \\[2, 3\\]"):
        primitives.reduce_sum(given(np.zeros((2, 3))), axes=axes)


# --- extremes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reduce_max", "reduce_min"])
def test_ties_share_evenly(name):
    x = np.array([[2.0, 2.0, 1.0], [5.0, 5.0, 5.0]])
    share = {"reduce_max": [[0.5, 0.5, 0], [1 / 3] * 3], "reduce_min": [[0, 0, 1], [1 / 3] * 3]}[name]
    (x_bar,) = vjp(partial(getattr(primitives, name), axes=(1,)), [x])
    np.testing.assert_allclose(x_bar, share)
    np.testing.assert_allclose(jvp(partial(getattr(primitives, name), axes=(1,)), [x], [x]), np.sum(share * x, 1))


@pytest.mark.parametrize("rows, columns", [(1, 1), (5, 3), (4, 32), (4, 33), (3, 200)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, dtypes.bfloat16.numpy], ids=str)
def test_extremes_of_rows_and_columns(rows, columns, dtype):
    x = random.integers(0, 100, (rows, columns)).astype(dtype)
    for axis in (0, 1):
        np.testing.assert_array_equal(reduce("reduce_max", x, (axis,)), x.astype(int).max(axis))
        np.testing.assert_array_equal(reduce("reduce_min", x, (axis,)), x.astype(int).min(axis))


def test_extremes_pass_nan_on():
    x = np.float32([[1, NAN], [3, 2]])
    np.testing.assert_array_equal(reduce("reduce_max", x, (0,)), [3, NAN])
    np.testing.assert_array_equal(reduce("reduce_min", x.astype(dtypes.bfloat16.numpy), (1,)).astype(float), [NAN, 2])


def test_extremes_of_nothing_and_of_complex_numbers_are_refused():
    for name in ("reduce_max", "reduce_min"):
        with pytest.raises(IndexError, match="Expected reduction dim 1 to have non-zero size"):
            getattr(primitives, name)(given(np.zeros((2, 0))), axes=(1,))
        with pytest.raises(DtypeError, match="complex numbers have no order"):
            getattr(primitives, name)(given(np.zeros(2, complex)), axes=(0,))
    with pytest.raises(IndexError, match="non-zero size"):
        primitives.argmax(given(np.zeros((2, 0))), axis=1)
    assert reduce("reduce_max", np.zeros((0, 2)), (1,)).shape == (0,)


def test_positions_of_extremes_prefer_the_first_and_nan():
    def at(name, x):
        found = []
        for tier in ("interpret", "compile"):
            with settings.scope(tier=tier):
                found.append(value(getattr(primitives, name)(given(x), axis=1)).tolist())
        assert found[0] == found[1]
        return found[0]

    x = np.float32([[1, 3, 3], [2, 0, 0], [NAN, 5, NAN], [1, NAN, 9]])
    assert at("argmax", x) == [1, 0, 0, 1]
    assert at("argmin", x) == [0, 1, 0, 1]
    assert at("argmax", x.astype(dtypes.bfloat16.numpy)) == [1, 0, 0, 1]
    assert at("argmin", np.array([[True, False]])) == [1]
    assert at("argmax", np.full((2, 3), -np.inf)) == [0, 0] and at("argmin", np.int8([[-128, -128]])) == [0]


# --- products and truth -------------------------------------------------------------------------------------------


def test_products_differentiate_exactly_through_zeros():
    x = np.array([[2.0, 3.0, 5.0], [2.0, 0.0, 5.0], [0.0, 3.0, 0.0]])
    (x_bar,) = vjp(partial(primitives.reduce_prod, axes=(1,)), [x])
    np.testing.assert_array_equal(x_bar, [[15, 10, 6], [0, 10, 0], [0, 0, 0]])


def test_all_and_any():
    x = np.array([[True, False], [True, True]])
    assert reduce("reduce_and", x, (1,)).tolist() == [False, True]
    assert reduce("reduce_or", x, (0, 1)) == True  # noqa: E712  a NumPy bool
    assert reduce("reduce_and", np.zeros((0, 2), bool), (0,)).tolist() == [True, True]
    assert reduce("reduce_or", np.zeros((0, 2), bool), (0,)).tolist() == [False, False]
    with pytest.raises(DtypeError, match="dtype bool"):
        primitives.reduce_and(given(np.zeros(2)), axes=(0,))


# --- PyTorch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("ours, theirs", [("reduce_sum", "sum"), ("reduce_max", "amax"), ("reduce_min", "amin")])
def test_values_and_derivatives_are_pytorchs(ours, theirs, axes):
    torch = pytest.importorskip("torch")
    x = random.integers(0, 4, (3, 4, 5)).astype(np.float64)  # with ties
    t = torch.tensor(x, requires_grad=True)
    y = getattr(torch, theirs)(t, axes)
    y_bar = random.normal(size=tuple(y.shape))
    y.backward(torch.tensor(y_bar))
    np.testing.assert_allclose(reduce(ours, x, axes), y.detach().numpy())
    np.testing.assert_allclose(vjp(partial(getattr(primitives, ours), axes=axes), [x], y_bar)[0], t.grad.numpy())


def test_products_with_zeros_are_pytorchs_to_second_order():
    torch = pytest.importorskip("torch")
    x = random.normal(size=(4, 5)) * (random.uniform(size=(4, 5)) < 0.7)
    w = random.normal(size=(4, 5))
    t = torch.tensor(x, requires_grad=True)
    (first,) = torch.autograd.grad(t.prod(1).sum(), t, create_graph=True)
    (second,) = torch.autograd.grad((first * torch.tensor(w)).sum(), t)

    def along_w(node):
        def product(moved):
            return primitives.reduce_prod(moved, axes=(1,))

        return tangent(product, [node], [given(w)])

    np.testing.assert_allclose(vjp(partial(primitives.reduce_prod, axes=(1,)), [x])[0], first.detach().numpy())
    np.testing.assert_allclose(vjp(along_w, [x])[0], second.numpy(), atol=1e-12)
