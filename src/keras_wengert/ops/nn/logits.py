"""Losses of what comes out of a softmax or a sigmoid are computed from what went in, as Keras does on TensorFlow.

That is exact where the probability of the wanted class is too small for a logarithm. Every tensor knows how it came about,
so nothing has to be noted when the activation is computed.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple, Optional

from wengert.graph.node import DROPPED, Node
from wengert.graph.record import record
from wengert.graph.rule import Primitive
from wengert.tensors.tensor import Tensor, wrap

_DETACHED = "stop_gradient"


class Activation(NamedTuple):
    """How a tensor came out of a softmax or a sigmoid: something to compare, and to do again."""

    primitive: type[Primitive]
    params: tuple[Any, ...]
    detached: bool

    def __call__(self, logits: Tensor) -> Tensor:
        """The same of other logits."""
        found = wrap(record(self.primitive, (logits._read(),), self.params))
        return found.detach() if self.detached else found


def behind(x: Tensor) -> tuple[Optional[Activation], Optional[Tensor]]:
    """The softmax or sigmoid that gave `x` and what went into it, None if that is not there any more; or None and `x`."""
    node = x._current()
    source = _source(node)
    if source.primitive.name not in ("softmax", "sigmoid"):
        return None, x
    there = source.inputs and not _gone(source.inputs[0])
    return Activation(source.primitive, source.params, source is not node), wrap(source.inputs[0]) if there else None


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
