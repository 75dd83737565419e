"""Memory that wengert shares with NumPy: lent to it (`Tensor.numpy`) or borrowed from it (`from_numpy`).

Work here is delayed, and the outside may write at any moment, so the two meet by these rules:

- Nothing but a tensor's own link holds a node whose value is shared memory (its mark is LIVE). What reads a tensor gets
  a node of its own: a copy of little memory (`cell.LITTLE`); else what reads it runs before control returns to the user
  (`settle`), and what is still held afterwards, by a tensor or by a history, owns its memory.
- A tensor that a derivative goes through keeps one node for as long as its content stays the same, since `grad` and
  hooks name it. It is a copy; every read compares it with the memory (`follow_outside`).
- What tensors write is copied into the shared memory at once.

Sharing ends when nobody outside holds an array of this memory any more; from then on work is delayed as ever.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any, Protocol

import numpy as np

from wengert.graph.node import LIVE, Node
from wengert.graph.record import literal, recorder
from wengert.primitives.views import expand
from wengert.runtime.flush import computed, flush, value_of
from wengert.tensors.cell import Cell, Link, derive


class Shared(Protocol):
    """Memory that the outside can write to. `array` is the inside's own array of it."""

    array: Any

    def is_held(self) -> bool:
        """Whether the outside still holds an array of this memory."""
        ...

    def hand_out(self) -> Any:
        """A further array of this memory for the outside."""
        ...


class _Memory:
    """An array as NumPy's protocol for C shows it. What is made of it holds on to a capsule, and the capsule to the array."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    @property
    def __array_struct__(self) -> Any:
        return self.array.__array_struct__


def _another(array: Any) -> Any:
    """An array of the same memory that refers to this very array, as do all that are made of it, and not to what owns
    the memory."""
    made = np.asarray(_Memory(array))
    return made if made.dtype == array.dtype else made.view(array.dtype)  # the protocol does not know bfloat16


class Lent:
    """Memory of ours that NumPy may write to. Everything that is handed out refers to one array, which is for nothing
    else: by its count of references it is known whether any is left."""

    __slots__ = ("array", "_out")

    def __init__(self, memory: Any) -> None:
        self.array = memory.view()
        self._out = memory.view()

    def hand_out(self) -> Any:
        return _another(self._out)

    def is_held(self) -> bool:
        return _references is None or _references(self._out) > _ONE_LENT


class Borrowed:
    """An array of the outside's that a tensor shows.

    Whether somebody out there still holds it is read off reference counts. They can only be too high (a debugger, a
    memory map), which keeps the memory shared for longer than needed.
    """

    __slots__ = ("array", "_given")

    def __init__(self, given: Any) -> None:
        self._given = given
        self.array = _another(given)

    def hand_out(self) -> Any:
        return self._given.view()

    def is_held(self) -> bool:
        if _references is None or _references(self._given) > _ONE:
            return True
        base = self._given.base
        if base is None:
            return False
        return type(base) is not np.ndarray or base.base is not None or _references(base) > _ONE_AND_LOCAL


class BetweenProcesses(Borrowed):
    """Memory that child processes share: anybody may write to it for as long as it lives."""

    __slots__ = ()

    def is_held(self) -> bool:
        return True


_references = getattr(sys, "getrefcount", None)
_ONE_LENT = _ONE = _ONE_AND_LOCAL = 0


def _calibrate() -> tuple[int, int, int]:
    """The counts that `is_held` reads when nobody outside holds the memory."""
    if _references is None:
        return 0, 0, 0
    lent, probe = Lent(np.zeros(2)), Borrowed(np.zeros(2)[1:])
    alone = _references(probe._given)
    base = probe._given.base
    return _references(lent._out), alone, _references(base)


_ONE_LENT, _ONE, _ONE_AND_LOCAL = _calibrate()


def live_literal(array: Any, type: Any) -> Node:
    """A node whose value is shared memory."""
    node = literal(array, type)
    node.mark = LIVE
    return node


def array_behind(link: Link) -> Any:
    """The shared memory as this link looks at it."""
    assert link.cell.exposed is not None
    return seen_through(link, link.cell.exposed.array)


def seen_through(link: Link, array: Any) -> Any:
    """An array of a link's whole memory, as the link looks at it."""
    views = []
    while link.view is not None:
        views.append(link.view)
        link = link.view.parent
    for view in reversed(views):
        seen = view.primitive.evaluate(array, **view.named)
        if array.flags.writeable and not seen.flags.writeable and view.primitive is not expand:
            seen.flags.writeable = True  # NumPy would not have a diagonal written to; PyTorch does not mind
        array = seen
    return array


def follow_outside(link: Link) -> None:
    """Take in what the outside wrote to memory of which this link's node is a copy."""
    cell = link.cell
    shared = cell.exposed if cell.is_exposed() else None
    copied = shared is not None and not link.node.mark & LIVE
    if copied and array_behind(link).tobytes() != computed(link.node).tobytes():
        if cell.node.mark & LIVE:
            cell.version += 1
        else:
            cell.take_in(shared.array)  # type: ignore[union-attr]
    if link.version != cell.version:
        derive(link)


def now_whole(cell: Cell) -> Any:
    """A copy of all of the shared memory."""
    assert cell.exposed is not None
    return np.array(cell.exposed.array, order="C")


def settle() -> None:
    """Operations read shared memory: run them before the outside writes to it, and give what is still held memory of
    its own. Inside a trace nothing runs yet; the first operation after it settles."""
    if recorder.limit == float("inf"):
        return
    recorder.exposed = False
    pending = [weakref.ref(node) for node in recorder.tape]
    flush()
    for reference in pending:
        node = reference()
        if node is not None and not node.mark & LIVE:
            node.value = _own(node.value)


def _own(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple([_own(part) for part in value])
    return value.copy() if isinstance(value, np.ndarray) and value.base is not None else value


def write_outside(cell: Cell, content: Node, link: Link, part: Node) -> None:
    """Put what a tensor wrote into the shared memory: all of it, `content`, or only `part`, what was written through
    `link`, where no derivative is concerned."""
    assert cell.exposed is not None
    memory = cell.exposed.array
    if not memory.flags.writeable:  # nobody could see the write
        cell.exposed = None
        return
    target = memory if content.tracked else array_behind(link)
    if content.tracked or not (target.flags.writeable and np.may_share_memory(target, memory)):
        np.copyto(memory, value_of(content))
    else:
        np.copyto(target, value_of(part))
    if not content.tracked:
        cell.node = live_literal(memory, content.type)
