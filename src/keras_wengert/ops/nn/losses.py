"""Losses and statistics that layers and metrics are built of."""

from __future__ import annotations

from typing import Any

from keras.src.backend.config import epsilon

import wengert as w
from keras_wengert.ops.common import as_float, axes_of, cast, convert_to_tensor, dtypes, standardize_dtype
from keras_wengert.ops.nn.logits import logits_behind
from wengert.nn import functional as F


def _check(name: str, target: Any, output: Any) -> None:
    """Raises: ValueError where target and output have not one shape."""
    if len(target.shape) != len(output.shape) or any(a != b for a, b in zip(target.shape, output.shape)):
        raise ValueError(
            f"Arguments `target` and `output` must have the same shape. Received: target.shape={tuple(target.shape)}, "
            f"output.shape={tuple(output.shape)}"
        )


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-sum of target log(softmax(output)), or of probabilities brought to sum 1.

    Raises: ValueError for shapes that differ, or scalars.
    """
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    _check("categorical_crossentropy", target, output)
    if target.ndim < 1:
        raise ValueError(
            f"Arguments `target` and `output` must be at least rank 1. Received: target.shape={tuple(target.shape)}"
        )
    output, from_logits = logits_behind(output, from_logits, "softmax", "categorical_crossentropy")
    if from_logits:
        logs = w.log_softmax(output, axis)
    else:
        logs = w.log((output / output.sum(axis, keepdim=True)).clamp(epsilon(), 1 - epsilon()))
    return -(target * logs).sum(axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-log of the target class's probability.

    Raises: ValueError for shapes that do not fit; IndexError, when the value is asked for, for a target that is no class.
    """
    target, output = cast(target, "int64"), convert_to_tensor(output)
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target[..., 0]
    if output.ndim < 1:
        raise ValueError(f"Argument `output` must be at least rank 1. Received: output.shape={tuple(output.shape)}")
    without = [n for i, n in enumerate(output.shape) if i != axis % output.ndim]
    if list(target.shape) != without:
        raise ValueError(
            "Arguments `target` and `output` must have the same shape up until the last dimension: "
            f"target.shape={tuple(target.shape)}, output.shape={tuple(output.shape)}"
        )
    output, from_logits = logits_behind(output, from_logits, "softmax", "sparse_categorical_crossentropy")
    if from_logits:
        logs = w.log_softmax(output, axis)
    else:
        logs = w.log((output / output.sum(axis, keepdim=True)).clamp(epsilon(), 1 - epsilon()))
    return -w.gather(logs, axis, target.unsqueeze(axis)).squeeze(axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """-target log(p) - (1 - target) log(1 - p), p a probability or the sigmoid of a logit.

    Raises: ValueError for shapes that differ.
    """
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    _check("binary_crossentropy", target, output)
    target = cast(target, standardize_dtype(output.dtype))
    output, from_logits = logits_behind(output, from_logits, "sigmoid", "binary_crossentropy")
    if from_logits:
        return F.binary_cross_entropy_with_logits(output, target, reduction="none")
    p = output.clamp(epsilon(), 1 - epsilon())
    return -(target * w.log(p) + (1 - target) * w.log1p(-p))


def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Mean and variance over axes, of float16 computed in float32.

    Raises: NotImplementedError for synchronized=True.
    """
    if synchronized:
        raise NotImplementedError("Argument synchronized=True is not supported with the wengert backend")
    x = convert_to_tensor(x)
    given = standardize_dtype(x.dtype)
    wide = cast(x, "float32") if given == "float16" else x
    axes = axes_of(axes, x.ndim)
    mean = w.mean(wide, axes, keepdim=True)
    variance = w.mean(w.square(wide - mean), axes, keepdim=True)
    if not keepdims:
        rest = [n for i, n in enumerate(x.shape) if i not in axes]
        mean, variance = mean.reshape(rest), variance.reshape(rest)
    if given == "float16":
        limit = w.finfo(w.float16)
        mean, variance = [cast(part.clamp(limit.min, limit.max), given) for part in (mean, variance)]
    return mean, variance


def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset along an axis.

    Raises: ValueError for statistics of another length.
    """
    x, mean, variance = convert_to_tensor(x), convert_to_tensor(mean), convert_to_tensor(variance)
    shape = [1] * x.ndim
    shape[axis] = mean.shape[0]
    for name, part in (("mean", mean), ("variance", variance), ("offset", offset), ("scale", scale)):
        if part is not None and tuple(part.shape) != (x.shape[axis],):
            raise ValueError(f"batch_normalization: {name} of shape ({x.shape[axis]},), got {tuple(part.shape)}")
    inverse = w.rsqrt(variance + epsilon)
    if scale is not None:
        inverse = inverse * convert_to_tensor(scale)
    shift = -mean * inverse
    if offset is not None:
        shift = shift + convert_to_tensor(offset)
    return x * inverse.reshape(shape).to(x.dtype) + shift.reshape(shape).to(x.dtype)


def psnr(x1: Any, x2: Any, max_val: Any) -> Any:
    """The peak signal-to-noise ratio in decibels. Raises: ValueError for shapes that differ."""
    x1, x2 = as_float(x1), as_float(x2)
    if tuple(x1.shape) != tuple(x2.shape):
        raise ValueError(f"Input shapes {tuple(x1.shape)} and {tuple(x2.shape)} must match for PSNR calculation. ")
    error = w.mean(w.square(x1 - x2))
    return 20 * w.log10(convert_to_tensor(max_val, standardize_dtype(x1.dtype))) - 10 * w.log10(error)


def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Any:
    """Connectionist temporal classification; output (batch, time, classes) are logits.

    Raises: ValueError for shapes or dtypes that do not fit.
    """
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    wide = cast(output, dtypes.result_type(standardize_dtype(output.dtype), "float32"))
    logs = w.log_softmax(wide, -1).permute(1, 0, 2)  # (time, batch, classes)
    return F.ctc_loss(
        logs, cast(target, "int64"), cast(output_length, "int64"), cast(target_length, "int64"), blank=mask_index,
        reduction="none",
    )  # fmt: skip
