"""Reductions over axes, sums along one, counting: `tf.math.reduce_*` and their kind."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import (
    BOOL,
    FLOATING,
    INEXACT,
    NUMERIC,
    REAL,
    Kind,
    accept,
    axes_in,
    axis_in,
)
from wengert.tf.ops.core import w

# --- over axes --------------------------------------------------------------------------------------------------------


def _reduction(function: Any, operation: str, kind: Kind, doc: str) -> Any:
    """``(input_tensor, axis=None, keepdims=False, name=None)``; the core's function takes (x, axes, keepdim)."""

    @face("input_tensor")
    def reduction(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: Optional[str] = None) -> Any:
        accept(operation, kind, input_tensor)
        axes = axes_in(axis, input_tensor.ndim, operation)
        return function(input_tensor, axes, keepdims) if axes else function(input_tensor[None], (0,), False)

    reduction.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for dtypes or axes that do not fit."
    reduction.__name__ = reduction.__qualname__ = operation
    return reduction


def _summed(x: Any, axes: Any, keepdims: bool) -> Any:
    return w.sum(x, axes, keepdim=keepdims, dtype=x.dtype)


def _multiplied(x: Any, axes: Any, keepdims: bool) -> Any:
    for axis in sorted(axes, reverse=True):
        x = w.prod(x, axis, keepdim=keepdims, dtype=x.dtype)
    return x


def _mean(x: Any, axes: Any, keepdims: bool) -> Any:
    if x.dtype.inexact:
        return w.mean(x, axes, keepdim=keepdims)
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return w.div(_summed(x, axes, keepdims), max(count, 1), rounding_mode="trunc").to(x.dtype)


def _largest(x: Any, axes: Any, keepdims: bool) -> Any:
    if 0 in [x.shape[axis] for axis in axes]:
        low = -w.inf if x.dtype.is_floating_point else w.iinfo(x.dtype).min
        x = w.full([1 if i in axes else n for i, n in enumerate(x.shape)], low, dtype=x.dtype)
    return w.amax(x, axes, keepdim=keepdims)


def _smallest(x: Any, axes: Any, keepdims: bool) -> Any:
    if 0 in [x.shape[axis] for axis in axes]:
        high = w.inf if x.dtype.is_floating_point else w.iinfo(x.dtype).max
        x = w.full([1 if i in axes else n for i, n in enumerate(x.shape)], high, dtype=x.dtype)
    return w.amin(x, axes, keepdim=keepdims)


def _every(x: Any, axes: Any, keepdims: bool) -> Any:
    return w.amin(x.to(w.uint8), axes, keepdim=keepdims).to(w.bool) if x.numel() else _empty(x, axes, keepdims, True)


def _some(x: Any, axes: Any, keepdims: bool) -> Any:
    return w.amax(x.to(w.uint8), axes, keepdim=keepdims).to(w.bool) if x.numel() else _empty(x, axes, keepdims, False)


def _empty(x: Any, axes: Any, keepdims: bool, value: bool) -> Any:
    sizes = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
    return w.full(sizes, value, dtype=w.bool)


def _variance(x: Any, axes: Any, keepdims: bool) -> Any:
    away = x - w.mean(x, axes, keepdim=True)
    squares = w.square(w.abs(away)) if x.dtype.is_complex else w.square(away)
    return w.mean(squares, axes, keepdim=keepdims)


def _length(x: Any, axes: Any, keepdims: bool) -> Any:
    if not x.dtype.inexact:
        return w.sqrt(_summed(x * x, axes, keepdims).to(w.float64)).to(x.dtype)
    if x.dtype.is_complex:
        return w.linalg.vector_norm(x, 2, axes, keepdim=keepdims).to(x.dtype)
    return w.linalg.vector_norm(x, 2, axes, keepdim=keepdims)


reduce_sum = _reduction(_summed, "Sum", NUMERIC, "The sum over axes; over all of them when none is given.")
reduce_prod = _reduction(_multiplied, "Prod", NUMERIC, "The product over axes.")
reduce_mean = _reduction(_mean, "Mean", NUMERIC, "The mean over axes; of integers, rounded towards 0.")
reduce_max = _reduction(_largest, "Max", REAL, "The largest over axes; equal ones share the derivative.")
reduce_min = _reduction(_smallest, "Min", REAL, "The smallest over axes; equal ones share the derivative.")
reduce_all = _reduction(_every, "All", BOOL, "Whether all hold.")
reduce_any = _reduction(_some, "Any", BOOL, "Whether one of them holds.")
reduce_logsumexp = _reduction(
    lambda x, axes, keepdims: w.logsumexp(x, axes, keepdim=keepdims), "LogSumExp", FLOATING, "ln of the sum of e^x."
)
reduce_euclidean_norm = _reduction(_length, "EuclideanNorm", NUMERIC, "The square root of the sum of squares.")
_variance_of = _reduction(_variance, "Variance", INEXACT, "The mean square of the distance from the mean.")


@face("input_tensor")
def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: Optional[str] = None) -> Any:
    """The mean square of the distance from the mean, over axes. Raises: TypeError for integers."""
    _need_inexact(input_tensor)
    return _variance_of(input_tensor, axis, keepdims)


@face("input_tensor")
def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: Optional[str] = None) -> Any:
    """The square root of the variance, over axes. Raises: TypeError for integers."""
    _need_inexact(input_tensor)
    return w.sqrt(_variance_of(input_tensor, axis, keepdims))


def _need_inexact(x: Any) -> None:
    if not x.dtype.inexact:
        raise TypeError(f"Input must be either real or complex. Received integer type {x.dtype.name}. Use tf.cast")


@face("input")
def count_nonzero(
    input: Any, axis: Any = None, keepdims: Optional[bool] = None, dtype: Any = w.int64, name: Optional[str] = None
) -> Any:
    """How many over axes are not 0."""
    axes = axes_in(axis, input.ndim, "count_nonzero")
    found = (input != 0).to(as_dtype(dtype))
    return _summed(found, axes, bool(keepdims)) if axes else found


@face("value")
def zero_fraction(value: Any, name: Optional[str] = None) -> Any:
    """The share of zeros, in float32."""
    return (value == 0).to(w.float32).mean()


def _extreme(function: Any, operation: str, doc: str) -> Any:
    @face("input")
    def place(input: Any, axis: Any = None, output_type: Any = w.int64, name: Optional[str] = None) -> Any:
        accept(operation, NUMERIC | BOOL, input)
        axis = axis_in(0 if axis is None else axis, input.ndim, operation)
        if input.shape[axis] == 0:
            raise invalid(f"Reduction axis {axis} is empty in shape {list(input.shape)} [Op:{operation}]")
        x = input.to(w.uint8) if input.dtype is w.bool else input
        return function(x, axis).to(as_dtype(output_type))

    place.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for dtypes or axes that do not fit."
    place.__name__ = place.__qualname__ = operation
    return place


argmax = _extreme(w.argmax, "ArgMax", "Where along an axis the largest is, the first of equal ones.")
argmin = _extreme(w.argmin, "ArgMin", "Where along an axis the smallest is, the first of equal ones.")

# --- along an axis ----------------------------------------------------------------------------------------------------


def _scan(function: Any, operation: str, kind: Kind, first: float, doc: str) -> Any:
    """``(x, axis=0, exclusive=False, reverse=False, name=None)``; `first` is what an exclusive one begins with."""

    @face("x")
    def along(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: Optional[str] = None) -> Any:
        accept(operation, kind, x)
        axis = axis_in(axis, x.ndim, operation)
        x = w.flip(x, (axis,)) if reverse else x
        if exclusive:
            n = x.shape[axis]
            start = w.full([min(n, 1) if i == axis else m for i, m in enumerate(x.shape)], first, dtype=x.dtype)
            x = w.cat([start, x.narrow(axis, 0, max(n - 1, 0))], axis)
        y = function(x, axis)
        return w.flip(y, (axis,)) if reverse else y

    along.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for dtypes or axes that do not fit."
    along.__name__ = along.__qualname__ = operation
    return along


cumsum = _scan(lambda x, axis: w.cumsum(x, axis, dtype=x.dtype), "Cumsum", NUMERIC, 0,
               "Sums of the elements up to each one (`exclusive`: before it; `reverse`: from the end).")  # fmt: skip
cumprod = _scan(lambda x, axis: w.cumprod(x, axis, dtype=x.dtype), "Cumprod", NUMERIC, 1, "Products, as `cumsum` sums.")
cumulative_logsumexp = _scan(w.logcumsumexp, "CumulativeLogsumexp", FLOATING, -w.inf, "ln of the sums of e^x.")

__all__ = [
    "argmax", "argmin", "count_nonzero", "cumprod", "cumsum", "cumulative_logsumexp", "reduce_all", "reduce_any",
    "reduce_euclidean_norm", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std",
    "reduce_sum", "reduce_variance", "zero_fraction",
]  # fmt: skip
