"""TensorFlow's questions to a dtype, bound on the one class of dtypes, and `as_dtype`.

There is one object for each element type, whatever face a program uses: ``tf.float32 is wengert.float32``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert import dtypes
from wengert.absent import reason_absent
from wengert.dtypes import ALL, COMPLEX, INTEGER, DType
from wengert.settings import settings

float16 = half = dtypes.float16
bfloat16 = dtypes.bfloat16
float32 = dtypes.float32
float64 = double = dtypes.float64
int8, int16, int32, int64 = dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64
uint8, uint16, uint32, uint64 = dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64
complex64, complex128 = dtypes.complex64, dtypes.complex128
bool_ = dtypes.bool_

_NAMED = {dtype.name: dtype for dtype in ALL}
_NAMED |= {"half": float16, "float": float32, "double": float64}
_BFLOAT16_MAX = 2.0**128 - 2.0**120
_PYTHON = {float: float32, bool: bool_, complex: complex128}


def as_dtype(type_value: Any) -> DType:
    """The dtype that a name, a NumPy dtype or Python's float or bool stands for.

    Raises: TypeError for anything else.

    >>> as_dtype("float32") == as_dtype(float)
    True
    """
    if isinstance(type_value, DType):
        return type_value
    if isinstance(type_value, str):
        found = _NAMED.get(type_value)
    elif isinstance(type_value, type) and type_value in _PYTHON:
        found = _PYTHON[type_value]
    elif type_value is int or type_value is None:
        found = None
    else:
        try:
            found = dtypes.from_numpy(np.dtype(type_value))
        except TypeError:
            found = None
    if found is None:
        raise TypeError(
            f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType."
            + (reason_absent(type_value, "tensorflow") if isinstance(type_value, str) else "")
        )
    return found


def _same(self: DType, other: Any) -> Any:
    if other is self:
        return True
    if other is None or isinstance(other, DType):
        return False
    try:
        return as_dtype(other) is self
    except TypeError:
        return False


def _extreme(which: str) -> Any:
    def limit(self: DType) -> Any:
        if self is bool_:
            return which == "max"
        if self.category == COMPLEX:
            raise TypeError(f"Cannot find {which}imum value of {self!r}.")
        if self is bfloat16:
            return self.numpy.type(_BFLOAT16_MAX if which == "max" else -_BFLOAT16_MAX)
        return getattr(np.iinfo(self.numpy) if self.category == INTEGER else np.finfo(self.numpy), which)

    return property(limit)


def _text(self: DType) -> str:
    return f"<dtype: '{self.name}'>" if settings.face == "tf" else repr(self)


_QUESTIONS: dict[str, Any] = {
    "__eq__": _same,
    "__ne__": lambda self, other: not _same(self, other),
    "__hash__": object.__hash__,
    "__str__": _text,
    "as_numpy_dtype": property(lambda self: self.numpy.type),
    "as_datatype_enum": property(lambda self: [*_NAMED].index(self.name)),
    "base_dtype": property(lambda self: self),
    "real_dtype": property(lambda self: self.to_real),
    "is_bool": property(lambda self: self is bool_),
    "is_floating": property(lambda self: self.is_floating_point),
    "is_integer": property(lambda self: self.category == INTEGER),
    "is_unsigned": property(lambda self: self.category == INTEGER and not self.is_signed),
    "is_quantized": False,
    "is_numpy_compatible": True,
    "is_compatible_with": lambda self, other: as_dtype(other) is self,
    "size": property(lambda self: self.itemsize),
    "min": _extreme("min"),
    "max": _extreme("max"),
    "limits": property(lambda self: (0, 1) if self.inexact else (self.min, self.max)),
}


def bind() -> None:
    """Put TensorFlow's questions on DType."""
    for name, answer in _QUESTIONS.items():
        setattr(DType, name, answer)


bind()
