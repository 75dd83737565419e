"""Losses of what comes out of a softmax or a sigmoid are computed from what went in, as Keras does on TensorFlow.

That is exact where the probability of the wanted class is too small for a logarithm. Every tensor knows how it came about,
so nothing has to be noted when the activation is computed.
"""

from __future__ import annotations

import warnings
from typing import Any

from wengert.graph.node import DROPPED, Node
from wengert.tensors.tensor import Tensor, wrap

_DETACHED = "stop_gradient"


def is_activated(x: Any) -> bool:
    """Whether a tensor is what a softmax or a sigmoid gave."""
    return isinstance(x, Tensor) and _source(x._current()).primitive.name in ("softmax", "sigmoid")


def _source(node: Node) -> Node:
    """What was detached, of a node that is detached."""
    return node.inputs[0] if node.primitive.name == _DETACHED and node.inputs else node


def logits_behind(output: Any, from_logits: bool, activation: str, loss: str) -> tuple[Any, bool]:
    """What a loss shall look at, and whether those are logits.

    activation: "softmax" or "sigmoid". If `output` is the result of one, its input; if that is not there any more, `output`
    as the probabilities that it is. Warns where such an output is given for logits.
    """
    node = output._current()
    source = _source(node)
    detached = source is not node
    if source.primitive.name != activation:
        return output, from_logits
    if from_logits:
        _warn(activation, loss)
    if not source.inputs or _gone(source.inputs[0]):
        return output, False
    logits = wrap(source.inputs[0])
    return (logits.detach() if detached else logits), True


def _gone(node: Node) -> bool:
    """Whether it was computed and nobody has kept it."""
    return node.value is None and bool(node.mark & DROPPED)


def _warn(activation: str, loss: str) -> None:
    warnings.warn(
        f"`{loss}` received `from_logits=True`, but the `output` argument was produced by a {activation.capitalize()} "
        f"activation and thus does not represent logits. Was this intended? The loss is computed from what went into the "
        f"{activation}, as Keras does on TensorFlow, so training goes on as if the mistake were mended. To mend it, take away "
        f"the {activation} activation, or say from_logits=False.",
        stacklevel=4,
    )
