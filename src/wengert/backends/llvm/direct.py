"""Contractions whose operands are read where they lie, without copying them into panels: what convolutions become.

Two forms, each a task of the pool written for one contraction, its extents and strides as constants:

    strips   the right operand's columns lie side by side, or every other element is one: a tile of rows x vectors of
             columns in registers, over all summed elements (forward, and by the input)
    dots     the summed elements of both operands lie side by side: a tile of rows x columns of vectors of partial sums,
             over a block of the summed elements that the first-level cache keeps for all columns; the vectors wait in
             scratch memory for the next block, and are added up at the end (by the weight)

A tile goes to scratch memory; what becomes of the product is computed from there by the contraction's own function
(`region.py`), a block at a time.

    void NAME(ptr words, i64 begin, i64 end, i64 worker)        words: places of a's and b's buffers, `work`, places of
                                                                what the result's function reads and writes
"""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

from wengert.backends.llvm.batched import WORK
from wengert.backends.llvm.flow import Flow
from wengert.backends.llvm.target import Target
from wengert.backends.llvm.vectors import Kind
from wengert.loops.nest import Contract, Load

Axes = tuple[tuple[int, int], ...]  # (extent, stride) of each

# Summed elements that a round of a tile's loop takes, at most; and bytes of scratch memory for a block of the product.
_ROUND = 32
_BLOCK = 1 << 16
# Columns side by side from which on they are cut.
_LONG_ROW = 2048
# Multiply-adds for which a thread is worth waking.
_GRAIN = 100_000
# Vectors along the summed elements that lie side by side.
_MOST_VECTORS = 32
# Rows of the left operand in a tile of dots, and bytes of them that all columns meet before the next block.
_ROWS = 4
_NEAR = 12 << 10


class Side(NamedTuple):
    """An operand: where it begins, and its strides along the axes of each group."""

    offset: int
    batch: Axes
    outer: Axes  # rows of the left, columns of the right operand
    summed: Axes


class Plan(NamedTuple):
    """One contraction in a form of these. `cells`: how many tasks there are."""

    form: str
    kind: Kind
    registers: int
    a: Side
    b: Side
    batch: int
    m: int
    n: int
    parts: int

    @property
    def cells(self) -> int:
        return self.batch * self.parts


def plan(step: Contract, target: Target) -> Optional[Plan]:
    """How a contraction is computed directly; None where it is left to the panels."""
    if len(step.a) != 1 or len(step.b) != 1 or len(step.summed) + len(step.columns) < 3:  # a plain product
        return None
    a, b = step.a[0], step.b[0]
    if not isinstance(a, Load) or not isinstance(b, Load) or {a.dtype, b.dtype} != {step.dtype}:
        return None
    if 0 in (*step.batch, *step.rows, *step.columns, *step.summed):
        return None
    left = _side(a, step.batch, step.rows, step.summed, rows=True)
    right = _side(b, step.batch, step.columns, step.summed, rows=False)
    size = step.dtype.itemsize
    kind = Kind("float", "f32", target.width // 4) if size == 4 else Kind("double", "f64", target.width // 8)
    batch, m, n = math.prod(step.batch), math.prod(step.rows), math.prod(step.columns)
    right = right._replace(outer=_in_rows(right.outer))
    found = Plan("strips", kind, target.registers, left, right, batch, m, n, 1)
    if len(left.outer) > 1 or m < 4:
        return None
    if _has_strips(found):
        groups = right.outer[0][0] // _image_rows(found) if len(right.outer) == 2 else 1
        return found._replace(parts=1 if batch >= 8 else min(8, groups))
    if _has_dots(found):
        return found._replace(form="dots", parts=-(-m // _ROWS))
    return None


def _side(load: Load, batch: tuple[int, ...], outer: tuple[int, ...], summed: tuple[int, ...], rows: bool) -> Side:
    strides = list(load.strides)
    taken = [tuple(zip(extents, [strides.pop(0) for _ in extents])) for extents in
             ((batch, outer, summed) if rows else (batch, summed, outer))]  # fmt: skip
    if not rows:
        taken[1], taken[2] = taken[2], taken[1]
    real = [tuple([(n, s) for n, s in axes if n != 1]) for axes in taken]
    return Side(load.offset, taken[0], real[1], taken[2])


def _in_rows(columns: Axes) -> Axes:
    """Two axes of columns that lie behind one another made one; and that one, if it is long, cut into even rows."""
    if len(columns) == 2 and columns[0][1] == columns[1][0] * columns[1][1]:
        columns = ((columns[0][0] * columns[1][0], columns[1][1]),)
    if len(columns) == 1 and columns[0][0] > _LONG_ROW:
        n, stride = columns[0]
        row = max([k for k in range(1, _LONG_ROW + 1) if n % k == 0])
        columns = ((n // row, row * stride), (row, stride))
    return columns


def _has_strips(p: Plan) -> bool:
    """Columns of one or two axes, the last of at least a vector of elements side by side, with room for a row of them."""
    columns = p.b.outer
    if not 1 <= len(columns) <= 2 or columns[-1][1] not in (1, 2) or columns[-1][0] < p.kind.lanes:
        return False
    return p.m * _image_rows(p) * columns[-1][0] * p.kind.size <= WORK // 2


def _has_dots(p: Plan) -> bool:
    last_a, last_b = p.a.summed[-1], p.b.summed[-1]
    vectors = -(-last_a[0] // p.kind.lanes)
    room = p.n * _ROWS * p.kind.size * (1 + p.kind.lanes) <= WORK // 2
    near = last_a[1] == 1 and (last_b[1] == 1 or (last_b[1] == 2 and last_b[0] >= p.kind.lanes))
    return near and last_a[0] >= 4 and vectors <= _MOST_VECTORS and room


def text(p: Plan, name: str, finish: str) -> str:
    """The task and its tiles."""
    return (_Strips if p.form == "strips" else _Dots)(p, name, finish).text()


def declarations(k: Kind) -> dict[str, str]:
    """What the texts call."""
    names = {line.split("@")[1].split("(")[0]: line for line in k.declarations()}
    names[f"reduce{k.suffix}"] = f"declare {k.type} @llvm.vector.reduce.fadd.v{k.lanes}{k.suffix}({k.type}, {k.vector})"
    names["mask"] = "declare ptr @llvm.ptrmask.p0.i64(ptr, i64)"
    return names


def _image_rows(p: Plan) -> int:
    """Rows of places that a tile takes together: two where one of them has an odd number of vectors."""
    if len(p.b.outer) == 1:
        return 1
    (rows, _), (width, _) = p.b.outer
    return 2 if -(-width // p.kind.lanes) % 2 and rows % 2 == 0 else 1


class _Task:
    def __init__(self, p: Plan, name: str, finish: str) -> None:
        self.p = p
        self.k = p.kind
        self.name = name
        self.finish = finish
        self.tiles: dict[tuple[int, int], str] = {}

    def text(self) -> str:
        p, f = self.p, Flow(f"define internal void @{self.name}(ptr %words, i64 %begin, i64 %end, i64 %worker) nounwind")
        self.f = f
        places, work, self.places = (f.read("ptr", "%words", i) for i in range(3))
        table = f.emit("load ptr, ptr @buffers, align 8")
        bases = [f.read("ptr", table, f.read("i64", places, i)) for i in range(2)]
        own = f.at("i8", work, ("%worker", WORK), ("63", 1))
        self.scratch = f.emit(f"call ptr @llvm.ptrmask.p0.i64(ptr {own}, i64 -64)")
        with f.loop("%begin", "%end", 1) as cell:
            self.t, part = f.div(cell, p.parts), f.rem(cell, p.parts)
            self.a, self.b = (self._start(base, side) for base, side in zip(bases, (p.a, p.b)))
            self.part(part)
        return "\n".join([*self.tiles.values(), f.text(), self._run()])

    def _run(self) -> str:
        """void NAME_run(ptr places, ptr work, ptr places of the result): all cells, over the pool."""
        p = self.p
        f = Flow(f"define internal void @{self.name}_run(ptr %places, ptr %work, ptr %result) nounwind")
        words = f.emit("alloca [3 x ptr], align 8")
        for number, word in enumerate(("%places", "%work", "%result")):
            f.line(f"store ptr {word}, ptr {f.at('ptr', words, (str(number), 1))}, align 8")
        each = p.m * p.n * math.prod([n for n, _ in p.a.summed]) // p.parts
        grain = max(1, -(-_GRAIN // max(each, 1)))
        f.line(f"call void @wengert_parallel(ptr @{self.name}, ptr {words}, i64 0, i64 {p.cells}, i64 {grain}, i64 1)")
        return f.text()

    def part(self, part: str) -> None:
        raise NotImplementedError

    def _start(self, base: str, side: Side) -> str:
        """The first element of a matrix of the batch."""
        at = self.f.at(self.k.type, base, (str(side.offset), 1))
        return self._along(at, self.t, side.batch)

    def _along(self, base: str, index: str, axes: Axes) -> str:
        """The address `index` elements further, counted along several axes."""
        f = self.f
        for number, (extent, stride) in reversed(list(enumerate(axes))):
            own = f.rem(index, extent) if number else index
            base = f.at(self.k.type, base, (own, stride))
            if number:
                index = f.div(index, extent)
        return base

    def _hand_on(self, i0: str, i1: str, j0: str, j1: str, stride: int) -> None:
        self.f.line(
            f"call void {self.finish}(ptr {self.places}, i64 {self.t}, i64 {i0}, i64 {i1}, i64 {j0}, i64 {j1}, "
            f"ptr {self.scratch}, i64 {stride})"
        )


class _Strips(_Task):
    @property
    def most_rows(self) -> int:
        return 12 if self.p.registers >= 32 else 6

    def part(self, part: str) -> None:
        p, f, k = self.p, self.f, self.k
        width = p.b.outer[-1][0]
        rows, pitch = p.b.outer[0] if len(p.b.outer) == 2 else (1, 0)
        together = _image_rows(p)
        groups = rows // together
        block = max(1, min(groups, _BLOCK // (p.m * together * width * k.size)))
        stride = block * together * width
        first, last = (f.div(f.mul(x, groups), p.parts) for x in (part, f.add(part, 1)))
        with f.loop(first, last, block) as g:
            end = f.least(f.add(g, block), last)
            for start, count, height in self._row_tiles():
                with f.loop(str(start), str(start + count * height), height) as i:
                    a = f.at(k.type, self.a, (i, self._row_stride))
                    with f.loop(g, end, 1) as y:
                        b = f.at(k.type, self.b, (y, together * pitch))
                        c = f.at(k.type, self.scratch, (f.sub(y, g), together * width), (i, stride))
                        self._across(a, b, c, height, width, together, pitch, stride)
            j0, j1 = f.mul(g, together * width), f.mul(end, together * width)
            self._hand_on("0", str(p.m), j0, j1, stride)

    @property
    def _row_stride(self) -> int:
        return self.p.a.outer[0][1] if self.p.a.outer else 0

    def _row_tiles(self) -> list[tuple[int, int, int]]:
        """(first row, tiles, rows of each): as few tiles as fit, all of nearly the same height."""
        tiles = -(-self.p.m // self.most_rows)
        low, more = divmod(self.p.m, tiles)
        found = [(0, more, low + 1)] if more else []
        return [*found, (more * (low + 1), tiles - more, low)]

    def _across(self, a: str, b: str, c: str, height: int, width: int, together: int, pitch: int, stride: int) -> None:
        """All vectors of a group of rows of places, two at a time. The last of a row overlaps the one before."""
        f, k, step = self.f, self.k, self.p.b.outer[-1][1]
        lanes, pair = k.lanes, 2 * k.lanes
        whole = width // pair if together == 1 else 0
        if whole > 4:
            with f.loop("0", str(whole * pair), pair) as x:
                self._tile(a, height, [(f.at(k.type, b, (f.add(x, d), step)), f.at(k.type, c, (f.add(x, d), 1)))
                                       for d in (0, lanes)], stride)  # fmt: skip
            starts = [(0, x) for x in range(whole * pair, width, lanes)]
        else:
            starts = [(dy, x) for dy in range(together) for x in range(0, width, lanes)]
        places = [(dy, min(x, width - lanes)) for dy, x in starts]
        for n in range(0, len(places), 2):
            self._tile(a, height, [
                (f.at(k.type, b, (str(dy * pitch + x * step), 1)), f.at(k.type, c, (str(dy * width + x), 1)))
                for dy, x in places[n : n + 2]
            ], stride)  # fmt: skip

    def _tile(self, a: str, height: int, pointers: list[tuple[str, str]], stride: int) -> None:
        vectors = len(pointers)
        if (height, vectors) not in self.tiles:
            self.tiles[height, vectors] = self._tile_text(height, vectors, stride)
        given = ", ".join(f"ptr {x}" for pointer in zip(*pointers) for x in pointer)
        self.f.line(f"call void @{self.name}_{height}x{vectors}(ptr {a}, {given})")

    def _tile_text(self, height: int, vectors: int, stride: int) -> str:
        k, every = self.k, [(i, v) for i in range(height) for v in range(vectors)]
        given = ", ".join(f"ptr %{side}{v}" for side in "bc" for v in range(vectors))
        lines = [f"define internal void @{self.name}_{height}x{vectors}(ptr %a, {given}) noinline nounwind {{\nentry:"]
        pairs = list(zip(self.p.a.summed, self.p.b.summed))
        count, inside = _rounds(pairs)
        sums = dict.fromkeys(every, "zeroinitializer")
        if count > 1:
            sums = _loop(k, lines, (0, count), pairs[: len(pairs) - inside], sums)
        for number, (ao, bo) in enumerate(_offsets(pairs[len(pairs) - inside :])):
            for v in range(vectors):
                base = f"%b{v}r" if count > 1 else f"%b{v}"
                lines += _elements(k, f"%y{number}_{v}", base, bo, self.p.b.outer[-1][1])
            for i in range(height):
                x = f"%x{number}_{i}"
                lines += [k.at(f"{x}p", "%ar" if count > 1 else "%a", ao + i * self._row_stride),
                          f"  {x}s = load {k.type}, ptr {x}p, align {k.size}", k.splat(x, f"{x}s")]  # fmt: skip
                for v in range(vectors):
                    lines.append(k.multiply_add(f"%s{number}_{i}_{v}", x, f"%y{number}_{v}", sums[i, v]))
                    sums[i, v] = f"%s{number}_{i}_{v}"
        if count > 1:
            _end_loop(lines, sums)
        for i, v in every:
            lines += [k.at(f"%g{i}_{v}", f"%c{v}", i * stride), k.store(sums[i, v], f"%g{i}_{v}")]
        return "\n".join([*lines, "  ret void\n}"])


class _Dots(_Task):
    @property
    def most_columns(self) -> int:
        """Of a tile: its sums, a vector of each column and one of a row fill 16 registers. What a masked vector needs besides
        lets a sum wait in memory; where every other vector is masked, each round would take as long as that."""
        whole, rest = divmod(self.p.a.summed[-1][0], self.k.lanes)
        return 2 if self.p.registers < 32 and rest and whole < 2 else 3

    def part(self, part: str) -> None:
        p, f = self.p, self.f
        i0 = f.mul(part, _ROWS)
        rest = p.m % _ROWS
        self.sums = f.at(self.k.type, self.scratch, (str(p.n * _ROWS), 1))
        if p.m >= _ROWS:
            full = f.less(f.add(i0, _ROWS - 1), p.m)
            with f.when(full):
                self._rows(i0, _ROWS)
            if rest:
                with f.when(f.no(full)):
                    self._rows(i0, rest)
        else:
            self._rows(i0, rest)
        self._hand_on(i0, f.least(f.add(i0, _ROWS), p.m), "0", str(p.n), p.n)

    def _rows(self, i: str, height: int) -> None:
        p, f, k, columns = self.p, self.f, self.k, self.most_columns
        a = f.at(k.type, self.a, (i, p.a.outer[0][1] if p.a.outer else 0))
        whole = p.n - p.n % columns
        outer, rows = self._rows_in_round()
        rounds = math.prod([n for (n, _), _ in outer])
        block = max(1, _NEAR // (_ROWS * len(rows) * p.a.summed[-1][0] * k.size))
        with f.loop("0", str(rounds), block) as first:
            last = f.least(f.add(first, block), str(rounds))
            with f.loop("0", str(whole), columns) as j:
                self._tile(a, j, height, columns, first, last)
            if p.n % columns:
                self._tile(a, str(whole), height, p.n % columns, first, last)
        with f.loop("0", str(p.n), 1) as j:
            self._add_up(j, height)

    def _add_up(self, j: str, height: int) -> None:
        """The dot products of a column, from their vectors."""
        f, k = self.f, self.k
        for i in range(height):
            place = f.at(k.type, self.sums, (f.add(f.mul(j, height), i), k.lanes))
            vector = f.emit(f"load {k.vector}, ptr {place}, align {k.size}")
            reduce = f"@llvm.vector.reduce.fadd.v{k.lanes}{k.suffix}"
            total = f.emit(f"call reassoc {k.type} {reduce}({k.type} -0.0, {k.vector} {vector})")
            to = f.at(k.type, self.scratch, (j, 1), (str(i), self.p.n))
            f.line(f"store {k.type} {total}, ptr {to}, align {k.size}")

    def _tile(self, a: str, j: str, height: int, columns: int, first: str, last: str) -> None:
        f, k = self.f, self.k
        if (height, columns) not in self.tiles:
            self.tiles[height, columns] = self._tile_text(height, columns)
        b = ", ".join(f"ptr {self._along(self.b, f.add(j, d), self.p.b.outer)}" for d in range(columns))
        sums = f.at(k.type, self.sums, (j, height * k.lanes))
        f.line(f"call void @{self.name}_{height}x{columns}(ptr {a}, {b}, ptr {sums}, i64 {first}, i64 {last})")

    def _rows_in_round(self) -> tuple[Pairs, list[tuple[int, int]]]:
        """The axes of the loop, and where in both operands the rows begin that a round of it takes: several short ones."""
        *outer, ((length, _), _) = list(zip(self.p.a.summed, self.p.b.summed))
        if not outer:
            return [], [(0, 0)]
        ((extent, ao), (_, bo)), vectors = outer[-1], -(-length // self.k.lanes)
        several = max([n for n in range(1, 9) if extent % n == 0 and (n == 1 or n * vectors <= 8)])
        outer[-1] = ((extent // several, ao * several), (extent // several, bo * several))
        return outer, [(i * ao, i * bo) for i in range(several)]

    def _tile_text(self, height: int, columns: int) -> str:
        """Rounds `first` to `last` of a tile: what they sum is added to the vectors at %c, which begin with the first."""
        k, every = self.k, [(i, j) for i in range(height) for j in range(columns)]
        given = ", ".join(f"ptr %b{j}" for j in range(columns))
        lines = [
            f"define internal void @{self.name}_{height}x{columns}(ptr %a, {given}, ptr %c, i64 %first, i64 %last) "
            "noinline nounwind {\nentry:\n  %begins = icmp eq i64 %first, 0"
        ]
        for i, j in every:
            lines += [k.at(f"%c{i}_{j}", "%c", (j * height + i) * k.lanes), k.load(f"%l{i}_{j}", f"%c{i}_{j}")]
            lines.append(f"  %i{i}_{j} = select i1 %begins, {k.vector} zeroinitializer, {k.vector} %l{i}_{j}")
        outer, rows = self._rows_in_round()
        sums = _loop(k, lines, ("%first", "%last"), outer, {(i, j): f"%i{i}_{j}" for i, j in every})
        (length, _), (_, step) = self.p.a.summed[-1], self.p.b.summed[-1]
        row = self.p.a.outer[0][1] if self.p.a.outer else 0
        starts = [(ao, bo, x) for ao, bo in rows for x in range(0, length, k.lanes)]
        for number, (ao, bo, x) in enumerate(starts):
            for j in range(columns):
                lines += _own_lanes(k, f"%y{number}_{j}", f"%b{j}r", bo, x, length, step)
            for i in range(height):
                lines += _own_lanes(k, f"%x{number}_{i}", "%ar", ao + i * row, x, length, 1)
                for j in range(columns):
                    lines.append(k.multiply_add(f"%s{number}_{i}_{j}", f"%x{number}_{i}", f"%y{number}_{j}", sums[i, j]))
                    sums[i, j] = f"%s{number}_{i}_{j}"
        _end_loop(lines, sums)
        lines += [k.store(sums[place], f"%c{place[0]}_{place[1]}") for place in every]
        return "\n".join([*lines, "  ret void\n}"])


def _elements(k: Kind, name: str, base: str, offset: int, step: int) -> list[str]:
    """A vector of elements that are `step`, 1 or 2, apart. Nothing is read behind the last of them."""
    if step == 1:
        return [k.at(f"{name}p", base, offset), k.load(name, f"{name}p")]
    low, high = f"{name}l", f"{name}h"
    n = k.lanes
    order = [i if i < n else i + 1 for i in range(0, 2 * n, 2)]  # the second load begins one element early
    return [
        k.at(f"{low}p", base, offset), k.load(low, f"{low}p"), k.at(f"{high}p", base, offset + n - 1),
        k.load(high, f"{high}p"), k.shuffle(name, low, high, order),
    ]  # fmt: skip


def _own_lanes(k: Kind, name: str, base: str, row: int, x: int, length: int, step: int) -> list[str]:
    """A vector of the elements x, x + 1, ... of a row of `length`, `step` apart. The last one reaches back to be whole,
    and has 0 for what was in the one before."""
    if x + k.lanes <= length:
        return _elements(k, name, base, row + x * step, step)
    back = k.lanes - (length - x)
    if back > x:  # there is none before
        mask = _lanes_where([lane < length - x for lane in range(k.lanes)])
        return [k.at(f"{name}p", base, row + x), k.masked_load(name, f"{name}p", mask)]
    mask = _lanes_where([lane >= back for lane in range(k.lanes)])
    whole = _elements(k, f"{name}w", base, row + (x - back) * step, step)
    return [*whole, f"  {name} = select {k.bools} {mask}, {k.vector} {name}w, {k.vector} zeroinitializer"]


def _lanes_where(true: list[bool]) -> str:
    return f"<{', '.join('i1 true' if yes else 'i1 false' for yes in true)}>"


Pairs = list[tuple[tuple[int, int], tuple[int, int]]]


def _rounds(pairs: Pairs) -> tuple[int, int]:
    """How many rounds the loop has, and how many of the last axes are taken in one."""
    inside, taken = 0, 1
    for (extent, _), _ in reversed(pairs):
        if taken * extent > _ROUND:
            break
        inside, taken = inside + 1, taken * extent
    return math.prod([n for (n, _), _ in pairs[: len(pairs) - inside]]), inside


def _offsets(pairs: Pairs) -> list[tuple[int, int]]:
    """Where each element of a round lies, in both operands."""
    found = [(0, 0)]
    for (extent, ao), (_, bo) in pairs:
        found = [(x + i * ao, y + i * bo) for x, y in found for i in range(extent)]
    return found


def _loop(
    k: Kind, lines: list[str], rounds: tuple[object, object], pairs: Pairs, starts: dict[tuple[int, int], str]
) -> dict[tuple[int, int], str]:
    """Open a loop over rounds, one at least: %ar and %bJr are where the operands stand in this one. Gives the sums so far."""
    first, last = rounds
    lines += [f"  br label %loop\nloop:\n  %p = phi i64 [{first}, %entry], [%pn, %loop]"]
    lines += [f"  %z{i}_{j} = phi {k.vector} [{start}, %entry], [LAST{i}_{j}., %loop]" for (i, j), start in starts.items()]
    index, totals = "%p", {"a": "0", "b": "0"}
    for number, ((extent, ao), (_, bo)) in reversed(list(enumerate(pairs))):
        own = index
        if number:
            lines += [f"  %r{number} = urem i64 {index}, {extent}", f"  %d{number} = udiv i64 {index}, {extent}"]
            own, index = f"%r{number}", f"%d{number}"
        for side, stride in (("a", ao), ("b", bo)):
            lines.append(f"  %o{side}{number} = mul nsw i64 {own}, {stride}")
            lines.append(f"  %t{side}{number} = add nsw i64 {totals[side]}, %o{side}{number}")
            totals[side] = f"%t{side}{number}"
    lines.append(k.at("%ar", "%a", totals["a"]))
    lines += [k.at(f"%b{j}r", f"%b{j}", totals["b"]) for j in dict.fromkeys(j for _, j in starts)]
    lines.append(f"  %pn = add nsw i64 %p, 1\n  %more = icmp slt i64 %pn, {last}")
    return {(i, j): f"%z{i}_{j}" for i, j in starts}


def _end_loop(lines: list[str], sums: dict[tuple[int, int], str]) -> None:
    lines.append("  br i1 %more, label %loop, label %done\ndone:")
    for number, line in enumerate(lines):
        for (i, j), last in sums.items():
            line = line.replace(f"LAST{i}_{j}.", last)
        lines[number] = line
