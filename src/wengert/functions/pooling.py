"""Pooling over one, two and three axes: the largest and the average of windows, at regular places or at as many as are
wanted (adaptive), by PyTorch's names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import dtype_error, runtime_error
from wengert.functions.elementwise import truncated_quotient
from wengert.functions.operands import with_out
from wengert.functions.reduce import widened
from wengert.functions.windows import (
    Geometry,
    check_more_axes,
    check_not_empty,
    named,
    wanted_sizes,
    with_batch,
    without_batch,
)
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.shapes import Shape, contiguous_strides
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "adaptive_avg_pool1d", "adaptive_max_pool1d_with_indices", "avg_pool1d", "max_pool1d", "max_pool1d_with_indices",
    "max_pool2d", "max_pool3d",
]  # fmt: skip

# From this many elements on, a window that tiles its input is summed by a reduction instead of element by element.
_LARGE_WINDOW = 32


def table(values: Any, dtype: DType = dtypes.int64) -> Node:
    """Fixed numbers as a node."""
    values = np.asarray(values, dtype.numpy)
    return literal(values, array_type(values.shape, dtype))


# --- the largest -----------------------------------------------------------------------------------------------------


def _max_pool(axes: int) -> Callable[..., Any]:
    operation = f"max_pool{axes}d"

    def function(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        """The largest element of each window; the derivative goes to the first of equals.

        stride: kernel_size by default. padding: positions of -inf on either side. ceil_mode: a last window may reach
        beyond the padding. return_indices: also the positions in each channel's row-major order, int64.

        Shape: input SHAPE or the same without a batch.

        Raises: RuntimeError for windows that do not fit.
        """
        x, batched = with_batch(operation, input, axes)
        g = Geometry(operation, x, axes, kernel_size, stride, padding, dilation, ceil_mode)
        values, indices = _largest(x, g, return_indices)
        if indices is None:
            return wrap(without_batch(values, batched))
        return wrap(without_batch(values, batched)), wrap(without_batch(indices, batched))

    return named(operation, axes, function)


def _largest(x: Node, g: Geometry, with_indices: bool) -> tuple[Node, Optional[Node]]:
    """The largest of each window, and where it stands."""
    if x.dtype.is_complex or x.dtype is dtypes.bool_:
        raise dtype_error(g.operation, "a dtype of real numbers", x.dtype)
    choice = p.window_argmax(x, size=g.size, **g.params)
    y = p.window_select(x, choice, **g.params)
    if _may_see_nothing(g):
        y = p.where(p.lt(choice, 0), scalar(_lowest(x.dtype), x.dtype), y)
        choice = p.maximum(choice, 0)
    if not with_indices:
        return y, None
    starts, offsets = _positions(g.inside, g.window, g.stride, g.padding, g.dilation, g.size)
    inside = p.take(table(offsets), p.convert(choice, dtype=dtypes.int64), axis=0)
    return y, p.expand(table(starts), shape=inside.shape) + inside


def _lowest(dtype: DType) -> Any:
    return float("-inf") if dtype.is_floating_point else int(np.iinfo(dtype.numpy).min)


def _may_see_nothing(g: Geometry) -> bool:
    """Whether some window has no element inside the input: with a wide dilation it may step over it."""
    for n, k, s, before, d, m in zip(g.inside, g.window, g.stride, g.padding, g.dilation, g.size):
        if not all([any([0 <= i * s + j * d - before < n for j in range(k)]) for i in range(m)]):
            return True
    return False


@lru_cache(maxsize=256)
def _positions(
    inside: Shape, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
) -> tuple[Any, Any]:
    """The row-major position in the input of each place of the window, and what each element of it adds."""
    starts, offsets = np.zeros(size, np.int64), np.zeros(window, np.int64)
    for axis, step in enumerate(contiguous_strides(inside)):
        after = (1,) * (len(size) - axis - 1)
        starts += ((np.arange(size[axis]) * stride[axis] - padding[axis]) * step).reshape(-1, *after)
        offsets += (np.arange(window[axis]) * dilation[axis] * step).reshape(-1, *after)
    return starts, offsets.reshape(-1)


max_pool1d, max_pool2d, max_pool3d = _max_pool(1), _max_pool(2), _max_pool(3)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    """`max_pool1d` with the positions."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` with the positions."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    """`max_pool3d` with the positions."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


# --- the average -----------------------------------------------------------------------------------------------------


def average(
    operation: str,
    input: Tensor,
    axes: int,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Optional[int] = None,
) -> Tensor:
    """What the average poolings have in common.

    Raises: RuntimeError for windows that do not fit, and for a divisor 0.
    """
    x, batched = with_batch(operation, input, axes)
    g = Geometry(operation, x, axes, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise runtime_error(operation, "divisor must be not zero")
    if x.dtype.is_complex or x.dtype is dtypes.bool_:
        raise dtype_error(operation, "a dtype of real numbers", x.dtype)
    wide = widened(x)
    total = _sums(wide, g)
    divisor = _divisor(g, count_include_pad, divisor_override, wide.dtype)
    y = p.div(total, divisor) if wide.type.inexact else truncated_quotient(total, divisor)
    return wrap(without_batch(move(y, x.dtype), batched))


def _sums(x: Node, g: Geometry) -> Node:
    if not g.tiles or prod(g.window) < _LARGE_WINDOW:
        return p.window_sum(x, size=g.size, **g.params)
    before = x.ndim - len(g.window)
    shape = x.shape[:before] + tuple([n for pair in zip(g.size, g.window) for n in pair])
    return p.reduce_sum(p.reshape(x, shape=shape), axes=tuple(range(before + 1, len(shape), 2)))


def _divisor(g: Geometry, count_include_pad: bool, override: Optional[int], dtype: DType) -> Node:
    """By what the sum at each place is divided: the number of the window's elements, unless another is given."""
    if override is not None:
        return scalar(override, dtype)
    counts = [g.seen(axis, clipped=not count_include_pad) for axis in range(len(g.size))]
    if all([len(set(of_axis)) == 1 for of_axis in counts]):
        return scalar(prod([of_axis[0] for of_axis in counts]), dtype)
    found = np.ones((), np.int64)
    for of_axis in counts:
        found = found[..., None] * np.array(of_axis)
    return table(found, dtype)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The average of each window.

    count_include_pad: whether the zeros of the padding count as elements.

    Shape: input (batch, channels, length) or (channels, length).

    Raises: RuntimeError for windows that do not fit.
    """
    return average("avg_pool1d", input, 1, kernel_size, stride, padding, ceil_mode, count_include_pad)


@with_out
def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Optional[int] = None,
) -> Tensor:
    """The average of each window.

    count_include_pad: whether the zeros of the padding count as elements. divisor_override: divides instead of the
    number of elements.

    Shape: input (batch, channels, height, width) or the same without a batch.

    Raises: RuntimeError for windows that do not fit.
    """
    return average(
        "avg_pool2d", input, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


@with_out
def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Optional[int] = None,
) -> Tensor:
    """`avg_pool2d` over three axes.

    Shape: input (batch, channels, depth, height, width) or the same without a batch.

    Raises: RuntimeError for windows that do not fit.
    """
    return average(
        "avg_pool3d", input, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


# --- adaptive: as many places as are wanted --------------------------------------------------------------------------


@lru_cache(maxsize=256)
def adaptive_windows(n: int, m: int) -> tuple[Any, Any]:
    """Place i of m sees [floor(i n / m), ceil((i + 1) n / m)) of n: its positions (m, longest), where the first stands
    for those that a shorter window lacks, and whether each is its own."""
    starts = np.arange(m) * n // m
    lengths = -(-(np.arange(m) + 1) * n // m) - starts
    steps = np.arange(lengths.max(initial=0))
    own = steps < lengths[:, None]
    return np.where(own, starts[:, None] + steps, starts[:, None]), own


def _even(inside: Shape, size: Shape) -> bool:
    """Whether every window has the same length."""
    return all([m > 0 and n % m == 0 for n, m in zip(inside, size)])


def _adaptive_average(axes: int) -> Callable[..., Any]:
    operation = f"adaptive_avg_pool{axes}d"

    def function(input: Tensor, output_size: Any) -> Tensor:
        """Averages at `output_size` places: place i of m sees positions [floor(i n / m), ceil((i + 1) n / m)) of n.

        output_size: one for all axes, or one for each; None keeps the input's.

        Shape: input SHAPE or the same without a batch.

        Raises: RuntimeError for sizes that do not fit; ValueError for more of them than the input has axes.
        """
        check_more_axes(operation, input, output_size, axes)
        x, batched = with_batch(operation, input, axes)
        check_not_empty(operation, x, axes)
        size = wanted_sizes(operation, output_size, x.shape[2:])
        if _even(x.shape[2:], size):
            return average(operation, input, axes, tuple([n // m for n, m in zip(x.shape[2:], size)]))
        y = widened(x)
        for axis, m in enumerate(size, 2):
            y = _average_along(y, axis, m)
        return wrap(without_batch(move(y, x.dtype), batched))

    return named(operation, axes, function)


def _average_along(x: Node, axis: int, m: int) -> Node:
    positions, own = adaptive_windows(x.shape[axis], m)
    after = (1,) * (x.ndim - axis - 1)
    seen = p.take(x, table(positions), axis=axis)
    mask = table(own.reshape(*own.shape, *after), dtypes.bool_)
    total = p.reduce_sum(p.where(mask, seen, 0), axes=(axis + 1,))
    return p.div(total, table(own.sum(1).reshape(m, *after), x.dtype))


def _adaptive_largest(axes: int) -> Callable[..., Any]:
    operation = f"adaptive_max_pool{axes}d"

    def function(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        """The largest at `output_size` places, whose windows are those of `adaptive_avg_pool`.

        return_indices: also the positions in each channel's row-major order, int64.

        Shape: input SHAPE or the same without a batch.

        Raises: RuntimeError for sizes that do not fit; ValueError for more of them than the input has axes.
        """
        check_more_axes(operation, input, output_size, axes)
        x, batched = with_batch(operation, input, axes)
        check_not_empty(operation, x, axes)
        inside, size = x.shape[2:], wanted_sizes(operation, output_size, x.shape[2:])
        if _even(inside, size):
            g = Geometry(operation, x, axes, tuple([n // m for n, m in zip(inside, size)]))
            values, indices = _largest(x, g, return_indices)
        else:
            positions = _joint_positions(inside, size)
            values, indices = largest_at(x, p.expand(table(positions), shape=(*x.shape[:2], *positions.shape)), size)
        if not return_indices or indices is None:
            return wrap(without_batch(values, batched))
        return wrap(without_batch(values, batched)), wrap(without_batch(indices, batched))

    return named(operation, axes, function)


@lru_cache(maxsize=256)
def _joint_positions(inside: Shape, size: Shape) -> Any:
    """The row-major positions that each place sees: (places, elements of the largest window)."""
    found = np.zeros((1, 1), np.int64)
    for n, m in zip(inside, size):
        along, _ = adaptive_windows(n, m)
        found = found[:, None, :, None] * n + along[None, :, None, :]
        found = found.reshape(found.shape[0] * m, -1) if found.size else np.zeros((found.shape[0] * m, 1), np.int64)
    return found


def largest_at(x: Node, positions: Node, size: Shape) -> tuple[Node, Node]:
    """The largest among given positions, the first of equals, and its position.

    x (batch, channels, ...); positions (batch, channels, places, elements), row-major in a channel; places = prod(size).
    """
    batch, channels, count, each = positions.shape
    flat = p.reshape(x, shape=(batch, channels, prod(x.shape[2:])))
    listed = p.reshape(positions, shape=(batch, channels, count * each))
    seen = p.reshape(p.gather(flat, listed, axis=2), shape=positions.shape)
    choice = p.reshape(p.argmax(seen, axis=3), shape=(batch, channels, count, 1))
    at = p.reshape(p.gather(positions, choice, axis=3), shape=(batch, channels, count))
    shape = (batch, channels, *size)
    return p.reshape(p.gather(flat, at, axis=2), shape=shape), p.reshape(at, shape=shape)


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = [_adaptive_average(n) for n in (1, 2, 3)]
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = [_adaptive_largest(n) for n in (1, 2, 3)]


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with the positions: what PyTorch calls ``torch.adaptive_max_pool1d``."""
    return adaptive_max_pool1d(input, output_size, True)


METHODS: dict[str, Any] = {}
IN_PLACE: tuple[str, ...] = ()
