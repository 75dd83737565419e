"""Objects that are alive, for tests of what is freed."""

from __future__ import annotations

import contextlib
import gc
import queue
from typing import Any

from wengert.runtime import tiers


def live() -> list[Any]:
    """Everything that the garbage collector knows of, while the compiling thread rests.

    To list a tuple that it is just building breaks the building (`tuple(map(...))` raises SystemError when somebody else
    holds the unfinished tuple). What is queued is taken out, and put back afterwards: it may be minutes of work.
    """
    background, waiting = tiers._background, []
    with contextlib.suppress(queue.Empty):
        while True:
            waiting.append(background.waiting.get_nowait())
    with background.lock:
        background.left -= len(waiting)
        if not background.left:
            background.idle.set()
    assert background.idle.wait(120)
    found = gc.get_objects()
    for entry in waiting:
        background.add(entry)
    return found
