"""DataLoader: batches of a data set, epoch after epoch."""

from __future__ import annotations

import copy
import multiprocessing
import multiprocessing.context
import warnings
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Generic, Optional, TypeVar, Union

from wengert.backends.processors import processors
from wengert.functions.random import Generator
from wengert.utils.data.collate import default_collate, default_convert
from wengert.utils.data.dataset import IterableDataset
from wengert.utils.data.iterators import OwnProcess, Workers
from wengert.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

T_co = TypeVar("T_co", covariant=True)


class _Endless(Sampler[None]):
    """For data sets that have no indices."""

    def __iter__(self) -> Iterator[None]:
        return repeat(None)


class DataLoader(Generic[T_co]):
    """An iterable of batches.

    Args:
        dataset: a `Dataset`, or anything with ``[]`` and a length; or an `IterableDataset`.
        batch_size: samples in a batch; None gives single samples.
        shuffle: a new random order for every epoch.
        sampler: an iterable of indices instead; or `batch_sampler`: one of lists of them.
        num_workers: processes that fetch in advance; 0 fetches in this process, when a batch is asked for.
        collate_fn: makes a batch of a list of samples; by default `default_collate`. Only with the default are whole
            batches gathered at once, where the data set can (see rows.py).
        pin_memory, pin_memory_device: accepted and without effect: there is no other memory.
        drop_last: leave out a last batch that is not full.
        timeout: seconds to wait for a batch from a worker; 0 waits as long as it takes.
        worker_init_fn: called in each worker with its number, before it fetches anything.
        multiprocessing_context: a start method ("fork", "spawn", ...) or context.
        generator: for the random order and the workers' seeds.
        prefetch_factor: batches that each worker fetches in advance; 2 by default.
        persistent_workers: keep the workers from one epoch to the next.
        in_order: give batches in the order of their indices, not as workers finish them.

    Worker i is seeded with a number drawn for the epoch plus i, for wengert, NumPy and `random`.

    Raises: ValueError for options that exclude each other or are out of range; while iterating, RuntimeError when a
    worker dies or is late, and what a worker raises, with its traceback.
    """

    dataset: Any
    batch_size: Optional[int]
    sampler: Any
    batch_sampler: Any
    _fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
    _ready = False
    _promised_length: Optional[int] = None

    def __init__(
        self,
        dataset: Any,
        batch_size: Optional[int] = 1,
        shuffle: Optional[bool] = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Optional[Callable[[Any], Any]] = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Optional[Callable[[int], Any]] = None,
        multiprocessing_context: Any = None,
        generator: Optional[Generator] = None,
        *,
        prefetch_factor: Optional[int] = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.persistent_workers = persistent_workers
        self.generator = generator
        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable:
            _check_iterable(shuffle, sampler, batch_sampler)
        _check_batches(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None:
            if self._iterable:
                sampler = _Endless()
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or (default_collate if self._auto_collation else default_convert)
        self._iterator: Optional[Workers] = None
        self._ready = True
        self._warn_of_many_workers()

    def __setattr__(self, name: str, value: Any) -> None:
        if self._ready and name in self._fixed:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are started; None is the platform's way."""
        return self._given_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, given: Any) -> None:
        if given is not None and self.num_workers == 0:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                f"num_workers={self.num_workers}"
            )
        if isinstance(given, str):
            methods = multiprocessing.get_all_start_methods()
            if given not in methods:
                raise ValueError(
                    f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                    f"multiprocessing_context={given!r}"
                )
            given = multiprocessing.get_context(given)
        elif given is not None and not isinstance(given, multiprocessing.context.BaseContext):
            raise TypeError(
                "multiprocessing_context option should be a valid context object or a string specifying the start "
                f"method, but got multiprocessing_context={given}"
            )
        self._given_context = given

    @property
    def _context(self) -> Any:
        return self._given_context or multiprocessing.get_context()

    @property
    def _auto_collation(self) -> bool:
        """Whether there are batches, not single samples."""
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        """What gives the indices of each batch, or of each sample."""
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self) -> Union[OwnProcess, Workers]:
        if self.num_workers == 0:
            return OwnProcess(self)
        if not self.persistent_workers:
            return Workers(self)
        options = copy.copy(self)  # an iterator that held its own loader would outlive it until the next collection
        options._iterator = None
        if self._iterator is not None and self._iterator.alive:
            self._iterator.restart(options)
        else:
            self._iterator = Workers(options)
        return self._iterator

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._index_sampler)
        length = self._promised_length = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    def _warn_of_many_workers(self) -> None:
        if self.num_workers == 0:
            return
        cores = processors()
        if self.num_workers > cores:
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested max number "
                f"of worker in current system is {cores}, which is smaller than what this DataLoader is going to "
                "create: loading may become slower. Lower num_workers to avoid it.",
                stacklevel=3,
            )


def _check_workers(num_workers: int, timeout: float, prefetch_factor: Optional[int], persistent: bool) -> None:
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if not isinstance(num_workers, int):
        raise TypeError(f"num_workers option should be an int; got {num_workers!r}")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing. Let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_iterable(shuffle: Optional[bool], sampler: Any, batch_sampler: Any) -> None:
    given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
            )


def _check_batches(
    batch_size: Optional[int], shuffle: Optional[bool], sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
    elif batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
