"""Dropout: in training, elements (or whole channels) are set to 0 at random and the others scaled up, so that the
expectation stays what it was.

Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout, 2014; for the alpha kinds, which keep mean
and variance under selu, Klambauer, Unterthiner, Mayr and Hochreiter, Self-Normalizing Neural Networks, 2017.
"""

from __future__ import annotations

import warnings

from wengert.dtypes import float32
from wengert.errors import runtime_error
from wengert.functions.operands import node_of
from wengert.functions.random import uniform_node
from wengert.graph.node import Node
from wengert.graph.rule import primitives
from wengert.nn.functional.arguments import finish, floating_node
from wengert.shapes import Shape
from wengert.tensors.tensor import Tensor

# What selu tends to for x -> -inf: -scale * alpha.
_SELU_FLOOR = -1.7580993408473766


def check_probability(p: float) -> None:
    """Raises: ValueError unless p lies in [0, 1]."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _kept(p: float, shape: Shape) -> Node:
    """True with probability 1 - p."""
    return uniform_node("dropout", shape, float32, None) >= p


def _dropped(x: Node, p: float, shape: Shape) -> Node:
    """x / (1 - p) where kept, else 0; `shape` is that of the draw, and broadcasts to x."""
    scale = 1.0 / (1.0 - p) if p < 1 else 0.0
    return primitives.where(_kept(p, shape), x * scale, 0)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each element is 0 with probability p, else x / (1 - p); otherwise the input itself.

    Raises: ValueError unless p lies in [0, 1].
    """
    check_probability(p)
    if not training or p == 0:
        node_of(input, "dropout")
        return input
    x = floating_node(input, "dropout")
    return finish(input, _dropped(x, p, x.shape), "dropout", inplace)


def _feature_dropout(input: Tensor, p: float, training: bool, inplace: bool, name: str, batched: bool) -> Tensor:
    """Dropout of whole channels: those of dimension 1, or of dimension 0 where there is no batch."""
    check_probability(p)
    rank = node_of(input, name).ndim
    if not training or p == 0:
        return input
    x = floating_node(input, name)
    if rank < 2 and batched:
        raise runtime_error(name, "feature dropout requires at least 2 dimensions in the input", rank)
    leading = 2 if batched else 1
    shape = x.shape[:leading] + (1,) * (x.ndim - leading)
    return finish(input, _dropped(x, p, shape), name, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each channel is 0 with probability p, else x / (1 - p).

    Shape: input (batch, channels, length) or (channels, length).

    Raises: ValueError unless p lies in [0, 1]; RuntimeError for another rank.
    """
    check_probability(p)
    rank = node_of(input, "dropout1d").ndim
    if rank not in (2, 3):
        raise runtime_error("dropout1d", "expected 2D or 3D input", f"{rank}D")
    return _feature_dropout(input, p, training, inplace, "dropout1d", batched=rank == 3)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each channel is 0 with probability p, else x / (1 - p).

    Shape: input (batch, channels, height, width); as in PyTorch, (batch, channels, length) is taken with a warning.

    Raises: ValueError unless p lies in [0, 1].
    """
    rank = node_of(input, "dropout2d").ndim
    if rank not in (3, 4):
        warnings.warn(
            f"dropout2d: received a {rank}-D input, which is deprecated. Use dropout for what it does, or a 4-D input "
            "(batch, channels, height, width)."
        )
    if rank == 3:
        warnings.warn(
            "dropout2d: a 3-D input is taken as (batch, channels, length), as in PyTorch. Use dropout1d to say so."
        )
    return _feature_dropout(input, p, training, inplace, "dropout2d", batched=True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each channel is 0 with probability p, else x / (1 - p).

    Shape: input (batch, channels, depth, height, width) or (channels, depth, height, width).

    Raises: ValueError unless p lies in [0, 1].
    """
    rank = node_of(input, "dropout3d").ndim
    if rank not in (4, 5):
        warnings.warn(
            f"dropout3d: received a {rank}-D input, which is deprecated. Use dropout for what it does, or a 5-D input "
            "(batch, channels, depth, height, width)."
        )
    return _feature_dropout(input, p, training, inplace, "dropout3d", batched=rank != 4)


def _alpha(x: Node, p: float, shape: Shape) -> Node:
    """Dropped elements become selu's floor; then a scale and a shift give back mean 0 and variance 1."""
    if p == 1:
        return x * 0
    scale = ((1 - p) * (1 + p * _SELU_FLOOR**2)) ** -0.5
    shift = -scale * p * _SELU_FLOOR
    return primitives.where(_kept(p, shape), x, _SELU_FLOOR) * scale + shift


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """In training each element is set to selu's lower limit with probability p; then all are scaled and shifted so that
    mean 0 and variance 1 stay.

    Raises: ValueError unless p lies in [0, 1].
    """
    check_probability(p)
    if not training or p == 0:
        node_of(input, "alpha_dropout")
        return input
    x = floating_node(input, "alpha_dropout")
    return finish(input, _alpha(x, p, x.shape), "alpha_dropout", inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels.

    Shape: input (batch, channels, ...).

    Raises: ValueError unless p lies in [0, 1]; RuntimeError for fewer than 2 dimensions.
    """
    check_probability(p)
    node_of(input, "feature_alpha_dropout")
    if not training or p == 0:
        return input
    x = floating_node(input, "feature_alpha_dropout")
    if x.ndim < 2:
        wanted = "feature dropout requires at least 2 dimensions in the input"
        raise runtime_error("feature_alpha_dropout", wanted, x.ndim)
    return finish(input, _alpha(x, p, x.shape[:2] + (1,) * (x.ndim - 2)), "feature_alpha_dropout", inplace)
