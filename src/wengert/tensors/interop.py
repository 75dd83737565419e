"""Tensors and the rest of Python: NumPy arrays, DLPack, copies and pickles.

`numpy()` and `from_numpy` share memory, as PyTorch's do; by which rules, `sharing.py` says.
"""

from __future__ import annotations

import copy
import mmap
import sys
from collections.abc import Callable, Iterator
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import type_error
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, record, tracking
from wengert.primitives.control import clone
from wengert.runtime.beside import land
from wengert.runtime.flush import value_of
from wengert.settings import settings
from wengert.shapes import Shape
from wengert.tensors.cell import Cell, Link, View, derive
from wengert.tensors.sharing import BetweenProcesses, Borrowed, Lent, Shared, live_literal, now_whole, seen_through
from wengert.tensors.tensor import Tensor, link_of

# --- to NumPy ----------------------------------------------------------------------------------------------------------


def numpy(self: Tensor, *, force: bool = False) -> Any:
    """The tensor as a NumPy array of the same memory: a write to either is seen by the other.

    force: of a tensor that requires grad, give the array of what `detach()` gives.

    With ``settings.arrays = "copied"`` it is a copy of the values, also of a tensor that requires grad, and bfloat16 and
    the floats of eight bits come as the `ml_dtypes` package's.

    Raises: RuntimeError for a tensor that requires grad; TypeError for those dtypes, which NumPy lacks.
    """
    if settings.arrays == "copied":
        return np.array(value_of(self._read()), order="C")
    if self.requires_grad:
        if not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        self = self.detach()
    if self.dtype in dtypes.FOREIGN:
        name = self.dtype.name.replace("bf", "BF").replace("fl", "Fl")
        raise TypeError(f"Got unsupported ScalarType {name}: NumPy has no such type. Convert first, as with .float().")
    return lend(self)


def lend(tensor: Tensor) -> Any:
    """An array of the tensor's memory for the outside."""
    value_of(tensor._current())
    link = link_of(tensor)
    cell = link.cell
    if not cell.is_exposed():
        _expose(link, Lent(_memory_of(tensor, link, cell)))
    assert cell.exposed is not None
    return seen_through(link, cell.exposed.hand_out())


def _chain(link: Link) -> Iterator[Link]:
    """The link, and those that it looks through, up to the whole memory."""
    while True:
        yield link
        if link.view is None:
            return
        link = link.view.parent


def _memory_of(tensor: Tensor, link: Link, cell: Cell) -> Any:
    """The array to lend: the value's own when nothing else can reach it, else a copy that becomes the memory."""
    value_of(cell.node)
    if cell.strides is None and _reaches_alone(tensor, link, cell):
        return cell.node.value
    return laid_out(cell.node.value, cell.strides)


def laid_out(value: Any, strides: Optional[Shape]) -> Any:
    """A copy of an array in memory of its own with these strides in elements; None for row-major."""
    if strides is None or value.size == 0:
        return np.array(value, order="C")
    needed = 1 + sum([(n - 1) * step for n, step in zip(value.shape, strides)])
    buffer = np.zeros(needed, value.dtype)
    array = np.lib.stride_tricks.as_strided(buffer, value.shape, [step * value.itemsize for step in strides])
    array[...] = value
    return array


def _reaches_alone(tensor: Tensor, link: Link, cell: Cell) -> bool:
    """Whether this tensor, the links it looks through and its cell are all that can reach the value of the cell's node.

    Read off reference counts, which can only be too high: then the memory is copied once, and nothing else happens.
    """
    value = cell.node.value
    if cell.node.tracked or not (value.flags.c_contiguous and value.flags.writeable):
        return False
    del value
    known: dict[int, list[Any]] = {}  # each distinct node, and how many of the known holders refer to it
    for node in [cell.node, tensor._node, *[tie.node for tie in _chain(link)]]:
        known.setdefault(id(node), [node, 0])[1] += 1
    del node
    if any([_holders(entry) != entry[1] for entry in known.values()]):
        return False
    array = [cell.node.value]
    if _holders(array) != sum([entry[0].value is array[0] for entry in known.values()]):
        return False
    base = [array[0].base]
    return base[0] is None or (type(base[0]) is np.ndarray and base[0].base is None and _holders(base) == 1)


def _holders(box: list[Any]) -> int:
    """How many references there are to box[0], besides the box."""
    return _references(box[0]) - _IN_THE_BOX  # type: ignore[no-any-return]


_references: Callable[[Any], Any] = getattr(sys, "getrefcount", lambda x: sys.maxsize)
_IN_THE_BOX = 0
_IN_THE_BOX = _holders([object()])


def _array(self: Tensor, dtype: Any = None, copy: Optional[bool] = None) -> Any:
    """NumPy's protocol: ``np.asarray(tensor)``. Shares memory unless another dtype or a copy is asked for."""
    array = numpy(self)
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ValueError(f"Unable to avoid copy while creating an array of dtype {np.dtype(dtype)} from {self.dtype}")
        return array.astype(dtype)
    return array.copy() if copy else array


def _array_wrap(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
    """NumPy's protocol: what a ufunc of a tensor gives is a tensor."""
    return share(np.asarray(array))


def share_memory_(self: Tensor) -> Tensor:
    """Move the tensor's memory to where child processes (started by fork) share it: a write in one is seen by all."""
    link = link_of(self)
    cell = link.cell
    value_of(self._current())
    if isinstance(cell.exposed, BetweenProcesses):
        return self
    value = value_of(cell.node)
    block = np.frombuffer(mmap.mmap(-1, max(1, value.nbytes)), np.uint8, value.nbytes)
    array = block.view(value.dtype).reshape(value.shape)
    array[...] = value
    cell.strides = None
    _expose(link, BetweenProcesses(array))
    return self


def is_shared(self: Tensor) -> bool:
    """Whether child processes share the tensor's memory (`share_memory_`)."""
    return self._link is not None and isinstance(self._link.cell.exposed, BetweenProcesses)


def _expose(link: Link, shared: Shared) -> None:
    """From now on the outside may write to the link's memory."""
    land()
    cell = link.cell
    cell.exposed = shared
    if not cell.node.tracked:
        cell.node = live_literal(shared.array, cell.node.type)
    for tie in _chain(link):
        if tie.watch is None and not tie.node.tracked:  # the others keep their node: `grad` and hooks name it
            tie.version = -1


# --- from NumPy --------------------------------------------------------------------------------------------------------


def share(array: Any) -> Tensor:
    """A tensor on the memory of a NumPy array.

    Raises: TypeError for something else and for dtypes without a tensor type; ValueError for negative strides and a
    foreign byte order.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    dtype = dtypes.from_numpy(array.dtype)
    if not array.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Convert it first, for example with "
            "array.astype(array.dtype.newbyteorder('='))."
        )
    if not array.flags.c_contiguous:
        _check_strides(array)
    shared = Borrowed(array)
    cell = Cell(live_literal(shared.array, array_type(array.shape, dtype)))
    cell.exposed = shared
    if not array.flags.c_contiguous:
        cell.strides = tuple([step // array.itemsize for step in array.strides])
    return _tensor_on(Tensor, Link(cell, 0))


def _check_strides(array: Any) -> None:
    if any([step < 0 for step in array.strides]):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "supported. Make a copy of your array with array.copy()."
        )
    if any([step % array.itemsize for step in array.strides]):
        raise ValueError("given numpy array strides not a multiple of the element byte size. Copy the array first.")


def _tensor_on(cls: type[Tensor], link: Link) -> Tensor:
    made: Tensor = cls.__new__(cls)
    made._link = link
    made._node = link.node
    return made


# --- DLPack ------------------------------------------------------------------------------------------------------------


def _dlpack(self: Tensor, **options: Any) -> Any:
    """DLPack's protocol: a capsule of the tensor's memory.

    Raises: BufferError for a tensor that requires grad, and for dtypes that NumPy lacks.
    """
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if self.dtype in dtypes.FOREIGN:
        raise BufferError(f"Can't export {self.dtype.name} tensors. Convert first, as with .float().")
    return lend(self).__dlpack__(**{name: value for name, value in options.items() if value is not None})


def _dlpack_device(self: Tensor) -> tuple[int, int]:
    """DLPack's protocol: kind 1 is the CPU."""
    return 1, 0


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of any array that speaks DLPack.

    Raises: TypeError when it does not; BufferError when the memory cannot be shared.
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        raise type_error("from_dlpack", "an object with __dlpack__", type(ext_tensor).__name__)
    return share(np.from_dlpack(ext_tensor))


# --- copies and pickles ------------------------------------------------------------------------------------------------


def _deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy in memory of its own; tensors that share memory still do when they are copied together.

    Raises: RuntimeError for a tensor that was computed from one that requires grad.
    """
    if id(self) in memo:
        return memo[id(self)]  # type: ignore[no-any-return]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. "
            "Use detach().clone() for one that was computed."
        )
    made = _tensor_on(type(self), _copied(link_of(self), memo))
    memo[id(self)] = made
    made.requires_grad_(self.requires_grad)
    made._grad = copy.deepcopy(self._grad, memo)
    made.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return made


def _copied(link: Link, memo: dict[int, Any]) -> Link:
    """The same look into a copy of the memory."""
    last: Optional[Link] = None
    for tie in reversed(list(_chain(link))):
        made = memo.get(id(tie))
        if made is None:
            if last is None:
                made = Link(_copied_cell(tie.cell, memo), 0)
            else:
                assert tie.view is not None
                view = View(last, tie.view.primitive, tie.view.params, tie.view.tracked, tie.view.silent)
                made = Link(last.cell, -1, view)
                derive(made)
            memo[id(tie)] = made
        last = made
    assert last is not None
    return last


def _copied_cell(cell: Cell, memo: dict[int, Any]) -> Cell:
    made: Optional[Cell] = memo.get(id(cell))
    if made is None:
        if cell.is_exposed():
            content = literal(now_whole(cell), cell.node.type)
        else:
            with tracking(False):
                content = record(clone, (cell.node,))
        made = memo[id(cell)] = Cell(content)
        made.strides = cell.strides
    return made


def _copy(self: Tensor) -> Tensor:
    """A second handle on the same memory."""
    seen = self.detach()
    made = _tensor_on(type(self), link_of(seen))
    made.requires_grad_(self.requires_grad)
    made.__dict__.update(self.__dict__)
    return made


def _reduce_ex(self: Tensor, protocol: Any) -> Any:
    array = np.array(self._array(), order="C")
    if self.dtype in dtypes.FOREIGN:  # its bits: plain NumPy can read the pickle
        array = array.view(np.uint16 if self.dtype is dtypes.bfloat16 else np.uint8)
    return _rebuild, (type(self), array, self.dtype, self.requires_grad), dict(self.__dict__) or None


def _rebuild(cls: type[Tensor], array: Any, dtype: DType, requires_grad: bool) -> Tensor:
    node: Node = literal(array.view(dtype.numpy), array_type(array.shape, dtype))
    made: Tensor = cls.__new__(cls)
    made._node = node
    return made.requires_grad_(requires_grad)


METHODS: dict[str, Callable[..., Any]] = {
    "numpy": numpy, "__array__": _array, "__array_wrap__": _array_wrap, "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device, "__deepcopy__": _deepcopy, "__copy__": _copy, "__reduce_ex__": _reduce_ex,
    "share_memory_": share_memory_, "is_shared": is_shared,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
__all__ = ["from_dlpack"]
