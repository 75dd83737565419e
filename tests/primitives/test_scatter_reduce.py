"""Writes that combine: every mode of PyTorch's scatter_reduce, and derivatives that zeros leave exact."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.nodes import given, jvp, over_batch, value, vjp
from wengert import dtypes
from wengert.errors import DtypeError, ShapeError
from wengert.graph.rule import primitives

random = np.random.default_rng(0)
MODES = ["sum", "prod", "mean", "amax", "amin"]


def reduce(x, at, source, mode, include_self=True, axis=0):
    record = partial(primitives.scatter_reduce, axis=axis, mode=mode, include_self=include_self)
    return value(record(given(x), given(at), given(source)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize(
    "shape, wanted, axis", [((5,), (9,), 0), ((4, 5), (3, 7), 1), ((4, 5, 2), (9, 5, 1), 0), ((3, 2), (0, 2), 0)]
)
def test_values_and_derivatives_are_pytorchs(mode, include_self, shape, wanted, axis):
    torch = pytest.importorskip("torch")
    x, source = random.normal(size=shape), random.normal(size=wanted)
    at = random.integers(0, shape[axis], wanted)
    y_bar = random.normal(size=shape)
    t, s = (torch.tensor(a, requires_grad=True) for a in (x, source))
    y = t.scatter_reduce(axis, torch.tensor(at), s, mode, include_self=include_self)
    y.backward(torch.tensor(y_bar))
    np.testing.assert_allclose(reduce(x, at, source, mode, include_self, axis), y.detach().numpy(), rtol=1e-12)
    rule = partial(primitives.scatter_reduce, axis=axis, mode=mode, include_self=include_self)
    x_bar, _, source_bar = vjp(rule, [x, at, source], y_bar)
    np.testing.assert_allclose(x_bar, t.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(source_bar, s.grad.numpy(), rtol=1e-9, atol=1e-12)
    x_dot, source_dot = random.normal(size=shape), random.normal(size=wanted)
    y_dot = jvp(rule, [x, at, source], [x_dot, None, source_dot])
    np.testing.assert_allclose(np.sum(y_dot * y_bar), np.sum(x_bar * x_dot) + np.sum(source_bar * source_dot))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("dtype", [dtypes.uint8, dtypes.int32, dtypes.int64, dtypes.float16, dtypes.bfloat16], ids=str)
def test_other_dtypes_are_pytorchs(mode, include_self, dtype):
    torch = pytest.importorskip("torch")
    x, source = random.integers(1, 5, 4), random.integers(1, 5, 6)
    if dtype.is_signed:
        x, source = x - 3, source - 3
    at = random.integers(0, 3, 6)
    there = getattr(torch, dtype.name)
    want = (
        torch.tensor(x)
        .to(there)
        .scatter_reduce(0, torch.tensor(at), torch.tensor(source).to(there), mode, include_self=include_self)
    )
    got = reduce(x.astype(dtype.numpy), at, source.astype(dtype.numpy), mode, include_self)
    assert got.dtype == dtype.numpy
    np.testing.assert_allclose(got.astype(float), want.double().numpy(), rtol=0.01)


def test_ties_share_evenly():
    x, at, source = np.array([2.0, 1.0]), np.array([0, 0, 1]), np.array([2.0, 2.0, 1.0])
    x_bar, _, source_bar = vjp(partial(primitives.scatter_max, axis=0), [x, at, source])
    np.testing.assert_allclose(x_bar, [1 / 3, 1 / 2])
    np.testing.assert_allclose(source_bar, [1 / 3, 1 / 3, 1 / 2])


def test_nan_passes_through_extremes():
    got = reduce(np.array([1.0, 1.0]), np.array([0, 1]), np.array([np.nan, 2.0]), "amax")
    np.testing.assert_array_equal(got, [np.nan, 2])


def test_products_differentiate_exactly_through_zeros():
    # y_0 = x_0 a b c,  y_1 = x_1 d,  y_2 = x_2 e f: two zeros, one zero, and none in the writes
    x, at = np.array([2.0, 3.0, 0.0]), np.array([0, 1, 0, 2, 0, 2])
    source = np.array([0.0, 0.0, 5.0, 3.0, 0.0, 4.0])
    x_bar, _, source_bar = vjp(partial(primitives.scatter_prod, axis=0), [x, at, source])
    np.testing.assert_array_equal(x_bar, [0, 0, 12])
    np.testing.assert_array_equal(source_bar, [0, 3, 0, 0, 0, 0])


def test_a_mean_of_integers_is_rounded_down():
    np.testing.assert_array_equal(reduce(np.array([0, 0]), np.array([0, 0]), np.array([-1, -2]), "mean"), [-1, 0])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "batched", [(True, False, False), (False, True, False), (False, False, True), (True, True, True)]
)
def test_a_batch_is_a_loop(mode, batched):
    inputs = [random.normal(size=(2, 4)), random.integers(0, 4, (2, 6)), random.normal(size=(2, 6))]
    inputs = [x if flag else x[0] for x, flag in zip(inputs, batched)]
    rule = partial(primitives.scatter_reduce, axis=0, mode=mode, include_self=False)
    got = over_batch(rule, inputs, batched)
    for row in range(2):
        want = reduce(*[x[row] if flag else x for x, flag in zip(inputs, batched)], mode, False)
        np.testing.assert_allclose(got[row], want)


def test_what_does_not_fit_is_refused():
    x, at, source = given(np.zeros(3)), given(np.zeros(2, int)), given(np.zeros(2))
    with pytest.raises(RuntimeError, match="reduce argument must be one of sum, mean, prod, amax, amin; got median"):
        primitives.scatter_reduce(x, at, source, axis=0, mode="median")
    with pytest.raises(ShapeError, match="a source of shape \\[2\\]"):
        primitives.scatter_reduce(x, at, given(np.zeros(3)), axis=0, mode="prod")
    with pytest.raises(DtypeError, match="no order"):
        primitives.scatter_reduce(given(np.zeros(3, complex)), at, given(np.zeros(2, complex)), axis=0, mode="amax")
    with pytest.raises(DtypeError, match="to take a mean of; got bool"):
        primitives.scatter_reduce(given(np.zeros(3, bool)), at, given(np.zeros(2, bool)), axis=0, mode="mean")
    with pytest.raises(IndexError, match="index 3 is out of bounds for dimension 0 with size 3"):
        reduce(np.zeros(3), np.array([3]), np.zeros(1), "prod")
