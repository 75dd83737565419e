"""Scans: long sums keep their digits, zeros and far-off exponents are exact, and PyTorch agrees."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.nodes import given, tangent, value, vjp
from wengert import dtypes
from wengert.errors import AxisError, DtypeError, ShapeError
from wengert.graph.rule import primitives

random = np.random.default_rng(0)
NAN, INF = float("nan"), float("inf")


def scan(name, x, axis=0, **params):
    return value(getattr(primitives, name)(given(x), axis=axis, **params))


def test_long_sums_keep_their_digits():
    x = random.uniform(0, 1, 300_000).astype(np.float32)
    np.testing.assert_allclose(scan("cumsum", x), np.cumsum(x, dtype=np.float64), rtol=1e-7)
    half = random.uniform(0, 1, 1000).astype(dtypes.bfloat16.numpy)
    np.testing.assert_array_equal(
        scan("cumsum", half), np.cumsum(half.astype(np.float32), dtype=np.float32).astype(half.dtype)
    )


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [0, 1])
def test_reverse_runs_from_behind(name, axis):
    x = random.normal(size=(3, 4))
    want = np.flip(scan(name, np.flip(x, axis), axis), axis)
    np.testing.assert_array_equal(scan(name, x, axis, reverse=True), want)


def test_integers_wrap_in_their_dtype():
    np.testing.assert_array_equal(scan("cumsum", np.uint8([200, 100, 1])), np.uint8([200, 44, 45]))
    np.testing.assert_array_equal(scan("cumprod", np.int8([100, 2, 3])), np.int8([100, -56, 88]))


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax_indices", "cummin_indices", "logcumsumexp"])
def test_empty_and_missing_axes(name):
    for shape in [(0,), (0, 3), (3, 0)]:
        assert scan(name, np.zeros(shape), len(shape) - 1).shape == shape
    for axis in (-1, 1):
        with pytest.raises(AxisError, match="is not a dimension of a tensor of shape \\[3\\]"):
            scan(name, np.zeros(3), axis)
    with pytest.raises(AxisError):
        scan(name, np.float64(1))


# --- the recurrence -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6,), (6, 1), (1, 6), (2, 3, 6)])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64], ids=str)
def test_recurrence_is_its_loop(shape, reverse, dtype):
    a, b = (random.normal(size=shape).astype(dtype) for _ in range(2))
    for axis in range(len(shape)):
        rows = [np.moveaxis(x.astype(np.complex128), axis, 0)[:: -1 if reverse else 1] for x in (a, b)]
        y = [rows[1][0]]
        for factor, term in zip(rows[0][1:], rows[1][1:]):
            y.append(factor * y[-1] + term)
        want = np.moveaxis(np.array(y)[:: -1 if reverse else 1], 0, axis)
        got = value(primitives.linear_recurrence(given(a), given(b), axis=axis, reverse=reverse))
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_recurrence_never_reads_its_first_coefficient():
    for b in (np.ones(3), np.ones((3, 2))):
        a = np.full(b.shape, 0.5)
        a[0] = NAN
        assert np.isfinite(value(primitives.linear_recurrence(given(a), given(b), axis=0))).all()


def test_recurrence_refuses_what_does_not_fit():
    x = given(np.zeros(3))
    with pytest.raises(ShapeError, match="one shape"):
        primitives.linear_recurrence(x, given(np.zeros(2)), axis=0)
    with pytest.raises(DtypeError, match="one dtype"):
        primitives.linear_recurrence(x, given(np.zeros(3, np.float32)), axis=0)
    with pytest.raises(DtypeError, match="floating or complex"):
        primitives.linear_recurrence(given(np.zeros(3, int)), given(np.zeros(3, int)), axis=0)


# --- products and log-sums ----------------------------------------------------------------------------------------


def test_products_differentiate_exactly_through_zeros():
    (x_bar,) = vjp(partial(primitives.cumprod, axis=0), [np.array([2.0, 0.0, 3.0, 0.0])])
    # y = x0, x0 x1, x0 x1 x2, x0 x1 x2 x3
    np.testing.assert_array_equal(x_bar, [1 + 0 + 0 + 0, 2 + 2 * 3 + 0, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=str)
def test_log_sums_far_from_zero(dtype):
    x = np.array([-INF, -1e4, -1e4, 0.0, 1e4, -1e4], dtype)
    y = scan("logcumsumexp", x)
    np.testing.assert_allclose(y, np.array([-INF, -1e4, -1e4 + np.log(2), 0, 1e4, 1e4], dtype))
    (x_bar,) = vjp(partial(primitives.logcumsumexp, axis=0), [x])
    # The rounding of y itself, half a unit of 1e4, is what exp(x - y) sees.
    np.testing.assert_allclose(x_bar, [0, 1 + 0.5, 0.5, 1, 2, 0], rtol=1e4 * np.finfo(dtype).eps)


def test_log_sums_of_minus_infinity_have_no_derivative():
    (x_bar,) = vjp(partial(primitives.logcumsumexp, axis=0), [np.full(3, -INF)])
    np.testing.assert_array_equal(x_bar, 0)


# --- running extremes ---------------------------------------------------------------------------------------------


def test_running_extremes_take_the_last_of_equals_and_keep_nan():
    x = np.float32([1, 3, 3, 2, NAN, 5, NAN, 1])
    assert scan("cummax_indices", x).tolist() == [0, 1, 2, 2, 4, 4, 6, 6]
    assert scan("cummin_indices", x).tolist() == [0, 0, 0, 0, 4, 4, 6, 6]
    assert scan("cummax_indices", x.astype(dtypes.bfloat16.numpy)).tolist() == [0, 1, 2, 2, 4, 4, 6, 6]
    assert scan("cummin_indices", np.array([True, False, False])).tolist() == [0, 1, 2]
    with pytest.raises(DtypeError, match="no order"):
        scan("cummax_indices", np.zeros(2, complex))


# --- PyTorch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_values_and_derivatives_are_pytorchs(name, axis):
    torch = pytest.importorskip("torch")
    x, w = random.normal(size=(3, 4, 5)), random.normal(size=(3, 4, 5))
    t = torch.tensor(x, requires_grad=True)
    y = getattr(torch, name)(t, axis)
    (first,) = torch.autograd.grad(y, t, torch.tensor(w), create_graph=True)
    (second,) = torch.autograd.grad(y_dot_along(torch, name, axis, t, w), t, materialize_grads=True)
    np.testing.assert_allclose(scan(name, x, axis), y.detach().numpy(), rtol=1e-12)
    rule = partial(getattr(primitives, name), axis=axis)
    np.testing.assert_allclose(vjp(rule, [x], w)[0], first.detach().numpy(), rtol=1e-9, atol=1e-12)
    (again,) = vjp(lambda node: tangent(rule, [node], [given(w)]), [x])
    np.testing.assert_allclose(0 if again is None else again, second.numpy(), rtol=1e-9, atol=1e-12)


def y_dot_along(torch, name, axis, t, w):
    """sum of the tangent of y along w, which can be differentiated."""
    y = getattr(torch, name)(t, axis)
    c = torch.ones_like(y, requires_grad=True)
    (x_bar,) = torch.autograd.grad(y, t, c, create_graph=True)
    return (x_bar * torch.tensor(w)).sum()


@pytest.mark.parametrize("values", [(0, 4), (-2, 2)])
def test_running_extremes_are_pytorchs(values):
    torch = pytest.importorskip("torch")
    x = random.integers(*values, (4, 9)).astype(np.float64)
    x[1, 3] = x[2, 0] = x[2, 5] = NAN
    for axis in (0, 1):
        for ours, theirs in [("cummax_indices", torch.cummax), ("cummin_indices", torch.cummin)]:
            np.testing.assert_array_equal(scan(ours, x, axis), theirs(torch.tensor(x), axis).indices.numpy())
