"""Batch normalisation in evaluation is an affine map of channels: it goes into the weights of the layer before it.

    bn(W x + b) = (s W) x + (s (b - mean) + beta),   s = gamma / sqrt(var + eps)
"""

from __future__ import annotations

import copy
from typing import Any, Optional, TypeVar

from wengert.functions.create import ones_like, zeros_like
from wengert.nn.module import Module
from wengert.nn.parameter import Parameter
from wengert.tensors.tensor import Tensor

M = TypeVar("M", bound=Module)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Optional[Tensor],
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Optional[Tensor],
    bn_b: Optional[Tensor],
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that does both. `transpose`: the outputs are dimension 1 of the weight."""
    scale, shift = _affine(conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    weight = (conv_w * scale.reshape(shape)).to(conv_w.dtype)
    bias = shift.to(conv_w.dtype if conv_b is None else conv_b.dtype)
    return Parameter(weight, conv_w.requires_grad), Parameter(bias, conv_w.requires_grad)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Optional[Tensor],
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Optional[Tensor],
    bn_b: Optional[Tensor],
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear layer that does both."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _affine(
    bias: Optional[Tensor], mean: Tensor, var: Tensor, eps: float, gamma: Optional[Tensor], beta: Optional[Tensor]
) -> tuple[Tensor, Tensor]:
    bias = zeros_like(mean) if bias is None else bias
    gamma = ones_like(mean) if gamma is None else gamma
    beta = zeros_like(mean) if beta is None else beta
    scale = gamma * (var + eps).rsqrt()
    return scale, (bias - mean) * scale + beta


def fuse_conv_bn_eval(conv: M, bn: Any, transpose: bool = False) -> M:
    """A copy of the convolution that does what both do in evaluation mode."""
    _check_eval(conv, bn)
    weights = fuse_conv_bn_weights(
        conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return _with(conv, *weights)


def fuse_linear_bn_eval(linear: M, bn: Any) -> M:
    """A copy of the linear layer that does what both do in evaluation mode.

    Raises: AssertionError in training mode, or when the number of channels is not that of the outputs.
    """
    _check_eval(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            f"To fuse, linear.out_features == bn.num_features or bn.num_features == 1; got {linear.out_features} and "
            f"{bn.num_features}"
        )
    return _with(
        linear,
        *fuse_linear_bn_weights(
            linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        ),
    )


def _check_eval(layer: Module, bn: Module) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval! Call .eval() on both layers first")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("Fusion needs running statistics: a layer with track_running_stats=True")


def _with(layer: M, weight: Parameter, bias: Parameter) -> M:
    made = copy.deepcopy(layer)
    made.weight, made.bias = weight, bias
    return made
