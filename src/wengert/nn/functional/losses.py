"""Losses of input and target element by element, and those of pairs and triples of vectors.

`reduction`: "mean" over all elements, "sum" of them, or "none". `size_average` and `reduce` are PyTorch's old way of
saying the same.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, Optional, Union

from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions.operands import floating, node_of, promote
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.nn.functional.arguments import floating_node, like, reduce_loss, reduction_word, sum_all, weighted
from wengert.nn.functional.distances import distance
from wengert.primitives.casting import move
from wengert.runtime.flush import at_hand
from wengert.shapes import broadcast
from wengert.tensors.casting import in_single_precision
from wengert.tensors.tensor import Tensor, wrap


def _pair(operation: str, input: Tensor, target: Tensor) -> tuple[Node, Node]:
    """Input and target in one floating dtype; a warning when they have two shapes, which is seldom meant.

    Raises: RuntimeError when both are integers.
    """
    x, t = promote(operation, input, target)
    if not x.type.inexact:
        raise dtype_error(
            operation, "an input or a target of a floating dtype", x.dtype, "convert one, as with .float()"
        )
    if x.shape != t.shape:
        warnings.warn(
            f"Using a target size ({like(t.shape)}) that is different to the input size ({like(x.shape)}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
        )
        broadcast(operation, x.shape, t.shape)
    return x, t


# --- distance of two numbers ---------------------------------------------------------------------------------------


@in_single_precision
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    weight: Optional[Tensor] = None,
) -> Tensor:
    """(x - t)^2; with a weight, its mean is divided by the sum of the weights."""
    word = reduction_word(size_average, reduce, reduction)
    x, t = _pair("mse_loss", input, target)
    return _by_weight("mse_loss", p.square(x - t), weight, word)


@in_single_precision
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    weight: Optional[Tensor] = None,
) -> Tensor:
    """|x - t|; with a weight, its mean is divided by the sum of the weights. The derivative at x = t is 0."""
    word = reduction_word(size_average, reduce, reduction)
    x, t = _pair("l1_loss", input, target)
    return _by_weight("l1_loss", p.abs(x - t), weight, word)


def _by_weight(operation: str, z: Node, weight: Optional[Tensor], word: str) -> Tensor:
    if weight is None:
        return reduce_loss(z, word)
    w = _same_size(operation, weight, z)
    return wrap(sum_all(z * w) / sum_all(w)) if word == "mean" else reduce_loss(z * w, word)


def _same_size(operation: str, weight: Tensor, z: Node) -> Node:
    w = move(node_of(weight, operation, "weight"), z.dtype)
    if w.shape != z.shape:
        raise ValueError(
            f"{operation}: weights and input must have the same size; got {like(w.shape)} and {like(z.shape)}"
        )
    return w


@in_single_precision
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d^2 / (2 beta) where d = |x - t| < beta, else d - beta / 2; |x - t| for beta 0.

    Raises: RuntimeError for a negative beta.
    """
    word = reduction_word(size_average, reduce, reduction)
    if beta < 0:
        raise runtime_error("smooth_l1_loss", "does not support negative values for beta", beta)
    x, t = _pair("smooth_l1_loss", input, target)
    if beta == 0:
        return reduce_loss(p.abs(x - t), word)
    d = p.abs(x - t)
    return reduce_loss(p.where(d < beta, p.square(d) * (0.5 / beta), d - 0.5 * beta), word)


@in_single_precision
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Optional[Tensor] = None,
) -> Tensor:
    """d^2 / 2 where d = |x - t| <= delta, else delta (d - delta / 2); times the weight. (Unlike that of `mse_loss`, its
    mean is over the number of elements also with a weight, as in PyTorch.)

    Raises: RuntimeError unless delta is positive.
    """
    word = reduction_word(None, None, reduction)
    if delta <= 0:
        raise runtime_error("huber_loss", "does not support non-positive values for delta", delta)
    x, t = _pair("huber_loss", input, target)
    d = p.abs(x - t)
    z = p.where(d <= delta, p.square(d) * 0.5, (d - 0.5 * delta) * delta)
    return reduce_loss(z if weight is None else z * _same_size("huber_loss", weight, z), word)


# --- probabilities -------------------------------------------------------------------------------------------------


@in_single_precision
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """-(t log x + (1 - t) log(1 - x)), with each logarithm held at -100 or above.

    Raises: ValueError when the sizes differ; RuntimeError for targets that are integers or bools, and for an input known to
    lie outside [0, 1].
    """
    word = reduction_word(size_average, reduce, reduction)
    name = "binary_cross_entropy"
    x, t = promote(name, floating_node(input, name), floating_node(target, name, "target"))
    if x.shape != t.shape:
        raise ValueError(
            f"{name}: a target size ({like(t.shape)}) that is different to the input size "
            f"({like(x.shape)}). Please ensure they have the same size."
        )
    known = at_hand(x)
    if known is not None and x.size and not (known.min() >= 0 and known.max() <= 1):
        raise runtime_error(name, "all elements of input should be between 0 and 1")
    return reduce_loss(weighted(name, p.binary_cross_entropy(x, t), weight), word)


@in_single_precision
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    pos_weight: Optional[Tensor] = None,
) -> Tensor:
    """-(pos_weight t log s(x) + (1 - t) log(1 - s(x))), s the sigmoid; stable for every x.

    Raises: ValueError when the sizes differ; RuntimeError for targets that are integers or bools.
    """
    word = reduction_word(size_average, reduce, reduction)
    name = "binary_cross_entropy_with_logits"
    x, t = promote(name, floating_node(input, name), floating_node(target, name, "target"))
    if x.shape != t.shape:
        raise ValueError(f"{name}: target size ({like(t.shape)}) must be the same as input size ({like(x.shape)})")
    if pos_weight is None:
        z = p.binary_cross_entropy_with_logits(x, t)
    else:
        positive = move(node_of(pos_weight, name, "pos_weight"), x.dtype)
        z = (1 - t) * x - ((positive - 1) * t + 1) * p.log_sigmoid(x)
    return reduce_loss(weighted(name, z, weight), word)


@in_single_precision
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t (log t - x), where x is a log-probability; exp(t) (t - x) with `log_target`.

    reduction: also "batchmean", the sum over the size of dimension 0, which is the divergence by its definition.
    """
    word = reduction_word(size_average, reduce, reduction, ("batchmean",))
    if word == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition."
        )
    x, t = promote("kl_div", input, target)
    z = p.exp(t) * (t - x) if log_target else p.xlogy(t, t) - t * x
    if word != "batchmean":
        return reduce_loss(z, word)
    return wrap(sum_all(z) / (x.shape[0] if x.ndim else 1))


# --- likelihoods ---------------------------------------------------------------------------------------------------


@in_single_precision
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Optional[bool] = None,
    eps: float = 1e-8,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(x) - t x, where x is the logarithm of the rate; x - t log(x + eps) without `log_input`.

    full: add Stirling's t log t - t + log(2 pi t) / 2 where t > 1.
    """
    word = reduction_word(size_average, reduce, reduction)
    x, t = [floating(node) for node in promote("poisson_nll_loss", input, target)]
    z = p.exp(x) - t * x if log_input else x - t * p.log(x + eps)
    if full:
        large = t > 1
        u = p.where(large, t, 1)
        z = z + p.where(large, u * p.log(u) - u + p.log(u * (2 * math.pi)) * 0.5, 0)
    return reduce_loss(z, word)


@in_single_precision
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Union[Tensor, float],
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log max(var, eps) + (x - t)^2 / max(var, eps)) / 2; the derivative by var takes no notice of the max.

    full: add log(2 pi) / 2.

    Shape: var that of the input, the same without its last dimension or with size 1 there, or a number.

    Raises: ValueError for a var of another shape, or one known to be negative.
    """
    word = reduction_word(None, None, reduction)
    x, t = promote("gaussian_nll_loss", input, target)
    v = _variance(var, x)
    held = v + p.stop_gradient(p.clamp_min(v, eps) - v)
    z = (p.log(held) + p.square(x - t) / held) * 0.5
    return reduce_loss(z + 0.5 * math.log(2 * math.pi) if full else z, word)


def _variance(var: Any, x: Node) -> Node:
    if not isinstance(var, Tensor):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        v: Node = p.full(scalar(var, x.dtype), shape=x.shape)
        return v
    v = move(var._read(), x.dtype)
    known = at_hand(v)
    if known is not None and v.size and known.min() < 0:
        raise ValueError("var has negative entry/entries")
    if v.shape == x.shape[:-1] and x.ndim:
        v = p.reshape(v, shape=(*v.shape, 1))
    elif v.shape != x.shape and not (v.ndim == x.ndim and v.shape[:-1] == x.shape[:-1] and v.shape[-1] == 1):
        raise ValueError(f"gaussian_nll_loss: var is of incorrect size {like(v.shape)} for an input {like(x.shape)}")
    return v


# --- margins between two or three ----------------------------------------------------------------------------------


@in_single_precision
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-t x)) for targets 1 and -1."""
    word = reduction_word(size_average, reduce, reduction)
    x, t = promote("soft_margin_loss", input, target)
    return reduce_loss(-p.log_sigmoid(t * x), word)


@in_single_precision
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """x for the target 1, max(0, margin - x) for the target -1."""
    word = reduction_word(size_average, reduce, reduction)
    x, t = floating_node(input, "hinge_embedding_loss"), node_of(target, "hinge_embedding_loss", "target")
    positive, negative = p.ne(t, -1), p.ne(t, 1)
    z = p.where(negative, p.clamp_min(margin - x, 0), 0) + p.where(positive, x, 0)
    return reduce_loss(z, word)


@in_single_precision
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - t (x1 - x2)): the target 1 wants x1 the greater, -1 wants x2.

    Raises: RuntimeError when the ranks differ.
    """
    word = reduction_word(size_average, reduce, reduction)
    a, b, t = promote("margin_ranking_loss", input1, input2, target)
    if not a.ndim == b.ndim == t.ndim:
        raise shape_error(
            "margin_ranking_loss", "all input tensors should have same dimension", (a.shape, b.shape, t.shape)
        )
    return reduce_loss(p.clamp_min(floating(-t * (a - b)) + margin, 0), word)


@in_single_precision
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(x1, x2) for the target 1, max(0, cos(x1, x2) - margin) for the target -1.

    Shape: inputs (batch, n) and target (batch,), or (n,) and ().

    Raises: RuntimeError for other ranks.
    """
    word = reduction_word(size_average, reduce, reduction)
    a, b = promote("cosine_embedding_loss", input1, input2)
    t = node_of(target, "cosine_embedding_loss", "target")
    if t.ndim not in (0, 1) or a.ndim != t.ndim + 1 or b.ndim != t.ndim + 1:
        raise shape_error(
            "cosine_embedding_loss",
            "inputs (batch, n) and target (batch,), or (n,) and ()",
            (a.shape, b.shape, t.shape),
        )
    axes = (t.ndim,)
    tiny = 1e-12  # as PyTorch adds it to both squares, so that a null vector has a cosine
    sizes = [p.reduce_sum(p.square(x), axes=axes) + tiny for x in (a, b)]
    cosine = p.reduce_sum(a * b, axes=axes) / p.sqrt(sizes[0] * sizes[1])
    z = p.where(p.eq(t, 1), 1 - cosine, 0) + p.where(p.eq(t, -1), p.clamp_min(cosine - margin, 0), 0)
    return reduce_loss(z, word)


@in_single_precision
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(a, p) - d(a, n) + margin) with d the p-norm of the difference.

    swap: take d(p, n) instead of d(a, n) where it is less.

    Raises: ValueError unless the margin is positive; RuntimeError when the ranks differ.
    """
    word = reduction_word(size_average, reduce, reduction)
    nodes = promote("triplet_margin_loss", anchor, positive, negative)
    if len({x.ndim for x in nodes}) != 1:
        raise shape_error(
            "triplet_margin_loss",
            "anchor, positive and negative of one number of dimensions",
            tuple(x.shape for x in nodes),
        )
    return _triplet(nodes, lambda a, b: distance(a, b, p, eps), margin, swap, word)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Optional[Callable[[Tensor, Tensor], Tensor]] = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of your own (the Euclidean one by default)."""
    word = reduction_word(None, None, reduction)
    nodes = promote("triplet_margin_with_distance_loss", anchor, positive, negative)
    function = distance_function
    if function is None:
        return _triplet(nodes, distance, margin, swap, word)
    return _triplet(nodes, lambda a, b: function(wrap(a), wrap(b))._read(), margin, swap, word)


def _triplet(nodes: list[Node], between: Callable[[Node, Node], Node], margin: float, swap: bool, word: str) -> Tensor:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    anchor, positive, negative = nodes
    near, far = between(anchor, positive), between(anchor, negative)
    if swap:
        far = p.minimum(far, between(positive, negative))
    return reduce_loss(p.clamp_min(near - far + margin, 0), word)
