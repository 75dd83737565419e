"""``wengert run --progress``: a bar for every pass over a DataLoader or a batched tf.data.Dataset, and the speed at the end.

The program needs no line for it: iterating over a loader is watched from outside. What is timed is the whole loop body,
that is loading, training and whatever else the program does between two batches.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TextIO

from wengert.trees import flatten
from wengert.utils.data import DataLoader
from wengert.utils.data.watching import watching

REDRAW = 0.1  # seconds between two updates of the bar; a batch may take microseconds


class Meter:
    """What has been seen of one loader, or of several alike."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.passes = 0
        self.samples = 0
        self.seconds = 0.0

    def __str__(self) -> str:
        rate = self.samples / self.seconds if self.seconds else 0.0
        passes = "1 pass" if self.passes == 1 else f"{self.passes} passes"
        spent = f"{self.samples:,} samples in {passes}, {self.seconds:.2f} s"
        return f"{self.label}: {spent}: {rate:,.0f} samples per second"


class ProgressDisplay:
    """Watches every DataLoader and batched tf.data.Dataset of the process, from `start` to `stop`."""

    def __init__(self) -> None:
        # Imported only here: most commands draw nothing.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console()
        name, speed = TextColumn("{task.description}"), TextColumn("{task.fields[speed]}")
        columns = name, BarColumn(), MofNCompleteColumn(), speed, TimeElapsedColumn()
        self._bars = Progress(*columns, console=console, refresh_per_second=5, disable=not console.is_terminal)
        self._meters: dict[tuple[str, int | None], tuple[Meter, Any]] = {}
        self._iterate = DataLoader.__iter__

    def start(self) -> None:
        display, iterate = self, self._iterate

        def __iter__(loader: Any) -> Iterator[Any]:
            return display.follow(loader, iterate(loader))

        DataLoader.__iter__ = __iter__  # type: ignore[assignment, method-assign]
        watching.follow = self.follow
        self._bars.start()

    def stop(self, to: TextIO) -> None:
        """Take the bars away, and write one line of speed per loader."""
        DataLoader.__iter__ = self._iterate  # type: ignore[method-assign]
        watching.follow = None
        for _, bar in self._meters.values():
            self._bars.remove_task(bar)
        self._bars.stop()
        for meter, _ in self._meters.values():
            print(meter, file=to)

    def follow(self, loader: Any, batches: Iterator[Any]) -> Iterator[Any]:
        """The same batches, counted and timed."""
        meter, bar = self._watched(loader)
        meter.passes += 1
        total = _length(loader)
        self._bars.reset(bar, total=total, description=f"{meter.label}, pass {meter.passes}", visible=True)
        began = drawn = time.perf_counter()
        done = samples = 0
        try:
            for batch in batches:
                now = time.perf_counter()
                if now - drawn > REDRAW:
                    drawn = now
                    self._bars.update(bar, completed=done, speed=f"{samples / (now - began):,.0f} samples/s")
                done += 1
                samples += batch_size(batch)
                yield batch
        finally:
            self._bars.update(bar, completed=done)
            meter.samples += samples
            meter.seconds += time.perf_counter() - began

    def _watched(self, loader: Any) -> tuple[Meter, Any]:
        """The meter and bar of a loader. Loaders that look alike share them: programs may make one every epoch."""
        label = type(loader.dataset).__name__
        size = _length(loader.dataset)
        label += " (stream)" if size is None else f" ({size:,})"
        kind = label, loader.batch_size
        if kind not in self._meters:
            self._meters[kind] = Meter(label), self._bars.add_task(label, total=None, speed="")
        return self._meters[kind]


def _length(thing: Any) -> int | None:
    try:
        return len(thing)
    except TypeError:  # an iterable data set has no length
        return None


def batch_size(batch: Any) -> int:
    """Samples in a batch: the length of its first leaf that has one; a batch without any counts as one sample."""
    for leaf in flatten(batch)[0]:
        if getattr(leaf, "ndim", 0):
            return int(leaf.shape[0])
    return 1
