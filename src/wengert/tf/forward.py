"""ForwardAccumulator: forward mode, computed beside a program."""

from __future__ import annotations

from typing import Any, Optional

import wengert
from wengert.derive.forward import push_forward
from wengert.graph.node import Node
from wengert.graph.record import record, recorder
from wengert.primitives.casting import move
from wengert.primitives.control import identity, leaf
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf import nest
from wengert.tf.recording import as_tapes_say, recording
from wengert.tf.shape import TensorShape
from wengert.tf.tape import UnconnectedGradients, known_variable
from wengert.tf.tensor import shown
from wengert.tf.values import fresh


class ForwardAccumulator:
    """Tangents of what is computed inside its ``with`` block, when `primals` move by `tangents`.

    Accumulators nest, and go with tapes: ``acc.jvp(tape.gradient(y, x))`` is a product with the Hessian.

    Raises: ValueError when the shapes of a primal and its tangent differ; TypeError for a primal that does not move.

    >>> import wengert.tf as tf
    >>> x = tf.constant([2.0, 3.0])
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as acc:
    ...     y = x * x
    >>> acc.jvp(y)
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([4., 0.], dtype=float32)>
    """

    moves = True
    _alone = False

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._pairs: list[tuple[Any, Node]] = []
        self._sources: dict[Node, Node] = {}
        self._variables: dict[int, Node] = {}  # id of a variable -> how it moves
        self._rebound: list[tuple[Core, Node, Node]] = []
        self._before = False
        flat, dots = nest.flatten(primals), nest.flatten(tangents)
        for primal, dot in zip(flat, dots, strict=True):
            self._pairs.append((primal, self._fitted(primal, dot)))

    def _fitted(self, primal: Any, dot: Any) -> Node:
        held = primal if isinstance(primal, Core) else known_variable(primal)
        if held is None or not held.dtype.inexact:
            raise TypeError(f"ForwardAccumulator: a primal must be a floating tensor or variable, got {primal!r}")
        tangent = fresh(dot, held.dtype, "ForwardAccumulator")._node
        if tangent.type.shape != held._node.type.shape:
            raise ValueError(
                f"The primal has shape {tuple(held.shape)} and its tangent {TensorShape(tangent.type.shape)}: make them equal"
            )
        return tangent

    def __enter__(self) -> ForwardAccumulator:
        self._before = recorder.tracking
        others = recording.tapes
        recording.tapes = (*others, self)
        for other in others:
            other._alone = False
        recorder.tracking = True
        for primal, tangent in self._pairs:
            self._begin(primal, tangent)
        return self

    def _begin(self, primal: Any, tangent: Node) -> None:
        if hasattr(primal, "assign"):  # a variable: its reads come by
            held = primal if isinstance(primal, Core) else known_variable(primal)
            assert held is not None
            if isinstance(primal, Core):
                self._variables[id(primal)] = tangent
            else:
                self._sources[held._read()] = tangent
            return
        before = primal._current()
        primal._node = _moving(before)
        self._rebound.append((primal, before, primal._node))
        self._sources[primal._node] = tangent

    def __exit__(self, *exception: Any) -> None:
        recording.tapes = tuple([tape for tape in recording.tapes if tape is not self])
        recorder.tracking = bool(recording.tapes) or self._before
        for tensor, before, node in self._rebound:
            if tensor._node is node:
                tensor._node = before

    def accessed(self, variable: Any) -> bool:
        """Whether reads of a variable are to be tracked."""
        return id(variable) in self._variables

    def called(self, layer: Any) -> None:
        """A layer of Keras's is called: its variables move where they are read."""

    def moved(self, variable: Any, node: Node) -> Node:
        """What a variable shows while its primal moves."""
        tangent = self._variables.get(id(variable))
        if tangent is None:
            return node
        seen = _moving(node)
        self._sources[seen] = tangent
        return seen

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """The tangents of what was computed, in its structure; None, or zeros, for what does not move.

        Raises: ValueError for an unknown `unconnected_gradients`.
        """
        if unconnected_gradients not in (UnconnectedGradients.NONE, UnconnectedGradients.ZERO):
            raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}")
        flat = [None if y is None else fresh(y) for y in nest.flatten(primals)]
        with as_tapes_say():
            found = push_forward(list(self._sources), list(self._sources.values()), [y._node for y in flat if y is not None])
        dots = iter(found)
        answers: list[Optional[Any]] = []
        for y in flat:
            dot = None if y is None else next(dots)
            if dot is not None and y is not None:
                answers.append(shown(wrap(move(dot, y.dtype))))
            elif y is not None and unconnected_gradients == UnconnectedGradients.ZERO:
                answers.append(shown(wengert.zeros_like(y)))
            else:
                answers.append(None)
        return nest.pack_sequence_as(primals, answers)


def _moving(node: Node) -> Node:
    """A node of its own for a value that moves; it keeps the history of what is computed from it."""
    if node.tracked:
        return identity(node)
    made = record(leaf, (node,))
    made.tracked = True
    return made
