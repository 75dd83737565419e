"""The LLVM IR of a program: a function for each nest and each fused part of a product, and one for each *segment*, a run
of steps between calls of NumPy definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wengert.backends.llvm.contraction import Contractions
from wengert.backends.llvm.cut import cut
from wengert.backends.llvm.emit import emit_nest
from wengert.backends.llvm.shared import Shared
from wengert.backends.llvm.target import host
from wengert.errors import unreachable
from wengert.graph.node import ArrayType
from wengert.loops.arena import checks_bounds
from wengert.loops.collapse import collapse, with_own_buffers
from wengert.loops.nest import Call, Carry, Contract, Nest, Program, ProgramStep, Repeat, Window

# Where the table's entry -1 points to: a byte that a step sets when it fails, and how many steps of the segment are done.
PROGRESS, STATE = 8, 16


def split(program: Program) -> list[list[ProgramStep]]:
    """Runs of steps that are code, and each Call by itself."""
    segments: list[list[ProgramStep]] = []
    for step in program.steps:
        if isinstance(step, Call) or not segments or isinstance(segments[-1][0], Call):
            segments.append([step])
        else:
            segments[-1].append(step)
    return segments


def program_text(program: Program) -> str:
    """The LLVM IR of a program, but for the function that enters its inputs."""
    shared = Shared()
    shared.declarations["wengert_parallel"] = "declare void @wengert_parallel(ptr, ptr, i64, i64, i64, i64)"
    writer = _Segments(program, shared)
    bodies: list[str] = []
    for number, segment in enumerate(split(program)):
        if not isinstance(segment[0], Call):
            bodies.append(writer.segment(number, segment))
    return "\n".join([*bodies, shared.text()])


def steps_apart(program: Program) -> str:
    """The LLVM IR of a program as a function for each step, to look at them one by one: segmentN is step N, and the one
    after the last does nothing."""
    shared = Shared()
    shared.declarations["wengert_parallel"] = "declare void @wengert_parallel(ptr, ptr, i64, i64, i64, i64)"
    writer = _Segments(program, shared)
    bodies = [writer.segment(n, [step]) for n, step in enumerate(program.steps) if not isinstance(step, Call)]
    return "\n".join([*bodies, writer.segment(len(program.steps), ()), shared.text()])


class _Segments:
    """Writes the functions of segments."""

    def __init__(self, program: Program, shared: Shared) -> None:
        self.program = program
        self.shared = shared
        self.products = Contractions(shared)

    def segment(self, number: int, steps: Sequence[ProgramStep]) -> str:
        lines = [f"define void @segment{number}(ptr %buffers, ptr %work) nounwind {{"]
        for place, step in enumerate(steps):
            lines += self._step(step, f"p{place}")
            if checks_bounds(step):
                lines += _stop_if_failed(place)
            lines += _note_progress(place)
        return "\n".join([*lines, "  br label %end", "end:", "  ret void", "}"])

    def _step(self, step: ProgramStep, prefix: str) -> list[str]:
        """The lines of one step; `prefix` begins the names they define."""
        if isinstance(step, Nest):
            return _nest(step, self.shared)
        if isinstance(step, Contract):
            return self.products.call(step, prefix)
        if not isinstance(step, Repeat):
            unreachable("a segment of code with a call in it")
        return self._repeat(step, prefix)

    def _repeat(self, step: Repeat, prefix: str) -> list[str]:
        """A loop around other steps, before each turn of which the table's entries for windows are moved."""
        count = math.prod(step.extents)
        if not count:
            return []
        size = {b: t.dtype.itemsize for b, t in enumerate(self.program.buffers) if isinstance(t, ArrayType)}
        turn = f"%{prefix}t"
        lines = [
            f"  br label %{prefix}before\n{prefix}before:\n  br label %{prefix}head\n{prefix}head:",
            f"  {turn} = phi i64 [0, %{prefix}before], [%{prefix}next, %{prefix}latch]",
            *_indices(step.extents, turn, prefix),
        ]
        for number, window in enumerate(step.windows):
            lines += _move(window, f"{prefix}w{number}", prefix, size[window.buffer])
        for number, carry in enumerate(step.carries):
            lines += _hand_over(carry, f"{prefix}c{number}", turn, count)
        for number, inner in enumerate(step.steps):
            lines += self._step(inner, f"{prefix}_{number}")
        return [
            *lines,
            f"  br label %{prefix}latch\n{prefix}latch:",
            f"  %{prefix}next = add i64 {turn}, 1",
            f"  %{prefix}more = icmp slt i64 %{prefix}next, {count}",
            f"  br i1 %{prefix}more, label %{prefix}head, label %{prefix}after\n{prefix}after:",
        ]


def _indices(extents: tuple[int, ...], turn: str, prefix: str) -> list[str]:
    """%PREFIXi0, %PREFIXi1, ...: the index along each axis."""
    lines = []
    rest = turn
    for axis in reversed(range(len(extents))):
        if axis:
            lines.append(f"  %{prefix}i{axis} = urem i64 {rest}, {extents[axis]}")
            lines.append(f"  %{prefix}q{axis} = udiv i64 {rest}, {extents[axis]}")
            rest = f"%{prefix}q{axis}"
        else:
            lines.append(f"  %{prefix}i0 = add i64 {rest}, 0")
    return lines


def _move(window: Window, name: str, prefix: str, size: int) -> list[str]:
    """Let the window's entry point to where it begins in this turn."""
    lines = [
        f"  %{name}s = getelementptr ptr, ptr %buffers, i64 {window.source}",
        f"  %{name}b = load ptr, ptr %{name}s, align 8",
        f"  %{name}p0 = getelementptr i8, ptr %{name}b, i64 {window.offset * size}",
    ]
    for axis, stride in enumerate(window.strides):
        lines += [
            f"  %{name}o{axis} = mul i64 %{prefix}i{axis}, {stride * size}",
            f"  %{name}p{axis + 1} = getelementptr i8, ptr %{name}p{axis}, i64 %{name}o{axis}",
        ]
    return [
        *lines,
        f"  %{name}d = getelementptr ptr, ptr %buffers, i64 {window.buffer}",
        f"  store ptr %{name}p{len(window.strides)}, ptr %{name}d, align 8",
    ]


def _hand_over(carry: Carry, name: str, turn: str, count: int) -> list[str]:
    """Let `before` point to where the last turn wrote, and `after` to the other of the two places."""
    lines = [
        f"  %{name}left = sub i64 {count}, {turn}",
        f"  %{name}bit = and i64 %{name}left, 1",
        f"  %{name}odd = icmp ne i64 %{name}bit, 0",
        f"  %{name}first = icmp eq i64 {turn}, 0",
    ]
    for word, buffer in (("i", carry.initial), ("f", carry.final), ("s", carry.spare)):
        lines.append(f"  %{name}{word}s = getelementptr ptr, ptr %buffers, i64 {buffer}")
        lines.append(f"  %{name}{word} = load ptr, ptr %{name}{word}s, align 8")
    return [
        *lines,
        f"  %{name}to = select i1 %{name}odd, ptr %{name}f, ptr %{name}s",
        f"  %{name}other = select i1 %{name}odd, ptr %{name}s, ptr %{name}f",
        f"  %{name}from = select i1 %{name}first, ptr %{name}i, ptr %{name}other",
        f"  %{name}bp = getelementptr ptr, ptr %buffers, i64 {carry.before}",
        f"  store ptr %{name}from, ptr %{name}bp, align 8",
        f"  %{name}ap = getelementptr ptr, ptr %buffers, i64 {carry.after}",
        f"  store ptr %{name}to, ptr %{name}ap, align 8",
    ]


def _nest(step: Nest, shared: Shared) -> list[str]:
    """The call of a nest, whose text is made if there is none yet."""
    if not all(step.extents) and not _has_outer_store(step):
        return []
    bare, buffers = with_own_buffers(step._replace(label=""))
    name = shared.names.get(bare)
    if name is None:
        name = shared.names[bare] = f"nest{len(shared.names)}"
        text, needed = emit_nest(bare, name, host().width)
        shared.texts.append(text)
        shared.declarations.update(needed)
    return _call_nest(step, name, shared.places(buffers))


def _has_outer_store(nest: Nest) -> bool:
    """A nest over an empty inner space still stores what its folds start from, at each outer point."""
    return all(nest.outer) and bool(nest.inner)


def _stop_if_failed(place: int) -> list[str]:
    """Run no further step after one that failed: those behind it may write over inputs."""
    return [
        f"  %f{place}s = getelementptr ptr, ptr %buffers, i64 -1",
        f"  %f{place}p = load ptr, ptr %f{place}s, align 8",
        f"  %f{place}v = load i8, ptr %f{place}p, align 1",
        f"  %f{place} = icmp ne i8 %f{place}v, 0",
        f"  br i1 %f{place}, label %end, label %after{place}",
        f"after{place}:",
    ]


def _note_progress(place: int) -> list[str]:
    """Say that one more step is done, to who waits for an output of it (`pool.wait`)."""
    return [
        f"  %s{place}s = getelementptr ptr, ptr %buffers, i64 -1",
        f"  %s{place}b = load ptr, ptr %s{place}s, align 8",
        f"  %s{place}p = getelementptr i8, ptr %s{place}b, i64 {PROGRESS}",
        f"  store atomic i64 {place + 1}, ptr %s{place}p release, align 8",
    ]


def _call_nest(nest: Nest, name: str, places: str) -> list[str]:
    flat = collapse(nest)
    extent, found = flat.outer[0], cut(flat)
    if found is None:
        return [f"  call void @{name}(ptr {places}, i64 0, i64 {extent}, i64 0)"]
    return [
        f"  call void @wengert_parallel(ptr @{name}, ptr {places}, i64 0, i64 {extent}, i64 {found.grain}, i64 {found.align})"
    ]
