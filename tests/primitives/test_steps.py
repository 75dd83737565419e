"""Rounding, comparisons, tests and bits beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.primitives.peer import INF, LINE, NAN, beside, evaluate, grid
from wengert import dtypes
from wengert.errors import DtypeError
from wengert.graph.node import array_type
from wengert.graph.rule import placeholder
from wengert.primitives import steps as own

HALVES = np.concatenate([LINE, [-2.5, -1.5, 1.5, 3.5, 2.0**52 + 1]])


def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "trunc"])
def test_rounding_has_exact_zeros_for_a_derivative(name):
    beside(getattr(own, name), getattr(torch(), name), HALVES, y_bar=INF)


def test_frac_has_the_derivative_one():
    beside(own.frac, torch().frac, HALVES[np.isfinite(HALVES)])


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "trunc"])
@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8"])
def test_rounding_leaves_integers_alone(name, dtype):
    x = np.array([0, 1, 100]).astype(dtype)
    got = evaluate(getattr(own, name), x)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, x)


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons_with_what_is_not_a_number(name):
    beside(getattr(own, name), getattr(torch(), name), *grid(LINE, LINE), gradient=False)


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "signbit"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int32", "uint8", "bool"])
def test_tests_of_one_number(name, dtype):
    x = LINE if dtype.startswith("float") else np.array([0, 1, 2])
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    got = evaluate(getattr(own, name), x)
    np.testing.assert_array_equal(got, getattr(torch(), name)(torch().from_numpy(x)).numpy())


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite"])
def test_complex_numbers_are_tested_in_both_parts(name):
    x = np.array([complex(a, b) for a in (1.0, INF, NAN) for b in (1.0, -INF, NAN)])
    beside(getattr(own, name), getattr(torch(), name), x, gradient=False)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64"])
@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor"])
def test_bits(name, dtype):
    a, b = (part.astype(dtype) for part in grid(np.arange(4), np.arange(4)))
    want = getattr(torch(), name)(torch().from_numpy(a), torch().from_numpy(b)).numpy()
    np.testing.assert_array_equal(evaluate(getattr(own, name), a, b), want)
    np.testing.assert_array_equal(evaluate(own.bitwise_not, a), torch().bitwise_not(torch().from_numpy(a)).numpy())


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
@pytest.mark.parametrize("name", ["left_shift", "right_shift"])
def test_shifts_by_too_much_or_by_less_than_nothing(name, dtype):
    counts = [0, 1, 3, 7, 8, 31, 32, 63, 64, 100] + ([] if dtype == "uint8" else [-1, -100])
    values = [0, 1, 5, 100] if dtype == "uint8" else [0, 1, 5, 100, -1, -5, -128]
    a, b = (np.array(part).astype(dtype) for part in grid(values, counts))
    want = getattr(torch(), f"bitwise_{name}")(torch().from_numpy(a), torch().from_numpy(b)).numpy()
    np.testing.assert_array_equal(evaluate(getattr(own, name), a, b), want)


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge"])
def test_complex_numbers_have_no_order(name):
    x = placeholder(array_type((2,), dtypes.complex64))
    with pytest.raises(DtypeError, match="bool or integer or floating; got complex64"):
        getattr(own, name)(x, x)
