"""GradientTape: what is computed inside its ``with`` block can be differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import wengert
from wengert.graph.record import record, recorder
from wengert.primitives.control import leaf
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf import nest
from wengert.tf.recording import recording
from wengert.tf.tensor import shown
from wengert.tf.values import conversions


class UnconnectedGradients:
    """What `gradient` gives for a source that the target does not depend on: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Records what is computed inside its ``with`` block.

    persistent: keep what was recorded after the first gradient.
    watch_accessed_variables: watch every trainable variable that is read.

    >>> import wengert.tf as tf
    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=6.0>
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._variables: dict[int, Any] = {}
        self._watched: dict[int, Any] = {}
        self._used = False
        self._tracking = False

    def __enter__(self) -> GradientTape:
        self._tracking = recorder.tracking
        recording.tapes = (*recording.tapes, self)
        recorder.tracking = True
        return self

    def __exit__(self, *exception: Any) -> None:
        recording.tapes = tuple([tape for tape in recording.tapes if tape is not self])
        recorder.tracking = self._tracking if not recording.tapes else True

    def accessed(self, variable: Any) -> bool:
        """A variable is read while the tape records; whether it is watched."""
        key = id(variable)
        if key in self._watched:
            return True
        if self._watch_accessed and variable.trainable:
            self._variables[key] = variable
            return True
        return False

    def watch(self, tensor: Any) -> None:
        """Watch a tensor, or the tensors of a nested structure."""
        for one in nest.flatten(tensor):
            if not isinstance(one, Core):
                raise ValueError(f"Passed in object {one!r} of type {type(one).__name__!r}, not tf.Tensor or tf.Variable.")
            node = one._node if one._link is None else one._current()
            if not node.tracked:
                node = record(leaf, (node,))
                node.tracked = True
                one._node = node
            self._watched[id(one)] = (one, node)

    @contextmanager
    def stop_recording(self) -> Any:
        """Nothing inside is recorded."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()

    def reset(self) -> None:
        """Forget what was recorded."""
        self._used = False
        self._variables.clear()
        self._watched.clear()

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables that were read while it recorded, in order."""
        return tuple(self._variables.values())

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Any = UnconnectedGradients.NONE
    ) -> Any:
        """d(sum of target)/d(source) for every source, in their structure.

        Raises: RuntimeError when a tape that is not persistent was used before.
        """
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians). Make it with "
                "tf.GradientTape(persistent=True) to call it again."
            )
        self._used = True
        wanted = [self._node_of(source) for source in nest.flatten(sources)]
        found = self._pull(nest.flatten(target), wanted, output_gradients)
        if unconnected_gradients == UnconnectedGradients.ZERO:
            found = [wengert.zeros_like(x) if bar is None else bar for x, bar in zip(wanted, found)]
        return nest.pack_sequence_as(sources, [shown(bar) for bar in found])

    def _node_of(self, source: Any) -> Core:
        """A handle on the node that a source was while the tape recorded."""
        if not isinstance(source, Core):
            for kind, make in conversions:
                if isinstance(source, kind):
                    source = make(source)
                    break
            else:
                raise TypeError(f"a source of tape.gradient must be a tensor or a variable, got {type(source).__name__}")
        watched = self._watched.get(id(source))
        return wrap(source._current() if watched is None else watched[1])

    def _pull(self, targets: Sequence[Any], sources: list[Core], output_gradients: Any) -> list[Any]:
        given = [None] * len(targets) if output_gradients is None else nest.flatten(output_gradients)
        pairs = [(y, bar) for y, bar in zip(targets, given) if isinstance(y, Core) and y._current().tracked]
        tracked = [x for x in sources if x._node.tracked]
        if not pairs or not tracked:
            return [None] * len(sources)
        ys = [y for y, _ in pairs]
        bars = [wengert.ones_like(y) if bar is None else bar for y, bar in pairs]
        create = bool(recording.tapes)
        found = iter(
            wengert.autograd.grad(
                ys, tracked, bars, retain_graph=self._persistent or create, create_graph=create, allow_unused=True
            )
        )
        return [next(found) if x._node.tracked else None for x in sources]
