"""Replay: a plan, run again on new arguments. No Python of the user's, and none for each operation.

This is the general way, through an executable of either tier; `bound.py` has the fast one for machine code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from wengert import trees
from wengert.compiler.plan import (
    UNSTORED,
    Again,
    Argument,
    Collected,
    Computed,
    Constant,
    Found,
    Given,
    Key,
    Look,
    Made,
    Memory,
    Number,
    Plan,
    Same,
    Viewed,
)
from wengert.graph.node import RELEASED, ArrayType, Coming, Node
from wengert.graph.record import literal, next_serial, scalar, tracking
from wengert.primitives.control import unstored
from wengert.runtime.flush import computed, value_of
from wengert.runtime.generator import signed
from wengert.runtime.tiers import Entry
from wengert.tensors.tensor import Tensor, link_of, view, wrap, write


class Moved(Exception):
    """A replay is not right any more: what it was made for has changed. Nothing has been done yet."""


class Shared(Exception):
    """Memory is shared with NumPy for now, which the fast way of a replay can't keep in step."""


class Replay:
    """Runs a plan. `run(tensors, floats)` gives what the function would return.

    Raises: Moved, before anything has happened; IndexError and the like, that only values decide, and then nothing that
    the function changes has changed, as far as it is memory.
    """

    def __init__(self, plan: Plan, entry: Entry) -> None:
        self.plan = plan
        self.entry = entry
        self.lines = [source.line for source in plan.inputs if isinstance(source, Number)]
        self.lines += [count.after for count in plan.counts]
        self.lines += [change.number.line for change in plan.changed]
        self.lines += [result.line for result in plan.results if isinstance(result, Computed)]
        self.evaluate = plan.trace_numbers.function(self.lines)

    def run(self, tensors: Sequence[Tensor], floats: Sequence[float] = ()) -> Any:
        self.check(tensors)
        self.plan.floats[:] = floats
        numbers = self.numbers()
        inputs = self._values(tensors, numbers)
        outputs = self.entry.run(inputs)
        given = {id(value) for value in inputs}
        outputs = [y.copy() if id(y) in given or y.base is not None else y for y in outputs]
        return self._finish(tensors, outputs, numbers)

    # --- before ------------------------------------------------------------------------------------------------------

    def check(self, tensors: Sequence[Tensor]) -> None:
        """Raises: Moved when memory was exchanged, lent to the outside, or is an argument as well."""
        plan = self.plan
        for target, before in plan.read_grads:
            if (resolve(target, tensors)._grad is None) != (before is None):
                raise Moved("a gradient is there that was not, or the other way round")
        for found in plan.memories:
            if found.owner is not None:
                locate(found, resolve(found.owner, tensors))
            check_memory(found)
        cells = self.cells
        for tensor in tensors:
            if tensor._link is not None and id(tensor._link.cell) in cells:
                raise Moved("an argument is memory that the function finds by itself")

    @property
    def cells(self) -> set[int]:
        return {id(found.cell) for found in self.plan.memories}

    def numbers(self) -> dict[int, Any]:
        """The run-time numbers by line.

        Raises: Moved when one has changed that the traced code had branched on.
        """
        for count in self.plan.counts:
            values = {computed(cell.node).item() for cell in count.cells}
            if len(values) != 1:
                raise Moved("the step counts of an optimizer go apart")
            count.now = values.pop()
        found = self.evaluate()
        if found is None:
            raise Moved("a number that the function branches on has changed")
        return dict(zip(self.lines, found))

    def _values(self, tensors: Sequence[Tensor], numbers: dict[int, Any]) -> list[Any]:
        draws = [stream.take(count) for stream, count in self.plan.streams]
        values: list[Any] = []
        for source, type in zip(self.plan.inputs, self.plan.graph.inputs):
            if isinstance(source, Argument):
                values.append(value_of(tensors[source.position]._current()))
            elif isinstance(source, Memory):
                values.append(value_of(current(self.plan.memories[source.number])))
            elif isinstance(source, Look):
                values.append(value_of(source.tensor._current()))
            elif isinstance(source, Constant):
                values.append(source.value)
            else:
                assert isinstance(type, ArrayType)
                number = numbers[source.line] if isinstance(source, Number) else drawn(source, draws)
                values.append(type.dtype.array(number))
        return values

    def values(self, tensors: Sequence[Tensor]) -> list[Any]:
        """The arrays that a run with these arguments would begin from. Draws no random numbers."""
        values = self._values(tensors, self.numbers())
        for stream, count in self.plan.streams:
            stream.take(-count)
        return values

    # --- after -------------------------------------------------------------------------------------------------------

    def _finish(self, tensors: Sequence[Tensor], outputs: list[Any], numbers: dict[int, Any]) -> Any:
        plan = self.plan
        nodes = [literal(value, plan.graph.type_at(at)) for value, at in zip(outputs, plan.graph.outputs)]  # type: ignore[arg-type]
        for target, output in plan.writes:
            if isinstance(target, Memory):
                overwrite(plan.memories[target.number], nodes[output])
            else:
                with tracking(False):
                    write(tensors[target.position], nodes[output])
        for count in plan.counts:
            for cell in count.cells:
                cell.overwrite(scalar(numbers[count.after], count.type.dtype))
        return finish(plan, tensors, nodes, numbers)


def check_memory(found: Found) -> None:
    """Raises: Moved when a tensor shows other memory by now, or all of it is shared and no tensor shows all of it."""
    for tensor, link, watch in found.tensors:
        if tensor._link is not link or link.watch is not watch:
            raise Moved("a tensor was given other memory")
    if found.cell.exposed is not None and found.cell.is_exposed() and _whole(found) is None:
        raise Moved("memory is shared with NumPy")


def _whole(found: Found) -> Optional[Tensor]:
    """A tensor that shows all of the memory."""
    return next((tensor for tensor, link, _ in found.tensors if link.view is None), None)


def current(found: Found) -> Node:
    """What the memory holds, with what the outside may have written to it."""
    tensor = None if found.cell.exposed is None else _whole(found)
    return found.cell.node if tensor is None else tensor._current()


def overwrite(found: Found, node: Node) -> None:
    """Give the memory new content, seen by the outside too."""
    tensor = None if found.cell.exposed is None else _whole(found)
    if tensor is None:
        found.cell.overwrite(node)
    else:
        with tracking(False):
            write(tensor, node)


def locate(found: Found, owner: Tensor) -> None:
    """Go to the memory of the gradient that is there now.

    Raises: Moved when it is a view, or of another type.
    """
    gradient = owner._grad
    assert gradient is not None
    link = link_of(gradient)
    if link.cell is found.cell:
        return
    if link.view is not None or link.cell.node.type is not found.cell.node.type:
        raise Moved("a gradient is of another kind")
    found.cell, found.tensors = link.cell, [(gradient, link, link.watch)]


def drawn(source: Any, draws: list[tuple[int, int]]) -> int:
    """The key or the counter of a random operation."""
    key, first = draws[source.stream]
    return key if isinstance(source, Key) else signed(first + source.number)


def resolve(target: Any, tensors: Sequence[Tensor]) -> Tensor:
    """The tensor that an argument stands for; others are themselves."""
    return tensors[target.position] if isinstance(target, Argument) else target


def finish(plan: Plan, tensors: Sequence[Tensor], nodes: Sequence[Node], numbers: dict[int, Any]) -> Any:
    """Gradients, numbers and side effects of a call, and what it returns."""
    for target, output in plan.grads:
        tensor = resolve(target, tensors)
        if output is None:
            tensor._grad = None
        else:
            tensor._grad = not_stored(tensor) if output == UNSTORED else wrap(nodes[output])
    for change in plan.changed:
        change.table[change.key] = numbers[change.number.line]
    for effect in plan.effects:
        effect()
    return results_of(plan, tensors, nodes, numbers)


def results_of(plan: Plan, tensors: Sequence[Tensor], nodes: Any, numbers: dict[int, Any]) -> Any:
    """What a function returns. nodes: by output."""
    made: list[Any] = []
    for result in plan.results:
        if result.__class__ is Again:
            made.append(viewed(made[result.position], result.views))
        else:
            made.append(result_of(result, tensors, nodes, numbers))
    return trees.unflatten(made[plan.hidden :], plan.structure)


def viewed(tensor: Tensor, views: Any) -> Tensor:
    for primitive, params, silent, tracked in views:
        with tracking(tracked):
            tensor = view(tensor, primitive, params, silent)
    return tensor


def result_of(result: Any, tensors: Sequence[Tensor], nodes: Any, numbers: dict[int, Any]) -> Any:
    """One of the things that a function returns. nodes: by output."""
    if isinstance(result, Made):
        node = nodes[result.output]
        return wrap(node if result.history is None or node.tracked else with_dead_history(node, result.history))
    if isinstance(result, Given):
        return tensors[result.position]
    if isinstance(result, Computed):
        return numbers[result.line]
    if isinstance(result, Viewed):
        return viewed(result_of(result.base, tensors, nodes, numbers), result.views)
    if isinstance(result, Collected):
        return resolve(result.target, tensors)._grad
    assert isinstance(result, Same)
    return result.value


def with_dead_history(node: Node, history: tuple[Any, tuple[Any, ...]]) -> Node:
    """A value whose history a backward pass has gone through: it requires grad, and a second pass is an error."""
    primitive, params = history
    made = Node(primitive, (), params, node.type, True, next_serial(), None)
    made.value = node.value
    if made.value.__class__ is Coming:
        made.value.nodes.append(made)
    made.mark = RELEASED
    return made


def not_stored(tensor: Tensor) -> Tensor:
    """A gradient of this tensor that says, when its value is asked for, that it was not stored."""
    type = tensor._node.type
    return wrap(Node(unstored, (), (type,), type, False, next_serial(), None))



