"""Samplers: in which order the samples of a data set are visited.

A sampler is an iterable of indices. Those of here also know their whole epoch as an int64 array (`_epoch`), so that a
loader cuts batches out of it without a Python object for each sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, Optional, TypeVar, Union

import numpy as np

from wengert import dtypes
from wengert.functions.random import Generator, randint, randperm
from wengert.functions.sampling import multinomial
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.tensors.tensor import Tensor, wrap
from wengert.utils.data.rows import Array, wins

T_co = TypeVar("T_co", covariant=True)


def epoch_of(sampler: Any) -> Optional[Array]:
    """All indices of an epoch as an int64 array, or None where only iterating tells them."""
    return sampler._epoch() if wins(type(sampler), "_epoch", "__iter__") else None


def index_batches(sampler: Any) -> Iterator[Any]:
    """The batches of a batch sampler: int64 arrays where it can give them, else what it gives."""
    if wins(type(sampler), "_batches", "__iter__"):
        return sampler._batches()
    return iter(sampler)


class Sampler(Generic[T_co]):
    """Base of all samplers: a subclass defines ``__iter__``, and ``__len__`` where the length is known."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"Subclasses of Sampler should implement __iter__; {type(self).__name__} does not.")


class SequentialSampler(Sampler[int]):
    """0, 1, ... in order."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def _epoch(self) -> Array:
        return np.arange(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All indices in random order; or `num_samples` of them, with or without replacement. Without, the order is drawn
    anew after each whole round.

    Raises: TypeError when `replacement` is no bool; ValueError when there is nothing to draw.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: Optional[int] = None,
        generator: Optional[Generator] = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")
        if not len(data_source):
            raise ValueError(f"num_samples={num_samples} can't be drawn: the data source is empty")

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has; by default as many as the data source now."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def _epoch(self) -> Array:
        n, count = len(self.data_source), self.num_samples
        if self.replacement:
            return randint(0, n, (count,), generator=self.generator)._array()
        if not n:
            return np.empty(0, np.int64)
        rounds = [randperm(n, generator=self.generator)._array() for _ in range(-(-count // n))]
        return rounds[0][:count] if len(rounds) == 1 else np.concatenate(rounds)[:count]

    def __iter__(self) -> Iterator[int]:
        return iter(self._epoch().tolist())

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[Any]):
    """The given indices in random order."""

    def __init__(self, indices: Sequence[Any], generator: Optional[Generator] = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[Any]:
        for i in randperm(len(self.indices), generator=self.generator)._array().tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, drawn with the given probabilities, which need not sum to 1.

    Raises: ValueError for a number of samples that is no positive int, a `replacement` that is no bool, and weights
    that are no sequence of numbers; when drawing, RuntimeError for weights that are no probabilities, or too few.
    """

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Optional[Generator] = None
    ) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        array = np.array(weights._array() if isinstance(weights, Tensor) else weights, np.float64)
        if array.ndim != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {array.shape}")
        self.weights = wrap(literal(array, array_type(array.shape, dtypes.float64)))
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def _epoch(self) -> Array:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        return drawn._array()

    def __iter__(self) -> Iterator[int]:
        return iter(self._epoch().tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[Any]]):
    """Lists of `batch_size` indices of another sampler (any iterable of indices); the last may be shorter, unless
    `drop_last`.

    Raises: ValueError for a batch size that is no positive int, or a `drop_last` that is no bool.
    """

    def __init__(self, sampler: Union[Sampler[Any], Iterable[Any]], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def _batches(self) -> Iterator[Any]:
        epoch = epoch_of(self.sampler)
        if epoch is None:
            yield from self
            return
        size = self.batch_size
        end = len(epoch) - len(epoch) % size if self.drop_last else len(epoch)
        for start in range(0, end, size):
            yield epoch[start : start + size]

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
