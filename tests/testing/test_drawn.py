import numpy as np
import pytest

import wengert
from wengert import dtypes
from wengert.testing import make_tensor


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
def test_elements_lie_between_the_bounds(dtype):
    wengert.manual_seed(0)
    x = make_tensor(30, 40, dtype=dtype)
    assert x.dtype is dtype
    assert tuple(x.shape) == (30, 40)
    values = np.asarray(x._array()).astype(np.complex128)
    low, high = (0, 2) if dtype is wengert.bool else (0, 10) if dtype.name.startswith("uint") else (-9, 10)
    assert low <= values.real.min() < low + 1
    assert high - 1.1 <= values.real.max() < high
    if dtype.is_complex:
        assert np.abs(values.imag).max() > 8


def test_options():
    x = make_tensor((3, 4), dtype=wengert.float64, low=2, high=3, requires_grad=True, noncontiguous=True)
    assert x.requires_grad
    assert x.is_leaf
    assert not x.is_contiguous()
    assert 2 <= float(x.min()) <= float(x.max()) < 3
    assert (make_tensor(500, dtype=wengert.int64, low=-1, high=2, exclude_zero=True) != 0).all()
    assert tuple(make_tensor(dtype=wengert.float32).shape) == ()


def test_wrong_bounds_are_refused_as_by_the_peer():
    torch = pytest.importorskip("torch")
    calls = [
        ("float32", {"low": 3, "high": 1}), ("float32", {"low": float("nan")}), ("uint8", {"low": -3, "high": -1}),
        ("int64", {"requires_grad": True}), ("int64", {"low": 1, "high": 1}),
        ("float32", {"noncontiguous": True, "memory_format": "x"}),
    ]  # fmt: skip
    for dtype, options in calls:
        for lib in (wengert, torch):
            with pytest.raises(ValueError, match=r"low|requires_grad|mutually"):
                lib.testing.make_tensor(2, 2, dtype=getattr(lib, dtype), device="cpu", **options)
