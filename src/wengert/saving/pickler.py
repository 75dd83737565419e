"""The pickle of a checkpoint, under the names that PyTorch's own reader allows: `torch._utils._rebuild_tensor_v2` and its
kin. None of these has to exist here to be written, which is why this builds on Python's own pickler in Python: the one
in C insists on importing what it names.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

from wengert.dtypes import ALL, EIGHT_BIT, DType
from wengert.nn.parameter import Buffer, Parameter
from wengert.runtime.flush import value_of
from wengert.saving.storages import STORAGE_NAMES
from wengert.tensors.device import device
from wengert.tensors.strides import layout_of
from wengert.tensors.tensor import Size, Tensor


class Name:
    """A global, by the name that is written."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *args: Any) -> Any:  # a pickler writes calls of callables only; this one is never called
        raise TypeError(f"{self.module}.{self.name} is a name in a file")


_REBUILD = Name("torch._utils", "_rebuild_tensor_v2")
_REBUILD_OF_BYTES = Name("torch._utils", "_rebuild_tensor_v3")  # for dtypes that have no storage type
_PARAMETER = Name("torch._utils", "_rebuild_parameter")
_PARAMETER_WITH_STATE = Name("torch._utils", "_rebuild_parameter_with_state")
_OF_TYPE = Name("torch._tensor", "_rebuild_from_type_v2")
_TENSOR, _SIZE, _DEVICE = Name("torch", "Tensor"), Name("torch", "Size"), Name("torch", "device")
_STORAGES = {dtype: Name("torch", name) for dtype, name in STORAGE_NAMES.items()}
_BYTES = Name("torch.storage", "UntypedStorage")
_DTYPES = {dtype: Name("torch", dtype.name) for dtype in (*ALL, *EIGHT_BIT)}


class Reference(NamedTuple):
    """A storage as the pickle mentions it; `numel` in bytes where PyTorch has no storage type for the dtype."""

    dtype: DType
    key: str
    numel: int


class Pickler(pickle._Pickler):
    """Writes an object's pickle to `file` and collects the storages of its tensors: `storages`, by key, as flat arrays.

    old: mention storages as the old format does.
    """

    def __init__(self, file: io.BytesIO, protocol: int, old: bool = False) -> None:
        super().__init__(file, protocol)
        self._old = old
        self.storages: dict[str, Any] = {}
        self.counts: dict[str, int] = {}
        self._known: dict[int, tuple[Any, Reference]] = {}  # by the identity of the memory, which the entry keeps alive

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Reference):
            return None
        pid = ("storage", _STORAGES.get(obj.dtype, _BYTES), obj.key, "cpu", obj.numel)
        return (*pid, None) if self._old else pid

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Parameter):
            data = obj.detach()
            if obj.__dict__:
                return _PARAMETER_WITH_STATE, (data, obj.requires_grad, OrderedDict(), dict(obj.__dict__))
            return _PARAMETER, (data, obj.requires_grad, OrderedDict())
        if isinstance(obj, Tensor):
            rebuild, args = self._described(obj)
            attributes = {} if isinstance(obj, Buffer) else obj.__dict__
            return (_OF_TYPE, (rebuild, _TENSOR, args, dict(attributes))) if attributes else (rebuild, args)
        if isinstance(obj, Size):
            return _SIZE, (tuple(obj),)
        if isinstance(obj, device):
            return _DEVICE, (obj.type,) if obj.index is None else (obj.type, obj.index)
        return NotImplemented

    def _described(self, tensor: Tensor) -> tuple[Name, tuple[Any, ...]]:
        """What makes a tensor, and its arguments.

        Raises: RuntimeError for a dtype that the old format has no storage for.
        """
        tensor._current()
        if self._old and tensor.dtype not in _STORAGES:
            raise RuntimeError(
                f"save: the old format holds no tensors of {tensor.dtype}; leave out _use_new_zipfile_serialization=False"
            )
        stride, offset = layout_of(tensor)
        storage, size = self._storage_of(tensor), tuple(tensor.shape)
        args: tuple[Any, ...] = (storage, offset, size, stride, tensor.requires_grad, OrderedDict())
        return (_REBUILD, args) if tensor.dtype in _STORAGES else (_REBUILD_OF_BYTES, (*args, tensor.dtype))

    def _storage_of(self, tensor: Tensor) -> Reference:
        """The memory that a tensor looks into; the same key for all that share it.

        Raises: RuntimeError when two of them take it for numbers of different dtypes.
        """
        memory = tensor._node if tensor._link is None else tensor._link.cell
        known = self._known.get(id(memory))
        if known is not None:
            if known[1].dtype is not tensor.dtype:
                raise RuntimeError(
                    "Cannot save multiple tensors or storages that view the same data as different types: "
                    f"{known[1].dtype} and {tensor.dtype}. Save clones of them."
                )
            return known[1]
        array = _flat(tensor)
        itemsize = tensor.dtype.itemsize if tensor.dtype in _STORAGES else 1
        reference = Reference(tensor.dtype, str(len(self.storages)), array.nbytes // itemsize)
        self._known[id(memory)] = (memory, reference)
        self.storages[reference.key], self.counts[reference.key] = array, reference.numel
        return reference

    def _save_name(self, obj: Any) -> None:
        name = _DTYPES[obj] if isinstance(obj, DType) else obj
        if self.proto >= 4:
            self.save(name.module)
            self.save(name.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{name.module}\n{name.name}\n".encode())
        self.memoize(obj)

    dispatch = {**pickle._Pickler.dispatch, Name: _save_name, DType: _save_name}  # type: ignore[dict-item]


def _flat(tensor: Tensor) -> Any:
    """All of the memory that a tensor looks into, as a flat array that nobody writes to meanwhile."""
    if tensor._link is None:
        return np.ascontiguousarray(value_of(tensor._node)).reshape(-1)
    cell = tensor._link.cell
    value = value_of(cell.node)
    if cell.strides is None or value.size == 0:
        return np.ascontiguousarray(value).reshape(-1)
    flat = np.zeros(1 + sum([(n - 1) * step for n, step in zip(value.shape, cell.strides)]), value.dtype)
    steps = [step * value.itemsize for step in cell.strides]
    np.lib.stride_tricks.as_strided(flat, value.shape, steps)[...] = value
    return flat


def pickled(obj: Any, protocol: int, old: bool = False) -> tuple[bytes, Pickler]:
    """The pickle of an object, and the pickler with its storages."""
    file = io.BytesIO()
    pickler = Pickler(file, protocol, old)
    pickler.dump(obj)
    return file.getvalue(), pickler
