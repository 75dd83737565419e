"""The types by which old programs name tensors of one dtype: ``torch.FloatTensor(2, 3)``, ``x.type(torch.LongTensor)``,
``isinstance(x, torch.ByteTensor)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.dtypes import DType
from wengert.errors import type_error
from wengert.functions.data import tensor
from wengert.functions.layout import LEGACY
from wengert.settings import settings
from wengert.tensors.device import check_device
from wengert.tensors.tensor import Size, Tensor

__all__ = [
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
    "LongTensor", "ShortTensor",
]  # fmt: skip


class TensorType(type):
    """A dtype of tensors as a class: every tensor of that dtype is an instance. Calling it makes one."""

    dtype: DType

    def __instancecheck__(cls, thing: Any) -> bool:
        return isinstance(thing, Tensor) and thing.dtype is cls.dtype

    def __call__(cls, *data: Any, device: Any = None) -> Tensor:
        """A tensor of the sizes given (of zeros), or of the one sequence of data.

        Raises: TypeError for anything else.
        """
        check_device(device)
        if data and all(isinstance(n, (int, np.integer)) for n in data):
            return _zeros(data, cls.dtype)
        if not data or (len(data) == 1 and isinstance(data[0], Size)):
            return _zeros(data[0] if data else (0,), cls.dtype)
        if len(data) > 1:
            raise type_error(cls.__name__, "sizes, or one sequence of data", data, f"use {settings.face}.tensor(data)")
        if isinstance(data[0], Tensor):
            if data[0].dtype is not cls.dtype:
                wanted = f"a tensor of dtype {cls.dtype.name}"
                raise type_error(cls.__name__, wanted, data[0].dtype.name, f"use x.type({cls.__name__})")
            return data[0].detach()
        return tensor(data[0], dtype=cls.dtype)

    def __repr__(cls) -> str:
        return f"<class '{settings.face}.{cls.__name__}'>"


def _zeros(shape: Any, dtype: DType) -> Tensor:
    return tensor(np.zeros([int(n) for n in shape], dtype.numpy), dtype=dtype)


def _made(name: str) -> TensorType:
    kind = TensorType(name, (), {"__doc__": f"Tensors of dtype {LEGACY[name].name}.", "__module__": __name__})
    kind.dtype = LEGACY[name]
    return kind


BFloat16Tensor = _made("BFloat16Tensor")
BoolTensor = _made("BoolTensor")
ByteTensor = _made("ByteTensor")
CharTensor = _made("CharTensor")
DoubleTensor = _made("DoubleTensor")
FloatTensor = _made("FloatTensor")
HalfTensor = _made("HalfTensor")
IntTensor = _made("IntTensor")
LongTensor = _made("LongTensor")
ShortTensor = _made("ShortTensor")
