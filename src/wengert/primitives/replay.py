"""A stretch of recorded steps as one primitive, so that what is recorded again and again costs one node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from wengert.graph.graph import Graph
from wengert.graph.node import Node, TupleType
from wengert.graph.record import literal, record
from wengert.graph.rule import Composite


class Stretch:
    """Steps that many recordings have in common. Two are the same only if they are one object.

    graph      reads the inputs, then the constants; its only output packs the results
    constants  the values of the graph's last inputs: numbers that rules wrote down
    parts      for each result the parameters of the `element` that takes it out, and its type
    """

    __slots__ = ("graph", "constants", "inputs", "type", "parts")

    def __init__(self, graph: Graph, constants: Sequence[Any]) -> None:
        self.graph = graph
        self.constants = tuple(constants)
        self.inputs = len(graph.inputs) - len(self.constants)
        self.type = cast(TupleType, graph.type_at(graph.outputs[0]))
        self.parts = tuple([((i,), type) for i, type in enumerate(self.type.elements)])

    def __repr__(self) -> str:
        return f"stretch of {len(self.graph.steps)} steps"


class Replay(Composite):
    """(y_1, ..., y_n) = the results of a stretch for these inputs

    Everything else follows from its steps: it is recorded in their place, and stands for exactly them.
    """

    name = "replay"
    params = ("stretch",)

    def infer(self, *types: Any, stretch: Stretch) -> TupleType:
        return stretch.type

    def expand(self, *inputs: Node, stretch: Stretch) -> Node:
        graph = stretch.graph
        values = list(inputs)
        for value, type in zip(stretch.constants, graph.inputs[stretch.inputs :]):
            values.append(literal(value, type))  # type: ignore[arg-type]  # constants are arrays
        for step in graph.steps:
            values.append(record(step.primitive, tuple([values[i] for i in step.args]), step.params))
        return values[graph.outputs[0]]


replay = Replay()
