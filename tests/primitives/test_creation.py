"""Filled and counted arrays."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes import given, value
from wengert import dtypes
from wengert.errors import ShapeError
from wengert.graph.rule import primitives


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (2, 3)])
def test_full_holds_its_value(dtype, shape):
    y = value(primitives.full(given(np.array(3).astype(dtype.numpy)), shape=shape))
    assert y.dtype == dtype.numpy and y.shape == shape and np.all(y == np.array(3).astype(dtype.numpy))


def test_full_keeps_the_sign_of_zero():
    assert np.all(np.signbit(value(primitives.full(given(np.float32(-0.0)), shape=(2,)))))


def test_a_value_is_memory_of_its_own():
    y = value(primitives.full(given(np.float32(1)), shape=(3,)))
    y[0] = 2
    assert y.tolist() == [2, 1, 1]


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
def test_iota_counts_in_every_dtype(dtype):
    np.testing.assert_array_equal(value(primitives.iota(n=300, dtype=dtype)), np.arange(300).astype(dtype.numpy))
    assert value(primitives.iota(n=0, dtype=dtype)).shape == (0,)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="zero-dimensional fill value; got \\[2\\]"):
        primitives.full(given(np.zeros(2)), shape=(3,))
    with pytest.raises(ShapeError, match="not negative"):
        primitives.full(given(np.float64(0)), shape=(3, -1))
    with pytest.raises(ShapeError, match="not negative"):
        primitives.iota(n=-1, dtype=dtypes.int64)
