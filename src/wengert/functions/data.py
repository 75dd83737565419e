"""Tensors from what Python holds: numbers, nested lists, arrays, buffers; and copies of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Optional, Union

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import type_error
from wengert.functions.operands import is_number
from wengert.graph.node import Node, array_type
from wengert.graph.number import RuntimeNumber
from wengert.graph.record import literal, record, scalar, tracking
from wengert.primitives.casting import move
from wengert.primitives.control import clone as clone_node
from wengert.tensors.device import check_device
from wengert.tensors.interop import from_dlpack, share
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "tensor", "as_tensor", "asarray", "from_numpy", "frombuffer", "from_dlpack", "scalar_tensor", "clone", "is_tensor",
]  # fmt: skip

_PYTHON = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}
_PLAIN = frozenset(_PYTHON)
_DEEPEST = 64  # NumPy's greatest number of dimensions


def dtype_named_by(dtype: Any, operation: str) -> DType:
    """A dtype argument: a dtype, or the Python type that stands for one.

    Raises: TypeError for anything else.
    """
    if isinstance(dtype, DType):
        return dtype
    if isinstance(dtype, type) and dtype in _PYTHON:
        return _PYTHON[dtype]
    raise type_error(operation, "argument 'dtype' must be a dtype such as float32", dtype)


def tensor(
    data: Any,
    *,
    dtype: Optional[DType] = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with a copy of `data`: a number, nested sequences of numbers, an array, or a tensor (without history).

    dtype: by default that of an array; of Python numbers bool, int64, the default float or complex, the highest wins.

    Raises: ValueError for ragged sequences and integers beyond 64 bits; TypeError or RuntimeError for what is no
    number; RuntimeError when an integer does not fit `dtype`.

    >>> tensor([[1, 2], [3, 4]]).shape
    wengert.Size([2, 2])
    """
    check_device(device)
    if dtype is not None:
        dtype = dtype_named_by(dtype, "tensor")
    made = wrap(_node_of_data(data, dtype))
    return made.requires_grad_() if requires_grad else made


def _node_of_data(data: Any, dtype: Optional[DType]) -> Node:
    if isinstance(data, Tensor):
        with tracking(False):
            x = data._read()
            return record(clone_node, (x,)) if dtype in (None, x.dtype) else move(x, dtype)
    if data.__class__ is RuntimeNumber:
        if dtype is None or dtype.inexact:
            return scalar(data, dtype or dtypes.of_number(data.value))
        data = data.value.__class__(data)
    array, natural = array_of(data)
    dtype = dtype or natural
    return literal(_cast(array, dtype), array_type(array.shape, dtype))


def array_of(data: Any) -> tuple[Any, DType]:
    """A fresh array of what is no tensor, and the dtype that it has by itself.

    Raises: as `tensor` does.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        natural = dtypes.from_numpy(data.dtype)
        return np.array(data, natural.numpy, order="C"), natural
    if is_number(data) or isinstance(data, (bool, int, float, complex)):
        return _numbers(data, dtypes.of_number(data)), dtypes.of_number(data)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if isinstance(data, (list, tuple)):
        return _array_of_sequence(data)
    if hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return array_of(np.asarray(data))
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return _array_of_sequence(list(data))
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _array_of_sequence(data: Sequence[Any]) -> tuple[Any, DType]:
    kinds, tensors = _kinds(data)
    if not kinds:
        natural = dtypes.get_default_dtype()
    else:
        natural = reduce(dtypes.promote_types, [k if isinstance(k, DType) else dtypes.of_number(k()) for k in kinds])
    if tensors:
        data = _without_tensors(data)
    return _numbers(data, natural), natural


def _kinds(data: Sequence[Any]) -> tuple[set[Any], bool]:
    """What the leaves are: Python number types, and the dtypes of tensors and NumPy values among them; and whether there are
    tensors."""
    kinds: set[Any] = set()
    tensors = False
    rows: list[tuple[Any, int]] = [(data, 1)]
    while rows:
        row, depth = rows.pop()
        if depth > _DEEPEST:
            raise ValueError(f"too many dimensions: sequences are nested more than {_DEEPEST} deep")
        found = set(map(type, row))
        if found <= _PLAIN:
            kinds |= found
            continue
        if found <= _OF_NUMPY.keys():
            kinds.update([_OF_NUMPY[kind] for kind in found])
            continue
        for item in row:
            if isinstance(item, (list, tuple, range)):
                rows.append((item, depth + 1))
            else:
                kinds.add(_kind(item))
                tensors = tensors or isinstance(item, Tensor)
    return kinds, tensors


# NumPy's own numbers.
_OF_NUMPY = {dtype.numpy.type: dtype for dtype in dtypes.ALL if dtype not in dtypes.FOREIGN}


def _kind(item: Any) -> Any:
    if isinstance(item, Tensor):
        if item.numel() != 1:
            raise ValueError(
                f"only one element tensors can be converted to Python scalars; got one of shape {list(item.shape)}. "
                "Use stack() or cat() to join tensors."
            )
        return item.dtype
    if isinstance(item, (np.ndarray, np.generic)):
        return dtypes.from_numpy(item.dtype)
    if item.__class__ is RuntimeNumber:
        return item.value.__class__
    for kind in (bool, int, float, complex):
        if isinstance(item, kind):
            return kind
    if isinstance(item, (str, bytes)):
        raise ValueError(f"too many dimensions '{type(item).__name__}'")
    raise RuntimeError(f"Could not infer dtype of {type(item).__name__}")


def _without_tensors(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return [_without_tensors(item) for item in data]
    return data.item() if isinstance(data, Tensor) else data


_WIDEST = (np.bool_, np.int64, np.float64, np.complex128)


def _numbers(data: Any, natural: DType) -> Any:
    """The array of Python numbers, in the widest dtype of their category."""
    try:
        return np.array(data, _WIDEST[natural.category])
    except OverflowError:
        raise ValueError("Overflow when unpacking long long: an integer does not fit in 64 bits") from None
    except (ValueError, TypeError):
        _check_lengths(data, 0)
        raise


def _check_lengths(data: Any, dim: int) -> None:
    """Raises: ValueError that names the first place where nested sequences are ragged; TypeError where a number stands
    beside a sequence.
    """
    if not isinstance(data, (list, tuple)) or not data:
        return
    wanted = len(data[0]) if isinstance(data[0], (list, tuple)) else None
    for row in data:
        got = len(row) if isinstance(row, (list, tuple)) else None
        if (got is None) != (wanted is None):
            raise TypeError(f"expected sequences or numbers at dim {dim + 1}, but there are both")
        if got != wanted:
            raise ValueError(f"expected sequence of length {wanted} at dim {dim + 1} (got {got})")
    for row in data:
        _check_lengths(row, dim + 1)


def _cast(array: Any, dtype: DType) -> Any:
    """The array in `dtype`.

    Raises: RuntimeError for an integer dtype that cannot hold a value (a negative one wraps in uint8); TypeError from
    complex to real.
    """
    target = dtype.numpy
    if array.dtype == target:
        return array
    if array.dtype.kind == "c" and target.kind != "c":
        if target.kind == "b":
            return array != 0
        raise TypeError("must be real number, not complex")
    if target.kind in "iu" and array.dtype.kind in "iuf" and array.size:
        limits = np.iinfo(target)
        low = -limits.max if target.kind == "u" else limits.min
        with np.errstate(invalid="ignore"):
            if not ((array >= low) & (array <= limits.max)).all():
                raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
            return array.astype(np.int64).astype(target)
    with np.errstate(all="ignore"):
        return dtypes.converted(array, dtype)


def as_tensor(data: Any, dtype: Optional[DType] = None, device: Any = None) -> Tensor:
    """`data` as a tensor, with its memory and history if it is one already, or with the memory of an array.

    Raises: as `tensor` does.
    """
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype in (None, data.dtype) else data.to(dtype)  # type: ignore[attr-defined]
    if isinstance(data, np.ndarray) and dtype in (None, dtypes.from_numpy(data.dtype)):
        return share(data)
    return tensor(data, dtype=dtype)


def asarray(
    obj: Any,
    *,
    dtype: Optional[DType] = None,
    device: Any = None,
    copy: Optional[bool] = None,
    requires_grad: bool = False,
) -> Tensor:
    """`obj` as a tensor: a tensor, an array, a DLPack capsule's owner or a buffer keeps its memory, others are copied.

    copy: True always copies; False raises where sharing is impossible.

    Raises: ValueError when memory should be shared but cannot.
    """
    check_device(device)
    if isinstance(obj, (Tensor, np.ndarray)):
        made = obj if isinstance(obj, Tensor) else share(obj)
    elif hasattr(obj, "__dlpack__"):
        made = from_dlpack(obj)
    elif isinstance(obj, (bytearray, memoryview)):
        made = share(np.frombuffer(obj, (dtype or dtypes.get_default_dtype()).numpy))
    else:
        if copy is False:
            raise ValueError(f"can't alias arbitrary sequence into a tensor: {type(obj).__name__}")
        made, copy = tensor(obj, dtype=dtype), None
    if dtype is not None and made.dtype is not dtype:
        if copy is False:
            raise ValueError(f"can't alias tensor with dtype '{made.dtype}' into dtype '{dtype}'.")
        made, copy = made.to(dtype), None  # type: ignore[attr-defined]
    if copy:
        made = clone(made)
    if requires_grad and not made.requires_grad:
        made = made.detach().requires_grad_()
    return made


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor on the memory of a NumPy array: a write to either is seen by the other.

    Raises: TypeError for something else and for dtypes without a tensor type; ValueError for negative strides.
    """
    return share(ndarray)


def frombuffer(buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A one-dimensional tensor on the memory of an object with the buffer protocol.

    Raises: ValueError when the buffer is too small or `offset` lies outside.
    """
    made = share(np.frombuffer(buffer, dtype_named_by(dtype, "frombuffer").numpy, count, offset))
    return made.requires_grad_() if requires_grad else made


def scalar_tensor(
    s: Union[Tensor, complex], *, dtype: Optional[DType] = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A zero-dimensional tensor of one number, by default of the default floating dtype."""
    return tensor(s, dtype=dtype or dtypes.get_default_dtype(), device=device, requires_grad=requires_grad)


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """The same values in memory of their own; a derivative flows through."""
    if not isinstance(input, Tensor):
        raise type_error("clone", "argument 'input' must be a Tensor", type(input).__name__)
    return wrap(record(clone_node, (input._read(),)))


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


def new_tensor(
    self: Tensor, data: Any, *, dtype: Optional[DType] = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`tensor(data)` of this tensor's dtype."""
    return tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


def new(self: Tensor, *args: Any) -> Tensor:
    """PyTorch's legacy constructor: of sizes (zeros) or of data, in this tensor's dtype."""
    made = Tensor(*args)
    return wrap(move(made._node, self.dtype))


METHODS = {"clone": clone, "new_tensor": new_tensor, "new": new}
IN_PLACE: tuple[str, ...] = ()
