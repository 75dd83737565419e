"""Reductions: sum, mean, product, truth, and the exponential ones. By PyTorch's names and rules: `dim` is one
dimension, several, or None for all; `keepdim` leaves them as size 1; sums of integers are taken in int64.

Hot path: `sum` and `mean` with plain arguments add a microsecond or two to what `record` costs.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import dtype_error, runtime_error
from wengert.functions.axes import Dims, at_least_1d, axes_of, axis_of, count, kept, numpy_names, one_axis
from wengert.functions.data import dtype_named_by
from wengert.functions.operands import deliver, floating, node_of, sizes
from wengert.graph.node import Node, array_type
from wengert.graph.record import record
from wengert.graph.rule import Primitive, primitives as p, unbroadcast
from wengert.primitives.casting import move
from wengert.primitives.reductions import reduce_mean, reduce_sum
from wengert.shapes import Shape
from wengert.tensors.casting import in_single_precision
from wengert.tensors.tensor import Tensor

__all__ = [
    "sum", "mean", "prod", "nansum", "nanmean", "count_nonzero", "all", "any", "logsumexp", "softmax", "log_softmax",
]  # fmt: skip


# --- sums and means --------------------------------------------------------------------------------------------------


@numpy_names
def sum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Optional[DType] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The sum over `dim`; 0 for no elements. Integers and bools are summed in int64; with `dtype`, in that.

    Raises: IndexError for a dimension that is not there.

    Example:
        >>> import wengert as w
        >>> w.sum(w.tensor([[1, 2], [3, 4]]), dim=0).tolist()
        [4, 6]
    """
    x = _summand(node_of(input, "sum"), dtype, "sum")
    axes = axes_of(dim, x.type.ndim, "sum")
    y = record(reduce_sum, (x,), (axes,))
    return deliver(kept(y, x.shape, axes) if keepdim else y, out)


def _summand(x: Node, dtype: Any, operation: str) -> Node:
    if dtype is not None:
        return move(x, dtype_named_by(dtype, operation))
    return x if x.type.inexact else move(x, dtypes.int64)


@numpy_names
def mean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Optional[DType] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The sum over `dim` divided by the number of elements; NaN for none. 16-bit floats are averaged in float32.

    Raises: RuntimeError for integers and bools, unless `dtype` makes them floating.

    Example:
        >>> import wengert as w
        >>> w.mean(w.tensor([[1.0, 2.0], [3.0, 6.0]]), dim=1, keepdim=True).tolist()
        [[1.5], [4.5]]
    """
    x = node_of(input, "mean")
    if dtype is not None:
        x = move(x, dtype_named_by(dtype, "mean"))
    given = x.type.dtype
    if not given.inexact:
        whose = "Input" if dtype is None else "Optional"
        raise dtype_error(
            "mean", f"could not infer output dtype. {whose} dtype must be either a floating point or complex dtype",
            given, "convert the input first, for example with .float()",
        )  # fmt: skip
    axes = axes_of(dim, x.type.ndim, "mean")
    y = mean_node(x, axes)
    return deliver(kept(y, x.shape, axes) if keepdim else y, out)


def mean_node(x: Node, axes: Shape) -> Node:
    """The mean over `axes`, which are dropped."""
    wide = widened(x)
    y = record(reduce_mean, (wide,), (axes,))
    return y if wide is x else move(y, x.dtype)


def widened(x: Node) -> Node:
    """16-bit floats in float32, others as they are: for computations of several steps that should round once."""
    dtype = x.type.dtype
    return move(x, dtypes.float32) if dtype is dtypes.float16 or dtype is dtypes.bfloat16 else x


@numpy_names
@in_single_precision
def prod(
    input: Tensor,
    dim: Optional[int] = None,
    keepdim: bool = False,
    *,
    dtype: Optional[DType] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The product over `dim` (one dimension, or None for all); 1 for no elements. Integers in int64, unless `dtype`.

    The derivative is exact where elements are 0.
    """
    x = _summand(node_of(input, "prod"), dtype, "prod")
    axes = axes_of(None, x.ndim, "prod") if dim is None else one_axis(dim, x.ndim, "prod")
    y = p.reduce_prod(x, axes=axes)
    return deliver(kept(y, x.shape, axes) if keepdim else y, out)


@numpy_names
def nansum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Optional[DType] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The sum over `dim` with NaN counted as 0. Raises: RuntimeError for complex tensors."""
    x = _summand(node_of(input, "nansum"), dtype, "nansum")
    if x.dtype.is_complex:
        raise dtype_error("nansum", "a real dtype", x.dtype)
    axes = axes_of(dim, x.ndim, "nansum")
    y = reduce_sum(_without_nan(x), axes=axes)
    return deliver(kept(y, x.shape, axes) if keepdim else y, out)


def _without_nan(x: Node) -> Node:
    return p.where(p.isnan(x), 0, x) if x.type.inexact else x


@numpy_names
def nanmean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Optional[DType] = None,
    out: Optional[Tensor] = None,
) -> Tensor:
    """The mean over `dim` of what is not NaN; NaN where nothing is left.

    Raises: RuntimeError for integers and bools, unless `dtype` makes them floating.
    """
    x = node_of(input, "nanmean")
    x = x if dtype is None else move(x, dtype_named_by(dtype, "nanmean"))
    if not x.type.inexact:
        raise dtype_error("nanmean", "expected input to have floating point or complex dtype", x.dtype)
    axes = axes_of(dim, x.ndim, "nanmean")
    wide = widened(x)
    present = p.convert(p.bitwise_not(p.isnan(wide)), dtype=wide.dtype)
    y = move(reduce_sum(_without_nan(wide), axes=axes) / reduce_sum(present, axes=axes), x.dtype)
    return deliver(kept(y, x.shape, axes) if keepdim else y, out)


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over `dim` are not 0, as int64."""
    x = node_of(input, "count_nonzero")
    nonzero = p.convert(move(x, dtypes.bool_), dtype=dtypes.int64)
    return deliver(reduce_sum(nonzero, axes=axes_of(dim, x.ndim, "count_nonzero")))


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """The sum over the dimensions along which a tensor of this size would have to be stretched to the input's shape.

    Raises: RuntimeError when such a tensor does not broadcast to it.
    """
    x, shape = node_of(input, "sum_to_size"), sizes("sum_to_size", size)
    missing = len(x.shape) - len(shape)
    if missing < 0 or builtins.any(n not in (1, m) for n, m in zip(shape, x.shape[missing:])):
        raise runtime_error("sum_to_size", f"a size expandable to {list(x.shape)}", list(shape))
    if x.shape != shape and not x.type.inexact:
        x = move(x, dtypes.int64)
    return deliver(unbroadcast(x, array_type(shape, x.dtype)))


# --- truth -----------------------------------------------------------------------------------------------------------


def _truth(name: str, reduction: Primitive, doc: str) -> Callable[..., Tensor]:
    def truth(input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Optional[Tensor] = None) -> Tensor:
        x = node_of(input, name)
        y = move(x, dtypes.bool_)
        if not (dim == () or dim == []):  # of no dimensions: each element by itself (PyTorch 2.2 and later)
            axes = axes_of(dim, x.ndim, name)
            y = record(reduction, (y,), (axes,))
            y = kept(y, x.shape, axes) if keepdim else y
        return deliver(move(y, dtypes.uint8) if x.dtype is dtypes.uint8 else y, out)

    truth.__name__ = truth.__qualname__ = name
    truth.__doc__ = doc
    return numpy_names(truth)


all = _truth("all", p.reduce_and, "Whether every element over `dim` is nonzero; True for none. uint8 gives uint8.")
any = _truth("any", p.reduce_or, "Whether an element over `dim` is nonzero; False for none. uint8 gives uint8.")


# --- exponentials ----------------------------------------------------------------------------------------------------


@numpy_names
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False, *, out: Optional[Tensor] = None) -> Tensor:
    """log(sum(exp(input))) over `dim`, without overflow; -inf for no elements.

    Example:
        >>> import wengert as w
        >>> round(w.logsumexp(w.tensor([1000.0, 1000.0]), 0).item(), 3)
        1000.693
    """
    x = floating(node_of(input, "logsumexp"))
    axes = axes_of(dim, x.ndim, "logsumexp")
    y = _logsumexp_complex(x, axes) if x.dtype.is_complex else move(p.logsumexp(widened(x), axes=axes), x.dtype)
    return deliver(kept(y, x.shape, axes) if keepdim else y, out)


def _logsumexp_complex(x: Node, axes: Shape) -> Node:
    """Shifted by the largest real part, which is what overflows."""
    if not count(x.shape, axes):
        return p.log(p.reduce_sum(x, axes=axes))
    top = p.reduce_max(p.real(p.stop_gradient(x)), axes=axes)
    shift = move(p.where(p.isfinite(top), top, 0), x.dtype)
    return p.log(p.reduce_sum(p.exp(x - kept(shift, x.shape, axes)), axes=axes)) + shift


def _normalised(name: str, primitive: Primitive, doc: str) -> Callable[..., Tensor]:
    def function(input: Tensor, dim: int, dtype: Optional[DType] = None, *, out: Optional[Tensor] = None) -> Tensor:
        x = node_of(input, name)
        x = x if dtype is None else move(x, dtype_named_by(dtype, name))
        if not x.type.inexact:
            raise dtype_error(name, "a floating dtype", x.dtype, "convert it first, or give dtype=")
        axis = axis_of(dim, x.type.ndim, name)
        wide = widened(x)
        y = record(primitive, (at_least_1d(wide),), (axis,))
        y = y if x.type.ndim else p.reshape(y, shape=())
        return deliver(y if wide is x else move(y, x.type.dtype), out)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return numpy_names(function)


softmax = _normalised("softmax", p.softmax, "exp(input) / sum(exp(input)) along `dim`, without overflow.")
log_softmax = _normalised("log_softmax", p.log_softmax, "input - logsumexp(input) along `dim`, without overflow.")


METHODS: dict[str, Callable[..., Any]] = {
    "sum": sum, "mean": mean, "prod": prod, "nansum": nansum, "nanmean": nanmean, "count_nonzero": count_nonzero,
    "sum_to_size": sum_to_size, "all": all, "any": any, "logsumexp": logsumexp, "softmax": softmax,
    "log_softmax": log_softmax,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
