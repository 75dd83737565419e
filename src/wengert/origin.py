"""Which line of the user's program recorded a node.

Kept as (code object, instruction offset), which costs a fraction of a microsecond; turned into text only when an
error needs it.
"""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Optional

Origin = tuple[CodeType, int]

_ROOT = os.path.dirname(os.path.abspath(__file__)) + os.sep


class _Files(dict[str, bool]):
    """filename -> whether it begins in one of these ways; filled on first sight."""

    def __init__(self, *beginnings: str) -> None:
        self.beginnings = beginnings

    def __missing__(self, filename: str) -> bool:
        found = self[filename] = filename.startswith(self.beginnings)
        return found


# Files of wengert; files whose lines are not the user's, which may be other packages' too.
inside = _Files(_ROOT, "<frozen", "<wengert")
passed_over = _Files(_ROOT, "<frozen", "<wengert")


def pass_over(*folders: str) -> None:
    """Lines of files in these folders are not the user's: an error names the line that called them."""
    passed_over.beginnings += tuple([folder.rstrip(os.sep) + os.sep for folder in folders])
    passed_over.clear()


def here(depth: int = 2) -> Optional[Origin]:
    """The user's position now. Hot: called for every recorded node."""
    frame: Optional[FrameType] = sys._getframe(depth)
    while frame is not None:
        code = frame.f_code
        if not passed_over[code.co_filename]:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def describe(origin: Optional[Origin]) -> str:
    """``train.py:41``, or the empty string when the origin is unknown."""
    if origin is None:
        return ""
    code, offset = origin
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            line = number
            break
    return f"{os.path.basename(code.co_filename)}:{line}"


def user_line() -> str:
    """The user's line now, as text."""
    return describe(here(2))
