"""Direct contractions whose summed elements lie side by side (`direct.py`): tiles of rows x columns of partial sums."""

from __future__ import annotations

import math

from wengert.backends.llvm.direct_plan import ROWS
from wengert.backends.llvm.direct_task import Task
from wengert.backends.llvm.direct_text import Pairs, end_loop, loop, own_lanes

# Bytes of rows of the left operand that all columns meet before the next block.
_NEAR = 12 << 10


class Dots(Task):
    @property
    def most_columns(self) -> int:
        """Of a tile: its sums, a vector of each column and one of a row fill 16 registers. What a masked vector needs besides
        lets a sum wait in memory; where every other vector is masked, each round would take as long as that."""
        whole, rest = divmod(self.p.a.summed[-1][0], self.k.lanes)
        return 2 if self.p.registers < 32 and rest and whole < 2 else 3

    def part(self, part: str) -> None:
        p, f = self.p, self.f
        i0 = f.mul(part, ROWS)
        rest = p.m % ROWS
        self.sums = f.at(self.k.type, self.scratch, (str(p.n * ROWS), 1))
        if p.m >= ROWS:
            full = f.less(f.add(i0, ROWS - 1), p.m)
            with f.when(full):
                self._rows(i0, ROWS)
            if rest:
                with f.when(f.no(full)):
                    self._rows(i0, rest)
        else:
            self._rows(i0, rest)
        self._hand_on(i0, f.least(f.add(i0, ROWS), p.m), "0", str(p.n), p.n)

    def _rows(self, i: str, height: int) -> None:
        p, f, k, columns = self.p, self.f, self.k, self.most_columns
        a = f.at(k.type, self.a, (i, p.a.outer[0][1] if p.a.outer else 0))
        whole = p.n - p.n % columns
        outer, rows = self._rows_in_round()
        rounds = math.prod([n for (n, _), _ in outer])
        block = max(1, _NEAR // (ROWS * len(rows) * p.a.summed[-1][0] * k.size))
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
        name = self.tile(height, columns, lambda: self._tile_text(height, columns))
        b = ", ".join(f"ptr {self._along(self.b, f.add(j, d), self.p.b.outer)}" for d in range(columns))
        sums = f.at(k.type, self.sums, (j, height * k.lanes))
        f.line(f"call void {name}(ptr {a}, {b}, ptr {sums}, i64 {first}, i64 {last})")

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
            f"define internal void @TILE(ptr %a, {given}, ptr %c, i64 %first, i64 %last) "
            "noinline nounwind {\nentry:\n  %begins = icmp eq i64 %first, 0"
        ]
        for i, j in every:
            lines += [k.at(f"%c{i}_{j}", "%c", (j * height + i) * k.lanes), k.load(f"%l{i}_{j}", f"%c{i}_{j}")]
            lines.append(f"  %i{i}_{j} = select i1 %begins, {k.vector} zeroinitializer, {k.vector} %l{i}_{j}")
        outer, rows = self._rows_in_round()
        sums = loop(k, lines, ("%first", "%last"), outer, {(i, j): f"%i{i}_{j}" for i, j in every})
        (length, _), (_, step) = self.p.a.summed[-1], self.p.b.summed[-1]
        row = self.p.a.outer[0][1] if self.p.a.outer else 0
        starts = [(ao, bo, x) for ao, bo in rows for x in range(0, length, k.lanes)]
        for number, (ao, bo, x) in enumerate(starts):
            for j in range(columns):
                lines += own_lanes(k, f"%y{number}_{j}", f"%b{j}r", bo, x, length, step)
            for i in range(height):
                lines += own_lanes(k, f"%x{number}_{i}", "%ar", ao + i * row, x, length, 1)
                for j in range(columns):
                    lines.append(k.multiply_add(f"%s{number}_{i}_{j}", f"%x{number}_{i}", f"%y{number}_{j}", sums[i, j]))
                    sums[i, j] = f"%s{number}_{i}_{j}"
        end_loop(lines, sums)
        lines += [k.store(sums[place], f"%c{place[0]}_{place[1]}") for place in every]
        return "\n".join([*lines, "  ret void\n}"])
