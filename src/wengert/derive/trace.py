"""Trace: run a function on placeholders, and keep what it recorded as a graph that can be recorded again.

Only what depends on the placeholders becomes part of the graph. Everything else that the function recorded is ordinary
pending work, which the graph reads as further inputs; so a function may look at any value that does not depend on its
arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional

from wengert.graph.graph import Graph, Step, graph_of
from wengert.graph.node import Node
from wengert.graph.record import record, recorder, retaining, separate_tape
from wengert.graph.rule import placeholder
from wengert.graph.walk import ancestors


class Recording(NamedTuple):
    """A graph and what belongs to it when it is recorded again.

    captured   the nodes that take the inputs after the function's own
    tracked    for each step, whether it was tracked (False inside no_grad)
    draw       the first random operation that the function called, or None
    """

    graph: Graph
    captured: tuple[Node, ...]
    tracked: tuple[bool, ...]
    draw: Optional[Node] = None


def trace(
    function: Callable[..., Sequence[Node]],
    types: Sequence[Any],
    tracked: Sequence[bool],
    with_draws: bool = False,
    whole: bool = False,
) -> Recording:
    """The recording of `function` on placeholders of these types. `tracked` says which of them stand for tracked values.

    With `with_draws`, random operations become part of the graph, as if they depended on the placeholders; with `whole`,
    everything that is still to be computed.

    Raises: RuntimeError when the function asks for a value that depends on a placeholder.
    """
    with separate_tape() as tape, retaining():
        inputs = [placeholder(type) for type in types]
        for x, flag in zip(inputs, tracked):
            x.tracked = flag
        outputs = list(function(*inputs))
    moving = set(inputs)
    for node in tape:
        if (with_draws and node.primitive.draws) or any([x in moving for x in node.inputs]):
            moving.add(node)
    recorder.tape.extend([node for node in tape if node not in moving])
    draw = next((node for node in tape if node.primitive.draws), None)
    return recording_of(inputs, outputs, moving.union(tape) if whole else moving, draw)


def recording_of(
    inputs: Sequence[Node], outputs: Sequence[Node], inside: set[Node], draw: Optional[Node] = None
) -> Recording:
    """The recording of the nodes `inside` that `outputs` need; what they read from outside is captured."""
    own = set(inputs)
    nodes = [node for node in ancestors(outputs, inside.__contains__) if node not in own]
    reached = own.union(nodes)
    captured = dict.fromkeys([x for node in nodes for x in node.inputs if x not in reached])
    captured.update(dict.fromkeys([y for y in outputs if y not in reached]))
    graph = graph_of([*inputs, *captured], nodes, outputs)
    return Recording(graph, tuple(captured), tuple([node.tracked for node in nodes]), draw)


def record_again(recording: Recording, inputs: Sequence[Node]) -> list[Node]:
    """Record every step on new inputs (the function's own, then those in the place of what was captured). Returns the
    node of each step."""
    values = list(inputs)
    for step, tracked in zip(recording.graph.steps, recording.tracked):
        with as_recorded(step, tracked):
            values.append(record(step.primitive, tuple([values[i] for i in step.args]), step.params))
    return values[len(inputs) :]


@contextmanager
def as_recorded(step: Step, tracked: bool) -> Iterator[None]:
    """Nodes recorded inside get the step's origin, and are untracked where the step was."""
    state = recorder
    origin, tracking = state.origin, state.tracking
    state.origin, state.tracking = step.origin, tracking and tracked
    try:
        yield
    finally:
        state.origin, state.tracking = origin, tracking
