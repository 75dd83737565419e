"""A program bound to memory that stays: what a replay calls again and again.

Pointers of parameters, state and numbers are in the program's table once and for all. Before each call the code itself
looks whether the objects of Python around them are still what they were when they were bound: *words*, pairs of an
address and what should stand there (the node of a cell, a count of references). Then it reads the data pointers of the
arrays that differ from call to call out of a list, and runs. All of it is one call of machine code.

Objects of CPython are read at addresses that are measured, not assumed (`slot`), and only while the interpreter's lock is
held; a program that runs for long gives the lock back meanwhile.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Optional

import numpy as np

from wengert.backends.llvm import jit, product
from wengert.backends.llvm.program import Compiled, entries
from wengert.backends.llvm.start import TEXT
from wengert.loops.arena import donations, made_by_call
from wengert.loops.nest import Call

# What `call` gives; 0 and up: the number of an array that is not row-major.
READY, FAILED, CHANGED, _UNSTARTED = -1, -2, -3, -4


class Bound:
    """One program with its memory. Calls must come one at a time."""

    def __init__(self, compiled: Compiled, moving: Sequence[int], made: Sequence[int], long: bool) -> None:
        """moving: input positions, made: output positions whose arrays come with each call, in this order; long: whether
        other threads of Python should run meanwhile."""
        program = compiled.program
        self.compiled = compiled
        places = [*moving, *[program.outputs[at][0] for at in made]]
        self._places: Any = entries(places)
        self._control = (ctypes.c_int64 * 13)()
        self._words = np.zeros((0, 2), np.int64)
        self._moving = list(moving)
        self._made = [program.outputs[at][0] for at in made]
        # A program with calls of NumPy definitions in it runs segment by segment, on these arrays by buffer.
        self._is_whole = len(compiled.segments) == 1
        self._arrays: dict[int, Any] = {}
        self.take_turns([])
        segment = compiled.code.address("segment0") if self._is_whole else 0
        places_address = self._places.ctypes.data
        self._control[3:9] = [compiled._buffers, places_address, 0 if long else segment, 0, 0, segment]
        self._start, self._begin, run, briefly, self._enter_row = _functions()
        self._run = run if long and self._is_whole else None
        self._run_here = run if long else briefly
        self._address = ctypes.addressof(self._control)
        self._failure = ctypes.c_uint8.from_address(compiled._state.ctypes.data)
        nothing: list[Any] = []
        no_places = entries(())
        compiled._enter(id(nothing), compiled._buffers, no_places.ctypes.data)  # the code's own way to the table

    def bind(self, buffer: int, array: Any) -> None:
        """The memory of a buffer, from now on. The caller keeps the array."""
        self.compiled._table[buffer + 1] = array.ctypes.data
        if not self._is_whole:
            self._arrays[buffer] = array

    def take_turns(self, pairs: Sequence[tuple[int, Any, Any]]) -> None:
        """Buffers with two memories each: the first one now; see `turn_to`. The caller keeps them."""
        self._turning = np.array([pair[0] + 1 for pair in pairs], np.int64)
        self._turns = [
            np.array([first.ctypes.data for _, first, _ in pairs], np.uint64),
            np.array([second.ctypes.data for _, _, second in pairs], np.uint64),
        ]
        self.compiled._table[self._turning] = self._turns[0]
        self._pairs = [] if self._is_whole else [(buffer, [first, second]) for buffer, first, second in pairs]
        self._arrays.update({buffer: both[0] for buffer, both in self._pairs})

    def turn_to(self, turn: int) -> None:
        """Let every buffer with two memories have its first one (0) or its second one (1)."""
        if self._turning.size:
            self.compiled._table[self._turning] = self._turns[turn]
        for buffer, both in self._pairs:
            self._arrays[buffer] = both[turn]

    def watch(self, words: Sequence[tuple[int, int]]) -> None:
        """What should stand at addresses for a call to be right."""
        self._words = np.array(words, np.int64).reshape(-1, 2)
        self._control[:2] = [self._words.ctypes.data, len(words)]

    def call(self, arrays: list[Any]) -> int:
        """Run on these arrays. READY; FAILED on an index out of bounds; CHANGED, or the number of an array that is not
        row-major, and then nothing has been done."""
        control = self._control
        control[2] = id(arrays)
        control[6] = product.scratch()
        control[7] = control[9] = 0
        status: int = self._start(self._address)
        if status != READY:
            return status
        if self._run is not None:
            self._run(self._address, control[6])
        elif not self._is_whole:
            return self._run_by_segments(arrays)
        if self._failure.value:
            self._failure.value = 0
            return FAILED
        return READY

    @property
    def needed(self) -> Optional[dict[int, int]]:
        """What inputs must lie below for `begin`; None where it should not be called."""
        return self.compiled.needed if self._is_whole else None

    def begin(self, arrays: list[Any], rows: Any = None) -> int:
        """As `call`, but with READY the program may only have begun, in a worker beside the caller (`job.py`), who has to
        `finish` it. Nothing in it may be able to fail. rows: of a series of runs, one after the other, all of which make
        what they make in the same arrays; the caller keeps them."""
        control = self._control
        control[2] = id(arrays)
        control[6] = product.scratch()
        control[7] = control[9] = 0
        if rows is not None:
            control[9:13] = [len(rows), rows.ctypes.data, rows.shape[1], self._series_places.ctypes.data]
        self.compiled.hold_scratch()
        status: int = self._begin(self._address)
        if status == _UNSTARTED:  # there is no worker
            self._run_here(self._address, control[6])
            return READY
        return status

    def rows(self, calls: Sequence[list[Any]], turn: int) -> Any:
        """The pointers for a series of runs on these lists of arrays that move; None where one is not row-major. turn: of the
        first run."""
        flat = [array for arrays in calls for array in arrays]
        found = np.empty((len(calls), len(self._moving)), np.uint64)
        places = entries(range(len(flat)))
        if self._enter_row(id(flat), found.ctypes.data, places.ctypes.data) != READY:
            return None
        if self._turning.size:
            turns = self._turns[turn], self._turns[1 - turn]
            found = np.concatenate([found, [turns[number % 2] for number in range(len(calls))]], axis=1)
        self._series_places = np.concatenate([np.array(self._moving, np.int64), self._turning - 1]) * 8
        return found

    def arrive(self, output: int) -> bool:
        """Wait for one output of what was begun; False, and nothing done, where only all can be waited for."""
        if not self.compiled.is_plain:
            return False
        self.compiled.arrive(output)
        return True

    def finish(self) -> bool:
        """Wait for what was begun: whether it ran. May be called again."""
        self.compiled.finish()
        return bool(self._control[7])

    def _run_by_segments(self, arrays: list[Any]) -> int:
        """Code and calls of NumPy definitions by turns."""
        compiled = self.compiled
        bound = {**self._arrays, **dict(zip((*self._moving, *self._made), arrays))}
        values = [bound.get(buffer) for buffer in range(compiled.program.inputs)]
        made = {buffer: array for buffer, array in bound.items() if buffer >= compiled.program.inputs}
        for function, segment in zip(compiled._functions, compiled.segments):
            if function is not None:
                function(compiled._buffers, product.scratch())
                if self._failure.value:
                    self._failure.value = 0
                    return FAILED
            else:
                try:
                    compiled._call(segment[0], values, made)
                except Exception:  # noqa: BLE001  the interpreter will raise it with the user's line
                    return FAILED
        self._control[7] = 1
        return READY

    @property
    def has_run(self) -> bool:
        """Whether the last call ran to its end, also where an interrupt (Ctrl-C) came before it could say so."""
        return bool(self._control[7]) and not self._failure.value

    @has_run.setter
    def has_run(self, value: bool) -> None:
        self._control[7] = value


def can_bind(compiled: Any) -> bool:
    """Whether a program can be bound: each output has a buffer of its own that code writes."""
    if not isinstance(compiled, Compiled) or sys.implementation.name != "cpython" or without_lock():
        return False
    p = compiled.program
    if any([isinstance(output[0], tuple) for output in p.outputs]):
        return False
    outputs = [output[0] for output in p.outputs]
    first = p.inputs + len(p.constants)
    plain = any([not isinstance(step, Call) for step in p.steps])
    own = len(set(outputs)) == len(outputs) and all([b >= first and not made_by_call(p, b) for b in outputs])
    return plain and own


def without_lock() -> bool:
    enabled = getattr(sys, "_is_gil_enabled", None)
    return enabled is not None and not enabled()


def in_place(compiled: Compiled, wanted: dict[int, int]) -> set[int]:
    """Of the pairs (output, input), those whose output can be written over its input: the outputs."""
    program = compiled.program
    buffers = {program.outputs[output][0]: source for output, source in wanted.items()}
    found = donations(program, buffers)
    return {output for output in wanted if program.outputs[output][0] in found}


@cache
def slot(kind: type, name: str) -> Optional[int]:
    """How far into an object of a class with slots an attribute lies; None if that can't be seen."""
    probe: Any = object.__new__(kind)
    mark = object()
    setattr(probe, name, mark)
    for offset in range(16, 256, 8):
        if offset >= kind.__basicsize__:
            return None
        if ctypes.c_int64.from_address(id(probe) + offset).value == id(mark):
            return offset
    return None


def word(address: int) -> int:
    """What stands at an address now."""
    return ctypes.c_int64.from_address(address).value


@lru_cache(maxsize=1)
def _functions() -> tuple[Any, Any, Any, Any, Any]:
    """With the interpreter's lock: what looks and runs, and what looks and begins. What only runs, without the lock and with
    it. What reads a row of pointers."""
    product.load()
    code = jit.Loaded(jit.compile_object(TEXT))
    start = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(code.address("wengert_start"))
    begin = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(code.address("wengert_begin"))
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(code.address("wengert_run"))
    briefly = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(code.address("wengert_run"))
    row = ctypes.PYFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 3)(code.address("wengert_row"))
    start._code = code  # type: ignore[attr-defined]
    return start, begin, run, briefly, row
