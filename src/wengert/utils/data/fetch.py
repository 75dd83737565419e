"""Fetchers: from the indices of a batch to the batch. The same in the loader's process and in its workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from wengert.utils.data.collate import default_collate
from wengert.utils.data.dataset import samples
from wengert.utils.data.rows import Array, batch_reader

Fetch = Callable[[Any], Any]


def fetcher(dataset: Any, iterable: bool, batched: bool, collate: Callable[[Any], Any], drop_last: bool) -> Fetch:
    """The function from indices to data: of a batch if `batched`, else of one sample. Of an iterable data set it takes
    what comes next, and raises StopIteration at the end."""
    if iterable:
        return _OfIterable(dataset, batched, collate, drop_last)
    return _OfBatches(dataset, collate) if batched else lambda index: collate(dataset[index])


class _OfIterable:
    """Takes the next samples of an iterable data set; the indices only say how many."""

    def __init__(self, dataset: Any, batched: bool, collate: Callable[[Any], Any], drop_last: bool) -> None:
        self.iterator = iter(dataset)
        self.batched = batched
        self.collate = collate
        self.drop_last = drop_last

    def __call__(self, indices: Any) -> Any:
        if not self.batched:
            return self.collate(next(self.iterator))
        batch = list(islice(self.iterator, len(indices)))
        if not batch or (self.drop_last and len(batch) < len(indices)):
            raise StopIteration
        return self.collate(batch)


class _OfBatches:
    """Gathers whole batches where the data set can and the collation is the default one; else sample by sample."""

    def __init__(self, dataset: Any, collate: Callable[[Any], Any]) -> None:
        self.dataset = dataset
        self.collate = collate
        self.reader = batch_reader(dataset) if collate is default_collate else None

    def __call__(self, indices: Any) -> Any:
        if self.reader is not None:
            places = _places(indices)
            batch = NotImplemented if places is None else self.reader(places)
            if batch is not NotImplemented:
                return list(batch) if type(batch) is tuple else batch
        listed = indices.tolist() if isinstance(indices, np.ndarray) else indices
        return self.collate(samples(self.dataset, listed))


def _places(indices: Sequence[Any]) -> Array | None:
    """The indices as an int64 array, or None when they are no integers (keys of another kind), or there are none."""
    if isinstance(indices, np.ndarray):
        return indices
    try:
        places = np.array(indices)
    except ValueError:  # nested, and ragged
        return None
    return places.astype(np.int64, copy=False) if places.dtype.kind in "iu" and places.ndim == 1 else None
