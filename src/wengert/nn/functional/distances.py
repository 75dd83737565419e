"""Norms and the distances made of them. Where a norm is 0 its derivative is 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

from wengert.errors import runtime_error
from wengert.functions.axes import axes_of, axis_of, kept
from wengert.functions.norms import pdist, vector_norm_node
from wengert.functions.operands import deliver, floating, promote
from wengert.functions.reduce import widened
from wengert.graph.node import Node
from wengert.graph.rule import broadcast_to, primitives
from wengert.nn.functional.arguments import floating_node
from wengert.primitives.casting import move
from wengert.shapes import Shape, broadcast
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["cosine_similarity", "normalize", "pairwise_distance", "pdist"]


def normalize(
    input: Tensor,
    p: float = 2.0,
    dim: Union[int, Sequence[int]] = 1,
    eps: float = 1e-12,
    out: Optional[Tensor] = None,
) -> Tensor:
    """x / max(|x|_p, eps) along `dim`.

    Raises: RuntimeError for integers; IndexError for a dimension that is not there.
    """
    x = floating_node(input, "normalize")
    return deliver(_unit(x, float(p), axes_of(dim, x.ndim, "normalize"), eps), out)


def _unit(x: Node, order: float, axes: Shape, eps: float) -> Node:
    """x over its norm, which counts as `eps` at least."""
    wide = widened(x)
    length = primitives.clamp_min(kept(vector_norm_node(wide, order, axes), x.shape, axes), eps)
    return move(wide / move(length, wide.dtype), x.dtype)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`. The shapes broadcast.

    Raises: RuntimeError for integers or shapes that do not broadcast; IndexError for a dimension that is not there.
    """
    a, b = promote("cosine_similarity", x1, x2)
    if not a.type.inexact:
        raise runtime_error("cosine_similarity", "expected common dtype to be floating point", a.dtype)
    shape = broadcast("cosine_similarity", a.shape, b.shape)
    axis = axis_of(dim, len(shape), "cosine_similarity")
    axes = (axis,) if shape else ()
    a, b = (_unit(broadcast_to(t, shape), 2.0, axes, eps) for t in (a, b))
    return deliver(primitives.reduce_sum(a * b, axes=axes))


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """|x1 - x2 + eps|_p along the last dimension.

    Shape: x1 and x2 (*, n), which broadcast; the result (*), or (*, 1) with `keepdim`.
    """
    a, b = promote("pairwise_distance", x1, x2)
    return wrap(distance(a, b, p, eps, keepdim))


def distance(a: Node, b: Node, order: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Node:
    """|a - b + eps| along the last axis."""
    difference = widened(floating(a - b) + eps)
    axes = (difference.ndim - 1,) if difference.ndim else ()
    norm = move(vector_norm_node(difference, float(order), axes), floating(a).dtype.to_real)
    return kept(norm, difference.shape, axes) if keepdim else norm
