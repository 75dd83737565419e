"""Activations, softmax, dropout: `tf.nn`."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, REAL, accept, axis_in, ints, like, unary
from wengert.tf.ops.core import F, fresh, w
from wengert.tf.ops.randomness import generator_of

relu = unary(w.relu, "Relu", REAL, "max(x, 0)", "features")
relu6 = unary(lambda x: x.clamp(0, 6), "Relu6", REAL, "min(max(x, 0), 6)", "features")
elu = unary(F.elu, "Elu", FLOATING, "x, and e^x - 1 left of 0.", "features")
selu = unary(F.selu, "Selu", FLOATING, "A scaled elu that keeps mean 0 and variance 1.", "features")
softplus = unary(lambda x: F.softplus(x, threshold=w.inf), "Softplus", FLOATING, "ln(1 + e^x), without overflow.", "features")
softsign = unary(F.softsign, "Softsign", FLOATING, "x / (1 + |x|)", "features")


@face("features")
def leaky_relu(features: Any, alpha: Any = 0.2, name: Optional[str] = None) -> Any:
    """x, and alpha x left of 0. Integers become float32."""
    x = features if features.dtype.is_floating_point else features.to(w.float32)
    return w.where(x > 0, x, x * fresh(alpha).to(x.dtype))


@face("features")
def gelu(features: Any, approximate: bool = False, name: Optional[str] = None) -> Any:
    """x Phi(x), Phi being the normal distribution function, or its approximation by tanh.

    Raises: ValueError for integers.
    """
    if not features.dtype.is_floating_point:
        raise ValueError(f"`features.dtype` must be a floating point tensor. Received: features.dtype={features.dtype.name}")
    return F.gelu(features, approximate="tanh" if approximate else "none")


@face("features")
def silu(features: Any, beta: Any = 1.0) -> Any:
    """x sigmoid(beta x)"""
    accept("Sigmoid", FLOATING, features)
    return features * w.sigmoid(like("Mul", beta, features) * features)


swish = silu


@face("features")
def crelu(features: Any, axis: Any = -1, name: Optional[str] = None) -> Any:
    """max(x, 0) and max(-x, 0) one after the other along an axis."""
    accept("Relu", REAL, features)
    return w.relu(w.cat([features, -features], axis_in(axis, features.ndim, "crelu")))


def _along(function: Any, operation: str, doc: str) -> Any:
    @face("logits")
    def along(logits: Any, axis: Any = None, name: Optional[str] = None) -> Any:
        accept(operation, FLOATING, logits)
        if not logits.ndim:
            raise invalid(f"logits must have >= 1 dimension, got a scalar [Op:{operation}]")
        return function(logits, axis_in(-1 if axis is None else axis, logits.ndim, operation))

    along.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for integers, scalars and an axis that is not there."
    along.__name__ = along.__qualname__ = operation
    return along


softmax = _along(w.softmax, "Softmax", "e^x / sum e^x along an axis.")
log_softmax = _along(w.log_softmax, "LogSoftmax", "x - ln sum e^x along an axis.")


@face("x")
def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: Optional[str] = None) -> Any:
    """Elements set to 0 with probability `rate`, the others divided by 1 - rate.

    noise_shape: sizes of 1 in it drop or keep whole slices

    Raises: ValueError for integers and a rate outside [0, 1).
    """
    if not x.dtype.is_floating_point:
        raise ValueError(f"`x.dtype` must be a floating point tensor as `x` will be scaled. Received x.dtype={x.dtype.name}")
    number = float(rate.item() if isinstance(rate, w.Tensor) else rate)
    if not 0 <= number < 1:
        raise ValueError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={number}")
    if number == 0:
        return x
    sizes = tuple(x.shape)
    if noise_shape is not None:
        sizes = tuple([n if k is None else int(k) for n, k in zip(x.shape, noise_shape)])
    draws = w.rand(sizes, generator=generator_of(seed), dtype=w.float32)
    return w.where(draws >= number, x / (1 - number), w.zeros_like(x))


@face("value", "bias")
def bias_add(value: Any, bias: Any, data_format: Any = None, name: Optional[str] = None) -> Any:
    """A vector added along the channels. Raises: InvalidArgumentError for shapes or dtypes that do not fit; ValueError for
    another layout."""
    if data_format is not None and not (data_format.startswith("N") and "C" in data_format):
        raise ValueError(f"`data_format` must be of the form `N...C` or `NC...`. Received: data_format={data_format}")
    bias = like("BiasAdd", bias, value)
    axis = 1 if data_format is not None and data_format.startswith("NC") else value.ndim - 1
    if value.ndim < 2:
        raise invalid(f"Input tensor must be at least 2D: {list(value.shape)} [Op:BiasAdd]")
    if bias.ndim != 1 or bias.shape[0] != value.shape[axis]:
        raise invalid(
            f"Must provide as many biases as the channel dimension of the input tensor: {list(bias.shape)} vs. "
            f"{value.shape[axis]} in {list(value.shape)} [Op:BiasAdd]"
        )
    return value + bias.reshape([-1 if i == axis else 1 for i in range(value.ndim)])


@face("t")
def l2_loss(t: Any, name: Optional[str] = None) -> Any:
    """Half the sum of squares."""
    accept("L2Loss", FLOATING, t)
    return (t * t).sum() / 2


@face()
def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: Optional[str] = None) -> Any:
    """Rows of a table, made shorter to `max_norm` where they are longer.

    Raises: InvalidArgumentError for ids that are no integers or not there.
    """
    if isinstance(params, (list, tuple)):
        if len(params) != 1:
            raise NotImplementedError("embedding_lookup: a table in several parts is not there; join them with tf.concat")
        params = params[0]
    params, ids = fresh(params), fresh(ids)
    accept("ResourceGather", frozenset([w.int32, w.int64]), ids)
    rows = w.index_select(params, 0, ids.reshape(-1).to(w.int64)).reshape(*ids.shape, *params.shape[1:])
    if max_norm is None:
        return rows
    length = w.linalg.vector_norm(rows, 2, tuple(range(ids.ndim, rows.ndim)), keepdim=True)
    limit = like("clip_by_norm", max_norm, rows)
    return rows * limit / w.maximum(length, limit)


def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Any:
    """The sum of (weighted) losses over the batch's size."""
    return _average(per_example_loss, sample_weight, global_batch_size)


@face("losses")
def _average(losses: Any, weights: Any, size: Any) -> Any:
    if not losses.ndim:
        raise ValueError("compute_average_loss: per_example_loss must have at least one dimension")
    total = losses if weights is None else losses * like("Mul", weights, losses)
    return total.sum() / (losses.shape[0] if size is None else ints(size)[0])


@face("regularization_loss")
def scale_regularization_loss(regularization_loss: Any) -> Any:
    """The sum of regularisation losses: there is one replica, over which it is divided."""
    return regularization_loss.sum()


__all__ = [
    "bias_add", "compute_average_loss", "crelu", "dropout", "elu", "embedding_lookup", "gelu", "l2_loss", "leaky_relu",
    "log_softmax", "relu", "relu6", "scale_regularization_loss", "selu", "silu", "softmax", "softplus", "softsign", "swish",
]  # fmt: skip
