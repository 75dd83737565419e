"""What a nest computes in one run over its inner axes and reads again in a later one: kept, or computed anew.

Softmax reads x - max in the run that sums exponentials and in the run that stores quotients. A value that costs more than
a few operations is written to memory of the function's own, as large as the inner axes, and read back: that memory stays
in the first-level cache. Where it would not, values are computed again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Union

from wengert import dtypes
from wengert.backends.llvm.operations import LIBM
from wengert.backends.llvm.scalars import Scalars, Writer
from wengert.loops.nest import Action, Add, Apply, Fold, Load, Lookup, Nest, Store, Value

# Bytes that a nest may keep.
ROOM = 1 << 16
# What a value must cost to be kept: a store and a load, and some.
WORTH = 6

_COSTS = {"div": 4, "sqrt": 4, "rsqrt": 6, "reciprocal": 4}
_LONG = frozenset([*LIBM, "sigmoid", "log_sigmoid", "softplus", "logaddexp", "logaddexp2", "xlogy", "xlog1py", "entr", "elu",
                   "gaussian", "ndtr", "gelu", "gelu_tanh", "fmod", "remainder", "floor_divide", "uniform"])  # fmt: skip


class Run(NamedTuple):
    """A run over the inner axes: its folds and stores, with their numbers."""

    actions: tuple[tuple[int, Action], ...]


class Single(NamedTuple):
    """A store at the outer point, while some actions wait for their run."""

    store: Store
    waiting: tuple[tuple[int, Action], ...]


def schedule(nest: Nest, depends: Sequence[bool], folds_behind: Sequence[int]) -> list[Union[Run, Single]]:
    """The actions in order: a run ends where an action reads one of its folds."""
    found: list[Union[Run, Single]] = []
    pending: list[tuple[int, Action]] = []
    running = 0  # the pending folds, as bits
    for number, action in enumerate(nest.actions):
        if running & folds_behind[action.value]:
            found.append(Run(tuple(pending)))
            pending, running = [], 0
        if isinstance(action, Fold):
            pending.append((number, action))
            running |= 1 << number
        elif isinstance(action, Add) or depends[action.value] or any(action.strides[len(nest.outer) :]):
            pending.append((number, action))
        else:
            found.append(Single(action, tuple(pending)))
    return [*found, Run(tuple(pending))] if pending else found


class Kept:
    """The plan for one function. `first`: the run that computes each kept value."""

    def __init__(self, nest: Nest, runs: list[Run], depends: Sequence[bool], lanes: int, vector_is_inner: bool) -> None:
        self.nest = nest
        self.n_outer = len(nest.outer)
        self.lanes = lanes
        self.apart = 1 if vector_is_inner else lanes  # elements between the places of two inner points
        self.points = math.prod(nest.inner)
        self.first: dict[int, int] = {}
        self.slots: dict[int, str] = {}
        if len(runs) > 1:
            self._choose(runs, depends)

    def _choose(self, runs: list[Run], depends: Sequence[bool]) -> None:
        costs = _costs(self.nest, depends)
        computed: dict[int, int] = {}
        room = ROOM
        for place, run in enumerate(runs):
            stack = [action.value for _, action in run.actions if depends[action.value]]
            here: set[int] = set(stack)
            while stack:
                number = stack.pop()
                if number in computed and costs[number] >= WORTH:
                    size = self._bytes(number)
                    if number in self.first or size <= room:
                        room -= 0 if number in self.first else size
                        self.first.setdefault(number, computed[number])
                        here.discard(number)
                        continue
                for i in arguments(self.nest.values[number]):
                    if depends[i] and i not in here:
                        here.add(i)
                        stack.append(i)
            for number in here:
                computed.setdefault(number, place)

    def _bytes(self, number: int) -> int:
        dtype = self.nest.values[number].dtype
        if not dtype.is_floating_point:
            return ROOM + 1
        return (self.points * self.apart + self.lanes) * (8 if dtype is dtypes.float64 else 4)

    def open(self, w: Writer) -> None:
        """Memory for the kept values, at the function's entry."""
        for number in sorted(self.first):
            base = Scalars.base(self.nest.values[number].dtype)
            self.slots[number] = w.emit(f"alloca [{self.points * self.apart + self.lanes} x {base}], align 64")

    def read_in(self, run: int) -> set[int]:
        """What the run finds in memory."""
        return {number for number, first in self.first.items() if first < run}

    def made_in(self, run: int) -> set[int]:
        """What the run must write down."""
        return {number for number, first in self.first.items() if first == run}

    def _address(self, number: int, s: Scalars, index: dict[int, str]) -> str:
        total, step = "0", self.apart
        for axis in reversed(range(self.n_outer, len(self.nest.extents))):
            term = index[axis] if step == 1 else s.w.emit(f"mul nsw i64 {index[axis]}, {step}")
            total = term if total == "0" else s.w.emit(f"add nsw i64 {total}, {term}")
            step *= self.nest.extents[axis]
        return s.w.emit(f"getelementptr {s.base(self.nest.values[number].dtype)}, ptr {self.slots[number]}, i64 {total}")

    def read(self, number: int, s: Scalars, index: dict[int, str]) -> str:
        """The value at an inner point."""
        dtype = self.nest.values[number].dtype
        size = 8 if dtype is dtypes.float64 else 4
        return s.w.emit(f"load {s.type(dtype)}, ptr {self._address(number, s, index)}, align {size}")

    def write(self, number: int, value: str, s: Scalars, index: dict[int, str]) -> None:
        """Whole vectors, in order: what a last one writes behind a row is written over, or behind all."""
        dtype = self.nest.values[number].dtype
        size = 8 if dtype is dtypes.float64 else 4
        s.w.line(f"  store {s.type(dtype)} {value}, ptr {self._address(number, s, index)}, align {size}")


def read_by(action: Action) -> tuple[int, ...]:
    """The values that an action reads."""
    return (action.value, action.index) if isinstance(action, Add) else (action.value,)


def arguments(v: object) -> tuple[int, ...]:
    """The values that a value is computed from."""
    if isinstance(v, Apply):
        return v.args
    return (v.index,) if isinstance(v, Lookup) else ()


def own_cost(v: Value) -> int:
    """What a value costs by itself, where a plain operation or a load counts 1."""
    if isinstance(v, Apply):
        return 20 if v.op in _LONG else _COSTS.get(v.op, 1)
    return 4 if isinstance(v, Lookup) else int(isinstance(v, Load))


def _costs(nest: Nest, depends: Sequence[bool]) -> list[int]:
    """What it takes to compute each value anew from memory and from what is constant along inner axes."""
    found: list[int] = []
    for v in nest.values:
        found.append(min(own_cost(v) + sum([found[i] for i in arguments(v) if depends[i]]), 1000))
    return found
