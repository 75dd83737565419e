"""Steps that work row by row, done strip by strip: all of them on some rows, then all of them on the next.

A physics-informed network has 2000 points, 64 numbers wide, and some forty steps over them; each alone goes through half a
megabyte and more for every value. Of a strip of rows the values of all steps fit into a cache together, where they are
written and read; most of them never get memory of their own.

A step is *in strips* where an axis of it is the rows' axis, and everything that it reads or writes along that axis lies
row by row: row r of a buffer is its elements from r s to (r + 1) s. There are four such steps:

    product over rows       rows of the left operand and of what is stored
    nest over rows          the first outer axis
    product along rows      the rows are summed over: a gradient by a weight. The strips' products add up in a buffer, and
                            what becomes of the sum is a nest behind the loop, which may read what is known there only
    fold along rows         likewise

The other steps come before the loop or after it, as they depend on one another. Each thread has a cache of its own and some
rows of every strip, so a strip has as many times the rows as there are threads when the program is made; the order in which
a sum along rows is taken depends on that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Optional, Union

from wengert.dtypes import DType
from wengert.graph.node import ArrayType, array_type
from wengert.loops.arena import lives, reads, writes
from wengert.loops.nest import (
    Action,
    Apply,
    Axis,
    Contract,
    Fold,
    Folded,
    Load,
    Lookup,
    Nest,
    Product,
    Program,
    ProgramStep,
    Repeat,
    Store,
    Value,
    Window,
)
from wengert.loops.pieces import depend, moving, needed, zeros
from wengert.shapes import contiguous_strides

# Rows from which on, and products over them from which on, strips are looked for.
LEAST_ROWS = 512
LEAST_PRODUCTS = 4
# Bytes of values that need no memory of their own any more, for which the loop is worth its while.
LEAST_SAVED = 2 << 20
# Bytes of a strip's values that are alive together, and its rows, for each thread. With fewer rows the regions of threads
# count, with more the second-level cache: a step of 2000 points took 5.79 ms with 50 or 100 rows, 5.87 with 200 (one thread;
# on sixteen of a machine with AVX-512 4.2 ms with 100 rows, 3.2 with 200, 1.9 with 400 and 1.8 with 1000).
ROOM = 1 << 20
FEWEST, MOST = 64, 256
# Bytes of a sum along rows: a larger one is better made in one go.
LARGEST_SUM = 64 << 10
# Columns of such a sum below which its rows are the better ones for vectors.
NARROW = 16

Work = Union[Nest, Contract]


class Placed(NamedTuple):
    """A step of the loop. The rows' axis: of a nest, or of the left operand, the right one, and what is stored."""

    step: Work
    axes: tuple[Optional[int], ...]


def in_strips(program: Program, threads: int = 1) -> Program:
    """The same program, in which a loop over strips of rows stands for the steps that are worth it."""
    for rows, products in _row_counts(program).most_common():
        if products >= LEAST_PRODUCTS:
            found = _Strips(program, rows, threads)
            if found.pays():
                return found.program()
    return program


def _row_counts(program: Program) -> Counter[int]:
    return Counter(
        [
            step.rows[0]
            for step in program.steps
            if isinstance(step, Contract) and len(step.rows) == 1 and step.rows[0] >= LEAST_ROWS
        ]
    )


class _Parts(NamedTuple):
    """A step cut into what is done before the loop, for each strip, and after the loop. `sums`: its buffers for sums."""

    before: tuple[Nest, ...]
    strip: tuple[Placed, ...]
    after: tuple[Nest, ...]
    rows: frozenset[int]  # buffers that are written row by row


class _Strips:
    def __init__(self, program: Program, rows: int, threads: int) -> None:
        self.source = program
        self.threads = threads
        self.rows = rows
        self.buffers = list(program.buffers)
        self.before: list[ProgramStep] = []
        self.strip: list[Placed] = []
        self.after: list[ProgramStep] = []
        self.by_row: set[int] = set()  # buffers written in the loop, row by row
        self.late: set[int] = set()  # buffers written after the loop
        for step in program.steps:
            self._place(step)
        self._find_own()

    # --- where each step goes ---------------------------------------------------------------------------------------

    def _place(self, step: ProgramStep) -> None:
        read, written = reads(step), writes(step)
        if not (self._read_in_strips(step) | written) & self.late:
            parts = self._cut(step)
            if parts is not None:
                self.before += parts.before
                self.strip += parts.strip
                self.after += parts.after
                self.by_row |= parts.rows
                self.late |= written - parts.rows
                return
        if not (read | written) & (self.late | self.by_row):
            self.before.append(step)
            return
        self.after.append(step)
        self.late |= written

    def _read_in_strips(self, step: ProgramStep) -> set[int]:
        """What the loop would read of what a step reads: of a product along rows, whose stores come after it, the operands."""
        if isinstance(step, Contract) and step.summed == (self.rows,):
            return {v.buffer for v in (*step.a, *step.b) if isinstance(v, (Load, Lookup))}
        return reads(step)

    def _cut(self, step: ProgramStep) -> Optional[_Parts]:
        if isinstance(step, Contract):
            if step.batch:
                return None
            if step.rows == (self.rows,) and self._product_fits(step, (0, None, 0)):
                return _Parts((), (Placed(step, (0, None, 0)),), (), frozenset(writes(step)))
            if step.summed == (self.rows,) and self._product_fits(step, (len(step.rows), 0, None)):
                return self._product_along(step)
        elif isinstance(step, Nest):
            if step.outer[:1] == (self.rows,) and self._fits(step.values, step.actions, step.extents, 0):
                return _Parts((), (Placed(step, (0,)),), (), frozenset(writes(step)))
            if step.inner[:1] == (self.rows,):
                return self._fold_along(step)
        return None

    def _product_fits(self, step: Contract, axes: tuple[Optional[int], ...]) -> bool:
        """Whether all accesses of a product lie row by row along these axes of its parts, or know no row (None)."""
        left, right, stored = axes
        return (
            self._fits(step.a, (), (*step.rows, *step.summed), left)
            and self._fits(step.b, (), (*step.summed, *step.columns), right)
            and self._fits(step.values, step.stores, (*step.rows, *step.columns), stored)
        )

    def _fits(self, values: Iterable[Value], actions: Iterable[Action], extents: tuple[int, ...], axis: Optional[int]) -> bool:
        """Whether what is stored lies row by row, and what is read does or is known before the loop."""
        for v in values:
            if isinstance(v, Lookup) or (isinstance(v, Axis) and v.axis == axis):
                return False
            if isinstance(v, Load) and self._walks(v, axis) and not self._lies_by_row(v, extents, axis):
                return False
        stores = [a for a in actions if isinstance(a, Store)]
        return axis is None or all(self._lies_by_row(a, extents, axis) for a in stores)

    def _walks(self, load: Load, axis: Optional[int]) -> bool:
        return load.buffer in self.by_row or (axis is not None and load.strides[axis] != 0)

    def _lies_by_row(self, access: Union[Load, Store], extents: tuple[int, ...], axis: Optional[int]) -> bool:
        if axis is None or access.strides[axis] <= 0:
            return False
        stride = access.strides[axis]
        reach = [s * (n - 1) for k, (s, n) in enumerate(zip(access.strides, extents)) if k != axis]
        least = access.offset + sum([r for r in reach if r < 0])
        most = access.offset + sum([r for r in reach if r > 0])
        return least >= 0 and most < stride and self._type(access.buffer).size == self.rows * stride

    def _type(self, buffer: int) -> ArrayType:
        type = self.buffers[buffer]
        assert isinstance(type, ArrayType)  # code reads and writes arrays only
        return type

    # --- sums along rows --------------------------------------------------------------------------------------------

    def _product_along(self, step: Contract) -> Optional[_Parts]:
        """A strip's product is added to the sum; the stores are done from it after the loop."""
        if math.prod(step.columns) < min(math.prod(step.rows), NARROW):
            step = _turned(step)
        extents = (*step.rows, *step.columns)
        total = self._sum(extents, step.dtype)
        if total is None:
            return None
        strides = contiguous_strides(extents)
        values = (Product(step.dtype), Load(total, strides, 0, step.dtype), Apply("add", (1, 0), step.dtype))
        label = step.label.split(" ")[0]
        added = step._replace(values=values, stores=(Store(total, strides, 0, 2),), label=label)
        late = tuple([Load(total, strides, 0, v.dtype) if isinstance(v, Product) else v for v in step.values])
        end = Nest(extents, (), late, step.stores, step.label)
        start = zeros(total, extents, step.dtype)
        return _Parts((start,), (Placed(added, (len(step.rows), 0, None)),), (end,), frozenset())

    def _fold_along(self, step: Nest) -> Optional[_Parts]:
        """What is stored at each point is stored by a nest without folds; each fold adds to its sum."""
        axis = len(step.outer)
        stores = [a for a in step.actions if isinstance(a, Store)]
        inside = [a for a in stores if self._lies_by_row(a, step.extents, axis)]
        outside = [a for a in stores if a not in inside]
        folds = [(number, a) for number, a in enumerate(step.actions) if isinstance(a, Fold)]
        folded, moves = depend(step.values, Folded), moving(step)
        if (
            not self._fits(step.values, inside, step.extents, axis)
            or any(folded[a.value] for a in inside)
            or any(folded[f.value] or f.op != "add" for _, f in folds)
            or any(moves[a.value] or any(a.strides[axis:]) for a in outside)
        ):
            return None
        totals = {number: self._sum(step.outer, step.values[fold.value].dtype) for number, fold in folds}
        if None in totals.values():
            return None
        before, strip = [], []
        if inside:
            strip.append(Placed(Nest(step.extents, (), *needed(step.values, inside), step.label), (axis,)))
        for number, fold in folds:
            start, added = self._fold_part(step, fold, totals[number])  # type: ignore[arg-type]
            before.append(start)
            strip.append(Placed(added, (axis,)))
        after = (self._fold_end(step, outside, totals),) if outside else ()
        return _Parts(tuple(before), tuple(strip), after, frozenset([a.buffer for a in inside]))

    def _fold_part(self, step: Nest, fold: Fold, total: int) -> tuple[Nest, Nest]:
        """The sum's beginning, and what adds a strip's fold to it."""
        strides, dtype = self._of_outer(step), step.values[fold.value].dtype
        values, (own,) = needed(step.values, [fold])
        n = len(values)
        values += (Load(total, strides, 0, dtype), Folded(0, dtype), Apply("add", (n, n + 1), dtype))
        added = Nest(step.outer, step.inner, values, (own, Store(total, strides, 0, n + 2)), "reduce_sum")
        return zeros(total, step.outer, dtype), added

    def _fold_end(self, step: Nest, stores: list[Store], totals: dict[int, Any]) -> Nest:
        """What is stored once, from the sums."""
        strides, n = self._of_outer(step), len(step.outer)
        late = [Load(totals[v.action], strides, 0, v.dtype) if isinstance(v, Folded) else v for v in step.values]
        values, kept = needed(late, stores)
        flat = tuple([v._replace(strides=v.strides[:n]) if isinstance(v, Load) else v for v in values])
        ends = tuple([a._replace(strides=a.strides[:n]) for a in kept if isinstance(a, Store)])
        return Nest(step.outer, (), flat, ends, step.label)

    def _of_outer(self, step: Nest) -> tuple[int, ...]:
        """Strides of a buffer with an element for each outer point."""
        return (*contiguous_strides(step.outer), *[0 for _ in step.inner])

    def _sum(self, extents: tuple[int, ...], dtype: DType) -> Optional[int]:
        """A buffer for a sum along rows; None where it would be a large one."""
        if math.prod(extents) * dtype.itemsize > LARGEST_SUM:
            return None
        self.buffers.append(array_type(extents, dtype))
        return len(self.buffers) - 1

    # --- the loop ---------------------------------------------------------------------------------------------------

    def _find_own(self) -> None:
        """Buffers that nothing but the loop sees: of those a strip is enough."""
        seen = set(self.source.kept)
        for step in (*self.before, *self.after):
            seen |= reads(step) | writes(step)
        self.own = self.by_row - seen

    def pays(self) -> bool:
        """Whether the loop is worth its while."""
        over = sum([placed.axes == (0, None, 0) for placed in self.strip])
        return over >= LEAST_PRODUCTS and self._bytes(self.own) >= LEAST_SAVED

    def _bytes(self, buffers: Iterable[int]) -> int:
        return sum([self._type(b).size * self._type(b).dtype.itemsize for b in buffers])

    def _height(self) -> int:
        """Rows of a strip: as many as there is room for, and if possible a divisor of all."""
        spans, alive = lives([placed.step for placed in self.strip]), 0
        for now in range(len(self.strip)):
            alive = max(alive, self._bytes([b for b in self.own if spans[b][0] <= now <= spans[b][1]]))
        most = min(self.rows, self.threads * min(MOST, max(FEWEST, ROOM * self.rows // max(alive, 1))))
        even = [n for n in range(most // 2, most + 1) if self.rows % n == 0]
        return even[-1] if even else most // 8 * 8

    def program(self) -> Program:
        """The program with the loop; what is left of the rows behind whole strips is a loop of one turn."""
        height = self._height()
        count, rest = divmod(self.rows, height)
        loops = [self._loop(0, height, count)]
        if rest:
            loops.append(self._loop(count * height, rest, 1))
        steps = (*self.before, *loops, *self.after)
        return self.source._replace(buffers=tuple(self.buffers), steps=steps)

    def _loop(self, first: int, height: int, count: int) -> Repeat:
        """`count` strips from the row `first` on."""
        parts: dict[tuple[int, int], int] = {}  # buffer, elements of a row -> the buffer of a strip
        windows: list[Window] = []

        def part(buffer: int, row: int) -> int:
            if (buffer, row) not in parts:
                self.buffers.append(array_type((height * row,), self._type(buffer).dtype))
                parts[buffer, row] = len(self.buffers) - 1
                if buffer not in self.own:
                    windows.append(Window(parts[buffer, row], buffer, first * row, (height * row,)))
            return parts[buffer, row]

        def moved(things: Iterable[Any], axis: Optional[int]) -> tuple[Any, ...]:
            return tuple([
                x._replace(buffer=part(x.buffer, x.strides[axis]))
                if axis is not None and isinstance(x, (Load, Store)) and x.strides[axis] else x
                for x in things
            ])  # fmt: skip

        steps = [_of_strip(placed, height, moved) for placed in self.strip]
        label = " ".join(dict.fromkeys([word for step in steps for word in step.label.split()]))
        return Repeat((count,), tuple(windows), (), tuple(steps), label)


def _turned(step: Contract) -> Contract:
    """The product with its operands exchanged, a^T for b, without a batch: vectors run along its longer side."""
    m, n, k = len(step.rows), len(step.columns), len(step.summed)

    def turned(things: Iterable[Any], first: int, last: int) -> tuple[Any, ...]:
        """With the last axes before the first ones."""
        return tuple([
            x._replace(strides=(*x.strides[first:], *x.strides[:first])) if isinstance(x, (Load, Lookup, Store))
            else x._replace(axis=(x.axis - first) % (first + last)) if isinstance(x, Axis) else x
            for x in things
        ])  # fmt: skip

    return step._replace(
        rows=step.columns, columns=step.rows, a=turned(step.b, k, n), b=turned(step.a, m, k),
        values=turned(step.values, m, n), stores=turned(step.stores, m, n),
    )  # fmt: skip


def _of_strip(placed: Placed, height: int, moved: Callable[[Iterable[Any], Optional[int]], tuple[Any, ...]]) -> Work:
    """The step for a strip of this height."""
    step, axes = placed
    if isinstance(step, Contract):
        left, right, stored = axes
        a, b, values, stores = moved(step.a, left), moved(step.b, right), moved(step.values, stored), moved(step.stores, stored)
        cut = step._replace(a=a, b=b, values=values, stores=stores)
        return cut._replace(summed=(height,)) if stored is None else cut._replace(rows=(height,))
    (axis,) = axes
    assert axis is not None
    n, extents = len(step.outer), [*step.extents[:axis], height, *step.extents[axis + 1 :]]
    values, actions = moved(step.values, axis), moved(step.actions, axis)
    return step._replace(outer=tuple(extents[:n]), inner=tuple(extents[n:]), values=values, actions=actions)
