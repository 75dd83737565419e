"""What the tests of data loading share: tensors, comparison, and data sets that workers can be sent."""

from __future__ import annotations

import os
import random
import time
from typing import Any

import numpy as np

from wengert import dtypes
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.tensors.tensor import Tensor, wrap
from wengert.utils.data import Dataset, IterableDataset, get_worker_info


def tensor(data: Any, dtype: dtypes.DType | None = None) -> Tensor:
    array = np.array(data, None if dtype is None else dtype.numpy)
    return wrap(literal(array, array_type(array.shape, dtypes.from_numpy(array.dtype))))


def plain(value: Any) -> Any:
    """Nested lists and numbers for a batch."""
    if isinstance(value, Tensor):
        return value._array().tolist()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def flat(batches: Any) -> list[Any]:
    """The samples of all batches."""
    return [sample for batch in batches for sample in batch]


class Squares(Dataset[Any]):
    """(i, i * i), with a count of the samples that were asked for."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.asked = 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        self.asked += 1
        return index, float(index * index)


class Failing(Squares):
    """Raises at sample 5."""

    def __init__(self, n: int, error: BaseException) -> None:
        super().__init__(n)
        self.error = error

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            raise self.error
        return index


class TwoArguments(Exception):
    """An exception that can't be made of one message."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first, second)


class Dying(Squares):
    """Ends its process at sample 5."""

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            os._exit(7)
        return index


class Slow(Squares):
    """Takes its time at sample 5, and a little at all others."""

    def __init__(self, n: int, seconds: float) -> None:
        super().__init__(n)
        self.seconds = seconds

    def __getitem__(self, index: int) -> Any:
        time.sleep(self.seconds if index == 5 else 0.001)
        return index


class Drawing(Squares):
    """Random numbers from three sources, and the worker's number."""

    def __getitem__(self, index: int) -> Any:
        info = get_worker_info()
        return [random.random(), float(np.random.rand()), -1 if info is None else info.id]


class Counting(IterableDataset[Any]):
    """0 .. n - 1; with several workers each its share."""

    def __init__(self, n: int, promised: int | None = None) -> None:
        self.n = n
        self.promised = promised

    def __iter__(self) -> Any:
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, self.n, step))

    def __len__(self) -> int:
        if self.promised is None:
            raise TypeError("no length")
        return self.promised


class Unsendable(Squares):
    """Gives what can't be pickled."""

    def __getitem__(self, index: int) -> Any:
        return (lambda: index) if index == 5 else index


def as_they_are(batch: Any) -> Any:
    return batch


def refuse(number: int) -> None:
    raise ValueError(f"worker {number} would rather not")


def note(number: int) -> None:
    """An init function that leaves a mark in the data set."""
    info = get_worker_info()
    assert info is not None
    info.dataset.n = 100 + number
    assert info.id == number


class Info(Squares):
    """What the worker knows."""

    def __getitem__(self, index: int) -> Any:
        info = get_worker_info()
        assert info is not None
        return info.id, info.num_workers, info.seed, self.n, os.getpid()
