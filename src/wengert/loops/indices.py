"""Which values a program's inputs must have for every index in it to be within its bounds.

An index that comes from data is checked where it is used (the operation "bounded"). Where all of them come from inputs,
the same can be found out before the program starts: then nothing can go wrong once it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional

import numpy as np

from wengert.dtypes import BOOL, INTEGER, DType
from wengert.loops.nest import Add, Apply, Axis, Call, Contract, Load, Nest, Number, Program, Repeat, Store, Value

# Lowest and highest possible value of a whole number (also one that a floating type holds), or of a truth value 0 or 1.
_Range = tuple[int, int]


def needed(program: Program) -> Optional[dict[int, int]]:
    """Input -> the number that its elements, none below 0, must stay below; None where that would not be enough."""
    found: dict[int, int] = {}
    if any([isinstance(step, Call) for step in program.steps]):
        return None
    parts = list(_parts(program.steps))
    writers: dict[int, list[tuple[_Part, int]]] = {}
    added: set[int] = set()  # buffers in which sums grow: nothing is known of them
    for part in parts:
        for store in part.stores:
            if isinstance(store, Add):
                added.add(store.buffer)
            writers.setdefault(store.buffer, []).append((part, store.value))
    for part in parts:
        for value in part.values:
            if isinstance(value, Apply) and value.op == "bounded":
                limit = part.values[value.args[1]]
                if not isinstance(limit, Number):
                    return None
                ranges = _Ranges(program, writers, added, int(limit.value))
                range = ranges.of(part, value.args[0])
                if range is None or range[0] < 0 or range[1] >= limit.value:
                    return None
                for buffer in ranges.read:
                    found[buffer] = min(int(limit.value), found.get(buffer, int(limit.value)))
    return found


class _Part(NamedTuple):
    """Values along axes of these extents, and where they are stored."""

    values: Sequence[Value]
    extents: tuple[int, ...]
    stores: Sequence[Store | Add] = ()


def _parts(steps: Sequence[object]) -> Iterator[_Part]:
    """The parts of steps, and of the steps in them."""
    for step in steps:
        if isinstance(step, Repeat):
            yield from _parts(step.steps)
        elif isinstance(step, Contract):
            yield _Part(step.a, (*step.batch, *step.rows, *step.summed))
            yield _Part(step.b, (*step.batch, *step.summed, *step.columns))
            yield _Part(step.values, (*step.batch, *step.rows, *step.columns), step.stores)
        elif isinstance(step, Nest):
            yield _Part(step.values, step.extents, [x for x in step.actions if isinstance(x, (Store, Add))])


class _Ranges:
    """Ranges of values when the elements of inputs lie in [0, limit). read: the inputs that were taken for such."""

    def __init__(
        self, program: Program, writers: dict[int, list[tuple[_Part, int]]], added: set[int], limit: int
    ) -> None:
        self.inputs, self.constants = program.inputs, program.constants
        self.writers, self.added, self.limit = writers, added, limit
        self.read: set[int] = set()

    def of(self, part: _Part, number: int) -> Optional[_Range]:
        """The range of one of a part's values; None where it is not known."""
        value = part.values[number]
        if isinstance(value, Number):
            return (int(value.value), int(value.value)) if _is_whole(value.dtype) else None
        if isinstance(value, Load):
            return self._loaded(value)
        if isinstance(value, Axis):
            return 0, max(part.extents[value.axis] - 1, 0)
        if not isinstance(value, Apply) or not (_is_whole(value.dtype) or value.op == "convert"):
            return None
        if value.op == "eq":  # with what, need not be looked at: -100 stands for no class
            return 0, 1
        known = [self.of(part, at) for at in value.args]
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
        return _union([self.of(part, number) for part, number in self.writers.get(load.buffer, [])])


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
