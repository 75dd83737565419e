"""Where the time of a compiled step goes on two threads, step of the program by step: the wall time on one and on two
threads, the parallel regions and their pieces, and what is lost.

    python benchmarks/regions.py --rows mlp64

The code of the programs and of the thread pool is compiled with a stamp of the processor's clock before each step, around each
piece of a region and around each region. One and two threads take turns within one process; what is shown of each step
is the least of many runs. Columns, in microseconds:

    one, two    the step on one and on two threads
    lost        two - one / 2
    late        from the beginning of a region to the first piece of the worker (sum over the step's regions)
    wait        the caller at the ends of the regions
    serial      of `two`, outside of regions
    busy        of the pieces of both threads, less `one`: what the same work takes longer, from caches mostly
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import time
import warnings
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from steps import ROWS

import wengert
from wengert.backends.llvm import code, product
from wengert.compiler.ahead import Ahead
from wengert.loops.show import show_step

# Words of a log: its length, then four words a record.
RECORDS = 1 << 17

_LOGS = f"""
@stamps = global [{4 * RECORDS + 4} x i64] zeroinitializer, align 128
@regions = global [{4 * RECORDS + 4} x i64] zeroinitializer, align 128
@pieces0 = global [{4 * RECORDS + 4} x i64] zeroinitializer, align 128
@pieces1 = global [{4 * RECORDS + 4} x i64] zeroinitializer, align 128
declare i64 @llvm.readcyclecounter()
define internal void @note(ptr %log, i64 %a, i64 %b, i64 %c, i64 %d) alwaysinline nounwind {{
  %n = load i64, ptr %log, align 8
  %n1 = add i64 %n, 4
  %fits = icmp slt i64 %n1, {4 * RECORDS}
  %next = select i1 %fits, i64 %n1, i64 0
  store i64 %next, ptr %log, align 8
  %n2 = add i64 %n, 4
  %p0 = getelementptr i64, ptr %log, i64 %n2
  %p1 = getelementptr i64, ptr %p0, i64 1
  %p2 = getelementptr i64, ptr %p0, i64 2
  %p3 = getelementptr i64, ptr %p0, i64 3
  store i64 %a, ptr %p0, align 8
  store i64 %b, ptr %p1, align 8
  store i64 %c, ptr %p2, align 8
  store i64 %d, ptr %p3, align 8
  ret void
}}
define void @wengert_stamp(i64 %number) nounwind {{
  %t = call i64 @llvm.readcyclecounter()
  call void @note(ptr @stamps, i64 %number, i64 %t, i64 0, i64 0)
  ret void
}}"""

_PIECE = "  call void %task(ptr %context, i64 %lo, i64 %hi, i64 %worker)"
_STAMPED_PIECE = f"""  %stamp0 = call i64 @llvm.readcyclecounter()
{_PIECE}
  %stamp1 = call i64 @llvm.readcyclecounter()
  %log0 = icmp eq i64 %worker, 0
  %log = select i1 %log0, ptr @pieces0, ptr @pieces1
  call void @note(ptr %log, i64 %number, i64 %stamp0, i64 %stamp1, i64 %p)"""
_OPEN = "  store atomic i64 %number, ptr @pool.region seq_cst, align 8\n  call void @pool_rouse()\n  call void @pool_work"
_FREE = "free:\n  store atomic"


def stamped_library() -> str:
    """The runtime library with a log of its regions."""
    text = product.library_text()
    for old, new in (
        (_PIECE, _STAMPED_PIECE),
        (_OPEN, "  %opened = call i64 @llvm.readcyclecounter()\n" + _OPEN),
        (
            _FREE,
            "free:\n  %closed = call i64 @llvm.readcyclecounter()\n"
            "  call void @note(ptr @regions, i64 %number, i64 %opened, i64 %closed, i64 %pieces)\n  store atomic",
        ),
    ):
        assert text.count(old) == 1, f"the pool's text has changed: {old!r}"
        text = text.replace(old, new)
    return text + _LOGS


def stamp_steps() -> None:
    """From now on programs are compiled with a stamp before each step and one after the last."""
    plain_step, plain_segment = code._Segments._step, code._Segments.segment

    def step(self: Any, step: Any, prefix: str) -> list[str]:
        lines = plain_step(self, step, prefix)
        return lines if "_" in prefix else [f"  call void @wengert_stamp(i64 {prefix[1:]})", *lines]

    def segment(self: Any, number: int, steps: Any) -> str:
        self.shared.declarations["wengert_stamp"] = "declare void @wengert_stamp(i64)"
        text = plain_segment(self, number, steps)
        return text.replace("end:\n", "end:\n  call void @wengert_stamp(i64 -1)\n")

    code._Segments._step = step  # type: ignore[method-assign]
    code._Segments.segment = segment  # type: ignore[method-assign]


class Log:
    """One of the library's logs."""

    def __init__(self, address: int) -> None:
        self.words: Any = np.ctypeslib.as_array((ctypes.c_int64 * (4 * RECORDS + 4)).from_address(address))

    def take(self) -> Any:
        """What was noted since the last time, a row each."""
        found = self.words[4 : 4 + self.words[0]].reshape(-1, 4).copy()
        self.words[0] = 0
        return found


class Measured:
    """Of each step, the least time seen, and the run that it was seen in."""

    def __init__(self, steps: int) -> None:
        self.least = np.full(steps, np.inf)
        self.rows: list[Any] = [None] * steps
        self.whole = np.inf

    def add(self, stamps: Any, regions: Any, own: Any, other: Any) -> None:
        begins = stamps[:, 1]
        self.whole = min(self.whole, float(begins[-1] - begins[0]))
        for number, (start, stop) in enumerate(itertools.pairwise(begins.tolist())):
            took = float(stop - start)
            if took < self.least[number]:
                self.least[number] = took
                here = regions[(regions[:, 1] >= start) & (regions[:, 2] <= stop)]
                self.rows[number] = _lost(took, here, own, other)


def _lost(took: float, regions: Any, own: Any, other: Any) -> tuple[float, ...]:
    late = wait = inside = busy = pieces = 0.0
    for number, opened, closed, count in regions:
        mine, theirs = own[own[:, 0] == number], other[other[:, 0] == number]
        inside += closed - opened
        pieces += count
        busy += float((mine[:, 2] - mine[:, 1]).sum() + (theirs[:, 2] - theirs[:, 1]).sum())
        if len(theirs):
            late += float(theirs[:, 1].min() - opened)
        if len(mine):
            wait += float(closed - mine[:, 2].max())
    return len(regions), pieces, late, wait, took - inside, busy + took - inside


def measure(step: Callable[[], object], logs: dict[str, Log], steps: int, seconds: float) -> dict[int, Measured]:
    found = {threads: Measured(steps) for threads in (1, 2)}
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for threads, measured in found.items():
            wengert.set_num_threads(threads)
            for _ in range(3):
                step()
            end = time.perf_counter() + 0.1
            while time.perf_counter() < end:
                for log in logs.values():
                    log.take()
                step()
                taken = {name: log.take() for name, log in logs.items()}
                if len(taken["stamps"]) == steps + 1:
                    measured.add(taken["stamps"], taken["regions"], taken["pieces0"], taken["pieces1"])
    return found


def table(program: Any, found: dict[int, Measured], rate: float, full: bool) -> None:
    head = ("one", "two", "lost", "regions", "pieces", "late", "wait", "serial", "busy")
    print("step " + "".join(f"{name:>9}" for name in head))
    totals = np.zeros(len(head))
    for number, step in enumerate(program.steps):
        one, two = found[1].least[number] / rate, found[2].least[number] / rate
        regions, pieces, *times = found[2].rows[number]
        late, wait, serial, busy = (x / rate for x in times)
        row = (one, two, two - one / 2, regions, pieces, late, wait, serial, busy - one)
        totals += row
        text = show_step(step)
        print(f"{number:4} " + "".join(f"{x:9.1f}" for x in row) + "  " + text.split("\n")[0])
        if full:
            print("\n".join(text.split("\n")[1:]))
    print("sum  " + "".join(f"{x:9.1f}" for x in totals))
    print(f"whole runs: {found[1].whole / rate:.1f} and {found[2].whole / rate:.1f}")


def ticks() -> float:
    """Of the processor's clock in a microsecond."""
    start, before = time.perf_counter(), _clock()
    time.sleep(0.05)
    return (_clock() - before) / (time.perf_counter() - start) / 1e6


def _clock() -> int:
    _stamp(0)
    return int(_logs["stamps"].take()[-1, 1])


_logs: dict[str, Log] = {}
_stamp: Any = None


def main() -> None:
    global _stamp
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="mlp64", help="which workloads: " + ", ".join(ROWS))
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--full", action="store_true", help="each step's text")
    arguments = parser.parse_args()
    stamp_steps()
    Ahead.can = lambda ahead, arrays: False  # type: ignore[method-assign]  # Python waits, and is a thread of each region
    loaded = product.load(product.compile_library(stamped_library()))
    llvm.add_symbol("wengert_stamp", loaded.address("wengert_stamp"))
    _stamp = ctypes.CFUNCTYPE(None, ctypes.c_int64)(loaded.address("wengert_stamp"))
    _logs.update({name: Log(loaded.address(name)) for name in ("stamps", "regions", "pieces0", "pieces1")})
    rate = ticks()
    for name in arguments.rows.split(","):
        compiled: Any = None

        def compile(function: Any) -> Any:
            nonlocal compiled
            compiled = wengert.compile(function, fullgraph=True)
            return compiled

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            step = ROWS[name].build(wengert, compile)
            for _ in range(4):
                step()
            wengert.compiler.wait(120)
            step()
        (programs,) = compiled.programs.values()
        program = programs[-1].replay.entry.compiled.program
        print(ROWS[name].title)
        table(program, measure(step, _logs, len(program.steps), arguments.seconds), rate, arguments.full)


if __name__ == "__main__":
    main()
