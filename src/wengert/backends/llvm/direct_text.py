"""Lines of text that both forms of direct contractions are made of: vectors of elements, and loops over summed ones."""

from __future__ import annotations

import math

from wengert.backends.llvm.vectors import Kind

# Summed elements that a round of a tile's loop takes, at most.
_ROUND = 32

Pairs = list[tuple[tuple[int, int], tuple[int, int]]]  # of both operands: (extent, stride) of each axis


def elements(k: Kind, name: str, base: str, offset: int, step: int) -> list[str]:
    """A vector of elements that are `step`, 1 or 2, apart. Nothing is read behind the last of them."""
    if step == 1:
        return [k.at(f"{name}p", base, offset), k.load(name, f"{name}p")]
    low, high = f"{name}l", f"{name}h"
    n = k.lanes
    order = [i if i < n else i + 1 for i in range(0, 2 * n, 2)]  # the second load begins one element early
    return [
        k.at(f"{low}p", base, offset), k.load(low, f"{low}p"), k.at(f"{high}p", base, offset + n - 1),
        k.load(high, f"{high}p"), k.shuffle(name, low, high, order),
    ]  # fmt: skip


def own_lanes(k: Kind, name: str, base: str, row: int, x: int, length: int, step: int) -> list[str]:
    """A vector of the elements x, x + 1, ... of a row of `length`, `step` apart. The last one reaches back to be whole,
    and has 0 for what was in the one before."""
    if x + k.lanes <= length:
        return elements(k, name, base, row + x * step, step)
    back = k.lanes - (length - x)
    if back > x:  # there is none before
        mask = _lanes_where([lane < length - x for lane in range(k.lanes)])
        return [k.at(f"{name}p", base, row + x), k.masked_load(name, f"{name}p", mask)]
    mask = _lanes_where([lane >= back for lane in range(k.lanes)])
    whole = elements(k, f"{name}w", base, row + (x - back) * step, step)
    return [*whole, f"  {name} = select {k.bools} {mask}, {k.vector} {name}w, {k.vector} zeroinitializer"]


def _lanes_where(true: list[bool]) -> str:
    return f"<{', '.join('i1 true' if yes else 'i1 false' for yes in true)}>"


def rounds(pairs: Pairs) -> tuple[int, int]:
    """How many rounds the loop has, and how many of the last axes are taken in one."""
    inside, taken = 0, 1
    for (extent, _), _ in reversed(pairs):
        if taken * extent > _ROUND:
            break
        inside, taken = inside + 1, taken * extent
    return math.prod([n for (n, _), _ in pairs[: len(pairs) - inside]]), inside


def offsets(pairs: Pairs) -> list[tuple[int, int]]:
    """Where each element of a round lies, in both operands."""
    found = [(0, 0)]
    for (extent, ao), (_, bo) in pairs:
        found = [(x + i * ao, y + i * bo) for x, y in found for i in range(extent)]
    return found


def loop(
    k: Kind, lines: list[str], rounds: tuple[object, object], pairs: Pairs, starts: dict[tuple[int, int], str]
) -> dict[tuple[int, int], str]:
    """Open a loop over rounds, one at least: %ar and %bJr are where the operands stand in this one. Gives the sums so far."""
    first, last = rounds
    lines += [f"  br label %loop\nloop:\n  %p = phi i64 [{first}, %entry], [%pn, %loop]"]
    lines += [f"  %z{i}_{j} = phi {k.vector} [{start}, %entry], [LAST{i}_{j}., %loop]" for (i, j), start in starts.items()]
    index, totals = "%p", {"a": "0", "b": "0"}
    for number, ((extent, ao), (_, bo)) in reversed(list(enumerate(pairs))):
        own = index
        if number:
            lines += [f"  %r{number} = urem i64 {index}, {extent}", f"  %d{number} = udiv i64 {index}, {extent}"]
            own, index = f"%r{number}", f"%d{number}"
        for side, stride in (("a", ao), ("b", bo)):
            lines.append(f"  %o{side}{number} = mul nsw i64 {own}, {stride}")
            lines.append(f"  %t{side}{number} = add nsw i64 {totals[side]}, %o{side}{number}")
            totals[side] = f"%t{side}{number}"
    lines.append(k.at("%ar", "%a", totals["a"]))
    lines += [k.at(f"%b{j}r", f"%b{j}", totals["b"]) for j in dict.fromkeys(j for _, j in starts)]
    lines.append(f"  %pn = add nsw i64 %p, 1\n  %more = icmp slt i64 %pn, {last}")
    return {(i, j): f"%z{i}_{j}" for i, j in starts}


def end_loop(lines: list[str], sums: dict[tuple[int, int], str]) -> None:
    lines.append("  br i1 %more, label %loop, label %done\ndone:")
    for number, line in enumerate(lines):
        for (i, j), last in sums.items():
            line = line.replace(f"LAST{i}_{j}.", last)
        lines[number] = line
