"""Orders and reaches over nodes. Every walk is iterative: a graph may be 100,000 nodes deep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter

from wengert.graph.node import Node

by_serial = attrgetter("serial")


def ancestors(outputs: Iterable[Node], enter: Callable[[Node], bool]) -> list[Node]:
    """The nodes reachable from `outputs` through inputs, among those for which `enter` holds, in order of recording
    (which is a topological order)."""
    stack = [node for node in outputs if enter(node)]
    seen = set(stack)
    while stack:
        for x in stack.pop().inputs:
            if x not in seen and enter(x):
                seen.add(x)
                stack.append(x)
    return sorted(seen, key=by_serial)


def tracked_ancestors(outputs: Iterable[Node]) -> list[Node]:
    """`ancestors` through tracked nodes only. Hot: every backward pass begins here."""
    stack = [node for node in outputs if node.tracked]
    seen = set(stack)
    add = seen.add
    while stack:
        for x in stack.pop().inputs:
            if x.tracked and x not in seen:
                add(x)
                stack.append(x)
    return sorted(seen, key=by_serial)


def between(sources: Iterable[Node], outputs: Iterable[Node]) -> list[Node]:
    """The nodes on a path from a source to an output, sources and outputs included, in order of recording. Paths begin at
    the last source on them: what lies before a source is not searched."""
    reached = set(sources)
    first = min((node.serial for node in reached), default=0)
    stack = [node for node in outputs if node.serial >= first]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node not in reached:
            for x in node.inputs:
                if x.serial >= first and x not in seen:
                    seen.add(x)
                    stack.append(x)
    found = []
    for node in sorted(seen, key=by_serial):
        if node in reached:
            found.append(node)
        elif any([x in reached for x in node.inputs]):
            reached.add(node)
            found.append(node)
    return found
