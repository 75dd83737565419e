"""The micro-kernel: a tile of c whose sums stay in registers over the whole loop along k.

    void tile_SUFFIX_RxV(i64 k, ptr a, i64 ars, i64 acs, ptr b, i64 brs, ptr c, i64 crs, i1 add, i64 last)

    c[i, j] = (c[i, j] +) sum_p a[i, p] b[p, j]        R rows, V vectors of columns, of which the last has `last` elements

Elements of a are broadcast from memory: any stride of a will do. b has whole vectors. A small tile keeps several
partial sums of each element, since one chain of additions would wait for itself.
"""

from __future__ import annotations

from wengert.backends.llvm.vectors import Kind

# Rows of b from which the tile's part of c is fetched ahead: for short sums it is in the way.
_LONG = 256


def tile(k: Kind, rows: int, vectors: int) -> str:
    """The text of one tile."""
    places = [(i, j) for i in range(rows) for j in range(vectors)]
    partials = 4 if len(places) <= 2 else 2 if len(places) <= 4 else 1
    lines = [
        f"define internal void @tile_{k.suffix}_{rows}x{vectors}(i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %brs, "
        f"ptr %c, i64 %crs, i1 %add, i64 %last) noinline nounwind {{\nentry:"
    ]
    for i in range(rows):
        lines += [k.stepped(f"%a{i}", "%a", i, "%ars"), k.stepped(f"%c{i}", "%c", i, "%crs")]
    lines += _fetch_ahead(k, places) if len(places) >= 12 else ["  br label %start\nstart:"]
    zeros = [["zeroinitializer" for _ in places] for _ in range(partials)]
    if partials == 1:
        sums = _along_k(k, lines, "loop", "start", "0", zeros, rows, vectors)[0]
    else:
        many = _along_k(k, lines, "wide", "start", "0", zeros, rows, vectors)
        sums = _together(k, lines, many)
        sums = _along_k(k, lines, "loop", "wideout", "%widep", [sums], rows, vectors)[0]
    _write(k, lines, places, sums)
    return "\n".join(lines)


def _fetch_ahead(k: Kind, places: list[tuple[int, int]]) -> list[str]:
    """Ask for the tile's part of c, which is read or written only after the loop."""
    lines = [f"  %long = icmp sge i64 %k, {_LONG}\n  br i1 %long, label %ahead, label %start\nahead:"]
    for i, j in places:
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
    steps, places = len(sums), [(i, j) for i in range(rows) for j in range(vectors)]
    lines.append(f"  br label %{name}\n{name}:\n  %{name}p = phi i64 [{first}, %{before}], [%{name}n, %{name}body]")
    old = [[f"%{name}s{u}_{i}_{j}" for i, j in places] for u in range(steps)]
    new = [[f"%{name}t{u}_{i}_{j}" for i, j in places] for u in range(steps)]
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


def _write(k: Kind, lines: list[str], places: list[tuple[int, int]], sums: list[str]) -> None:
    """c = (c +) sums"""
    end = places[-1][1]
    lines.append(f"  %whole = icmp sge i64 %last, {k.lanes}")
    for i, j in places:
        lines.append(k.at(f"%g{i}_{j}", f"%c{i}", j * k.lanes))
    lines.append(f"  br i1 %add, label %more, label %store\nmore:\n{k.mask('%mask', '%last')}")
    for (i, j), s in zip(places, sums):
        place = f"%g{i}_{j}"
        lines.append(k.masked_load(f"%e{i}_{j}", place, "%mask") if j == end else k.load(f"%e{i}_{j}", place))
        lines.append(k.add(f"%f{i}_{j}", f"%e{i}_{j}", s))
    lines.append("  br label %store\nstore:")
    for (i, j), s in zip(places, sums):
        lines.append(f"  %v{i}_{j} = phi {k.vector} [{s}, %loopout], [%f{i}_{j}, %more]")
    lines += [k.store(f"%v{i}_{j}", f"%g{i}_{j}") for i, j in places if j != end]
    ends = [(f"%v{i}_{j}", f"%g{i}_{j}") for i, j in places if j == end]
    lines.append("  br i1 %whole, label %full, label %part\nfull:")
    lines += [k.store(value, place) for value, place in ends]
    lines.append("  ret void\npart:")
    lines += [k.store_first(value, place, "%last") for value, place in ends]
    lines.append("  ret void\n}")
