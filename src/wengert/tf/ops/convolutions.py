"""Convolutions and what moves between space and channels: `tf.nn`. Layouts become the core's (channels first) by views."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, accept, alike, ints, like
from wengert.tf.ops.core import F, fresh, w

# --- layouts, windows, padding ----------------------------------------------------------------------------------------


def channels_first(data_format: Any, rank: int) -> bool:
    """Whether a layout has the channels before space. Raises: InvalidArgumentError for an unknown one."""
    space = "DHW"[3 - rank :]
    known = {None: False, f"N{space}C": False, f"NC{space}": True}
    if rank == 1:
        known |= {"NWC": False, "NCW": True}
    if data_format not in known:
        raise invalid(f"data_format must be one of {[key for key in known if key]}, got {data_format!r}")
    return known[data_format]


def first(x: Any, is_first: bool) -> Any:
    """Channels before space."""
    return x if is_first else w.movedim(x, -1, 1)


def last(y: Any, is_first: bool) -> Any:
    """Back to the caller's layout."""
    return y if is_first else w.movedim(y, 1, -1)


def per_axis(value: Any, rank: int, is_first: bool, what: str, default: int = 1) -> tuple[int, ...]:
    """Strides, windows or dilations along space: from one number, one for each space axis, or one for every axis.

    Raises: ValueError for another number of them; InvalidArgumentError where they are not 1 along batch or channels.
    """
    if value is None:
        return (default,) * rank
    numbers = ints(value)
    if len(numbers) in (1, rank) and not (rank == 1 and len(numbers) == 3):
        return numbers * rank if len(numbers) == 1 else numbers
    if len(numbers) != rank + 2:
        raise ValueError(f"{what} should be of length 1, {rank} or {rank + 2} but was {len(numbers)}")
    space = numbers[2:] if is_first else numbers[1:-1]
    if numbers[0] != 1 or numbers[1 if is_first else -1] != 1:
        raise invalid(f"Current implementation does not yet support {what} in the batch and depth dimensions: {list(numbers)}")
    return space


def same_padding(sizes: Any, window: Any, strides: Any, dilation: Any) -> list[tuple[int, int]]:
    """What "SAME" puts before and after each axis, so that there are ceil(size / stride) places; the odd one goes after."""
    pads = []
    for n, k, s, d in zip(sizes, window, strides, dilation):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def pads_of(padding: Any, sizes: Any, window: Any, strides: Any, dilation: Any, is_first: bool) -> list[tuple[int, int]]:
    """The padding of each space axis: of "VALID", "SAME" or explicit pairs for every axis.

    Raises: InvalidArgumentError for another padding, ValueError for pairs that are not one for every axis.
    """
    if isinstance(padding, (list, tuple)):
        pairs = [ints(pair) for pair in padding]
        space = pairs[2:] if is_first else pairs[1:-1]
        if len(pairs) != len(window) + 2 or any([len(pair) != 2 for pair in pairs]):
            raise ValueError(f"explicit padding must have a pair for every axis, got {padding}")
        return [(pair[0], pair[1]) for pair in space]
    kind = padding.upper() if isinstance(padding, str) else padding
    if kind == "VALID":
        return [(0, 0)] * len(window)
    if kind == "SAME":
        return same_padding(sizes, window, strides, dilation)
    raise invalid(f'Value for attr \'padding\' of {padding!r} is not in the list of allowed values: "SAME", "VALID"')


def flat(pads: list[tuple[int, int]]) -> list[int]:
    """Pairs as the core's `pad` takes them: the last axis first."""
    return [n for pair in reversed(pads) for n in pair]


def by_rank(name: str, rank: int) -> Any:
    """The core's function for so many space axes."""
    return getattr(F, f"{name}{rank}d")


# --- convolution ------------------------------------------------------------------------------------------------------


def _convolved(x: Any, kernel: Any, strides: Any, padding: Any, data_format: Any, dilations: Any, operation: str) -> Any:
    x, kernel = alike(operation, x, kernel)
    accept(operation, FLOATING | {w.int32}, x)
    rank = kernel.ndim - 2
    batch = x.ndim - rank - 1
    if batch < 1:
        raise invalid(f"input must be at least {rank + 2}-dimensional, got shape {list(x.shape)} [Op:{operation}]")
    is_first = channels_first(data_format, rank)
    lead = tuple(x.shape[:batch])
    x = x.reshape(-1, *x.shape[batch:]) if batch > 1 else x
    steps = per_axis(strides, rank, is_first, "strides")
    spread = per_axis(dilations, rank, is_first, "dilations")
    x = first(x, is_first)
    if x.shape[1] % kernel.shape[-2]:
        raise invalid(
            f"input depth must be evenly divisible by filter depth: {x.shape[1]} vs {kernel.shape[-2]} [Op:{operation}]"
        )
    y = last(_windows_summed(x, kernel, steps, padding, spread, is_first), is_first)
    return y.reshape(*lead, *y.shape[1:]) if batch > 1 else y


def _windows_summed(x: Any, kernel: Any, steps: Any, padding: Any, spread: Any, is_first: bool) -> Any:
    rank = kernel.ndim - 2
    pads = pads_of(padding, x.shape[2:], kernel.shape[:rank], steps, spread, is_first)
    if all([before == after for before, after in pads]):
        pad: Any = tuple([before for before, _ in pads])
    else:
        x, pad = F.pad(x, flat(pads)), 0
    weight = kernel.permute(rank + 1, rank, *range(rank))
    return by_rank("conv", rank)(x, weight, None, steps, pad, spread, x.shape[1] // weight.shape[1])


def _conv(rank: int) -> Any:
    layout = ("NWC", "NHWC", "NDHWC")[rank - 1]

    @face()
    def conv(
        input: Any, filters: Any, strides: Any, padding: Any, data_format: Any = layout, dilations: Any = None,
        name: Optional[str] = None,
    ) -> Any:  # fmt: skip
        filters = fresh(filters) if not hasattr(filters, "ndim") else filters
        return _convolved(input, filters, strides, padding, data_format, dilations, f"Conv{rank}D")

    conv.__name__ = conv.__qualname__ = f"conv{rank}d"
    conv.__doc__ = (
        f"Convolution over {rank} axes of space; the filter is (space..., channels of a group, channels out).\n\n"
        "Raises: InvalidArgumentError for shapes or dtypes that do not fit, and for an unknown layout or padding."
    )
    return conv


conv2d, conv3d = _conv(2), _conv(3)


@face()
def conv1d(
    input: Any, filters: Any, stride: Any, padding: Any, data_format: Any = "NWC", dilations: Any = None,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Convolution over time; the filter is (width, channels of a group, channels out). See `conv2d`."""
    return _convolved(input, filters, stride, padding, data_format, dilations, "Conv1D")


@face()
def convolution(
    input: Any, filters: Any, strides: Any = None, padding: Any = "VALID", data_format: Any = None,
    dilations: Any = None, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Convolution over as many axes of space as the filter has. See `conv2d`."""
    return _convolved(input, fresh(filters), strides, padding, data_format, dilations, "Conv")


@face()
def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: Optional[str] = None) -> Any:
    """Convolution whose filter looks at every `rate`-th place."""
    return _convolved(value, fresh(filters), 1, padding, "NHWC", rate, "Conv2D")


def _joined(kernel: Any) -> Any:
    """A depthwise filter (h, w, channels, multiplier) as one of as many groups as channels."""
    return kernel.reshape(*kernel.shape[:2], 1, kernel.shape[2] * kernel.shape[3])


@face()
def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: Any = None, dilations: Any = None,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Convolution of each channel by itself; the filter is (height, width, channels, multiplier).

    Raises: InvalidArgumentError for shapes that do not fit.
    """
    kernel = fresh(filter)
    x = like("DepthwiseConv2dNative", input, kernel)
    channels = x.shape[1] if channels_first(data_format, 2) else x.shape[-1]
    if kernel.ndim != 4 or kernel.shape[2] != channels:
        raise invalid(
            f"input and filter must have the same depth: {channels} vs {list(kernel.shape)} [Op:DepthwiseConv2dNative]"
        )
    return _convolved(x, _joined(kernel), strides, padding, data_format, dilations, "DepthwiseConv2dNative")


@face()
def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, data_format: Any = None,
    dilations: Any = None, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """A depthwise convolution, and one over channels."""
    y = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return _convolved(y, fresh(pointwise_filter), 1, "VALID", data_format, None, "Conv2D")


# --- transposed -------------------------------------------------------------------------------------------------------


def _transposed(
    x: Any, kernel: Any, output_shape: Any, strides: Any, padding: Any, data_format: Any, dilations: Any, operation: str
) -> Any:
    """The derivative of a convolution by its input. The full result is cut, or filled with zeros, to `output_shape`."""
    x, kernel = alike(operation, x, kernel)
    accept(operation, FLOATING, x)
    rank = kernel.ndim - 2
    is_first = channels_first(data_format, rank)
    steps = per_axis(strides, rank, is_first, "strides")
    spread = per_axis(dilations, rank, is_first, "dilations")
    shape = ints(output_shape)
    sizes = shape if len(shape) == rank else shape[2:] if is_first else shape[1:-1]
    x = first(x, is_first)
    if x.shape[1] != kernel.shape[-1]:
        raise invalid(
            f"input channels does not match filter's input channels, {x.shape[1]} != {kernel.shape[-1]} [Op:{operation}]"
        )
    window = tuple(kernel.shape[:rank])
    pads = pads_of(padding, sizes, window, steps, spread, is_first)
    _check_sizes(x.shape[2:], sizes, window, steps, spread, pads, operation)
    weight = kernel.permute(rank + 1, rank, *range(rank))  # (in, out, space...)
    y = by_rank("conv_transpose", rank)(x, weight, None, steps, 0, 0, 1, spread)
    for axis, (wanted, (before, _)) in enumerate(zip(sizes, pads), 2):
        y = y.narrow(axis, before, min(wanted, y.shape[axis] - before))
        if y.shape[axis] < wanted:
            y = F.pad(y, [0, 0] * (y.ndim - 1 - axis) + [0, wanted - y.shape[axis]])
    return last(y, is_first)


def _check_sizes(small: Any, sizes: Any, window: Any, steps: Any, spread: Any, pads: Any, operation: str) -> None:
    for n, m, k, s, d, (before, after) in zip(small, sizes, window, steps, spread, pads):
        if (m + before + after - (k - 1) * d - 1) // s + 1 != n:
            raise invalid(
                f"Size of out_backprop doesn't match computed: a convolution of size {m} has not size {n} [Op:{operation}]"
            )


def _conv_transpose(rank: int) -> Any:
    layout = ("NWC", "NHWC", "NDHWC")[rank - 1]

    @face()
    def conv_transpose(
        input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: Any = layout,
        dilations: Any = None, name: Optional[str] = None,
    ) -> Any:  # fmt: skip
        filters = fresh(filters)
        return _transposed(input, filters, output_shape, strides, padding, data_format, dilations, f"Conv{rank}DTranspose")

    conv_transpose.__name__ = conv_transpose.__qualname__ = f"conv{rank}d_transpose"
    conv_transpose.__doc__ = (
        f"The transpose of `conv{rank}d`; the filter is (space..., channels out, channels in).\n\n"
        "Raises: InvalidArgumentError for shapes that do not fit, and for an unknown layout or padding."
    )
    return conv_transpose


conv1d_transpose, conv2d_transpose, conv3d_transpose = _conv_transpose(1), _conv_transpose(2), _conv_transpose(3)


@face()
def conv_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME", data_format: Any = None,
    dilations: Any = None, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The transpose of `convolution`, over as many axes of space as the filter has."""
    return _transposed(input, fresh(filters), output_shape, strides, padding, data_format, dilations, "ConvTranspose")


@face()
def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: Optional[str] = None
) -> Any:
    """The transpose of `atrous_conv2d`."""
    return _transposed(value, fresh(filters), output_shape, 1, padding, "NHWC", rate, "Conv2DTranspose")


__all__ = [
    "atrous_conv2d", "atrous_conv2d_transpose", "conv1d", "conv1d_transpose", "conv2d", "conv2d_transpose", "conv3d",
    "conv3d_transpose", "conv_transpose", "convolution", "depthwise_conv2d", "separable_conv2d",
]  # fmt: skip
