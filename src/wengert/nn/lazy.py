"""Lazy layers: those that take the number of their inputs from the first input that they see.

Until then their parameters are uninitialised. The first call (or loading a state) settles their shapes, and the layer
becomes the ordinary one that it stands for.
"""

from __future__ import annotations

from typing import Any, ClassVar, Optional, Union

from wengert.dtypes import int64
from wengert.functions.create import zeros
from wengert.nn.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Sizes,
)
from wengert.nn.linear import Linear
from wengert.nn.module import Module
from wengert.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from wengert.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor


class LazyModuleMixin(Module):
    """For modules whose parameters get their shapes at the first call.

    A subclass puts `UninitializedParameter`s in place, and defines `initialize_parameters`, which gets what `forward`
    gets and materialises them. `cls_to_become`: the class of the module afterwards.

    Example: ``class LazyMLP(LazyModuleMixin, MLP): ...``
    """

    cls_to_become: ClassVar[Optional[type[Any]]] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(LazyModuleMixin._infer_parameters, with_kwargs=True)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """What has no shape yet is its own state."""
        for name, member in self._own_state().items():
            destination[prefix + name] = member if keep_vars or is_lazy(member) else member.detach()

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *_: Any) -> None:
        """A state that is loaded settles the shapes that are open."""
        for name, member in self._own_state().items():
            given = state_dict.get(prefix + name)
            if is_lazy(member) and isinstance(given, Tensor) and not is_lazy(given):
                with no_grad():
                    member.materialize(given.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialise what has no shape yet, for the input that `forward` gets. Every subclass defines it."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module has no shape yet."""
        return any([is_lazy(member) for member in (*self._parameters.values(), *self._buffers.values())])

    def _infer_parameters(self, args: Any, kwargs: Any) -> None:
        """Before the first forward."""
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        self._initialize_hook.remove()
        self._load_hook.remove()
        del self._initialize_hook, self._load_hook
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become

    def _replicate_for_data_parallel(self) -> Any:
        raise RuntimeError("Modules with uninitialized parameters can't be used with DataParallel: run a forward first")


class LazyLinear(LazyModuleMixin, Linear):
    """`Linear` whose in_features is the input's last size."""

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, once they are there."""
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Shapes for an input (*, in_features)."""
        if self.has_uninitialized_params():
            with no_grad():
                self.in_features = input.shape[-1]
                self.weight.materialize((self.out_features, self.in_features))
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))
                self.reset_parameters()
        if self.in_features == 0:  # a state was loaded
            self.in_features = self.weight.shape[-1]


class _LazyConvolution(LazyModuleMixin):
    """What lazy convolutions share: in_channels is the size of the input's channel axis."""

    axes: ClassVar[int]
    in_channels: int
    weight: Any
    bias: Any

    def _make_parameters(self, bias: bool, device: Any, dtype: Any) -> None:
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)
        else:
            self.register_parameter("bias", None)

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, once they are there."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Shapes for an input (batch, in_channels, ...) or (in_channels, ...).

        Raises: RuntimeError for another rank; ValueError for channels that are no multiple of groups.
        """
        if input.ndim not in (self.axes + 1, self.axes + 2):
            raise RuntimeError(
                f"Expected {self.axes + 1}D (unbatched) or {self.axes + 2}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {list(input.shape)}"
            )
        channels = input.shape[input.ndim - self.axes - 1]
        if self.has_uninitialized_params():
            if channels % self.groups:
                raise ValueError("in_channels must be divisible by groups")
            with no_grad():
                self.in_channels = channels
                self.weight.materialize(self._weight_shape())
                if self.bias is not None:
                    self.bias.materialize((self.out_channels,))
                self.reset_parameters()
        elif self.in_channels == 0:  # a state was loaded
            self.in_channels = channels


class _LazyConv(_LazyConvolution):
    def __init__(
        self,
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
            0, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self._check_groups(out_channels)

    def _check_groups(self, out_channels: int) -> None:
        if out_channels % self.groups:
            raise ValueError("out_channels must be divisible by groups")


class LazyConv1d(_LazyConv, Conv1d):
    """`Conv1d` whose in_channels is the input's."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """`Conv2d` whose in_channels is the input's."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """`Conv3d` whose in_channels is the input's."""

    cls_to_become = Conv3d


class _LazyConvTranspose(_LazyConvolution):
    def __init__(
        self,
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
        super().__init__(
            0, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode, device,
            dtype,
        )  # fmt: skip


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """`ConvTranspose1d` whose in_channels is the input's."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """`ConvTranspose2d` whose in_channels is the input's."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """`ConvTranspose3d` whose in_channels is the input's."""

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    """What lazy normalisations share: num_features is the size of the input's channel axis."""

    ranks: Any
    num_features: int
    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any
    without_batch: ClassVar[bool] = False

    def __init__(
        self,
        eps: float,
        momentum: Optional[float],
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)  # affine and statistics follow
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            self.bias = UninitializedParameter(device=device, dtype=dtype) if bias else None
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = zeros((), dtype=int64)

    def reset_parameters(self) -> None:
        """Weight 1, bias 0 and fresh statistics, once they are there."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Shapes for the channels of an input."""
        if self.has_uninitialized_params():
            axis = 0 if self.without_batch and input.ndim == min(self.ranks) else 1
            self.num_features = input.shape[axis]
            own = (*self._parameters.values(), *self._buffers.values())
            for member in [member for member in own if is_lazy(member)]:
                member.materialize((self.num_features,))
            self.reset_parameters()
        elif self.num_features == 0:  # a state was loaded, or there is nothing to settle
            known = [t for t in (*self._parameters.values(), *self._buffers.values()) if t is not None and t.ndim]
            self.num_features = known[0].shape[0] if known else 0


class _LazyBatchNorm(_LazyNorm):
    """As in PyTorch, lazy instance normalisations have these defaults too."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: Optional[float] = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(eps, momentum, affine, track_running_stats, device, dtype, bias)


class LazyBatchNorm1d(_LazyBatchNorm, BatchNorm1d):
    """`BatchNorm1d` whose num_features is the input's."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm, BatchNorm2d):
    """`BatchNorm2d` whose num_features is the input's."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyBatchNorm, BatchNorm3d):
    """`BatchNorm3d` whose num_features is the input's."""

    cls_to_become = BatchNorm3d


class _LazyInstanceNorm(_LazyBatchNorm):
    without_batch = True


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """`InstanceNorm1d` whose num_features is the input's."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """`InstanceNorm2d` whose num_features is the input's."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """`InstanceNorm3d` whose num_features is the input's."""

    cls_to_become = InstanceNorm3d
