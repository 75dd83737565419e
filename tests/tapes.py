"""Tapes compared by machine code or without it, whatever else a process has compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wengert.backends.llvm import tapes
from wengert.derive import foresee
from wengert.graph.likeness import compare
from wengert.runtime import tiers

_made: list[Any] = []


@contextmanager
def compared(by_machine_code: bool) -> Iterator[None]:
    """Within, tapes are compared so; no likeness is known at the beginning, and none at the end."""
    before = compare[:]
    compare[:] = _made if by_machine_code else []
    if by_machine_code and not _made:
        tapes.install(lambda text, compile: compile(text))
        _made.extend(compare)
    foresee.album.clear()
    tiers.album.clear()
    try:
        yield
    finally:
        compare[:] = before
        foresee.album.clear()
        tiers.album.clear()
