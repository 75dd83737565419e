"""Normalisations: subtract a mean, divide by a deviation, then scale and shift. They differ in what is averaged over.

    batch_norm     everything but the channel (dimension 1)
    instance_norm  everything behind the channel
    group_norm     everything behind the channel, and the channels of a group
    layer_norm     the last dimensions; rms_norm too, without subtracting the mean

16-bit inputs are normalised in float32 and rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import runtime_error, shape_error, value_error
from wengert.functions.axes import count
from wengert.functions.operands import node_of
from wengert.functions.reduce import mean_node, widened
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.nn.functional.arguments import floating_node, like
from wengert.primitives.casting import move
from wengert.primitives.stable import mean
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor, wrap


def _affine(y: Node, weight: Optional[Tensor], bias: Optional[Tensor], shape: tuple[int, ...], operation: str) -> Node:
    """weight y + bias, both seen as `shape`, which broadcasts to y."""
    if weight is not None:
        y = y * _seen(node_of(weight, operation, "weight"), shape, y.dtype)
    if bias is not None:
        y = y + _seen(node_of(bias, operation, "bias"), shape, y.dtype)
    return y


def _seen(x: Node, shape: tuple[int, ...], dtype: DType) -> Node:
    x = move(x, dtype)
    return x if x.type.shape == shape else p.reshape(x, shape=shape)


def _check_sizes(operation: str, wanted: int, **given: Optional[Tensor]) -> None:
    for name, tensor in given.items():
        if tensor is not None and tensor.numel() != wanted:
            raise shape_error(operation, f"{name} should contain {wanted} elements not {tensor.numel()}")


# --- over the last dimensions --------------------------------------------------------------------------------------


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Optional[Tensor] = None,
    bias: Optional[Tensor] = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) weight + bias, with mean and (biased) variance over the last dimensions.

    Shape: input (*, *normalized_shape); weight and bias normalized_shape.

    Raises: RuntimeError when the shapes do not fit.
    """
    x = floating_node(input, "layer_norm")
    axes, shape = _last_axes("layer_norm", x, normalized_shape, weight=weight, bias=bias)
    wide = widened(x)
    y = p.standardize(wide, scalar(eps, wide.dtype), axes=axes)
    return wrap(move(_affine(y, weight, bias, shape, "layer_norm"), x.dtype))


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Optional[Tensor] = None, eps: Optional[float] = None
) -> Tensor:
    """x / sqrt(mean(x^2) + eps) weight over the last dimensions; eps None is the dtype's epsilon.

    Shape: input (*, *normalized_shape); weight normalized_shape.
    Source: B. Zhang and R. Sennrich, Root Mean Square Layer Normalization, 2019.

    Raises: RuntimeError when the shapes do not fit.
    """
    x = floating_node(input, "rms_norm")
    axes, shape = _last_axes("rms_norm", x, normalized_shape, weight=weight)
    wide = widened(x)
    eps = _epsilon(x.dtype) if eps is None else eps
    y = wide * p.rsqrt(mean(p.square(wide), axes) + eps)
    return wrap(move(_affine(y, weight, None, shape, "rms_norm"), x.dtype))


def _epsilon(dtype: DType) -> float:
    """The distance from 1 to the next number."""
    return 2.0**-7 if dtype is dtypes.bfloat16 else float(np.finfo(dtype.numpy).eps)


def _last_axes(
    operation: str, x: Node, normalized_shape: Sequence[int], **parameters: Optional[Tensor]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape:
        raise runtime_error(operation, "normalized_shape must have at least one size", like(shape))
    if x.shape[-len(shape) :] != shape:
        sizes = ", ".join(["*", *map(str, shape)])
        raise shape_error(
            operation, f"given normalized_shape={list(shape)}, expected input with shape [{sizes}]", (x.shape,)
        )
    for name, tensor in parameters.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            wanted = f"{name} to be of same shape as normalized_shape {list(shape)}"
            raise shape_error(operation, wanted, (tuple(tensor.shape),))
    return tuple(range(x.ndim - len(shape), x.ndim)), shape


# --- by channel ----------------------------------------------------------------------------------------------------


def batch_norm(
    input: Tensor,
    running_mean: Optional[Tensor],
    running_var: Optional[Tensor],
    weight: Optional[Tensor] = None,
    bias: Optional[Tensor] = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) weight + bias for each channel.

    training: mean and (biased) variance are the batch's, and the running ones move towards them (the variance,
    unbiased) by the factor `momentum`, in place, unless the batch is empty; otherwise they are the running ones.

    Shape: input (batch, channels, ...); the others (channels,).

    Raises: ValueError for one value per channel in training; RuntimeError when sizes do not fit.
    """
    x = floating_node(input, "batch_norm")
    if x.type.shape == (0,):  # PyTorch takes one dimension where there is nothing to normalise
        return wrap(_affine(p.identity(x), weight, bias, (0,), "batch_norm"))
    _check_channels("batch_norm", x)
    axes = (0, *range(2, x.ndim))
    if training and count(x.shape, axes) == 1:
        raise value_error("batch_norm", "expected more than 1 value per channel when training", like(x.shape))
    return _by_channel("batch_norm", x, running_mean, running_var, weight, bias, axes if training else None, momentum, eps)


def _with_channels(operation: str, input: Tensor) -> Node:
    x = floating_node(input, operation)
    _check_channels(operation, x)
    return x


def _check_channels(operation: str, x: Node) -> None:
    if x.ndim < 2:
        raise shape_error(operation, "an input (batch, channels, ...)", (x.shape,))


def _by_channel(
    operation: str,
    x: Node,
    running_mean: Optional[Tensor],
    running_var: Optional[Tensor],
    weight: Optional[Tensor],
    bias: Optional[Tensor],
    axes: Optional[tuple[int, ...]],
    momentum: Any,
    eps: float,
) -> Tensor:
    """Normalised by the input's own statistics over `axes`, towards which the running ones move, or for `axes` None by
    the running ones."""
    channels = x.shape[1]
    _check_sizes(operation, channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    shape = (channels, *(1,) * (x.ndim - 2))
    wide = widened(x)
    if axes is None:
        y = _by_running(operation, wide, running_mean, running_var, shape, eps)
    else:
        if running_mean is not None and running_var is not None and not (operation == "batch_norm" and x.size == 0):
            _move_running(running_mean, running_var, wide, axes, momentum)
        y = p.standardize(wide, scalar(eps, wide.dtype), axes=axes)
    return wrap(move(_affine(y, weight, bias, shape, operation), x.dtype))


def _by_running(
    operation: str, x: Node, running_mean: Any, running_var: Any, shape: tuple[int, ...], eps: float
) -> Node:
    if running_mean is None or running_var is None:
        raise runtime_error(operation, "running_mean and running_var must be defined in evaluation mode")
    centre, spread = (_seen(t._read(), shape, x.dtype) for t in (running_mean, running_var))
    return (x - centre) * p.rsqrt(spread + eps)


def _move_running(running_mean: Tensor, running_var: Tensor, x: Node, axes: tuple[int, ...], momentum: Any) -> None:
    """running = (1 - momentum) running + momentum current, in place. `axes` leave the channel."""
    with no_grad():
        x = p.stop_gradient(x)
        centred = x - mean(x, axes)
        n = count(x.shape, axes)
        correction = n / (n - 1) if n > 1 else float("nan")
        current_var = mean(p.square(centred), axes) * correction
        _blend(running_mean, mean(x, axes), momentum)
        _blend(running_var, current_var, momentum)


def _blend(running: Tensor, current: Node, momentum: Any) -> None:
    """Move one running statistic. Statistics that are kept for each instance are averaged."""
    old = running._read()
    if current.shape[0] != 1:
        current = mean_node(current, (0,))
    current = move(p.reshape(current, shape=old.shape), old.dtype)
    factor = momentum._read() if isinstance(momentum, Tensor) else momentum
    running.copy_(wrap(old * (1 - factor) + current * factor))


def instance_norm(
    input: Tensor,
    running_mean: Optional[Tensor] = None,
    running_var: Optional[Tensor] = None,
    weight: Optional[Tensor] = None,
    bias: Optional[Tensor] = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) weight + bias for each channel of each instance.

    use_input_stats: mean and variance are the instance's, and the running ones move towards their average; otherwise
    they are the running ones.

    Shape: input (batch, channels, ...); the others (channels,).

    Raises: ValueError for one spatial element; RuntimeError when sizes do not fit.
    """
    x = _with_channels("instance_norm", input)
    axes = tuple(range(2, x.ndim))
    if use_input_stats and count(x.shape, axes) == 1:
        raise value_error("instance_norm", "expected more than 1 spatial element when training", like(x.shape))
    own = axes if use_input_stats else None
    return _by_channel("instance_norm", x, running_mean, running_var, weight, bias, own, momentum, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, eps: float = 1e-5
) -> Tensor:
    """(x - mean) / sqrt(var + eps) weight + bias, with mean and variance for each group of neighbouring channels.

    Shape: input (batch, channels, ...); weight and bias (channels,).
    Source: Y. Wu and K. He, Group Normalization, 2018.

    Raises: RuntimeError when the channels do not divide into groups; ValueError for one value in a group.
    """
    x = _with_channels("group_norm", input)
    batch, channels = x.shape[:2]
    if num_groups <= 0 or channels % num_groups:
        raise shape_error(
            "group_norm", f"a number of channels that is divisible by num_groups={num_groups}", (x.shape,)
        )
    _check_sizes("group_norm", channels, weight=weight, bias=bias)
    if x.size == batch * num_groups and batch == 1:
        raise value_error("group_norm", "expected more than 1 value per channel when training", like(x.shape))
    wide = widened(x)
    rows = batch * num_groups
    grouped = p.reshape(wide, shape=(rows, x.size // rows if rows else 0))
    y = p.reshape(p.standardize(grouped, scalar(eps, wide.dtype), axes=(1,)), shape=x.shape)
    shape = (channels, *(1,) * (x.ndim - 2))
    return wrap(move(_affine(y, weight, bias, shape, "group_norm"), x.dtype))
