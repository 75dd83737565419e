"""Objects that are alive, for tests of what is freed."""

from __future__ import annotations

import gc
from typing import Any

from wengert.runtime.tiers import wait_for_compilation


def live() -> list[Any]:
    """Everything that the garbage collector knows of. Waits for the compiling thread first: to list a tuple that it is just
    building breaks the building (`tuple(map(...))` raises SystemError when somebody else holds the unfinished tuple)."""
    assert wait_for_compilation(300)
    return gc.get_objects()
