"""The product of batches of matrices over the thread pool, as LLVM IR. `product.py` tells what it computes.

    void wengert_product_SUFFIX(...)                              settles the call and hands cells to the pool
    void cells_SUFFIX(ptr words, i64 begin, i64 end, i64 worker)  the task

The product is cut into *cells*: pieces of parts of batch x rows x columns, as many as there is work and threads for
(`cells.py`). Each cell is a `gemm` or a `dots` (see these modules).
"""

from __future__ import annotations

from wengert.backends.llvm.cells import CUT, choose
from wengert.backends.llvm.flow import Flow
from wengert.backends.llvm.fused import Fused, nothing
from wengert.backends.llvm.gemm import PANELS, REGION, WORK as ROOM
from wengert.backends.llvm.parallel import MOST_THREADS
from wengert.backends.llvm.vectors import Kind

WORK = ROOM + 64  # bytes a thread: what the kernels need, and up to the next multiple of 64

# Multiply-adds for which a thread is worth waking: a few microseconds.
GRAIN = 100_000
# The same for `dots`, which waits for memory.
GRAIN_OF_DOTS = 50_000
# Rows up to which dot products may beat tiles (measured at k = 784: 8 rows 7.7 microseconds against 13.7, 24 rows 29
# against 26). Their sums must be long enough to repay the adding up of lanes: vectors in a sum, to which the square of the
# number of rows / 8 is added. Tiles are at their best with many columns, which only a transposed copy of b holds against
# them; one row, or few columns, leaves most of their lanes or of their sums empty.
DOTS_ROWS = 16
DOTS_VECTORS = 4
DOTS_VECTORS_OF_ONE = 1

# What a cell must know, as words of memory.
_GIVEN = "inner m n k a abo abs ars acs b bbo bbs brs bcs c cbs crs ccs fused turned work dots".split()
_WORDS = (*_GIVEN, *CUT)  # and then, for each thread, which panels it has packed
_POINTERS = frozenset(("a", "b", "c", "fused", "work"))


def batched(k: Kind, registers: int) -> str:
    """The text of wengert_product_SUFFIX and of its task."""
    return "\n".join([_lines(k), _cell(k), choose(k, registers), _dots_pay(k), _product(k)])


def shared() -> str:
    """What the texts of all kinds have in common."""
    return "\n".join([_PART_OF, nothing()])


def _type(word: str) -> str:
    return "ptr" if word in _POINTERS else "i64"


# --- one cell -------------------------------------------------------------------------------------------------------


def _cell(k: Kind) -> str:
    """void cells_SUFFIX(ptr words, i64 begin, i64 end, i64 worker): a task of the pool."""
    f = Flow(f"define internal void @cells_{k.suffix}(ptr %words, i64 %begin, i64 %end, i64 %worker) nounwind")
    w = {word: f.read(_type(word), "%words", place) for place, word in enumerate(_WORDS)}
    own = f.at("i8", w["work"], ("%worker", WORK), ("63", 1))
    work = f.emit(f"call ptr @llvm.ptrmask.p0.i64(ptr {own}, i64 -64)")
    pieces, parts = f.mul(w["row_pieces"], w["column_pieces"]), f.mul(w["rows"], w["columns"])
    rows, columns = f.mul(w["rows"], w["row_pieces"]), f.mul(w["columns"], w["column_pieces"])
    dotted, keeps = f.test("ne", w["dots"], 0), f.test("ne", w["keeps"], 0)
    kept = f.at("i64", "%words", (str(len(_WORDS)), 1), ("%worker", 1))
    with f.loop("%begin", "%end", 1) as x:
        piece, part = f.rem(x, pieces), f.div(x, pieces)
        t, part = f.div(part, parts), f.rem(part, parts)
        to, ti = f.div(t, w["inner"]), f.rem(t, w["inner"])
        r = f.add(f.mul(f.div(part, w["columns"]), w["row_pieces"]), f.rem(piece, w["row_pieces"]))
        q = f.add(f.mul(f.rem(part, w["columns"]), w["column_pieces"]), f.div(piece, w["row_pieces"]))
        i0, i1 = (_part_of(f, w["m"], 8, place, rows) for place in (r, f.add(r, 1)))
        j0, j1 = (_part_of(f, w["n"], k.lanes, place, columns) for place in (q, f.add(q, 1)))
        a = f.at(k.type, w["a"], (to, w["abo"]), (ti, w["abs"]), (i0, w["ars"]))
        b = f.at(k.type, w["b"], (to, w["bbo"]), (ti, w["bbs"]), (j0, w["bcs"]))
        c = f.at(k.type, w["c"], (t, w["cbs"]), (i0, w["crs"]), (j0, w["ccs"]))
        place = f"ptr {w['fused']}, i64 {t}, i64 {i0}, i64 {j0}, i64 {w['turned']}"
        m, n = f.sub(i1, i0), f.sub(j1, j0)
        with f.when(dotted):
            f.line(
                f"call void @lines_{k.suffix}(i64 {m}, i64 {n}, i64 {w['k']}, ptr {a}, i64 {w['ars']}, i64 {w['acs']}, "
                f"ptr {b}, i64 {w['bcs']}, ptr {c}, i64 {w['crs']}, i64 {w['ccs']}, {place}, ptr {work})"
            )
        with f.when(f.no(dotted)):
            panels, there = f.add(f.mul(t, columns), q), f.variable("false", "i1")
            with f.when(keeps):
                f.set(there, f.test("eq", f.read("i64", kept), panels))
                f.line(f"store i64 {panels}, ptr {kept}, align 8")
            f.line(
                f"call void @gemm_{k.suffix}(i64 {m}, i64 {n}, i64 {w['k']}, ptr {a}, i64 {w['ars']}, i64 {w['acs']}, "
                f"ptr {b}, i64 {w['brs']}, i64 {w['bcs']}, ptr {c}, i64 {w['crs']}, {place}, i1 false, i1 {keeps}, "
                f"i1 {f.get(there)}, ptr {work})"
            )
    return f.text()


def _part_of(f: Flow, extent: str, unit: int, place: str, parts: str) -> str:
    return f.emit(f"call i64 @part_of(i64 {extent}, i64 {unit}, i64 {place}, i64 {parts})")


def _lines(k: Kind) -> str:
    """lines_SUFFIX: the product by dots; one that is handed on goes to scratch memory as many columns at a time as it has
    room for. There it lies as the caller sees it, also if the product is the transposed one."""
    f = Flow(
        f"define internal void @lines_{k.suffix}(i64 %m, i64 %n, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %bcs, "
        "ptr %c, i64 %crs, i64 %ccs, ptr %fused, i64 %t, i64 %i0, i64 %j0, i64 %turned, ptr %work) nounwind"
    )
    fused = Fused(f, k)
    turned = fused.turned
    region = f.emit(f"getelementptr i8, ptr %work, i64 {PANELS}")
    most = f.choose(fused.finishes, f.most(f.div(str(REGION // k.size), "%m"), 1), "%n")
    with f.loop("0", "%n", most) as j:
        columns = f.least(f.sub("%n", j), most)
        b, own = f.at(k.type, "%b", (j, "%bcs")), f.at(k.type, "%c", (j, "%ccs"))
        there = [(region, own, "ptr")]
        rows, steps = f.choose(turned, 1, columns), f.choose(turned, "%m", 1)
        there += [(rows, "%crs", "i64"), (steps, "%ccs", "i64")]
        c, crs, ccs = (f.choose(fused.finishes, x, y, type) for x, y, type in there)
        f.line(
            f"call void @dots_{k.suffix}(i64 %m, i64 {columns}, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr {b}, i64 %bcs, "
            f"ptr {c}, i64 {crs}, i64 {ccs}, ptr %work)"
        )
        with f.when(fused.finishes):
            fused.finish("0", "%m", j, columns, region, f.choose(turned, "%m", columns))
    return f.text()


# Where part `place` of `parts` begins, on a multiple of `unit`, in an extent.
_PART_OF = """
define internal i64 @part_of(i64 %extent, i64 %unit, i64 %place, i64 %parts) alwaysinline nounwind {
  %round = add i64 %extent, %unit
  %round1 = sub i64 %round, 1
  %units = udiv i64 %round1, %unit
  %share = mul i64 %units, %place
  %begin = udiv i64 %share, %parts
  %element = mul i64 %begin, %unit
  %bounded = call i64 @llvm.smin.i64(i64 %element, i64 %extent)
  ret i64 %bounded
}
declare ptr @llvm.ptrmask.p0.i64(ptr, i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i64 @llvm.umax.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)"""


# --- the whole product ----------------------------------------------------------------------------------------------


def _dots_pay(k: Kind) -> str:
    """i1 dots_pay_SUFFIX(i64 rows, i64 k, i64 vectors)"""
    return f"""define internal i1 @dots_pay_{k.suffix}(i64 %rows, i64 %k, i64 %vectors) alwaysinline nounwind {{
  %few = icmp sle i64 %rows, {DOTS_ROWS}
  %square = mul i64 %rows, %rows
  %eighth = udiv i64 %square, 8
  %sum = add i64 %vectors, %eighth
  %least = mul i64 %sum, {k.lanes}
  %long = icmp sge i64 %k, %least
  %both = and i1 %long, %few
  ret i1 %both
}}"""


def _product(k: Kind) -> str:
    """Settle the degenerate cases, choose the kernel, exchange the operands' roles where the transposed product is the
    better one, choose the cells and run them."""
    writes = []
    for place, word in enumerate(_GIVEN):
        writes += [
            f"  %{word}w = getelementptr i64, ptr %words, i64 {place}",
            f"  store {_type(word)} %{_SETTLED.get(word, word)}, ptr %{word}w, align 8",
        ]
    ones, reads = [], []
    for place, word in enumerate(CUT):
        at = f"getelementptr i64, ptr %cut, i64 {place}"
        ones += [f"  %{word}o = {at}", f"  store i64 {int(word != 'keeps')}, ptr %{word}o, align 8"]
        reads += [f"  %{word}r = {at}", f"  %{word} = load i64, ptr %{word}r, align 8"]
    turned = "\n".join(
        f"  %{name} = select i1 %turn, {type} {yes}, {type} {no}"
        for type, rows in _TURNED.items()
        for name, yes, no in (row.split() for row in rows)
    )
    room = PANELS // k.size
    return f"""define void @wengert_product_{k.suffix}(i64 %batch, i64 %inner, i64 %m, i64 %n, i64 %k, ptr %a, i64 %abo, \
i64 %abs, i64 %ars, i64 %acs, ptr %b, i64 %bbo, i64 %bbs, \
i64 %brs, i64 %bcs, ptr %c, i64 %cbs, i64 %crs, ptr %fused, ptr %work) nounwind {{
entry:
  %words = alloca [{len(_WORDS) + MOST_THREADS} x i64], align 16
  %cut = getelementptr i64, ptr %words, i64 {_WORDS.index(CUT[0])}
  %mn = call i64 @llvm.smin.i64(i64 %m, i64 %n)
  %least = call i64 @llvm.smin.i64(i64 %mn, i64 %batch)
  %none = icmp slt i64 %least, 1
  br i1 %none, label %out, label %some
some:
  %given = icmp ne ptr %fused, null
  %table = select i1 %given, ptr %fused, ptr @fused.nothing
  %pa = load ptr, ptr %table, align 8
  %pbw = getelementptr i64, ptr %table, i64 2
  %pb = load ptr, ptr %pbw, align 8
  %finw = getelementptr i64, ptr %table, i64 4
  %fin = load ptr, ptr %finw, align 8
  %strided0 = icmp eq ptr %pa, null
  %strided1 = icmp eq ptr %pb, null
  %strided = and i1 %strided0, %strided1
  %finishes = icmp ne ptr %fin, null
  %k1 = call i64 @llvm.smax.i64(i64 %k, i64 0)
  %mone = icmp eq i64 %m, 1
  %mvectors = select i1 %mone, i64 {DOTS_VECTORS_OF_ONE}, i64 {DOTS_VECTORS}
  %mlong = call i1 @dots_pay_{k.suffix}(i64 %m, i64 %k, i64 %mvectors)
  %nlong = call i1 @dots_pay_{k.suffix}(i64 %n, i64 %k, i64 {DOTS_VECTORS_OF_ONE})
  %aline = icmp eq i64 %acs, 1
  %bline = icmp eq i64 %brs, 1
  %mk = mul i64 %m, %k1
  %nk = mul i64 %n, %k1
  %afits = icmp sle i64 %mk, {room}
  %bfits = icmp sle i64 %nk, {room}
  %aready = or i1 %aline, %afits
  %bready = or i1 %bline, %bfits
  %mfewer = icmp sle i64 %m, %n
  %along0 = and i1 %mlong, %aready
  %along1 = and i1 %along0, %bline
  %along = and i1 %along1, %strided
  %across0 = and i1 %nlong, %bready
  %across1 = and i1 %across0, %aline
  %across = and i1 %across1, %strided
  %prefer = and i1 %along, %mfewer
  %other = xor i1 %prefer, true
  %turndots = and i1 %across, %other
  %dotted = or i1 %along, %across
  %undotted = xor i1 %dotted, true
  %column = icmp eq i64 %n, 1
  %cnear = icmp eq i64 %crs, 1
  %near0 = or i1 %cnear, %finishes
  %near = and i1 %near0, %strided
  %asrow = and i1 %column, %near
  %turntiles = and i1 %asrow, %undotted
  %turn = or i1 %turndots, %turntiles
  %dots = zext i1 %dotted to i64
  %turned = zext i1 %turn to i64
{turned}
  %grain = select i1 %dotted, i64 {GRAIN_OF_DOTS}, i64 {GRAIN}
  %k2 = add i64 %k1, 16
  %k3 = select i1 %finishes, i64 %k2, i64 %k1
  %k4 = call i64 @llvm.umax.i64(i64 %k3, i64 1)
  %nk1 = mul i64 %n, %k4
  %sizeone = mul i64 %m, %nk1
  %size = mul i64 %sizeone, %batch
  %worth = udiv i64 %size, %grain
  %have = call i64 @pool_threads()
  %threads0 = call i64 @llvm.umin.i64(i64 %worth, i64 %have)
  %threads = call i64 @llvm.umax.i64(i64 %threads0, i64 1)
  %single = icmp eq i64 %threads, 1
  br i1 %single, label %whole, label %search
whole:
{chr(10).join(ones)}
  br label %settled
search:
  %aturned = icmp ne i64 %acs1, 1
  %afused = xor i1 %strided0, true
  %broken = or i1 %aturned, %afused
  call void @choose_{k.suffix}(ptr %cut, i64 %batch, i64 %m1, i64 %n1, i64 %k1, i64 %threads, i1 %dotted, i1 %broken, \
i1 %finishes)
  br label %settled
settled:
{chr(10).join(writes)}
{chr(10).join(reads)}
  %parts = mul i64 %rows, %columns
  %pieces = mul i64 %row_pieces, %column_pieces
  %each = mul i64 %parts, %pieces
  %cells = mul i64 %each, %batch
  br i1 %single, label %alone, label %together
alone:
  call void @cells_{k.suffix}(ptr %words, i64 0, i64 %cells, i64 0)
  br label %out
together:
  %apiece = udiv i64 %size, %cells
  %apiece1 = add i64 %apiece, 1
  %atonce = udiv i64 %grain, %apiece1
  %atonce1 = add i64 %atonce, 1
  call void @wengert_parallel(ptr @cells_{k.suffix}, ptr %words, i64 0, i64 %cells, i64 %atonce1, i64 1)
  br label %out
out:
  ret void
}}"""


# What the transposed product c' = b' a' takes for each operand: name, transposed, as given.
_TURNED = {
    "ptr": ("a1 %b %a", "b1 %a %b"),
    "i64": (
        "m1 %n %m", "n1 %m %n",
        "abo1 %bbo %abo", "abs1 %bbs %abs", "ars1 %bcs %ars", "acs1 %brs %acs",
        "bbo1 %abo %bbo", "bbs1 %abs %bbs", "brs1 %acs %brs", "bcs1 %ars %bcs",
        "crs1 1 %crs", "ccs1 %crs 1",
    ),
}  # fmt: skip

# The names of the settled values in `_product`, where they are not the argument's own.
_SETTLED = {
    "m": "m1", "n": "n1", "k": "k1", "a": "a1", "abo": "abo1", "abs": "abs1", "ars": "ars1", "acs": "acs1",
    "b": "b1", "bbo": "bbo1", "bbs": "bbs1", "brs": "brs1", "bcs": "bcs1", "crs": "crs1", "ccs": "ccs1",
}  # fmt: skip
