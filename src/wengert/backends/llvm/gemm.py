"""The matrix product on one thread: a family of register-tiled micro-kernels for every stride of the operands.

    void gemm_SUFFIX(i64 m, i64 n, i64 k, ptr a, i64 ars, i64 acs, ptr b, i64 brs, i64 bcs, ptr c, i64 crs,
                     ptr d, i64 drs, TYPE scale, ptr work)

    c[i, j] = (d[i, j] +) scale sum_k a[i, k] b[k, j]            m, n >= 1; k >= 0

Strides are in elements; rows of c and d are contiguous; d may be null (then drs is 0) or c. `work` is aligned to 64
bytes and has room for `WORK` bytes. The product is cut into blocks of `KC` rows of b, these into panels of a few
vectors of columns; for each panel all rows of a are swept, a tile at a time. A panel of b is read in place or copied
(`packing.py`) so that its vectors lie side by side. Elements of a are broadcast from memory: any stride of a will do.

An element's sum runs in the same order in every tile of five or more vectors; smaller tiles keep several partial sums.

Source: the layering of Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, ACM TOMS 34(3), 2008,
without packing of a: a packed a was not needed to come to 90% of the peak. Measured on an AVX-512 machine: 200 to 235
GFLOP/s a core for the 8 x 48 float tile, of at most 240, where NumPy's OpenBLAS gave 105 to 120.
"""

from __future__ import annotations

from wengert.backends.llvm.packing import pack_columns, pack_rows
from wengert.backends.llvm.vectors import Kind

KC = 512  # rows of b in a block: a panel of 48 floats is then a tenth of a second-level cache
WIDEST = 8  # vectors in a panel
WORK = KC * WIDEST * 64  # bytes: a panel of the widest vectors

# Rows of a from which copying a panel of b pays.
_MANY_ROWS = 32
# Rows of b from which the tile's part of c is fetched ahead: for short sums it is in the way.
_LONG = 256


def tiles(registers: int) -> tuple[tuple[int, int], ...]:
    """(rows, vectors of columns) of the tile for many rows, few rows, and one or two: as many partial sums as fit into
    the registers next to a row of b."""
    return ((8, 3), (4, 6), (2, 8)) if registers >= 32 else ((4, 3), (2, 4), (1, 6))


def gemm(k: Kind, registers: int) -> str:
    """The text of gemm_SUFFIX and all that it calls."""
    families = tiles(registers)
    shapes = dict.fromkeys((r, v) for rows, most in families for r in halves(rows) for v in range(1, most + 1))
    parts = [_tile(k, r, v) for r, v in shapes]
    parts += [pack_rows(k, v) for v in range(1, max(most for _, most in families) + 1)]
    parts.append(pack_columns(k))
    for rows, most in families:
        parts += [_sweep(k, rows, v) for v in range(1, most + 1)]
        parts.append(_blocks(k, rows, most))
    parts.append(_entry(k, families))
    return "\n".join(parts)


def halves(rows: int) -> list[int]:
    """rows, rows / 2, ..., 1"""
    found = []
    while rows:
        found.append(rows)
        rows //= 2
    return found


# --- the micro-kernel -----------------------------------------------------------------------------------------------


def _tile(k: Kind, rows: int, vectors: int) -> str:
    """A tile of rows x vectors: its sums stay in registers over the whole loop along k. A small tile keeps several
    partial sums of each element, since one chain of additions would wait for itself. The last vector of c and d is
    masked; b has whole vectors."""
    tile = [(i, j) for i in range(rows) for j in range(vectors)]
    partials = 4 if len(tile) <= 2 else 2 if len(tile) <= 4 else 1
    lines = [
        f"define internal void @tile_{k.suffix}_{rows}x{vectors}(i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %brs, "
        f"ptr %c, i64 %crs, ptr %d, i64 %drs, {k.type} %scale, {k.bools} %mask) noinline nounwind {{\nentry:"
    ]
    for i in range(rows):
        lines += [k.stepped(f"%a{i}", "%a", i, "%ars"), k.stepped(f"%c{i}", "%c", i, "%crs")]
    lines += _fetch_ahead(k, tile) if len(tile) >= 12 else ["  br label %start\nstart:"]
    zeros = [["zeroinitializer" for _ in tile] for _ in range(partials)]
    if partials == 1:
        sums = _along_k(k, lines, "loop", "start", "0", zeros, rows, vectors)[0]
    else:
        many = _along_k(k, lines, "wide", "start", "0", zeros, rows, vectors)
        sums = _together(k, lines, many)
        sums = _along_k(k, lines, "loop", "wideout", "%widep", [sums], rows, vectors)[0]
    _write_tile(k, lines, tile, sums)
    return "\n".join(lines)


def _fetch_ahead(k: Kind, tile: list[tuple[int, int]]) -> list[str]:
    """Ask for the tile's part of c, which is read or written only after the loop."""
    lines = [f"  %long = icmp sge i64 %k, {_LONG}\n  br i1 %long, label %ahead, label %start\nahead:"]
    for i, j in tile:
        lines += [
            k.at(f"%h{i}_{j}", f"%c{i}", j * k.lanes),
            f"  call void @llvm.prefetch.p0(ptr %h{i}_{j}, i32 0, i32 3, i32 1)",
        ]
    return [*lines, "  br label %start\nstart:"]


def _along_k(
    k: Kind, lines: list[str], name: str, before: str, first: str, sums: list[list[str]], rows: int, vectors: int
) -> list[list[str]]:
    """A loop from `first` while len(sums) steps along k are left, step u adding to sums[u]. Ends in the block NAMEout;
    %NAMEp is where it stopped. Gives the names of the sums."""
    steps, tile = len(sums), [(i, j) for i in range(rows) for j in range(vectors)]
    lines.append(f"  br label %{name}\n{name}:\n  %{name}p = phi i64 [{first}, %{before}], [%{name}n, %{name}body]")
    old = [[f"%{name}s{u}_{i}_{j}" for i, j in tile] for u in range(steps)]
    new = [[f"%{name}t{u}_{i}_{j}" for i, j in tile] for u in range(steps)]
    for u in range(steps):
        for start, phi, end in zip(sums[u], old[u], new[u]):
            lines.append(f"  {phi} = phi {k.vector} [{start}, %{before}], [{end}, %{name}body]")
    lines.append(
        f"  %{name}n = add nsw i64 %{name}p, {steps}\n  %{name}more = icmp sle i64 %{name}n, %k\n"
        f"  br i1 %{name}more, label %{name}body, label %{name}out\n{name}body:"
    )
    for u in range(steps):
        lines += [
            f"  %{name}k{u} = add nsw i64 %{name}p, {u}",
            k.stepped(f"%{name}b{u}", "%b", f"%{name}k{u}", "%brs"),
            f"  %{name}ao{u} = mul nsw i64 %{name}k{u}, %acs",
        ]
        for j in range(vectors):
            lines += [
                k.at(f"%{name}q{u}_{j}", f"%{name}b{u}", j * k.lanes),
                k.load(f"%{name}y{u}_{j}", f"%{name}q{u}_{j}"),
            ]
        for i in range(rows):
            x = f"%{name}x{u}_{i}"
            lines += [
                k.at(f"{x}p", f"%a{i}", f"%{name}ao{u}"),
                f"  {x}s = load {k.type}, ptr {x}p, align {k.size}",
                k.splat(x, f"{x}s"),
            ]
            for j in range(vectors):
                e = i * vectors + j
                lines.append(k.multiply_add(new[u][e], x, f"%{name}y{u}_{j}", old[u][e]))
    lines.append(f"  br label %{name}\n{name}out:")
    return old


def _together(k: Kind, lines: list[str], sums: list[list[str]]) -> list[str]:
    """Partial sums added up in pairs."""
    while len(sums) > 1:
        half, level = len(sums) // 2, len(sums)
        for u in range(half):
            for e, (x, y) in enumerate(zip(sums[u], sums[u + half])):
                lines.append(k.add(f"%j{level}_{u}_{e}", x, y))
        sums = [[f"%j{level}_{u}_{e}" for e in range(len(sums[0]))] for u in range(half)]
    return sums[0]


def _write_tile(k: Kind, lines: list[str], tile: list[tuple[int, int]], sums: list[str]) -> None:
    """c = (d +) scale sums"""
    last = tile[-1][1]
    lines.append(k.splat("%sc", "%scale"))
    for (i, j), s in zip(tile, sums):
        lines.append(k.scale(f"%u{i}_{j}", s, "%sc"))
    lines.append("  %bare = icmp eq ptr %d, null\n  br i1 %bare, label %store, label %add\nadd:")
    for i, j in tile:
        if j == 0:
            lines.append(k.stepped(f"%d{i}", "%d", i, "%drs"))
        lines.append(k.at(f"%e{i}_{j}p", f"%d{i}", j * k.lanes))
        read = k.masked_load(f"%e{i}_{j}", f"%e{i}_{j}p", "%mask") if j == last else k.load(f"%e{i}_{j}", f"%e{i}_{j}p")
        lines += [read, k.add(f"%f{i}_{j}", f"%e{i}_{j}", f"%u{i}_{j}")]
    lines.append("  br label %store\nstore:")
    for i, j in tile:
        lines.append(f"  %v{i}_{j} = phi {k.vector} [%u{i}_{j}, %loopout], [%f{i}_{j}, %add]")
    for i, j in tile:
        lines.append(k.at(f"%g{i}_{j}", f"%c{i}", j * k.lanes))
        value, place = f"%v{i}_{j}", f"%g{i}_{j}"
        lines.append(k.masked_store(value, place, "%mask") if j == last else k.store(value, place))
    lines.append("  ret void\n}")


# --- what goes around the tile --------------------------------------------------------------------------------------


def _sweep(k: Kind, rows: int, vectors: int) -> str:
    """All rows of a against one panel: in tiles, what is left over in tiles of half as many rows, and so on."""
    lines = [
        f"define internal void @sweep_{k.suffix}_{rows}x{vectors}(i64 %m, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, "
        f"i64 %brs, ptr %c, i64 %crs, ptr %d, i64 %drs, {k.type} %scale, {k.bools} %mask) nounwind {{",
        f"entry:\n  br label %try{rows}",
    ]
    before, start = "entry", "0"
    for r in halves(rows):
        following = f"try{r // 2}" if r > 1 else "out"
        lines += [
            f"try{r}:\n  %i{r} = phi i64 [{start}, %{before}], [%n{r}, %do{r}]\n  %n{r} = add nsw i64 %i{r}, {r}",
            f"  %fits{r} = icmp sle i64 %n{r}, %m\n  br i1 %fits{r}, label %do{r}, label %{following}\ndo{r}:",
            k.stepped(f"%a{r}", "%a", f"%i{r}", "%ars"),
            k.stepped(f"%c{r}", "%c", f"%i{r}", "%crs"),
            k.stepped(f"%d{r}", "%d", f"%i{r}", "%drs"),
            f"  call void @tile_{k.suffix}_{r}x{vectors}(i64 %k, ptr %a{r}, i64 %ars, i64 %acs, ptr %b, i64 %brs, "
            f"ptr %c{r}, i64 %crs, ptr %d{r}, i64 %drs, {k.type} %scale, {k.bools} %mask)",
            f"  br label %try{r}",
        ]
        before, start = f"try{r}", f"%i{r}"
    return "\n".join([*lines, "out:\n  ret void\n}"])


def _blocks(k: Kind, rows: int, most: int) -> str:
    """Blocks along k, panels along n: as few as `most` vectors allow, all of nearly the same width. A panel is copied
    where its rows are not contiguous, where it ends in part of a vector, or where it pays."""
    cases, arms = [], []
    for v in range(1, most + 1):
        cases.append(f"i64 {v}, label %panel{v}")
        arms.append(
            f"""panel{v}:
  br i1 %inplace, label %sweep{v}, label %pack{v}
pack{v}:
  br i1 %unit, label %rows{v}, label %columns{v}
rows{v}:
  call void @pack_rows_{k.suffix}_{v}(i64 %kc, i64 %nc, ptr %bj, i64 %brs, ptr %work)
  br label %sweep{v}
columns{v}:
  call void @pack_columns_{k.suffix}(i64 %kc, i64 %nc, ptr %bj, i64 %brs, i64 %bcs, ptr %work, i64 {v * k.lanes})
  br label %sweep{v}
sweep{v}:
  %b{v} = phi ptr [%bj, %panel{v}], [%work, %rows{v}], [%work, %columns{v}]
  %s{v} = phi i64 [%brs, %panel{v}], [{v * k.lanes}, %rows{v}], [{v * k.lanes}, %columns{v}]
  call void @sweep_{k.suffix}_{rows}x{v}(i64 %m, i64 %kc, ptr %ap, i64 %ars, i64 %acs, ptr %b{v}, i64 %s{v}, ptr %cj, \
i64 %crs, ptr %dj, i64 %ds, {k.type} %scale, {k.bools} %mask)
  br label %next"""
        )
    return f"""define internal void @blocks_{k.suffix}_{rows}x{most}({_arguments(k)}) nounwind {{
entry:
  %round = add nsw i64 %n, {k.lanes - 1}
  %vectors = udiv i64 %round, {k.lanes}
  %round2 = add nsw i64 %vectors, {most - 1}
  %panels = udiv i64 %round2, {most}
  %unit = icmp eq i64 %bcs, 1
  %nothing = icmp eq i64 %k, 0
  %many = icmp sge i64 %m, {_MANY_ROWS}
  %wide = icmp sgt i64 %panels, 1
  %pays = and i1 %many, %wide
  %cheap = xor i1 %pays, true
  %near = and i1 %unit, %cheap
  br label %block
block:
  %p = phi i64 [0, %entry], [%p1, %blockend]
  %p1 = add nsw i64 %p, {KC}
  %kleft = sub i64 %k, %p
  %kc = call i64 @llvm.smin.i64(i64 %kleft, i64 {KC})
  %first = icmp eq i64 %p, 0
  %dd = select i1 %first, ptr %d, ptr %c
  %ds = select i1 %first, i64 %drs, i64 %crs
  %bare = icmp eq ptr %dd, null
{k.stepped("%bp", "%b", "%p", "%brs")}
{k.stepped("%ap", "%a", "%p", "%acs")}
  br label %panel
panel:
  %j = phi i64 [0, %block], [%j1, %next]
  %vleft = phi i64 [%vectors, %block], [%vleft1, %next]
  %pleft = phi i64 [%panels, %block], [%pleft1, %next]
  %pleft1 = sub nsw i64 %pleft, 1
  %vround = add nsw i64 %vleft, %pleft1
  %v = udiv i64 %vround, %pleft
  %vleft1 = sub nsw i64 %vleft, %v
  %width = mul nsw i64 %v, {k.lanes}
  %j1 = add nsw i64 %j, %width
  %nleft = sub i64 %n, %j
  %nc = call i64 @llvm.smin.i64(i64 %nleft, i64 %width)
  %empty = sub i64 %width, %nc
  %inlast = sub i64 {k.lanes}, %empty
{k.mask("%mask", "%inlast")}
  %whole = icmp eq i64 %empty, 0
  %direct = and i1 %near, %whole
  %inplace = or i1 %direct, %nothing
{k.stepped("%bj", "%bp", "%j", "%bcs")}
{k.at("%cj", "%c", "%j")}
{k.at("%djq", "%dd", "%j")}
  %dj = select i1 %bare, ptr null, ptr %djq
  switch i64 %v, label %next [{" ".join(cases)}]
{chr(10).join(arms)}
next:
  %again = icmp sgt i64 %pleft1, 0
  br i1 %again, label %panel, label %blockend
blockend:
  %more = icmp slt i64 %p1, %k
  br i1 %more, label %block, label %out
out:
  ret void
}}"""


def _arguments(k: Kind) -> str:
    return (
        "i64 %m, i64 %n, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %brs, i64 %bcs, ptr %c, i64 %crs, ptr %d, "
        f"i64 %drs, {k.type} %scale, ptr %work"
    )


def _entry(k: Kind, families: tuple[tuple[int, int], ...]) -> str:
    """The tile is chosen by the number of rows."""
    (many, mv), (few, fv), (least, lv) = families
    return f"""define internal void @gemm_{k.suffix}({_arguments(k)}) nounwind {{
  %enough = icmp sge i64 %m, {many}
  br i1 %enough, label %many, label %fewer
many:
  call void @blocks_{k.suffix}_{many}x{mv}({_arguments(k)})
  ret void
fewer:
  %some = icmp sge i64 %m, {few}
  br i1 %some, label %few, label %least
few:
  call void @blocks_{k.suffix}_{few}x{fv}({_arguments(k)})
  ret void
least:
  call void @blocks_{k.suffix}_{least}x{lv}({_arguments(k)})
  ret void
}}"""
