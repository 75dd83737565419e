"""TensorSpec: the shape and dtype of tensors, without values; TypeSpec is what it is a kind of."""

from __future__ import annotations

from typing import Any, Optional

from wengert.dtypes import float32
from wengert.tf.dtypes import as_dtype
from wengert.tf.shape import TensorShape
from wengert.tf.values import fresh


class TypeSpec:
    """What is known of a value before it is there. The one kind here is `TensorSpec`."""

    __slots__ = ()


class TensorSpec(TypeSpec):
    """Tensors of a shape, sizes of which may be unknown (None), and a dtype.

    >>> TensorSpec([None, 3])
    TensorSpec(shape=(None, 3), dtype=tf.float32, name=None)
    """

    __slots__ = ("shape", "dtype", "name")

    def __init__(self, shape: Any, dtype: Any = float32, name: Optional[str] = None) -> None:
        self.shape: TensorShape = TensorShape(shape)
        self.dtype = as_dtype(dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: Optional[str] = None) -> TensorSpec:
        """The spec of a tensor."""
        return cls(tensor.shape, tensor.dtype, name)

    @classmethod
    def from_spec(cls, spec: Any, name: Optional[str] = None) -> TensorSpec:
        """The same spec, under another name if one is given."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a tensor, or the tensors of another spec, may be of this one."""
        return self.dtype is as_dtype(spec_or_value.dtype) and self.shape.is_compatible_with(spec_or_value.shape)

    def is_subtype_of(self, other: Any) -> bool:
        """Whether every tensor of this spec is of the other one too."""
        return self.dtype is other.dtype and self.shape.is_subtype_of(other.shape)

    def most_specific_compatible_type(self, other: Any) -> TensorSpec:
        """The narrowest spec that takes in both. Raises: ValueError for different dtypes."""
        if self.dtype is not other.dtype:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return TensorSpec(self.shape.most_specific_compatible_shape(other.shape), self.dtype)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorSpec):
            return NotImplemented
        return self.shape == other.shape and self.dtype is other.dtype and self.name == other.name

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype.name))

    def __reduce__(self) -> Any:
        return TensorSpec, (self.shape, self.dtype.name, self.name)

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype=tf.{self.dtype.name}, name={self.name!r})"


def type_spec_from_value(value: Any) -> TensorSpec:
    """The spec of a tensor, or of what becomes one.

    Raises: TypeError for anything else.
    """
    if isinstance(value, TensorSpec):
        return value
    try:
        return TensorSpec.from_tensor(fresh(value))
    except ValueError as error:
        raise TypeError(f"Could not build a TypeSpec for {value!r} of type {type(value).__name__}") from error
