"""For tests below the tensor: arrays as nodes, nodes as arrays, and derivatives taken by the transformations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import dtypes
from wengert.backends.interpreter import Interpreter
from wengert.derive.batch import map_over_axis
from wengert.derive.forward import push_forward
from wengert.derive.reverse import pull_back
from wengert.graph.graph import Graph, graph_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, separate_tape, settle_number
from wengert.graph.rule import placeholder
from wengert.graph.walk import ancestors
from wengert.primitives.control import leaf

# A function of nodes.
Function = Callable[..., Node]


def given(value: Any) -> Node:
    """A node whose value is this array."""
    array = np.asarray(value)
    return literal(array, array_type(array.shape, dtypes.from_numpy(array.dtype)))


def tracked(node: Node) -> Node:
    """The same value, where derivatives are collected if its dtype can have any."""
    found: Node = leaf(node)
    found.tracked = node.dtype.inexact
    return found


def value(node: Node) -> Any:
    """The array that a node stands for, through the interpreter; checked against the type it was recorded with."""
    if node.value is not None:
        return settle_number(node)
    nodes = ancestors([node], lambda x: True)
    inputs = [x for x in nodes if x.value is not None]
    graph = graph_of(inputs, [x for x in nodes if x.value is None], [node])
    (result,) = Interpreter(graph).run([settle_number(x) for x in inputs])
    assert result.shape == node.shape and dtypes.from_numpy(result.dtype) is node.dtype, (node, result.dtype)
    return result


def vjp(function: Function, inputs: Sequence[Any], y_bar: Any = None) -> list[Any]:
    """Cotangents of the inexact inputs (None for the others), for a cotangent of ones unless given."""
    with separate_tape():
        nodes = [tracked(given(x)) for x in inputs]
        y = function(*nodes)
        bar = given(np.ones(y.shape, y.dtype.numpy) if y_bar is None else y_bar)
        found = pull_back([y], [bar], [x for x in nodes if x.tracked])
        return [value(found[x]) if x in found else None for x in nodes]


def jvp(function: Function, inputs: Sequence[Any], x_dots: Sequence[Any]) -> Any:
    """The tangent of the result when the inputs move by x_dots (None: not at all)."""
    nodes = [given(x) for x in inputs]
    with separate_tape():
        y = function(*nodes)
        moving = [(x, given(x_dot)) for x, x_dot in zip(nodes, x_dots) if x_dot is not None]
        (y_dot,) = push_forward([x for x, _ in moving], [x_dot for _, x_dot in moving], [y])
        return None if y_dot is None else value(y_dot)


def tangent(function: Function, inputs: Sequence[Node], x_dots: Sequence[Node]) -> Node:
    """The forward derivative as a node, which can be differentiated again."""
    (y_dot,) = push_forward(inputs, x_dots, [function(*inputs)])
    assert y_dot is not None
    return y_dot


def over_batch(function: Function, inputs: Sequence[Any], batched: Sequence[bool]) -> Any:
    """The function mapped over the first axis of the batched inputs by the batching rules."""
    arrays = [np.asarray(x) for x in inputs]
    size = next(x.shape[0] for x, flag in zip(arrays, batched) if flag)
    with separate_tape():
        shapes = [x.shape[1:] if flag else x.shape for x, flag in zip(arrays, batched)]
        stands = [placeholder(array_type(s, dtypes.from_numpy(x.dtype))) for s, x in zip(shapes, arrays)]
        y = function(*stands)
        known = set(stands)
        nodes = [x for x in ancestors([y], lambda x: True) if x not in known]
        constants = [x for x in nodes if x.value is not None]
        graph = graph_of([*stands, *constants], [x for x in nodes if x.value is None], [y])
        values = [*[given(x) for x in arrays], *constants]
        ((result, has_axis),) = map_over_axis(graph, values, [*batched, *[False] * len(constants)], size)
        return value(result) if has_axis else np.broadcast_to(value(result), (size, *result.shape))


def graph_from(function: Callable[..., Sequence[Node]], *arrays: Any) -> Graph:
    """The graph of what `function` records on inputs of the arrays' types."""
    with separate_tape() as tape:
        inputs = [placeholder(array_type(x.shape, dtypes.from_numpy(x.dtype))) for x in arrays]
        outputs = function(*inputs)
        return graph_of(inputs, [node for node in tape if node not in inputs and node.primitive.name != "literal"], outputs)
