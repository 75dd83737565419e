"""Collation: what a batch is made of its samples, by default."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from wengert import dtypes
from wengert.tensors.interop import share
from wengert.tensors.tensor import Tensor
from wengert.utils.data.rows import of_array, stack

_WORDS = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def default_collate(batch: Any) -> Any:
    """The samples of a list, each part stacked with its like along a new first axis.

    Tensors, NumPy arrays and numbers become tensors (a Python float float64, an int int64); strings stay a list; a
    mapping becomes a mapping, a named tuple such a tuple, and other sequences a list, of what their parts become.

    Raises: TypeError for other samples; RuntimeError when tensors differ in shape, or sequences in length.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, (np.ndarray, np.generic)) and not isinstance(first, (str, bytes)):
        return _of_arrays(batch)
    if isinstance(first, float):
        return of_array(np.array(batch, np.float64))
    if isinstance(first, int):
        array = np.array(batch)
        return of_array(array.astype(dtypes.get_default_dtype().numpy) if array.dtype.kind == "f" else array)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _like_mapping(first, lambda key: default_collate([sample[key] for sample in batch]))
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*[default_collate(part) for part in zip(*batch)])
    if isinstance(first, Sequence):
        if any([len(sample) != len(first) for sample in batch]):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [default_collate(part) for part in zip(*batch)]
        return parts if isinstance(first, tuple) else _like_sequence(first, parts)
    raise TypeError(_WORDS.format(type(first)))


def default_convert(data: Any) -> Any:
    """A sample with its NumPy arrays made tensors (of the same memory), also inside of mappings and sequences; all else
    stays."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        if data.dtype.kind in "SUO":
            return data
        return share(data) if isinstance(data, np.ndarray) else of_array(data)
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        return _like_mapping(data, lambda key: default_convert(data[key]))
    if isinstance(data, tuple):
        parts = [default_convert(part) for part in data]
        return type(data)(*parts) if hasattr(data, "_fields") else parts
    if isinstance(data, Sequence):
        return _like_sequence(data, [default_convert(part) for part in data])
    return data


def _of_arrays(batch: Sequence[Any]) -> Tensor:
    first = batch[0]
    if first.dtype.kind in "SUO":
        raise TypeError(_WORDS.format(first.dtype))
    if isinstance(first, np.generic):
        return of_array(np.array(batch))
    return stack([of_array(array) for array in batch])


def _like_mapping(example: Mapping[Any, Any], value: Callable[[Any], Any]) -> Any:
    """A mapping of the example's type with new values; a dict where such can't be made."""
    values = {key: value(key) for key in example}
    if type(example) is dict:
        return values
    try:
        if isinstance(example, MutableMapping):  # keeps what it has besides its items: a default factory, say
            made = copy.copy(example)
            made.update(values)
            return made
        return type(example)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _like_sequence(example: Sequence[Any], parts: list[Any]) -> Any:
    """A sequence of the example's type; a list where such can't be made."""
    if type(example) is list:
        return parts
    try:
        return type(example)(parts)  # type: ignore[call-arg]
    except TypeError:
        return parts
