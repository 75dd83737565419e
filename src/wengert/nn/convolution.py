"""Convolution layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Optional, Union

from wengert.functions.create import empty
from wengert.nn import functional as F, init
from wengert.nn.module import Module
from wengert.nn.parameter import Parameter
from wengert.tensors.tensor import Tensor

Sizes = Union[int, tuple[int, ...]]

_MODES = ("zeros", "reflect", "replicate", "circular")


def repeated(value: Any, axes: int) -> tuple[int, ...]:
    """One number for each axis, given as one for all or as a sequence."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


class _Convolution(Module):
    """Weight and bias, both uniform in +-1 / sqrt(fan_in), and the numbers of the geometry.

    Raises: ValueError for channels that are no multiple of groups, and for paddings that are not known.
    """

    axes: ClassVar[int]
    transposed: ClassVar[bool] = False
    function: ClassVar[Callable[..., Tensor]]
    weight: Parameter
    bias: Optional[Parameter]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        _check(in_channels, out_channels, stride, padding, groups, padding_mode)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = repeated(kernel_size, self.axes)
        self.stride = repeated(stride, self.axes)
        self.padding = padding if isinstance(padding, str) else repeated(padding, self.axes)
        self.dilation = repeated(dilation, self.axes)
        self.output_padding = repeated(output_padding, self.axes)
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._around()
        self._make_parameters(bias, device, dtype)

    def _make_parameters(self, bias: bool, device: Any, dtype: Any) -> None:
        self.weight = Parameter(empty(self._weight_shape(), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty((self.out_channels,), device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        return (first, second // self.groups, *self.kernel_size)

    def _around(self) -> list[int]:
        """The padding as `F.pad` takes it: the last axis first, before and after."""
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            return [n for total in reversed(totals) for n in (total // 2, total - total // 2)]
        padding = (0,) * self.axes if isinstance(self.padding, str) else self.padding
        return [n for n in reversed(padding) for _ in range(2)]

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # which makes the bound 1 / sqrt(fan_in)
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """(batch, in_channels, ...) to (batch, out_channels, ...), or both without a batch."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._reversed_padding_repeated_twice, self.padding_mode), 0
        function = type(self).function
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != (0,) * self.axes:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * self.axes:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != (0,) * self.axes:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


def _check(in_channels: int, out_channels: int, stride: Any, padding: Any, groups: int, padding_mode: str) -> None:
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups:
        raise ValueError("out_channels must be divisible by groups")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of 'same', 'valid'")
        if padding == "same" and any([s != 1 for s in repeated(stride, 1)]):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in _MODES:
        raise ValueError(f"padding_mode must be one of {set(_MODES)}, but got padding_mode={padding_mode!r}")


class _Conv(_Convolution):
    """y_o = bias_o + sum_c sum_k w_{o,c,k} x_{c, i stride + k dilation - padding}, a cross-correlation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Union[str, Sizes] = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode, device, dtype
        )


class Conv1d(_Conv):
    """Convolution of (batch, in_channels, length) or (in_channels, length).

    weight (out_channels, in_channels / groups, kernel), bias (out_channels,).
    """

    axes, function = 1, F.conv1d


class Conv2d(_Conv):
    """Convolution of (batch, in_channels, height, width) or the same without a batch.

    weight (out_channels, in_channels / groups, *kernel), bias (out_channels,).
    """

    axes, function = 2, F.conv2d


class Conv3d(_Conv):
    """Convolution of (batch, in_channels, depth, height, width) or the same without a batch.

    weight (out_channels, in_channels / groups, *kernel), bias (out_channels,).
    """

    axes, function = 3, F.conv3d


class _ConvTranspose(_Convolution):
    """The transpose of a convolution, with weights of its own.

    Raises: ValueError for a padding_mode other than "zeros".
    """

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Optional[Sequence[int]] = None) -> Tensor:
        """(batch, in_channels, ...) to (batch, out_channels, ...), or both without a batch.

        output_size: the sizes of the result's axes, where a stride leaves several possible.

        Raises: ValueError for sizes that are not possible.
        """
        behind = self.output_padding if output_size is None else self._output_padding(input, tuple(output_size))
        function = type(self).function
        return function(
            input, self.weight, self.bias, self.stride, self.padding, behind, self.groups, self.dilation
        )

    def _output_padding(self, input: Tensor, output_size: tuple[int, ...]) -> tuple[int, ...]:
        """How many positions lie behind the last that is certain to be reached."""
        axes, leading = self.axes, input.ndim - self.axes
        if len(output_size) == leading + axes:
            output_size = output_size[leading:]
        if len(output_size) != axes:
            raise ValueError(
                f"ConvTranspose{axes}D: for {input.ndim}D input, output_size must have {axes} or {leading + axes} "
                f"elements (got {len(output_size)})"
            )
        padding = repeated(self.padding, axes)
        numbers = zip(input.shape[leading:], self.kernel_size, self.stride, padding, self.dilation)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in numbers]
        most = [n + s - 1 for n, s in zip(least, self.stride)]
        if not all([low <= size <= high for low, size, high in zip(least, output_size, most)]):
            raise ValueError(
                f"requested an output size of {list(output_size)}, but valid sizes range from {least} to {most} (for an "
                f"input of {list(input.shape[leading:])})"
            )
        return tuple([size - low for size, low in zip(output_size, least)])


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of (batch, in_channels, length) or (in_channels, length).

    weight (in_channels, out_channels / groups, kernel), bias (out_channels,).
    """

    axes, function = 1, F.conv_transpose1d


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of (batch, in_channels, height, width) or the same without a batch.

    weight (in_channels, out_channels / groups, *kernel), bias (out_channels,).
    """

    axes, function = 2, F.conv_transpose2d


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of (batch, in_channels, depth, height, width) or the same without a batch.

    weight (in_channels, out_channels / groups, *kernel), bias (out_channels,).
    """

    axes, function = 3, F.conv_transpose3d
