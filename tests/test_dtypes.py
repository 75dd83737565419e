"""Floats of eight bits against PyTorch: every pattern, what rounds to it, and what they refuse."""

from __future__ import annotations

import io

import numpy as np
import pytest

import wengert
from wengert import dtypes
from wengert.saving import safe
from wengert.settings import settings

torch = pytest.importorskip("torch")


@pytest.fixture(params=["interpret", "compile"])
def tier(request):
    with settings.scope(tier=request.param):
        yield


@pytest.fixture(params=dtypes.EIGHT_BIT, ids=lambda dtype: dtype.name)
def dtype(request):
    return request.param


def theirs(dtype):
    return getattr(torch, dtype.name)


def test_every_pattern_stands_for_pytorchs_number(dtype):
    bits = np.arange(256, dtype=np.uint8)
    mine = wengert.tensor(bits).view(dtype).to(wengert.float64)
    np.testing.assert_array_equal(mine.numpy(), torch.from_numpy(bits).view(theirs(dtype)).double().numpy())


def test_rounding_is_to_the_nearest_and_ties_to_even(dtype, tier):
    grid = torch.arange(256, dtype=torch.uint8).view(theirs(dtype)).float()
    grid = np.unique(grid[grid.isfinite()].numpy())
    middles = (grid[1:] + grid[:-1]) / 2
    x = np.concatenate([grid, middles, np.nextafter(middles, np.float32(0)), np.float32([1e6, -1e6, np.inf, -np.inf, np.nan])])
    mine = wengert.tensor(x).to(dtype).to(wengert.float32)
    np.testing.assert_array_equal(mine.numpy(), torch.from_numpy(x).to(theirs(dtype)).float().numpy())


def test_numbers_become_them(dtype):
    numbers = [0.3, 1e6, -1e6, float("inf"), float("nan")]
    want = torch.tensor(numbers, dtype=theirs(dtype)).float().numpy()
    np.testing.assert_array_equal(wengert.tensor(numbers, dtype=dtype).float().numpy(), want)


def test_they_move_like_any_numbers(dtype, tier):
    def moved(module, x):
        y = module.cat([x.T.contiguous().reshape(-1), module.full((2,), 1.5, dtype=x.dtype)])
        y[1] = 2.0
        return y.index_select(0, module.tensor([6, 1, 0, 3])).repeat(2).float()

    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    want = moved(torch, torch.from_numpy(x).to(theirs(dtype)))
    np.testing.assert_array_equal(moved(wengert, wengert.tensor(x).to(dtype)).numpy(), want.numpy())


def test_a_derivative_is_rounded_too(dtype):
    def through(module, dtype):
        x = module.tensor([1.1, 2.3], requires_grad=True)
        y = x.to(dtype).to(module.float32)
        (y * y).sum().backward()
        return x.grad.numpy()

    np.testing.assert_array_equal(through(wengert, dtype), through(torch, theirs(dtype)))


def test_they_mix_with_nothing(dtype):
    x = wengert.ones(2).to(dtype)
    with pytest.raises(RuntimeError, match=r"Promotion for Float8 Types is not supported.*\.to\(wengert\.float32\)"):
        x + x.float()
    with pytest.raises(TypeError, match="Float8"):
        x.numpy()


def test_their_limits(dtype):
    mine, want = wengert.finfo(dtype), torch.finfo(theirs(dtype))
    for name in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution"):
        assert getattr(mine, name) == getattr(want, name), name


def test_they_are_saved(dtype):
    x = wengert.tensor([0.5, -3.0]).to(dtype)
    file = io.BytesIO()
    torch.save(torch.tensor([0.5, -3.0]).to(theirs(dtype)), file)
    file.seek(0)
    for again in (wengert.load(file), safe.load(safe.save({"x": x}))["x"]):
        assert again.dtype is dtype and again.float().tolist() == [0.5, -3.0]
    file = io.BytesIO()
    wengert.save(x, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=True)
    assert loaded.dtype is theirs(dtype) and loaded.float().tolist() == [0.5, -3.0]
