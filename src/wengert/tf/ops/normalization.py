"""Moments and normalisation: `tf.nn`."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, INEXACT, accept, axes_in, like
from wengert.tf.ops.core import fresh, w


@face("x")
def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: Optional[str] = None) -> Any:
    """Mean and variance over axes; of float16 computed in float32."""
    accept("moments", INEXACT, x)
    wide = x.to(w.float32) if x.dtype is w.float16 else x
    places = axes_in(axes, x.ndim, "moments")
    if not places:
        return x, w.zeros_like(x)
    mean = w.mean(wide, places, keepdim=True)
    variance = w.mean(w.square(wide - mean.detach()), places, keepdim=True)
    rest = list(mean.shape) if keepdims else [n for i, n in enumerate(x.shape) if i not in places]
    return mean.reshape(rest).to(x.dtype), variance.reshape(rest).to(x.dtype)


@face("x")
def weighted_moments(x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: Optional[str] = None) -> Any:
    """Mean and variance over axes, each element counted by its weight."""
    weights = like("weighted_moments", frequency_weights, x)
    places = axes_in(axes, x.ndim, "weighted_moments")
    total = w.broadcast_to(weights, tuple(x.shape)).sum(places, keepdim=True)
    mean = (weights * x).sum(places, keepdim=True) / total
    variance = (weights * w.square(x)).sum(places, keepdim=True) / total - w.square(mean)
    rest = list(mean.shape) if keepdims else [n for i, n in enumerate(x.shape) if i not in places]
    return mean.reshape(rest), variance.reshape(rest)


@face("x")
def sufficient_statistics(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: Optional[str] = None) -> Any:
    """How many elements there are along axes, the sums of x - shift and of its square, and the shift."""
    places = axes_in(axes, x.ndim, "sufficient_statistics")
    count = 1
    for place in places:
        count *= x.shape[place]
    moved = x if shift is None else x - like("sufficient_statistics", shift, x)
    sums = moved.sum(places, keepdim=keepdims)
    squares = w.square(moved).sum(places, keepdim=keepdims)
    return w.tensor(count).to(x.dtype), sums, squares, None if shift is None else fresh(shift, x.dtype)


@face("mean_ss", "variance_ss")
def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: Optional[str] = None) -> Any:
    """Mean and variance from the sums that `sufficient_statistics` gives."""
    count = like("normalize_moments", counts, mean_ss)
    moved = mean_ss / count
    mean = moved if shift is None else moved + like("normalize_moments", shift, mean_ss)
    return mean, variance_ss / count - w.square(moved)


@face("x")
def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: Optional[str] = None
) -> Any:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, all broadcast. Raises: InvalidArgumentError for dtypes that
    differ."""
    mean, variance = [like("batchnorm", part, mean if isinstance(mean, w.Tensor) else x) for part in (mean, variance)]
    inverse = w.rsqrt(variance + like("batchnorm", variance_epsilon, variance))
    if scale is not None:
        inverse = inverse * like("batchnorm", scale, inverse)
    shift = -mean * inverse if offset is None else like("batchnorm", offset, inverse) - mean * inverse
    return x * inverse.to(x.dtype) + shift.to(x.dtype)


@face()
def batch_norm_with_global_normalization(
    input: Any, mean: Any, variance: Any, beta: Any, gamma: Any, variance_epsilon: float,
    scale_after_normalization: bool, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """`batch_normalization` by its older signature."""
    scale = gamma if scale_after_normalization else None
    return batch_normalization(input, mean, variance, beta, scale, variance_epsilon)


@face("input")
def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5, name: Optional[str] = None
) -> Any:
    """x / (bias + alpha sum of squares of the channels within `depth_radius`)^beta, channels last.

    Source: A. Krizhevsky, I. Sutskever, G. Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012.
    Raises: InvalidArgumentError for another rank than 4.
    """
    accept("LRN", FLOATING, input)
    if input.ndim != 4:
        raise invalid(f"in must be 4-dimensional, got shape {list(input.shape)} [Op:LRN]")
    channels = w.arange(input.shape[-1])
    near = (w.abs(channels[:, None] - channels) <= depth_radius).to(input.dtype)
    total = w.matmul(w.square(input), near)
    return input / w.pow(bias + alpha * total, beta)


lrn = local_response_normalization

__all__ = [
    "batch_norm_with_global_normalization", "batch_normalization", "local_response_normalization", "lrn", "moments",
    "normalize_moments", "sufficient_statistics", "weighted_moments",
]  # fmt: skip
