"""`tf.summary`: numbers, pictures, distributions and text for TensorBoard, by the writer of `wengert.utils.tensorboard`, which
needs the `tensorboard` package."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Optional

import numpy as np

from wengert.tf.module import name_scope, scoped
from wengert.tf.python import python_runs
from wengert.tf.values import fresh


class _Defaults(threading.local):
    """The writer, step and condition of summaries that name none."""

    writer: Any = None
    step: Any = None
    records: Any = True


_defaults = _Defaults()


class FileWriter:
    """Writes summaries to an event file in a folder."""

    def __init__(self, logdir: Any, max_queue: Optional[int], flush_millis: Optional[int], suffix: Optional[str]) -> None:
        from wengert.utils.tensorboard import SummaryWriter  # optional: tensorboard has to be installed

        seconds = 120 if flush_millis is None else max(flush_millis // 1000, 1)
        self.writer: Any = SummaryWriter(os.fspath(logdir), "", None, max_queue or 10, seconds, suffix or ".v2")

    @contextmanager
    def as_default(self, step: Any = None) -> Iterator[FileWriter]:
        """Within, summaries go here, with this step unless they name one."""
        before = _defaults.writer, _defaults.step
        _defaults.writer = self
        if step is not None:
            _defaults.step = step
        try:
            yield self
        finally:
            self.flush()
            _defaults.writer, _defaults.step = before

    def set_as_default(self, step: Any = None) -> None:
        """From now on, summaries go here."""
        _defaults.writer = self
        if step is not None:
            _defaults.step = step

    def init(self) -> None:
        """Nothing: it is ready."""

    def flush(self) -> None:
        """Write out what is in memory."""
        self.writer.flush()

    def close(self) -> None:
        """Write out and close the file."""
        self.writer.close()


class NoopWriter(FileWriter):
    """Writes nothing."""

    def __init__(self) -> None:
        self.writer = SimpleNamespace(flush=lambda: None, close=lambda: None)


def create_file_writer(
    logdir: Any, max_queue: Optional[int] = None, flush_millis: Optional[int] = None, filename_suffix: Optional[str] = None,
    name: Optional[str] = None, experimental_trackable: bool = False,
) -> FileWriter:  # fmt: skip
    """A writer of event files in a folder.

    Raises: ModuleNotFoundError where the tensorboard package is not installed.
    """
    return FileWriter(logdir, max_queue, flush_millis, filename_suffix)


def create_noop_writer() -> FileWriter:
    """A writer that writes nothing."""
    return NoopWriter()


def _target(step: Any) -> Optional[tuple[Any, int]]:
    """The writer and the step of a summary; None where it is not wanted. Raises: ValueError when there is no step."""
    python_runs("tf.summary")
    if _defaults.writer is None or isinstance(_defaults.writer, NoopWriter) or not should_record_summaries():
        return None
    step = _defaults.step if step is None else step
    if step is None:
        raise ValueError(
            "No step set. Please specify one either through the `step` argument or through tf.summary.experimental.set_step()"
        )
    return _defaults.writer.writer, int(fresh(step).item())


def scalar(name: str, data: Any, step: Any = None, description: Optional[str] = None) -> bool:
    """One number of a curve; whether it was written.

    Raises: ValueError without a step, or for more than one number.
    """
    target = _target(step)
    if target is None:
        return False
    number = fresh(data)
    if number.ndim:
        raise ValueError(f"tf.summary.scalar {name!r}: one number is wanted, got shape {tuple(number.shape)}")
    target[0].add_scalar(scoped(name), number.item(), target[1])
    return True


def histogram(name: str, data: Any, step: Any = None, buckets: Optional[int] = None, description: Optional[str] = None) -> bool:
    """How values are distributed, in 30 or `buckets` classes; whether it was written. Raises: ValueError without a step."""
    target = _target(step)
    if target is None:
        return False
    values = np.asarray(fresh(data)._array(), np.float64).reshape(-1)
    if values.size:
        target[0].add_histogram(scoped(name), values, target[1], bins=30 if buckets is None else int(buckets))
    return True


def image(name: str, data: Any, step: Any = None, max_outputs: int = 3, description: Optional[str] = None) -> bool:
    """Pictures (n, height, width, channels): floats from 0 to 1 or integers from 0 to 255, the first `max_outputs` of them;
    whether they were written.

    Raises: ValueError without a step, or for another rank.
    """
    target = _target(step)
    if target is None:
        return False
    pictures = np.asarray(fresh(data)._array())
    if pictures.ndim != 4:
        raise ValueError(f"tf.summary.image {name!r}: shape (n, height, width, channels) is wanted, got {pictures.shape}")
    for place, picture in enumerate(pictures[: int(max_outputs)]):
        tag = scoped(name) if len(pictures) == 1 else f"{scoped(name)}/{place}"
        target[0].add_image(tag, picture.astype(np.float32) if picture.dtype.kind == "f" else picture, target[1], None, "HWC")
    return True


def text(name: str, data: Any, step: Any = None, description: Optional[str] = None) -> bool:
    """Text in Markdown; whether it was written. Raises: ValueError without a step."""
    target = _target(step)
    if target is None:
        return False
    target[0].add_text(scoped(name), str(data), target[1])
    return True


def write(tag: str, tensor: Any, step: Any = None, metadata: Any = None, name: Optional[str] = None) -> bool:
    """Text for the plugin of TensorBoard that `metadata` names; whether it was written.

    Raises: ValueError without a step; TypeError for what is no text.
    """
    target = _target(step)
    if target is None:
        return False
    if not isinstance(tensor, str):
        raise TypeError(f"tf.summary.write: text is wanted, got {type(tensor).__name__}; tf.summary.scalar takes numbers")
    from wengert.utils.tensorboard.summary import for_plugin  # optional: tensorboard has to be installed

    target[0]._add(for_plugin(tag, tensor, metadata), target[1], None)
    return True


@contextmanager
def _summary_scope(name: str, default_name: str = "summary", values: Any = None) -> Iterator[tuple[str, str]]:
    """The tag of a summary, and a scope of its name."""
    tag = scoped(name or default_name)
    with name_scope(name or default_name) as scope:
        yield tag, scope


def flush(writer: Any = None, name: Optional[str] = None) -> None:
    """Write out what a writer, by default the present one, has in memory."""
    found = _defaults.writer if writer is None else writer
    if found is not None:
        found.flush()


def should_record_summaries() -> bool:
    """Whether summaries are written at present."""
    records = _defaults.records() if callable(_defaults.records) else _defaults.records
    return _defaults.writer is not None and bool(fresh(records).item())


@contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """Within, summaries are written where the condition, or what a function gives, holds."""
    before, _defaults.records = _defaults.records, condition
    try:
        yield
    finally:
        _defaults.records = before


def _set_step(step: Any) -> None:
    _defaults.step = step


experimental = SimpleNamespace(set_step=_set_step, get_step=lambda: _defaults.step, summary_scope=_summary_scope)
SummaryWriter = FileWriter

__all__ = [
    "SummaryWriter", "create_file_writer", "create_noop_writer", "experimental", "flush", "histogram", "image", "record_if",
    "scalar", "should_record_summaries", "text", "write",
]  # fmt: skip
