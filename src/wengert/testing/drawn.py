"""Tensors to test with."""

from __future__ import annotations

import math
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.functions.create import empty
from wengert.functions.data import tensor as tensor_of
from wengert.functions.operands import sizes
from wengert.functions.random import rand
from wengert.tensors.device import check_device
from wengert.tensors.tensor import Tensor

# What is drawn from by default, [low, high), and what the dtype holds.
_DEFAULTS = {0: (0, 2), 1: (-9, 10), 2: (-9, 9), 3: (-9, 9)}


def make_tensor(
    *shape: Any,
    dtype: DType,
    device: Any = "cpu",
    low: Optional[float] = None,
    high: Optional[float] = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of random elements, uniform in [low, high): by default [-9, 9), [-9, 10) for integers, [0, 10) for
    unsigned ones, and both bools.

    noncontiguous: every second element of something larger.
    exclude_zero: the smallest positive number (1 for integers) in the place of each 0.

    Raises: ValueError for bounds that are empty, NaN or beyond the dtype, for integers that require grad, and for two
    wishes about memory.
    """
    check_device(device)
    wanted = sizes("make_tensor", shape)
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"noncontiguous={noncontiguous} and memory_format={memory_format}"
        )
    if requires_grad and not dtype.inexact:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got dtype={dtype}")
    bounds = _bounds(dtype, low, high)
    if noncontiguous and math.prod(wanted) > 1:
        wide = _drawn((*wanted[:-1], 2 * wanted[-1]), dtype, *bounds, exclude_zero)
        room: Any = empty(wide.shape, dtype=dtype)
        made: Any = room.copy_(tensor_of(wide, dtype=dtype))[..., ::2]
    else:
        made = tensor_of(_drawn(wanted, dtype, *bounds, exclude_zero), dtype=dtype)
    return made.requires_grad_(requires_grad) if requires_grad else made


def _bounds(dtype: DType, low: Optional[float], high: Optional[float]) -> tuple[float, float]:
    usual = (0, 10) if dtype is dtypes.uint8 else _DEFAULTS[dtype.category]
    bounds = (usual[0] if low is None else low, usual[1] if high is None else high)
    if any([math.isnan(x) for x in bounds]):
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={bounds[0]} and high={bounds[1]}")
    empty = bounds[0] > bounds[1] if dtype.inexact else bounds[0] >= bounds[1]
    if empty:
        raise ValueError(f"`low` must be less than `high`, but got {bounds[0]} >= {bounds[1]}")
    lowest, highest = _range(dtype)
    if bounds[0] >= highest or bounds[1] < lowest:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{bounds[0]}, {bounds[1]}), but {dtype} only supports "
            f"[{lowest}, {highest})"
        )
    return max(bounds[0], lowest), min(bounds[1], highest)


def _range(dtype: DType) -> tuple[float, float]:
    if dtype.category == dtypes.BOOL:
        return 0, 2
    if dtype.category == dtypes.INTEGER:
        info = np.iinfo(dtype.numpy)
        return int(info.min), int(info.max) + 1
    return -math.inf, math.inf


def _drawn(shape: tuple[int, ...], dtype: DType, low: float, high: float, exclude_zero: bool) -> Any:
    """The elements as an array of the widest type of the dtype's category."""
    uniform = lambda: np.array(rand(shape, dtype=dtypes.float64)._array())
    if not dtype.inexact:
        first, count = math.ceil(low), math.ceil(high) - math.ceil(low)
        found = np.minimum((uniform() * count).astype(np.int64), count - 1) + first
        return np.where(found == 0, 1, found) if exclude_zero else found
    found = low + uniform() * (high - low)
    if dtype.is_complex:
        found = found + 1j * (low + uniform() * (high - low))
    if exclude_zero:
        found = np.where(found == 0, np.finfo(np.float32).tiny, found)
    return found
