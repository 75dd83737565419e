"""Trace: one call of a function, recorded as ever but not flushed, so that all of it can be seen as one program.

The function runs on its real arguments. Nothing is a stand-in, so when something comes up that a replay could not do (a
branch on a value, `.item()`, `print`) the trace is given up and the call simply goes on as an ordinary one: there is
nothing to undo. What the function read and changed is noted on the way, through `recorder.trace`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional

from wengert.errors import CompileError
from wengert.graph.node import LIVE, Node
from wengert.graph.number import NumberProgram, RuntimeNumber
from wengert.graph.record import ever, is_common, next_serial, noting_writes, recorder, settle_number
from wengert.origin import user_line
from wengert.primitives.control import Leaf, Placeholder, identity
from wengert.runtime.flush import evaluate, flush
from wengert.settings import settings
from wengert.tensors.cell import Cell, Link
from wengert.tensors.tensor import Tensor, link_of

# Operations on the tape after which a function that asks for constants (a loop that counts) is not unrolled any further.
_LONGEST = 10_000
_PLAIN = frozenset((bool, int, float, complex))


class Draw(NamedTuple):
    """A random operation's counter: the stream it came from, and the how manieth it was there."""

    stream: Any
    number: int


class Shown(NamedTuple):
    """A tensor with shared memory, as it was when it was first read.

    node     what its memory held, if the trace did not make it
    look     what the tensor itself showed (its memory through a view, or as a leaf), if the trace did not make that
    """

    tensor: Tensor
    link: Link
    cell: Cell
    node: Optional[Node]
    look: Optional[Node]
    watch: Any


class Gradient(NamedTuple):
    """A tensor whose gradient was read or set; the gradient that it had, and whether that was read before it was set."""

    tensor: Tensor
    before: Optional[Tensor]
    read: bool


class Changed(NamedTuple):
    """A number that the function wrote to a dict (options or state of an optimiser)."""

    table: Any
    key: Any
    number: RuntimeNumber
    before: Any


class Count:
    """Step counts of an optimiser that are equal and move together: one number, and the cells that show it."""

    __slots__ = ("now", "type", "cells", "number", "after", "array", "node")

    def __init__(self, now: float, type: Any) -> None:
        self.now = now
        self.type = type
        self.cells: list[Cell] = []
        self.number: Any = None
        self.after = -1  # the line of the number that it becomes; -1: it stays
        self.array: Any = None  # what the cells show, where one array serves them all
        self.node: Any = None


class Trace:
    """What one call read and changed. first: the serial at which it began.

    arguments  node -> position of the argument tensor that shows it
    shown      the tensors with shared memory that were read, by id
    written    the cells that were written to, each with the node that it held before, in order
    grads      the tensors whose gradient was read or set, each with what it was before, by id
    constants  what was asked for and is the same in every call, with what it is computed from
    draws      counter node -> where it came from;   keys: key node -> stream
    modules    the modules that were called, each with its attributes at that time, by id
    beginning  whether the function made something that later calls find there
    optimizers those that took a step, by id
    reason     why the trace was given up, with the user's line
    strict     whether to raise instead of giving up
    """

    def __init__(self, strict: bool = False) -> None:
        self.first = next_serial()
        self.strict = strict
        self.tape: list[Node] = []
        self.tensors: Sequence[Tensor] = ()
        self.floats: list[float] = []
        self.numbers = NumberProgram()
        self.arguments: dict[Node, int] = {}
        self.replaced: list[tuple[Tensor, Node, Node]] = []
        self.shown_tensors: dict[int, Shown] = {}
        self.written: list[tuple[Any, Node]] = []
        self.grads: dict[int, Gradient] = {}
        self.draws: dict[Node, Draw] = {}
        self.keys: dict[Node, Any] = {}
        self.constants: set[Node] = set()
        self.drawn_from: dict[int, int] = {}
        self.modules: dict[int, tuple[Any, dict[str, Any]]] = {}
        self.optimizers: dict[int, Any] = {}
        self.changed: list[Changed] = []
        self.effects: list[Callable[[], None]] = []
        self.options: list[tuple[Any, dict[Any, Any]]] = []
        self.counts: dict[Any, Count] = {}
        self.beginning = False
        self.reason: Optional[str] = None

    # --- what the layers below report ------------------------------------------------------------------------------

    def asked(self, node: Node) -> None:
        if node.value.__class__ is RuntimeNumber:
            float(node.value)  # noted: a replay is right only while it is the same
            return
        constants = None if len(self.tape) > _LONGEST else self._constants_under(node)
        if constants is None:
            self.refuse("it asks for a value that has to be computed first")
        else:
            evaluate(constants)
            self.constants.update(constants)

    def _constants_under(self, node: Node) -> Optional[list[Node]]:
        """What a value is computed from, if it was made in the function from nothing but numbers, so that it is the same in
        every call; else None."""
        todo, seen = [node], {node}
        for x in todo:
            if x in self.constants or is_common(x):
                continue
            if x in self.draws or x in self.keys or x in self.arguments or x.value.__class__ is RuntimeNumber:
                return None
            if x.value.__class__ in _PLAIN:
                continue
            if x.serial < self.first or x.primitive.__class__ in (Leaf, Placeholder):
                return None
            new = [part for part in x.inputs if part not in seen]
            seen.update(new)
            todo.extend(new)
        return [x for x in todo if x not in self.constants]

    def shown(self, tensor: Tensor) -> None:
        if id(tensor) in self.shown_tensors:
            return
        link = tensor._link
        assert link is not None
        node, look = link.cell.node, link.node
        self.shown_tensors[id(tensor)] = Shown(
            tensor,
            link,
            link.cell,
            node if node.serial < self.first else None,
            look if look.serial < self.first and not look.mark & LIVE else None,
            link.watch,
        )

    def grad_of(self, tensor: Tensor, read: bool) -> None:
        if id(tensor) not in self.grads:
            self.grads[id(tensor)] = Gradient(tensor, tensor._grad, read)

    def drawn(self, stream: Any, key: Node, counter: Node) -> None:
        number = self.drawn_from.get(id(stream), 0)
        self.drawn_from[id(stream)] = number + 1
        self.draws[counter] = Draw(stream, number)
        self.keys[key] = stream

    def entered(self, module: Any) -> None:
        if id(module) not in self.modules:
            self.modules[id(module)] = module, dict(vars(module))

    def steps(self, optimizer: Any) -> None:
        self.optimizers[id(optimizer)] = optimizer

    def repeat(self, effect: Callable[[], None]) -> None:
        self.effects.append(effect)

    def number_in(self, tensor: Tensor, shared: bool = False) -> Any:
        """The number in a tensor of one element, which an optimizer keeps. It is read from the cell by every replay.
        shared: numbers that are equal now, and are asked for in this way, will stay equal (counts of steps)."""
        node = tensor._current()
        value = node.value
        if value is None or node.serial > self.first:
            if value is None:
                self.refuse("the step count of an optimizer is computed")
            return value if value.__class__ is RuntimeNumber else tensor.item()
        plain = settle_number(node).item()
        key = (plain, node.type) if shared else id(link_of(tensor).cell)
        count = self.counts.get(key)
        if count is None:
            count = self.counts[key] = Count(plain, node.type)
            count.number = self.numbers.source(f"{self.numbers.name(count)}.now", plain)
        cell = link_of(tensor).cell
        if not any([known is cell for known in count.cells]):
            count.cells.append(cell)
        return count.number

    def argument(self, value: float) -> RuntimeNumber:
        """A float argument as a run-time number; a replay puts its value into `floats`, at the same place."""
        self.floats.append(value)
        return self.numbers.source(f"{self.numbers.name(self.floats)}[{len(self.floats) - 1}]", value)

    @contextmanager
    def runtime_numbers(self, tables: Sequence[Any]) -> Iterator[None]:
        """Within, the numbers in these dicts are run-time numbers."""
        given: list[tuple[Any, Any, Any, Any]] = []
        for table in tables:
            if not isinstance(table, dict):
                continue
            name = self.numbers.name(table)
            for key, value in table.items():
                number = self._as_number(f"{name}[{key!r}]", value)
                if number is not value:
                    given.append((table, key, value, number))
            self.options.append((table, dict(table)))
        for table, key, _, number in given:
            table[key] = number
        try:
            yield
        finally:
            for table, key, value, number in given:
                now = table.get(key)
                if now is number:
                    table[key] = value
                elif isinstance(now, RuntimeNumber):
                    self.changed.append(Changed(table, key, now, value))
                    table[key] = now.value
            self.options = [(table, dict(table)) for table, _ in self.options]

    def begins(self) -> None:
        """The function made something that later calls find there (the state of an optimizer): the next call is the one
        to keep."""
        self.beginning = True

    def _as_number(self, text: str, value: Any) -> Any:
        if value.__class__ in (int, float):
            return self.numbers.source(text, value)
        if value.__class__ is tuple and any(part.__class__ in (int, float) for part in value):
            return tuple([self._as_number(f"{text}[{i}]", part) for i, part in enumerate(value)])
        return value

    def refuse(self, what: str) -> None:
        """Give the trace up; what the function records from now on runs as ever."""
        if self.reason is not None:
            return
        self.reason = f"{what} ({user_line()})"
        recorder.trace = None
        if self.strict:
            raise CompileError(f"compile(fullgraph=True): the function can't be replayed: {self.reason}")
        if recorder.tape is self.tape:
            recorder.limit = settings.pending_limit
            flush()

    # --- the call --------------------------------------------------------------------------------------------------

    def run(self, function: Callable[..., Any], args: Any, kwargs: Any, tensors: Sequence[Tensor]) -> Any:
        """Call the function. `tensors`: those among its arguments. On return the tape is still pending, unless the trace
        was given up."""
        state = recorder
        flush()
        ever.traced = True
        limit, self.tape, self.tensors = state.limit, state.tape, tensors
        state.limit = float("inf")
        try:
            with noting_writes() as self.written:
                self._take_arguments(tensors)
                state.trace = self
                return function(*args, **kwargs)
        finally:
            state.trace = None
            state.limit = limit
            self.constants.clear()  # whoever holds a node keeps it
            self._give_back()

    def _take_arguments(self, tensors: Sequence[Tensor]) -> None:
        """Make each argument known by its node. One without shared memory gets a node of its own for the time, whose value
        is not there yet, so that nothing looks at it without being noticed."""
        for position, tensor in enumerate(tensors):
            if tensor._link is None:
                node = tensor._node
                tensor._node = identity(node)
                self.replaced.append((tensor, node, tensor._node))
                self.arguments[tensor._node] = position
            else:
                self.arguments[tensor._current()] = position

    def roll_back(self, undo: Sequence[tuple[Any, Node]]) -> None:
        """As if the call had not been. undo: cells, each with the node that it held before."""
        recorder.tape.clear()
        recorder.released.clear()
        real = {within: before for _, before, within in self.replaced}
        for cell, node in reversed(undo):
            cell.overwrite(real.get(node, node), silent=True)
        for tensor, before, _ in self.grads.values():
            tensor._grad = before
        for stream in set(self.keys.values()):
            stream.take(-self.drawn_from[id(stream)])
        for change in reversed(self.changed):
            change.table[change.key] = change.before
        for module, attributes in self.modules.values():
            for name, value in attributes.items():
                if vars(module).get(name) is not value:
                    vars(module)[name] = value

    def _give_back(self) -> None:
        for tensor, before, within in self.replaced:
            if tensor._link is None and tensor._node is within:
                tensor._node = before

