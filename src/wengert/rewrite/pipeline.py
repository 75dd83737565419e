"""The passes in order: what every graph goes through before it is run, interpreted or compiled."""

from __future__ import annotations

from wengert.graph.graph import Graph
from wengert.rewrite.algebra import simplify
from wengert.rewrite.definitions import Kept, Plain, expand_composites
from wengert.rewrite.loops import trim_loops


def prepare(graph: Graph, kept: Kept = lambda step, inputs: False) -> Plain:
    """Definitions for composites, but for those that are `kept`, and common steps once; then the exact identities, and
    nothing unused."""
    plain = expand_composites(graph, kept)
    return Plain(trim_loops(simplify(plain.graph, plain.constants)), plain.constants)
