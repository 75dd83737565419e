"""vmap: replay a graph with each primitive's batching rule. The batch axis of a value, if it has one, is the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert.derive.definition import constants_of, definition
from wengert.derive.trace import as_recorded, trace
from wengert.graph.graph import Graph, Step
from wengert.graph.node import Node, TupleType, array_type, tuple_type
from wengert.graph.record import literal, record
from wengert.graph.rule import Composite, Primitive, primitives, zeros_of
from wengert.primitives.control import element

Batched = tuple[Node, bool]


def map_function(
    function: Callable[..., Sequence[Node]], inputs: Sequence[Node], batched: Sequence[bool], size: int
) -> list[Batched]:
    """`function` (nodes to nodes) for `size` elements at once. It runs once, on placeholders where `batched` says so."""
    mapped = [x for x, flag in zip(inputs, batched) if flag]

    def on_one(*rows: Node) -> Sequence[Node]:
        row = iter(rows)
        return function(*[next(row) if flag else x for x, flag in zip(inputs, batched)])

    recording = trace(on_one, [row_type(x) for x in mapped], [x.tracked for x in mapped])
    flags = [True] * len(mapped) + [False] * len(recording.captured)
    return map_over_axis(recording.graph, [*mapped, *recording.captured], flags, size, recording.tracked)


def map_over_axis(
    graph: Graph,
    inputs: Sequence[Node],
    batched: Sequence[bool],
    size: int,
    tracked: Optional[Sequence[bool]] = None,
    draw_rows: bool = False,
) -> list[Batched]:
    """Run `graph` for `size` elements at once. `batched[i]` says whether inputs[i] has the batch axis; `tracked[i]`
    whether step i was tracked. With `draw_rows`, random operations draw anew for each element.

    Returns for each output its node and whether it has the axis.
    """
    values: list[Batched] = list(zip(inputs, batched))

    def apply(step: Step) -> Batched:
        arguments = [values[i] for i in step.args]
        if draw_rows and step.primitive.draws:
            return _draw_rows(step, arguments, size), True
        return apply_batched(step.primitive, arguments, step.params, size)

    for number, step in enumerate(graph.steps):
        if tracked is None:
            values.append(apply(step))
        else:
            with as_recorded(step, tracked[number]):
                values.append(apply(step))
    return [values[i] for i in graph.outputs]


def _draw_rows(step: Step, arguments: Sequence[Batched], size: int) -> Node:
    if any([flag for _, flag in arguments]):
        raise NotImplementedError(f"vmap: {step.primitive.name} whose limits differ from element to element")
    primitive: Any = step.primitive
    return primitive.rows(size, *[node for node, _ in arguments], **step.named)  # type: ignore[no-any-return]


def apply_batched(primitive: Primitive, arguments: Sequence[Batched], params: tuple[Any, ...], size: int) -> Batched:
    """One application over a batch."""
    nodes = tuple([node for node, _ in arguments])
    flags = tuple([flag for _, flag in arguments])
    if not any(flags):
        return record(primitive, nodes, params), False
    if primitive.batch is not None:
        return primitive.batch(size, nodes, flags, **dict(zip(primitive.params, params))), True
    if isinstance(primitive, Composite):
        return _through_definition(primitive, nodes, flags, params, size)
    return _one_by_one(primitive, nodes, flags, params, size), True


def _through_definition(
    primitive: Primitive, nodes: tuple[Node, ...], flags: tuple[bool, ...], params: tuple[Any, ...], size: int
) -> Batched:
    types = tuple([row_type(node) if flag else node.type for node, flag in zip(nodes, flags)])
    graph = definition(primitive, types, params)
    constants = [
        literal(value, type)  # type: ignore[arg-type]  # constants of definitions are arrays
        for value, type in zip(constants_of(primitive, types, params), graph.inputs[len(nodes) :])
    ]
    return map_over_axis(graph, [*nodes, *constants], [*flags, *[False] * len(constants)], size)[0]


def row_type(node: Node) -> Any:
    """The type of one element of a batch."""
    if isinstance(node.type, TupleType):
        return tuple_type(*[array_type(t.shape[1:], t.dtype) for t in node.type.elements])
    return array_type(node.shape[1:], node.dtype)


def _one_by_one(
    primitive: Primitive, nodes: tuple[Node, ...], flags: tuple[bool, ...], params: tuple[Any, ...], size: int
) -> Node:
    """The loop that vmap means, for a primitive without a rule of its own; its results are stacked."""
    if size == 0:
        return _no_rows(primitive, nodes, flags, params)
    rows = [
        record(primitive, tuple([row(node, i) if flag else node for node, flag in zip(nodes, flags)]), params)
        for i in range(size)
    ]
    if isinstance(rows[0].type, TupleType):
        parts = range(len(rows[0].type.elements))
        return primitives.pack(*[stack([element(y, index=i) for y in rows]) for i in parts])
    return stack(rows)


def _no_rows(primitive: Primitive, nodes: tuple[Node, ...], flags: tuple[bool, ...], params: tuple[Any, ...]) -> Node:
    types = [row_type(node) if flag else node.type for node, flag in zip(nodes, flags)]
    one = primitive.infer(*types, **dict(zip(primitive.params, params)))
    if isinstance(one, TupleType):
        return primitives.pack(*[zeros_of(array_type((0, *t.shape), t.dtype)) for t in one.elements])
    return zeros_of(array_type((0, *one.shape), one.dtype))  # type: ignore[union-attr]


def row(node: Node, index: int) -> Node:
    """One element of a batch."""
    if isinstance(node.type, TupleType):
        parts = range(len(node.type.elements))
        return primitives.pack(*[row(element(node, index=i), index) for i in parts])
    rest = tuple([(0, n, 1) for n in node.shape[1:]])
    return primitives.slice(node, index=(index, *rest))


def stack(rows: Sequence[Node]) -> Node:
    """Nodes of one shape along a new first axis."""
    lifted = [primitives.reshape(x, shape=(1, *x.shape)) for x in rows]
    return primitives.concatenate(*lifted, axis=0)
