"""A loop's step under the hand of a transformation: recorded again on placeholders, and closed into a new body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from wengert.derive.trace import Recording, record_again
from wengert.graph.graph import graph_of
from wengert.graph.node import Node
from wengert.graph.rule import placeholder
from wengert.graph.walk import ancestors
from wengert.primitives.loop import Body, body_of

Flags = tuple[bool, ...]


class Loop(NamedTuple):
    """A body and how it is run: the parameters of a `scan` node."""

    body: Body
    carries: int
    sequences: int
    length: int
    backward: bool

    @property
    def ys(self) -> int:
        """How many results each step has."""
        return len(self.body.graph.outputs) - self.carries

    def kind_of(self, position: int) -> str:
        """What a value of the body is."""
        if position < self.carries:
            return "carry"
        if position < self.carries + self.sequences:
            return "sequence"
        return "constant" if position < len(self.body.graph.inputs) else "computed"


def inexact_results(made: Loop) -> Flags:
    graph = made.body.graph
    return tuple([graph.array_at(i).inexact for i in graph.outputs[made.carries :]])


def with_results(made: Loop, positions: Sequence[int]) -> Loop:
    """The loop whose step also gives the values at these positions of its graph."""
    graph = made.body.graph
    missing = [i for i in positions if i not in graph.outputs[made.carries :]]
    if not missing:
        return made
    body = body_of(graph._replace(outputs=(*graph.outputs, *missing)), made.body.tracked)
    return made._replace(body=body)


def moves_of(made: Loop, flags: Sequence[bool], passes: Sequence[bool]) -> list[bool]:
    """Which values of the step depend on inputs that move, when carried values come round again. `passes`: for each step
    of the graph whether a derivative flows through it."""
    graph = made.body.graph
    start = list(flags)
    while True:
        moves = start[:]
        for step, through in zip(graph.steps, passes):
            moves.append(through and any([moves[i] for i in step.args]))
        again = [a or moves[i] for a, i in zip(start, graph.outputs[: made.carries])]
        if again == start[: made.carries]:
            return moves
        start[: made.carries] = again


def closed(inputs: Sequence[Node], outputs: Sequence[Node]) -> tuple[Body, list[Node]]:
    """The body that computes `outputs` from placeholders, and the numbers written in it, which become constants."""
    given = set(inputs)
    nodes = ancestors(outputs, lambda node: node not in given)
    literals = [node for node in nodes if node.primitive.name == "literal"]
    steps = [node for node in nodes if node.primitive.name != "literal"]
    graph = graph_of([*inputs, *literals], steps, outputs)
    return body_of(graph, tuple([node.tracked for node in steps])), literals


def stand_ins(types: Sequence[Any]) -> list[Node]:
    """Placeholders, tracked: what a body lets through must not depend on who happened to be tracked first."""
    found = [placeholder(type) for type in types]
    for x in found:
        x.tracked = x.type.inexact
    return found


def values_of(body: Body, inputs: Sequence[Node]) -> list[Node]:
    """Every value of a step recorded on these inputs, by position."""
    return [*inputs, *record_again(Recording(body.graph, (), body.tracked), inputs)]
