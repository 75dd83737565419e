"""Loops over time: their bodies simplified, and nothing computed in them that nobody reads."""

from __future__ import annotations

from typing import Optional

from wengert.graph.graph import Graph, Step
from wengert.graph.node import tuple_type
from wengert.primitives.loop import body_of, scan
from wengert.rewrite.algebra import simplify
from wengert.rewrite.walk import remove_dead


def trim_loops(graph: Graph) -> Graph:
    """The same graph, in which the steps of loops are simplified, and give only results that are read."""
    if not any(step.primitive is scan for step in graph.steps):
        return graph
    first = len(graph.inputs)
    read = _read_elements(graph)
    kept: dict[int, list[int]] = {}
    steps: list[Step] = []
    for number, step in enumerate(graph.steps, first):
        if step.primitive is scan:
            step, kept[number] = _trimmed(step, read.get(number))
        elif step.primitive.name == "element" and step.args[0] in kept:
            step = step._replace(params=(kept[step.args[0]].index(step.params[0]),))
        steps.append(step)
    return remove_dead(Graph(graph.inputs, tuple(steps), graph.outputs))


def _read_elements(graph: Graph) -> dict[int, set[int]]:
    """For each value of several arrays of which only elements are read, which ones."""
    first = len(graph.inputs)
    found: dict[int, set[int]] = {}
    whole = set(graph.outputs)
    for step in graph.steps:
        if step.primitive.name == "element":
            found.setdefault(step.args[0], set()).add(step.params[0])
        else:
            whole.update(step.args)
    return {i: elements for i, elements in found.items() if i >= first and i not in whole}


def _trimmed(step: Step, read: Optional[set[int]]) -> tuple[Step, list[int]]:
    """The loop without the results that are not in `read` (None: all are), and which ones are left. Carried values stay."""
    body, carries, *rest = step.params
    types = step.type.elements  # type: ignore[union-attr]
    kept = [i for i in range(len(types)) if i < carries or read is None or i in read]
    graph = body.graph._replace(outputs=tuple([body.graph.outputs[i] for i in kept]))
    graph = trim_loops(simplify(graph))
    type = tuple_type(*[types[i] for i in kept])
    return step._replace(params=(body_of(graph, ()), carries, *rest), type=type), kept
