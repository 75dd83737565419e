"""Iterators over the batches of an epoch: in the loader's own process, and with workers."""

from __future__ import annotations

import itertools
import os
import signal
import time
import warnings
import weakref
from collections import deque
from collections.abc import Iterator
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from wengert.functions.random import randint
from wengert.runtime.flush import flush
from wengert.utils.data.channel import Channel
from wengert.utils.data.fetch import fetcher
from wengert.utils.data.sampler import index_batches
from wengert.utils.data.worker import Begin, End, Failure, Job, Result, Task, work

if TYPE_CHECKING:
    from wengert.utils.data.dataloader import DataLoader

_GRACE = 5.0  # seconds that workers have to finish what they are at when they are no longer wanted


class _LoaderIterator:
    """Shared by both: the indices of the epoch, its seed, and the count of what was given."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._loader = loader
        self._begin()

    def _begin(self) -> None:
        loader = self._loader
        self._given = 0
        self._promised = loader._promised_length
        self._seed: int = randint(2**63 - 1, (), generator=loader.generator).item()
        self._indices: Iterator[Any] = (
            index_batches(loader.batch_sampler) if loader._auto_collation else iter(loader.sampler)
        )

    def __iter__(self) -> _LoaderIterator:
        return self

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def __next__(self) -> Any:
        data = self._next()
        self._given += 1
        promised = self._promised
        if promised is not None and self._given > promised:
            warnings.warn(
                f"Length of IterableDataset {self._loader.dataset} was reported to be {promised} (when accessing "
                f"len(dataloader)), but {self._given} samples have been fetched. For multiprocessing data-loading, "
                "this could be caused by not properly configuring the IterableDataset replica at each worker.",
                stacklevel=2,
            )
        return data

    def _next(self) -> Any:
        raise NotImplementedError


class OwnProcess(_LoaderIterator):
    """Fetches each batch when it is asked for."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._fetch = fetcher(
            loader.dataset, loader._iterable, loader._auto_collation, loader.collate_fn, loader.drop_last
        )

    def _next(self) -> Any:
        return self._fetch(next(self._indices))


class Workers(_LoaderIterator):
    """Hands the batches to worker processes in turn, `prefetch_factor` to each in advance, and gives the results in the
    same order (or as they come, without `in_order`).

    Each worker has a channel of its own, so the results of one come in the order of its tasks, and the death of one is
    the end of its channel.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        flush()  # what is pending is not run again in every worker
        count = loader.num_workers
        self._epoch = 0
        self._processes: list[Any] = []
        self._channels: list[Channel] = []
        self._close = weakref.finalize(self, _shut_down, self._processes, self._channels, os.getpid())
        job = Job(
            loader.dataset, loader._iterable, loader._auto_collation, loader.collate_fn, loader.drop_last,
            loader.worker_init_fn, self._seed, count,
        )  # fmt: skip
        try:
            for number in range(count):
                self._start(job, number)
        except BaseException:
            self._close()
            raise
        self._fill()

    def _start(self, job: Job, number: int) -> None:
        context = self._loader._context
        ours, theirs = context.Pipe()
        _ours.add(ours)
        self._channels.append(Channel(ours))
        process = context.Process(target=work, args=(Channel(theirs), job, number), daemon=True)
        try:
            process.start()
        finally:
            theirs.close()
        self._processes.append(process)

    def restart(self, loader: DataLoader[Any]) -> None:
        """Begin another epoch with the same workers."""
        self._loader = loader
        self._begin()
        self._epoch += 1
        for channel in self._channels:
            channel.send(Task(self._epoch, Begin()))
        self._fill()

    @property
    def alive(self) -> bool:
        """Whether there are still workers to work with."""
        return self._close.alive

    def _fill(self) -> None:
        """Give out the first tasks."""
        count = len(self._processes)
        self._active = [True] * count
        self._turns = itertools.cycle(range(count))
        self._waiting: deque[int] = deque()  # the worker of each task that is out, in order
        for _ in range(max(1, self._loader.prefetch_factor or 0) * count):
            self._hand_out()

    def _hand_out(self) -> None:
        """The next task to the next worker that is not at its end, if there are both."""
        if not any(self._active):
            return
        indices = next(self._indices, _NOTHING)
        if indices is _NOTHING:
            return
        number = next(number for number in self._turns if self._active[number])
        try:
            self._channels[number].send(Task(self._epoch, indices))
        except OSError:
            self._died(number)
        self._waiting.append(number)

    def _next(self) -> Any:
        while self._waiting:
            number = self._whose_turn()
            data = self._receive(number)
            self._waiting.remove(number)
            if isinstance(data, End):
                self._active[number] = False
                self._hand_out()
                continue
            self._hand_out()
            if isinstance(data, Failure):
                data.reraise()
            return data
        if not self._loader.persistent_workers:
            self._close()
        raise StopIteration

    def _whose_turn(self) -> int:
        """The worker whose result comes next."""
        if self._loader.in_order:
            return self._waiting[0]
        numbers = {self._channels[number].connection: number for number in self._waiting}
        ready = connection.wait(list(numbers), self._loader.timeout or None)
        if not ready:
            self._timed_out()
        return min([numbers[each] for each in ready])

    def _receive(self, number: int) -> Any:
        """The next result of this epoch from a worker.

        Raises: RuntimeError when it has died, or is not ready in time.
        """
        channel, sentinel = self._channels[number], self._processes[number].sentinel
        deadline = time.monotonic() + self._loader.timeout if self._loader.timeout > 0 else None
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = connection.wait([channel.connection, sentinel], left)
            if not ready:
                self._timed_out()
            try:
                if channel.connection not in ready and not channel.connection.poll(0):
                    self._died(number)
                result: Result = channel.receive()
            except (EOFError, OSError):
                self._died(number)
            if result.epoch == self._epoch:  # others are left of an epoch that was abandoned
                return result.data

    def _timed_out(self) -> None:
        self._close()
        raise RuntimeError(f"DataLoader timed out after {self._loader.timeout} seconds")

    def _died(self, number: int) -> None:
        process = self._processes[number]
        process.join(_GRACE)
        code = process.exitcode
        how = f"was killed by signal: {_signal_name(-code)}" if code is not None and code < 0 else "exited unexpectedly"
        self._close()
        raise RuntimeError(f"DataLoader worker (pid(s) {process.pid}) {how}")


_NOTHING = object()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


# --- ends of channels ----------------------------------------------------------------------------------------------

# The loader's ends of all channels of this process. A child that is forked must not hold them: a worker takes the end
# of its channel as the sign to stop, and there would be none.
_ours: weakref.WeakSet[Any] = weakref.WeakSet()


def _close_inherited() -> None:
    for end in list(_ours):
        if not end.closed:
            end.close()
    _ours.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)


def _shut_down(processes: list[Any], channels: list[Channel], owner: int) -> None:
    """End the channels, and with them the workers; those that don't finish soon are terminated."""
    if os.getpid() != owner:  # in a child that was forked the workers are not its own
        return
    for channel in channels:
        channel.close()
    deadline = time.monotonic() + _GRACE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    for process in processes:
        if process.is_alive():
            process.terminate()
    for process in processes:
        process.join()
