"""The batches of an epoch: rows of arrays gathered as wholes, in the order that Keras's own adapter draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from keras.src import tree
from keras.src.trainers.data_adapters import array_slicing
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from keras.src.trainers.epoch_iterator import EpochIterator

import wengert
from keras_wengert.ops.core import convert_to_tensor
from wengert.utils.data import split_rows, take_rows

# Elements of batches that are gathered together: they should still be in a cache when they are read.
MOST_ELEMENTS = 1 << 20


class Batches(EpochIterator):
    """Keras's iterator over an epoch; what it yields are tensors.

    together   how many batches may be gathered at once; may be set between any two of them
    """

    together = 1

    def _get_iterator(self) -> Iterator[Any]:
        adapter = self.data_adapter
        if type(adapter) is ArrayDataAdapter:
            rows = rows_of(adapter._inputs)
            return in_batches(rows, adapter._num_samples, adapter._batch_size, adapter._shuffle, lambda: self.together)
        return map(as_tensors, adapter.get_numpy_iterator())

    @property
    def most_together(self) -> int:
        """How many batches can be gathered before the first of them is used: rows of arrays, as long as they are few enough;
        a generator may look at what the model does meanwhile."""
        adapter = self.data_adapter
        if type(adapter) is not ArrayDataAdapter or adapter._shuffle == "batch":
            return 1
        elements = sum([math.prod(x.shape[1:]) for x in tree.flatten(adapter._inputs) if x is not None])
        return max(1, MOST_ELEMENTS // max(1, elements * adapter._batch_size))

    def __next__(self) -> Any:
        """Step numbers and a list of batches. Where the number of batches is known, a last list that is shorter is no
        interruption. Hot."""
        if self._num_batches is None:
            return super().__next__()
        begin, end, iterator = next(self._epoch_iterator)
        batches = list(islice(iterator, self.steps_per_execution))
        if batches:
            return begin, end, batches
        with self.catch_stop_iteration():
            raise StopIteration
        raise StopIteration


def in_batches(
    rows: Callable[[Any, int], list[Any]], n: int, size: int, shuffle: Any, together: Callable[[], int]
) -> Iterator[Any]:
    """The rows of n samples, `size` at a time, in the order that Keras's adapter of arrays draws from NumPy's global
    generator: as they come, all shuffled, or (shuffle="batch") shuffled within each batch. together: how many batches to
    gather at once."""
    permutation = np.random.permutation  # of the generator that `keras.utils.set_random_seed` seeds
    order = permutation(n) if shuffle and shuffle != "batch" else None
    start = 0
    while start < n:
        stop = min(start + size * together(), n)
        if order is not None:
            yield from rows(order[start:stop], size)
        elif shuffle:
            stop = min(start + size, n)
            yield from rows(permutation(stop - start) + start, size)
        else:
            yield from rows(slice(start, stop), size)
        start = stop


def as_tensors(data: Any) -> Any:
    """A batch with wengert's own tensors in the place of arrays and of TensorFlow's face's tensors; None stays."""
    if data.__class__ is tuple and all([part.__class__ is wengert.Tensor for part in data]):
        return data
    return tree.map_structure(_as_tensor, data)


def _as_tensor(x: Any) -> Any:
    tensor = None if x is None else convert_to_tensor(x)
    return tensor.detach() if isinstance(tensor, wengert.Tensor) and tensor.__class__ is not wengert.Tensor else tensor


def rows_of(arrays: Any) -> Callable[[Any, int], list[Any]]:
    """A function from positions (an array of them, or a slice) and a size to batches of so many of those rows of every array,
    in the same structure."""
    sliceables = array_slicing.convert_to_sliceable(arrays, target_backend="numpy")
    readers = [_reader(x) for x in tree.flatten(sliceables) if x is not None]

    def columns(indices: Any, size: int) -> list[list[wengert.Tensor]]:
        return [split_rows(read(indices), size) for read in readers]

    if isinstance(arrays, tuple) and len(readers) == len(arrays) and not any([tree.is_nested(x) for x in arrays]):
        return lambda indices, size: list(zip(*columns(indices, size)))
    if not tree.is_nested(arrays):
        return lambda indices, size: columns(indices, size)[0]

    def gather(parts: Any) -> Any:
        each = iter(parts)
        return tree.map_structure(lambda x: None if x is None else next(each), arrays)

    return lambda indices, size: [gather(parts) for parts in zip(*columns(indices, size))]


def _reader(sliceable: Any) -> Callable[[Any], wengert.Tensor]:
    array = sliceable.array
    if type(sliceable) is not array_slicing.NumpySliceable or array.dtype.kind not in "biuf":
        return lambda indices: convert_to_tensor(sliceable.convert_to_numpy(sliceable[indices]))
    return lambda indices: take_rows(array, indices) if isinstance(indices, np.ndarray) else convert_to_tensor(array[indices])
