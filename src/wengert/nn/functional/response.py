"""Local response normalisation: each channel divided by the energy of its neighbours."""

from __future__ import annotations

from math import prod

from wengert.errors import shape_error
from wengert.functions.reduce import widened
from wengert.graph.rule import primitives as p
from wengert.nn.functional.arguments import floating_node
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x_c / (k + alpha / size sum of x_j^2)^beta over the `size` channels j around c; there are 0 beyond the ends.

    Shape: input and y (batch, channels, ...).
    Source: Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012.

    Raises: RuntimeError for fewer than 3 dimensions, and a size below 1.
    """
    x = floating_node(input, "local_response_norm")
    if x.ndim < 3 or size < 1:
        wanted = "an input with at least 3 dimensions and a size of at least 1"
        raise shape_error("local_response_norm", wanted, (x.shape,), f"size={size}")
    wide = widened(x)
    flat = p.reshape(p.square(wide), shape=(x.shape[0], x.shape[1], prod(x.shape[2:])))
    geometry = {"window": (size, 1), "stride": (1, 1), "padding": (size // 2, 0), "dilation": (1, 1)}
    total = p.window_sum(flat, size=flat.shape[1:], **geometry)
    y = p.div(wide, p.pow(p.reshape(total, shape=x.shape) * (alpha / size) + k, beta))
    return wrap(move(y, x.dtype))
