"""Which values a program's inputs must have for every index in it to be within its bounds.

An index that comes from data is checked where it is used (the operation "bounded"). Where all of them come from inputs,
the same can be found out before the program starts: then nothing can go wrong once it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np

from wengert.dtypes import BOOL, INTEGER, DType
from wengert.loops.nest import Add, Apply, Call, Contract, Load, Nest, Number, Program, Repeat, Store, Value

# Lowest and highest possible value of a whole number (also one that a floating type holds), or of a truth value 0 or 1.
_Range = tuple[int, int]


def needed(program: Program) -> Optional[dict[int, int]]:
    """Input -> the number that its elements, none below 0, must stay below; None where that would not be enough."""
    found: dict[int, int] = {}
    if any([isinstance(step, Call) for step in program.steps]):
        return None
    parts = list(_parts(program.steps))
    writers: dict[int, list[tuple[Sequence[Value], int]]] = {}
    added: set[int] = set()  # buffers in which sums grow: nothing is known of them
    for values, stored in parts:
        for store in stored:
            if isinstance(store, Add):
                added.add(store.buffer)
            writers.setdefault(store.buffer, []).append((values, store.value))
    for values, _ in parts:
        for value in values:
            if isinstance(value, Apply) and value.op == "bounded":
                limit = values[value.args[1]]
                if not isinstance(limit, Number):
                    return None
                ranges = _Ranges(program, writers, added, int(limit.value))
                range = ranges.of(values, value.args[0])
                if range is None or range[0] < 0 or range[1] >= limit.value:
                    return None
                for buffer in ranges.read:
                    found[buffer] = min(int(limit.value), found.get(buffer, int(limit.value)))
    return found


def _parts(steps: Sequence[object]) -> Iterator[tuple[Sequence[Value], Sequence[Store | Add]]]:
    """The lists of values of steps, and of the steps in them, each with the stores of its values."""
    for step in steps:
        if isinstance(step, Repeat):
            yield from _parts(step.steps)
        elif isinstance(step, Contract):
            yield from ((step.a, ()), (step.b, ()), (step.values, step.stores))
        elif isinstance(step, Nest):
            yield step.values, [action for action in step.actions if isinstance(action, (Store, Add))]


class _Ranges:
    """Ranges of values when the elements of inputs lie in [0, limit). read: the inputs that were taken for such."""

    def __init__(
        self, program: Program, writers: dict[int, list[tuple[Sequence[Value], int]]], added: set[int], limit: int
    ) -> None:
        self.inputs, self.constants = program.inputs, program.constants
        self.writers, self.added, self.limit = writers, added, limit
        self.read: set[int] = set()

    def of(self, values: Sequence[Value], number: int) -> Optional[_Range]:
        """The range of one of these values; None where it is not known."""
        value = values[number]
        if isinstance(value, Number):
            return (int(value.value), int(value.value)) if _is_whole(value.dtype) else None
        if isinstance(value, Load):
            return self._loaded(value)
        if not isinstance(value, Apply) or not (_is_whole(value.dtype) or value.op == "convert"):
            return None
        if value.op == "eq":  # with what, need not be looked at: -100 stands for no class
            return 0, 1
        known = [self.of(values, at) for at in value.args]
        if value.op == "where" and known[0] is not None:
            low, high = known[0]
            return _union([known[2 - truth] for truth in range(low, high + 1)])
        if value.op == "where":
            return _union(known[1:])
        if value.op == "convert":
            return None if known[0] is None else _converted(known[0], value.dtype)
        return None if None in known else _RULES.get(value.op, _unknown)(*known)  # type: ignore[arg-type]

    def _loaded(self, load: Load) -> Optional[_Range]:
        if load.buffer < self.inputs:
            if not _is_whole(load.dtype):
                return None
            self.read.add(load.buffer)
            return 0, self.limit - 1
        if load.buffer < self.inputs + len(self.constants):
            constant = self.constants[load.buffer - self.inputs]
            if not _is_whole(load.dtype):
                return None
            return (int(constant.min()), int(constant.max())) if constant.size else None
        if load.buffer in self.added:
            return None
        return _union([self.of(values, number) for values, number in self.writers.get(load.buffer, [])])


def _is_whole(dtype: DType) -> bool:
    return not dtype.inexact


def _converted(range: _Range, dtype: DType) -> Optional[_Range]:
    """The range of whole numbers after conversion; None where they would wrap or, in a floating type, be rounded. (Metrics
    and losses of Keras take labels as floating numbers.)"""
    low, high = range
    if dtype.category == BOOL:
        return int(low > 0 or high < 0), int(low != 0 or high != 0)
    if dtype.category == INTEGER:
        limits = np.iinfo(dtype.numpy)
        return range if limits.min <= low and high <= limits.max else None
    exact = _EXACT.get(dtype.name, 0)
    return range if -exact <= low and high <= exact else None


# Whole numbers up to here are numbers of the type.
_EXACT = {"bfloat16": 1 << 8, "float16": 1 << 11, "float32": 1 << 24, "float64": 1 << 53}


def _union(ranges: Sequence[Optional[_Range]]) -> Optional[_Range]:
    known = [range for range in ranges if range is not None]
    return (min([low for low, _ in known]), max([high for _, high in known])) if known and len(known) == len(ranges) else None


def _unknown(*ranges: _Range) -> Optional[_Range]:
    return None


_RULES = {
    "add": lambda x, y: (x[0] + y[0], x[1] + y[1]),
    "lt": lambda x, y: (int(x[1] < y[0]), int(x[0] < y[1])),
}
