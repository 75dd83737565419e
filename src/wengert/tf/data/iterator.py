"""What ``iter(dataset)`` gives, and elements as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.tensors.tensor import Tensor as Core
from wengert.tf.data.passes import pass_over
from wengert.tf.data.stage import Stage, elements_of
from wengert.tf.data.structure import as_array, as_tensor, map_structure
from wengert.tf.errors import OutOfRangeError
from wengert.utils.data.watching import watching


class OwnedIterator:
    """One pass over a data set; its elements are tensors."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._elements = elements_of(stage)
        described = None if watching.follow is None else pass_over(stage)
        if described is not None and watching.follow is not None:
            self._elements = watching.follow(described, self._elements)

    def __iter__(self) -> OwnedIterator:
        return self

    def __next__(self) -> Any:
        return map_structure(as_tensor, next(self._elements))

    next = __next__

    def get_next(self) -> Any:
        """The next element. Raises: OutOfRangeError at the end."""
        try:
            return next(self)
        except StopIteration:
            raise OutOfRangeError(None, None, "End of sequence [Op:IteratorGetNext]") from None

    def get_next_as_optional(self) -> OptionalValue:
        """The next element, or that there is none."""
        found = next(self, _NONE)
        return OptionalValue(found)

    @property
    def element_spec(self) -> Any:
        """The specs of an element."""
        return self._stage.spec


_NONE = object()


class OptionalValue:
    """A value that may not be there: `tf.experimental.Optional`."""

    def __init__(self, value: Any = _NONE) -> None:
        self._value = value

    @classmethod
    def from_value(cls, value: Any) -> OptionalValue:
        """One that is there."""
        return cls(map_structure(as_tensor, value))

    @classmethod
    def empty(cls, element_spec: Any = None) -> OptionalValue:
        """One that is not."""
        return cls()

    def has_value(self) -> Any:
        """Whether it is there, as a tensor."""
        return as_tensor(np.asarray(self._value is not _NONE))

    def get_value(self) -> Any:
        """The value. Raises: InvalidArgumentError when there is none."""
        if self._value is _NONE:
            raise OutOfRangeError(None, None, "The given optional does not have a value. [Op:OptionalGetValue]")
        return self._value


class NumpyIterator:
    """One pass over a data set; its elements are NumPy arrays, and the program's own to change."""

    def __init__(self, stage: Stage) -> None:
        self._elements: Iterator[Any] = elements_of(stage)

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        return map_structure(_as_own, next(self._elements))


def _as_own(leaf: Any) -> Any:
    if isinstance(leaf, Stage):
        return NumpyIterator(leaf)
    if leaf is None:
        return None
    array = as_array(leaf)
    if array.ndim == 0:
        return array[()]
    return np.array(array) if isinstance(leaf, (Core, np.ndarray)) else array
