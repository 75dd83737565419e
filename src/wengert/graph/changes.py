"""A count of changes that a compiled function must look again after: attributes of modules, hooks, parameters that begin
or cease to collect a derivative. One comparison tells a replay that nothing of the kind has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable


class Changes:
    """`count` goes up with every change."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


changes = Changes()

# Modes of a thread that decide what operations record: each gives a hashable state, which tells calls of a compiled
# function apart. Who adds such a mode puts it here.
modes: list[Callable[[], Hashable]] = []
