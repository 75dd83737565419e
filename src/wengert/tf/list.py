"""TensorArray: a list of tensors for loops."""

from __future__ import annotations

from typing import Any, Optional

import wengert
from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import OutOfRangeError, invalid
from wengert.tf.face import convert
from wengert.tf.shape import TensorShape
from wengert.tf.tensor import Tensor, shown
from wengert.tf.values import fresh


class TensorArray:
    """A list of tensors of one dtype that loops write to, place by place. Every write gives the array to go on with.

    size: how many places; dynamic_size: whether more may be written; element_shape: what every element must fit.

    Raises: OutOfRangeError for a place that is not there; InvalidArgumentError for one that was written before, or that was
    not written yet when it is read; ValueError for an element of another dtype or shape.
    """

    def __init__(
        self, dtype: Any, size: Any = None, dynamic_size: Optional[bool] = None, clear_after_read: Optional[bool] = None,
        tensor_array_name: Any = None, handle: Any = None, flow: Any = None, infer_shape: bool = True,
        element_shape: Any = None, colocate_with_first_write_call: bool = True, name: Optional[str] = None,
    ) -> None:  # fmt: skip
        self._dtype, self._dynamic = as_dtype(dtype), bool(dynamic_size)
        self._shape = TensorShape(element_shape)
        self._parts: list[Optional[Tensor]] = [None] * int(0 if size is None else fresh(size).item())

    @property
    def dtype(self) -> Any:
        """The dtype of its elements."""
        return self._dtype

    @property
    def dynamic_size(self) -> bool:
        """Whether it grows."""
        return self._dynamic

    @property
    def element_shape(self) -> Any:
        """What is known of the shape of its elements."""
        return self._shape

    def _with(self, parts: list[Optional[Tensor]]) -> TensorArray:
        made = TensorArray(self._dtype, 0, self._dynamic, element_shape=self._shape)
        made._parts = parts
        return made

    def _place(self, index: Any) -> int:
        place = int(fresh(index).item())
        if place < 0 or (place >= len(self._parts) and not self._dynamic):
            size = len(self._parts)
            raise OutOfRangeError(
                None,
                None,
                f"Tried to use TensorArray at index {place} but its size is {size}. Make it larger, or with dynamic_size=True",
            )
        return place

    def write(self, index: Any, value: Any, name: Optional[str] = None) -> TensorArray:
        """The array with `value` at a place."""
        place = self._place(index)
        element = convert(value, self._dtype)
        if not self._shape.is_compatible_with(element.shape):
            raise ValueError(f"Inconsistent shapes: saw {element.shape} but expected {self._shape}")
        parts = [*self._parts, *[None] * (place + 1 - len(self._parts))]
        if parts[place] is not None:
            raise invalid(f"Could not write to TensorArray index {place} because it has already been written to.")
        parts[place] = element
        return self._with(parts)

    def read(self, index: Any, name: Optional[str] = None) -> Tensor:
        """The element at a place."""
        place = self._place(index)
        element = self._parts[place] if place < len(self._parts) else None
        if element is None:
            raise invalid(f"Could not read index {place} of TensorArray because it has not been written to.")
        return element

    def _all(self) -> list[Tensor]:
        """Every element; places that were not written are zeros, if any tells the shape."""
        known = next((part.shape for part in self._parts if part is not None), self._shape)
        return [shown(wengert.zeros(*known, dtype=self._dtype)) if part is None else part for part in self._parts]

    def stack(self, name: Optional[str] = None) -> Tensor:
        """Its elements along a new first axis."""
        if not self._parts:
            return shown(wengert.zeros(0, *self._shape, dtype=self._dtype))
        return shown(wengert.stack([fresh(part) for part in self._all()]))

    def concat(self, name: Optional[str] = None) -> Tensor:
        """Its elements joined along their first axis."""
        return shown(wengert.cat([fresh(part) for part in self._all()]))

    def gather(self, indices: Any, name: Optional[str] = None) -> Tensor:
        """The elements at these places, along a new first axis."""
        return shown(wengert.stack([fresh(self.read(place)) for place in fresh(indices).tolist()]))

    def scatter(self, indices: Any, value: Any, name: Optional[str] = None) -> TensorArray:
        """The array with the rows of `value` at these places."""
        array = self
        for place, row in zip(fresh(indices).tolist(), convert(value)):
            array = array.write(place, row)
        return array

    def unstack(self, value: Any, name: Optional[str] = None) -> TensorArray:
        """An array of the rows of `value`."""
        return self._with(list(convert(value, self._dtype)))

    def split(self, value: Any, lengths: Any, name: Optional[str] = None) -> TensorArray:
        """An array of pieces of `value` of these lengths along its first axis."""
        pieces = wengert.split(fresh(value), fresh(lengths).tolist())
        return self._with([shown(piece) for piece in pieces])

    def size(self, name: Optional[str] = None) -> Tensor:
        """How many places it has."""
        return convert(len(self._parts))

    def identity(self) -> TensorArray:
        """The array itself."""
        return self
