"""What happens inside a loader's worker: tasks come in through the channel, their results go out through it.

A worker ends when its channel does: when the loader closes it, or is no longer. It never waits for anything else of
the loader's, so neither can hang on the other. Results are sent by a thread of their own, so that the worker is always
ready to take the next task; else loader and worker could wait for each other, both with full pipes.
"""

from __future__ import annotations

import pickle
import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert.functions.random import manual_seed
from wengert.graph.record import recorder
from wengert.runtime import tiers
from wengert.settings import settings
from wengert.utils.data.channel import Channel, packed
from wengert.utils.data.fetch import fetcher


class WorkerInfo(NamedTuple):
    """What a worker knows of itself: its number, how many there are, its seed, and its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: Optional[WorkerInfo] = None


def get_worker_info() -> Optional[WorkerInfo]:
    """In a worker of a `DataLoader` what it knows of itself; elsewhere None."""
    return _info


class Job(NamedTuple):
    """What all workers of a loader have in common."""

    dataset: Any
    iterable: bool
    batched: bool
    collate: Callable[[Any], Any]
    drop_last: bool
    init: Optional[Callable[[int], Any]]
    seed: int
    workers: int


class Task(NamedTuple):
    """Indices to fetch in some epoch; `BEGIN` in their place begins the epoch."""

    epoch: int
    indices: Any


class Result(NamedTuple):
    """What came of a task: data, an `End`, or a `Failure`."""

    epoch: int
    data: Any


class Begin:
    """Stands in a task for the beginning of an epoch."""


class End:
    """The worker's part of an iterable data set is at its end."""


class Failure(NamedTuple):
    """An exception of the worker's: its type, and its traceback as text."""

    kind: type[BaseException]
    text: str
    where: str

    def reraise(self) -> None:
        """Raise it here, with the worker's traceback in its message."""
        message = f"Caught {self.kind.__name__} {self.where}.\nOriginal {self.text}"
        if issubclass(self.kind, KeyError):
            raise KeyError(_Verbatim(message))
        try:
            error = self.kind(message)
        except Exception:  # noqa: BLE001  a type that wants other arguments
            error = RuntimeError(message)
        raise error


class _Verbatim(str):
    """KeyError shows the repr of its message, where line breaks would not be breaks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def failure(error: BaseException, where: str) -> Failure:
    """An exception in a form that can be sent; a type that can't be is given as RuntimeError."""
    text = "".join(traceback.format_exception(error))
    kind = type(error)
    try:
        pickle.dumps(kind)
    except Exception:  # noqa: BLE001  of whatever kind, it can't be sent
        kind = RuntimeError
    return Failure(kind, text, where)


def work(channel: Channel, job: Job, number: int) -> None:
    """The life of worker `number`."""
    global _info
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the loader's business; it then ends the channel
    recorder.tape = []  # what the loader's process has pending, it runs
    settings.tier = "interpret"  # a worker's graphs are small, and its processor is one of several
    tiers.set_aside()
    where = f"in DataLoader worker process {number}"
    seed = job.seed + number
    _info = WorkerInfo(number, job.workers, seed, job.dataset)
    results: queue.SimpleQueue[Result] = queue.SimpleQueue()
    threading.Thread(target=_send_all, args=(channel, results, where), daemon=True).start()
    fetch: Any = None
    broken: Optional[Failure] = None  # why every task fails: the worker could not begin
    try:
        random.seed(seed)
        np.random.seed(np.random.SeedSequence([job.seed, number]).generate_state(8))  # noqa: NPY002
        manual_seed(seed)
        if job.init is not None:
            job.init(number)
    except Exception as error:  # noqa: BLE001  the loader raises it
        broken = failure(error, where)
    while True:
        try:
            epoch, indices = channel.receive()
        except (EOFError, OSError):
            return
        if isinstance(indices, Begin):
            fetch = None
            continue
        data: Any = broken
        if data is None:
            try:
                if fetch is None:
                    fetch = fetcher(job.dataset, job.iterable, job.batched, job.collate, job.drop_last)
                data = fetch(indices)
            except StopIteration as error:
                data = End() if job.iterable else failure(error, where)
            except Exception as error:  # noqa: BLE001  the loader raises it
                data = failure(error, where)
        results.put(Result(epoch, data))


def _send_all(channel: Channel, results: queue.SimpleQueue[Result], where: str) -> None:
    """Send results as they come, until the channel ends."""
    while True:
        result = results.get()
        try:
            parts = packed(result)
        except Exception as error:  # noqa: BLE001  the loader raises it
            parts = packed(result._replace(data=failure(error, where)))
        try:
            channel.post(parts)
        except OSError:
            return
