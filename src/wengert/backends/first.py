"""A graph that may never come again, laid out for running in one pass.

A loop over time in Python, or an episode of another length, makes a new structure each time. To look for identities and
memory to write over (`Interpreter`) costs 50 to 100 microseconds a step, which only pays where the graph comes back or
its values are large; here it is about three. What is the same: composites are expanded, equal steps run once, marks for
derivatives cost nothing, and a value goes after its last use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.backends.blas import alone, is_quicker_alone
from wengert.backends.interpreter import Interpreter, Laid
from wengert.derive.definition import constants_of, definition
from wengert.graph.graph import Graph, Step
from wengert.graph.node import ArrayType, Type
from wengert.graph.rule import Composite, Primitive
from wengert.primitives.contractions import dot
from wengert.primitives.replay import replay
from wengert.rewrite.algebra import RULES, passed_on

# Bytes of a step's result, on average, up to which laying a graph out with care takes longer than the care saves.
LIGHT = 1 << 17
_MARKS = frozenset([name for name, rules in RULES.items() if rules == (passed_on,)])


def is_light(graph: Graph) -> bool:
    """Whether the steps of a graph make little on average."""
    bytes, steps = _made(graph)
    return bytes <= LIGHT * steps


def _made(graph: Graph) -> tuple[int, int]:
    """The bytes that the steps make, and their number."""
    bytes, steps = 0, len(graph.steps)
    for step in graph.steps:
        if step.primitive is replay:
            below = _made(step.params[0].graph)
            bytes, steps = bytes + below[0], steps + below[1]
        elif step.type.__class__ is ArrayType:
            bytes += step.array.size * step.array.dtype.itemsize
    return bytes, steps


class FirstRun(Interpreter):
    """What `Interpreter` is, made quickly."""

    def __init__(self, graph: Graph) -> None:
        self.constants = ()
        laid = _Laying(len(graph.inputs))
        self.outputs = tuple(laid.walk(graph, list(range(len(graph.inputs))), None))
        self.origins = laid.origins
        self.steps = laid.steps_with_ends(self.outputs)


class _Laying:
    """The steps so far: functions, the slots of their arguments, and what an error would name."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.calls: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
        self.origins: list[tuple[Primitive, Any]] = []
        self.known: dict[Any, int] = {}

    def walk(self, graph: Graph, slots: list[int], origin: Any) -> list[int]:
        """Lay out the steps of a graph whose inputs are in these slots; the slots of its outputs. `origin`: of the composite
        that the graph defines, if its steps have none of their own."""
        type_at = graph.type_at
        for step in graph.steps:
            primitive = step.primitive
            args = tuple([slots[i] for i in step.args])
            if primitive.name in _MARKS:
                slots.append(args[0])
            elif isinstance(primitive, Composite) and not hasattr(primitive, "evaluate"):
                slots.append(self._expanded(step, args, tuple([type_at(i) for i in step.args]), origin))
            else:
                at = self.known.setdefault((primitive, step.params, args), self.inputs + len(self.calls))
                if at == self.inputs + len(self.calls):
                    function = primitive.bound(step.params)
                    if primitive is dot and is_quicker_alone(graph.array_at(step.args[0]), step.array):
                        function = alone(function)
                    self._call(function, args, primitive, step.origin if origin is None else origin)
                slots.append(at)
        return [slots[i] for i in graph.outputs]

    def _expanded(self, step: Step, args: tuple[int, ...], types: tuple[Type, ...], origin: Any) -> int:
        below = definition(step.primitive, types, step.params)
        slots = list(args)
        for value, type in zip(constants_of(step.primitive, types, step.params), below.inputs[len(args) :]):
            slots.append(self._constant(value, type))
        # The steps of a stretch have lines of their own.
        if step.primitive is replay:
            return self.walk(below, slots, None)[0]
        return self.walk(below, slots, step.origin if origin is None else origin)[0]

    def _constant(self, value: Any, type: Type) -> int:
        at = self.known.setdefault((type, value.tobytes()), self.inputs + len(self.calls))
        if at == self.inputs + len(self.calls):
            self._call(lambda: value, (), replay, None)
        return at

    def _call(self, function: Callable[..., Any], args: tuple[int, ...], primitive: Primitive, origin: Any) -> None:
        self.calls.append((function, args))
        self.origins.append((primitive, origin))

    def steps_with_ends(self, outputs: tuple[int, ...]) -> list[Laid]:
        """The steps, each with the slots that nothing reads after it. What nothing reads at all does nothing."""
        read, first = set(outputs), self.inputs
        found: list[Laid] = []
        for slot in range(first + len(self.calls) - 1, first - 1, -1):
            function, args = self.calls[slot - first]
            if slot not in read:
                found.append((_nothing, (), ()))
                continue
            dead = tuple([i for i in {*args} if i >= first and i not in read])
            read.update(args)
            found.append((function, args, dead))
        found.reverse()
        return found


def _nothing() -> None:
    return None
