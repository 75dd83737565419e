"""Pooling layers."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

from wengert.nn import functional as F
from wengert.nn.convolution import repeated
from wengert.nn.module import Module
from wengert.tensors.tensor import Tensor


def _of(name: str, axes: int) -> Any:
    return getattr(F, f"{name}{axes}d")


class _MaxPool(Module):
    """The largest element of each window; see `functional.max_pool2d`."""

    axes: ClassVar[int]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """The pooled input; with `return_indices` also the positions."""
        return _of("max_pool", self.axes)(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """Max pooling of (batch, channels, length) or (channels, length)."""

    axes = 1


class MaxPool2d(_MaxPool):
    """Max pooling of (batch, channels, height, width) or the same without a batch."""

    axes = 2


class MaxPool3d(_MaxPool):
    """Max pooling of (batch, channels, depth, height, width) or the same without a batch."""

    axes = 3


class _MaxUnpool(Module):
    """Values put where a max pooling found them, 0 elsewhere."""

    axes: ClassVar[int]

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = repeated(kernel_size, self.axes)
        self.stride = repeated(stride if stride is not None else kernel_size, self.axes)
        self.padding = repeated(padding, self.axes)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """The values and positions that a max pooling gave; output_size where several sizes are possible."""
        return _of("max_unpool", self.axes)(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The way back of `MaxPool1d`."""

    axes = 1


class MaxUnpool2d(_MaxUnpool):
    """The way back of `MaxPool2d`."""

    axes = 2


class MaxUnpool3d(_MaxUnpool):
    """The way back of `MaxPool3d`."""

    axes = 3


class AvgPool1d(Module):
    """Average pooling of (batch, channels, length) or (channels, length)."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = repeated(kernel_size, 1)
        self.stride = repeated(stride if stride is not None else kernel_size, 1)
        self.padding = repeated(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """The pooled input."""
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    axes: ClassVar[int]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Optional[int] = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The pooled input."""
        return _of("avg_pool", self.axes)(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """Average pooling of (batch, channels, height, width) or the same without a batch."""

    axes = 2


class AvgPool3d(_AvgPool):
    """Average pooling of (batch, channels, depth, height, width) or the same without a batch."""

    axes = 3


class _LPPool(Module):
    """(sum of x^p)^(1/p) of each window, p = norm_type."""

    axes: ClassVar[int]

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """The pooled input."""
        return _of("lp_pool", self.axes)(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """Norm pooling of (batch, channels, length) or (channels, length)."""

    axes = 1


class LPPool2d(_LPPool):
    """Norm pooling of (batch, channels, height, width) or the same without a batch."""

    axes = 2


class LPPool3d(_LPPool):
    """Norm pooling of (batch, channels, depth, height, width) or the same without a batch."""

    axes = 3


class _AdaptiveAvgPool(Module):
    axes: ClassVar[int]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """The averages at `output_size` places."""
        return _of("adaptive_avg_pool", self.axes)(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Averages of (batch, channels, length) or (channels, length) at as many places as are wanted."""

    axes = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Averages of (batch, channels, height, width), with or without a batch, at as many places as are wanted."""

    axes = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Averages of (batch, channels, depth, height, width), with or without a batch, at as many places as are wanted."""

    axes = 3


class _AdaptiveMaxPool(Module):
    axes: ClassVar[int]

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """The largest at `output_size` places; with `return_indices` also the positions."""
        return _of("adaptive_max_pool", self.axes)(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest of (batch, channels, length) or (channels, length) at as many places as are wanted."""

    axes = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest of (batch, channels, height, width), with or without a batch, at as many places as are wanted."""

    axes = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest of (batch, channels, depth, height, width), with or without a batch, at as many places as are wanted."""

    axes = 3


class _FractionalMaxPool(Module):
    """The largest of windows whose distances are drawn at random.

    Raises: ValueError unless exactly one of output_size and output_ratio (between 0 and 1) is given.
    """

    axes: ClassVar[int]

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Optional[Tensor] = None,
    ) -> None:
        super().__init__()
        self.kernel_size = repeated(kernel_size, self.axes)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else repeated(output_size, self.axes)
        ratios = (output_ratio,) * self.axes if isinstance(output_ratio, float) else output_ratio
        self.output_ratio = None if output_ratio is None else ratios
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{type(self).__name__} requires specifying exactly one of output_size and output_ratio")
        if self.output_ratio is not None and not all([0 < r < 1 for r in self.output_ratio]):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        """The pooled input; with `return_indices` also the positions."""
        return _of("fractional_max_pool", self.axes)(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """Fractional max pooling of (batch, channels, height, width) or the same without a batch."""

    axes = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """Fractional max pooling of (batch, channels, depth, height, width) or the same without a batch."""

    axes = 3
