"""The fast way of a replay: a plan bound to its memory, one call of machine code for each call of the function.

Parameters, state and numbers stay where they are, and the new content of memory is written over the old, or into a second
array that takes its turn. That is allowed while nothing but the cell refers to the old content; the code looks at that
before it starts (`backends/llvm/bound.py`). When something has changed, the plan is bound anew, which takes tens of
microseconds, and content that somebody else refers to is left to them.

Where nothing in the program can go wrong it only begins here, and runs while Python goes on (`ahead.py`).

Hot path. Budget: 5 microseconds a call on top of the code, with 25 arrays and one result.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from wengert.backends.llvm.bound import CHANGED, FAILED, READY, Bound, can_bind, in_place, slot, word
from wengert.backends.llvm.program import lies_below
from wengert.compiler.ahead import Ahead
from wengert.compiler.kept import ALL, Kept
from wengert.compiler.plan import UNSTORED, Argument, Computed, Constant, Counter, Found, Key, Look, Made, Memory, Number
from wengert.compiler.replay import Moved, Replay, Shared, drawn, not_stored, resolve, results_of
from wengert.compiler.series import Series
from wengert.errors import unreachable
from wengert.graph.node import RELEASED, Coming, Node
from wengert.graph.record import literal, next_serial, settle_number, tracking
from wengert.primitives.control import literal as literal_primitive
from wengert.runtime.beside import land
from wengert.runtime.flush import computed
from wengert.tensors.cell import Cell, Link
from wengert.tensors.tensor import Tensor, wrap, write

references = getattr(sys, "getrefcount", None)
# Work of a program, in bytes and operations, from which it lets other threads of Python run meanwhile.
LONG = 2_000_000

_SLOTS = ((Tensor, "_link"), (Cell, "node"), (Cell, "exposed"), (Link, "watch"))


def fast_replay(replay: Replay) -> Optional[FastReplay]:
    """The fast form of a replay whose code is ready, if it has one."""
    if references is None or not can_bind(replay.entry.compiled):
        return None
    if any([slot(kind, name) is None for kind, name in _SLOTS]):
        return None
    outputs = [output for target, output in replay.plan.writes if isinstance(target, Memory)]
    taken = [at for at in outputs if outputs.count(at) > 1 or at in _shown(replay)]
    return None if taken else FastReplay(replay)


def _shown(replay: Replay) -> set[int]:
    """The outputs that are handed out."""
    found = {result.output for result in replay.plan.results if isinstance(result, Made)}
    found.update([output for _, output in replay.plan.grads if output is not None and output != UNSTORED])
    return found | {output for target, output in replay.plan.writes if isinstance(target, Argument)}


class FastReplay:
    """A replay bound to its memory; see the head of this file."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.plan = plan = replay.plan
        self.evaluate = replay.evaluate
        compiled = replay.entry.compiled
        self.program = compiled.program  # type: ignore[union-attr]
        at: dict[int, int] = {
            source.number: i for i, source in enumerate(plan.inputs) if isinstance(source, Memory)
        }
        writes = {output: target.number for target, output in plan.writes if isinstance(target, Memory)}
        wanted = {output: at[number] for output, number in writes.items() if number in at}
        self.over = in_place(compiled, wanted)  # type: ignore[arg-type]
        self.kept = [
            Kept(plan.memories[number], [at[number]] if number in at else [], output) for output, number in writes.items()
        ]
        written = set(writes.values())
        self.read = [(plan.memories[number], i) for number, i in at.items() if number not in written]
        self.moving = [(i, source) for i, source in enumerate(plan.inputs) if isinstance(source, (Argument, Look))]
        self.sources: list[Any] = [source for _, source in self.moving]
        self.made = sorted(_shown(replay))
        self.types = [plan.graph.array_at(plan.graph.outputs[output]) for output in self.made]
        self.last: list[Any] = [None] * len(self.made)
        work = sum([t.size for t in (*plan.graph.inputs, *[s.type for s in plan.graph.steps]) if hasattr(t, "size")])
        self.bound = Bound(compiled, [i for i, _ in self.moving], self.made, work > LONG)  # type: ignore[arg-type]
        self.ahead = Ahead(self.bound, self.kept, self._checks())
        self._bind_constants()
        self.is_bound = False
        self.cells: set[int] = set()
        self.swapping: list[Kept] = []
        self.grads: list[tuple[Any, Any, Any]] = [(target, output, None) for target, output in plan.grads]
        self.owners = [found for found in plan.memories if found.owner is not None]
        self.single = self._single()
        self.series = Series(self)

    def _checks(self) -> Optional[list[tuple[int, int]]]:
        """What must hold of the arrays of a call for the program to run beside; None where it never does."""
        needed = self.bound.needed
        places = {i: place for place, (i, _) in enumerate(self.moving)}
        if needed is None or any([isinstance(target, Argument) for target, _ in self.plan.writes]):
            return None
        checks = []
        for i, limit in needed.items():
            source = self.plan.inputs[i]
            if i in places:
                checks.append((places[i], limit))
            elif not isinstance(source, Constant) or not lies_below(np.ascontiguousarray(source.value), limit):
                return None
        return checks

    def _single(self) -> Optional[tuple[Any, Any, bool]]:
        """Where all that a call hands out is one tensor: primitive and parameters of its node, and whether it has a history
        that a backward pass went through."""
        plan = self.plan
        result = plan.results[0] if plan.structure.kind is None else None
        if not isinstance(result, Made) or len(self.made) != 1 or plan.changed:
            return None
        return (literal_primitive, (), False) if result.history is None else (*result.history, True)

    def _bind_constants(self) -> None:
        """Memory of what is the same in every call, and of numbers and counters, which are written before each."""
        self.scalars: list[tuple[Any, Any]] = []
        self.constants: list[Any] = []
        for i, (source, type) in enumerate(zip(self.plan.inputs, self.plan.graph.inputs)):
            if isinstance(source, Constant):
                array = np.asarray(source.value, order="C")  # whose number of dimensions stays, also where it is none
            elif isinstance(source, (Number, Key, Counter)):
                array = np.zeros((), type.dtype.numpy)  # type: ignore[union-attr]
                self.scalars.append((source, array))
            else:
                continue
            self.constants.append(array)
            self.bound.bind(i, array)
        lines = {line: place for place, line in enumerate(self.replay.lines)}
        self.numbered = [(lines[source.line], array) for source, array in self.scalars if isinstance(source, Number)]
        self.random = [(source, array) for source, array in self.scalars if not isinstance(source, Number)]
        self.counted = [(count, lines[count.after]) for count in self.plan.counts]
        self.written: Optional[tuple[Any, ...]] = None

    # --- a call ------------------------------------------------------------------------------------------------------

    def run(self, tensors: Sequence[Tensor], floats: Sequence[float]) -> Any:
        """As `Replay.run`. What can be done before the last run is landed is done first."""
        plan = self.plan
        if self.owners or plan.read_grads:
            self.replay.check(tensors)
        arrays = []
        lent = False  # whether the outside can write to one of them
        for source in self.sources:
            tensor = tensors[source.position] if source.__class__ is Argument else source.tensor
            if tensor._link is None:
                node = tensor._node
            else:
                node = self._linked(tensor)
                lent = lent or tensor._link.cell.exposed is not None
            value = node.value
            arrays.append(value if value.__class__ is np.ndarray else computed(node))
        if floats:
            plan.floats[:] = floats
        ahead = not lent and self.ahead.can(arrays)
        land()  # from here on memory is looked at and written
        if not self.is_bound:
            self._bind(tensors)
        numbers = self.evaluate()
        if numbers is None:
            self._bind(tensors)
            numbers = self.evaluate()
            if numbers is None:
                raise Moved("a number that the function branches on has changed")
        if numbers != self.written or 0.0 in numbers:  # zeros of either sign are equal
            self._write_numbers(numbers)
        if self.random:
            draws = [stream.take(count) for stream, count in plan.streams]
            for source, array in self.random:
                array[()] = drawn(source, draws)
        made = self._fresh()
        self.bound.has_run = False
        try:
            status = self.ahead.begin(arrays + made) if ahead else self.bound.call(arrays + made)
            if status != READY:
                ahead = False
                numbers = self._again(status, tensors, arrays, made, numbers)
        except (Moved, Shared):
            for stream, count in plan.streams:
                stream.take(-count)
            raise
        except KeyboardInterrupt:
            land()
            if self.bound.has_run:  # memory is written: the step is done, and so must be what goes with it
                self._finish(tensors, made, numbers, ahead)
            raise
        return self._finish(tensors, made, numbers, ahead)

    def _linked(self, tensor: Tensor) -> Node:
        """The node of an argument that may share memory.

        Raises: Moved when that is memory which the function finds by itself.
        """
        node = tensor._current()
        assert tensor._link is not None
        if id(tensor._link.cell) in self.cells:
            raise Moved("an argument is memory that the function finds by itself")
        return node

    def _write_numbers(self, numbers: tuple[Any, ...]) -> None:
        for place, array in self.numbered:
            array[()] = numbers[place]
        self.written = numbers

    def _fresh(self) -> list[Any]:
        """Arrays for what is handed out: those of the last call where nobody has them any more."""
        last = self.last
        for i, type in enumerate(self.types):
            if last[i] is None or references(last[i]) != _ALONE:  # type: ignore[misc]
                last[i] = np.empty(type.shape, type.dtype.numpy)
        return last.copy()

    def _again(
        self, status: int, tensors: Sequence[Tensor], arrays: list[Any], made: list[Any], numbers: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """After a call that did nothing: bind anew, or give it row-major arrays.

        Raises: Moved; IndexError and the like when the call failed on the data.
        """
        for _ in range(3):
            if status == CHANGED:
                self._bind(tensors)
                numbers = self.evaluate()
                if numbers is None:
                    raise Moved("a number that the function branches on has changed")
                self._write_numbers(numbers)
            elif status == FAILED:
                self._fail(arrays)
            else:
                arrays = [np.require(array, requirements=("C_CONTIGUOUS", "ALIGNED")) for array in arrays]
            status = self.bound.call(arrays + made)
            if status == READY:
                return numbers
        raise Moved("memory that the function changes is being looked at")

    def _fail(self, arrays: list[Any]) -> None:
        values: list[Any] = [None] * len(self.plan.inputs)
        for (i, _), array in zip(self.moving, arrays):
            values[i] = array
        for i, source in enumerate(self.plan.inputs):
            if isinstance(source, Memory):
                values[i] = computed(self.plan.memories[source.number].cell.node)
        rest = iter(self.constants)
        values = [next(rest) if value is None else value for value in values]
        self.replay.entry.compiled._raise(values)  # type: ignore[union-attr]
        unreachable("the compiled program found an index out of bounds and the interpreter did not")

    def _finish(self, tensors: Sequence[Tensor], made: list[Any], numbers: tuple[Any, ...], ahead: bool) -> Any:
        plan = self.plan
        if self.swapping and not ahead:
            self.ahead.turn_over(self.swapping)
        for count, place in self.counted:
            count.array[()] = numbers[place]
            count.now = count.array.item()
        if self.single is not None:
            primitive, params, tracked = self.single
            node = Node(primitive, (), params, self.types[0], tracked, next_serial(), None)
            node.value = made[0]
            if ahead:
                self.ahead.promise(node, self.made[0])
            node.mark = RELEASED if tracked else 0
            if self.grads:
                self._set_gradients(tensors, {})
            for effect in plan.effects:
                effect()
            return wrap(node)
        nodes: dict[int, Node] = {}
        for output, array, type in zip(self.made, made, self.types):
            node = nodes[output] = literal(array, type)
            if ahead:
                self.ahead.promise(node, output)
        for target, output in plan.writes:
            if target.__class__ is Argument:
                with tracking(False):
                    write(tensors[target.position], nodes[output])
        if self.grads:
            self._set_gradients(tensors, nodes)
        for change in plan.changed:
            change.table[change.key] = numbers[self.replay.lines.index(change.number.line)]
        for effect in plan.effects:
            effect()
        results = plan.results
        computed_numbers = (
            dict(zip(self.replay.lines, numbers)) if any([isinstance(x, Computed) for x in results]) else {}
        )
        return results_of(plan, tensors, nodes, computed_numbers)

    def _set_gradients(self, tensors: Sequence[Tensor], nodes: dict[int, Node]) -> None:
        for i, (target, output, present) in enumerate(self.grads):
            tensor = target if target.__class__ is not Argument else resolve(target, tensors)
            if output is None:
                tensor._grad = None
            elif output == UNSTORED:
                if present is None or present._link is not None:
                    present = not_stored(tensor)
                    self.grads[i] = (target, output, present)
                tensor._grad = present
            else:
                tensor._grad = wrap(nodes[output])

    # --- binding -----------------------------------------------------------------------------------------------------

    def _bind(self, tensors: Sequence[Tensor]) -> None:
        """Bind to the memory that is there now, and watch it.

        Raises: Moved, Shared.
        """
        self.is_bound = False
        words, objects = self._find(tensors)
        # References are counted only now, when no local name holds one.
        self.bound.watch([*words, *[(address, word(address)) for address in objects]])
        self.cells = self.replay.cells
        self.written = None
        self.is_bound = True

    def _find(self, tensors: Sequence[Tensor]) -> tuple[list[tuple[int, int]], list[int]]:
        """Bind every buffer. What should stand where, and the objects that should have no more references than now."""
        replay, plan = self.replay, self.plan
        replay.check(tensors)
        words: list[tuple[int, int]] = []
        objects: list[int] = []
        for found in plan.memories:
            if found.cell.exposed is not None and found.cell.is_exposed():
                raise Shared
            words += watched(found)
        self.held: list[Any] = []
        for found, buffer in self.read:
            node = found.cell.node
            array = np.require(computed(node), requirements=("C_CONTIGUOUS", "ALIGNED"))
            self.held += (node, array)
            self.bound.bind(buffer, array)
            words.append((id(found.cell) + _at(Cell, "node"), id(node)))
        pairs: list[tuple[int, Any, Any]] = []
        for kept in self.kept:
            self._own(kept)
            if kept.spare:
                pairs += [(buffer, *kept.arrays) for buffer in kept.inputs]
                pairs.append((self.program.outputs[kept.output][0], *reversed(kept.arrays)))
        self.swapping = [kept for kept in self.kept if kept.spare]
        self.bound.take_turns(pairs)
        self.ahead.turn = 0
        pairs.clear()
        replay.numbers()  # refreshes the counts
        for count in plan.counts:
            count.array = count.type.dtype.array(count.now)
            count.node = literal(count.array, count.type)
            for cell in count.cells:
                cell.overwrite(count.node)
                words.append((id(cell) + _at(Cell, "node"), id(count.node)))
            objects += (id(count.node), id(count.array))
        for kept in self.kept:
            words.append((id(kept.found.cell) + _at(Cell, "node"), id(kept.node)))
            objects += (id(kept.node), *map(id, kept.arrays))
        return words, objects

    def _own(self, kept: Kept) -> None:
        """Make the memory's content something that only its cell and this plan refer to."""
        found = kept.found
        cell = found.cell
        computed(cell.node)
        kept.let_go()
        for tensor, link, watch in found.tensors:
            if link.view is None:  # a leaf is shown anew when somebody looks
                tensor._node = link.node = cell.node
                link.version = cell.version if watch is None else -1
        showing = sum([(t._node is cell.node) + (link.node is cell.node) for t, link, _ in found.tensors])
        value = cell.node.value
        plain = value.__class__ is np.ndarray and value.flags.owndata and value.flags.c_contiguous and value.flags.writeable
        alone = references(cell.node) == _OF_NODE + showing and references(value) == _OF_VALUE  # type: ignore[misc]
        if not (plain and alone):
            node = literal(np.array(settle_number(cell.node), order="C"), cell.node.type)
            cell.overwrite(node)
            for tensor, link, watch in found.tensors:
                if link.view is None:
                    tensor._node = link.node = node
                    link.version = cell.version if watch is None else -1
        kept.node = cell.node
        array = kept.node.value
        kept.arrays = [array]
        if kept.output in self.over:
            for buffer in (*kept.inputs, self.program.outputs[kept.output][0]):
                self.bound.bind(buffer, array)
        else:
            kept.spare = [np.empty_like(array)]
            kept.arrays.append(kept.spare[0])
        if self.ahead.checks is not None:
            kept.aside = [Coming(kept.node, ALL)]


def watched(found: Found) -> list[tuple[int, int]]:
    """What should stand where for the tensors to show the same memory, demand gradients as before, and share nothing with
    NumPy."""
    words = [(id(found.cell) + _at(Cell, "exposed"), id(found.cell.exposed))]
    for tensor, link, watch in found.tensors:
        words.append((id(tensor) + _at(Tensor, "_link"), id(link)))
        words.append((id(link) + _at(Link, "watch"), id(watch)))
    return words


def _at(kind: type, name: str) -> int:
    offset = slot(kind, name)
    assert offset is not None
    return offset


def _calibrate() -> tuple[int, int, int]:
    """Counts of references: of an array that only a list holds, of a node that only a cell holds, and of its array that a
    local name holds too."""
    if references is None:
        return 0, 0, 0
    last = [np.zeros(1)]
    cell = Cell(literal(np.zeros(1), None))  # type: ignore[arg-type]
    of_node = references(cell.node)
    value = cell.node.value
    return references(last[0]), of_node, references(value)


_ALONE, _OF_NODE, _OF_VALUE = _calibrate()
