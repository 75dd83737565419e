"""Compiled tasks and ctypes signatures that the tests of the pool and of the product share."""

from __future__ import annotations

import ctypes
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from wengert.backends.llvm import jit, product

# A task that counts: context is five pointers, to counts[i], ends[begin], workers[begin], the number of rounds to wait,
# and a pointer to a task's own context for `nested`.
TASKS = """
declare void @wengert_parallel(ptr, ptr, i64, i64, i64, i64)
define void @mark(ptr %context, i64 %begin, i64 %end, i64 %worker) {
entry:
  %counts = load ptr, ptr %context
  %endsp = getelementptr ptr, ptr %context, i64 1
  %ends = load ptr, ptr %endsp
  %workersp = getelementptr ptr, ptr %context, i64 2
  %workers = load ptr, ptr %workersp
  %roundsp = getelementptr ptr, ptr %context, i64 3
  %rounds = load i64, ptr %roundsp
  %e = getelementptr i64, ptr %ends, i64 %begin
  store i64 %end, ptr %e
  %w = getelementptr i64, ptr %workers, i64 %begin
  store i64 %worker, ptr %w
  br label %wait
wait:
  %r = phi i64 [0, %entry], [%r1, %wait]
  call void asm sideeffect "", ""()
  %r1 = add i64 %r, 1
  %more = icmp slt i64 %r1, %rounds
  br i1 %more, label %wait, label %next
next:
  %i = phi i64 [%begin, %wait], [%i1, %next]
  %c = getelementptr i64, ptr %counts, i64 %i
  %old = atomicrmw add ptr %c, i64 1 monotonic
  %i1 = add i64 %i, 1
  %again = icmp slt i64 %i1, %end
  br i1 %again, label %next, label %out
out:
  ret void
}
define void @nested(ptr %context, i64 %begin, i64 %end, i64 %worker) {
entry:
  %innerp = getelementptr ptr, ptr %context, i64 4
  %inner = load ptr, ptr %innerp
  br label %next
next:
  %i = phi i64 [%begin, %entry], [%i1, %next]
  %lo = mul i64 %i, 10
  %hi = add i64 %lo, 10
  call void @wengert_parallel(ptr @mark, ptr %inner, i64 %lo, i64 %hi, i64 1, i64 1)
  %i1 = add i64 %i, 1
  %again = icmp slt i64 %i1, %end
  br i1 %again, label %next, label %out
out:
  ret void
}
"""

POINTER, INTEGER = ctypes.c_void_p, ctypes.c_int64

# fmt: off
PRODUCT = ctypes.CFUNCTYPE(
    None, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER,
    POINTER, INTEGER, INTEGER, INTEGER, INTEGER, POINTER, INTEGER, INTEGER, INTEGER, INTEGER,
    POINTER, INTEGER, INTEGER, POINTER, POINTER,
)
# fmt: on


@lru_cache(maxsize=1)
def _tasks() -> jit.Loaded:
    product.load()
    return jit.Loaded(jit.compile_object(TASKS))


@cache
def task(name: str) -> int:
    """Its address. Found once, since a forked child should not ask LLVM."""
    return _tasks().address(name)


@lru_cache(maxsize=1)
def parallel() -> Any:
    """wengert_parallel; ctypes lets go of the GIL while it runs."""
    address = product.load().address("wengert_parallel")
    return ctypes.CFUNCTYPE(None, POINTER, POINTER, INTEGER, INTEGER, INTEGER, INTEGER)(address)


class Marks(NamedTuple):
    """What `mark` wrote over a range that starts at `offset` (indices may be negative)."""

    counts: Any
    ends: Any
    workers: Any
    context: Any
    begin: int
    end: int

    def pieces(self) -> list[tuple[int, int]]:
        """(begin, end) of each call, in order."""
        found = np.flatnonzero(self.ends != np.iinfo(np.int64).min)
        return [(int(i) + self.begin, int(self.ends[i])) for i in found]

    def run(self, grain: int = 1, align: int = 1) -> Marks:
        parallel()(task("mark"), self.context.ctypes.data, self.begin, self.end, grain, align)
        return self


def marks(begin: int, end: int, rounds: int = 0) -> Marks:
    size = max(end - begin, 1)
    counts = np.zeros(size, np.int64)
    ends = np.full(size, np.iinfo(np.int64).min)
    workers = np.full(size, -1, np.int64)
    shifted = [x.ctypes.data - 8 * begin for x in (counts, ends, workers)]
    return Marks(counts, ends, workers, np.array([*shifted, rounds, 0], np.int64), begin, end)


def multiply(function: Any, a: Any, b: Any, c: Any, fused: int | None = None, work: int | None = None) -> None:
    """c = a b through a product function, for arrays (batch, rows, columns)."""

    def strides(x: Any) -> tuple[int, ...]:
        return tuple(s // x.itemsize for s in x.strides)

    batch, m, k = a.shape
    function(
        batch, max(batch, 1), m, b.shape[2], k, a.ctypes.data, 0, *strides(a), b.ctypes.data, 0, *strides(b),
        c.ctypes.data, *strides(c)[:2], fused, product.scratch() if work is None else work,
    )  # fmt: skip
