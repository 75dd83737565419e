"""Along one dimension: running sums, products and extremes, differences, integrals by the trapezoidal rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import AxisError, dtype_error, runtime_error, type_error
from wengert.functions.axes import at_least_1d, axis_of, kept, numpy_names
from wengert.functions.data import dtype_named_by
from wengert.functions.extremes import deliver_pair
from wengert.functions.operands import deliver, node_of, promote
from wengert.graph.node import Node
from wengert.graph.rule import Primitive, primitives as p
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "diff", "trapezoid", "trapz", "cumulative_trapezoid",
]  # fmt: skip


def _scan(name: str, primitive: Primitive, doc: str) -> Callable[..., Tensor]:
    def scan(input: Tensor, dim: int, *, dtype: Optional[DType] = None, out: Optional[Tensor] = None) -> Tensor:
        x = node_of(input, name)
        axis = axis_of(dim, x.ndim, name)
        if dtype is not None:
            x = move(x, dtype_named_by(dtype, name))
        elif not x.type.inexact:
            x = move(x, dtypes.int64)
        y = primitive(at_least_1d(x), axis=axis)
        return deliver(y if x.ndim else p.reshape(y, shape=()), out)

    scan.__name__ = scan.__qualname__ = name
    scan.__doc__ = f"{doc} along `dim`. Integers and bools in int64, unless `dtype` is given."
    return numpy_names(scan)


cumsum = _scan("cumsum", p.cumsum, "y_k = x_0 + ... + x_k")
cumprod = _scan("cumprod", p.cumprod, "y_k = x_0 ... x_k, with a derivative that is exact where elements are 0,")


def _logcumsumexp_complex(x: Node, axis: int) -> Node:
    """Shifted by the largest real part along the axis."""
    if not x.size:
        return x
    top = p.reduce_max(p.real(p.stop_gradient(x)), axes=(axis,))
    shift = move(kept(p.where(p.isfinite(top), top, 0), x.shape, (axis,)), x.dtype)
    return p.log(p.cumsum(p.exp(x - shift), axis=axis)) + shift


@numpy_names
def logcumsumexp(input: Tensor, dim: int, *, out: Optional[Tensor] = None) -> Tensor:
    """y_k = log(exp x_0 + ... + exp x_k) along `dim`, without overflow. Raises: RuntimeError unless floating."""
    x = node_of(input, "logcumsumexp")
    axis = axis_of(dim, x.ndim, "logcumsumexp")
    if x.dtype.is_complex:
        y = _logcumsumexp_complex(at_least_1d(x), axis)
    else:
        y = p.logcumsumexp(at_least_1d(x), axis=axis)
    return deliver(y if x.ndim else p.reshape(y, shape=()), out)


def _running(name: str, positions: Primitive, word: str) -> Callable[..., Any]:
    def running(input: Tensor, dim: int, *, out: Any = None) -> Any:
        x = node_of(input, name)
        axis = axis_of(dim, x.ndim, name)
        rows = at_least_1d(x)
        index = positions(rows, axis=axis)
        pair = p.gather(rows, index, axis=axis), index
        if not x.ndim:
            pair = p.reshape(pair[0], shape=()), p.reshape(index, shape=())
        return deliver_pair(name, pair, out)

    running.__name__ = running.__qualname__ = name
    running.__doc__ = f"""The pair (values, indices) of the {word} of x_0 ... x_k along `dim`: the last of equals, and a
    NaN from where there is one. The derivative goes to the index."""
    return numpy_names(running)


cummax = _running("cummax", p.cummax_indices, "largest")
cummin = _running("cummin", p.cummin_indices, "smallest")


def _cut(x: Node, axis: int, start: int, stop: int) -> Node:
    return p.slice(x, index=tuple([(start, stop, 1) if i == axis else (0, n, 1) for i, n in enumerate(x.shape)]))


def _neighbours(x: Node, axis: int) -> tuple[Node, Node]:
    """(x without its last, x without its first) along `axis`."""
    n = x.shape[axis]
    return _cut(x, axis, 0, max(n - 1, 0)), _cut(x, axis, min(1, n), n)


def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Optional[Tensor] = None,
    append: Optional[Tensor] = None,
    *,
    out: Optional[Tensor] = None,
) -> Tensor:
    """y_k = x_k+1 - x_k along `dim`, `n` times over; of bools, whether they differ.

    prepend, append: what to put before and after the input first; its shape but for `dim`.

    Raises: RuntimeError for a zero-dimensional input, a negative n, or parts that do not fit.

    Example:
        >>> import wengert as w
        >>> w.diff(w.tensor([1, 4, 9, 16])).tolist()
        [3, 5, 7]
    """
    x = node_of(input, "diff")
    if x.ndim == 0:
        raise runtime_error("diff", "expects input to be at least one-dimensional")
    if n < 0:
        raise runtime_error("diff", "order must be non-negative", n)
    axis = axis_of(dim, x.ndim, "diff")
    parts = [part for part in (prepend, input, append) if part is not None]
    for part in parts:
        other = node_of(part, "diff", "prepend or append").shape
        if len(other) != x.ndim or any(m != k for i, (m, k) in enumerate(zip(other, x.shape)) if i != axis):
            wanted = f"prepend or append shaped like the input except along dimension {axis}"
            raise runtime_error("diff", wanted, (x.shape, other))
    if n and len(parts) > 1:  # 0 times over, nothing is put before or after, as in PyTorch
        x = p.concatenate(*promote("diff", *parts), axis=axis)
    for _ in range(min(n, x.shape[axis])):
        before, after = _neighbours(x, axis)
        x = p.ne(after, before) if x.dtype is dtypes.bool_ else after - before
    return deliver(x, out)


# --- integrals -------------------------------------------------------------------------------------------------------


def _trapezoids(name: str, y: Tensor, x: Optional[Tensor], dx: Any, dim: int) -> tuple[Node, int]:
    """The areas of the trapezoids over each pair of neighbours, and their axis."""
    values = node_of(y, name, "y")
    if values.ndim == 0:
        raise AxisError(f"{name}: Dimension specified as {dim} but tensor has no dimensions")
    if values.dtype is dtypes.bool_:
        raise dtype_error(name, "received a bool input for `y`, but bool is not supported", None, "convert it first")
    axis = axis_of(dim, values.ndim, name)
    if x is None:
        step: Any = 1 if dx is None else dx
        values, width = promote(name, values, step, at_least=dtypes.get_default_dtype())
    else:
        if dx is not None:
            raise type_error(name, "either x or dx", "both")
        points = _aligned(name, node_of(x, name, "x"), values, axis)
        before, after = _neighbours(points, axis)
        width = after - before
    before, after = _neighbours(values, axis)
    # Integers with points are divided last: what wraps around in their dtype wraps, as in PyTorch.
    areas, half = promote(name, p.mul(*promote(name, before + after, width)), 0.5)
    areas = areas * half
    return areas, axis + areas.ndim - values.ndim


def _aligned(name: str, x: Node, y: Node, axis: int) -> Node:
    """The points of one dimension put along the axis of y; points of several dimensions as they broadcast."""
    if x.ndim == 0:
        raise runtime_error(name, "an x with at least one dimension", list(x.shape))
    if x.ndim == 1:
        if x.size != y.shape[axis]:
            raise runtime_error(name, "There must be one `x` value for each sample point", (x.shape, y.shape))
        return p.reshape(x, shape=tuple([x.size if i == axis else 1 for i in range(y.ndim)]))
    return x if x.ndim >= y.ndim else p.reshape(x, shape=(1,) * (y.ndim - x.ndim) + x.shape)


@numpy_names
def trapezoid(y: Tensor, x: Optional[Tensor] = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral of y along `dim` by the trapezoidal rule: sum of (y_k + y_k+1) / 2 (x_k+1 - x_k).

    x: the points, one for each sample, or of y's shape; dx: their distance (1 unless given).

    Raises: TypeError when both x and dx are given; RuntimeError when there is not one point for each sample.

    Example:
        >>> import wengert as w
        >>> w.trapezoid(w.tensor([0.0, 1.0, 4.0]), w.tensor([0.0, 1.0, 2.0])).item()
        3.0
    """
    areas, axis = _trapezoids("trapezoid", y, x, dx, dim)
    return wrap(p.reduce_sum(areas, axes=(axis,)))


def trapz(y: Tensor, x: Optional[Tensor] = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """`trapezoid` by its older name."""
    return trapezoid(y, x, dx=dx, dim=dim)


@numpy_names
def cumulative_trapezoid(y: Tensor, x: Optional[Tensor] = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The running integral of y along `dim` by the trapezoidal rule, one entry shorter than y; see `trapezoid`."""
    areas, axis = _trapezoids("cumulative_trapezoid", y, x, dx, dim)
    return wrap(p.cumsum(areas, axis=axis))


METHODS: dict[str, Callable[..., Any]] = {
    "cumsum": cumsum, "cumprod": cumprod, "cummax": cummax, "cummin": cummin, "logcumsumexp": logcumsumexp,
    "diff": diff,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ("cumsum", "cumprod")
