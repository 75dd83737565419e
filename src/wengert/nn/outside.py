"""Functions of `nn.functional` by the names, and in the orders of arguments, under which they also stand at the top:
``wengert.batch_norm(input, weight, bias, ...)``. Found there when they are first named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from wengert.errors import runtime_error
from wengert.nn import functional
from wengert.tensors.tensor import Tensor

# Those whose arguments stand in the same order.
SAME = frozenset(
    """
    celu_ rrelu_ selu_ threshold_
    alpha_dropout bilinear celu cosine_embedding_loss cosine_similarity ctc_loss dropout feature_alpha_dropout
    hardshrink hinge_embedding_loss kl_div margin_ranking_loss pairwise_distance poisson_nll_loss prelu rms_norm rrelu
    selu threshold triplet_margin_loss affine_grid adaptive_avg_pool1d adaptive_max_pool1d avg_pool1d max_pool1d
    max_pool2d max_pool3d
    """.split()
)

__all__ = [
    "batch_norm", "instance_norm", "layer_norm", "group_norm", "embedding", "native_layer_norm", "native_group_norm",
    "native_batch_norm", "dropout_", "alpha_dropout_", "feature_alpha_dropout_", "binary_cross_entropy_with_logits",
    "convolution", "affine_grid_generator", "constant_pad_nd", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d",
]  # fmt: skip


def batch_norm(
    input: Tensor,
    weight: Optional[Tensor],
    bias: Optional[Tensor],
    running_mean: Optional[Tensor],
    running_var: Optional[Tensor],
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.batch_norm`, the weight first."""
    return functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Optional[Tensor],
    bias: Optional[Tensor],
    running_mean: Optional[Tensor],
    running_var: Optional[Tensor],
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.instance_norm`, the weight first."""
    return functional.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Optional[Tensor] = None,
    bias: Optional[Tensor] = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """`nn.functional.layer_norm`"""
    return functional.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Optional[Tensor] = None,
    bias: Optional[Tensor] = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.group_norm`"""
    return functional.group_norm(input, num_groups, weight, bias, eps)


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """`nn.functional.embedding`, the weight first; a padding index of -1 is none."""
    padding = None if padding_idx == -1 else padding_idx
    return functional.embedding(indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq)


# --- with the statistics --------------------------------------------------------------------------------------------


def _statistics(x: Any, dims: tuple[int, ...], keepdim: bool, eps: float) -> tuple[Any, Any]:
    """The mean, and 1 / sqrt(biased variance + eps)."""
    return x.mean(dims, keepdim), (x.var(dims, correction=0, keepdim=keepdim) + eps).rsqrt()


def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Optional[Tensor], bias: Optional[Tensor], eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(`layer_norm`, the means, 1 / sqrt(variances + eps)), the last two without a history, as in PyTorch"""
    dims = tuple(range(input.ndim - len(normalized_shape), input.ndim))
    y = functional.layer_norm(input, normalized_shape, weight, bias, eps)
    return y, *_statistics(input.detach(), dims, True, eps)


def native_group_norm(
    input: Any, weight: Optional[Tensor], bias: Optional[Tensor], N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(`group_norm`, the means, 1 / sqrt(variances + eps)), these (batch, groups)"""
    groups = input.reshape(N, group, C // group * HxW)
    return functional.group_norm(input, group, weight, bias, eps), *_statistics(groups, (2,), False, eps)


def native_batch_norm(
    input: Any,
    weight: Optional[Tensor],
    bias: Optional[Tensor],
    running_mean: Optional[Tensor],
    running_var: Optional[Tensor],
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """(`batch_norm`, the means, 1 / sqrt(variances + eps)), these (channels,), without a history, and empty
    unless training"""
    dims = (0, *range(2, input.ndim))
    y = functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return y, input.new_empty(0), input.new_empty(0)
    return y, *_statistics(input.detach(), dims, False, eps)


# --- dropout in place ------------------------------------------------------------------------------------------------


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.dropout`, in place"""
    return functional.dropout(input, p, train, inplace=True)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.alpha_dropout`, in place"""
    return functional.alpha_dropout(input, p, train, inplace=True)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`nn.functional.feature_alpha_dropout`, in place"""
    return functional.feature_alpha_dropout(input, p, train, inplace=True)


# --- losses and convolutions --------------------------------------------------------------------------------------------------

_REDUCTIONS = ("none", "mean", "sum")


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    pos_weight: Optional[Tensor] = None,
    reduction: int = 1,
) -> Tensor:
    """`nn.functional.binary_cross_entropy_with_logits`, the reduction by number: 0 none, 1 mean, 2 sum."""
    return functional.binary_cross_entropy_with_logits(
        input, target, weight, reduction=_REDUCTIONS[reduction], pos_weight=pos_weight
    )


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Optional[Tensor],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    """`nn.functional.conv1d` to `conv3d` and their transposed ones, by the number of the weight's dimensions."""
    name = f"conv{'_transpose' if transposed else ''}{weight.ndim - 2}d"
    if transposed:
        further: tuple[Any, ...] = (output_padding, groups, dilation)
    else:
        further = (dilation, groups)
    return getattr(functional, name)(input, weight, bias, stride, padding, *further)


# --- padding and sampling -------------------------------------------------------------------------------------------


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """`nn.functional.pad` with a constant"""
    return functional.pad(input, pad, "constant", value)


_INTERPOLATIONS = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`nn.functional.grid_sample`, its modes by number.

    Raises: RuntimeError for a number that names no mode.
    """
    if not (0 <= interpolation_mode < 3 and 0 <= padding_mode < 3):
        raise runtime_error("grid_sampler", "modes between 0 and 2", (interpolation_mode, padding_mode))
    return functional.grid_sample(input, grid, _INTERPOLATIONS[interpolation_mode], _PADDINGS[padding_mode], align_corners)


grid_sampler_2d = grid_sampler
grid_sampler_3d = grid_sampler


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """`nn.functional.affine_grid`"""
    return functional.affine_grid(theta, size, align_corners)
