"""Memory that the C library keeps: whether it goes back."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

from wengert.backends.heap import give_back


def held() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library decides by itself")
def test_freed_memory_goes_back_although_something_lies_behind_it():
    arrays = [np.ones(100_000 // 8) for _ in range(300)]  # too small for pages of their own
    last = arrays.pop()
    before = held()
    arrays.clear()
    assert give_back()
    assert held() < before - 20_000_000
    assert last[0] == 1
