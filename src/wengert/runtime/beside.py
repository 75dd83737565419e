"""Programs take turns, and one may run beside the thread that began it.

At the end of a training step nobody asks for a value yet: the program that computes it is begun in a worker of the thread
pool, and Python goes on to record the next step. What it computes is *coming*: nodes show `Coming` instead of an array, so
nothing can take half a result for one. Who asks for a value of it waits until the step that computes this one is done (the
loss is there before the backward pass). The run is landed when anything else is to run, or when memory is lent to the
outside. The thread that waits helps with what is left.

A program is begun so only if nothing in it can go wrong (`Compiled.start`): every error comes where it always came.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from wengert.graph.node import Coming, Node


class _Run(NamedTuple):
    executable: Any
    outputs: list[tuple[Coming, Any]]  # what is coming, and the array that it will be
    past: list[Node]  # nodes that let go of their history then
    inputs: Any  # arrays that are being read


_runs: list[_Run] = []  # at most one


class _Turn:
    """The lock under which executables run, one at a time: with it goes that nothing runs beside."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def __enter__(self) -> None:
        self.lock.acquire()
        if _runs:
            _land()

    def __exit__(self, *exception: object) -> None:
        self.lock.release()


turn = _Turn()


def begun(executable: Any, nodes: Sequence[Node], arrays: Sequence[Any], past: list[Node], inputs: Any) -> None:
    """Note that an executable was started, whose outputs these nodes will have. The caller has its turn."""
    outputs = []
    for output, node in enumerate(nodes):
        coming = node.value = Coming(node, output)
        outputs.append((coming, arrays[output]))
    _runs.append(_Run(executable, outputs, past, inputs))


def land() -> None:
    """Wait for what runs beside, if anything does."""
    if _runs:
        with turn:
            pass


def arrive(coming: Coming) -> None:
    """Wait for a value that is coming."""
    with turn.lock:
        if coming.array is None:
            run = _runs[-1]
            run.executable.arrive(coming.output)
            _hand_out(coming, run.outputs[coming.output][1])


def _hand_out(coming: Coming, array: Any) -> None:
    coming.array = array
    for node in coming.nodes:
        node.value = array


def _land() -> None:
    """Hand out the values of the run. May be interrupted and done again."""
    run = _runs[-1]
    run.executable.finish()
    for coming, array in run.outputs:
        if coming.array is None:
            _hand_out(coming, array)
    for node in run.past:
        node.inputs = ()
    _runs.clear()


def _after_fork_in_child() -> None:
    """The thread that held the lock may not exist any more."""
    turn.lock = threading.RLock()


atexit.register(land)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=land, after_in_child=_after_fork_in_child)
