"""Graph: the Wengert list itself. Closed, ordered, inputs and outputs named by position.

A graph holds no nodes and no values: it is what many runs of the same code have in common, so it can be a key, be
rewritten, and be compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from wengert.graph.node import ArrayType, Node, Type
from wengert.graph.rule import Primitive


class Step(NamedTuple):
    """One application: the value at `args` (positions) goes through `primitive`; its result takes the next position."""

    primitive: Primitive
    params: tuple[Any, ...]
    args: tuple[int, ...]
    type: Type
    origin: Any

    @property
    def named(self) -> dict[str, Any]:
        """The static parameters by name."""
        return dict(zip(self.primitive.params, self.params))

    @property
    def array(self) -> ArrayType:
        """The type, of a step that is known to make one array."""
        return cast(ArrayType, self.type)


class Graph(NamedTuple):
    """inputs: their types, at positions 0..n-1. steps: at positions n, n+1, ... outputs: positions."""

    inputs: tuple[Type, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def type_at(self, position: int) -> Type:
        n = len(self.inputs)
        return self.inputs[position] if position < n else self.steps[position - n].type

    def array_at(self, position: int) -> ArrayType:
        """`type_at` a position that is known to hold one array."""
        return cast(ArrayType, self.type_at(position))


def graph_of(inputs: Sequence[Node], nodes: Sequence[Node], outputs: Sequence[Node]) -> Graph:
    """The graph of `nodes` (in topological order), closed over `inputs`.

    Raises: KeyError when a node reads something that is neither an input nor an earlier node.
    """
    position = {node: index for index, node in enumerate(inputs)}
    steps: list[Step] = []
    for node in nodes:
        args = tuple([position[x] for x in node.inputs])
        position[node] = len(inputs) + len(steps)
        steps.append(Step(node.primitive, node.params, args, node.type, node.origin))
    return Graph(tuple([node.type for node in inputs]), tuple(steps), tuple([position[node] for node in outputs]))
