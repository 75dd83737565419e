"""Storages of a checkpoint, and the tensors that look into them.

A file holds flat storages, and for each tensor the storage, an offset, sizes and strides. Every one of these numbers
comes from outside, so each is checked against the storage before a tensor is made of it. Tensors of one storage share
memory, as they did when they were saved.
"""

from __future__ import annotations

import sys
from pickle import UnpicklingError
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.graph.node import array_type
from wengert.graph.record import literal, tracking
from wengert.primitives.control import stop_gradient
from wengert.primitives.strided import as_strided
from wengert.primitives.views import permute, reshape, slice
from wengert.tensors.device import check_device, device
from wengert.tensors.strides import is_row_major
from wengert.tensors.tensor import Tensor, view, wrap

_LARGEST = 2**63 - 1

# PyTorch's names for storages, by dtype.
STORAGE_NAMES = {
    dtypes.float64: "DoubleStorage", dtypes.float32: "FloatStorage", dtypes.float16: "HalfStorage",
    dtypes.bfloat16: "BFloat16Storage", dtypes.int64: "LongStorage", dtypes.int32: "IntStorage",
    dtypes.int16: "ShortStorage", dtypes.int8: "CharStorage", dtypes.uint8: "ByteStorage", dtypes.bool_: "BoolStorage",
    dtypes.complex128: "ComplexDoubleStorage", dtypes.complex64: "ComplexFloatStorage",
}  # fmt: skip


class StorageType(NamedTuple):
    """What kind of storage a file holds; without a dtype it is bytes, and each tensor says what they mean."""

    name: str
    dtype: Optional[DType]


STORAGE_TYPES = {
    **{f"torch.{name}": StorageType(name, dtype) for dtype, name in STORAGE_NAMES.items()},
    "torch.storage.UntypedStorage": StorageType("UntypedStorage", None),
}


class StorageId(NamedTuple):
    """A storage as a pickle mentions it: its type, its key in the file, where it was, how many elements it has."""

    type: StorageType
    key: str
    location: str
    numel: int

    @property
    def nbytes(self) -> int:
        return self.numel * (1 if self.type.dtype is None else self.type.dtype.itemsize)


def storage_id(pid: Any) -> StorageId:
    """Check a persistent id: ``("storage", type, key, location, numel)``, as PyTorch writes it.

    Raises: UnpicklingError for anything else.
    """
    parts = [part.decode() if isinstance(part, bytes) else part for part in pid] if isinstance(pid, tuple) else []
    if len(parts) not in (5, 6) or parts[0] != "storage" or (len(parts) == 6 and parts[5] is not None):
        raise UnpicklingError(f"load: a reference in this file is no storage of PyTorch's: {pid!r}")
    kind: Any = parts[1]
    key, location, numel = parts[2:5]
    good = isinstance(kind, StorageType) and isinstance(key, str) and isinstance(location, str)
    if not (good and type(numel) is int and 0 <= numel <= _LARGEST):
        raise UnpicklingError(f"load: a storage of this file is not described as PyTorch does it: {pid!r}")
    return StorageId(kind, key, location, numel)


class Storage:
    """A flat piece of memory from a file. `map_location` functions get it; tensors are made of it by `rebuild`."""

    def __init__(self, described: StorageId, data: Any) -> None:
        self._described = described
        self._bytes = data
        self._whole: Optional[Tensor] = None
        self._dtype: Optional[DType] = described.type.dtype

    def nbytes(self) -> int:
        """How many bytes it has."""
        return int(self._bytes.nbytes)

    def size(self) -> int:
        """How many elements it has."""
        return self._described.numel

    __len__ = size

    @property
    def device(self) -> device:
        return device("cpu")

    def cpu(self) -> Storage:
        """The storage itself: it is in the memory of the CPU already."""
        return self

    def whole(self, dtype: DType, shape: tuple[int, ...]) -> Tensor:
        """The tensor of all of the memory, in `shape` when it is made now (it fits)."""
        if self._whole is None:
            self._dtype = dtype
            self._whole = wrap(literal(self._bytes.view(dtype.numpy).reshape(shape), array_type(shape, dtype)))
        return self._whole


def native(data: Any, itemsize: int, little: bool, parts: int = 1) -> Any:
    """Bytes of numbers in this machine's order. A complex number has two parts."""
    if little == (sys.byteorder == "little") or itemsize == 1:
        return data
    return data.view(f"u{itemsize // parts}").byteswap().view(np.uint8)


def rebuild(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
    dtype: Optional[DType] = None,
) -> Tensor:
    """The tensor of `size` and `stride` that begins `offset` elements into a storage.

    Raises: UnpicklingError for a tensor that would reach beyond its storage, or is not described properly.
    """
    if not isinstance(storage, Storage):
        raise UnpicklingError(f"load: a tensor of this file is made of {type(storage).__name__}, not of a storage")
    dtype = dtype or storage._dtype
    if dtype is None or (storage._dtype is not None and storage._dtype is not dtype):
        raise UnpicklingError("load: two tensors of this file take the same storage for numbers of different dtypes")
    if storage._bytes.nbytes % dtype.itemsize:
        raise UnpicklingError(f"load: a storage of {storage._bytes.nbytes} bytes can't hold numbers of {dtype}")
    _check_reach(storage._bytes.nbytes // dtype.itemsize, offset, size, stride)
    if not isinstance(requires_grad, bool) or (requires_grad and not dtype.inexact):
        raise UnpicklingError(f"load: a tensor of this file has requires_grad={requires_grad!r} with dtype {dtype}")
    with tracking(False):
        made = _looking(storage, dtype, offset, tuple(size), tuple(stride))
        if metadata:
            made = _unmarked(made, metadata)
    return made.requires_grad_() if requires_grad else made


def _check_reach(available: int, offset: Any, size: Any, stride: Any) -> None:
    """Every element lies inside the storage. Python's integers can't overflow, so the arithmetic is exact."""
    numbers = [offset, *size, *stride] if isinstance(size, tuple) and isinstance(stride, tuple) else [None]
    if not all([type(n) is int and 0 <= n <= _LARGEST for n in numbers]) or len(size) != len(stride) or len(size) > 64:
        raise UnpicklingError(f"load: a tensor of this file has impossible offset {offset}, size {size} or stride {stride}")
    total = 1
    for n in size:
        total *= n or 1
    if total > _LARGEST:
        raise UnpicklingError(f"load: a tensor of this file has the impossible size {size}")
    last = offset + sum([(n - 1) * step for n, step in zip(size, stride)]) if 0 not in size else offset - 1
    if last >= available:
        raise UnpicklingError(
            f"load: a tensor of this file (offset {offset}, size {size}, stride {stride}) reaches beyond its storage of "
            f"{available} elements; the file is damaged or made to do harm"
        )


def _looking(storage: Storage, dtype: DType, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """The tensor itself when it is all of its memory, else a view: as plain a one as will do."""
    count = storage._bytes.nbytes // dtype.itemsize
    numel = int(np.prod(size, dtype=object)) if size else 1
    plain = is_row_major(size, stride)
    first = storage._whole is None
    if plain and numel == count:
        whole = storage.whole(dtype, size)
        if first:
            return whole
        return view(whole, reshape, (size,)) if whole.shape != size else view(whole, stop_gradient, ())
    whole = storage.whole(dtype, (count,))
    flat = whole if whole.ndim == 1 else view(whole, reshape, ((count,),))
    order = list(range(len(size)))
    if not plain:
        order.sort(key=lambda axis: (-stride[axis], -size[axis]))
    sorted_size = tuple([size[axis] for axis in order])
    if numel and is_row_major(sorted_size, tuple([stride[axis] for axis in order])):
        part = view(flat, slice, (((offset, offset + numel, 1),),))
        if sorted_size != (numel,):
            part = view(part, reshape, (sorted_size,))
        return part if plain else view(part, permute, (tuple([order.index(axis) for axis in range(len(size))]),))
    return view(flat, as_strided, (size, stride, offset))


def _unmarked(made: Tensor, metadata: Any) -> Tensor:
    """PyTorch marks a conjugate or a negative instead of computing it, and saves the mark."""
    if not isinstance(metadata, dict) or not set(metadata) <= {"conj", "neg"}:
        raise UnpicklingError(f"load: a tensor of this file has metadata that wengert does not know: {metadata!r}")
    made = made.conj() if metadata.get("conj") else made
    return -made if metadata.get("neg") else made


# --- where storages go -------------------------------------------------------------------------------------------------


def placed(storage: Storage, location: str, map_location: Any) -> Storage:
    """The storage where `map_location` wants it: on the CPU, the one place there is.

    Raises: RuntimeError for another place, with what to do.
    """
    if callable(map_location):
        chosen = map_location(storage, location)
        if chosen is not None:
            if not isinstance(chosen, Storage):
                raise TypeError(f"load: map_location must return the storage or None, but returned {type(chosen).__name__}")
            return chosen
    elif isinstance(map_location, dict):
        location = map_location.get(location, location)
    elif map_location is not None:
        location = str(map_location)
    if str(location).partition(":")[0] == "cuda" and not _is_named(map_location):
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running "
            "on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to "
            "the CPU."
        )
    check_device(location)
    return storage


def _is_named(map_location: Any) -> bool:
    return map_location is not None and not callable(map_location) and not isinstance(map_location, dict)
