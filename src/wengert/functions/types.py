"""Questions about dtypes: limits, promotion; and the names of memory layouts that programs pass along."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType, of_number
from wengert.errors import type_error
from wengert.functions.operands import is_number
from wengert.settings import settings
from wengert.tensors.tensor import Tensor

__all__ = [
    "finfo", "iinfo", "result_type", "typename", "strided", "contiguous_format", "preserve_format", "channels_last",
]  # fmt: skip


# eps, tiny, max, resolution: 2^-(bits of fraction), the smallest number with a leading 1, the largest.
_EIGHT_BIT = {"float8_e4m3fn": (0.125, 2.0**-6, 448.0, 1.0), "float8_e5m2": (0.25, 2.0**-14, 57344.0, 1.0)}


class finfo:  # the peers' name
    """Limits of a floating dtype (of its real part, if complex): bits, eps, max, min, tiny, smallest_normal, resolution.

    Raises: TypeError for other dtypes.
    """

    def __init__(self, type: Optional[DType] = None) -> None:
        dtype = dtypes.get_default_dtype() if type is None else type
        if not isinstance(dtype, DType) or not dtype.inexact:
            raise TypeError(f"finfo takes a floating or complex dtype, got {dtype}; use iinfo for integers")
        real = dtype.to_real
        self.dtype = real.name
        self.bits = 8 * real.itemsize
        if real is dtypes.bfloat16:  # 8 bits of exponent as in float32, 7 of fraction
            self.eps, self.tiny, self.resolution = 2.0**-7, 2.0**-126, 0.01
            self.max = (2 - 2.0**-7) * 2.0**127
        elif real in dtypes.EIGHT_BIT:
            self.eps, self.tiny, self.max, self.resolution = _EIGHT_BIT[real.name]
        else:
            limits = np.finfo(real.numpy)
            self.eps, self.tiny = float(limits.eps), float(limits.smallest_normal)
            self.resolution, self.max = float(limits.resolution), float(limits.max)
        self.min = -self.max
        self.smallest_normal = self.tiny

    def __repr__(self) -> str:
        return f"finfo(resolution={self.resolution}, min={self.min}, max={self.max}, eps={self.eps}, dtype={self.dtype})"


class iinfo:  # the peers' name
    """Limits of an integer dtype: bits, max, min.

    Raises: TypeError for other dtypes.
    """

    def __init__(self, type: DType) -> None:
        if not isinstance(type, DType) or type.category != dtypes.INTEGER:
            raise TypeError(f"iinfo takes an integer dtype, got {type}; use finfo for floating ones")
        limits = np.iinfo(type.numpy)
        self.dtype, self.bits, self.max, self.min = type.name, limits.bits, int(limits.max), int(limits.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def result_type(tensor1: Any, tensor2: Any) -> DType:
    """The dtype of an operation between two tensors or numbers. Raises: TypeError for anything else."""
    groups: tuple[list[DType], list[DType], list[DType]] = ([], [], [])
    for operand in (tensor1, tensor2):
        if isinstance(operand, Tensor):
            groups[0 if operand.ndim else 1].append(operand.dtype)
        elif is_number(operand):
            groups[2].append(of_number(operand))
        else:
            raise type_error("result_type", "a Tensor or a number", type(operand).__name__)
    return dtypes.result_type(*groups)


def typename(obj: Any) -> str:
    """The name of an object's type: ``torch.FloatTensor`` for tensors, the qualified class name otherwise."""
    if isinstance(obj, Tensor):
        return obj.type()  # type: ignore[attr-defined]
    kind = obj if isinstance(obj, type) else type(obj)
    return kind.__qualname__ if kind.__module__ in ("builtins", "") else f"{kind.__module__}.{kind.__qualname__}"


class Layout:
    """A layout or memory format by name. Every tensor here is strided and, as far as a program can see, contiguous."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{settings.face}.{self.name}"


strided = Layout("strided")
contiguous_format = Layout("contiguous_format")
preserve_format = Layout("preserve_format")
channels_last = Layout("channels_last")

METHODS: dict[str, Any] = {}
IN_PLACE: tuple[str, ...] = ()
