"""Pooling that is composed of others: norms of windows, windows at random places, and the way back of a max pool."""

from __future__ import annotations

from math import prod
from typing import Any, Optional

import numpy as np

from wengert.dtypes import bool_, float64, int64
from wengert.errors import runtime_error, shape_error, value_error
from wengert.functions.operands import node_of
from wengert.functions.pooling import average, largest_at, table
from wengert.functions.random import uniform_node
from wengert.functions.windows import each, with_batch, without_batch
from wengert.graph.node import Node, array_type
from wengert.graph.rule import primitives as p, zeros_of
from wengert.nn.functional.arguments import floating_node
from wengert.shapes import Shape, contiguous_strides
from wengert.tensors.tensor import Tensor, wrap

# --- norms of windows ------------------------------------------------------------------------------------------------


def _lp_pool(axes: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    operation = f"lp_pool{axes}d"
    floating_node(input, operation)
    window = each(operation, "kernel_size", kernel_size, axes)
    mean: Any = average(operation, input.pow(norm_type), axes, window, stride, 0, ceil_mode)
    return (mean.sign() * mean.abs().relu()).mul(prod(window)).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(sum of x^p)^(1/p) of each window, p = norm_type.

    Shape: input (batch, channels, length) or (channels, length).

    Raises: RuntimeError for windows that do not fit.
    """
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """`lp_pool1d` over height and width."""
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """`lp_pool1d` over depth, height and width."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


# --- windows at random places ----------------------------------------------------------------------------------------


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Optional[Tensor] = None,
) -> Any:
    """The largest of windows whose distances are drawn at random, so that `output_size` of them cover the input.

    output_ratio: instead of output_size, by what fraction (between 0 and 1) each axis shrinks. return_indices: also the
    positions. _random_samples: (batch, channels, 2) numbers in [0, 1) instead of drawn ones, width first.

    Source: Graham, Fractional Max-Pooling, 2014.

    Raises: ValueError unless one of output_size and output_ratio is given; RuntimeError for sizes that do not fit.
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Optional[Tensor] = None,
) -> Any:
    """`fractional_max_pool2d` over depth, height and width; the samples are in this order."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Optional[Tensor] = None,
) -> Any:
    """`fractional_max_pool2d` with the positions."""
    return _fractional(2, input, kernel_size, output_size, output_ratio, True, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Optional[Tensor] = None,
) -> Any:
    """`fractional_max_pool3d` with the positions."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, True, _random_samples)


def _fractional(axes: int, input: Any, kernel_size: Any, output_size: Any, ratio: Any, indices: bool, samples: Any) -> Any:
    operation = f"fractional_max_pool{axes}d"
    x, batched = with_batch(operation, input, axes)
    inside = x.shape[2:]
    size = _fractional_size(operation, inside, output_size, ratio)
    window = each(operation, "kernel_size", kernel_size, axes)
    if any([m + k - 1 > n for n, m, k in zip(inside, size, window)]):
        wanted = f"pool {list(window)} and output {list(size)} that fit into the input"
        raise shape_error(operation, wanted, (x.shape,))
    drawn = (
        uniform_node(operation, (*x.shape[:2], axes), x.dtype, None) if samples is None else node_of(samples, operation)
    )
    if drawn.shape != (*x.shape[:2], axes):
        raise shape_error(operation, f"_random_samples of shape {[*x.shape[:2], axes]}", (drawn.shape,))
    values, at = largest_at(x, _random_positions(drawn, inside, window, size), size)
    if not indices:
        return wrap(without_batch(values, batched))
    return wrap(without_batch(values, batched)), wrap(without_batch(at, batched))


def _fractional_size(operation: str, inside: Shape, output_size: Any, ratio: Any) -> Shape:
    if (output_size is None) == (ratio is None):
        raise value_error(operation, "requires exactly one of output_size and output_ratio")
    if output_size is not None:
        return each(operation, "output_size", output_size, len(inside))
    ratios = ratio if isinstance(ratio, (tuple, list)) else (ratio,) * len(inside)
    if len(ratios) != len(inside) or not all([0 < r < 1 for r in ratios]):
        raise value_error(operation, "output_ratio must be between 0 and 1, one or one for each axis", ratio)
    return tuple([int(n * r) for n, r in zip(inside, ratios)])


def _random_positions(samples: Node, inside: Shape, window: Shape, size: Shape) -> Node:
    """What each window sees, row-major: (batch, channels, places, elements). Window i of m starts at
    floor((i + u) a) - floor(u a) with a = (n - k) / (m - 1), the last at n - k."""
    lead, axes = samples.shape[:2], len(inside)
    numbers = range(axes) if axes == 3 else range(axes - 1, -1, -1)  # which sample belongs to which axis
    found: Optional[Node] = None
    for axis, (number, step) in enumerate(zip(numbers, contiguous_strides(inside))):
        n, k, m = inside[axis], window[axis], size[axis]
        u = p.convert(p.slice(samples, index=((0, lead[0], 1), (0, lead[1], 1), (number, number + 1, 1))), dtype=float64)
        a = (n - k) / (m - 1) if m > 1 else 0.0
        starts = p.floor((u + table(np.arange(m), float64)) * a) - p.floor(u * a)
        starts = p.where(table(np.arange(m) == m - 1, bool_), table(np.full(m, n - k), float64), starts)
        at = p.convert(starts, dtype=int64) * step  # (batch, channels, m)
        seen = p.reshape(at, shape=(*lead, m, 1)) + table(np.arange(k) * step)  # (batch, channels, m, k)
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = m, k
        seen = p.reshape(seen, shape=(*lead, *shape))
        found = seen if found is None else found + seen
    assert found is not None  # there are axes
    return p.reshape(found, shape=(*lead, prod(size), prod(window)))


# --- the way back of a max pool --------------------------------------------------------------------------------------


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Values put where `max_pool1d` found them, 0 elsewhere.

    indices: the positions that `max_pool1d(..., return_indices=True)` gave. output_size: that of the pooled tensor, where
    several sizes pool to the same one.

    Shape: input and indices (batch, channels, length) or (channels, length).

    Raises: RuntimeError, ValueError for shapes that do not fit; IndexError for positions outside.
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """`max_unpool1d` over height and width."""
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """`max_unpool1d` over depth, height and width."""
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _unpool(axes: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Tensor:
    operation = f"max_unpool{axes}d"
    x, batched = with_batch(operation, input, axes)
    at, _ = with_batch(operation, indices, axes)
    if at.dtype is not int64:
        raise runtime_error(operation, "elements in indices should be type int64", at.dtype)
    if at.shape != x.shape:
        raise shape_error(operation, "shape of input must match shape of indices", (x.shape, at.shape))
    window = each(operation, "kernel_size", kernel_size, axes)
    steps = window if stride is None else each(operation, "stride", stride, axes)
    before = each(operation, "padding", padding, axes)
    usual = tuple([(n - 1) * s + k - 2 * b for n, k, s, b in zip(x.shape[2:], window, steps, before)])
    size = usual if output_size is None else _unpooled_size(operation, output_size, usual, steps)
    zeros = zeros_of(array_type((*x.shape[:2], prod(size)), x.dtype))
    shape = (*x.shape[:2], prod(x.shape[2:]))
    at, x = p.reshape(at, shape=shape), p.reshape(x, shape=shape)
    # Of several values for one place the last remains, but each has a derivative, as in PyTorch.
    y = p.with_history(p.scatter(zeros, at, p.stop_gradient(x), axis=2), p.scatter_add(zeros, at, x, axis=2))
    return wrap(without_batch(p.reshape(y, shape=(*x.shape[:2], *size)), batched))


def _unpooled_size(operation: str, output_size: Any, usual: Shape, steps: Shape) -> Shape:
    size = tuple([int(n) for n in output_size])
    size = size[len(size) - len(usual) :] if len(size) == len(usual) + 2 else size
    if len(size) != len(usual):
        raise value_error(operation, f"output_size should be a sequence of {len(usual)} or {len(usual) + 2} sizes", size)
    for n, m, s in zip(size, usual, steps):
        if not m - s < n < m + s:
            wanted = f"output_size between {[m - s for m, s in zip(usual, steps)]} and {[m + s for m, s in zip(usual, steps)]}"
            raise value_error(operation, f"invalid {wanted}", size)
    return size
