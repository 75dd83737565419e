"""The matrix product with few rows, as dot products: where both operands are contiguous along the summed axis.

    void dots_SUFFIX(i64 m, i64 n, i64 k, ptr a, i64 ars, i64 acs, ptr b, i64 bcs, ptr c, i64 crs, i64 ccs, ptr work)

    c[i, j] = sum_k a[i, k] b[k, j]            m, n, k >= 1

Columns of b are contiguous; c has any strides. Rows of a that are not contiguous are copied to `work` first. b is read
once and never copied, so that one row costs no more than reading b: the product of a layer with a batch of one, or (with
the operands' roles exchanged) of a matrix with a vector.

The kernel sums a block of rows x columns of dot products, each in the lanes of a vector. At the end pairs of vectors
are folded into one that has the lanes of both, and so on, till one vector holds the sums of a row's columns in order.
"""

from __future__ import annotations

from wengert.backends.llvm.vectors import Kind, mask_function, store_first_function

# Dot products along the columns in a block, for one row and for more.
_COLUMNS = 4
_COLUMNS_OF_ONE = 8


def most_rows(registers: int) -> int:
    """Rows in the largest block: rows x columns sums, and a vector for each row, stay in registers."""
    return 4 if registers >= 32 else 3


def dots(k: Kind, registers: int) -> str:
    """The text of dots_SUFFIX and all that it calls."""
    wide, columns = min(_COLUMNS_OF_ONE, k.lanes), min(_COLUMNS, k.lanes)
    rows = most_rows(registers)
    shapes = [(1, 1), (1, wide), *[(r, columns) for r in range(1, rows + 1)]]
    parts = [_block(k, r, j) for r, j in dict.fromkeys(shapes)]
    parts += [_writer(k, j) for j in sorted({1, wide, columns})]
    parts += [_copy_rows(k), _driver(k, rows, columns, wide)]
    return "\n".join(parts)


def helpers(k: Kind) -> list[str]:
    """Declarations and mask functions of the short vectors that results come in."""
    found = []
    for lanes in (_COLUMNS, _COLUMNS_OF_ONE):
        if lanes < k.lanes:
            short = k._replace(lanes=lanes)
            found += [*short.declarations(), mask_function(lanes), store_first_function(short)]
    return found


_PLACE = "ptr %c, i64 %crs, i64 %ccs"


def _block(k: Kind, rows: int, columns: int) -> str:
    """rows x columns dot products. Columns beyond `last` are read from column `last` and not written. Few sums would
    wait for themselves: they are kept in several partial ones."""
    steps = 8 if columns == 1 else 2 if rows * columns <= 4 else 1
    every = [(i, j) for i in range(rows) for j in range(columns)]
    lines = [
        f"define internal void @dot_{k.suffix}_{rows}x{columns}(i64 %k, ptr %a, i64 %ars, ptr %b, i64 %bcs, i64 %last, "
        f"{_PLACE}) noinline nounwind {{\nentry:"
    ]
    for i in range(rows):
        lines.append(k.stepped(f"%a{i}", "%a", i, "%ars"))
    for j in range(columns):
        lines.append(f"  %j{j} = call i64 @llvm.smin.i64(i64 %last, i64 {j})")
        lines.append(k.stepped(f"%b{j}", "%b", f"%j{j}", "%bcs"))
    lines.append("  br label %loop\nloop:\n  %p = phi i64 [0, %entry], [%n, %body]")
    for i, j in every:
        for u in range(steps):
            lines.append(f"  %s{u}_{i}_{j} = phi {k.vector} [zeroinitializer, %entry], [%t{u}_{i}_{j}, %body]")
    lines.append(f"  %n = add nsw i64 %p, {steps * k.lanes}")
    lines.append("  %more = icmp sle i64 %n, %k\n  br i1 %more, label %body, label %whole\nbody:")
    for u in range(steps):
        lines.append(f"  %p{u} = add nsw i64 %p, {u * k.lanes}")
        for name, count in (("a", rows), ("b", columns)):
            for i in range(count):
                pointer = f"%{name}{i}q{u}"
                lines += [k.at(pointer, f"%{name}{i}", f"%p{u}"), k.load(f"%{name}{i}v{u}", pointer)]
        for i, j in every:
            lines.append(k.multiply_add(f"%t{u}_{i}_{j}", f"%a{i}v{u}", f"%b{j}v{u}", f"%s{u}_{i}_{j}"))
    lines.append("  br label %loop\nwhole:")
    for i, j in every:
        for u in range(1, steps):
            before = f"%w{u - 1}_{i}_{j}" if u > 1 else f"%s0_{i}_{j}"
            lines.append(k.add(f"%w{u}_{i}_{j}", before, f"%s{u}_{i}_{j}"))
    _rest(k, lines, rows, columns, "w" + str(steps - 1) if steps > 1 else "s0")
    one = k._replace(lanes=columns)
    for i in range(rows):
        row = _fold(k, lines, f"f{i}", [f"%r{i}_{j}" for j in range(columns)])
        lines += [
            k.stepped(f"%c{i}", "%c", i, "%crs"),
            f"  call void @write_{k.suffix}_{columns}({one.vector} {row}, i64 %last, ptr %c{i}, i64 %ccs)",
        ]
    return "\n".join([*lines, "  ret void\n}"])


def _rest(k: Kind, lines: list[str], rows: int, columns: int, sums: str) -> None:
    """What is left along k, a masked vector at a time: %rI_J are the sums."""
    every = [(i, j) for i in range(rows) for j in range(columns)]
    lines.append("  br label %rest\nrest:\n  %q = phi i64 [%p, %whole], [%qn, %part]")
    for i, j in every:
        lines.append(f"  %r{i}_{j} = phi {k.vector} [%{sums}_{i}_{j}, %whole], [%x{i}_{j}, %part]")
    lines += [
        f"  %left = sub i64 %k, %q\n  %qn = add nsw i64 %q, {k.lanes}\n  %some = icmp sgt i64 %left, 0",
        "  br i1 %some, label %part, label %out\npart:",
        k.mask("%mask", "%left"),
    ]
    for name, count in (("a", rows), ("b", columns)):
        for i in range(count):
            lines.append(k.at(f"%{name}{i}qr", f"%{name}{i}", "%q"))
            lines.append(k.masked_load(f"%{name}{i}vr", f"%{name}{i}qr", "%mask"))
    for i, j in every:
        lines.append(k.multiply_add(f"%x{i}_{j}", f"%a{i}vr", f"%b{j}vr", f"%r{i}_{j}"))
    lines.append("  br label %rest\nout:")


def _fold(k: Kind, lines: list[str], name: str, sums: list[str]) -> str:
    """The sums over the lanes of each vector, side by side in one vector of len(sums) lanes."""
    columns, distance, level = len(sums), 1, 0
    while distance < k.lanes:
        low, high = k.crossing(distance)
        if len(sums) == 1:  # nothing to pair it with: its own halves
            low, high = list(range(k.lanes)), [i ^ distance for i in range(k.lanes)]
        made = []
        for t in range(0, len(sums), 2):
            x, y, new = sums[t], sums[min(t + 1, len(sums) - 1)], f"%{name}_{level}_{t}"
            lines += [k.shuffle(f"{new}l", x, y, low), k.shuffle(f"{new}h", x, y, high)]
            lines.append(k.add(new, f"{new}l", f"{new}h"))
            made.append(new)
        sums, distance, level = made, distance * 2, level + 1
    lines.append(k.shuffle(f"%{name}", sums[0], "poison", list(range(columns))))
    return f"%{name}"


def _writer(k: Kind, columns: int) -> str:
    """c[j] = sums[j] for j up to `last`."""
    one = k._replace(lanes=columns)
    if columns == 1:
        vector = "  br label %lanes\nlanes:\n"
    else:
        vector = f"""  %unit = icmp eq i64 %ccs, 1
  br i1 %unit, label %vector, label %lanes
vector:
  %count = add nsw i64 %last, 1
  %all = icmp eq i64 %count, {columns}
  br i1 %all, label %whole, label %part
whole:
{one.store("%sums", "%c")}
  ret void
part:
{one.store_first("%sums", "%c", "%count")}
  ret void
lanes:
"""
    return f"""define internal void @write_{k.suffix}_{columns}({one.vector} %sums, i64 %last, ptr %c, i64 %ccs) \
noinline nounwind {{
entry:
  %room = alloca {one.vector}, align 64
{vector}  store {one.vector} %sums, ptr %room, align 64
  br label %lane
lane:
  %j = phi i64 [0, %lanes], [%j1, %lane]
  %j1 = add nsw i64 %j, 1
{k.at("%p", "%room", "%j")}
  %y = load {k.type}, ptr %p, align {k.size}
{k.stepped("%cj", "%c", "%j", "%ccs")}
  store {k.type} %y, ptr %cj, align {k.size}
  %more = icmp sle i64 %j1, %last
  br i1 %more, label %lane, label %out
out:
  ret void
}}"""


def _copy_rows(k: Kind) -> str:
    """work[i, p] = a[i, p], rows of k elements."""
    return f"""define internal void @copy_rows_{k.suffix}(i64 %m, i64 %k, ptr %a, i64 %ars, i64 %acs, \
ptr %work) nounwind {{
entry:
  br label %row
row:
  %i = phi i64 [0, %entry], [%i1, %next]
{k.stepped("%ai", "%a", "%i", "%ars")}
{k.stepped("%wi", "%work", "%i", "%k")}
  br label %element
element:
  %p = phi i64 [0, %row], [%p1, %element]
{k.stepped("%ap", "%ai", "%p", "%acs")}
  %x = load {k.type}, ptr %ap, align {k.size}
{k.at("%wp", "%wi", "%p")}
  store {k.type} %x, ptr %wp, align {k.size}
  %p1 = add nsw i64 %p, 1
  %morep = icmp slt i64 %p1, %k
  br i1 %morep, label %element, label %next
next:
  %i1 = add nsw i64 %i, 1
  %morei = icmp slt i64 %i1, %m
  br i1 %morei, label %row, label %out
out:
  ret void
}}"""


def _driver(k: Kind, rows: int, columns: int, wide: int) -> str:
    """Groups of columns, and for each all rows: b comes from far and is read once, a from a near cache."""

    def call(r: int, j: int, a: str, c: str) -> str:
        return (
            f"  call void @dot_{k.suffix}_{r}x{j}(i64 %k, ptr {a}, i64 %rs, ptr %bj, i64 %bcs, i64 %last, ptr {c}, "
            f"i64 %crs, i64 %ccs)"
        )

    rest = "\n".join(f"rest{r}:\n{call(r, columns, '%ai', '%ci')}\n  br label %next" for r in range(1, rows))
    cases = " ".join(f"i64 {r}, label %rest{r}" for r in range(1, rows))
    return f"""define internal void @dots_{k.suffix}(i64 %m, i64 %n, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, \
i64 %bcs, {_PLACE}, ptr %work) nounwind {{
entry:
  %unit = icmp eq i64 %acs, 1
  br i1 %unit, label %start, label %copy
copy:
  call void @copy_rows_{k.suffix}(i64 %m, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %work)
  br label %start
start:
  %ax = phi ptr [%a, %entry], [%work, %copy]
  %rs = phi i64 [%ars, %entry], [%k, %copy]
  %single = icmp eq i64 %m, 1
  br label %group
group:
  %j = phi i64 [0, %start], [%j1, %next]
  %left = sub i64 %n, %j
  %lone = icmp eq i64 %left, 1
  %long = icmp sgt i64 %left, {columns}
  %broad = and i1 %single, %long
  %narrow = and i1 %single, %lone
  %step = select i1 %broad, i64 {wide}, i64 {columns}
  %j1 = add nsw i64 %j, %step
  %here = call i64 @llvm.smin.i64(i64 %left, i64 %step)
  %last = sub nsw i64 %here, 1
{k.stepped("%bj", "%b", "%j", "%bcs")}
{k.stepped("%cj", "%c", "%j", "%ccs")}
  br i1 %broad, label %one, label %many
one:
{call(1, wide, "%ax", "%cj")}
  br label %next
many:
  br i1 %narrow, label %dot, label %rows
dot:
{call(1, 1, "%ax", "%cj")}
  br label %next
rows:
  %i = phi i64 [0, %many], [%i1, %block]
  %i1 = add nsw i64 %i, {rows}
{k.stepped("%ai", "%ax", "%i", "%rs")}
{k.stepped("%ci", "%cj", "%i", "%crs")}
  %whole = icmp sle i64 %i1, %m
  br i1 %whole, label %block, label %rest
block:
{call(rows, columns, "%ai", "%ci")}
  br label %rows
rest:
  %over = sub nsw i64 %m, %i
  switch i64 %over, label %next [{cases}]
{rest}
next:
  %more = icmp slt i64 %j1, %n
  br i1 %more, label %group, label %out
out:
  ret void
}}"""
