"""Recompute: trade time for memory. A stretch of a program keeps only what it read; reverse mode records it again.

The stretch is a graph, so running it again repeats no Python code and no side effect, and its random operations, whose
keys and counters are inputs, draw the same numbers.

Source: A. Griewank, A. Walther, Algorithm 799: revolve (2000); T. Chen et al., Training deep nets with sublinear
memory cost (2016). Cost: the stretch runs twice; memory for its inputs instead of for all it saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from wengert.derive.forward import push_forward
from wengert.derive.reverse import pull_back, walking
from wengert.derive.rules import Rule, attached
from wengert.derive.trace import Recording, record_again, recording_of
from wengert.graph.node import OVERWRITTEN, Node, object_type
from wengert.graph.record import tracking
from wengert.graph.walk import ancestors
from wengert.primitives.control import CustomInputs, Leaf, barrier, identity


class Recompute(Rule):
    """The derivative of a recorded stretch, taken by recording it again. Its saved values are its arguments.

    watches   for each step, what watches its cotangent (hooks)
    """

    name = "CheckpointBackward"

    def __init__(self, recording: Recording, watches: Sequence[Any]) -> None:
        self.recording = recording
        self.watches = watches

    def again(self, arguments: Sequence[Node]) -> tuple[list[Node], list[Node]]:
        """Fresh nodes for the arguments, and the outputs recorded on them."""
        with tracking(True):
            fresh = [x if x.type is object_type else barrier(x) for x in arguments]
            steps = record_again(self.recording, fresh)
        for node, watch in zip(steps, self.watches):
            node.watch = watch
        every = [*fresh, *steps]
        return fresh, [every[i] for i in self.recording.graph.outputs]

    def vjp(
        self, y_bars: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> list[Optional[Node]]:
        fresh, outputs = self.again(arguments)
        pulled = [(y, y_bar) for y, y_bar in zip(outputs, y_bars) if y_bar is not None]
        targets = [x for x in fresh if x.tracked]
        found = pull_back([y for y, _ in pulled], [y_bar for _, y_bar in pulled], targets, walking.on_cotangent)
        return [found.get(x) for x in fresh]

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> list[Optional[Node]]:
        fresh, outputs = self.again(arguments)
        moving = [(x, x_dot) for x, x_dot in zip(fresh, x_dots) if x_dot is not None]
        return push_forward([x for x, _ in moving], [x_dot for _, x_dot in moving], outputs)


def forget(outputs: Sequence[Node], first: int) -> list[Node]:
    """Outputs with the same values and derivatives, that keep nothing of what was recorded since serial `first` but what
    it read.

    Returns one node for each output; an output that no derivative reaches is itself.
    """
    stretch = set(ancestors(outputs, lambda node: node.serial >= first and _is_repeated(node)))
    results = [y for y in dict.fromkeys(outputs) if y in stretch and y.tracked]
    if not results:
        return list(outputs)
    recording = recording_of((), results, stretch)
    rule = Recompute(recording._replace(captured=()), [node.watch for node in ancestors(results, stretch.__contains__)])
    # What the stretch itself wrote over is no later change that should stop the derivative: it gets a node of its own.
    arguments = tuple([identity(x) if x.mark & OVERWRITTEN else x for x in recording.captured])
    with tracking(False):  # no history holds on to the stretch
        values = tuple([identity(y) for y in results])
    n, m = len(results), len(arguments)
    forgotten = dict(zip(results, attached(rule, CustomInputs(values, arguments, (), tuple(range(n, n + m))))))
    return [forgotten.get(y, y) for y in outputs]


def _is_repeated(node: Node) -> bool:
    """Whether a node is computed again: given values and leaves, where derivatives are collected, are not."""
    return bool(node.inputs) and node.primitive.__class__ is not Leaf
