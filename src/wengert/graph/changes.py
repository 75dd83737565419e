"""A count of changes that a compiled function must look again after: attributes of modules, hooks, parameters that begin
or cease to collect a derivative. One comparison tells a replay that nothing of the kind has happened.
"""

from __future__ import annotations


class Changes:
    """`count` goes up with every change."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


changes = Changes()
