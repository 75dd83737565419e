"""Timing of what runs, for the profiler. While nobody watches, running a graph costs one more look at `watching`."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional


class Event(NamedTuple):
    """Something that took time: its name and kind, when it began and how long it took in nanoseconds, on which thread,
    and more about it (shapes, the user's line)."""

    name: str
    kind: str
    start: int
    duration: int
    thread: int
    more: dict[str, Any]


class Watcher:
    """Collects events. `shapes`: note those of inputs."""

    def __init__(self, shapes: bool = False) -> None:
        self.events: list[Event] = []
        self.shapes = shapes

    now = staticmethod(time.perf_counter_ns)

    def about(self, given: Sequence[Any], line: str) -> dict[str, Any]:
        """What is known of a step: the user's line, and the shapes of its inputs if they are wanted."""
        more: dict[str, Any] = {"line": line} if line else {}
        if self.shapes:
            more["shapes"] = [list(getattr(x, "shape", ())) for x in given]
        return more

    def note(self, name: str, kind: str, start: int, more: Optional[dict[str, Any]] = None) -> None:
        """Something began at `start` (`now`) and ends here."""
        duration = now() - start
        self.events.append(Event(name, kind, start, duration, threading.get_ident(), more or {}))

    def run(self, executable: Any, values: Sequence[Any], free: frozenset[int], steps: int) -> list[Any]:
        """Run an executable, and note how long it took: each step of the interpreter's, or machine code as a whole."""
        start = now()
        try:
            if hasattr(executable, "watched"):
                return executable.watched(values, self)  # type: ignore[no-any-return]
            return executable.run(values, free)  # type: ignore[no-any-return]
        finally:
            kind = "interpreted" if hasattr(executable, "watched") else "compiled"
            self.note(f"{kind} program", "program", start, {"steps": steps})


class _Watching:
    """`by`: who watches now, if anybody."""

    __slots__ = ("by",)

    def __init__(self) -> None:
        self.by: Optional[Watcher] = None


watching = _Watching()
now = time.perf_counter_ns
