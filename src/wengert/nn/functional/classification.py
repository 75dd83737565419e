"""Losses whose target names classes, and their kin with margins.

Hot path: `cross_entropy` with class indices and no weight is one stable composite and a mean; targets whose values are
known are checked here, with one look at their greatest, so that an error names the user's line.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions.axes import at_least_1d, kept
from wengert.functions.operands import node_of
from wengert.functions.reduce import mean_node, widened
from wengert.graph.node import Node
from wengert.graph.record import record, recorder, scalar
from wengert.graph.rule import primitives as p
from wengert.nn.functional.arguments import floating_node, like, reduce_loss, reduction_word, sum_all, weighted
from wengert.primitives.arithmetic import div
from wengert.primitives.casting import move
from wengert.primitives.reductions import reduce_mean, reduce_sum
from wengert.primitives.stable import cross_entropy as cross_entropy_of
from wengert.runtime.flush import at_hand
from wengert.tensors.casting import in_single_precision
from wengert.tensors.tensor import Tensor, wrap

_UNSIGNED = np.dtype(np.uint64)
_ALL_AXES = [tuple(range(n)) for n in range(65)]  # NumPy has at most 64


@in_single_precision
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    ignore_index: int = -100,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target] for class numbers; -sum_c target_c log softmax(input)_c for class probabilities.

    weight: a factor for each class; with class numbers, the mean is divided by the sum of the factors used.
    ignore_index: a class number whose elements count neither above nor below.
    label_smoothing: how much of the target is spread evenly over the classes, in [0, 1].

    Shape: input (batch, classes, ...) or (classes,); target of class numbers (batch, ...) or (), int64 or uint8;
    target of probabilities the shape of the input.

    Raises: IndexError for a class that is not there; ValueError when batch sizes differ; RuntimeError when shapes or
    dtypes do not fit.
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_word(size_average, reduce, reduction)
    x, t = floating_node(input, "cross_entropy"), node_of(target, "cross_entropy", "target")
    plain = weight is None and not label_smoothing and reduction == "mean" and _are_plain(x.type, t.type)
    if plain and _check_classes(t, x.type.shape[1], ignore_index):
        return wrap(record(reduce_mean, (record(cross_entropy_of, (x, t), (ignore_index,)),), _FIRST_AXIS))
    if not 0.0 <= label_smoothing <= 1.0:
        raise runtime_error("cross_entropy", "label_smoothing must be between 0.0 and 1.0", label_smoothing)
    if t.type.inexact or (t.shape == x.shape and x.ndim > 1):
        return _of_probabilities(x, t, weight, ignore_index, reduction, label_smoothing)
    x, t, unbatched, all_count = _batched("cross_entropy", x, t, ignore_index)
    wide = widened(x)
    if weight is None and not label_smoothing:
        z = record(cross_entropy_of, (wide, t), (ignore_index,))
        return _reduced(z, None if all_count else _count(t, ignore_index, wide), reduction, x, unbatched)
    factor = _class_weight("cross_entropy", weight, t, x.shape[1], ignore_index, wide)
    log_p = p.log_softmax(wide, axis=1)
    z = _picked(log_p, t, ignore_index) * factor
    if label_smoothing:
        z = z * (1 - label_smoothing) + _spread(log_p, t, weight, ignore_index) * (label_smoothing / x.shape[1])
    return _reduced(z, sum_all(factor), reduction, x, unbatched)


_FIRST_AXIS = ((0,),)


def _are_plain(x: Any, t: Any) -> bool:
    """Whether these are the types of a batch of scores and of a class number for each."""
    if x.ndim != 2 or t.ndim != 1 or x.shape[0] != t.shape[0] or t.dtype is not dtypes.int64:
        return False
    return x.dtype is dtypes.float32 or x.dtype is dtypes.float64


@in_single_precision
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    ignore_index: int = -100,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[target]: the negative log-likelihood, where the input holds log-probabilities. The rest as for
    `cross_entropy`."""
    reduction = reduction_word(size_average, reduce, reduction)
    x, t = floating_node(input, "nll_loss"), node_of(target, "nll_loss", "target")
    x, t, unbatched, _ = _batched("nll_loss", x, t, ignore_index)
    wide = widened(x)
    factor = _class_weight("nll_loss", weight, t, x.shape[1], ignore_index, wide)
    return _reduced(_picked(wide, t, ignore_index) * factor, sum_all(factor), reduction, x, unbatched)


def _batched(operation: str, x: Node, t: Node, ignore_index: Optional[int] = None) -> tuple[Node, Node, bool, bool]:
    """Input (batch, classes, ...) and int64 target (batch, ...), checked; whether there was no batch dimension; and
    whether it is known already that no target is ignored."""
    all_count = _check_classes(t, x.shape[min(x.ndim - 1, 1)] if x.ndim else 1, ignore_index)
    if t.dtype is not dtypes.int64:
        if t.dtype is not dtypes.uint8:
            raise dtype_error(
                operation,
                "expected target dtype to be int64 (Long) or uint8 (Byte)",
                t.dtype,
                "convert it with .long()",
            )
        t = move(t, dtypes.int64)
    unbatched = x.ndim == 1
    if unbatched:
        if t.shape not in ((), (1,)):
            raise shape_error(operation, "a target of shape [] for an input (classes,)", (x.shape, t.shape))
        x, t = p.reshape(x, shape=(1, *x.shape)), p.reshape(t, shape=(1,))
    if x.ndim < 2:
        raise shape_error(operation, "input (batch, classes, ...) or (classes,)", (x.shape,))
    if not t.ndim or x.shape[0] != t.shape[0]:
        raise ValueError(
            f"{operation}: expected input batch_size ({x.shape[0]}) to match target batch_size "
            f"({t.shape[0] if t.ndim else 'none'}); input {like(x.shape)}, target {like(t.shape)}."
        )
    if t.shape != (x.shape[0], *x.shape[2:]):
        raise shape_error(operation, f"expected target size {like((x.shape[0], *x.shape[2:]))}", (t.shape,))
    return x, t, unbatched, all_count


def _check_classes(t: Node, classes: int, ignore_index: Optional[int]) -> bool:
    """Whether the targets are known and none of them is ignored.

    Raises: IndexError for a known target that is no class.
    """
    value = at_hand(t)
    # In a trace only what holds for other values of the targets; what is no class number is for the dtype check.
    if value is None or recorder.trace is not None or t.type.inexact:
        return False
    if value.size == 0:
        return True
    quick = value.ndim and t.type.dtype is dtypes.int64 and (ignore_index is None or ignore_index < 0)
    if quick and 0 <= value.item(value.view(_UNSIGNED).argmax()) < classes:  # as unsigned, a negative one is a great one
        return True
    value = np.asarray(value)
    counted = value if ignore_index is None else value[value != ignore_index]
    wrong = counted[(counted < 0) | (counted >= classes)]
    if wrong.size:
        raise IndexError(f"Target {wrong[0]} is out of bounds.")
    return counted.size == value.size


def _counted(t: Node, ignore_index: int) -> Node:
    return p.ne(t, scalar(ignore_index, dtypes.int64))


def _count(t: Node, ignore_index: int, x: Node) -> Node:
    """How many targets are not ignored."""
    return sum_all(p.convert(_counted(t, ignore_index), dtype=x.dtype))


def _safe(t: Node, ignore_index: int) -> Node:
    """Targets with 0 in place of the ignored ones."""
    return p.where(_counted(t, ignore_index), t, scalar(0, dtypes.int64))


def _picked(log_p: Node, t: Node, ignore_index: int) -> Node:
    """-log_p[n, t[n, ...], ...], and 0 where ignored."""
    column = p.reshape(_safe(t, ignore_index), shape=(t.shape[0], 1, *t.shape[1:]))
    z = -p.reshape(p.gather(log_p, column, axis=1), shape=t.shape)
    return p.where(_counted(t, ignore_index), z, 0)


def _spread(log_p: Node, t: Node, weight: Optional[Tensor], ignore_index: int) -> Node:
    """-sum over the classes of weight log_p, and 0 where ignored."""
    if weight is not None:
        log_p = log_p * _along_classes(weight, log_p)
    return p.where(_counted(t, ignore_index), -p.reduce_sum(log_p, axes=(1,)), 0)


def _along_classes(weight: Tensor, x: Node) -> Node:
    w = move(weight._read(), x.dtype)
    return p.reshape(w, shape=(1, w.size, *(1,) * (x.ndim - 2)))


def _class_weight(operation: str, weight: Optional[Tensor], t: Node, classes: int, ignore_index: int, x: Node) -> Node:
    """Each target's weight: that of its class, or 1; 0 where ignored."""
    counted = _counted(t, ignore_index)
    if weight is None:
        return p.convert(counted, dtype=x.dtype)
    _check_weight(operation, weight, classes)
    chosen = p.take(move(weight._read(), x.dtype), _safe(t, ignore_index), axis=0, wrap=False)
    return p.where(counted, chosen, 0)


def _check_weight(operation: str, weight: Any, classes: int) -> None:
    if node_of(weight, operation, "weight").shape != (classes,):
        raise shape_error(operation, f"a weight for each of {classes} classes, or none", (tuple(weight.shape),))


def _reduced(z: Node, divisor: Optional[Node], reduction: str, x: Node, unbatched: bool) -> Tensor:
    """The loss in the input's dtype; the mean is the sum over `divisor`, by default the number of elements."""
    if reduction == "mean":
        axes = _ALL_AXES[z.type.ndim]
        y = mean_node(z, axes) if divisor is None else record(div, (record(reduce_sum, (z,), (axes,)), divisor))
        return wrap(move(y, x.type.dtype))
    if unbatched and reduction == "none":
        z = p.reshape(z, shape=())
    return reduce_loss(move(z, x.dtype), reduction)


def _of_probabilities(
    x: Node, t: Node, weight: Optional[Tensor], ignore_index: int, reduction: str, smoothing: float
) -> Tensor:
    if not t.type.inexact:
        raise dtype_error("cross_entropy", "a floating dtype for a target of class probabilities", t.dtype)
    if t.shape != x.shape:
        hint = "class numbers have dtype int64" if t.ndim == x.ndim - 1 else ""
        raise shape_error("cross_entropy", "target probabilities of the shape of the input", (x.shape, t.shape), hint)
    if not x.ndim:
        raise shape_error("cross_entropy", "input (batch, classes, ...) or (classes,)", (x.shape,))
    if ignore_index >= 0:
        raise runtime_error("cross_entropy", "ignore_index is not supported for floating point target", ignore_index)
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    wide = widened(x)
    t = move(t, wide.dtype)
    if smoothing:
        t = t * (1 - smoothing) + smoothing / classes
    log_p = p.log_softmax(wide, axis=axis)
    if weight is not None:
        _check_weight("cross_entropy", weight, classes)
        w = move(weight._read(), wide.dtype)
        log_p = log_p * (w if x.ndim == 1 else _along_classes(weight, log_p))
    z = -p.reduce_sum(log_p * t, axes=(axis,))
    return _reduced(z, None, reduction, x, False)


# --- with margins --------------------------------------------------------------------------------------------------


@in_single_precision
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """sum_{j != t} weight_t max(0, margin - x_t + x_j)^p / classes

    Shape: input (batch, classes) or (classes,); target (batch,) or ().

    Raises: ValueError unless p is 1 or 2; IndexError for a class that is not there; RuntimeError for shapes that do
    not fit.
    """
    word = reduction_word(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    x, t = floating_node(input, "multi_margin_loss"), node_of(target, "multi_margin_loss", "target")
    x = at_least_1d(x)  # one class
    x, t, unbatched, _ = _batched("multi_margin_loss", x, t)
    if x.ndim != 2:
        raise shape_error("multi_margin_loss", "input (batch, classes) or (classes,)", (x.shape,))
    return _margin_sum(x, t, p, margin, weight, word, unbatched)


def _margin_sum(
    x: Node, t: Node, power: int, margin: float, weight: Optional[Tensor], reduction: str, unbatched: bool
) -> Tensor:
    column = p.reshape(t, shape=(t.shape[0], 1))
    over = p.clamp_min(x - p.gather(x, column, axis=1) + margin, 0)
    if power == 2:
        over = p.square(over)
    if weight is not None:
        _check_weight("multi_margin_loss", weight, x.shape[1])
        over = over * p.take(move(weight._read(), x.dtype), column, axis=0, wrap=False)
    own = p.eq(p.reshape(p.iota(n=x.shape[1], dtype=dtypes.int64), shape=(1, x.shape[1])), column)
    z = p.reduce_sum(p.where(own, 0, over), axes=(1,)) / x.shape[1]
    return _reduced(z, None, reduction, x, unbatched)


@in_single_precision
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over the targets t and the classes j that are no target of max(0, 1 - (x_t - x_j)) / classes

    Shape: input (batch, classes) or (classes,); target of the same shape, class numbers up to the first -1.

    Raises: IndexError for a class that is not there; RuntimeError for shapes that do not fit.
    """
    word = reduction_word(size_average, reduce, reduction)
    x, t = floating_node(input, "multilabel_margin_loss"), node_of(target, "multilabel_margin_loss", "target")
    x, t = at_least_1d(x), at_least_1d(t)  # one class
    if t.shape != x.shape or x.ndim not in (1, 2) or not x.shape[-1]:
        raise shape_error(
            "multilabel_margin_loss",
            "input (batch, classes) or (classes,) and a target of its size",
            (x.shape, t.shape),
        )
    t = move(t, dtypes.int64)
    unbatched = x.ndim == 1
    if unbatched:
        x, t = p.reshape(x, shape=(1, *x.shape)), p.reshape(t, shape=(1, *t.shape))
    _check_classes(t, x.shape[1], -1)
    valid = p.ne(p.cumprod(p.convert(t >= 0, dtype=dtypes.int64), axis=1), 0)  # (batch, labels)
    label = p.where(valid, t, 0)
    batch, classes = x.shape
    position = p.reshape(p.iota(n=classes, dtype=dtypes.int64), shape=(1, 1, classes))
    hits = p.eq(p.reshape(label, shape=(batch, classes, 1)), position) & p.reshape(valid, shape=(batch, classes, 1))
    is_target = kept(p.reduce_or(hits, axes=(1,)), hits.shape, (1,))  # (batch, 1, classes)
    at_label = p.reshape(p.gather(x, label, axis=1), shape=(batch, classes, 1))
    over = p.clamp_min(p.reshape(x, shape=(batch, 1, classes)) - at_label + 1, 0)  # (batch, labels, classes)
    counts = p.reshape(valid, shape=(batch, classes, 1)) & ~is_target
    z = p.reduce_sum(p.where(counts, over, 0), axes=(1, 2)) / classes
    return _reduced(z, None, word, x, unbatched)


@in_single_precision
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
) -> Tensor:
    """-(t log s(x) + (1 - t) log s(-x)) averaged over the classes (the last dimension), s the sigmoid

    Shape: input and target (batch, classes) or (classes,); weight (classes,).
    """
    word = reduction_word(size_average, reduce, reduction)
    x = floating_node(input, "multilabel_soft_margin_loss")
    t = move(node_of(target, "multilabel_soft_margin_loss", "target"), x.dtype)
    z = -(t * p.log_sigmoid(x) + (1 - t) * p.log_sigmoid(-x))
    z = weighted("multilabel_soft_margin_loss", z, weight)
    return reduce_loss(p.reduce_sum(z, axes=(z.ndim - 1,)) / z.shape[-1], word)
