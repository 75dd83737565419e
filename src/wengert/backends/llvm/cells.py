"""How a product is cut for the threads of the pool, as LLVM IR.

    void choose_SUFFIX(ptr cut, i64 batch, i64 m, i64 n, i64 k, i64 threads, i1 dots, i1 broken, i1 finishes)

writes what `CUT` names: the parts of rows and of columns, into how many pieces each part is divided along either, and
whether pieces share panels; behind these words, for each thread, that it has packed none of them yet. `dots`: it is made by
dot products (`dots.py`); `broken`: rows of the left operand have to be copied; `finishes`: the product is handed on.

*Parts* are as many as there are threads, and such that the busiest thread has least to do, where a part counts as columns x
(rows + 8): 8 stands for copying a panel of b. Where a sum is shorter than a row of a product that is handed on, parts of
columns count k + 8 for k: it is the gradient by a weight with its update, and the next step's forward product reads whole
rows of that weight, which then lie in the cache of the thread that wrote them (measured for 128 x 784 over 64: 18
microseconds of a step of 198 on two threads).

*Pieces* are what a thread takes at a time. A thread that comes late, is slower or is taken away for a while leaves pieces
to the others; each has its own first (`parallel.py`). A part is divided along its columns, a panel or more each, of which
every piece packs its own; what that leaves is divided along its rows, and a thread packs the panels only once for the pieces
that it takes one after another (`keeps`). Where rows of a have to be copied as well, pieces side by side would copy them
again: then a part is divided along its columns only where it is so wide or deep that its panels would not stay in the
second-level cache.

All of this depends on nothing but the shapes, the strides and the number of threads, so the same call gives the same bits.
"""

from __future__ import annotations

from wengert.backends.llvm.flow import Flow, Variable
from wengert.backends.llvm.gemm import BROAD, DEEPEST, PANELS, families
from wengert.backends.llvm.parallel import MOST_THREADS
from wengert.backends.llvm.vectors import Kind

CUT = ("rows", "columns", "row_pieces", "column_pieces", "keeps")

# Multiply-adds of a piece (5 microseconds on one core with AVX2 at least), and pieces of a part, at most.
PIECE = 400_000
SHARE = 8
# Bytes of panels that are to stay in the second-level cache.
_KEPT = PANELS // 4


def choose(k: Kind, registers: int) -> str:
    """The text of choose_SUFFIX."""
    return _Choice(k, registers).text()


class _Choice:
    def __init__(self, k: Kind, registers: int) -> None:
        self.k = k
        self.wide = families(registers)[0].vectors  # vectors of a panel
        self.f = Flow(
            f"define internal void @choose_{k.suffix}(ptr %cut, i64 %batch, i64 %m, i64 %n, i64 %k, i64 %threads, i1 %dots, "
            "i1 %broken, i1 %finishes) nounwind"
        )

    def text(self) -> str:
        f = self.f
        self.vectors, self.eights = f.parts("%n", self.k.lanes), f.parts("%m", 8)
        self.broad = f.both("%finishes", f.less("%k", "%n"))
        rows, columns = self._parts()
        self._pieces(f.get(rows), f.get(columns))
        return f.text()

    def _parts(self) -> tuple[Variable, Variable]:
        """For each number of parts of rows: one part of columns, and as many as the threads allow."""
        f = self.f
        self.best, self.rows, self.columns = f.variable("-1"), f.variable("1"), f.variable("1")
        upto = f.choose("%dots", 1, f.least("%threads", self.eights))
        with f.loop("1", f.add(upto, 1), 1) as rows:
            self._try(rows, "1")
            self._try(rows, f.most(f.least(f.div("%threads", rows), self.vectors), 1))
        return self.rows, self.columns

    def _try(self, rows: str, columns: str) -> None:
        f = self.f
        rounds = f.parts(f.mul(f.mul(rows, columns), "%batch"), "%threads")
        height = f.least(f.mul(f.parts(self.eights, rows), 8), "%m")
        cost = f.mul(f.mul(rounds, f.parts(self.vectors, columns)), f.add(height, 8))
        apart = f.both(self.broad, f.less("1", columns))
        cost = f.mul(cost, f.choose(apart, f.add("%k", 8), f.most("%k", 1)))
        with f.when(f.test("ult", cost, f.get(self.best))):
            for variable, value in ((self.best, cost), (self.rows, rows), (self.columns, columns)):
                f.set(variable, value)

    def _pieces(self, rows: str, columns: str) -> None:
        f = self.f
        cells = f.mul(f.mul(rows, columns), "%batch")
        work = f.mul(f.mul(f.mul("%m", "%n"), f.most("%k", 1)), "%batch")
        pieces = f.most(f.least(f.div(work, f.mul(cells, PIECE)), SHARE), 1)
        pieces = f.choose("%dots", 1, pieces)
        vectors = f.parts(self.vectors, columns)  # of the widest part
        by_rows = f.either("%broken", self.broad)
        panels = f.parts(vectors, self.wide)
        blocks = f.parts(f.mul(f.mul(vectors, self.k.lanes * self.k.size), "%k"), _KEPT)
        across = f.most(f.least(f.least(f.choose(by_rows, blocks, panels), panels), pieces), 1)
        down = f.least(f.div(pieces, across), f.div(self.eights, f.mul(rows, 2)))  # of 9 rows at least: all of one family
        lasts = self._lasts(f.mul(f.parts(vectors, across), self.k.lanes))
        down = f.choose(lasts, f.most(down, 1), 1)
        across = f.choose(f.both(by_rows, f.no(lasts)), 1, across)
        keeps = f.less("1", down)
        for place, value in enumerate((rows, columns, down, across, f.choose(keeps, 1, 0))):
            f.line(f"store i64 {value}, ptr {f.at('i64', '%cut', (str(place), 1))}, align 8")
        with f.when(keeps):
            kept = f.at("i64", "%cut", (str(len(CUT)), 1))
            f.line(f"call void @llvm.memset.p0.i64(ptr {kept}, i8 -1, i64 {MOST_THREADS * 8}, i1 false)")

    def _lasts(self, columns: str) -> str:
        """Whether panels of so many columns are packed as a whole (`gemm.py`)."""
        f, panel = self.f, self.wide * self.k.lanes
        room = f.mul(f.add(columns, panel), "%k")
        fits = f.both(f.no(f.less(str(PANELS // self.k.size), room)), f.no(f.less(str(DEEPEST), "%k")))
        return f.both(fits, f.no(f.both("%finishes", f.less(str(BROAD // panel * panel), columns))))
