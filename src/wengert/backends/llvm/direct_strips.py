"""Direct contractions whose columns lie side by side (`direct.py`): tiles of rows x vectors of columns."""

from __future__ import annotations

from wengert.backends.llvm.direct_plan import image_rows
from wengert.backends.llvm.direct_task import Task
from wengert.backends.llvm.direct_text import elements, end_loop, loop, offsets, rounds

# Bytes of scratch memory for a block of the product.
_BLOCK = 1 << 16


class Strips(Task):
    @property
    def most_rows(self) -> int:
        return 12 if self.p.registers >= 32 else 6

    def part(self, part: str) -> None:
        p, f, k = self.p, self.f, self.k
        width = p.b.outer[-1][0]
        rows, pitch = p.b.outer[0] if len(p.b.outer) == 2 else (1, 0)
        together = image_rows(p)
        groups = rows // together
        block = max(1, min(groups, _BLOCK // (p.m * together * width * k.size)))
        stride = block * together * width
        first, last = (f.div(f.mul(x, groups), p.parts) for x in (part, f.add(part, 1)))
        with f.loop(first, last, block) as g:
            end = f.least(f.add(g, block), last)
            for start, count, height in self._row_tiles(p.m):
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

    def _row_tiles(self, rows: int) -> list[tuple[int, int, int]]:
        """(first row, tiles, rows of each): as few tiles as fit, all of nearly the same height."""
        tiles = -(-rows // self.most_rows)
        low, more = divmod(rows, tiles)
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
        name = self.tile(height, len(pointers), lambda: self._tile_text(height, len(pointers), stride))
        given = ", ".join(f"ptr {x}" for pointer in zip(*pointers) for x in pointer)
        self.f.line(f"call void {name}(ptr {a}, {given})")

    def _tile_text(self, height: int, vectors: int, stride: int) -> str:
        k, every = self.k, [(i, v) for i in range(height) for v in range(vectors)]
        given = ", ".join(f"ptr %{side}{v}" for side in "bc" for v in range(vectors))
        lines = [f"define internal void @TILE(ptr %a, {given}) noinline nounwind {{\nentry:"]
        pairs = list(zip(self.p.a.summed, self.p.b.summed))
        count, inside = rounds(pairs)
        sums = dict.fromkeys(every, "zeroinitializer")
        if count > 1:
            sums = loop(k, lines, (0, count), pairs[: len(pairs) - inside], sums)
        for number, (ao, bo) in enumerate(offsets(pairs[len(pairs) - inside :])):
            for v in range(vectors):
                base = f"%b{v}r" if count > 1 else f"%b{v}"
                lines += elements(k, f"%y{number}_{v}", base, bo, self.p.b.outer[-1][1])
            for i in range(height):
                x = f"%x{number}_{i}"
                lines += [k.at(f"{x}p", "%ar" if count > 1 else "%a", ao + i * self._row_stride),
                          f"  {x}s = load {k.type}, ptr {x}p, align {k.size}", k.splat(x, f"{x}s")]  # fmt: skip
                for v in range(vectors):
                    lines.append(k.multiply_add(f"%s{number}_{i}_{v}", x, f"%y{number}_{v}", sums[i, v]))
                    sums[i, v] = f"%s{number}_{i}_{v}"
        if count > 1:
            end_loop(lines, sums)
        for i, v in every:
            lines += self._put(f"{i}_{v}", sums[i, v], f"%c{v}", i * stride)
        return "\n".join([*lines, "  ret void\n}"])

    def _put(self, name: str, total: str, to: str, place: int) -> list[str]:
        """Write a vector of sums."""
        return [self.k.at(f"%g{name}", to, place), self.k.store(total, f"%g{name}")]
