"""Element types and how they promote.

The lattice is PyTorch's: four categories, bool < integer < floating < complex; within a mixed expression a tensor with
dimensions outweighs a zero-dimensional one, and that a Python number, unless the lighter one has a higher category.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Optional, Union

import numpy as np

from wengert.settings import settings

BOOL, INTEGER, FLOATING, COMPLEX = range(4)

Number = Union[bool, int, float, complex]

# Types that NumPy itself lacks.
_FOREIGN = ("bfloat16", "float8_e4m3fn", "float8_e5m2")


class DType:
    """One element type. There is exactly one object per type; compare with ``is`` or ``==``.

    Attributes: `name`, `category` (0 bool, 1 integer, 2 floating, 3 complex), `itemsize` in bytes,
    `is_floating_point`, `is_complex`, `is_signed`, `inexact` (floating or complex: a derivative can flow).
    """

    __slots__ = ("name", "category", "itemsize", "is_floating_point", "is_complex", "is_signed", "inexact", "_numpy")

    def __init__(self, name: str, category: int, itemsize: int, signed: bool) -> None:
        self.name = name
        self.category = category
        self.itemsize = itemsize
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.is_signed = signed
        self.inexact = category >= FLOATING
        self._numpy: Optional[np.dtype[Any]] = None if name in _FOREIGN else np.dtype(name)

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype. Those that NumPy lacks come from ml_dtypes, which is imported on first use."""
        if self._numpy is None:
            import ml_dtypes  # optional at start-up: only programs with such numbers pay for it

            self._numpy = np.dtype(getattr(ml_dtypes, self.name))
            _from_numpy[self._numpy] = self
        return self._numpy

    def array(self, value: Any) -> np.ndarray[Any, Any]:
        """A zero-dimensional array that holds `value`; integers wrap as in C."""
        try:
            return np.array(value, dtype=self._numpy or self.numpy)
        except OverflowError:
            return np.array(int(value) & 0xFFFFFFFFFFFFFFFF, dtype=np.uint64).astype(self.numpy)

    @property
    def to_real(self) -> DType:
        """The dtype of a real part: complex64 -> float32; a real dtype gives itself."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    @property
    def to_complex(self) -> DType:
        """The complex dtype of the same precision: float64 -> complex128."""
        return complex128 if self.name in ("float64", "complex128") else complex64

    def __repr__(self) -> str:
        return f"{settings.face}.{self.name}"

    def __reduce__(self) -> Any:
        return dtype_named, (self.name,)


bool_ = DType("bool", BOOL, 1, False)
uint8 = DType("uint8", INTEGER, 1, False)
int8 = DType("int8", INTEGER, 1, True)
int16 = DType("int16", INTEGER, 2, True)
int32 = DType("int32", INTEGER, 4, True)
int64 = DType("int64", INTEGER, 8, True)
uint16 = DType("uint16", INTEGER, 2, False)
uint32 = DType("uint32", INTEGER, 4, False)
uint64 = DType("uint64", INTEGER, 8, False)
float16 = DType("float16", FLOATING, 2, True)
bfloat16 = DType("bfloat16", FLOATING, 2, True)
float32 = DType("float32", FLOATING, 4, True)
float64 = DType("float64", FLOATING, 8, True)
complex64 = DType("complex64", COMPLEX, 8, True)
complex128 = DType("complex128", COMPLEX, 16, True)

# Floats of eight bits, to keep numbers in: 4 bits of exponent and 3 of fraction without infinities, or 5 and 2. They mix
# with nothing, and programs compute with them node by node. Source: P. Micikevicius et al., FP8 formats for deep
# learning, 2022.
float8_e4m3fn = DType("float8_e4m3fn", FLOATING, 1, True)
float8_e5m2 = DType("float8_e5m2", FLOATING, 1, True)
EIGHT_BIT = (float8_e4m3fn, float8_e5m2)
FOREIGN = (bfloat16, *EIGHT_BIT)

WIDE_UNSIGNED = (uint16, uint32, uint64)
ALL = (
    bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64, complex128, *WIDE_UNSIGNED,
)  # fmt: skip
_by_name = {dtype.name: dtype for dtype in (*ALL, *EIGHT_BIT)}
_from_numpy = {dtype._numpy: dtype for dtype in ALL if dtype._numpy is not None}

# NumPy types that have no tensor type: the nearest that holds their usual values.
_foreign = {"longdouble": float64, "clongdouble": complex128}

_default = float32


def dtype_named(name: str) -> DType:
    """The dtype called `name`; raises KeyError when there is none."""
    return _by_name[name]


def from_numpy(dtype: Any) -> DType:
    """The dtype of a NumPy array; raises TypeError for strings, objects and long doubles."""
    found = _from_numpy.get(dtype) if isinstance(dtype, np.dtype) else None
    if found is not None:
        return found
    key = np.dtype(dtype).newbyteorder("=")
    found = _from_numpy.get(key)
    if found is None and key.name in _FOREIGN:
        _by_name[key.name].numpy  # noqa: B018  resolves ml_dtypes and registers its type
        found = _from_numpy.get(key)
    if found is None:
        nearest = _foreign.get(key.name)
        hint = f"; convert it first, for example with .astype('{nearest.name}')" if nearest else ""
        raise TypeError(f"can't convert a NumPy array of dtype {key.name} to a tensor{hint}")
    return found


def converted(array: Any, dtype: DType) -> np.ndarray[Any, Any]:
    """Numbers as NumPy makes them of another dtype. float8_e4m3fn, which has no infinity, takes its largest number, 448,
    for what is beyond, as PyTorch 2.13 does."""
    if dtype is float8_e4m3fn:
        array = np.clip(np.asarray(array, np.float64), -448, 448)
    return np.asarray(array).astype(dtype.numpy)


def get_default_dtype() -> DType:
    """The floating dtype that Python floats become (float32 unless changed)."""
    return _default


def set_default_dtype(dtype: DType) -> None:
    """Choose the floating dtype that Python floats become.

    Raises: TypeError unless `dtype` is floating.
    """
    global _default
    if not isinstance(dtype, DType) or not dtype.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {dtype}")
    _default = dtype


def of_number(value: Number) -> DType:
    """The dtype of a Python number: bool, int64, the default float, or the default complex."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (float, np.floating)):
        return _default
    if isinstance(value, (complex, np.complexfloating)):
        return _default.to_complex
    return of_number(value.value)  # a run-time number is of the kind of what it is now (`graph/number.py`)


@cache
def promote_types(first: DType, second: DType) -> DType:
    """The smallest dtype that both convert to, by PyTorch's lattice.

    Raises: RuntimeError for an unsigned integer above uint8 with another integer or bool, and for a float of eight bits
    with anything else, as PyTorch does.
    """
    if first is second:
        return first
    if first in EIGHT_BIT or second in EIGHT_BIT:
        raise RuntimeError(
            f"Promotion for Float8 Types is not supported, attempted to promote {first.name} and {second.name}. "
            "Convert one of them, for example with .to(wengert.float32)"
        )
    if (first in WIDE_UNSIGNED or second in WIDE_UNSIGNED) and max(first.category, second.category) == INTEGER:
        raise RuntimeError(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{first.name} and {second.name}. Convert one of them, for example with .to(wengert.int64)"
        )
    low, high = sorted((first, second), key=lambda dtype: (dtype.category, dtype.itemsize))
    if low.category != high.category:
        if high.category == COMPLEX and low is float64:
            return complex128
        return high
    if high.category == INTEGER and low.is_signed != high.is_signed:  # uint8 with a signed one
        return int16 if high.itemsize == 1 else high
    if {low, high} == {float16, bfloat16}:
        return float32
    return high


def result_type(dimensioned: Any, zero_dimensional: Any = (), numbers: Any = ()) -> DType:
    """The dtype of an expression over tensors, zero-dimensional tensors and Python numbers (three iterables)."""
    result: Optional[DType] = None
    for index, group in enumerate((dimensioned, zero_dimensional, numbers)):
        candidate: Optional[DType] = None
        for dtype in group:
            candidate = dtype if candidate is None else promote_types(candidate, dtype)
        if candidate is None:
            continue
        if result is None:
            result = candidate
        elif candidate.category > result.category:
            # A lighter operand of a higher category lifts the category. A Python complex number keeps the precision
            # of a floating operand.
            keeps = index == 2 and candidate.is_complex and result.is_floating_point
            result = result.to_complex if keeps else candidate
    if result is None:
        raise TypeError("result_type needs at least one operand")
    return result


def can_cast(source: DType, target: DType) -> bool:
    """Whether a result of `source` may be written into `target` in place (never down a category)."""
    return source.category <= target.category
