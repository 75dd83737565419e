"""Copies of a panel of b, side by side in scratch memory: what the micro-kernel then reads as whole vectors.

Two routines, for rows of b that are contiguous and for any strides:

    void pack_rows_SUFFIX_V(i64 k, i64 n, ptr b, i64 brs, ptr work)
    void pack_columns_SUFFIX(i64 k, i64 n, ptr b, i64 brs, i64 bcs, ptr work, i64 width)

    work[p, j] = b[p, j] for p < k, j < n

Rows of work are V vectors or `width` elements long; what stands behind the n elements, up to the end of the last
vector, is of no use. n and k are at least 1.
"""

from __future__ import annotations

from wengert.backends.llvm.vectors import Kind


def pack_rows(k: Kind, vectors: int) -> str:
    """The last vector of each row is masked."""
    lines = [
        f"define internal void @pack_rows_{k.suffix}_{vectors}(i64 %k, i64 %n, ptr %b, i64 %brs, ptr %work) nounwind {{",
        "entry:",
        f"  %left = sub i64 %n, {(vectors - 1) * k.lanes}",
        k.mask("%mask", "%left"),
        "  br label %row",
        "row:",
        "  %p = phi i64 [0, %entry], [%p1, %row]",
        k.stepped("%bp", "%b", "%p", "%brs"),
        k.stepped("%wp", "%work", "%p", str(vectors * k.lanes)),
    ]
    for j in range(vectors):
        lines.append(k.at(f"%s{j}", "%bp", j * k.lanes))
        last = j == vectors - 1
        lines.append(k.masked_load(f"%x{j}", f"%s{j}", "%mask") if last else k.load(f"%x{j}", f"%s{j}"))
        lines += [k.at(f"%t{j}", "%wp", j * k.lanes), k.store(f"%x{j}", f"%t{j}")]
    lines.append("  %p1 = add nsw i64 %p, 1\n  %more = icmp slt i64 %p1, %k\n  br i1 %more, label %row, label %out")
    return "\n".join([*lines, "out:\n  ret void\n}"])


# How a block is read: whole and contiguous, contiguous but cut off at its end, with a stride.
_SOURCES = ("near", "edge", "far")


def pack_columns(k: Kind) -> str:
    """Blocks of lanes x lanes are read along the rows' axis (contiguous when brs is 1, else gathered) and transposed in
    registers. Columns beyond the last are read from the last one."""
    n = k.lanes
    lines = [
        f"define internal void @pack_columns_{k.suffix}(i64 %k, i64 %n, ptr %b, i64 %brs, i64 %bcs, ptr %work, "
        "i64 %width) nounwind {",
        "entry:",
        "  %last = sub i64 %n, 1\n  %unit = icmp eq i64 %brs, 1",
        f"  %one = insertelement <{n} x i64> poison, i64 %brs, i32 0",
        f"  %all = shufflevector <{n} x i64> %one, <{n} x i64> poison, <{n} x i32> zeroinitializer",
        f"  %steps = mul <{n} x i64> %all, <{', '.join(f'i64 {i}' for i in range(n))}>",
        "  br label %columns\ncolumns:\n  %j = phi i64 [0, %entry], [%j1, %next]",
        k.at("%wj", "%work", "%j"),
    ]
    for i in range(n):
        lines += [
            f"  %c{i} = add nsw i64 %j, {i}\n  %cc{i} = call i64 @llvm.smin.i64(i64 %c{i}, i64 %last)",
            k.stepped(f"%b{i}", "%b", f"%cc{i}", "%bcs"),
        ]
    lines += [
        f"  br label %rows\nrows:\n  %p = phi i64 [0, %columns], [%p1, %done]\n  %p1 = add nsw i64 %p, {n}",
        "  %left = sub i64 %k, %p\n  %po = mul nsw i64 %p, %brs",
        k.stepped("%w", "%wj", "%p", "%width"),
        f"  %whole = icmp sge i64 %left, {n}\n  %fast = and i1 %whole, %unit",
        "  br i1 %fast, label %near, label %rest",
        f"rest:\n{k.mask('%mask', '%left')}\n  br i1 %unit, label %edge, label %far",
    ]
    for label in _SOURCES:
        lines.append(f"{label}:")
        for i in range(n):
            pointer, name = f"%{label}q{i}", f"%{label}{i}"
            lines.append(k.at(pointer, f"%b{i}", "%po"))
            if label == "near":
                lines.append(k.load(name, pointer))
            elif label == "edge":
                lines.append(k.masked_load(name, pointer, "%mask"))
            else:
                lines.append(k.gather(name, pointer, "%steps", "%mask"))
        lines.append("  br label %turn")
    lines.append("turn:")
    for i in range(n):
        lines.append(f"  %m0_{i} = phi {k.vector} " + ", ".join(f"[%{label}{i}, %{label}]" for label in _SOURCES))
    stage = _transpose(k, lines)
    lines.append("  br i1 %whole, label %put, label %part\nput:")
    for i in range(n):
        lines += [k.stepped(f"%f{i}", "%w", i, "%width"), k.store(f"%m{stage}_{i}", f"%f{i}")]
    lines.append("  br label %done\npart:\n  br label %part0")
    for i in range(n):
        following = f"part{i + 1}" if i + 1 < n else "done"
        lines += [
            f"part{i}:\n  %here{i} = icmp sgt i64 %left, {i}\n  br i1 %here{i}, label %some{i}, label %done\nsome{i}:",
            k.stepped(f"%g{i}", "%w", i, "%width"),
            k.store(f"%m{stage}_{i}", f"%g{i}"),
            f"  br label %{following}",
        ]
    lines.append(
        f"""done:
  %morep = icmp slt i64 %p1, %k
  br i1 %morep, label %rows, label %next
next:
  %j1 = add nsw i64 %j, {n}
  %morej = icmp slt i64 %j1, %n
  br i1 %morej, label %columns, label %out
out:
  ret void
}}"""
    )
    return "\n".join(lines)


def _transpose(k: Kind, lines: list[str]) -> int:
    """%m0_i become %mS_i, the transposed block, in log2(lanes) stages; gives S."""
    stage, distance = 0, 1
    while distance < k.lanes:
        low, high = k.crossing(distance)
        for i in range(k.lanes):
            if not i & distance:
                x, y = f"%m{stage}_{i}", f"%m{stage}_{i | distance}"
                lines.append(k.shuffle(f"%m{stage + 1}_{i}", x, y, low))
                lines.append(k.shuffle(f"%m{stage + 1}_{i | distance}", x, y, high))
        stage, distance = stage + 1, distance * 2
    return stage
