"""The LLVM IR of a program: a function for each nest and each fused part of a product, and one for each *segment*, a run
of steps between calls of NumPy definitions."""

from __future__ import annotations

import math

from wengert.backends.llvm.contraction import Contractions
from wengert.backends.llvm.emit import emit_nest
from wengert.backends.llvm.shared import Shared
from wengert.backends.llvm.target import host
from wengert.loops.arena import checks_bounds
from wengert.loops.collapse import collapse, with_own_buffers
from wengert.loops.nest import Call, Contract, Nest, Program, ProgramStep

# Scalar operations below which a nest stays on one thread: a parallel region costs a few microseconds.
PARALLEL_WORK = 60_000


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
    products = Contractions(shared)
    bodies: list[str] = []
    for number, segment in enumerate(split(program)):
        if isinstance(segment[0], Call):
            continue
        lines = [f"define void @segment{number}(ptr %buffers, ptr %work) nounwind {{"]
        for place, step in enumerate(segment):
            if isinstance(step, Nest):
                lines += _nest(step, shared)
            elif isinstance(step, Contract):
                lines += products.call(step, f"p{place}")
            if checks_bounds(step):
                lines += _stop_if_failed(place)
        lines += ["  br label %end", "end:", "  ret void", "}"]
        bodies.append("\n".join(lines))
    return "\n".join([*bodies, shared.text()])


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


def _call_nest(nest: Nest, name: str, places: str) -> list[str]:
    flat = collapse(nest)
    extent = flat.outer[0]
    points = math.prod(flat.extents)
    work = points * (len(flat.values) + 1)
    if extent < 2 or work < 2 * PARALLEL_WORK:
        return [f"  call void @{name}(ptr {places}, i64 0, i64 {extent}, i64 0)"]
    grain = max(1, -(-PARALLEL_WORK * extent // work))
    align = 64 if len(flat.outer) == 1 else 1
    return [f"  call void @wengert_parallel(ptr @{name}, ptr {places}, i64 0, i64 {extent}, i64 {grain}, i64 {align})"]
