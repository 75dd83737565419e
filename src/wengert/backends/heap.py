"""Memory that the C library keeps after it was freed.

glibc hands the memory of large arrays back to the system at first, and stops doing so for sizes that come again: what
interpreted steps needed at their most then stays with the process, beside whatever is allocated in other sizes.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any, Optional


def give_back() -> bool:
    """Hand freed memory back to the system: whether there was any, and a C library that can (glibc). Milliseconds."""
    trim = _malloc_trim()
    return trim is not None and bool(trim(0))


@cache
def _malloc_trim() -> Optional[Any]:
    if os.name != "posix":
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
