"""GradientTape: what is computed inside its ``with`` block can be differentiated.

A tape keeps no list of its own: it is the stretch of the thread's recording between its beginning and its end, so it
remembers serial numbers of nodes. What was recorded before, after, or while it stood still is constant to it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Optional

import wengert
from wengert.derive.reverse import pull_back, walking
from wengert.graph.node import Node
from wengert.graph.record import next_serial, record, recorder, tracking
from wengert.graph.walk import tracked_ancestors
from wengert.primitives.control import Leaf, identity, leaf
from wengert.tensors.hooks import backward_pass, run_hooks
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf import nest
from wengert.tf.errors import OF_ARGUMENTS, translate
from wengert.tf.recording import recording
from wengert.tf.tensor import shown
from wengert.tf.values import conversions, fresh


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

    moves = False  # a forward accumulator's does

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._variables: dict[int, Any] = {}
        self._layers: dict[int, Any] = {}  # those of Keras's whose calls it saw
        self._of_others: set[int] = set()  # variables of another kind (Keras's) that it was told to watch
        self._watched: dict[int, tuple[Any, Node, Optional[Node]]] = {}
        self._stretches: list[list[float]] = []  # from serial, to serial
        self._alone = True  # whether no other tape ever recorded beside this one
        self._used = False
        self._before = False
        if "keras_wengert.backend" in sys.modules:
            import_module("wengert.tf").keras  # noqa: B018 - whatever imported Keras: from now on it speaks TensorFlow's types

    # --- recording --------------------------------------------------------------------------------------------------

    @property
    def _recording(self) -> bool:
        return bool(self._stretches) and self._stretches[-1][1] == _OPEN

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError("Tape is already recording.")
        self._before = recorder.tracking
        others = recording.tapes
        recording.tapes = (*others, self)
        for other in others:
            other._alone = self._alone = False
        recorder.tracking = True
        self._stretches.append([next_serial(), _OPEN])
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._recording:
            self._stop()
            for tensor, node, before in self._watched.values():
                if before is not None and tensor._node is node:
                    tensor._node = before

    def _stop(self) -> None:
        self._stretches[-1][1] = next_serial()
        recording.tapes = tuple([tape for tape in recording.tapes if tape is not self])
        recorder.tracking = bool(recording.tapes) or self._before

    def accessed(self, variable: Any) -> bool:
        """A variable is read while the tape records; whether it is watched."""
        key = id(variable)
        if self._watch_accessed and variable.trainable:
            self._variables[key] = variable
            return True
        return key in self._watched

    def watch(self, tensor: Any) -> None:
        """Watch a tensor or variable, or those of a nested structure, from now on.

        Raises: ValueError for anything else.
        """
        for one in nest.flatten(tensor):
            if not isinstance(one, Core):
                if known_variable(one) is None:
                    kind = type(one).__name__
                    raise ValueError(f"Passed in object {one!r} of type {kind!r}, not tf.Tensor or tf.Variable.")
                self._of_others.add(id(one))
                self._variables[id(one)] = one
                continue
            if not one.dtype.inexact:
                warn_as_log(f"The dtype of the watched tensor must be floating (e.g. tf.float32), got {one.dtype!r}")
                continue
            if hasattr(one, "trainable"):
                self._variables[id(one)] = one
            node, before = one._node if one._link is None else one._current(), None
            if not node.tracked:
                before, node = node, _as_leaf(node)
                one._node = node
            self._watched[id(one)] = (one, node, before)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Nothing inside is recorded on this tape.

        Raises: RuntimeError when the tape does not record.
        """
        if not self._recording:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        self._stop()
        try:
            yield
        finally:
            self.__enter__()

    def reset(self) -> None:
        """Forget what was recorded and watched; go on recording.

        Raises: ValueError when the tape does not record.
        """
        if not self._recording:
            raise ValueError("Tape is not recording. Call reset() inside its `with` block, or make another tape.")
        self._used = False
        self._variables.clear()
        self._layers.clear()
        self._of_others.clear()
        self._watched.clear()
        self._stretches = [[next_serial(), _OPEN]]

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables that it watched while it recorded: trainable ones that were read, and those it was given."""
        found = dict(self._variables)
        if self._watch_accessed:
            found |= {id(v): v for layer in self._layers.values() for v in layer.trainable_variables}
        return tuple(found.values())

    def called(self, layer: Any) -> None:
        """A layer of Keras's is called while the tape records: it reads its variables."""
        self._layers[id(layer)] = layer

    def within(self, node: Node) -> bool:
        """Whether a node was recorded by this tape."""
        serial = node.serial
        return any([first < serial < last for first, last in self._stretches])

    # --- derivatives ------------------------------------------------------------------------------------------------

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Any = UnconnectedGradients.NONE
    ) -> Any:
        """d(sum of output_gradients * target)/d(source) for every source, in their structure.

        target: a tensor or a structure of them; output_gradients: one for each, ones by default.
        unconnected_gradients: "none" or "zero", for sources on which no target depends.

        Raises: RuntimeError when a tape that is not persistent was used before; ValueError for an unknown
        `unconnected_gradients`, or another number of output gradients than of targets; TypeError for a source that is no
        tensor; InvalidArgumentError for an output gradient of another shape.
        """
        targets = nest.flatten(target)
        given = _one_for_each(targets, output_gradients)
        self._use(unconnected_gradients)
        wanted = [self._handle(source) for source in nest.flatten(sources)]
        try:
            found = self._pull(targets, wanted, given)
        except OF_ARGUMENTS as error:
            translate(error)
        if unconnected_gradients == UnconnectedGradients.ZERO:
            found = [wengert.zeros_like(x) if bar is None else bar for x, bar in zip(wanted, found)]
        return nest.pack_sequence_as(sources, [shown(bar) for bar in found])

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """d target_i / d source_j for every source: tensors of the target's shape followed by the source's.

        Raises: as `gradient` does.
        """
        self._use(unconnected_gradients)
        y = fresh(target)
        shape = y._node.type.shape
        rows = wengert.eye(y.numel(), dtype=y.dtype).reshape(-1, *shape)
        found = []
        wanted = [self._handle(source) for source in nest.flatten(sources)]
        for x, bars in zip(wanted, self._pull_rows(y, wanted, rows)):
            if bars is None and unconnected_gradients == UnconnectedGradients.ZERO:
                bars = wengert.zeros(*shape, *x.shape, dtype=x.dtype)
            found.append(None if bars is None else shown(bars.reshape(*shape, *x.shape)))
        return nest.pack_sequence_as(sources, found)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """d target[b, i] / d source[b, j], for a target whose rows depend on the same row of the source only.

        Shape: (batch, *target's other sizes, *source's other sizes).

        Raises: ValueError for a rank below 2, or when the first sizes differ; as `gradient` does.
        """
        y = fresh(target)
        x = self._handle(source)
        if min(y.ndim, x.ndim) < 2:
            raise ValueError(
                f"batch_jacobian: target and source must have rank at least 2 (batch, features), got shapes {tuple(y.shape)} "
                f"and {tuple(x.shape)}. Give each an axis more, or take tape.jacobian."
            )
        if y.shape[0] != x.shape[0]:
            raise ValueError(
                f"Need first dimension of target shape and source shape to match, got {tuple(y.shape)} and {tuple(x.shape)}"
            )
        self._use(unconnected_gradients)
        batch, rest = y.shape[0], tuple(y.shape[1:])
        n = y.numel() // batch if batch else 0
        rows = wengert.eye(n, dtype=y.dtype).reshape(n, 1, *rest).expand(n, batch, *rest)
        (bars,) = self._pull_rows(y, [x], rows)  # (target, batch, source)
        if bars is None:
            zeros = unconnected_gradients == UnconnectedGradients.ZERO
            return shown(wengert.zeros(batch, *rest, *x.shape[1:], dtype=x.dtype)) if zeros else None
        return shown(bars.transpose(0, 1).reshape(batch, *rest, *x.shape[1:]))

    def _use(self, unconnected_gradients: Any) -> None:
        if unconnected_gradients not in (UnconnectedGradients.NONE, UnconnectedGradients.ZERO):
            raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}")
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians). Make it with "
                "tf.GradientTape(persistent=True) to call it again."
            )
        self._used = True
        if self._recording and not self._persistent:
            self.__exit__()

    def _handle(self, source: Any) -> Core:
        """A handle on the node that a source was while the tape recorded; an untracked one when it was not watched."""
        variable = source if isinstance(source, Core) else known_variable(source)
        if variable is None:
            raise TypeError(
                f"a source of tape.gradient must be a tensor or a variable, got {type(source).__name__}: {source!r}. Make it a "
                "tf.Variable, or a tensor that the tape watches."
            )
        watched = self._watched.get(id(source))
        if watched is not None:
            return wrap(watched[1])
        node = variable._current()
        is_leaf = node.primitive.__class__ is Leaf
        by_itself = self._watch_accessed and getattr(source, "trainable", False)
        if is_leaf and not by_itself and id(source) not in self._of_others:
            return wrap(node.inputs[0] if node.inputs else identity(node))
        return wrap(node)

    def _pull(self, targets: Sequence[Any], sources: list[Core], given: Sequence[Any]) -> list[Any]:
        """The gradients by reverse mode; None where there is none."""
        ys, bars = self._targets(targets, given)
        wanted = [x for x in sources if x._node.tracked]
        if not ys or not wanted:
            return [None] * len(sources)
        create = bool(recording.tapes)
        keep = self._persistent or create or not self._alone
        walk = tracked_ancestors([y._node for y in ys])
        nodes = [_shown_as(x._node, walk) if x._node.tracked else [] for x in sources]
        flat = [wrap(node) for several in nodes for node in several]
        before, walking.mutation_allowed = walking.mutation_allowed, True
        try:
            if self._is_whole(walk):
                found: Any = wengert.autograd.grad(ys, flat, bars, retain_graph=keep, create_graph=create, allow_unused=True)
            else:
                found = self._pull_within(ys, bars, flat, create)
        finally:
            walking.mutation_allowed = before
        answers = iter(found)
        return [_sum([next(answers) for _ in several]) for several in nodes]

    def _targets(self, targets: Sequence[Any], given: Sequence[Any]) -> tuple[list[Core], list[Any]]:
        """What can be differentiated of the targets, and the cotangent of each."""
        ys, bars = [], []
        for y, bar in zip(targets, given, strict=True):
            if not isinstance(y, Core):
                raise TypeError(f"a target of tape.gradient must be a tensor, got {type(y).__name__}: {y!r}")
            if not y.dtype.inexact:
                warn_as_log(
                    "The dtype of the target tensor must be floating (e.g. tf.float32) when calling GradientTape.gradient, "
                    f"got {y.dtype!r}"
                )
                continue
            y = wrap(y._current())
            if y._node.tracked:
                ys.append(y)
                whole = bar is None and y._node.type.size == 1 and not y.dtype.is_complex
                bars.append(None if whole else wengert.ones_like(y) if bar is None else fresh(bar, y.dtype, "output_gradients"))
        return ys, bars

    def _is_whole(self, walk: Sequence[Node]) -> bool:
        """Whether all of these nodes, in order, were recorded by this tape."""
        if len(self._stretches) > 1:
            return False
        first = self._stretches[0][0] if self._stretches else _OPEN
        for node in walk:
            if node.serial > first:
                break
            if node.primitive.__class__ is not Leaf:
                return False
        return True

    def _pull_within(self, ys: list[Core], bars: list[Any], wanted: list[Core], create: bool) -> list[Any]:
        """Reverse mode through what this tape recorded only."""
        nodes = [x._node for x in wanted]
        seeds = [(wengert.ones_like(y) if bar is None else bar)._read() for y, bar in zip(ys, bars)]
        with tracking(create), backward_pass():
            found = pull_back([y._node for y in ys], seeds, nodes, run_hooks, within=self.within)
        return [wrap(found[node]) if node in found else None for node in nodes]

    def _pull_rows(self, y: Core, sources: list[Core], rows: Core) -> list[Any]:
        """`_pull` for every row of cotangents at once."""
        if not y._node.tracked or not rows.shape[0]:
            return [None] * len(sources)
        if not self._is_whole(tracked_ancestors([y._node])):
            each = [self._pull([y], sources, [row]) for row in rows]
            return [None if parts[0] is None else wengert.stack(parts) for parts in zip(*each)]
        wanted = [x for x in sources if x._node.tracked]
        if not wanted:
            return [None] * len(sources)
        found = iter(
            wengert.autograd.grad(
                [y], wanted, [rows], retain_graph=True, create_graph=bool(recording.tapes), allow_unused=True,
                is_grads_batched=True,
            )
        )  # fmt: skip
        return [next(found) if x._node.tracked else None for x in sources]


_OPEN = float("inf")


def _one_for_each(targets: Sequence[Any], output_gradients: Any) -> list[Any]:
    """The output gradients of the targets. Raises: ValueError for another number of them."""
    if output_gradients is None:
        return [None] * len(targets)
    found: list[Any] = nest.flatten(output_gradients)
    if len(found) != len(targets):
        raise ValueError(
            f"tape.gradient: output_gradients must be one tensor for each of the {len(targets)} targets, got {len(found)}: "
            f"{output_gradients!r}. A list of numbers that is one tensor is tf.constant(...) of it."
        )
    return found


def _as_leaf(node: Node) -> Node:
    made = record(leaf, (node,))
    made.tracked = True
    return made


def _shown_as(node: Node, walk: Sequence[Node]) -> list[Node]:
    """The nodes on the way that show the variable that `node` shows: a variable that was assigned to has several."""
    if node.primitive.__class__ is not Leaf or node.watch is None:
        return [node]
    found = [x for x in walk if x.watch is node.watch and x.primitive.__class__ is Leaf]
    return found or [node]


def _sum(bars: Sequence[Any]) -> Any:
    present = [bar for bar in bars if bar is not None]
    return sum(present[1:], present[0]) if present else None


def known_variable(value: Any) -> Optional[Core]:
    """The tensor behind a variable of another kind (Keras's), or None."""
    for kind, make in conversions:
        if isinstance(value, kind) and hasattr(make, "variable"):
            return make.variable(value)
    return None


def warn_as_log(message: str) -> None:
    """What TensorFlow writes to its log."""
    warnings.warn(message, stacklevel=3)
