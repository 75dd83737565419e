"""Whole batches: the rows of tensors and arrays at given positions, gathered at once.

A data set offers its batches as wholes by a method ``__getbatch__(indices)``: from an int64 array of positions to what
the default collation would make of the samples there (a tuple in the place of a list), or `NotImplemented` when it
turns out that it can't. Tensors and NumPy arrays, as data sets of their rows, need no method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.graph.rule import primitives
from wengert.primitives.casting import move
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor, wrap

Array = np.ndarray[Any, Any]
Reader = Callable[[Array], Any]


def batch_reader(source: Any) -> Optional[Reader]:
    """What gathers whole batches of a data set, or None when samples must be asked for one by one."""
    if isinstance(source, Tensor):
        return partial(rows, source)
    if isinstance(source, np.ndarray):
        return partial(_array_rows, source)
    if wins(type(source), "__getbatch__", "__getitem__"):
        return source.__getbatch__
    return None


def wins(kind: type, name: str, other: str) -> bool:
    """Whether `kind` has a method `name` that knows of its method `other`: defined with it, or further down. A subclass
    that changes only what happens to one sample must not be passed over by the method for many."""
    for base in kind.__mro__:
        if name in vars(base):
            return vars(base)[name] is not None
        if other in vars(base):
            return False
    return False


def rows(tensor: Tensor, indices: Array) -> Tensor:
    """tensor[indices]: along the first axis, in memory of its own.

    Raises: IndexError for a position that is not there.
    """
    node = tensor._current()
    if node.tracked:
        return wrap(primitives.take(tensor._read(), literal(indices, array_type(indices.shape, dtypes.int64)), axis=0))
    array = value_of(node).take(indices, axis=0)
    return wrap(literal(array, array_type(array.shape, node.type.dtype)))


def take_rows(source: Any, indices: Array) -> Tensor:
    """The rows of a tensor or array at these positions, gathered at once into memory of the result's own.

    source: (rows, ...);   indices: (n,), integers, none negative.   Result: (n, ...)

    Raises: IndexError for a position that is not there; TypeError for dtypes that have no tensor type.

    >>> take_rows(np.arange(6.0).reshape(3, 2), np.array([2, 0]))
    tensor([[4., 5.],
            [0., 1.]], dtype=wengert.float64)
    """
    return rows(source, indices) if isinstance(source, Tensor) else _array_rows(source, indices)


def _array_rows(array: Array, indices: Array) -> Tensor:
    return of_array(array.take(indices, axis=0))


def split_rows(tensor: Tensor, size: int) -> list[Tensor]:
    """The rows of a tensor, which nobody else has, `size` at a time, the last ones fewer; without copying them.

    >>> split_rows(take_rows(np.arange(3), np.array([2, 0, 1])), 2)
    [tensor([2, 0]), tensor([1])]
    """
    type = tensor._node.type
    n = type.shape[0]
    if n <= size:
        return [tensor]
    array = value_of(tensor._current())
    whole = array_type((size, *type.shape[1:]), type.dtype)
    found = [wrap(literal(array[start : start + size], whole)) for start in range(0, n - size + 1, size)]
    return [*found, of_array(array[-(n % size) :])] if n % size else found


def of_array(array: Any) -> Tensor:
    """A tensor with an array of our own as its value. Raises: TypeError for dtypes that have no tensor type."""
    array = np.asarray(array)
    dtype = dtypes.from_numpy(array.dtype)
    native = array.astype(dtype.numpy, copy=False)
    return wrap(literal(native, array_type(array.shape, dtype)))


def stack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors along a new first axis.

    Raises: RuntimeError when their shapes differ.
    """
    shape = tensors[0]._node.type.shape
    for number, tensor in enumerate(tensors):
        if tensor._node.type.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(tensor._node.type.shape)} at entry {number}"
            )
    return _joined(tensors, lambda x: x.reshape(1, *shape), lambda x: primitives.reshape(x, shape=(1, *shape)))


def concatenate(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one after another along the first axis.

    Raises: RuntimeError when their shapes differ in another axis.
    """
    tail = tensors[0]._node.type.shape[1:]
    for tensor in tensors:
        if tensor._node.type.shape[1:] != tail:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tail)} and "
                f"{list(tensor._node.type.shape[1:])} in one batch"
            )
    return _joined(tensors, lambda x: x, lambda x: x)


def _joined(tensors: Sequence[Tensor], of_value: Callable[..., Any], of_node: Callable[..., Any]) -> Tensor:
    """Along the first axis, in the dtype that all promote to. Recorded only where a derivative may flow: a batch is
    data, and should be there when the step begins."""
    nodes = [tensor._current() for tensor in tensors]
    dtype = nodes[0].type.dtype
    if any([node.type.dtype is not dtype for node in nodes]):
        dtype = dtypes.result_type([node.type.dtype for node in nodes])
    if any([node.tracked for node in nodes]):
        parts = [of_node(move(tensor._read(), dtype)) for tensor in tensors]
        return wrap(primitives.concatenate(*parts, axis=0))
    arrays = [of_value(value_of(node).astype(dtype.numpy, copy=False)) for node in nodes]
    array = np.concatenate(arrays)
    return wrap(literal(array, array_type(array.shape, dtype)))
