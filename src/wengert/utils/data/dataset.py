"""Data sets: of samples with numbers (`Dataset`), or one after another (`IterableDataset`), and those made of others.

Where the content lies in tensors, whole batches are gathered at once; see rows.py.
"""

from __future__ import annotations

import math
import operator
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, Optional, TypeVar, Union

import numpy as np

from wengert.functions.random import Generator, randperm
from wengert.tensors.tensor import Tensor
from wengert.trees import flatten, unflatten
from wengert.utils.data.rows import Array, batch_reader, concatenate, rows, wins

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by number: a subclass defines ``__getitem__``, and ``__len__`` for the default samplers.

    It may also define ``__getitems__(indices)``, which gives a list of samples, or ``__getbatch__(indices)``, which
    gives a whole batch; a `DataLoader` calls these where they are.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(
            f"Subclasses of Dataset should implement __getitem__; {type(self).__name__} does not."
        )

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Samples one after another: a subclass defines ``__iter__``.

    With several workers each has a copy of the data set: `get_worker_info` tells them apart, so that each can give its
    own part.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(
            f"Subclasses of IterableDataset should implement __iter__; {type(self).__name__} does not."
        )

    def __add__(self, other: Dataset[T_co]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is the tuple of the i-th rows of all tensors.

    Raises: ValueError without a tensor; AssertionError when the tensors differ in length.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: at least one tensor should be passed")
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"TensorDataset: wanted tensors; got {type(tensor).__name__}")
        lengths = [len(tensor) for tensor in tensors]
        if any([length != lengths[0] for length in lengths]):
            raise AssertionError(f"Size mismatch between tensors: their lengths are {lengths}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __getbatch__(self, indices: Array) -> tuple[Tensor, ...]:
        return tuple([rows(tensor, indices) for tensor in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset[Any]):
    """Sample i is the tuple (or, given by keyword, the dict) of the i-th samples of all data sets.

    Raises: ValueError without a data set, with both forms at once, or when lengths differ.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or ``dict``- (via ``kwargs``) like input/output, but both "
                "types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets: Any = args or kwargs
        lengths = [len(dataset) for dataset in self._members()]
        if any([length != lengths[0] for length in lengths]):
            raise ValueError(f"Size mismatch between datasets: their lengths are {lengths}")
        self._length = lengths[0]

    def _members(self) -> list[Any]:
        return list(self.datasets.values()) if isinstance(self.datasets, dict) else list(self.datasets)

    def _as_given(self, parts: Iterable[Any]) -> Any:
        return dict(zip(self.datasets, parts)) if isinstance(self.datasets, dict) else tuple(parts)

    def __getitem__(self, index: Any) -> Any:
        return self._as_given([dataset[index] for dataset in self._members()])

    def __getitems__(self, indices: Sequence[Any]) -> list[Any]:
        columns = [samples(dataset, indices) for dataset in self._members()]
        return [self._as_given(row) for row in zip(*columns)]

    def __getbatch__(self, indices: Array) -> Any:
        parts = []
        for dataset in self._members():
            reader = batch_reader(dataset)
            part = NotImplemented if reader is None else reader(indices)
            if part is NotImplemented:
                return NotImplemented
            parts.append(list(part) if type(part) is tuple else part)
        return self._as_given(parts)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """The samples of one data set after those of another.

    Raises: AssertionError without a data set, or for an `IterableDataset`.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any([isinstance(dataset, IterableDataset) for dataset in self.datasets]):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(accumulate([len(dataset) for dataset in self.datasets]))  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> T_co:
        n = len(self)
        if not -n <= index < n:
            words = "absolute value of index should not exceed dataset length" if index < 0 else "index out of range"
            error = ValueError if index < 0 else IndexError
            raise error(f"ConcatDataset: {words}; got {index}, and there are {n} samples")
        index = index + n if index < 0 else index
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - self._first(which)]

    def _first(self, which: int) -> int:
        """The number of the first sample of a data set."""
        return self.cumulative_sizes[which - 1] if which else 0

    def __getbatch__(self, indices: Array) -> Any:
        n = len(self)
        if indices.size == 0 or indices.min() < -n or indices.max() >= n:
            return NotImplemented
        indices = np.where(indices < 0, indices + n, indices)
        which = np.searchsorted(self.cumulative_sizes, indices, side="right")
        order = np.argsort(which, kind="stable")
        parts = []
        for member in np.unique(which).tolist():
            reader = batch_reader(self.datasets[member])
            part = NotImplemented if reader is None else reader(indices[which == member] - self._first(member))
            if part is NotImplemented:
                return NotImplemented
            parts.append(part)
        return parts[0] if len(parts) == 1 else _shuffled(parts, order)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


def _shuffled(parts: list[Any], order: Array) -> Any:
    """Batches joined to one, whose row `order[i]` is row i of what they have one after another."""
    flat = [flatten(part) for part in parts]
    if any([structure != flat[0][1] for _, structure in flat]):
        return NotImplemented
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    joined = [rows(concatenate(column), place) for column in zip(*[leaves for leaves, _ in flat])]
    return unflatten(joined, flat[0][1])


class ChainDataset(IterableDataset[Any]):
    """The samples of one `IterableDataset` after those of another.

    Raises: when iterated or measured, AssertionError for another kind of data set.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(f"ChainDataset only supports IterableDataset; got {type(dataset).__name__}")
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum([len(dataset) for dataset in self._checked()])


class Subset(Dataset[T_co]):
    """The samples of a data set at the given indices."""

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[Any]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[T_co]:
        return samples(self.dataset, [self.indices[i] for i in indices])

    def __getbatch__(self, indices: Array) -> Any:
        reader = batch_reader(self.dataset)
        if reader is None:
            return NotImplemented
        chosen = self.indices
        if isinstance(chosen, np.ndarray):
            return reader(chosen[indices])
        places = np.array(
            [*map(chosen.__getitem__, indices.tolist())]
        )  # anew each time: the list may have been changed
        return reader(places) if places.dtype.kind in "iu" else NotImplemented

    def __len__(self) -> int:
        return len(self.indices)


def samples(dataset: Any, indices: Sequence[Any]) -> list[Any]:
    """The samples at the indices: several at once where the data set can, else one by one."""
    if wins(type(dataset), "__getitems__", "__getitem__"):
        return dataset.__getitems__(indices)
    return [dataset[i] for i in indices]


def random_split(
    dataset: Dataset[T_co], lengths: Sequence[Union[int, float]], generator: Optional[Generator] = None
) -> list[Subset[T_co]]:
    """Subsets of these lengths that share no sample, drawn at random. Lengths that sum to 1 are fractions; what they
    leave over by rounding goes to the first subsets, one sample each.

    Raises: ValueError when lengths don't sum to the data set's, one is negative, or a fraction is not in 0 .. 1.
    """
    n = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _of_fractions(lengths, n)
    if any([length < 0 for length in lengths]):
        raise ValueError(f"random_split: lengths should not be negative; got {list(lengths)}")
    if sum(lengths) != n:
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset! They are {list(lengths)}, and it "
            f"has {n} samples"
        )
    counts = [operator.index(length) for length in lengths]  # type: ignore[arg-type]
    order = randperm(n, generator=generator)._array().tolist()
    ends = list(accumulate(counts))
    return [Subset(dataset, order[end - count : end]) for count, end in zip(counts, ends)]


def _of_fractions(fractions: Sequence[float], n: int) -> list[int]:
    for index, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {index} is not between 0 and 1")
    counts = [math.floor(n * fraction) for fraction in fractions]
    for extra in range(n - sum(counts)):
        counts[extra % len(counts)] += 1
    for index, count in enumerate(counts):
        if count == 0:
            warnings.warn(
                f"Length of split at index {index} is 0. This might result in an empty dataset.", stacklevel=3
            )
    return counts
