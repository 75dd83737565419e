"""Interpolation on a grid: other sizes for the spatial dimensions of (batch, channels, d1, d2, d3).

Every mode is one linear map for each dimension, a table of taps: output i is the sum over k of weight[i, k] x[at[i, k]].
The tables are made once for each pair of sizes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, shape_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap

Size = Union[int, Sequence[int], None]
Factor = Union[float, Sequence[float], None]

# The spatial dimensions that a mode takes.
_RANKS = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "bicubic": (2,), "lanczos": (2,), "trilinear": (3,),
}  # fmt: skip
_SMOOTH = ("linear", "bilinear", "bicubic", "trilinear", "lanczos")
_WITH_ANTIALIAS = ("bilinear", "bicubic", "lanczos")


def interpolate(
    input: Tensor,
    size: Size = None,
    scale_factor: Factor = None,
    mode: str = "nearest",
    align_corners: Optional[bool] = None,
    recompute_scale_factor: Optional[bool] = None,
    antialias: bool = False,
) -> Tensor:
    """The input at another resolution: of `size`, or `scale_factor` times as large (rounded down).

    mode: "nearest" (the cell that the output's corner falls into), "nearest-exact" (its centre), "area" (the mean of
        what a cell covers), "linear", "bilinear", "trilinear", "bicubic" (Keys, 1981, with a = -0.75).
    align_corners: whether the centres of the corner cells are mapped on each other, instead of the edges of the grids.
    recompute_scale_factor: use the ratio of the rounded sizes instead of the factor that was given.
    antialias: widen the filter by the factor of a reduction (bilinear, bicubic with a = -0.5, and Lanczos of width 3).

    Shape: (batch, channels, d1), (..., d1, d2) or (..., d1, d2, d3).

    Raises: ValueError for options that do not go together; TypeError for a size that is no integer;
    NotImplementedError for a mode on another number of dimensions; RuntimeError for empty sizes.
    """
    x = node_of(input, "interpolate")
    if align_corners is not None and mode in ("nearest", "area", "nearest-exact"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    spatial = x.shape[2:]
    sizes, factors = _wanted(spatial, size, scale_factor, recompute_scale_factor or mode == "area")
    if size is not None and recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    _check_mode(mode, len(spatial), bool(align_corners), antialias)
    if (not all(sizes) and mode != "area") or not all(x.shape[1:]):
        raise shape_error("interpolate", "Input and output sizes should be greater than 0", (x.shape, sizes))
    return wrap(_resampled(x, sizes, factors, mode, bool(align_corners), antialias))


def _wanted(
    spatial: Sequence[int], size: Size, factor: Factor, recompute: bool
) -> tuple[tuple[int, ...], tuple[Optional[float], ...]]:
    """The sizes, and the factors that the coordinates are to be scaled by (None: the ratio of the sizes)."""
    if (size is None) == (factor is None):
        which = "either size or scale_factor" if size is None else "only one of size or scale_factor"
        raise ValueError(f"{which} should be defined")
    given: Any = size if factor is None else factor
    each = tuple(given) if isinstance(given, (tuple, list)) else (given,) * len(spatial)
    if len(each) != len(spatial):
        raise ValueError(
            f"Input and {'output' if factor is None else 'scale_factor'} must have the same number of spatial "
            f"dimensions, but got input with spatial dimensions of {list(spatial)} and {given}."
        )
    if factor is not None:
        sizes = tuple([int(n * f) for n, f in zip(spatial, each)])
        return sizes, (None,) * len(spatial) if recompute else tuple([float(f) for f in each])
    try:
        return tuple([n.__index__() for n in each]), (None,) * len(spatial)
    except (AttributeError, TypeError):
        raise TypeError(f"interpolate: expected size to be one int or one for each dimension; got {given!r}") from None


def _check_mode(mode: str, rank: int, align_corners: bool, antialias: bool) -> None:
    if antialias and not (mode in _WITH_ANTIALIAS and rank == 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if rank not in _RANKS.get(mode, ()):
        needed = " or ".join([f"{n + 2}D" for n in _RANKS.get(mode, ())])
        raise NotImplementedError(
            f"Got {rank + 2}D input, but {mode} mode needs {needed} input" if needed else f"there is no mode {mode!r}"
        )
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError("Lanczos mode requires antialias=True and does not support align_corners=True")


def _resampled(
    x: Node, sizes: Sequence[int], factors: Sequence[Optional[float]], mode: str, align: bool, antialias: bool
) -> Node:
    dtype = x.dtype
    if mode.startswith("nearest"):
        wide = dtype
    elif dtype is dtypes.uint8 and mode in ("bilinear", "bicubic", "lanczos"):
        wide = dtypes.float64
    elif dtype.is_floating_point:
        wide = dtypes.float64 if dtype is dtypes.float64 else dtypes.float32
    else:
        raise dtype_error("interpolate", f"a floating dtype for mode {mode!r}", dtype, "convert the input with .float()")
    y = move(x, wide)
    for axis in reversed(range(2, x.ndim)):
        n, m, factor = x.shape[axis], sizes[axis - 2], factors[axis - 2]
        if mode == "nearest" and x.ndim == 4 and m in (n, 2 * n):
            factor = None  # exactly 1 or 2 whatever the factor says; in PyTorch in two dimensions only
        y = apply_taps(y, axis, taps(mode, n, m, factor, align, antialias, wide is dtypes.float64))
        if dtype is dtypes.uint8 and wide is not dtype:  # each pass writes an image, in PyTorch too
            y = p.minimum(p.clamp_min(p.floor(y + 0.5), 0), 255)
    return move(y, dtype)


class Taps(NamedTuple):
    """For each output (m, k): where it reads and with what weight; weight None is 1, and k is 1."""

    at: Any
    weight: Any


def apply_taps(x: Node, axis: int, table: Taps) -> Node:
    """sum_k weight[i, k] x[..., at[i, k], ...] at position i along `axis`."""
    m, k = table.at.shape
    if k == 1 and table.weight is None:
        at = table.at[:, 0]
        return p.take(x, literal(at, array_type((m,), dtypes.int64)), axis=axis, wrap=False)
    read = p.take(x, literal(table.at, array_type((m, k), dtypes.int64)), axis=axis, wrap=False)  # (..., m, k, ...)
    shape = (m, k) + (1,) * (x.ndim - axis - 1)
    weight = np.ascontiguousarray(table.weight.astype(x.dtype.numpy).reshape(shape))
    return p.reduce_sum(read * literal(weight, array_type(shape, x.dtype)), axes=(axis + 1,))


@lru_cache(maxsize=256)
def taps(mode: str, n: int, m: int, factor: Optional[float], align: bool, antialias: bool, double: bool) -> Taps:
    """The table of a mode from n to m positions. Coordinates are computed in the precision in which PyTorch does, on
    which the cell that a border falls into depends."""
    real = np.float64 if double else np.float32
    if mode == "nearest" or mode == "nearest-exact":
        return _nearest(n, m, factor, 0.0 if mode == "nearest" else 0.5)
    if mode == "area":
        return _area(n, m)
    if align:
        scale = real(n - 1) / real(m - 1) if m > 1 else real(0)
    else:
        scale = real(1.0 / factor) if factor is not None and factor > 0 else real(n) / real(m)
    i = np.arange(m).astype(real)
    if antialias:
        return _linear(n, i) if m == n else _antialiased(n, m, scale, *_FILTERS[mode])
    source = scale * i if align else scale * (i + real(0.5)) - real(0.5)
    if mode == "bicubic":
        return _cubic(n, source)
    return _linear(n, i if m == n else np.maximum(source, 0))  # one to one whatever the factor says, as in PyTorch


def _nearest(n: int, m: int, factor: Optional[float], offset: float) -> Taps:
    scale = np.float32(1.0 / factor) if factor is not None and factor > 0 else np.float32(n) / np.float32(m)
    source = (np.arange(m).astype(np.float32) + np.float32(offset)) * scale
    return Taps(np.minimum(np.floor(source).astype(np.int64), n - 1)[:, None], None)


def _area(n: int, m: int) -> Taps:
    i = np.arange(m)
    if not m:
        return Taps(np.zeros((0, 1), np.int64), np.ones((0, 1)))
    return _windows(i * n // m, -(-(i + 1) * n // m), lambda at: np.ones(at.shape))


def _windows(first: Any, last: Any, weigh: Callable[[Any], Any]) -> Taps:
    """Weights over windows [first, last), normalised. A shorter window repeats its last tap, whose weight is shared, so
    that no tap has the weight 0, which would make an infinite value NaN."""
    longest = (last - first).max()
    at = np.minimum(first[:, None] + np.arange(longest), last[:, None] - 1)
    weight = weigh(at).astype(np.float64)
    repeats = (at == last[:, None] - 1).sum(1, keepdims=True)
    weight = np.where(at == last[:, None] - 1, weight / repeats, weight)
    return Taps(at.astype(np.int64), weight / weight.sum(1, keepdims=True))


def _linear(n: int, source: Any) -> Taps:
    low = np.minimum(source.astype(np.int64), n - 1)
    part = np.clip(source - low.astype(source.dtype), 0, 1)
    return Taps(np.stack([low, np.minimum(low + 1, n - 1)], 1), np.stack([1 - part, part], 1))


def _cubic(n: int, source: Any) -> Taps:
    low = np.floor(source)
    part = source - low
    distances = np.stack([part + 1, part, 1 - part, 2 - part], 1)
    at = low[:, None].astype(np.int64) + np.arange(-1, 3)
    return Taps(np.clip(at, 0, n - 1), cubic_filter(distances, -0.75))


def cubic_filter(distance: Any, a: float) -> Any:
    """Keys' kernel: (a + 2) d^3 - (a + 3) d^2 + 1 up to 1, a (d^3 - 5 d^2 + 8 d - 4) up to 2, then 0."""
    d = abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d - 4
    return np.where(d <= 1, near, np.where(d < 2, a * far, 0))


def _triangle(d: Any) -> Any:
    return np.maximum(1 - np.abs(d), 0)


def _lanczos(d: Any) -> Any:
    return np.where(np.abs(d) < 3, np.sinc(d) * np.sinc(d / 3), 0)


# Reach and shape of the filter.
_FILTERS: dict[str, tuple[float, Callable[[Any], Any]]] = {
    "bilinear": (1.0, _triangle),
    "bicubic": (2.0, lambda d: cubic_filter(d, -0.5)),
    "lanczos": (3.0, _lanczos),
}


def _antialiased(n: int, m: int, scale: Any, reach: float, shape: Callable[[Any], Any]) -> Taps:
    """A filter around the centre of each output, as wide as the output's cell is, measured in cells of the input."""
    real = type(scale)
    wide = max(scale, real(1))
    centre = scale * (np.arange(m).astype(real) + real(0.5))
    first = np.maximum((centre - reach * wide + real(0.5)).astype(np.int64), 0)
    last = np.minimum((centre + reach * wide + real(0.5)).astype(np.int64), n)
    middle = (centre - real(0.5))[:, None]
    return _windows(first, last, lambda at: shape((at - middle) / wide))


def upsample(
    input: Tensor,
    size: Size = None,
    scale_factor: Factor = None,
    mode: str = "nearest",
    align_corners: Optional[bool] = None,
) -> Tensor:
    """`interpolate` by its old name."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Size = None, scale_factor: Factor = None) -> Tensor:
    """`interpolate` with mode "nearest", by its old name."""
    warnings.warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Size = None, scale_factor: Factor = None) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners, by its old name."""
    warnings.warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
