"""Elements moved between channels and space."""

from __future__ import annotations

from math import prod
from typing import Any

from wengert.errors import runtime_error, shape_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node
from wengert.graph.rule import primitives as p
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


def _reordered(x: Node, split: tuple[int, ...], order: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    return wrap(p.reshape(p.permute(p.reshape(x, shape=split), order=order), shape=shape))


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """y[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w]: each r^2 channels become one of r times the height and width.

    Shape: input (*, channels r^2, height, width); y (*, channels, height r, width r).
    Source: Shi et al., Real-Time Single Image and Video Super-Resolution, 2016.

    Raises: RuntimeError for fewer than 3 dimensions, and channels that are no multiple of r^2.
    """
    x, r = _pixels("pixel_shuffle", input, upscale_factor), upscale_factor
    *lead, channels, height, width = x.shape
    if channels % (r * r):
        wanted = "expects its input's 'channel' dimension to be divisible by the square of upscale_factor"
        raise shape_error("pixel_shuffle", wanted, (x.shape,))
    n, c = prod(lead), channels // (r * r)
    shape = (*lead, c, height * r, width * r)
    return _reordered(x, (n, c, r, r, height, width), (0, 1, 4, 2, 5, 3), shape)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """The inverse of `pixel_shuffle`.

    Shape: input (*, channels, height r, width r); y (*, channels r^2, height, width).

    Raises: RuntimeError for fewer than 3 dimensions, and heights and widths that are no multiple of r.
    """
    x, r = _pixels("pixel_unshuffle", input, downscale_factor), downscale_factor
    *lead, channels, height, width = x.shape
    if height % r or width % r:
        wanted = "expects height and width to be divisible by downscale_factor"
        raise shape_error("pixel_unshuffle", wanted, (x.shape,))
    split = (prod(lead), channels, height // r, r, width // r, r)
    return _reordered(x, split, (0, 1, 3, 5, 2, 4), (*lead, channels * r * r, height // r, width // r))


def _pixels(operation: str, input: Any, factor: int) -> Node:
    x = node_of(input, operation)
    if x.ndim < 3:
        raise shape_error(operation, "expects input to have at least 3 dimensions", (x.shape,))
    if factor < 1:
        raise runtime_error(operation, "expects a positive factor", factor)
    return x


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels taken in turn from each of `groups` groups: y[:, i groups + g] = x[:, g channels / groups + i].

    Shape: input and y (batch, channels, ...).
    Source: Zhang, Zhou, Lin and Sun, ShuffleNet, 2018.

    Raises: RuntimeError for fewer than 3 dimensions, and channels that are no multiple of groups.
    """
    x = node_of(input, "channel_shuffle")
    if x.ndim < 3:
        raise shape_error("channel_shuffle", "expects input with > 2 dims", (x.shape,))
    if groups < 1 or x.shape[1] % groups:
        raise runtime_error("channel_shuffle", "number of channels must be divisible by groups", (x.shape[1], groups))
    batch, channels, *rest = x.shape
    split = (batch, groups, channels // groups, prod(rest))
    return _reordered(x, split, (0, 2, 1, 3), x.shape)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Another name of `channel_shuffle`."""
    return channel_shuffle(input, groups)


METHODS: dict[str, Any] = {}
IN_PLACE: tuple[str, ...] = ()
