"""The matrix product on one thread: a family of register-tiled micro-kernels for every stride of the operands.

    void gemm_SUFFIX(i64 m, i64 n, i64 k, ptr a, i64 ars, i64 acs, ptr b, i64 brs, i64 bcs, ptr c, i64 crs,
                     ptr fused, i64 t, i64 i0, i64 j0, i64 turned, i1 held, ptr work)

    c[i, j] = sum_k a[i, k] b[k, j]            m, n >= 1; k >= 0

Strides are in elements; rows of c are contiguous. `fused`, if not null, tells where operands come from and where the
product goes instead (`fused.py`); t, i0 and j0 say which part of that whole this product is, `turned` whether it is the
transposed one; `held`: that it is not to be handed on. `work` is aligned to 64 bytes and has room for `WORK` bytes.

All of b (as many columns as there is room for) is copied into panels of a few vectors of columns, `packing.py`; then a
block of rows of a at a time meets each panel, a tile at a time, `tile.py`. A panel is read in place where copying does
not pay; a block of a is copied where its rows are not contiguous. A product that is handed on is made in scratch
memory, a block of rows that fits into the second-level cache, and handed on from there.

An element's sum runs in the same order in every tile of five or more vectors; smaller tiles keep several partial sums.

Source: the layering of Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, ACM TOMS 34(3), 2008.
Measured: on an AVX-512 machine 200 to 235 GFLOP/s a core for the 8 x 48 float tile, of at most 240.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from wengert.backends.llvm.flow import Flow, Variable
from wengert.backends.llvm.fused import Fused
from wengert.backends.llvm.packing import pack_columns, pack_rows
from wengert.backends.llvm.tile import tile
from wengert.backends.llvm.vectors import Kind

KC = 512  # summed elements in a block: a panel of 48 floats is then a tenth of a second-level cache
DEEPEST = 4096  # summed elements that are packed at once
MC = 96  # rows in a block
SKEW = 16  # elements between packed rows, so that they do not meet in one set of the cache
# Scratch memory, in bytes: the panels of b, a block of a, a block of the product.
PANELS = 1 << 21
REGION = 1 << 18
ROWS = MC * (KC + SKEW) * 8
WORK = PANELS + REGION + ROWS

# Rows of a from which copying a panel of b pays, and panels from which copying a block of a does.
_MANY_ROWS = 32
_MANY_PANELS = 3
# Columns of a block of a product that is handed on.
BROAD = 1024


class Family(NamedTuple):
    """Tiles for products of at least `least` rows: `rows[v - 1]` rows for a panel of v vectors."""

    least: int
    rows: tuple[int, ...]

    @property
    def vectors(self) -> int:
        return len(self.rows)


def families(registers: int) -> tuple[Family, ...]:
    """For many rows, few rows, and one or two: as many partial sums as fit into the registers next to a row of b."""
    if registers >= 32:
        return Family(8, (8, 8, 8)), Family(4, (4,) * 6), Family(1, (2,) * 8)
    return Family(4, (8, 6, 4)), Family(2, (2,) * 4), Family(1, (1,) * 6)


def gemm(k: Kind, registers: int) -> str:
    """The text of gemm_SUFFIX and all that it calls."""
    every = families(registers)
    sweeps = dict.fromkeys((rows, v) for f in every for v, rows in enumerate(f.rows, 1))
    tiles = dict.fromkeys((r, v) for rows, v in sweeps for r in halves(rows))
    parts = [tile(k, r, v) for r, v in tiles]
    parts += [pack_rows(k, v) for v in range(1, max(f.vectors for f in every) + 1)]
    parts.append(pack_columns(k))
    parts += [_sweep(k, rows, v) for rows, v in sweeps]
    parts += [_Blocks(k, family).text() for family in every]
    parts.append(_entry(k, every))
    return "\n".join(parts)


def halves(rows: int) -> list[int]:
    """rows, rows / 2, ..., 1"""
    found = []
    while rows:
        found.append(rows)
        rows //= 2
    return found


def _fits(f: Flow, done: Variable, rows: int) -> str:
    return f.less(f.add(f.get(done), rows - 1), "%m")


def _sweep(k: Kind, rows: int, vectors: int) -> str:
    """All rows of a block of a against one panel: in tiles, what is left over in tiles of half as many rows, and so on."""
    f = Flow(
        f"define internal void @sweep_{k.suffix}_{rows}x{vectors}(i64 %m, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, "
        "i64 %brs, ptr %c, i64 %crs, i1 %add, i64 %last) nounwind"
    )
    done = f.variable("0")
    for r in halves(rows):
        with f.while_(partial(_fits, f, done, r)):
            i = f.get(done)
            a, c = f.at(k.type, "%a", (i, "%ars")), f.at(k.type, "%c", (i, "%crs"))
            f.line(
                f"call void @tile_{k.suffix}_{r}x{vectors}(i64 %k, ptr {a}, i64 %ars, i64 %acs, ptr %b, i64 %brs, "
                f"ptr {c}, i64 %crs, i1 %add, i64 %last)"
            )
            f.set(done, f.add(i, r))
    return f.text()


class _Panel(NamedTuple):
    """Columns from `start` within the block; `whole` if its last vector has all its elements."""

    start: str
    vectors: str
    columns: str  # that exist
    in_last: str
    whole: str


class _Blocks:
    """blocks_SUFFIX_V: the loops around the sweeps, from outside inwards: along k as far as b fits, along n as far as it
    fits, along m, along k in blocks, along panels."""

    def __init__(self, k: Kind, family: Family) -> None:
        self.k = k
        self.family = family
        self.width = family.vectors * k.lanes
        self.f = Flow(f"define internal void @blocks_{k.suffix}_{family.vectors}({_arguments(k)}) nounwind")

    def text(self) -> str:
        f, k = self.f, self.k
        self.fused = Fused(f, k)
        self.fused.finishes = f.both(self.fused.finishes, f.no("%held"))
        self.region = f.emit(f"getelementptr i8, ptr %work, i64 {PANELS}")
        self.rows = f.emit(f"getelementptr i8, ptr %work, i64 {PANELS + REGION}")
        self.unit = f.test("eq", "%bcs", 1)
        vectors = f.parts("%n", k.lanes)
        pays = f.both(f.either("%keeps", f.no(f.less("%m", _MANY_ROWS))), f.less(str(self.family.vectors), vectors))
        self.near = f.both(f.both(self.unit, f.no(pays)), f.no(self.fused.packs_b))
        broken = f.both(f.test("ne", "%acs", 1), f.less(str(self.family.vectors * (_MANY_PANELS - 1)), vectors))
        self.copied = f.either(broken, self.fused.packs_a)
        self.deep = f.most("%k", 1)
        with f.loop("0", self.deep, DEEPEST) as p:
            self._columns(p)
        return f.text()

    def _columns(self, p: str) -> None:
        """As many columns of b as there is room for, from its row p on."""
        f, k = self.f, self.k
        depth = f.least(f.sub("%k", p), DEEPEST)
        most = f.div(str(PANELS // k.size), f.most(depth, 1))
        most = f.choose(self.fused.finishes, f.least(most, BROAD), most)
        most = f.mul(f.most(f.div(most, self.width), 1), self.width)
        with f.loop("0", "%n", most) as j:
            columns = f.least(f.sub("%n", j), most)
            padded = f.rounded(columns, k.lanes)
            with f.when(f.no("%packed")):
                self._pack(p, j, depth, columns, padded)
            self._rows(p, j, depth, columns, padded)

    @contextmanager
    def _panels(self, columns: str) -> Iterator[_Panel]:
        """Each panel: as few as the family's vectors allow, all of nearly the same width."""
        f, lanes = self.f, self.k.lanes
        vectors = f.parts(columns, lanes)
        left, panels = f.variable(vectors), f.variable(f.parts(vectors, self.family.vectors))
        with f.while_(lambda: f.less("0", f.get(panels))):
            here = f.parts(f.get(left), f.get(panels))
            start = f.mul(f.sub(vectors, f.get(left)), lanes)
            width = f.mul(here, lanes)
            exist = f.least(f.sub(columns, start), width)
            empty = f.sub(width, exist)
            yield _Panel(start, here, exist, f.sub(str(lanes), empty), f.test("eq", empty, 0))
            f.set(left, f.sub(f.get(left), here))
            f.set(panels, f.sub(f.get(panels), 1))

    def _packed(self, q: str, block: str, panel: _Panel, padded: str) -> str:
        """Where the panel lies in scratch memory: blocks along k one after another, in each its panels."""
        return self.f.at(self.k.type, "%work", (q, padded), (panel.start, block))

    def _pack(self, p: str, j: str, depth: str, columns: str, padded: str) -> None:
        f, k = self.f, self.k
        with f.loop("0", depth, KC) as q:
            block, row = f.least(f.sub(depth, q), KC), f.add(p, q)
            with self._panels(columns) as panel:
                to, column = self._packed(q, block, panel, padded), f.add(j, panel.start)
                stride = f.mul(panel.vectors, k.lanes)
                with f.when(f.no(f.both(self.near, panel.whole))):
                    with f.when(self.fused.packs_b):
                        self.fused.pack_b(row, block, column, panel.columns, to, stride)
                    with f.when(f.no(self.fused.packs_b)):
                        source = f.at(k.type, "%b", (row, "%brs"), (column, "%bcs"))
                        with f.when(self.unit):
                            f.switch(panel.vectors, {
                                v: lambda v=v: f.line(  # type: ignore[misc]
                                    f"call void @pack_rows_{k.suffix}_{v}(i64 {block}, i64 {panel.columns}, ptr {source}, "
                                    f"i64 %brs, ptr {to})"
                                )
                                for v in range(1, self.family.vectors + 1)
                            })  # fmt: skip
                        with f.when(f.no(self.unit)):
                            f.line(_columns_packed(k, block, panel.columns, source, "%brs", "%bcs", to, stride))

    def _rows(self, p: str, j: str, depth: str, columns: str, padded: str) -> None:
        """Blocks of rows of a against these columns."""
        f, k, finishes = self.f, self.k, self.fused.finishes
        fit = f.div(f.div(str(REGION // k.size), padded), 24)
        rows = f.choose(finishes, f.least(f.mul(f.most(fit, 1), 24), MC), str(MC))
        with f.loop("0", "%m", rows) as i:
            height = f.least(f.sub("%m", i), rows)
            own = f.at(k.type, "%c", (i, "%crs"), (j, 1))
            c = f.choose(finishes, self.region, own, "ptr")
            # Rows of one element lie side by side: what a tile writes on is overwritten by the rows below.
            own_stride = f.choose(f.test("eq", "%n", 1), 1, padded)
            stride = f.choose(finishes, own_stride, "%crs")
            with f.loop("0", f.most(depth, 1), KC) as q:
                self._block(p, q, i, j, depth, height, columns, padded, c, stride)
            with f.when(finishes):
                # A transposed product that is made in tiles has one row: a column of the product.
                self.fused.finish(i, height, j, columns, self.region, f.choose(self.fused.turned, 1, own_stride))

    def _block(
        self, p: str, q: str, i: str, j: str, depth: str, height: str, columns: str, padded: str, c: str, stride: str
    ) -> None:
        """One block of a against the panels."""
        f, k = self.f, self.k
        block, row = f.least(f.sub(depth, q), KC), f.add(p, q)
        more = f.test("ne", row, 0)
        source = f.at(k.type, "%a", (i, "%ars"), (row, "%acs"))
        some = f.less("0", block)
        with f.when(f.both(self.copied, some)):
            with f.when(self.fused.packs_a):
                self.fused.pack_a(i, height, row, block, self.rows, str(KC + SKEW))
            with f.when(f.no(self.fused.packs_a)):
                f.line(_columns_packed(k, height, block, source, "%ars", "%acs", self.rows, str(KC + SKEW)))
        a = f.choose(self.copied, self.rows, source, "ptr")
        ars, acs = f.choose(self.copied, str(KC + SKEW), "%ars"), f.choose(self.copied, "1", "%acs")
        with self._panels(columns) as panel:
            in_place = f.both(self.near, panel.whole)
            there = f.at(k.type, "%b", (row, "%brs"), (f.add(j, panel.start), "%bcs"))
            b = f.choose(in_place, there, self._packed(q, block, panel, padded), "ptr")
            brs = f.choose(in_place, "%brs", f.mul(panel.vectors, k.lanes))
            last = f.choose(self.fused.finishes, str(k.lanes), panel.in_last)
            to = f.at(k.type, c, (panel.start, 1))
            f.switch(panel.vectors, {
                v: lambda rows=rows, v=v: f.line(  # type: ignore[misc]
                    f"call void @sweep_{k.suffix}_{rows}x{v}(i64 {height}, i64 {block}, ptr {a}, i64 {ars}, i64 {acs}, "
                    f"ptr {b}, i64 {brs}, ptr {to}, i64 {stride}, i1 {more}, i64 {last})"
                )
                for v, rows in enumerate(self.family.rows, 1)
            })  # fmt: skip


def _columns_packed(k: Kind, rows: str, columns: str, source: str, rs: str, cs: str, to: str, width: str) -> str:
    return (
        f"call void @pack_columns_{k.suffix}(i64 {rows}, i64 {columns}, ptr {source}, i64 {rs}, i64 {cs}, ptr {to}, "
        f"i64 {width})"
    )


def _arguments(k: Kind) -> str:
    return (
        "i64 %m, i64 %n, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %brs, i64 %bcs, ptr %c, i64 %crs, ptr %fused, "
        "i64 %t, i64 %i0, i64 %j0, i64 %turned, i1 %held, i1 %keeps, i1 %packed, ptr %work"
    )


def _entry(k: Kind, every: tuple[Family, ...]) -> str:
    """The tiles are chosen by the number of rows. A product over more summed elements than are packed at once that is to
    be handed on is made whole in scratch memory, part by part."""
    f = Flow(f"define internal void @gemm_{k.suffix}({_arguments(k)}) nounwind")
    fused = Fused(f, k)
    parts = f.both(f.both(fused.finishes, f.no("%held")), f.less(str(DEEPEST), "%k"))
    with f.when(parts):
        _in_parts(f, k, fused)
    above = parts
    for family in every:
        enough = f.no(f.less("%m", family.least))
        with f.when(f.both(enough, f.no(above))):
            f.line(f"call void @blocks_{k.suffix}_{family.vectors}({_arguments(k)})")
        above = f.either(above, enough)
    return f.text()


def _in_parts(f: Flow, k: Kind, fused: Fused) -> None:
    side = 256
    region = f.emit(f"getelementptr i8, ptr %work, i64 {PANELS}")
    with f.loop("0", "%n", side) as j, f.loop("0", "%m", REGION // k.size // side) as i:
        width, height = f.least(f.sub("%n", j), side), f.least(f.sub("%m", i), REGION // k.size // side)
        a, b = f.at(k.type, "%a", (i, "%ars")), f.at(k.type, "%b", (j, "%bcs"))
        f.line(
            f"call void @gemm_{k.suffix}(i64 {height}, i64 {width}, i64 %k, ptr {a}, i64 %ars, i64 %acs, ptr {b}, "
            f"i64 %brs, i64 %bcs, ptr {region}, i64 {side}, ptr %fused, i64 %t, i64 {f.add('%i0', i)}, "
            f"i64 {f.add('%j0', j)}, i64 %turned, i1 true, i1 false, i1 false, ptr %work)"
        )
        fused.finish(i, height, j, width, region, f.choose(fused.turned, 1, side))
