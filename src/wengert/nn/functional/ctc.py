"""The loss of connectionist temporal classification; `primitives/ctc.py` is the mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions.operands import array_node, node_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal
from wengert.graph.rule import primitives as p
from wengert.nn.functional.arguments import every_axis, floating_node, reduction_word, sum_all
from wengert.primitives.casting import move
from wengert.primitives.ctc import check_lengths
from wengert.runtime.flush import at_hand
from wengert.tensors.casting import in_single_precision
from wengert.tensors.tensor import Tensor, wrap

Lengths = Union[Tensor, Sequence[int], int]


@in_single_precision
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability that the frames, with repetitions and blanks taken out, spell the target.

    blank: the class that stands for no label.
    reduction: "mean" divides each loss by its target's length (at least 1) and averages over the batch.
    zero_infinity: whether a loss is 0, and its derivative too, where the frames are too few for the target.

    Shape: log_probs (frames, batch, classes) or (frames, classes); targets (batch, longest), or one after the other
    (sum of target_lengths,); lengths (batch,), or () without a batch. The loss () or, for "none", (batch,).

    The derivative is exact for every input. PyTorch's agrees with it behind `log_softmax`, as the definition asks; of
    other inputs PyTorch's is exp(log_probs) higher.

    Raises: RuntimeError for lengths, shapes and dtypes that do not fit; IndexError for a target that is no class;
    ValueError for another reduction.
    """
    word = reduction_word(None, None, reduction)
    x = floating_node(log_probs, "ctc_loss", "log_probs")
    if x.ndim not in (2, 3):
        raise shape_error("ctc_loss", "log_probs (frames, batch, classes) or (frames, classes)", (x.shape,))
    unbatched = x.ndim == 2
    if unbatched:
        x = p.reshape(x, shape=(x.shape[0], 1, x.shape[1]))
    batch = x.shape[1]
    frames = _lengths(input_lengths, "input_lengths", batch)
    lengths = _lengths(target_lengths, "target_lengths", batch)
    if not 0 <= blank < x.shape[2]:
        raise runtime_error("ctc_loss", f"blank must be in label range, [0, {x.shape[2]})", blank)
    t = _padded(targets, lengths, batch, unbatched)
    given = at_hand(frames), at_hand(lengths)
    if given[0] is not None and given[1] is not None:
        check_lengths(x.shape, t.shape, *given)
    z = p.ctc_loss(x, t, frames, lengths, blank=blank, zero_infinity=bool(zero_infinity))
    if word == "mean":
        z = z / move(p.clamp_min(lengths, 1), z.dtype)
        return wrap(p.reduce_sum(z, axes=every_axis(z)) / batch)
    if word == "sum":
        return wrap(sum_all(z))
    return wrap(p.reshape(z, shape=()) if unbatched else z)


def _lengths(given: Lengths, name: str, batch: int) -> Node:
    """One length for each sequence: int64 (batch,)."""
    node = given._read() if isinstance(given, Tensor) else array_node(np.array(given, np.int64))
    if node.dtype.category != dtypes.INTEGER:
        raise dtype_error("ctc_loss", f"{name} must be integral", node.dtype)
    if node.size != batch or node.ndim > 1:
        raise shape_error("ctc_loss", f"{name} must be of size batch_size, {batch}", (node.shape,))
    return p.reshape(move(node, dtypes.int64), shape=(batch,)) if node.ndim == 0 else move(node, dtypes.int64)


def _padded(targets: Any, lengths: Node, batch: int, unbatched: bool) -> Node:
    """The targets as int64 (batch, longest)."""
    t = move(node_of(targets, "ctc_loss", "targets"), dtypes.int64)
    if t.ndim == 2 and t.shape[0] == batch:
        return t
    if t.ndim != 1:
        raise shape_error("ctc_loss", f"targets ({batch}, longest) or one after the other", (t.shape,))
    if unbatched:
        return p.reshape(t, shape=(1, t.size))
    counts = np.asarray(wrap(lengths)._array())
    if counts.sum() != t.size or counts.min(initial=0) < 0:
        raise runtime_error("ctc_loss", f"targets of {counts.sum()} elements, the sum of target_lengths", t.size)
    starts = np.cumsum(counts) - counts
    longest = counts.max(initial=0)
    at = np.minimum(starts[:, None] + np.arange(longest), max(t.size - 1, 0))  # what is behind a length is not read
    return p.take(t, literal(at, array_type(at.shape, dtypes.int64)), axis=0)
