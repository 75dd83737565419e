"""The task of the pool that a direct contraction is: its cells, where each begins, and handing on what it made."""

from __future__ import annotations

import math
from collections.abc import Callable

from wengert.backends.llvm.batched import WORK
from wengert.backends.llvm.direct_plan import Axes, Plan, Side
from wengert.backends.llvm.flow import Flow

# Multiply-adds for which a thread is worth waking.
_GRAIN = 100_000


class Task:
    def __init__(self, p: Plan, name: str, finish: str, tiles: dict[str, str]) -> None:
        self.p = p
        self.k = p.kind
        self.name = name
        self.finish = finish
        self.tiles = tiles
        self.own: dict[tuple[int, int], str] = {}  # names of its tiles, by rows and columns or vectors of them
        self.texts: list[str] = []

    def text(self) -> str:
        p, f = self.p, Flow(f"define internal void @{self.name}(ptr %words, i64 %begin, i64 %end, i64 %worker) nounwind")
        self.f = f
        places, work, self.places = (f.read("ptr", "%words", i) for i in range(3))
        bases = [self._buffer(f.read("i64", places, i)) for i in range(2)]
        own = f.at("i8", work, ("%worker", WORK), ("63", 1))
        self.scratch = f.emit(f"call ptr @llvm.ptrmask.p0.i64(ptr {own}, i64 -64)")
        with f.loop("%begin", "%end", 1) as cell:
            self.t, part = f.div(cell, p.parts), f.rem(cell, p.parts)
            self.a, self.b = (self._start(base, side) for base, side in zip(bases, (p.a, p.b)))
            self.part(part)
        return "\n".join([*self.texts, f.text(), self._run()])

    def _buffer(self, number: str) -> str:
        """Where a buffer of the table lies."""
        return self.f.read("ptr", self.f.emit("load ptr, ptr @buffers, align 8"), number)

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

    def tile(self, rows: int, columns: int, text: Callable[[], str]) -> str:
        """The name of a tile. In its text it is called TILE; one that the program has not had yet is written down."""
        if (rows, columns) not in self.own:
            body = text()
            if body not in self.tiles:
                self.tiles[body] = f"@tile{len(self.tiles)}"
                self.texts.append(body.replace("@TILE", self.tiles[body]))
            self.own[rows, columns] = self.tiles[body]
        return self.own[rows, columns]

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
