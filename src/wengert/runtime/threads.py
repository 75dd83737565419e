"""How many threads compiled code uses. LLVM is loaded when it is first asked for: the pool is part of its library."""

from __future__ import annotations


def set_num_threads(n: int) -> None:
    """Let compiled code use `n` threads from now on.

    Raises: RuntimeError unless n is a positive integer.
    """
    from wengert.backends.llvm import pool

    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {n!r}")
    pool.set_num_threads(n)


def get_num_threads() -> int:
    """The number of threads that compiled code uses: OMP_NUM_THREADS, or the processors that this process may use."""
    from wengert.backends.llvm import pool

    return pool.get_num_threads()
