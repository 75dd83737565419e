"""The one thread pool of the process, seen from Python: how many threads there are, and what a fork does to them.

The pool itself is machine code (`parallel.py`) in the runtime library; `product.load` hands it over. Workers start when
compiled code first needs them, and never touch Python.
"""

from __future__ import annotations

import ctypes
import operator
import os
import threading
import time
from typing import Any, NamedTuple, Optional

import llvmlite.binding as llvm

from wengert.backends.llvm.jit import Loaded
from wengert.backends.llvm.parallel import MOST_THREADS, SYMBOLS
from wengert.backends.llvm.target import lock
from wengert.backends.processors import cores, processors

# How long a thread watches for what it waits for, longer than the steps between two regions of a program take; and how
# long workers then go on watching while they let others run, before they sleep: to wake one costs the caller 10
# microseconds and the worker is there after 30 (measured on a virtual machine), too much for every step of a loop.
WATCH = 100e-6
LINGER = 1e-3


class _Control(NamedTuple):
    resize: Any
    reset: Any
    pause: Any
    start: Any
    join: Any
    wait: Any
    address: int


_wanted: Optional[int] = None
_control: Optional[_Control] = None
_rounds = 0.0  # of watching in a second


def set_num_threads(n: int) -> None:
    """The number of threads of compiled code, the calling one among them; at most 256 are used. Waits for parallel work
    that other Python threads have under way. Results may differ in their last bits between thread counts, never
    between runs with the same.

    Raises: TypeError for what is no integer, RuntimeError for numbers below 1.
    """
    global _wanted
    if isinstance(n, bool):
        raise TypeError("set_num_threads: expected an integer, but got a bool")
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"set_num_threads: expected an integer, but got {type(n).__name__}") from None
    if n < 1:
        raise RuntimeError(f"set_num_threads: expected a positive number of threads, but got {n}")
    with lock:
        _wanted = min(n, MOST_THREADS)
        if _control is not None:
            join()
            _resize(_control, _wanted)


def get_num_threads() -> int:
    """The number of threads of compiled code: what was set, else OMP_NUM_THREADS, else one for each processor core that
    this process may use. 1 on a platform without POSIX threads."""
    global _wanted
    if _wanted is None:
        _wanted = min(_default_threads(), MOST_THREADS)
    return _wanted if has_threads() else 1


def address() -> int:
    """The address of wengert_parallel, once the runtime library is loaded; 0 before."""
    return 0 if _control is None else _control.address


def has_helpers() -> bool:
    """Whether something could run beside a caller."""
    return _control is not None and get_num_threads() > 1


def start(function: int, buffers: int, work: int) -> bool:
    """Begin function(buffers, work) in a worker, beside the caller, who has to `join` before anything else runs; False, and
    nothing done, where there is no worker (`job.py`)."""
    return _control is not None and bool(_control.start(function, buffers, work))


def join() -> None:
    """Wait until what was begun is done, helping with it. May be called again. Python's other threads run meanwhile."""
    if _control is not None:
        with _joining:  # a second helper would use the scratch memory of the first
            _control.join()


def wait(word: int, least: int) -> None:
    """Wait until the word at this address is at least so much, or what was begun is done, helping with it."""
    if _control is not None:
        with _joining:
            _control.wait(word, least)


_joining = threading.RLock()  # a signal's handler may come in between


# --- the runtime library --------------------------------------------------------------------------------------------


def has_threads() -> bool:
    """Whether the process has the functions that the pool needs; makes them known to the JIT."""
    global _found
    if _found is None:
        _found = _find_symbols()
    return _found


_found: Optional[bool] = None


def _find_symbols() -> bool:
    if os.name != "posix":
        return False
    process = ctypes.CDLL(None)
    try:
        addresses = {name: ctypes.cast(getattr(process, name), ctypes.c_void_p).value for name in SYMBOLS}
    except AttributeError:
        return False
    for name, place in addresses.items():
        llvm.add_symbol(name, place)
    return True


def attach(loaded: Loaded) -> None:
    """Take over the pool in the runtime library, which must stay loaded for good."""
    global _control, _rounds
    with lock:
        _control = _Control(
            ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(loaded.address("wengert_pool_resize")),
            ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(loaded.address("wengert_pool_reset")),
            ctypes.CFUNCTYPE(None, ctypes.c_int64)(loaded.address("wengert_pool_pause")),
            ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
                loaded.address("wengert_job_start")
            ),
            ctypes.CFUNCTYPE(None)(loaded.address("wengert_job_join")),
            ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(loaded.address("wengert_job_wait")),
            loaded.address("wengert_parallel"),
        )
        _rounds = _pace(_control)
        _configure(_control)


def _configure(control: _Control) -> None:
    threads = get_num_threads()
    # With more threads than processors the one that is waited for may need this one's processor.
    pace = _rounds if threads <= processors() else 0
    control.reset(int(pace * WATCH), int(pace * LINGER))
    _resize(control, threads)


def _resize(control: _Control, threads: int) -> None:
    while not control.resize(threads):
        time.sleep(50e-6)


def _pace(control: _Control) -> float:
    """Rounds of watching in a second: one takes from 1 to 50 ns, by the processor."""
    rounds, fastest = 1000, float("inf")
    for _ in range(3):  # the first is slow, and any may be interrupted
        start = time.perf_counter()
        control.pause(rounds)
        fastest = min(fastest, time.perf_counter() - start)
    return rounds / fastest


# --- how many -------------------------------------------------------------------------------------------------------


def _default_threads() -> int:
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if first.isdecimal() and int(first) > 0:
        return int(first)
    return max(1, cores())


# --- fork -----------------------------------------------------------------------------------------------------------


def _before_fork() -> None:
    """Workers end, unless they are at work for another thread: a fork of a process with one thread is safe. They start
    again when they are needed."""
    global _held_for_fork
    lock.acquire()
    _held_for_fork = True
    if _control is not None:
        join()
        _control.resize(get_num_threads())


# This module may be loaded by one thread while another forks, between the hooks before and those after.
_held_for_fork = False


def _after_fork_in_parent() -> None:
    global _held_for_fork
    if _held_for_fork:
        _held_for_fork = False
        lock.release()


def _after_fork_in_child() -> None:
    global _joining
    _joining = threading.RLock()
    if _control is not None:
        _configure(_control)
    _after_fork_in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
