"""Reductions and normalisations of what a mask keeps, as `wengert.masked`: elements where it is False count as absent.

Each fills in what its operation ignores (0 for a sum, -inf for a maximum ...) and then is that operation. Where nothing
is kept, the result is that of no elements.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Optional

from wengert import dtypes
from wengert.errors import dtype_error, shape_error, value_error
from wengert.functions import cumulative, elementwise, extremes, linalg, quantiles, reduce
from wengert.functions.operands import node_of
from wengert.functions.reduce import widened
from wengert.functions.types import iinfo
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import broadcast_to, primitives as p
from wengert.primitives.casting import move
from wengert.shapes import broadcast, normalize_axes
from wengert.tensors.tensor import Tensor, wrap

__all__: list[str] = []


# --- masks ------------------------------------------------------------------------------------------------------------


def _mask(x: Node, mask: Optional[Tensor], operation: str) -> Optional[Node]:
    """The mask in the shape of x. Raises: IndexError when it has more dimensions, RuntimeError when it does not fit."""
    if mask is None:
        return None
    m = move(node_of(mask, operation, "mask"), dtypes.bool_)
    if m.ndim > x.ndim:
        raise IndexError(f"{operation}: a mask of at most {x.ndim} dimensions, the input's; got {m.ndim}")
    if broadcast(operation, m.shape, x.shape) != x.shape:
        raise shape_error(operation, "a mask that broadcasts to the input", (m.shape, x.shape))
    return broadcast_to(m, x.shape)


def _filled(x: Node, mask: Optional[Tensor], fill: Any, operation: str) -> Tensor:
    m = _mask(x, mask, operation)
    return wrap(x if m is None else p.where(m, x, scalar(fill, x.dtype)))


def _input(input: Tensor, dtype: Any, operation: str, sums: bool = False) -> Node:
    """The input in `dtype`; `sums`: integers in int64."""
    x = node_of(input, operation)
    if dtype is not None:
        return move(x, dtype)
    return move(x, dtypes.int64) if sums and not x.dtype.inexact else x


def _dims(dim: Any, x: Node, operation: str) -> tuple[int, ...]:
    """The reduced dimensions; None and () mean all."""
    return normalize_axes(None if dim == () else dim, x.ndim, operation)


def _lowest(dtype: Any) -> Any:
    if dtype.is_floating_point:
        return -inf
    return False if dtype is dtypes.bool_ else iinfo(dtype).min


def _highest(dtype: Any) -> Any:
    if dtype.is_floating_point:
        return inf
    return True if dtype is dtypes.bool_ else iinfo(dtype).max


# --- reductions -------------------------------------------------------------------------------------------------------


def sum(
    input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Optional[Tensor] = None
) -> Tensor:
    """The sum of what the mask keeps; 0 of nothing."""
    x = _input(input, dtype, "sum", sums=True)
    return reduce.sum(_filled(x, mask, 0, "sum"), _dims(dim, x, "sum"), keepdim, dtype=dtype)


def prod(
    input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Optional[Tensor] = None
) -> Tensor:
    """The product of what the mask keeps; 1 of nothing."""
    x = _input(input, dtype, "prod", sums=True)
    y = _filled(x, mask, 1, "prod")
    for axis in reversed(_dims(dim, x, "prod")):
        y = reduce.prod(y, axis, keepdim, dtype=dtype)
    return y


def _extreme(name: str, fill: Callable[[Any], Any], function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def extreme(
        input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Optional[Tensor] = None
    ) -> Tensor:
        x = _input(input, dtype, name)
        if x.dtype.is_complex:
            raise dtype_error(name, "a real dtype, since complex numbers have no order", x.dtype)
        return function(_filled(x, mask, fill(x.dtype), name), _dims(dim, x, name), keepdim)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = "The largest (smallest) of what the mask keeps; the dtype's other end where nothing is."
    return extreme


amax = _extreme("amax", _lowest, extremes.amax)
amin = _extreme("amin", _highest, extremes.amin)


def _position(name: str, fill: Callable[[Any], Any], function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def position(
        input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Optional[Tensor] = None
    ) -> Tensor:
        x = _input(input, dtype, name)
        return wrap(move(function(_filled(x, mask, fill(x.dtype), name), dim, keepdim)._read(), x.dtype))

    position.__name__ = position.__qualname__ = name
    position.__doc__ = "Where the largest (smallest) of what the mask keeps stands, in the input's dtype, as in PyTorch."
    return position


argmax = _position("argmax", _lowest, extremes.argmax)
argmin = _position("argmin", _highest, extremes.argmin)


def _count(x: Node, mask: Optional[Tensor], dim: Any, keepdim: bool, dtype: Any, operation: str) -> Tensor:
    m = _mask(x, mask, operation)
    ones = p.full(scalar(1, dtype), shape=x.shape) if m is None else move(m, dtype)
    return reduce.sum(wrap(ones), _dims(dim, x, operation), keepdim)


def mean(
    input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Optional[Tensor] = None
) -> Tensor:
    """The mean of what the mask keeps; NaN of nothing.

    Raises: ValueError for integers, unless `dtype` makes them floating.
    """
    x = _input(input, dtype, "mean")
    if not x.dtype.inexact:
        raise value_error("mean", "an input of a floating or complex dtype", x.dtype, "pass dtype=")
    wide = widened(x)
    total = reduce.sum(_filled(wide, mask, 0, "mean"), _dims(dim, x, "mean"), keepdim)
    y = elementwise.div(total, _count(x, mask, dim, keepdim, wide.dtype.to_real, "mean"))
    return wrap(move(y._read(), x.dtype))


def median(
    input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Optional[Tensor] = None
) -> Tensor:
    """The lower median of what the mask keeps along `dim`; NaN of nothing. Raises: RuntimeError for integers."""
    x = _input(input, dtype, "median")
    if not x.dtype.is_floating_point:
        raise dtype_error("median", "a floating dtype", x.dtype)
    if mask is None:
        return quantiles.median(wrap(x), dim, keepdim)[0]
    return quantiles.nanmedian(_filled(x, mask, float("nan"), "median"), dim, keepdim)[0]


def _variance(
    name: str, input: Tensor, dim: Any, unbiased: Any, correction: Any, keepdim: bool, dtype: Any, mask: Any
) -> Node:
    x = _input(input, dtype, name)
    x = x if x.dtype.inexact else move(x, dtypes.float32)
    given = x.dtype
    wide = widened(x)
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    dims = _dims(dim, x, name)
    count = _count(x, mask, dim, True, wide.dtype.to_real, name)
    middle = elementwise.div(reduce.sum(_filled(wide, mask, 0, name), dims, True), count)
    rest = elementwise.sub(wrap(wide), middle)
    squares = elementwise.square(elementwise.abs(rest)) if wide.dtype.is_complex else elementwise.square(rest)
    total = reduce.sum(_filled(squares._read(), mask, 0, name), dims, keepdim)
    degrees = count if keepdim else reduce.sum(count, dims, False) if dims else count
    y = elementwise.div(total, elementwise.clamp_min(elementwise.sub(degrees, correction), 0))
    return move(y._read(), given)


def var(
    input: Tensor,
    dim: Any = None,
    unbiased: Optional[bool] = None,
    *,
    correction: Any = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Optional[Tensor] = None,
) -> Tensor:
    """The variance of what the mask keeps, divided by its number less `correction` (1 unless given), in the input's dtype
    also for complex numbers, as in PyTorch."""
    return wrap(_variance("var", input, dim, unbiased, correction, keepdim, dtype, mask))


def std(
    input: Tensor,
    dim: Any = None,
    unbiased: Optional[bool] = None,
    *,
    correction: Any = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Optional[Tensor] = None,
) -> Tensor:
    """The square root of `var`."""
    variance = wrap(_variance("std", input, dim, unbiased, correction, keepdim, dtype, mask))
    return wrap(move(elementwise.sqrt(variance)._read(), variance.dtype))


def norm(
    input: Tensor,
    ord: Any = 2.0,
    dim: Any = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Optional[Tensor] = None,
) -> Tensor:
    """The vector norm of what the mask keeps."""
    x = _input(input, dtype, "norm")
    fill = inf if ord == -inf else 0
    return linalg.vector_norm(_filled(x, mask, fill, "norm"), ord, _dims(dim, x, "norm"), keepdim)


def logsumexp(
    input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Optional[Tensor] = None
) -> Tensor:
    """log sum exp of what the mask keeps; -inf of nothing."""
    given = _input(input, dtype, "logsumexp")
    x = given if given.dtype.inexact else move(given, dtypes.get_default_dtype())
    y = reduce.logsumexp(_filled(x, mask, -inf, "logsumexp"), _dims(dim, x, "logsumexp"), keepdim)
    return wrap(move(y._read(), given.dtype))


def logaddexp(
    input: Tensor,
    other: Tensor,
    *,
    dtype: Any = None,
    input_mask: Optional[Tensor] = None,
    other_mask: Optional[Tensor] = None,
) -> Tensor:
    """log(exp input + exp other), of which a mask may take either side away."""
    x, w = _input(input, dtype, "logaddexp"), _input(other, dtype, "logaddexp")
    return elementwise.logaddexp(_filled(x, input_mask, -inf, "logaddexp"), _filled(w, other_mask, -inf, "logaddexp"))


# --- scans and normalisations: the shape stays ------------------------------------------------------------------------


def cumsum(input: Tensor, dim: int, *, dtype: Any = None, mask: Optional[Tensor] = None) -> Tensor:
    """The running sum, for which what the mask does not keep is 0."""
    x = _input(input, dtype, "cumsum")
    return cumulative.cumsum(_filled(x, mask, 0, "cumsum"), dim, dtype=x.dtype)


def cumprod(input: Tensor, dim: int, *, dtype: Any = None, mask: Optional[Tensor] = None) -> Tensor:
    """The running product, for which what the mask does not keep is 1."""
    x = _input(input, dtype, "cumprod")
    return cumulative.cumprod(_filled(x, mask, 1, "cumprod"), dim, dtype=x.dtype)


def softmax(input: Tensor, dim: int, *, dtype: Any = None, mask: Optional[Tensor] = None) -> Tensor:
    """exp(x) / sum exp(x) over what the mask keeps; 0 elsewhere, NaN where nothing is kept."""
    return reduce.softmax(_filled(_input(input, dtype, "softmax"), mask, -inf, "softmax"), dim)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None, mask: Optional[Tensor] = None) -> Tensor:
    """log of `softmax`."""
    return reduce.log_softmax(_filled(_input(input, dtype, "log_softmax"), mask, -inf, "log_softmax"), dim)


def softmin(input: Tensor, dim: int, *, dtype: Any = None, mask: Optional[Tensor] = None) -> Tensor:
    """`softmax` of -input."""
    return reduce.softmax(elementwise.neg(_filled(_input(input, dtype, "softmin"), mask, inf, "softmin")), dim)


def normalize(
    input: Tensor, ord: Any, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Optional[Tensor] = None
) -> Tensor:
    """What the mask keeps, divided by its norm along `dim`, or by eps where that is smaller; 0 elsewhere."""
    x = _input(input, dtype, "normalize")
    size = norm(wrap(x), ord, dim, keepdim=True, mask=mask)
    return elementwise.div(_filled(x, mask, 0, "normalize"), elementwise.clamp_min(size, eps))


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
