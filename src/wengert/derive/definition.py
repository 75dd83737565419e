"""Composites through their definition: the node, or the graph, that stands for one application."""

from __future__ import annotations

from typing import Any

from wengert.errors import MissingRule
from wengert.graph.graph import Graph, graph_of
from wengert.graph.node import Node
from wengert.graph.record import separate_tape, settle_number, tracking
from wengert.graph.rule import Composite, Primitive, placeholder
from wengert.graph.walk import ancestors
from wengert.primitives.replay import replay

_graphs: dict[Any, Graph] = {}


def define(primitive: Primitive, inputs: tuple[Node, ...], params: tuple[Any, ...]) -> Node:
    """Record a composite's definition on `inputs`.

    Raises: MissingRule when the primitive is no composite.
    """
    if not isinstance(primitive, Composite):
        raise MissingRule(f"{primitive.name} has neither the rule that was asked for nor a definition")
    return primitive.expand(*inputs, **dict(zip(primitive.params, params)))  # type: ignore[no-any-return]


def definition(primitive: Primitive, types: tuple[Any, ...], params: tuple[Any, ...]) -> Graph:
    """The graph of a composite's definition for inputs of these types; constants in it become further inputs, whose
    values are in `constants_of`."""
    if primitive is replay:
        return params[0].graph  # type: ignore[no-any-return]
    key = (primitive, types, params)
    found = _graphs.get(key)
    if found is None:
        with separate_tape(), tracking(False):
            inputs = tuple([placeholder(t) for t in types])
            output = define(primitive, inputs, params)
        given = set(inputs)
        nodes = [node for node in ancestors([output], lambda node: True) if node not in given]
        constants = [node for node in nodes if node.primitive.name == "literal"]
        steps = [node for node in nodes if node.primitive.name != "literal"]
        found = graph_of([*inputs, *constants], steps, [output])
        _graphs[key] = found
        _constants[key] = tuple([settle_number(node) for node in constants])
    return found


_constants: dict[Any, tuple[Any, ...]] = {}


def constants_of(primitive: Primitive, types: tuple[Any, ...], params: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of the constants (numbers written in the definition) that `definition` made inputs."""
    if primitive is replay:
        return params[0].constants  # type: ignore[no-any-return]
    definition(primitive, types, params)
    return _constants[(primitive, types, params)]
