"""explain: which kernels a call runs, what each was fused from, and how far each is from what the machine could do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from wengert.backends.llvm.measure import machine, seconds_of_steps
from wengert.compiler.function import CompiledFunction, Options, Program
from wengert.errors import CompileError, value_error
from wengert.graph.node import ArrayType
from wengert.loops.arena import reads, writes
from wengert.loops.nest import Apply, Call, Contract, Fold, Nest, Program as Loops, ProgramStep, Repeat
from wengert.runtime.flush import one_at_a_time
from wengert.runtime.tiers import compile_now
from wengert.tensors.tensor import Tensor


class Kernel(NamedTuple):
    """One step of a program.

    kind     "nest" (one pass over memory), "product", "repeat" (a loop over time), or "call" (NumPy's definition)
    fused    the operations in it
    flops    operations on elements;   bytes: of the buffers that it reads and writes, each once
    seconds  measured by itself, the least of many;   share: of all kernels
    floor    seconds that its flops or its bytes would take at the best rates seen on this machine
    """

    kind: str
    fused: tuple[str, ...]
    flops: float
    bytes: float
    seconds: float
    share: float
    floor: float


class Explanation(NamedTuple):
    """What `explain` found. Printed, it is a table."""

    kernels: tuple[Kernel, ...]
    seconds: float
    floor: float

    def __str__(self) -> str:
        lines = [f"{'kernel':8} {'share':>6} {'us':>9} {'x floor':>8} {'MFLOP':>9} {'MB':>8}  fused"]
        for k in self.kernels:
            far = f"{k.seconds / k.floor:8.1f}" if k.floor else f"{'-':>8}"
            lines.append(
                f"{k.kind:8} {k.share:6.1%} {k.seconds * 1e6:9.2f} {far} {k.flops / 1e6:9.3f} {k.bytes / 1e6:8.3f}  "
                + ", ".join(k.fused)
            )
        times = f"{self.seconds / self.floor:.1f} times" if self.floor else "no"
        whole = f"{self.seconds * 1e6:.1f} us, {times} the floor of {self.floor * 1e6:.1f} us"
        return "\n".join([*lines, f"{len(self.kernels)} kernels, {whole}"])


def explain(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Explanation:
    """Which kernels the call ``function(*args, **kwargs)`` runs, and what each costs.

    Calls the function up to three times, with all its effects (a training step takes that many steps).

    Raises: RuntimeError when the call can't be replayed; ValueError when its results are to be differentiated by the
    caller, so that there is no program of its own.
    """
    compiled = getattr(function, "_replayed", function)
    if not isinstance(compiled, CompiledFunction):
        compiled = CompiledFunction(function, Options(fullgraph=True))
    for _ in range(3):
        compiled(*args, **kwargs)
    leaves = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
    for programs in compiled.programs.values():
        for program in programs:
            if program.holds() and program.replay is not None:
                return _explanation(program, leaves)
    raise CompileError("explain: this call can't be replayed; compile it with fullgraph=True to see why")


def _explanation(program: Program, tensors: list[Tensor]) -> Explanation:
    replay = program.replay
    assert replay is not None
    if program.is_recorded:
        raise value_error(
            "explain", "a call whose results are not differentiated by the caller", None,
            "put backward() into the function, or call it under no_grad()",
        )  # fmt: skip
    with one_at_a_time():
        if replay.entry.compiled is None:
            compile_now(replay.entry)
        loops: Loops = replay.entry.compiled.program  # type: ignore[union-attr]
        seconds = seconds_of_steps(loops, replay.values(tensors))
    peak, rate = machine()
    total = sum(seconds)
    kernels = []
    for step, took in zip(loops.steps, seconds):
        flops, moved = flops_of(step), float(sum([_bytes(loops, b) for b in reads(step) | writes(step)]))
        floor = max(flops / peak, moved / rate) if isinstance(step, (Contract, Repeat)) else moved / rate
        kernels.append(Kernel(_kind(step), _fused(step), flops, moved, took, took / total if total else 0.0, floor))
    return Explanation(tuple(kernels), total, sum([kernel.floor for kernel in kernels]))


def _kind(step: ProgramStep) -> str:
    return {Nest: "nest", Contract: "product", Call: "call", Repeat: "repeat"}[type(step)]


def _fused(step: ProgramStep) -> tuple[str, ...]:
    if isinstance(step, Call):
        return (step.primitive.name,)
    return tuple(step.label.replace(",", " ").split())


def flops_of(step: ProgramStep) -> float:
    """Operations on elements: one for each scalar operation and fold at a point, two for each term of a product."""
    if isinstance(step, Nest):
        work = sum([isinstance(v, Apply) for v in step.values]) + sum([isinstance(a, Fold) for a in step.actions])
        return float(math.prod(step.extents) * work)
    if isinstance(step, Contract):
        points = math.prod((*step.batch, *step.rows, *step.columns))
        return float(points * (2 * math.prod(step.summed) + sum([isinstance(v, Apply) for v in step.values])))
    if isinstance(step, Repeat):
        return math.prod(step.extents) * sum(map(flops_of, step.steps))
    return 0.0


def _bytes(loops: Loops, buffer: int) -> int:
    type = loops.buffers[buffer]
    return type.size * type.dtype.itemsize if isinstance(type, ArrayType) else 0
