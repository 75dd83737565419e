"""Which tapes are recording on this thread, and whether what is recorded is tracked.

TensorFlow has no `requires_grad`: outside a tape nothing is tracked. Variables are leaves that could be differentiated at
any time; what decides is whether a tape, or a forward accumulator, is recording when they are read. Keras's own loops say
themselves whether a step is tracked; code of a program's layers that runs in one does not change that.
"""

from __future__ import annotations

import threading
from typing import Any

from wengert.graph.record import recorder


class Recording(threading.local):
    """tapes: the recording tapes and accumulators of this thread, outermost first. training: whether a loop of Keras's own
    is under way on it."""

    tapes: tuple[Any, ...] = ()
    training = False


recording = Recording()


class as_tapes_say:
    """Within, operations are tracked if a tape is recording, or a loop of Keras's own tracks them."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = recorder.tracking
        recorder.tracking = bool(recording.tapes) or (recorder.tracking and recording.training)

    def __exit__(self, *exception: Any) -> None:
        recorder.tracking = self._before
