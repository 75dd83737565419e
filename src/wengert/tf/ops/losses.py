"""Cross-entropies and CTC: `tf.nn`. Logits go in, never probabilities; each has its own checks of shape and dtype."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, LABEL, accept, axis_in, like
from wengert.tf.ops.core import F, fresh, w


@face("logits")
def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: Any = -1, name: Optional[str] = None) -> Any:
    """-sum of labels log softmax(logits) along the axis of classes; `labels` are probabilities.

    Shape: labels and logits broadcast to (..., classes); the result has no axis of classes.
    Raises: InvalidArgumentError for integers or shapes that do not fit.
    """
    operation = "SoftmaxCrossEntropyWithLogits"
    accept(operation, FLOATING, logits)
    labels = fresh(labels)
    labels = labels if labels.dtype is logits.dtype else labels.to(logits.dtype)
    axis = axis_in(axis, logits.ndim, operation)
    try:
        w.broadcast_shapes(tuple(labels.shape), tuple(logits.shape))
    except RuntimeError as error:
        raise invalid(
            f"logits and labels must be broadcastable: logits_size={list(logits.shape)} "
            f"labels_size={list(labels.shape)} [Op:{operation}]"
        ) from error
    wide = logits.to(w.float32) if logits.dtype.itemsize == 2 else logits
    loss = -(labels.to(wide.dtype) * w.log_softmax(wide, axis)).sum(axis)
    return loss.to(logits.dtype)


@face("labels", "logits")
def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: Optional[str] = None) -> Any:
    """-log softmax(logits) of the class that each label names.

    Shape: logits (..., classes), labels (...).
    Raises: ValueError for ranks or sizes that do not fit, InvalidArgumentError for labels that are no integers or no class.
    """
    operation = "SparseSoftmaxCrossEntropyWithLogits"
    if not logits.ndim:
        raise ValueError(f"`logits` cannot be a scalar. Received logits={logits}")
    if labels.ndim != logits.ndim - 1:
        raise ValueError(
            "`labels.shape.rank` must equal `logits.shape.rank - 1`. Received: labels.shape="
            f"{tuple(labels.shape)} of rank {labels.ndim} and logits.shape={tuple(logits.shape)} of rank "
            f"{logits.ndim}"
        )
    if tuple(labels.shape) != tuple(logits.shape[:-1]):
        raise ValueError(
            f"`labels.shape` must equal `logits.shape` except for the last dimension. Received: labels.shape="
            f"{tuple(labels.shape)} and logits.shape={tuple(logits.shape)}"
        )
    accept(operation, FLOATING, logits)
    accept(operation, LABEL, labels)
    wide = logits.to(w.float32) if logits.dtype.itemsize == 2 else logits
    classes = logits.shape[-1]
    flat = labels.reshape(-1).to(w.int64)
    if not classes:
        raise invalid(f"Must have at least one class, but got logits shape {list(logits.shape)} [Op:{operation}]")
    loss = F.cross_entropy(wide.reshape(-1, classes), flat, reduction="none", ignore_index=-(2**40))  # none is ignored
    return loss.reshape(tuple(labels.shape)).to(logits.dtype)


@face("labels", "logits")
def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: Optional[str] = None) -> Any:
    """-labels log sigmoid(logits) - (1 - labels) log(1 - sigmoid(logits)), without overflow.

    Raises: ValueError for shapes that differ, InvalidArgumentError for dtypes that do.
    """
    labels = like("LogisticLoss", labels, logits)
    _need_one_shape(labels, logits)
    return w.relu(logits) - logits * labels + w.log1p(w.exp(-w.abs(logits)))


@face("labels", "logits")
def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: Optional[str] = None) -> Any:
    """As `sigmoid_cross_entropy_with_logits`, the part of positive labels times `pos_weight`.

    Raises: ValueError for shapes that differ, InvalidArgumentError for dtypes that do.
    """
    labels = like("LogisticLoss", labels, logits)
    _need_one_shape(labels, logits)
    weight = 1 + (like("LogisticLoss", pos_weight, logits) - 1) * labels
    tail = w.log1p(w.exp(-w.abs(logits))) + w.relu(-logits)
    return (1 - labels) * logits + weight * tail


def _need_one_shape(labels: Any, logits: Any) -> None:
    if tuple(labels.shape) != tuple(logits.shape):
        raise ValueError(
            f"`logits` and `labels` must have the same shape, received ({tuple(logits.shape)} vs {tuple(labels.shape)})."
        )


@face("log_input")
def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: Optional[str] = None) -> Any:
    """exp(c) - targets c, the loss of the mean e^c of a Poisson distribution; the full one adds Stirling's approximation of
    ln targets!.

    Raises: ValueError for shapes that differ.
    """
    targets = like("log_poisson_loss", targets, log_input)
    if tuple(targets.shape) != tuple(log_input.shape):
        raise ValueError(
            f"`log_input` and `targets` must have the same shape, received ({tuple(log_input.shape)} vs "
            f"{tuple(targets.shape)})."
        )
    loss = w.exp(log_input) - log_input * targets
    if not compute_full_loss:
        return loss
    safe = w.where((targets >= 0) & (targets <= 1), w.ones_like(targets), targets)
    stirling = targets * w.log(safe) - targets + 0.5 * w.log(2 * w.pi * safe)
    return loss + w.where((targets >= 0) & (targets <= 1), w.zeros_like(targets), stirling)


@face("labels", "logits")
def ctc_loss(
    labels: Any, logits: Any, label_length: Any, logit_length: Any, logits_time_major: bool = True, unique: Any = None,
    blank_index: Any = None, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Connectionist temporal classification of dense labels (batch, length); logits are (time, batch, classes).

    blank_index: the class that stands for nothing, 0 by default; a negative one counts from the end

    Source: A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, Connectionist Temporal Classification, 2006.
    Raises: ValueError for lengths that are missing.
    """
    if label_length is None or logit_length is None:
        raise ValueError("`label_length` and `logit_length` are needed for dense labels.")
    wide = logits if logits_time_major else logits.permute(1, 0, 2)
    blank = 0 if blank_index is None else int(blank_index)
    blank = blank + wide.shape[-1] if blank < 0 else blank
    lengths = [fresh(n).to(w.int64) for n in (logit_length, label_length)]
    logs = w.log_softmax(wide, -1)
    return F.ctc_loss(logs, labels.to(w.int64), *lengths, blank=blank, reduction="none")


@face("labels", "seq_length")
def collapse_repeated(labels: Any, seq_length: Any, name: Optional[str] = None) -> Any:
    """Rows of labels with runs of one label made one, filled with zeros; and how long each is then."""
    labels = fresh(labels)
    n, lengths = labels.shape[1], seq_length.to(w.int64)
    inside = w.arange(n) < lengths[:, None]
    new = w.cat([w.ones_like(labels[:, :1], dtype=w.bool), labels[:, 1:] != labels[:, :-1]], 1) & inside
    counts = new.sum(1)
    places = w.where(new, w.cumsum(new.to(w.int64), 1) - 1, n)
    kept = w.zeros((labels.shape[0], n + 1), dtype=labels.dtype).scatter(1, places, labels)
    return kept[:, : int(counts.max().item()) if counts.numel() else 0], counts.to(seq_length.dtype)


__all__ = [
    "collapse_repeated", "ctc_loss", "log_poisson_loss", "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits", "weighted_cross_entropy_with_logits",
]  # fmt: skip
