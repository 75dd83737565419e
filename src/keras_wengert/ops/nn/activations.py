"""Activations, element by element or along an axis."""

from __future__ import annotations

from typing import Any

import wengert as w
from keras_wengert.ops.common import as_float, cast, convert_to_tensor, unary_float
from wengert.nn import functional as F

elu_of, celu_of = F.elu, F.celu

relu = lambda x: F.relu(convert_to_tensor(x))
relu6 = lambda x: F.relu6(convert_to_tensor(x))
sigmoid = unary_float(w.sigmoid)
tanh = unary_float(w.tanh)
tanh_shrink = unary_float(lambda x: x - w.tanh(x))
softplus = unary_float(F.softplus)
softsign = unary_float(F.softsign)
silu = unary_float(F.silu)
log_sigmoid = unary_float(F.logsigmoid)
hard_sigmoid = unary_float(F.hardsigmoid)
hard_silu = unary_float(F.hardswish)
hard_tanh = unary_float(F.hardtanh)
selu = unary_float(F.selu)


def sparse_plus(x: Any) -> Any:
    """0 below -1, (x + 1)^2 / 4 up to 1, x above."""
    x = as_float(x)
    return w.where(x <= -1, w.zeros_like(x), w.where(x < 1, (x + 1) ** 2 / 4, x))


def sparse_sigmoid(x: Any) -> Any:
    """0 below -1, (x + 1) / 2 up to 1, 1 above: the derivative of `sparse_plus`."""
    x = as_float(x)
    return w.where(x <= -1, w.zeros_like(x), w.where(x >= 1, w.ones_like(x), (x + 1) / 2))


def squareplus(x: Any, b: int = 4) -> Any:
    """(x + sqrt(x^2 + b)) / 2"""
    x = as_float(x)
    return (x + w.sqrt(x * x + b)) / 2


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards 0 by the threshold."""
    return F.softshrink(as_float(x), threshold)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x where it is further from 0 than the threshold, else 0."""
    return F.hardshrink(as_float(x), threshold)


def threshold(x: Any, threshold: Any, default_value: Any) -> Any:
    """x where it is above the threshold, else the default."""
    return F.threshold(as_float(x), threshold, default_value)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x, times the slope where negative."""
    return F.leaky_relu(as_float(x), negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, else alpha (exp(x) - 1)."""
    return elu_of(as_float(x), alpha)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, else alpha (exp(x / alpha) - 1)."""
    return celu_of(as_float(x), alpha)


def gelu(x: Any, approximate: bool = True) -> Any:
    """x times the normal distribution function of x."""
    return F.gelu(as_float(x), approximate="tanh" if approximate else "none")


def glu(x: Any, axis: int = -1) -> Any:
    """The first half times the sigmoid of the second."""
    return F.glu(as_float(x), axis)


def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) over its sum along an axis, or over all elements for None."""
    return _along(w.softmax, as_float(x), axis)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """The logarithm of `softmax`."""
    return _along(w.log_softmax, as_float(x), axis)


def _along(function: Any, x: Any, axis: Any) -> Any:
    """Along an axis, along several as if they were one, or along all."""
    if isinstance(axis, int):
        return function(x, axis)
    axes = list(range(x.ndim)) if axis is None else [a % x.ndim for a in axis]
    rest = [i for i in range(x.ndim) if i not in axes]
    order = rest + axes
    turned = x.permute(*order)
    y = function(turned.reshape([x.shape[i] for i in rest] + [-1]), -1).reshape(turned.shape)
    return y.permute(*[order.index(i) for i in range(x.ndim)])


def sparsemax(x: Any, axis: int = -1) -> Any:
    """The Euclidean projection onto the simplex. Source: A. Martins, R. Astudillo, From softmax to sparsemax (2016)."""
    x = as_float(x)
    ranked = w.sort(x, dim=axis, descending=True)[0]
    shape = [1] * x.ndim
    shape[axis] = -1
    k = w.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape(shape)
    sums = w.cumsum(ranked, axis)
    inside = 1 + k * ranked > sums
    size = inside.sum(axis, keepdim=True)
    tau = (w.gather(sums, axis, size - 1) - 1) / size.to(x.dtype)
    return F.relu(x - tau)


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """1 at each class, 0 elsewhere; all 0 for a class out of range. Raises: ValueError for sparse=True."""
    if sparse:
        raise ValueError("Unsupported value `sparse=True` with wengert backend")
    x = cast(x, "int64")
    hot = x[..., None] == w.arange(num_classes)
    y = cast(hot, dtype or "float32")
    return w.movedim(y, -1, axis) if axis not in (-1, y.ndim - 1) else y


def multi_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """1 at every class that occurs along an axis. Raises: ValueError for sparse=True."""
    if sparse:
        raise ValueError("Unsupported value `sparse=True` with wengert backend")
    x = convert_to_tensor(x)
    hot = one_hot(cast(x, "int32"), num_classes, axis=axis, dtype=dtype or "float32")
    along = 1 if x.ndim > 1 else 0
    return w.amax(hot, along)


__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "log_sigmoid",
    "log_softmax", "multi_hot", "one_hot", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus",
    "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink",
    "threshold",
]  # fmt: skip
