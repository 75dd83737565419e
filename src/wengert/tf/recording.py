"""Which tapes are recording on this thread, and whether what is recorded is tracked.

TensorFlow has no `requires_grad`: outside a tape nothing is tracked. Variables are leaves that could be differentiated at
any time; what decides is whether a tape, or a forward accumulator, is recording when they are read.
"""

from __future__ import annotations

import threading
from typing import Any

from wengert.graph.record import recorder


class Recording(threading.local):
    """tapes: the recording tapes and accumulators of this thread, outermost first."""

    tapes: tuple[Any, ...] = ()


recording = Recording()


class as_tapes_say:
    """Within, operations are tracked if a tape is recording."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = recorder.tracking
        recorder.tracking = bool(recording.tapes)

    def __exit__(self, *exception: Any) -> None:
        recorder.tracking = self._before
