"""The protocol that every tier meets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Executable(Protocol):
    """Runs one graph. Safe to call again and again; never keeps a value between calls.

    donations   positions of inputs whose memory the executable can turn into an output's, if nobody needs them any more
    """

    donations: tuple[int, ...]

    def run(self, values: Sequence[Any], free: frozenset[int] = frozenset()) -> list[Any]:
        """The graph's outputs for these input arrays, in order. The arrays at the positions in `free` (a part of
        `donations`) may be written over, and then come back as outputs."""
        ...
