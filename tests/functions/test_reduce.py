"""Sums, means, products, truth and the exponential reductions, beside PyTorch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tests.functions.peer import INF, NAN, array, beside, complex_normal, normal, ours, raises_as_peer, tensor
from wengert import dtypes

DIMS = [None, 0, 1, -1, (0, 2), (2, -3), [1], ()]
CUBE = normal(2, 3, 4)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "nansum", "nanmean"])
def test_sums_over_dimensions(name, dim, keepdim):
    beside(lambda m, x: getattr(m, name)(x, dim, keepdim), CUBE)


@pytest.mark.parametrize("name", ["sum", "mean", "nansum", "prod"])
def test_a_number_and_nothing_can_be_reduced(name):
    beside(lambda m, x: getattr(m, name)(x), np.float64(3.5))
    beside(lambda m, x: getattr(m, name)(x, -1, keepdim=True), np.float64(3.5))
    beside(lambda m, x: getattr(m, name)(x), np.zeros((0, 3)))
    beside(lambda m, x: getattr(m, name)(x, 0), np.zeros((0, 3)))
    beside(lambda m, x: getattr(m, name)(x, 1), np.zeros((0, 3)))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int32", "int64"])
@pytest.mark.parametrize("name", ["sum", "prod", "nansum"])
def test_integers_are_reduced_in_int64(name, dtype):
    x = np.array([[1, 100, 3], [0, 1, 100]]).astype(dtype)
    beside(lambda m, x: getattr(m, name)(x), x)
    beside(lambda m, x: getattr(m, name)(x, 1, dtype=m.float32), x)
    beside(lambda m, x: getattr(m, name)(x, 0, dtype=m.int32), x)


def test_a_python_type_is_a_dtype():
    beside(lambda m, x: m.sum(x, dtype=float), CUBE.astype(np.float32))


@pytest.mark.parametrize("name", ["sum", "mean", "prod"])
def test_complex_numbers_are_reduced(name):
    beside(lambda m, x: getattr(m, name)(x), complex_normal(3, 2))
    beside(lambda m, x: getattr(m, name)(x, 1), complex_normal(3, 2))


def test_a_mean_of_halves_does_not_overflow():
    x = np.full(70_000, 2.0, np.float16)
    assert ours.mean(tensor(x)).item() == 2.0
    assert ours.sum(tensor(x)).item() == float("inf")


def test_numpy_names_are_taken():
    beside(lambda m, x: m.sum(input=x, axis=0, keepdims=True), CUBE)
    beside(lambda m, x: m.softmax(x, axis=1), CUBE)


@pytest.mark.parametrize("x", [[[0.0, 2, 0], [1, 3, 0.5]], [[1.0, 2, 4], [1, 3, 0.5]], [[0.0, 2, 3], [0, 0, 0]]])
def test_a_product_is_exact_at_zeros(x):
    beside(lambda m, x: m.prod(x), x)
    beside(lambda m, x: m.prod(x, 0), x)
    beside(lambda m, x: m.prod(x, dim=-1, keepdim=True), x)


def test_nan_is_left_out():
    x = np.array([[NAN, 1.0, 2.0], [NAN, NAN, NAN], [3.0, 1.0, INF]])
    beside(lambda m, x: m.nansum(x, 1), x, second=False)
    beside(lambda m, x: m.nansum(x), x[:2], second=False)
    beside(lambda m, x: m.nanmean(x, 0), x[:1].repeat(2, 0), derivative=False)
    beside(lambda m, x: m.nanmean(x, 1), x[[0, 0]], second=False)


@pytest.mark.parametrize("dim", [None, 0, -1, (0, 1), [1]])
def test_nonzero_elements_are_counted(dim):
    x = np.array([[0.0, NAN, 2], [0, 0, -1]])
    beside(lambda m, x: m.count_nonzero(x, dim), x)
    beside(lambda m, x: m.count_nonzero(x, dim), x != 0)


@pytest.mark.parametrize("dtype", ["float64", "bool", "uint8", "int64"])
@pytest.mark.parametrize("name", ["all", "any"])
@pytest.mark.parametrize("dim", [None, 0, -1, (0, 1), ()])
def test_truth(name, dtype, dim):
    x = np.array([[0, 1, 2], [0, 0, 1]]).astype(dtype)
    beside(lambda m, x: getattr(m, name)(x, dim), x, derivative=False)
    beside(lambda m, x: getattr(m, name)(x, dim, True), x, derivative=False)
    beside(lambda m, x: getattr(m, name)(x), np.zeros((0, 2), dtype), derivative=False)
    beside(lambda m, x: getattr(m, name)(x, 1), np.zeros((2, 0), dtype), derivative=False)


@pytest.mark.parametrize("dim", [0, -1, (0, 1), [0, 2]])
@pytest.mark.parametrize("keepdim", [False, True])
def test_logsumexp(dim, keepdim):
    beside(lambda m, x: m.logsumexp(x, dim, keepdim), CUBE * 30)


def test_logsumexp_of_what_is_infinite_empty_or_integral():
    beside(lambda m, x: m.logsumexp(x, 0), [[-INF, -INF, INF, 800.0], [-INF, 3, 1, -800]], derivative=False)
    beside(lambda m, x: m.logsumexp(x, 0), np.zeros((0, 3)))
    beside(lambda m, x: m.logsumexp(x, 1), np.array([[1, 2]]))
    beside(lambda m, x: m.logsumexp(x, 0), np.float64(2))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name):
    for dim in (0, 1, -1):
        beside(lambda m, x, dim=dim: getattr(m, name)(x, dim), CUBE * 10)
    beside(lambda m, x: getattr(m, name)(x, 0), np.float64(2), second=False)
    beside(lambda m, x: getattr(m, name)(x, 1), np.zeros((0, 3)))
    beside(lambda m, x: getattr(m, name)(x, 0, dtype=m.float64), np.array([1, 2, 3]))
    beside(lambda m, x: getattr(m, name)(x, -1), np.array([[1000.0, 0, -1000]]))
    beside(lambda m, x: getattr(m, name)(x, -1), CUBE.astype(np.float16), second=False)


def test_a_sum_to_a_size_undoes_broadcasting():
    for size in ((2, 3, 4), (3, 4), (1, 4), (2, 1, 1), (4,), (1,), ()):
        # A method of both sides; PyTorch has no function of this name.
        beside(lambda m, x, size=size: x.sum_to_size(*size) if size else x.sum_to_size(()), CUBE)
    for size in ((2, 2), (5, 2, 3, 4)):
        raises_as_peer(lambda m, x, size=size: x.sum_to_size(size), CUBE)


def test_out_is_written():
    target = tensor(np.zeros(3))
    assert ours.sum(tensor(np.ones((2, 3))), 0, out=target) is target
    assert target.tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="shape"):
        ours.sum(tensor(np.ones((2, 4))), 0, out=target)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m, x: m.sum(x, 5),
        lambda m, x: m.sum(x, (0, 0)),
        lambda m, x: m.sum(x, "a"),
        lambda m, x: m.sum(x, 1.5),
        lambda m, x: m.sum(x, True),
        lambda m, x: m.prod(x, (0, 1)),
        lambda m, x: m.logsumexp(x, -4),
        lambda m, x: m.softmax(x, 3),
        lambda m, x: m.count_nonzero(x, 3),
        lambda m, x: m.all(x, 3),
    ],
)
def test_wrong_dimensions_are_errors(wrong):
    raises_as_peer(wrong, CUBE)


def test_wrong_dtypes_are_errors():
    raises_as_peer(lambda m, x: m.mean(x), np.array([1, 2]))
    raises_as_peer(lambda m, x: m.mean(x, dtype=m.int32), np.array([1.0, 2]))
    raises_as_peer(lambda m, x: m.nanmean(x), np.array([1, 2]))
    raises_as_peer(lambda m, x: m.softmax(x, 0), np.array([1, 2]))
    raises_as_peer(lambda m, x: m.nansum(x), np.array([1j]))
    with pytest.raises(TypeError, match="input"):
        ours.sum([1.0, 2.0])
    with pytest.raises(RuntimeError, match="could not infer output dtype"):
        ours.mean(tensor([1, 2]))


def test_sixteen_bit_floats_keep_their_dtype():
    x = tensor(np.ones(3, np.float16))
    for function in (ours.sum, ours.mean, ours.prod, ours.nanmean):
        assert function(x).dtype is dtypes.float16
    assert ours.logsumexp(x, 0).dtype is dtypes.float16


def test_no_warning_for_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(array(ours.mean(tensor(np.zeros(0)))))
