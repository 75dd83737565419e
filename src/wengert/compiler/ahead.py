"""A bound program that runs beside the thread that called it (`runtime/beside.py`).

The memory that it writes is coming from before it is looked at until it is landed: no other thread of Python can meet
content that is half written. What it hands out is coming from the moment it has begun.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from wengert.backends.llvm import pool
from wengert.backends.llvm.bound import READY, Bound
from wengert.backends.llvm.program import lies_below
from wengert.compiler.kept import Kept, hide_all, show_all
from wengert.graph.node import Coming, Node
from wengert.loops.nest import Contract, Repeat
from wengert.runtime.beside import came, forget, land, note
from wengert.runtime.watch import watching

# Multiply-adds for each thread up to which a program runs beside: some 300 microseconds. Who comes to help waits for pieces
# that are under way; where that takes longer than the Python of a step, nothing is gained. (The article's network, two
# threads: batch 16 to 64 gained a tenth; without this limit 128 and 256 take the same time as with it, 512 5 in 100 more.)
MOST_WORK = 16_000_000


class Ahead:
    """The runs of one bound program, one at a time.

    checks   places in the list of arrays of a call, and what their elements must lie below; None where the program never runs
             beside
    inputs   arrays that are being read
    made     what is coming in nodes that were handed out, and the array that each will be
    turn     which of two arrays memory shows that has two; `after`: the same once the run is landed
    is_series  whether the run is several calls, one after the other (`series.py`)
    """

    def __init__(self, bound: Bound, kept: Sequence[Kept], checks: Optional[Sequence[tuple[int, int]]]) -> None:
        self.bound = bound
        self.work = multiply_adds(bound.compiled.program.steps)
        self.kept = kept
        self.checks = checks
        self.inputs: Any = None
        self.made: list[tuple[Coming, Any]] = []
        self.turn = self.after = 0
        self.is_series = False

    def can(self, arrays: Sequence[Any]) -> bool:
        """Whether nothing can go wrong with these arrays, and there is somebody who could run it. Hot."""
        if self.checks is None or watching.by is not None or not pool.has_helpers():
            return False
        if self.work > MOST_WORK * pool.get_num_threads():
            return False
        return all([lies_below(arrays[place], limit) for place, limit in self.checks])

    def can_each(self, calls: Sequence[Sequence[Any]]) -> bool:
        """The same for the arrays of several calls, which have the same types. Hot."""
        checks: Sequence[tuple[int, int]] = self.checks or ()
        together = [(np.concatenate([arrays[place] for arrays in calls], axis=None), limit) for place, limit in checks]
        return self.can(calls[0]) and all([lies_below(array, limit) for array, limit in together])

    def begin(self, arrays: list[Any], rows: Any = None, inputs: Any = None) -> int:
        """As `Bound.begin`. The caller has its turn, and hands nothing out but by `promise`. inputs: what is read in a series
        of runs."""
        self.inputs = (arrays, rows, inputs)
        self.made = []
        self.is_series = rows is not None
        self.after = (self.turn + (len(rows) if self.is_series else 1)) % 2
        self.bound.has_run = False
        note(self)
        hide_all(self.kept)
        status = self.bound.begin(arrays, rows)
        if status != READY:
            self._show(self.turn)
            forget()
            self.inputs = None
        return status

    def turn_over(self, kept: Sequence[Kept]) -> None:
        """After a run that was not beside: the new content of memory with two arrays is in the other one."""
        self.turn = 1 - self.turn
        for one in kept:
            one.show(self.turn)
        self.bound.turn_to(self.turn)

    def promise(self, node: Node, output: int) -> None:
        """Let a node that has just been made, of an array that is being computed, say so. output: its number among the
        program's."""
        coming = Coming(node, output)
        self.made.append((coming, node.value))
        node.value = coming

    def arrive(self, coming: Coming) -> None:
        """Wait for one value. Memory that is written in place is there when all is done, and so is what a series gives."""
        array = next((array for known, array in self.made if known is coming), None)
        if array is not None and not self.is_series and self.bound.arrive(coming.output):
            came(coming, array)
        else:
            land()

    def land(self) -> None:
        """Wait for the run. Where it never began, everything is as it was. May be interrupted and done again."""
        ran = self.bound.finish()
        self._show(self.after if ran else self.turn)
        for coming, array in self.made:
            came(coming, array)
        self.turn = self.after if ran else self.turn
        self.after = self.turn
        self.inputs = None
        self.made = []

    def _show(self, turn: int) -> None:
        show_all(self.kept, turn)
        self.bound.turn_to(turn)


def multiply_adds(steps: Sequence[Any]) -> int:
    """Those of the contractions among steps."""
    found = 0
    for step in steps:
        if isinstance(step, Repeat):
            found += math.prod(step.extents) * multiply_adds(step.steps)
        elif isinstance(step, Contract):
            found += math.prod((*step.batch, *step.rows, *step.columns, *step.summed))
    return found
