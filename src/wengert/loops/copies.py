"""Copies where an index map is not affine: such a reshape reads its source by row-major element number, so the source,
if it is itself a view, is written out first.

A reshape is affine unless it splits an axis of its result into several of its source, as (2, 3, 4) -> (6, 4) -> (4, 6)
does: there the index of a source axis would be a quotient or a remainder.
"""

from __future__ import annotations

from typing import cast

from wengert.graph.graph import Graph, Step
from wengert.graph.node import ArrayType
from wengert.loops.access import SAME_ORDER, VIEWS, axis, through_reshape
from wengert.primitives.control import clone


def copy_before_reshapes(graph: Graph) -> Graph:
    """The same graph, in which behind a reshape that is no affine map stand only reshapes, down to a value in memory.
    Idempotent."""
    first = len(graph.inputs)
    place: list[int] = list(range(first))  # old position -> new position
    steps: list[Step] = []
    copies: dict[int, int] = {}  # view -> its copy, by new position

    def type_at(position: int) -> ArrayType:
        return cast(ArrayType, graph.inputs[position]) if position < first else steps[position - first].array

    def copied(position: int) -> int:
        """The copy of a view, or the value itself where it lies in memory or is a reshape of one that does."""
        root = position
        while root >= first and steps[root - first].primitive.name in SAME_ORDER:
            root = steps[root - first].args[0]
        if root < first or steps[root - first].primitive.name not in VIEWS:
            return position
        if position not in copies:
            copies[position] = first + len(steps)
            steps.append(Step(clone, (), (position,), type_at(position), steps[position - first].origin))
        return copies[position]

    for step in graph.steps:
        args = tuple([place[i] for i in step.args])
        if step.primitive.name == "reshape" and not is_affine(step, type_at(args[0])):
            args = (copied(args[0]),)
        place.append(first + len(steps))
        steps.append(step._replace(args=args))
    return Graph(graph.inputs, tuple(steps), tuple([place[i] for i in graph.outputs]))


def is_affine(step: Step, source: ArrayType) -> bool:
    """Whether a reshape is an affine map of indices."""
    shape = step.array.shape
    forms = tuple([axis(k, len(shape)) for k in range(len(shape))])
    return through_reshape(forms, shape, source.shape, len(shape)) is not None
