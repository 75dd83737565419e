"""The protocol that every tier meets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Protocol

# What a run of code has made that came to its end, until its outputs are in their places: Ctrl-C, which Python raises
# right after the code, must not lose them, since inputs may be written over.
completed: list[Any] = []


class Executable(Protocol):
    """Runs one graph. Safe to call again and again; never keeps a value between calls.

    donations   positions of inputs whose memory the executable can turn into an output's, if nobody needs them any more
    """

    donations: tuple[int, ...]

    def run(self, values: Sequence[Any], free: frozenset[int] = frozenset()) -> list[Any]:
        """The graph's outputs for these input arrays, in order. The arrays at the positions in `free` (a part of
        `donations`) may be written over, and then come back as outputs."""
        ...


class Starter(Executable, Protocol):
    """An executable that can run beside its caller."""

    def outputs(self, values: Sequence[Any], made: Any) -> list[Any]:
        """The outputs of a run on these inputs that is `completed`."""
        ...

    def is_safe(self, values: Sequence[Any]) -> Optional[bool]:
        """Whether nothing could go wrong with these values while it runs beside its caller; None where those that decide
        it are not there yet."""
        ...

    def prepare(
        self, values: Sequence[Any], free: frozenset[int] = frozenset(), safe: Optional[bool] = None
    ) -> Optional[list[Any]]:
        """As `run`, but the arrays are there only after `start` and `finish`; None where that is not possible. safe: what
        `is_safe` says of these values, where that is known."""
        ...

    def start(self) -> bool:
        """Begin what was prepared; False, and nothing done, where that is not possible."""
        ...

    def arrive(self, output: int) -> None:
        """Wait until one output of what was started is there."""
        ...

    def finish(self) -> bool:
        """Wait for what was started: whether it ran. May be called again."""
        ...
