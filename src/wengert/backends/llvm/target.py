"""The machine that code is generated for: triple, CPU, vector width, and which vector mathematics it has."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import threading
from functools import cache, lru_cache
from typing import Any, NamedTuple

import llvmlite.binding as llvm

# LLVM's own state (symbols, contexts, engines) is not safe under several threads. A fork waits until nobody is inside.
lock = threading.RLock()
_forking = False


def _before_fork() -> None:
    global _forking
    lock.acquire()
    _forking = True


def _after_fork() -> None:
    # This module may be loaded by one thread while another forks, between the hooks before and those after.
    global _forking
    if _forking:
        _forking = False
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


class Target(NamedTuple):
    """What the lowering needs to know of the CPU.

    width       bytes of a vector register
    registers   how many vector registers there are
    letter      the vector-function ABI's letter for this instruction set (libmvec's names), or "" without
    """

    triple: str
    cpu: str
    features: str
    width: int
    registers: int
    letter: str
    machine: Any

    def lanes(self, itemsize: int) -> int:
        """Elements of this size in a vector register."""
        return self.width // itemsize


def new_machine(triple: str, cpu: str, features: str) -> Any:
    """LLVM's description of a machine. An execution engine owns the one that it is made with.

    On x86-64, code says whole addresses (the large code model): the engine may put code and its constants further apart
    than the 2 GB that a displacement spans, and with the small model LLVM then aborts the process.
    """
    far = triple.startswith("x86_64")
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="static" if far else "pic", codemodel="large" if far else "default"
    )


@lru_cache(maxsize=1)
def host() -> Target:
    """This machine."""
    with lock:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    cpu = llvm.get_host_cpu_name()
    triple = llvm.get_process_triple()
    if features.get("avx512f") and features.get("avx512vl") and features.get("avx512bw") and features.get("avx512dq"):
        width, registers, letter = 64, 32, "e"
    elif features.get("avx2"):
        width, registers, letter = 32, 16, "d"
    else:
        width, registers, letter = 16, 32 if triple.startswith(("aarch64", "arm64")) else 16, ""
    flattened = features.flatten()
    if width == 64 and "prefer-256-bit" not in flattened:
        flattened += ",-prefer-256-bit"
    return Target(triple, cpu, flattened, width, registers, letter, new_machine(triple, cpu, flattened))


@lru_cache(maxsize=1)
def _vector_library() -> Any:
    """glibc's libmvec, or None where there is none."""
    name = ctypes.util.find_library("mvec") or "libmvec.so.1"
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


@cache
def vector_function(function: str, itemsize: int, arguments: int = 1) -> tuple[str, int]:
    """libmvec's vector version of a libm function ("exp") for floats of this size on this CPU, made known to the JIT:
    (symbol, lanes); ("", 0) where there is none."""
    target, library = host(), _vector_library()
    if not target.letter or library is None:
        return "", 0
    lanes = target.lanes(itemsize)
    symbol = f"_ZGV{target.letter}N{lanes}{'v' * arguments}_{function}{'f' if itemsize == 4 else ''}"
    try:
        address = ctypes.cast(getattr(library, symbol), ctypes.c_void_p).value
    except AttributeError:
        return "", 0
    llvm.add_symbol(symbol, address)
    return symbol, lanes
