"""Programs take turns, and one may run beside the thread that began it.

At the end of a training step nobody asks for a value yet: the program that computes it is begun in a worker of the thread
pool, and Python goes on to record the next step. What it computes is *coming*: nodes show `Coming` instead of an array, so
nothing can take half a result for one. Who asks for a value of it waits until the step that computes this one is done (the
loss is there before the backward pass). The run is landed when anything else is to run, or when memory is lent to the
outside. The thread that waits helps with what is left.

A replay of a compiled function begins its program in the same way (`compiler/ahead.py`); memory that it writes in place is
coming too.

A program is begun so only if nothing in it can go wrong (`Compiled.prepare`): every error comes where it always came. It
is noted before it is begun, so that Ctrl-C cannot lose one that is writing to memory.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from wengert.graph.node import Coming, Node


class Run(Protocol):
    """Something that was begun, or is about to be."""

    def land(self) -> None:
        """Wait for it, and hand out what it made. May be interrupted and done again."""

    def arrive(self, coming: Coming) -> None:
        """Wait for a value of it, and hand that out."""


class _Flushed(NamedTuple):
    """A flush that was begun. Ctrl-C may have come before it was: then its nodes are pending, as they were."""

    executable: Any
    outputs: list[tuple[Coming, Any]]  # what is coming, and the array that it will be
    past: list[Node]  # nodes that let go of their history then
    inputs: Any  # arrays that are being read

    def land(self) -> None:
        if self.executable.finish():
            for coming, array in self.outputs:
                came(coming, array)
            for node in self.past:
                node.inputs = ()

    def arrive(self, coming: Coming) -> None:
        self.executable.arrive(coming.output)
        came(coming, self.outputs[coming.output][1])


_runs: list[Run] = []  # at most one


class _Turn:
    """The lock under which executables run, one at a time: with it goes that nothing runs beside."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def __enter__(self) -> None:
        self.lock.acquire()
        if _runs:
            try:
                _land()
            except BaseException:
                self.lock.release()
                raise

    def __exit__(self, *exception: object) -> None:
        self.lock.release()


class _Alone:
    """The lock of `turn`, without waiting for what runs beside: to prepare a run. Who has it lands before it runs."""

    def __enter__(self) -> None:
        turn.lock.acquire()

    def __exit__(self, *exception: object) -> None:
        turn.lock.release()


turn = _Turn()
alone = _Alone()


def begin(executable: Any, nodes: Sequence[Node], arrays: Sequence[Any], past: list[Node], inputs: Any) -> bool:
    """Begin what an executable has prepared, so that these nodes will have these arrays; False, and nothing done, where
    there is nobody to run it. The caller has its turn."""
    outputs = [(Coming(node, output), arrays[output]) for output, node in enumerate(nodes)]
    note(_Flushed(executable, outputs, past, inputs))
    try:
        if not executable.start():
            forget()
            return False
        for node, (coming, _) in zip(nodes, outputs):
            node.value = coming
    except BaseException:
        land()
        raise
    return True


def note(run: Run) -> None:
    """Note a run that is about to begin. The caller has its turn."""
    _runs.append(run)


def forget() -> None:
    """The run that was noted last has not begun, or has landed."""
    _runs.clear()


def came(coming: Coming, array: Any) -> None:
    """What was coming is there: this array. May be interrupted and done again."""
    if coming.array is None:
        coming.array = array  # from here on, whoever still has `coming` finds it
        for node in coming.nodes:
            node.value = array


def land() -> None:
    """Wait for what runs beside, if anything does."""
    if _runs:
        with turn:
            pass


def arrive(coming: Coming) -> None:
    """Wait for a value that is coming."""
    with turn.lock:
        if coming.array is None:
            _runs[-1].arrive(coming)


def _land() -> None:
    """Hand out the values of the run. May be interrupted and done again."""
    _runs[-1].land()
    forget()


def _after_fork_in_child() -> None:
    """The thread that held the lock may not exist any more."""
    turn.lock = threading.RLock()


atexit.register(land)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=land, after_in_child=_after_fork_in_child)
