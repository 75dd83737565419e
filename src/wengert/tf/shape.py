"""TensorShape: a shape with TensorFlow's questions. It is a tuple of sizes, so the core takes it as it is; an unknown size
is None, and a shape of unknown rank is the one object that `TensorShape(None)` gives."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Optional

from wengert.tensors.tensor import Size


class TensorShape(Size):
    """The sizes of a tensor, each an int or None.

    >>> TensorShape([2, None]).is_compatible_with([2, 5])
    True
    """

    __slots__ = ()

    def __new__(cls, dims: Any = None) -> Any:
        if dims is None:
            return UNKNOWN
        if isinstance(dims, TensorShape):
            return dims
        if not isinstance(dims, Iterable):
            dims = (dims,)
        return tuple.__new__(cls, [_size(n) for n in dims])

    @property
    def rank(self) -> Optional[int]:
        """The number of dimensions, or None."""
        return None if self is UNKNOWN else len(self)

    ndims = rank

    @property
    def dims(self) -> Optional[list[Optional[int]]]:
        """The sizes as a list, or None."""
        return None if self is UNKNOWN else list(self)

    def as_list(self) -> list[Optional[int]]:
        """The sizes as a list. Raises: ValueError when the rank is unknown."""
        if self is UNKNOWN:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self)

    def num_elements(self) -> Optional[int]:
        """The number of elements, or None."""
        return math.prod(self) if self.is_fully_defined() else None

    def is_fully_defined(self) -> bool:
        """Whether every size is known."""
        return self is not UNKNOWN and None not in self

    def is_compatible_with(self, other: Any) -> bool:
        """Whether one shape could be both."""
        other = TensorShape(other)
        if self is UNKNOWN or other is UNKNOWN:
            return True
        return len(self) == len(other) and all([a is None or b is None or a == b for a, b in zip(self, other)])

    def is_subtype_of(self, other: Any) -> bool:
        """Whether every tensor of this shape has the other one too."""
        other = TensorShape(other)
        if other is UNKNOWN:
            return True
        return self is not UNKNOWN and len(self) == len(other) and all([b is None or a == b for a, b in zip(self, other)])

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises: ValueError unless they are compatible."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible")

    def assert_is_fully_defined(self) -> None:
        """Raises: ValueError unless every size is known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def assert_has_rank(self, rank: int) -> None:
        """Raises: ValueError for another rank."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    assert_same_rank = assert_has_rank

    def with_rank(self, rank: int) -> TensorShape:
        """The shape, known to have this rank. Raises: ValueError for another one."""
        return self.merge_with([None] * rank)

    def merge_with(self, other: Any) -> TensorShape:
        """What is known of either. Raises: ValueError when they are not compatible."""
        other = TensorShape(other)
        if self is UNKNOWN:
            return other
        if other is UNKNOWN:
            return self
        self.assert_is_compatible_with(other)
        return TensorShape([b if a is None else a for a, b in zip(self, other)])

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The narrowest shape that takes in both."""
        other = TensorShape(other)
        if self is UNKNOWN or other is UNKNOWN or len(self) != len(other):
            return UNKNOWN
        return TensorShape([a if a == b else None for a, b in zip(self, other)])

    def concatenate(self, other: Any) -> TensorShape:
        """The sizes of this and of the other, in this order."""
        other = TensorShape(other)
        if self is UNKNOWN or other is UNKNOWN:
            return UNKNOWN
        return TensorShape(tuple(self) + tuple(other))

    __add__ = concatenate

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __getitem__(self, index: Any) -> Any:
        if self is UNKNOWN:
            return UNKNOWN if isinstance(index, slice) else None
        found = tuple.__getitem__(self, index)
        return TensorShape(found) if isinstance(index, slice) else found

    def __eq__(self, other: Any) -> bool:
        if self is UNKNOWN or other is None:
            return self is UNKNOWN and (other is None or other is UNKNOWN)
        if other is UNKNOWN:
            return False
        return tuple.__eq__(self, tuple(other)) if isinstance(other, Iterable) else False

    def __ne__(self, other: Any) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __bool__(self) -> bool:
        return self is not UNKNOWN

    def __len__(self) -> int:
        return tuple.__len__(self)

    def __reduce__(self) -> Any:
        return TensorShape, (self.dims,)

    def __repr__(self) -> str:
        return f"TensorShape({self.dims})"

    def __str__(self) -> str:
        return "<unknown>" if self is UNKNOWN else tuple.__repr__(self)


def _size(n: Any) -> Optional[int]:
    """Raises: TypeError for what is no size, ValueError for a negative one."""
    if n is None:
        return None
    try:
        size = n if n.__class__ is int else n.__index__()
    except (AttributeError, TypeError):
        raise TypeError(f"Dimension value must be integer or None, got value {n!r} of type {type(n).__name__}") from None
    if size < 0:
        raise ValueError(f"Dimension {size} must be >= 0")
    return size


UNKNOWN: TensorShape = tuple.__new__(TensorShape, ())
