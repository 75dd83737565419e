"""The runtime library: batched matrix products over the thread pool, and the pool itself, as one piece of code.

    void wengert_product_SUFFIX(i64 batch, i64 inner, i64 m, i64 n, i64 k,
                                ptr a, i64 abo, i64 abs, i64 ars, i64 acs,      strides of a
                                ptr b, i64 bbo, i64 bbs, i64 brs, i64 bcs,
                                ptr c, i64 cbs, i64 crs,                        rows of c are contiguous
                                ptr fused, ptr work)

    c[t, i, j] = sum_p a[t, i, p] b[t, p, j]

for SUFFIX f32 and f64. Matrix t of a begins at (t / inner) abo + (t mod inner) abs, its rows are ars apart and its
columns acs; so for b; matrix t of c begins at t cbs. Strides are in elements and may be negative or 0. c overlaps nothing.
`fused` is null, or tells where the operands come from and what becomes of the product instead of c (`fused.py`). `work`
has room for `WORK` bytes for each thread of the pool. An empty sum gives 0.

How it is done: `batched.py` cuts it up, `gemm.py`, `tile.py` and `dots.py` multiply, `packing.py` copies, `parallel.py`
is the pool. Compiling all of it takes about half a second; a cache is the caller's affair.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Optional

import llvmlite.binding as llvm
import numpy as np

from wengert.backends.llvm import jit, pool
from wengert.backends.llvm.batched import WORK, batched, shared
from wengert.backends.llvm.dots import dots, helpers
from wengert.backends.llvm.gemm import gemm
from wengert.backends.llvm.parallel import MOST_THREADS, parallel, serial
from wengert.backends.llvm.target import host, lock
from wengert.backends.llvm.vectors import Kind, mask_function, store_first_function

# --- the library ----------------------------------------------------------------------------------------------------


def runtime_library(width: int, registers: int, threads: bool = True) -> str:
    """The LLVM IR of the pool and of the products for vectors of `width` bytes."""
    kinds = (Kind("float", "f32", width // 4), Kind("double", "f64", width // 8))
    parts = [parallel(host().triple) if threads else serial(), shared()]
    for k in kinds:
        parts += [gemm(k, registers), dots(k, registers), batched(k, registers)]
    needed = [line for k in kinds for line in (*k.declarations(), mask_function(k.lanes), store_first_function(k), *helpers(k))]
    return "\n".join([*parts, *dict.fromkeys(needed)])


@lru_cache(maxsize=1)
def library_text() -> str:
    """The runtime library for this machine."""
    target = host()
    return runtime_library(target.width, target.registers, pool.has_threads())


def compile_library(text: str) -> bytes:
    """Object code of the library. Its text is written as it is to run: optimisation passes took as long as the making
    of code and gained nothing that could be measured."""
    return jit.compile_object(text, speed=0)


_loaded: Optional[jit.Loaded] = None


def is_loaded() -> bool:
    """Whether this process has the library."""
    return _loaded is not None


def load(code: Optional[bytes] = None) -> jit.Loaded:
    """Load the library from its object code (compiled here if none is given) and make its functions known to the JIT.
    It is loaded once in a process; later calls give the same."""
    global _loaded
    with lock:
        if _loaded is None:
            pool.has_threads()
            loaded = jit.Loaded(compile_library(library_text()) if code is None else code)
            for name in ("wengert_parallel", "wengert_job_start", "wengert_product_f32", "wengert_product_f64"):
                llvm.add_symbol(name, loaded.address(name))
            pool.attach(loaded)
            _loaded = loaded
    return _loaded


class _Scratch(threading.local):
    """Room for each thread that the pool may have, for each thread of Python that may call. Memory that is not touched
    takes no place."""

    def __init__(self) -> None:
        self.room = np.empty(WORK * MOST_THREADS, np.uint8)
        self.address = self.room.ctypes.data


_scratch = _Scratch()


def scratch_room() -> object:
    """What keeps the memory of `scratch` of this thread, which goes with the thread."""
    return _scratch.room


def scratch() -> int:
    """The address of the `work` of products that this thread of Python calls."""
    return _scratch.address
