"""A graph as text and as DOT (Graphviz)."""

from __future__ import annotations

from wengert.graph.graph import Graph
from wengert.origin import describe


def show(graph: Graph, lines: bool = False) -> str:
    """One line a step, as in a textbook's Wengert list; with `lines`, each names the user's line."""
    text = [f"inputs  {', '.join(f'v{i}: {type}' for i, type in enumerate(graph.inputs))}"]
    for number, step in enumerate(graph.steps, len(graph.inputs)):
        arguments = [f"v{i}" for i in step.args] + [f"{k}={v}" for k, v in step.named.items()]
        where = f"    # {describe(step.origin)}" if lines and step.origin else ""
        text.append(f"v{number} = {step.primitive}({', '.join(arguments)}) : {step.type}{where}")
    text.append(f"outputs {', '.join(f'v{i}' for i in graph.outputs)}")
    return "\n".join(text)


def dot(graph: Graph) -> str:
    """The graph in Graphviz's language."""
    text = ["digraph wengert {", "  rankdir=TB; node [shape=box];"]
    for i, type in enumerate(graph.inputs):
        text.append(f'  v{i} [label="v{i}\\n{type}", shape=ellipse];')
    for number, step in enumerate(graph.steps, len(graph.inputs)):
        text.append(f'  v{number} [label="{step.primitive}\\n{step.type}"];')
        text += [f"  v{i} -> v{number};" for i in step.args]
    text += [f"  v{i} [peripheries=2];" for i in graph.outputs]
    return "\n".join([*text, "}"])
