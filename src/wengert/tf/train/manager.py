"""CheckpointManager: several checkpoints of one object in a folder, of which some are kept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Optional

from wengert.tf.train.checkpoint import ENDING, Checkpoint
from wengert.tf.train.state import get_checkpoint_state, set_checkpoint_state


class CheckpointManager:
    """Saves a checkpoint under numbers, and deletes old ones.

    directory: the folder, which is made when the first is saved.
    max_to_keep: how many of the latest are kept; None for all.
    keep_checkpoint_every_n_hours: keep one of every so many hours besides.
    checkpoint_name: ``ckpt`` gives ``ckpt-1``, ``ckpt-2``.
    step_counter, checkpoint_interval: save only where the counter has moved on by the interval since the last one.
    init_fn: called by `restore_or_initialize` where there is nothing to restore.

    Raises: ValueError for a `max_to_keep` below 1, and for an interval without a counter.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: Optional[int],
        keep_checkpoint_every_n_hours: Optional[float] = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: Optional[int] = None,
        init_fn: Optional[Callable[[], Any]] = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep < 1:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`step_counter` should be passed if `checkpoint_interval` is not None.")
        self._checkpoint = checkpoint
        self._directory = os.fspath(directory)
        self._max_to_keep = max_to_keep
        self._hours = keep_checkpoint_every_n_hours
        self._prefix = os.path.join(self._directory, checkpoint_name)
        self._counter = step_counter
        self._interval = checkpoint_interval
        self._init_fn = init_fn
        self._last_step: Optional[int] = None
        self._kept: dict[str, float] = {}
        self._recover()

    def _recover(self) -> None:
        """Take over what an earlier manager left in the folder."""
        state = get_checkpoint_state(self._directory)
        now = time.time()
        self._preserved = now if state is None else state.last_preserved_timestamp or now
        if state is not None:
            stamps = state.all_model_checkpoint_timestamps or [now] * len(state.all_model_checkpoint_paths)
            pairs = zip(state.all_model_checkpoint_paths, stamps)
            self._kept = {path: stamp for path, stamp in pairs if os.path.isfile(path + ENDING)}

    @property
    def directory(self) -> str:
        """The folder."""
        return self._directory

    @property
    def checkpoint(self) -> Checkpoint:
        """What it saves."""
        return self._checkpoint

    @property
    def checkpoint_interval(self) -> Optional[int]:
        """How far the counter moves between two."""
        return self._interval

    @property
    def checkpoints(self) -> list[str]:
        """Those that are kept, oldest first; without those kept for their hour."""
        return list(self._kept)

    @property
    def latest_checkpoint(self) -> Optional[str]:
        """The latest, or None."""
        return next(reversed(self._kept), None)

    def save(self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None) -> Optional[str]:
        """Save under the next number, or under `checkpoint_number`; the path, or None where the interval is not over."""
        if self._interval is not None:
            step = int(self._counter)
            if check_interval and self._last_step is not None and step - self._last_step < self._interval:
                return None
            self._last_step = step
        number = self._checkpoint._counter().assign_add(1) if checkpoint_number is None else checkpoint_number
        if checkpoint_number is not None:
            self._checkpoint._counter().assign_add(1)
        path = self._checkpoint.write(f"{self._prefix}-{int(number)}")
        self._kept.pop(path, None)
        self._kept[path] = time.time()
        gone = self._sorted_out()
        set_checkpoint_state(self._directory, list(self._kept), list(self._kept.values()), self._preserved)
        for old in gone:
            with suppress(FileNotFoundError):
                os.unlink(old + ENDING)
        return path

    def _sorted_out(self) -> list[str]:
        """Those of the oldest that are to be deleted; they are not kept any more."""
        gone = []
        while self._max_to_keep is not None and len(self._kept) > self._max_to_keep:
            path = next(iter(self._kept))
            stamp = self._kept.pop(path)
            if self._hours is not None and stamp - self._preserved >= self._hours * 3600:
                self._preserved = stamp
            else:
                gone.append(path)
        return gone

    def restore_or_initialize(self) -> Optional[str]:
        """Restore the latest, and give its path; without one, call `init_fn` and give None."""
        latest = self.latest_checkpoint
        if latest is not None:
            self._checkpoint.restore(latest)
            if self._interval is not None:
                self._last_step = int(self._counter)
        elif self._init_fn is not None:
            self._init_fn()
        return latest
