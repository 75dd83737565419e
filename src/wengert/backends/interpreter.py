"""The interpreter: a graph, step by step, through the primitives' NumPy definitions. This is what "right" means; every
compiled result is tested against it.

Hot path on the cold tier. Budget: 0.3 microseconds a step on top of the NumPy call. A value is let go after its last
use; a NumPy function whose result is as large as an argument that dies with it writes into that one's memory, when no
other value may look into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.backends.blas import alone, is_quicker_alone
from wengert.graph.graph import Graph, Step
from wengert.graph.rule import Primitive
from wengert.origin import describe
from wengert.primitives import loop
from wengert.primitives.contractions import dot
from wengert.rewrite.pipeline import prepare


def _has_function(step: Step, inputs: tuple[Any, ...]) -> bool:
    """Whether a composite has a NumPy function of its own, which is quicker than its definition step by step."""
    return hasattr(step.primitive, "evaluate")


# A step's function, the slots of its arguments, and the slots that nothing reads after it.
Laid = tuple[Callable[..., Any], tuple[int, ...], tuple[int, ...]]


class Interpreter:
    """A graph laid out for running: for each step its function, where its arguments are, and what dies after it."""

    donations: tuple[int, ...] = ()

    def __init__(self, graph: Graph) -> None:
        plain = prepare(graph, _has_function)
        graph, self.constants = plain
        first = len(graph.inputs)
        last_use = {i: number for number, step in enumerate(graph.steps) for i in step.args}
        held = set(graph.outputs)
        shared = _sharers(graph)
        self.outputs = graph.outputs
        self.steps: list[Laid] = []
        self.origins: list[Any] = []
        for number, step in enumerate(graph.steps):
            dead = tuple({i for i in step.args if last_use[i] == number and i >= first and i not in held})
            function = step.primitive.bound(step.params)
            if step.primitive is dot and is_quicker_alone(graph.array_at(step.args[0]), step.array):
                function = alone(function)
            over = next((i for i in dead if _can_write_over(graph, step, i, shared, last_use, number)), None)
            self.steps.append((function if over is None else _into(function, step.args.index(over)), step.args, dead))
            self.origins.append((step.primitive, step.origin))

    def run(self, values: Sequence[Any], free: frozenset[int] = frozenset()) -> list[Any]:
        """The outputs as arrays.

        Raises: IndexError, RuntimeError and other errors that only the values decide, naming the user's line.
        """
        slots = [*values, *self.constants]
        append = slots.append
        with np.errstate(all="ignore"):
            try:
                for function, args, dead in self.steps:
                    if len(args) == 2:
                        append(function(slots[args[0]], slots[args[1]]))
                    else:
                        append(function(*[slots[i] for i in args]))
                    for i in dead:
                        slots[i] = None
            except Exception as error:
                explain(error, *self.origins[len(slots) - len(values) - len(self.constants)])
                raise
        return [_as_array(slots[i]) for i in self.outputs]

    def watched(self, values: Sequence[Any], watcher: Any) -> list[Any]:
        """As `run`, with a note for each step of how long it took."""
        slots = [*values, *self.constants]
        with np.errstate(all="ignore"):
            for (function, args, dead), (primitive, origin) in zip(self.steps, self.origins):
                given = [slots[i] for i in args]
                start = watcher.now()
                try:
                    slots.append(function(*given))
                except Exception as error:
                    explain(error, primitive, origin)
                    raise
                watcher.note(primitive.name, "cpu_op", start, watcher.about(given, describe(origin)))
                for i in dead:
                    slots[i] = None
        return [_as_array(slots[i]) for i in self.outputs]


# Bytes from which memory that is at hand is worth more than a keyword.
_LARGE = 1 << 14


def _sharers(graph: Graph) -> list[tuple[int, ...]]:
    """For each value all values that may be looks at its memory, itself among them. Only NumPy's own elementwise
    functions and products are known to give new memory; any other result may be a view of any argument."""
    groups: list[list[int]] = [[i] for i in range(len(graph.inputs))]
    for number, step in enumerate(graph.steps, len(graph.inputs)):
        own = [number]
        if not _gives_new_memory(step):
            for group in {id(groups[i]): groups[i] for i in step.args}.values():
                own += group
            for member in own:
                if member < number:
                    groups[member] = own
        groups.append(own)
    return [tuple(group) for group in groups]


def _gives_new_memory(step: Step) -> bool:
    return _takes_out(step) or step.primitive is dot


def _takes_out(step: Step) -> bool:
    return isinstance(step.primitive.evaluate, np.ufunc) or step.primitive.takes_out


def _can_write_over(
    graph: Graph, step: Step, at: int, shared: list[tuple[int, ...]], last_use: dict[int, int], number: int
) -> bool:
    """Whether a step's result can take the memory of an argument that dies with it."""
    type, first = step.type, len(graph.inputs)
    if not _takes_out(step) or step.params or graph.type_at(at) is not type:
        return False
    if step.array.ndim == 0 or step.array.size * step.array.dtype.itemsize < _LARGE:
        return False
    return _gives_new_memory(graph.steps[at - first]) and all(
        [i >= first and i not in graph.outputs and last_use.get(i, -1) <= number for i in shared[at]]
    )


def _into(function: Callable[..., Any], place: int) -> Callable[..., Any]:
    """A NumPy function that writes its result into the argument at this place."""

    def run(*arguments: Any) -> Any:
        return function(*arguments, out=arguments[place])

    return run


def explain(error: Exception, primitive: Primitive, origin: Any) -> None:
    """Give an error the line of the user's program that recorded the failing operation."""
    where = describe(origin)
    if where and len(error.args) == 1 and isinstance(error.args[0], str):
        error.args = (f"{error.args[0]}  ({primitive.name}, recorded at {where})",)


def _as_array(value: Any) -> Any:
    """Zero-dimensional results come from NumPy as scalars; a value is always an array (or a tuple of them)."""
    if value.__class__ is np.ndarray:
        return value
    if isinstance(value, tuple):
        return tuple([_as_array(part) for part in value])
    return np.asarray(value)


# The step of a loop is a graph as well.
loop.interpret[0] = lambda graph: Interpreter(graph).run
