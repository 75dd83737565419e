"""NumPy's matrix products on one thread, where waking the others costs more than they save.

OpenBLAS divides a product of more than half a million operations among its threads, which afterwards keep their
cores busy, waiting for the next one. On two cores of an EPYC (Zen 3, a virtual machine) a product of 13 million operations
that follows 200 microseconds of other work takes 120 to 185 us on two threads and 154 on one (NumPy 2.4, OpenBLAS 0.3.31),
and what comes after it longer, since half of the result lies in the other core's cache. Beside another library's threads,
a training loop takes 0.72 of its time this way. How a product is divided also decides its last bits: below this size they
don't depend on the number of threads.

Other libraries behind NumPy have no such function, and are left alone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, Optional

import numpy as np

from wengert.graph.node import ArrayType

# Multiplications and additions of a product, in float32 or as long as they take there. Fewer than the first OpenBLAS
# does on one thread anyway; with more than the second its threads are worth waking.
_DIVIDED, _WORTH_WAKING = 1 << 18, 1 << 24

# The names that OpenBLAS's functions have in NumPy's own builds and in others.
_NAMES = (
    "scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)  # fmt: skip


def is_quicker_alone(a: ArrayType, c: ArrayType) -> bool:
    """Whether the product c = a b should run on one thread."""
    if not a.inexact:
        return False  # NumPy's own loops
    operations = 2 * c.size * a.shape[-1] * a.dtype.itemsize // 4
    return _DIVIDED < operations <= _WORTH_WAKING


def alone(product: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A function that computes a product on one thread, and leaves NumPy's number of threads as it was."""
    threads = _threads()
    if threads is None:
        return product
    now, use = threads

    def on_one_thread(a: Any, b: Any) -> Any:
        before = now()
        if before == 1:
            return product(a, b)
        use(1)
        try:
            return product(a, b)
        finally:
            use(before)

    return on_one_thread


@cache
def _threads() -> Optional[tuple[Callable[[], int], Callable[[int], None]]]:
    """OpenBLAS's functions that give and set its number of threads; None where NumPy has another library."""
    library = ctypes.PyDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]  # finds what it is linked to
    for name in _NAMES:
        if hasattr(library, name.format("set")) and hasattr(library, name.format("get")):
            now, use = getattr(library, name.format("get")), getattr(library, name.format("set"))
            now.argtypes, now.restype = [], ctypes.c_int
            use.argtypes, use.restype = [ctypes.c_int], None
            return now, use
    return None
