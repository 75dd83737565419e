"""The two functions that a `Contract` hands to the product's kernels (`fused.py`), written from the loop language.

An operand's function computes its elements in a block and puts them into a tile; what becomes of the product is computed
from a tile. Both walk a block of a matrix whose rows and columns may be several axes each:

    void NAME(ptr places, i64 t, i64 r0, i64 r1, i64 c0, i64 c1, ptr tile, i64 stride)

Vectors run along the columns, or along the rows where the loads do. Where the vectors' side is several axes, a vector is
used wherever it fits into the last of them, and single elements elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

from wengert.backends.llvm.emit import Function
from wengert.backends.llvm.scalars import Scalars, Writer
from wengert.dtypes import DType
from wengert.loops.collapse import accesses
from wengert.loops.contract import Part
from wengert.loops.nest import Nest, Product, Value

HEADER = "(ptr %places, i64 %t, i64 %r0, i64 %r1, i64 %c0, i64 %c1, ptr %tile, i64 %stride)"


def emit_region(part: Part, name: str, width: int) -> tuple[str, dict[str, str]]:
    """The function's text and the declarations it needs. `width`: bytes of a vector register."""
    writer = Writer()
    _Region(part, name, width, writer).write()
    return "\n".join(writer.lines), writer.declarations


class _Side:
    """Rows or columns: the numbers of their axes, and the range of a block."""

    def __init__(self, axes: range, first: str, last: str) -> None:
        self.axes = axes
        self.first = first
        self.last = last


class _Region(Function):
    def __init__(self, part: Part, name: str, width: int, writer: Writer) -> None:
        batch, rows, columns = map(len, part.groups)
        self.part = part
        self.batch = range(batch)
        self.rows = _Side(range(batch, batch + rows), "%r0", "%r1")
        self.columns = _Side(range(batch + rows, batch + rows + columns), "%c0", "%c1")
        self.row, self.column = "", ""
        extents = tuple([n for group in part.groups for n in group])
        super().__init__(Nest(extents, (), part.values, part.stores), name, width, writer)
        # No more than a vector of the product's own kind: that is how far rows of a tile are rounded up.
        own = [v.dtype for v in part.values if isinstance(v, Product)] or [part.values[-1].dtype]
        self.wide = self.lanes = min(self.lanes, width // own[0].itemsize)

    def _vector_axis(self) -> int:
        """The last column, or the last row where more of what is read or stored lies side by side along it."""
        columns, rows = self._score(self.columns) + 1, self._score(self.rows)
        self.along_rows = not self.columns.axes or (rows > columns and self.part.is_operand)
        side = self.rows if self.along_rows else self.columns
        return side.axes[-1] if side.axes else -1

    def _score(self, side: _Side) -> int:
        if not side.axes:
            return 0
        k = side.axes[-1]
        return sum(a.strides[k] == 1 for a in accesses(self.nest)) if self.nest.extents[k] >= 4 else 0

    # --- the walk ----------------------------------------------------------------------------------------------------

    def write(self) -> None:
        self.w.line(f"define void @{self.name}{HEADER} nounwind noinline {{")
        self.w.line("entry:")
        self.memory.open(len({a.buffer for a in accesses(self.nest)}))
        self._split("%t", self.batch)
        along, across = (self.rows, self.columns) if self.along_rows else (self.columns, self.rows)
        if self.vector < 0 or self.lanes == 1:
            self.lanes = 1
            self._elements(across, lambda: self._elements(along, self._point))
        elif len(along.axes) == 1:
            self._elements(across, lambda: self._in_vectors(along))
        else:
            self._where_vectors_fit(along, across)
        self.w.line("  ret void\n}")

    def _at(self, side: _Side, index: str) -> None:
        """The point is this row or column."""
        if side is self.rows:
            self.row = index
        else:
            self.column = index
        self._split(index, side.axes)

    def _split(self, index: str, axes: range) -> None:
        """The index along each of several axes, from their common one."""
        for k in reversed(axes):
            if k == axes[0]:
                self.index[k] = index
            else:
                self.index[k] = self.w.emit(f"urem i64 {index}, {self.nest.extents[k]}")
                index = self.w.emit(f"udiv i64 {index}, {self.nest.extents[k]}")

    def _elements(self, side: _Side, body: Callable[[], None], start: Optional[str] = None, stop: Optional[str] = None) -> None:
        def inside(index: str, carried: list[str]) -> list[str]:
            self._at(side, index)
            body()
            return []

        self.loop(start or side.first, stop or side.last, 1, [], inside)

    def _in_vectors(self, along: _Side) -> None:
        """Whole vectors; what is left masked, or, along rows, one by one."""
        length = self.w.emit(f"sub i64 {along.last}, {along.first}")
        whole = self.w.emit(f"and i64 {length}, {-self.wide}")
        limit = self.w.emit(f"add i64 {along.first}, {whole}")

        def inside(index: str, carried: list[str]) -> list[str]:
            self._at(along, index)
            self._point()
            return []

        self.loop(along.first, limit, self.wide, [], inside)
        if self.along_rows:
            self.lanes = 1
            self._elements(along, self._point, limit)
            self.lanes = self.wide
            return
        tail, done = self.w.block(), self.w.block()
        rest = self.w.emit(f"icmp slt i64 {limit}, {along.last}")
        self.w.line(f"  br i1 {rest}, label %{tail}, label %{done}\n{tail}:")
        self.mask = self._tail_mask(limit, along.last)
        inside(limit, [])
        self.mask = None
        self.w.line(f"  br label %{done}\n{done}:")

    def _where_vectors_fit(self, along: _Side, across: _Side) -> None:
        """Outside along the vectors' side, so that where an index stands is worked out seldom."""
        w, extent = self.w, self.nest.extents[self.vector]
        slot = w.emit("alloca i64, align 8")
        w.line(f"  store i64 {along.first}, ptr {slot}, align 8")
        head, body, vector, single, after = (w.block() for _ in range(5))
        w.line(f"  br label %{head}\n{head}:")
        index = w.emit(f"load i64, ptr {slot}, align 8")
        more = w.emit(f"icmp slt i64 {index}, {along.last}")
        w.line(f"  br i1 {more}, label %{body}, label %{after}\n{body}:")
        self._at(along, index)
        within = w.emit(f"add i64 {self.index[self.vector]}, {self.wide}")
        fits = w.emit(f"icmp sle i64 {within}, {extent}")
        beyond = w.emit(f"add i64 {index}, {self.wide}")
        exists = w.emit(f"icmp sle i64 {beyond}, {along.last}")
        both = w.emit(f"and i1 {fits}, {exists}")
        w.line(f"  br i1 {both}, label %{vector}, label %{single}")
        for label, lanes in ((vector, self.wide), (single, 1)):
            w.line(f"{label}:")
            self.lanes = lanes
            self._elements(across, self._point)
            following = w.emit(f"add i64 {index}, {lanes}")
            w.line(f"  store i64 {following}, ptr {slot}, align 8\n  br label %{head}")
        w.line(f"{after}:")
        self.lanes = self.wide

    # --- one point, or one vector of them -------------------------------------------------------------------------

    def _point(self) -> None:
        super()._point()
        if self.part.is_operand:
            number = len(self.nest.values) - 1
            self._put(self._outer([number])[0], self._dtype(number))

    def _compute(self, number: int, s: Scalars, known: dict[int, str], mask: Optional[str]) -> str:
        v: Value = self.nest.values[number]
        if isinstance(v, Product):
            return self.w.emit(f"load {s.type(v.dtype)}, ptr {self._place(v.dtype)}, align {v.dtype.itemsize}")
        return super()._compute(number, s, known, mask)

    def _place(self, dtype: DType) -> str:
        """Where the point, or the first of its lanes, lies in the tile. Lanes lie side by side, except along rows: there
        `stride` apart, which is 1 for a product of one column."""
        w = self.w
        row = w.emit(f"sub i64 {self.row}, %r0")
        column = w.emit(f"sub i64 {self.column}, %c0")
        down = w.emit(f"mul i64 {row}, %stride")
        total = w.emit(f"add i64 {down}, {column}")
        return w.emit(f"getelementptr {Scalars.base(dtype)}, ptr %tile, i64 {total}")

    def _put(self, value: str, dtype: DType) -> None:
        """Write an operand's element, whole vectors along a row."""
        place, s = self._place(dtype), Scalars(self.w, self.lanes)
        if not self.along_rows or s.lanes == 1:
            self.w.line(f"  store {s.type(dtype)} {value}, ptr {place}, align {dtype.itemsize}")
            return
        base = Scalars.base(dtype)
        for lane in range(s.lanes):
            one = self.w.emit(f"extractelement {s.type(dtype)} {value}, i32 {lane}")
            self.w.line(f"  store {base} {one}, ptr {place}, align {dtype.itemsize}")
            if lane + 1 < s.lanes:
                place = self.w.emit(f"getelementptr {base}, ptr {place}, i64 %stride")


