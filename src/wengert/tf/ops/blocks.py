"""Blocks of space as channels or as batches, and back."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import integer, ints
from wengert.tf.ops.convolutions import first, flat, last
from wengert.tf.ops.core import F


def _layout(data_format: str) -> bool:
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format must be 'NHWC' or 'NCHW', got {data_format!r}")
    return data_format == "NCHW"


@face("input")
def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: Optional[str] = None) -> Any:
    """Channels spread over blocks of space; the place in the block is the slowest part of the channel.

    Raises: InvalidArgumentError for channels that make no whole blocks.
    """
    is_first, b = _layout(data_format), integer(block_size)
    x = last(input, False) if is_first else input
    n, h, v, c = x.shape
    if b < 2 or c % (b * b):
        raise invalid(f"Input depth dimension {c} should be divisible by: {b * b} [Op:DepthToSpace]")
    y = x.reshape(n, h, v, b, b, c // b**2).permute(0, 1, 3, 2, 4, 5).reshape(n, h * b, v * b, c // b**2)
    return first(y, False) if is_first else y


@face("input")
def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: Optional[str] = None) -> Any:
    """Blocks of space as channels: the inverse of `depth_to_space`.

    Raises: InvalidArgumentError for space that makes no whole blocks.
    """
    is_first, b = _layout(data_format), integer(block_size)
    x = last(input, False) if is_first else input
    n, h, v, c = x.shape
    if b < 2 or h % b or v % b:
        raise invalid(f"Image width {v} and height {h} should be divisible by block_size: {b} [Op:SpaceToDepth]")
    y = x.reshape(n, h // b, b, v // b, b, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h // b, v // b, c * b**2)
    return first(y, False) if is_first else y


@face("input")
def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: Optional[str] = None) -> Any:
    """Blocks of padded space as more batches. Raises: InvalidArgumentError for space that makes no whole blocks."""
    blocks = ints(block_shape)
    pads = [ints(pair) for pair in (paddings.tolist() if hasattr(paddings, "tolist") else paddings)]
    x = F.pad(input, [0, 0] * (input.ndim - 1 - len(blocks)) + flat([(pair[0], pair[1]) for pair in pads]))
    m, rest = len(blocks), tuple(x.shape[len(blocks) + 1 :])
    if any([n % b for n, b in zip(x.shape[1:], blocks)]):
        raise invalid(f"padded shape {list(x.shape)} is not divisible by block_shape {list(blocks)} [Op:SpaceToBatchND]")
    cut = [part for n, b in zip(x.shape[1:], blocks) for part in (n // b, b)]
    order = [*range(2, 2 * m + 1, 2), 0, *range(1, 2 * m, 2), *range(2 * m + 1, 2 * m + 1 + len(rest))]
    sizes = [n // b for n, b in zip(x.shape[1:], blocks)]
    return x.reshape(x.shape[0], *cut, *rest).permute(order).reshape(-1, *sizes, *rest)


@face("input")
def batch_to_space(input: Any, block_shape: Any, crops: Any, name: Optional[str] = None) -> Any:
    """Batches as blocks of space, of which borders are cut: the inverse of `space_to_batch`.

    Raises: InvalidArgumentError for batches that make no whole blocks.
    """
    blocks = ints(block_shape)
    cuts = [ints(pair) for pair in (crops.tolist() if hasattr(crops, "tolist") else crops)]
    blocks = blocks * len(cuts) if len(blocks) == 1 else blocks
    m, count = len(blocks), 1
    for b in blocks:
        count *= b
    if input.shape[0] % count:
        raise invalid(
            f"Input batch dimension ({input.shape[0]}) is not divisible by product of block sizes ({count}) [Op:BatchToSpaceND]"
        )
    space, rest = tuple(input.shape[1 : m + 1]), tuple(input.shape[m + 1 :])
    order = [m, *[axis for i in range(m) for axis in (m + 1 + i, i)], *range(2 * m + 1, 2 * m + 1 + len(rest))]
    y = input.reshape(*blocks, input.shape[0] // count, *space, *rest).permute(order)
    y = y.reshape(input.shape[0] // count, *[n * b for n, b in zip(space, blocks)], *rest)
    for axis, (before, after) in enumerate(cuts, 1):
        y = y.narrow(axis, before, y.shape[axis] - before - after)
    return y


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: Optional[str] = None) -> Any:
    """As `space_to_batch_nd`."""
    blocks = ints(block_shape)
    pairs = paddings.tolist() if hasattr(paddings, "tolist") else paddings
    return space_to_batch_nd(input, blocks * len(pairs) if len(blocks) == 1 else blocks, pairs)


__all__ = [
    "batch_to_space", "depth_to_space", "space_to_batch", "space_to_batch_nd", "space_to_depth",
]  # fmt: skip
