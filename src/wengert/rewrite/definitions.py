"""Replace every composite by its definition, and compute what is written twice once.

Definitions of different composites have much in common (the softmax in a cross-entropy and in its derivative), so
value numbering belongs to the same walk: steps of one primitive with the same params and arguments are one step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from wengert.derive.definition import constants_of, definition
from wengert.graph.graph import Graph, Step
from wengert.graph.rule import Composite
from wengert.primitives.loop import body_of, scan
from wengert.primitives.replay import replay


class Plain(NamedTuple):
    """A graph without composites. Its inputs are those of the original, then the constants of the definitions."""

    graph: Graph
    constants: tuple[Any, ...]


# Whether an application, with inputs of these types, stays as it is.
Kept = Callable[[Step, tuple[Any, ...]], bool]


def expand_composites(graph: Graph, kept: Kept = lambda step, inputs: False) -> Plain:
    """The same graph in elementary steps, and composites that are `kept`."""
    flat: list[tuple[Step, list[tuple[str, int]]]] = []
    constants: list[Any] = []
    types: list[Any] = []
    constant_numbers: dict[Any, int] = {}
    step_numbers: dict[Any, int] = {}

    def constant(value: Any, type: Any) -> tuple[str, int]:
        number = constant_numbers.setdefault((type, value.tobytes()), len(constants))
        if number == len(constants):
            constants.append(value)
            types.append(type)
        return "constant", number

    # References while flattening: ("input", n), ("constant", n), ("step", n).
    def walk(part: Graph, values: list[tuple[str, int]], origin: Any) -> list[tuple[str, int]]:
        for step in part.steps:
            args = [values[i] for i in step.args]
            if origin is not None:
                step = step._replace(origin=origin)
            inputs = tuple([part.type_at(i) for i in step.args])
            if isinstance(step.primitive, Composite) and not kept(step, inputs):
                below = definition(step.primitive, inputs, step.params)
                given = zip(constants_of(step.primitive, inputs, step.params), below.inputs[len(args) :])
                known = [*args, *[constant(value, type) for value, type in given]]
                # The steps of a stretch have lines of their own.
                values.append(walk(below, known, None if step.primitive is replay else step.origin)[0])
            else:
                if step.primitive is scan:
                    step, more = _opened(step, kept)
                    args += [constant(value, type) for value, type in more]
                number = step_numbers.setdefault((step.primitive, step.params, tuple(args)), len(flat))
                if number == len(flat):
                    flat.append((step, args))
                values.append(("step", number))
        return [values[i] for i in part.outputs]

    outputs = walk(graph, [("input", n) for n in range(len(graph.inputs))], None)
    base = {"input": 0, "constant": len(graph.inputs), "step": len(graph.inputs) + len(constants)}

    def place(references: list[tuple[str, int]]) -> tuple[int, ...]:
        return tuple([base[kind] + n for kind, n in references])

    steps = tuple([step._replace(args=place(args)) for step, args in flat])
    return Plain(Graph((*graph.inputs, *types), steps, place(outputs)), tuple(constants))


def _opened(step: Step, kept: Kept) -> tuple[Step, list[tuple[Any, Any]]]:
    """A loop whose body is elementary as well; and the constants that its definitions ask for, with their types, which
    are further constants of the loop."""
    body = step.params[0]
    plain = expand_composites(body.graph, kept)
    more = list(zip(plain.constants, plain.graph.inputs[len(body.graph.inputs) :]))
    return step._replace(params=(body_of(plain.graph, ()), *step.params[1:])), more
