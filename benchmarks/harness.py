"""Measuring side by side: contenders take turns in short blocks within one run, so that what else the machine does
falls on all of them alike. What counts is the ratio.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Timing(NamedTuple):
    """Microseconds a call: of the least and of the median block."""

    least: float
    median: float


Clock = Callable[[], float]


def nothing() -> None:
    """Nothing is left to wait for."""


def interleave(
    contenders: dict[str, Callable[[], object]],
    seconds: float = 0.05,
    rounds: int = 15,
    clock: Clock = time.perf_counter,
    wait: Callable[[], None] = nothing,
) -> dict[str, Timing]:
    """Run each contender in blocks of about `seconds`, taking turns, `rounds` times. By `time.process_time`, which counts
    the process's own time on all processors, a machine may do other work meanwhile. `wait` ends a block: what a contender
    has begun, and has not waited for, is not to be counted as the next one's."""
    calls = {}
    for name, run in contenders.items():
        for _ in range(3):
            run()
        wait()
        start = clock()
        run()
        wait()
        calls[name] = max(1, int(seconds / max(clock() - start, 1e-7)))
    blocks: dict[str, list[float]] = {name: [] for name in contenders}
    gc.collect()
    for _ in range(rounds):
        for name, run in contenders.items():
            start = clock()
            for _ in range(calls[name]):
                run()
            wait()
            blocks[name].append((clock() - start) / calls[name] * 1e6)
    return {name: Timing(min(times), statistics.median(times)) for name, times in blocks.items()}


def take_turns(
    contenders: dict[str, Callable[[], object]], seconds: float = 8.0, calls: int = 8, wait: Callable[[], None] = nothing
) -> dict[str, Timing]:
    """For a machine that other work shares: turns of a few calls each, every call timed by itself. In the place of the
    least block stands the hundredth part that was quickest, which such work leaves alone."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for name, run in contenders.items():
            for call in range(calls):
                start = time.perf_counter()
                run()
                if call == calls - 1:
                    wait()
                times[name].append((time.perf_counter() - start) * 1e6)
    return {name: Timing(sorted(found)[len(found) // 100], statistics.median(found)) for name, found in times.items()}


def report(title: str, timings: dict[str, Timing], base: str = "wengert", floor: float | None = None) -> None:
    """Print a table: microseconds, and how many times `base`'s time each takes (least by least, median by median)."""
    print(title)
    own = timings[base]
    width = max(len(name) for name in timings)
    for name, timing in timings.items():
        print(
            f"  {name:<{width}}  least {timing.least:10.2f} us   median {timing.median:10.2f} us"
            f"   x {timing.least / own.least:5.2f} (least)  x {timing.median / own.median:5.2f} (median)"
        )
    if floor is not None:
        print(f"  {'floor':<{width}}        {floor:10.2f} us   x {floor / own.least:5.2f}")


def gemm_peak(n: int = 768, rounds: int = 12, clock: Clock = time.perf_counter) -> float:
    """The best float32 matrix product rate seen here through NumPy's BLAS, in FLOP a microsecond."""
    import numpy as np

    a, b = np.ones((n, n), np.float32), np.ones((n, n), np.float32)
    best = float("inf")
    for _ in range(rounds):
        start = clock()
        a @ b
        best = min(best, clock() - start)
    return 2 * n**3 / best / 1e6
