"""Which nodes are tracked in the eyes of the outside, when a transformation has tracked some of its own by force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from wengert.graph.node import Node
from wengert.graph.record import tracking
from wengert.graph.walk import ancestors
from wengert.primitives.control import Leaf, identity


def tracked_outside(nodes: Sequence[Node], first: int, given: Optional[dict[Node, bool]] = None) -> list[bool]:
    """Whether each node would be tracked if nothing recorded since serial `first` had been tracked by force.

    given: the answer for nodes where it cannot be seen: what came in from outside although it is younger, leaves that
    the transformation made itself.
    """
    known = dict(given or {})
    for node in ancestors(nodes, lambda node: node.tracked and node.serial >= first and node not in known):
        free = node.primitive.__class__ is not Leaf and node.inputs
        known[node] = any([known.get(x, x.tracked) for x in node.inputs]) if free else True
    return [known.get(node, node.tracked) for node in nodes]


def leave(nodes: Sequence[Node], first: int, given: Optional[dict[Node, bool]] = None) -> list[Node]:
    """The nodes as the outside may have them: those that are tracked by force only, behind an untracked identity."""
    with tracking(False):
        return [
            node if wanted or not node.tracked else identity(node)
            for node, wanted in zip(nodes, tracked_outside(nodes, first, given))
        ]
