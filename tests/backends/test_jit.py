"""Code in memory: that it works wherever the system puts its parts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"

# Takes the address space but for holes of one page that lie three gigabytes from each other, then loads code whose
# constants are in a section of their own.
PROGRAM = """
import ctypes, mmap
from wengert.backends.llvm import jit, pool
text = '''
define double @third(double %x) {
  %y = fdiv double %x, 0x40081EB851EB851F
  %z = fadd double %y, 0x3FF3AE147AE147AE
  ret double %z
}'''
code = jit.compile_object(text)
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
NOTHING, PRIVATE_ANONYMOUS_NORESERVE = 0, 0x4022
size, page = 3 << 30, mmap.PAGESIZE
whole = libc.mmap(None, 40 * size, NOTHING, PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
assert whole not in (None, ctypes.c_void_p(-1).value)
for i in range(1, 40):
    libc.munmap(whole + i * size, page)
for _ in range(100_000):  # fill what gaps there are above
    place = libc.mmap(None, page, NOTHING, PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
    if whole <= place < whole + 40 * size:
        libc.munmap(place, page)
        break
loaded = jit.Loaded(code)
function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(loaded.address("third"))
print(function(3.015))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="takes address space by Linux's mmap")
def test_sections_far_apart_in_memory():
    paths = os.pathsep.join([str(SRC), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert float(result.stdout) == 3.015 / 3.015 + 1.23
