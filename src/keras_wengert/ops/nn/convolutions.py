"""Convolutions and pooling. Keras's layouts are turned into wengert's (channels before space) by views."""

from __future__ import annotations

from typing import Any

from keras.src.backend.common.backend_utils import (
    check_conv_transpose_input_channels,
    compute_conv_transpose_output_shape,
    compute_conv_transpose_padding_args_for_jax,
)

import wengert as w
from keras_wengert.ops.common import convert_to_tensor, promoted
from wengert.nn import functional as F


def _by_rank(name: str, rank: int) -> Any:
    """wengert's function for so many space axes: ("conv", 2) -> conv2d."""
    return getattr(F, f"{name}{rank}d")


def _tuple(value: Any, rank: int) -> tuple[int, ...]:
    return (int(value),) * rank if isinstance(value, int) else tuple([int(v) for v in value])


def _first(x: Any, data_format: Any) -> Any:
    """Channels before space."""
    return x if data_format == "channels_first" else w.movedim(x, -1, 1)


def _last(y: Any, data_format: Any) -> Any:
    """Back to the caller's layout."""
    return y if data_format == "channels_first" else w.movedim(y, 1, -1)


def _format(data_format: Any) -> str:
    from keras.src.backend.config import standardize_data_format

    return standardize_data_format(data_format)  # type: ignore[no-any-return]


def _same(sizes: Any, window: Any, strides: Any, dilation: Any) -> list[tuple[int, int]]:
    """What "same" pads before and after each axis: the output has ceil(size / stride) places; the odd one goes after."""
    pads = []
    for n, k, s, d in zip(sizes, window, strides, dilation):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def _flat(pads: list[tuple[int, int]]) -> list[int]:
    return [n for pair in reversed(pads) for n in pair]


def conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1
) -> Any:
    """Convolution; the kernel is (space..., channels in a group, channels out).

    Raises: ValueError for channels that do not fit.
    """
    data_format = _format(data_format)
    inputs, kernel = convert_to_tensor(inputs), convert_to_tensor(kernel)
    channels = inputs.shape[-1 if data_format == "channels_last" else 1]
    if channels % kernel.shape[-2]:
        raise ValueError(
            "The number of input channels must be evenly divisible by the kernel's input channels. Received: input "
            f"channels={channels}, kernel input channels={kernel.shape[-2]}"
        )
    return _convolved(inputs, kernel, strides, padding, data_format, dilation_rate)


def _convolved(inputs: Any, kernel: Any, strides: Any, padding: str, data_format: str, dilation_rate: Any) -> Any:
    """Convolution in as many groups as the kernel's channels say."""
    x, kernel = promoted(inputs, kernel)
    rank = x.ndim - 2
    x = _first(x, data_format)
    strides, dilation = _tuple(strides, rank), _tuple(dilation_rate, rank)
    weight = kernel.permute(kernel.ndim - 1, kernel.ndim - 2, *range(rank))
    channels = x.shape[1]
    pad: Any = 0
    if padding == "same":
        pads = _same(x.shape[2:], kernel.shape[:rank], strides, dilation)
        if all(before == after for before, after in pads):
            pad = tuple([before for before, _ in pads])
        else:
            x = F.pad(x, _flat(pads))
    groups = channels // weight.shape[1]
    return _last(_by_rank("conv", rank)(x, weight, None, strides, pad, dilation, groups), data_format)


def depthwise_conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1
) -> Any:
    """Convolution of each channel by itself; the kernel is (space..., channels, multiplier)."""
    kernel = convert_to_tensor(kernel)
    joined = kernel.reshape(*kernel.shape[:-2], 1, kernel.shape[-2] * kernel.shape[-1])
    return _convolved(inputs, joined, strides, padding, _format(data_format), dilation_rate)


def separable_conv(
    inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1, padding: str = "valid",
    data_format: Any = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """A depthwise convolution and one over channels."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, 1, "valid", data_format, 1)


def conv_transpose(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
    data_format: Any = None, dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """Transposed convolution; the kernel is (space..., channels out, channels in).

    The full result is computed and cut (or extended with zeros) to the place and size that Keras gives it.
    """
    data_format = _format(data_format)
    inputs, kernel = convert_to_tensor(inputs), convert_to_tensor(kernel)
    check_conv_transpose_input_channels(inputs, kernel, data_format)
    shape = compute_conv_transpose_output_shape(
        tuple(inputs.shape), tuple(kernel.shape[:-2]), kernel.shape[-2], strides, padding, output_padding, data_format,
        dilation_rate,
    )  # fmt: skip
    x, kernel = promoted(inputs, kernel)
    rank = x.ndim - 2
    x = _first(x, data_format)
    strides, dilation = _tuple(strides, rank), _tuple(dilation_rate, rank)
    weight = kernel.permute(kernel.ndim - 1, kernel.ndim - 2, *range(rank))  # (in, out, space...)
    y = _by_rank("conv_transpose", rank)(x, weight, None, strides, 0, 0, 1, dilation)
    sizes = shape[2:] if data_format == "channels_first" else shape[1:-1]
    pads = compute_conv_transpose_padding_args_for_jax(
        tuple(inputs.shape), tuple(kernel.shape), strides, padding, output_padding, dilation
    )
    for axis, (wanted, k, d, (left, _)) in enumerate(zip(sizes, kernel.shape[:rank], dilation, pads), 2):
        # `left` is what is put before the input spread by the stride; the full result begins with all of window - 1.
        before = (k - 1) * d - left
        y = y.narrow(axis, before, min(wanted, y.shape[axis] - before))
        if y.shape[axis] < wanted:
            y = F.pad(y, [0, 0] * (y.ndim - 1 - axis) + [0, wanted - y.shape[axis]])
    return _last(y, data_format)


# --- pooling ----------------------------------------------------------------------------------------------------------


def max_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: Any = None) -> Any:
    """The largest of each window."""
    data_format = _format(data_format)
    x = convert_to_tensor(inputs)
    rank = x.ndim - 2
    window = _tuple(pool_size, rank)
    strides = window if strides is None else _tuple(strides, rank)
    x = _first(x, data_format)
    if padding == "same":
        low = float("-inf") if x.dtype.is_floating_point else w.iinfo(x.dtype).min
        x = F.pad(x, _flat(_same(x.shape[2:], window, strides, (1,) * rank)), value=low)
    return _last(_by_rank("max_pool", rank)(x, window, strides), data_format)


def average_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: Any = None) -> Any:
    """The mean of each window; of what lies inside where "same" pads."""
    data_format = _format(data_format)
    x = convert_to_tensor(inputs)
    rank = x.ndim - 2
    window = _tuple(pool_size, rank)
    strides = window if strides is None else _tuple(strides, rank)
    x = _first(x, data_format)
    if padding != "same":
        return _last(_by_rank("avg_pool", rank)(x, window, strides), data_format)
    pads = _flat(_same(x.shape[2:], window, strides, (1,) * rank))
    sums = _by_rank("avg_pool", rank)(F.pad(x, pads), window, strides)
    inside = _by_rank("avg_pool", rank)(F.pad(w.ones((1, 1, *x.shape[2:]), dtype=x.dtype), pads), window, strides)
    return _last(sums / inside, data_format)


def adaptive_max_pool(inputs: Any, output_size: Any, data_format: Any = None) -> Any:
    """The largest of windows that divide the space into `output_size`."""
    return _adaptive("adaptive_max_pool", inputs, output_size, data_format)


def adaptive_average_pool(inputs: Any, output_size: Any, data_format: Any = None) -> Any:
    """The means of windows that divide the space into `output_size`."""
    return _adaptive("adaptive_avg_pool", inputs, output_size, data_format)


def _adaptive(name: str, inputs: Any, output_size: Any, data_format: Any) -> Any:
    data_format = _format(data_format)
    x = convert_to_tensor(inputs)
    rank = x.ndim - 2
    return _last(_by_rank(name, rank)(_first(x, data_format), _tuple(output_size, rank)), data_format)


# --- windows as values ------------------------------------------------------------------------------------------------


def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of an image as columns."""
    return F.unfold(convert_to_tensor(x), kernel_size, dilation, padding, stride)


def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns of windows added up to an image."""
    return F.fold(convert_to_tensor(x), output_size, kernel_size, dilation, padding, stride)


def depth_to_space(x: Any, block_size: int, data_format: Any = "channels_last") -> Any:
    """Channels spread over blocks of space; the block's place is the slowest part of the channel."""
    x = convert_to_tensor(x)
    b = block_size
    if data_format == "channels_last":
        n, h, v, c = x.shape
        return x.reshape(n, h, v, b, b, c // b**2).permute(0, 1, 3, 2, 4, 5).reshape(n, h * b, v * b, c // b**2)
    n, c, h, v = x.shape
    return x.reshape(n, b, b, c // b**2, h, v).permute(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, v * b)


def space_to_depth(x: Any, block_size: int, data_format: Any = "channels_last") -> Any:
    """The inverse of `depth_to_space`."""
    x = convert_to_tensor(x)
    b = block_size
    if data_format == "channels_last":
        n, h, v, c = x.shape
        return x.reshape(n, h // b, b, v // b, b, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h // b, v // b, c * b**2)
    n, c, h, v = x.shape
    return x.reshape(n, c, h // b, b, v // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b**2, h // b, v // b)


__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "average_pool", "conv", "conv_transpose", "depth_to_space",
    "depthwise_conv", "fold", "max_pool", "separable_conv", "space_to_depth", "unfold",
]  # fmt: skip
