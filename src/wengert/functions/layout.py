"""Where a tensor's elements lie, and what it is made of: strides, contiguity, dtype and device."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import dtype_error, type_error
from wengert.functions.data import dtype_named_by
from wengert.functions.operands import node_of, shape_of, sizes
from wengert.graph.record import record, recorder, scalar
from wengert.primitives.casting import move
from wengert.primitives.control import clone
from wengert.primitives.creation import full
from wengert.primitives.views import concatenate, reshape, slice
from wengert.runtime.flush import value_of
from wengert.settings import settings
from wengert.tensors.device import check_device, device
from wengert.tensors.strides import is_plain, is_row_major, layout_of
from wengert.tensors.tensor import Tensor, link_of, view_in_place, wrap

__all__ = ["numel", "is_same_size", "is_floating_point", "is_complex", "is_nonzero"]


# --- memory ------------------------------------------------------------------------------------------------------------


def stride(self: Tensor, dim: Optional[int] = None) -> Any:
    """How many elements apart neighbours lie: of every dimension, or of one.

    Raises: IndexError for a dimension that is not there.
    """
    steps = layout_of(self)[0]
    if dim is None:
        return steps
    if not -len(steps) <= dim < len(steps):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-len(steps)}, {len(steps) - 1}], but got {dim})"
        )
    return steps[dim]


def storage_offset(self: Tensor) -> int:
    """How many elements of the memory stand before the first of this tensor."""
    return layout_of(self)[1]


def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie in row-major order, one after another."""
    return is_plain(self) or is_row_major(self._node.shape, layout_of(self)[0])


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself when its elements lie in row-major order, else a copy for which they do."""
    return self if is_contiguous(self) else wrap(record(clone, (self._read(),)))


def data_ptr(self: Tensor) -> int:
    """The address of the first element. Two tensors on one memory agree on it; it is good for comparing only, since the
    address changes when the memory is written to."""
    link = self._link
    if link is None:
        return value_of(self._node).ctypes.data
    self._current()
    offset = layout_of(self)[1]
    return value_of(link.cell.node).ctypes.data + offset * self.dtype.itemsize


class Storage:
    """The memory that a tensor shares, to be asked where it is and how large."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self._cell = link_of(tensor).cell

    def data_ptr(self) -> int:
        """The address of its first byte."""
        self._tensor._current()
        address: int = value_of(self._cell.node).ctypes.data
        return address

    def nbytes(self) -> int:
        """How many bytes it has."""
        return self._cell.node.size * self._cell.node.dtype.itemsize

    size = __len__ = nbytes


def untyped_storage(self: Tensor) -> Storage:
    """The memory that the tensor shares with its views."""
    return Storage(self)


def resize_(self: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Give the tensor other sizes: the elements in row-major order as far as there are, then zeros.

    Raises: RuntimeError for a tensor that requires grad, and for negative sizes.
    """
    wanted = sizes("resize_", size)
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if wanted and min(wanted) < 0:
        raise RuntimeError(f"resize_: sizes must not be negative: {list(wanted)}")
    x = self._read()
    total = 1
    for n in wanted:
        total *= n
    if total == x.size and is_contiguous(self):
        return view_in_place(self, reshape, (wanted,))
    flat = record(reshape, (x,), ((x.size,),))
    if total <= x.size:
        flat = record(slice, (flat,), (((0, total, 1),),))
    else:
        rest = record(full, (scalar(0, x.dtype),), ((total - x.size,),))
        flat = record(concatenate, (flat, rest), (0,))
    self.data = wrap(record(reshape, (flat,), (wanted,)))
    return self


def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """`resize_` to the sizes of another tensor."""
    return resize_(self, tuple(the_template.shape))


def set_(self: Tensor, source: Optional[Tensor] = None) -> Tensor:
    """Show the memory of another tensor from now on, with its sizes and strides; of none, become empty.

    Raises: RuntimeError for another dtype, and for a leaf that requires grad; TypeError for what is no tensor.
    """
    if source is None:
        source = wrap(record(full, (scalar(0, self.dtype),), ((0,),)))
    if not isinstance(source, Tensor):
        raise type_error("set_", "argument 'source' must be a Tensor", builtins.type(source).__name__)
    if source.dtype is not self.dtype:
        raise dtype_error("set_", f"a source of this tensor's dtype {self.dtype}", source.dtype)
    if self.requires_grad and self.is_leaf and recorder.tracking:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation: set_.")
    self.data = source
    return self


def _itself(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor itself: it is where it should be."""
    return self


# --- dtype and device --------------------------------------------------------------------------------------------------


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor in another dtype or on another device; itself when it is so already and `copy` is not set.

    ``to(dtype)``, ``to(device)``, ``to(device, dtype)``, ``to(other)``, each with `non_blocking` and `copy`.

    Raises: RuntimeError for a device that is not there; TypeError for other arguments.
    """
    dtype, where, copy = _wanted(args, kwargs)
    check_device(where)
    if dtype is None or dtype is self._node.type.dtype:
        return wrap(record(clone, (self._read(),))) if copy else self
    return wrap(move(self._read(), dtype))


def _wanted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Optional[DType], Any, bool]:
    """The dtype, device and copy flag that `to` was asked for."""
    known = {"device", "dtype", "other", "tensor", "non_blocking", "copy", "memory_format"}
    if not known.issuperset(kwargs):
        raise type_error("to", f"keyword arguments among {', '.join(sorted(known))}", ", ".join(kwargs))
    dtype, where = kwargs.get("dtype"), kwargs.get("device")
    other = kwargs.get("other", kwargs.get("tensor"))
    flags = []
    for value in args:
        if isinstance(value, Tensor):
            other = value
        elif isinstance(value, (DType, builtins.type)):
            dtype = value
        elif isinstance(value, bool):
            flags.append(value)
        elif isinstance(value, (str, device, int)):
            where = value
        elif value is not None:
            raise type_error("to", "a dtype, a device or a tensor", builtins.type(value).__name__)
    if other is not None:
        dtype, where = other.dtype, other.device
    copy = kwargs.get("copy", flags[1] if len(flags) > 1 else False)
    return (None if dtype is None else dtype_named_by(dtype, "to")), where, copy


def _converter(dtype: DType) -> Callable[..., Tensor]:
    def function(self: Tensor, memory_format: Any = None) -> Tensor:
        return self if self._node.type.dtype is dtype else wrap(move(self._read(), dtype))

    function.__doc__ = f"The tensor in dtype {dtype.name}; itself when it has it."
    return function


LEGACY = {
    "FloatTensor": dtypes.float32, "DoubleTensor": dtypes.float64, "HalfTensor": dtypes.float16,
    "BFloat16Tensor": dtypes.bfloat16, "LongTensor": dtypes.int64, "IntTensor": dtypes.int32,
    "ShortTensor": dtypes.int16, "CharTensor": dtypes.int8, "ByteTensor": dtypes.uint8, "BoolTensor": dtypes.bool_,
    "ComplexFloatTensor": dtypes.complex64, "ComplexDoubleTensor": dtypes.complex128, "UInt16Tensor": dtypes.uint16,
    "UInt32Tensor": dtypes.uint32, "UInt64Tensor": dtypes.uint64,
}  # fmt: skip
_LEGACY_NAMES = {dtype: name for name, dtype in LEGACY.items()}


def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The tensor in another dtype, also by its legacy type or that one's name (``"torch.FloatTensor"``); without one, that
    name.

    Raises: ValueError for an unknown name.
    """
    if dtype is None:
        return f"{settings.face}.{_LEGACY_NAMES[self.dtype]}"
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2]
        if name not in LEGACY:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = LEGACY[name]
    return to(self, getattr(dtype, "dtype", dtype))


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another."""
    return to(self, node_of(other, "type_as", "other").dtype)


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Raises: RuntimeError, since there is no CUDA device here."""
    check_device("cuda" if device is None else device)
    return self


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself: it is on the CPU."""
    return self


def get_device(self: Tensor) -> int:
    """-1: the tensor is on the CPU."""
    return -1


# --- questions ---------------------------------------------------------------------------------------------------------


def numel(input: Tensor) -> int:
    """The number of elements."""
    return node_of(input, "numel").size


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape."""
    return shape_of(input, "is_same_size") == shape_of(other, "is_same_size", "other")


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is floating."""
    return node_of(input, "is_floating_point").dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex."""
    return node_of(input, "is_complex").dtype.is_complex


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero.

    Raises: RuntimeError unless there is exactly one.
    """
    return bool(input)


METHODS: dict[str, Any] = {
    "stride": stride, "storage_offset": storage_offset, "is_contiguous": is_contiguous, "contiguous": contiguous,
    "data_ptr": data_ptr, "untyped_storage": untyped_storage,
    "resize_": resize_, "resize_as_": resize_as_, "set_": set_, "to": to, "type": type, "type_as": type_as,
    "cuda": cuda, "cpu": cpu, "get_device": get_device, "pin_memory": _itself,
    "is_pinned": lambda self, device=None: False, "is_same_size": is_same_size,
    "is_nonzero": is_nonzero, "nelement": Tensor.numel, "ndimension": Tensor.dim,
    "is_signed": lambda self: self.dtype.is_signed, "is_inference": lambda self: False,
    "is_conj": lambda self: False, "is_neg": lambda self: False, "resolve_conj": _itself, "resolve_neg": _itself,
    "is_cpu": property(lambda self: True),
    "float": _converter(dtypes.float32), "double": _converter(dtypes.float64), "half": _converter(dtypes.float16),
    "bfloat16": _converter(dtypes.bfloat16), "long": _converter(dtypes.int64), "int": _converter(dtypes.int32),
    "short": _converter(dtypes.int16), "char": _converter(dtypes.int8), "byte": _converter(dtypes.uint8),
    "bool": _converter(dtypes.bool_), "cfloat": _converter(dtypes.complex64), "cdouble": _converter(dtypes.complex128),
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
