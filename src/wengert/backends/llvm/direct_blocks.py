"""Direct products of two matrices (`direct.py`): blocks of rows x columns, each handed on while the first-level cache has
it, or written to where it goes at once. Within a block two vectors of columns meet all rows before the next two."""

from __future__ import annotations

from wengert.backends.llvm.direct_plan import Group, blocks
from wengert.backends.llvm.direct_strips import Strips


class Blocks(Strips):
    def part(self, part: str) -> None:
        """Parts are counted along the columns first."""
        f, (rows, columns) = self.f, blocks(self.p)
        to = self.p.to
        self.stride = to.row if to else max(group.size for group in columns) * self.p.unit
        across = sum([group.many for group in columns])
        row, column = f.div(part, across), f.rem(part, across)
        for tall in rows:
            for broad in columns:
                with f.when(f.both(self._is(row, tall), self._is(column, broad))):
                    self._block(self._start_of(row, tall), tall.size, self._start_of(column, broad), broad.size)

    def _is(self, number: str, group: Group) -> str:
        f = self.f
        return f.both(f.no(f.less(number, group.first)), f.less(number, group.first + group.many))

    def _start_of(self, number: str, group: Group) -> str:
        f = self.f
        return f.add(f.mul(f.sub(number, group.first), group.size), group.start)

    def _block(self, i: str, rows: int, unit: str, units: int) -> None:
        """The sums of a block, and what becomes of them."""
        p, f, k = self.p, self.f, self.k
        width, pair = units * p.unit, 2 * k.lanes
        j, whole = f.mul(unit, p.unit), width - width % pair
        a = f.at(k.type, self.a, (i, self._row_stride))
        self.out = self.scratch
        if p.to is not None:
            target = self._buffer(f.read("i64", self.places))
            self.out = f.at(k.type, target, (str(p.to.offset), 1), (i, p.to.row), (j, 1))
        if whole:
            with f.loop("0", str(whole), pair) as x:
                self._down(a, rows, j, [x, f.add(x, k.lanes)])
        if whole < width:  # the last vector overlaps the one before
            self._down(a, rows, j, [str(min(x, width - k.lanes)) for x in range(whole, width, k.lanes)])
        if p.to is None:
            self._hand_on(i, f.add(i, rows), j, f.add(j, width), self.stride)

    def _down(self, a: str, rows: int, j: str, columns: list[str]) -> None:
        """Vectors from these columns of the block on against all of its rows."""
        f, k = self.f, self.k
        pointers = [(self._along(self.b, f.add(j, x), self.p.b.outer), f.at(k.type, self.out, (x, 1))) for x in columns]
        for start, count, height in self._row_tiles(rows):
            with f.loop(str(start), str(start + count * height), height) as i:
                row = f.at(k.type, a, (i, self._row_stride))
                there = [(b, f.at(k.type, c, (i, self.stride))) for b, c in pointers]
                self._tile(row, height, there, self.stride)

    def _put(self, name: str, total: str, to: str, place: int) -> list[str]:
        if self.p.to is None or not self.p.to.adds:
            return super()._put(name, total, to, place)
        k = self.k
        return [
            k.at(f"%g{name}", to, place), k.load(f"%h{name}", f"%g{name}"), k.add(f"%t{name}", f"%h{name}", total),
            k.store(f"%t{name}", f"%g{name}"),
        ]  # fmt: skip
