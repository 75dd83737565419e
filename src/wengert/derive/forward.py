"""Forward mode: push tangents from sources to outputs, by each primitive's jvp rule.

Source: the forward sweep over a Wengert list (Griewank and Walther 2008, ch. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from wengert.derive.definition import define
from wengert.errors import MissingRule
from wengert.graph.node import Node
from wengert.graph.rule import Composite
from wengert.graph.walk import between
from wengert.primitives.control import identity


def push_forward(
    sources: Sequence[Node],
    tangents: Sequence[Optional[Node]],
    outputs: Sequence[Node],
) -> list[Optional[Node]]:
    """The tangents of `outputs` when `sources` move by `tangents`; None where an output does not depend on them. A source
    whose tangent is None stands still, whatever it depends on.

    Raises: MissingRule for a primitive that has no forward derivative.
    """
    dots: dict[Node, Any] = dict(zip(sources, tangents))
    for node in between(sources, outputs):
        if node not in dots and node.type.inexact and node.primitive.differentiable:
            y_dot = tangent_of(node, tuple([dots.get(x) for x in node.inputs]))
            if y_dot is not None:
                dots[node] = y_dot
    return [dots.get(node) for node in outputs]


def tangent_of(node: Node, x_dots: tuple[Any, ...]) -> Any:
    """The tangent of one application."""
    if all([x_dot is None for x_dot in x_dots]):
        return None
    primitive = node.primitive
    if primitive.jvp is None:
        if not isinstance(primitive, Composite):
            raise MissingRule(f"forward derivative for {primitive.name} is not implemented")
        fresh = tuple([x if x_dot is None else identity(x) for x, x_dot in zip(node.inputs, x_dots)])
        y = define(primitive, fresh, node.params)
        moving = [(x, x_dot) for x, x_dot in zip(fresh, x_dots) if x_dot is not None]
        return push_forward([x for x, _ in moving], [x_dot for _, x_dot in moving], [y])[0]
    return primitive.jvp(x_dots, *node.inputs, y=node, **dict(zip(primitive.params, node.params)))
