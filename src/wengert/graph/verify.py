"""The grammar of a legal graph, checked after every pass in tests: it turns "a wrong number later" into "an illegal
step here"."""

from __future__ import annotations

from wengert.errors import unreachable
from wengert.graph.graph import Graph


def verify(graph: Graph) -> Graph:
    """The same graph, or SystemError naming the first illegal step."""
    n = len(graph.inputs)
    for number, step in enumerate(graph.steps):
        here = n + number
        if any(not 0 <= i < here for i in step.args):
            unreachable(f"step {here} ({step.primitive}) reads positions {step.args}, not all of them before it")
        if len(step.params) != len(step.primitive.params):
            unreachable(f"step {here} ({step.primitive}) has params {step.params}, wants {step.primitive.params}")
        inferred = step.primitive.infer(*[graph.type_at(i) for i in step.args], **step.named)
        if inferred is not step.type:
            unreachable(f"step {here} ({step.primitive}) says {step.type}, its rule infers {inferred}")
    if any(not 0 <= i < n + len(graph.steps) for i in graph.outputs):
        unreachable(f"outputs {graph.outputs} of a graph with {n + len(graph.steps)} positions")
    return graph
