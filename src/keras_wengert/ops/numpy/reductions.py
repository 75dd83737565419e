"""Reductions along axes, cumulative ones, and statistics."""

from __future__ import annotations

from typing import Any

import wengert as w
from keras_wengert.ops.common import (
    as_float,
    axes_of,
    cast,
    convert_to_tensor,
    dtypes,
    float_dtype,
    floats,
    standardize_dtype,
)
from keras_wengert.ops.core import to_dtype


def _wide(x: Any) -> Any:
    """Integers as wide as sums of them need by Keras's rule: int32 at least."""
    dtype = standardize_dtype(x.dtype)
    if dtype in ("bool", "int8", "int16"):
        return cast(x, "int32")
    return cast(x, "uint32") if dtype in ("uint8", "uint16") else x


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over axes."""
    x = _wide(convert_to_tensor(x))
    axes = axes_of(axis, x.ndim)
    return w.sum(x, axes, keepdim=keepdims, dtype=x.dtype) if axes else x


def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over axes."""
    x = convert_to_tensor(x)
    x = _wide(x) if dtype is None else cast(x, dtype)
    for a in sorted(axes_of(axis, x.ndim), reverse=True):
        x = w.prod(x, a, keepdim=keepdims, dtype=x.dtype)
    return x


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over axes; of narrow floats computed in float32."""
    x = convert_to_tensor(x)
    given = standardize_dtype(x.dtype)
    dtype = dtypes.result_type(given, float) if not x.dtype.inexact else given
    wide = x if given in ("float64",) or x.dtype.is_complex else cast(x, dtypes.result_type(given, "float32"))
    axes = axes_of(axis, x.ndim)
    return cast(w.mean(wide, axes, keepdim=keepdims) if axes else wide, dtype)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance (of the population) over axes."""
    x = convert_to_tensor(x)
    dtype = float_dtype(x) if not x.dtype.is_complex else standardize_dtype(x.dtype.to_real)
    wide = x if x.dtype.is_complex else cast(x, dtypes.result_type(standardize_dtype(x.dtype), "float32"))
    axes = axes_of(axis, x.ndim)
    if not axes:  # of single numbers; PyTorch's functions take no axes for all of them
        return w.zeros_like(x, dtype=to_dtype(dtype))
    return cast(w.var(wide, axes, correction=0, keepdim=keepdims), dtype)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation (of the population) over axes."""
    return w.sqrt(var(as_float(x), axis, keepdims))


def _extreme(function: Any, combine: Any) -> Any:
    def operation(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        x = convert_to_tensor(x)
        if x.numel() == 0 and initial is not None:
            axes = axes_of(axis, x.ndim)
            shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
            shape = shape if keepdims else [n for i, n in enumerate(x.shape) if i not in axes]
            return w.full(shape, initial, dtype=x.dtype)
        axes = axes_of(axis, x.ndim)
        as_bool = x.dtype is w.bool
        y = function(cast(x, "int32") if as_bool else x, axes, keepdim=keepdims) if axes else x
        y = cast(y, "bool") if as_bool else y
        return y if initial is None else combine(y, convert_to_tensor(initial, standardize_dtype(x.dtype)))

    return operation


max = _extreme(w.amax, w.maximum)
min = _extreme(w.amin, w.minimum)


def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest over axes."""
    return max(x, axis, keepdims)


def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest over axes."""
    return min(x, axis, keepdims)


def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The range: largest less smallest."""
    x = convert_to_tensor(x)
    return max(x, axis, keepdims) - min(x, axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether every element over the axes is true."""
    x = cast(x, "bool")
    for a in sorted(axes_of(axis, x.ndim), reverse=True):
        x = w.all(x, a, keepdim=keepdims)
    return x


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether some element over the axes is true."""
    x = cast(x, "bool")
    for a in sorted(axes_of(axis, x.ndim), reverse=True):
        x = w.any(x, a, keepdim=keepdims)
    return x


def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many elements are not zero, int32."""
    return sum(cast(cast(x, "bool"), "int32"), axis)


def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The mean, weighted."""
    if weights is None:
        return mean(as_float(x), axis)
    x, weights = floats(x, weights)
    if weights.ndim == 1 and x.ndim > 1:
        (a,) = axes_of(axis, x.ndim)
        weights = weights.reshape([-1 if i == a else 1 for i in range(x.ndim)])
    return sum(x * weights, axis) / sum(w.broadcast_to(weights, x.shape), axis)


def cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running sums along an axis; of all elements for None."""
    x = convert_to_tensor(x)
    x = cast(x, dtype) if dtype is not None else cast(x, "int32") if x.dtype is w.bool else x
    return w.cumsum(x.reshape(-1), 0, dtype=x.dtype) if axis is None else w.cumsum(x, axis, dtype=x.dtype)


def cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running products along an axis; of all elements for None."""
    x = convert_to_tensor(x)
    x = cast(x, dtype) if dtype is not None else cast(x, "int32") if x.dtype is w.bool else x
    return w.cumprod(x.reshape(-1), 0, dtype=x.dtype) if axis is None else w.cumprod(x, axis, dtype=x.dtype)


# --- quantiles --------------------------------------------------------------------------------------------------------


def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Quantiles over axes."""
    return _quantile(w.quantile, x, q, axis, method, keepdims)


def nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Quantiles over axes, of what is not NaN."""
    return _quantile(w.nanquantile, x, q, axis, method, keepdims)


def _quantile(function: Any, x: Any, q: Any, axis: Any, method: str, keepdims: bool) -> Any:
    x = as_float(x)
    dtype = standardize_dtype(x.dtype)
    computed = "float64" if dtype == "float64" else "float32"
    x, q = cast(x, computed), cast(q, computed)
    axes = axes_of(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    flat = x.permute(*rest, *axes).reshape([x.shape[i] for i in rest] + [-1])
    y = function(flat, q, dim=-1, interpolation=method)
    if keepdims:
        y = y.reshape(tuple(q.shape) + tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))
    return cast(y, dtype)


def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Quantiles in percent."""
    return quantile(x, as_float(q) / 100, axis, method, keepdims)


def nanpercentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Quantiles in percent, of what is not NaN."""
    return nanquantile(x, as_float(q) / 100, axis, method, keepdims)


def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle value; of an even number the mean of the two in the middle."""
    return _middle(quantile, x, axis, keepdims)


def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle value of what is not NaN."""
    return _middle(nanquantile, x, axis, keepdims)


def _middle(function: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Half of the sum of both, not a way between them, so that infinities stay."""
    return (function(x, 0.5, axis, "lower", keepdims) + function(x, 0.5, axis, "higher", keepdims)) / 2


# --- without NaN ------------------------------------------------------------------------------------------------------


def _filled(x: Any, value: float) -> Any:
    x = convert_to_tensor(x)
    return w.where(w.isnan(x), w.full_like(x, value), x) if x.dtype.inexact else x


def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum of what is not NaN."""
    return sum(_filled(x, 0), axis, keepdims)


def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product of what is not NaN."""
    return prod(_filled(x, 1), axis, keepdims)


def nancumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running sums, NaN counted as 0."""
    return cumsum(_filled(x, 0), axis, dtype)


def nancumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running products, NaN counted as 1."""
    return cumprod(_filled(x, 1), axis, dtype)


def _nan_extreme(function: Any, bound: float) -> Any:
    def operation(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = convert_to_tensor(x)
        if not x.dtype.inexact:
            return function(x, axis, keepdims)
        nothing = all(w.isnan(x), axis, keepdims)
        y = function(_filled(x, bound), axis, keepdims)
        return w.where(nothing, w.full_like(y, float("nan")), y)

    return operation


nanmax = _nan_extreme(max, float("-inf"))
nanmin = _nan_extreme(min, float("inf"))


def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean of what is not NaN."""
    x = as_float(x)
    count = sum(cast(~w.isnan(x), standardize_dtype(x.dtype)), axis, keepdims)
    return nansum(x, axis, keepdims) / count


def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance of what is not NaN."""
    x = as_float(x)
    away = x - nanmean(x, axis, True)
    return nanmean(away * away, axis, keepdims)


def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation of what is not NaN."""
    return w.sqrt(nanvar(x, axis, keepdims))


# --- positions --------------------------------------------------------------------------------------------------------


def _position(function: Any) -> Any:
    def operation(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = convert_to_tensor(x)
        x = cast(x, "int32") if x.dtype is w.bool else x
        y = function(x, axis, keepdim=keepdims) if axis is not None else function(x.reshape(-1), 0)
        if axis is None and keepdims:
            y = y.reshape([1] * x.ndim)
        return cast(y, "int32")

    return operation


argmax = _position(w.argmax)
argmin = _position(w.argmin)


def _nan_position(find: Any, bound: float) -> Any:
    def operation(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = convert_to_tensor(x)
        if not x.dtype.inexact:
            return find(x, axis, keepdims)
        nothing = all(w.isnan(x), axis, keepdims)
        y = find(_filled(x, bound), axis, keepdims)
        return w.where(nothing, w.full_like(y, -1), y)

    return operation


nanargmax = _nan_position(argmax, float("-inf"))
nanargmin = _nan_position(argmin, float("inf"))
