"""Names for kinds of values, for programs' annotations."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Optional, Union

from wengert.dtypes import DType
from wengert.tensors.device import device
from wengert.tensors.tensor import Size, Tensor

__all__ = ["Device", "FileLike", "Number", "Storage"]

Number = Union[builtins.int, builtins.float, builtins.bool]
Device = Optional[Union[device, str, builtins.int]]
FileLike = Union[str, builtins.bytes]
Storage = Tensor  # tensors are their own memory here
_TensorOrTensors = Union[Tensor, Sequence[Tensor]]
_dtype, _device = DType, device
_size = Union[Size, list[builtins.int], tuple[builtins.int, ...]]
_int, _float, _bool = builtins.int, builtins.float, builtins.bool
