"""What may stand between the brackets of ``x[...]``, taken apart."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import index_error, type_error
from wengert.functions.data import array_of
from wengert.functions.parts import Entry, everything, position
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, recorder
from wengert.primitives.casting import move
from wengert.runtime.flush import value_of
from wengert.shapes import Shape, broadcast
from wengert.tensors.tensor import Tensor

_slice = builtins.slice


# --- integers and slices -----------------------------------------------------------------------------------------------


def plain(shape: Shape, items: tuple[Any, ...]) -> Optional[tuple[Entry, ...]]:
    """The slice primitive's index when there are only integers in range and slices; None otherwise."""
    n = len(items)
    if n > len(shape):
        return None
    found: list[Entry] = []
    for item, size in zip(items, shape):
        kind = item.__class__
        if kind is int:
            if not -size <= item < size:
                return None
            found.append(item if item >= 0 else item + size)
        elif kind is _slice:
            found.append(_range(item, size))
        else:
            return None
    if n < len(shape):
        found += everything(shape)[n:]
    return tuple(found)


def _range(item: Any, size: int) -> tuple[int, int, int]:
    start, stop, step = item.indices(size)
    if step <= 0:
        raise ValueError(f"step must be greater than zero; got {step}. flip() turns a dimension round.")
    return start, stop if stop > start else start, step


# --- everything else ---------------------------------------------------------------------------------------------------


class Parsed(NamedTuple):
    """An index taken apart.

    entries    the slice primitive's index: integers and slices, and all of a dimension that is indexed by a tensor
    shape      what remains after it, with the 1s of None
    advanced   (dimension of `shape`, node): int64 positions, or a mask over as many dimensions as it has
    """

    entries: tuple[Entry, ...]
    shape: Shape
    advanced: list[tuple[int, Node]]


def parse(self: Tensor, index: Any) -> Parsed:
    whole = self._node.type.shape
    items = [_item(item) for item in _parts(index)]
    items = _without_ellipsis(items, whole)
    entries: list[Entry] = []
    shape: list[int] = []
    advanced: list[tuple[int, Node]] = []
    for item in items:
        axis = len(entries)
        if item is None:
            shape.append(1)
        elif isinstance(item, bool):
            shape.append(1)
            advanced.append((len(shape) - 1, _int64(np.zeros(int(item), np.int64))))
        elif isinstance(item, int):
            entries.append(position(item, whole[axis], axis, "index"))
        elif isinstance(item, _slice):
            entries.append(_range(item, whole[axis]))
            shape.append(len(range(*entries[-1])))  # type: ignore[misc]
        else:
            advanced.append((len(shape), item))
            covered = item.ndim if item.dtype is dtypes.bool_ else 1
            _check_known(item, whole, axis)
            entries += everything(whole)[axis : axis + covered]
            shape += whole[axis : axis + covered]
    return Parsed(tuple(entries), tuple(shape), advanced)


def _parts(index: Any) -> Sequence[Any]:
    """The parts of an index: of a tuple, and, as in NumPy of old, of a list that holds more than numbers."""
    if isinstance(index, tuple):
        return index
    if isinstance(index, list) and len(index) < 32:
        structured = (list, tuple, range, _slice, np.ndarray, Tensor)
        if any([isinstance(part, structured) or part is None or part is Ellipsis for part in index]):
            return index
    return (index,)


def _item(item: Any) -> Any:
    """One part of an index as None, Ellipsis, a bool, an int, a slice, or a node of int64 or bool.

    Raises: IndexError for anything else.
    """
    if item is None or item is Ellipsis or isinstance(item, (bool, int, _slice)):
        return item
    if isinstance(item, Tensor):
        return _tensor_item(item)
    if isinstance(item, (list, tuple, range, np.ndarray)):
        return _array_item(item)
    if isinstance(item, np.bool_):
        return bool(item)
    if isinstance(item, str):
        raise type_error("index", "integers, slices, None, Ellipsis or tensors", repr(item))
    if hasattr(item, "__index__"):
        return item.__index__()
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
        f"{type(item).__name__})"
    )


def _tensor_item(item: Tensor) -> Any:
    x = item._read()
    if x.dtype is dtypes.uint8:  # PyTorch's masks of old
        x = move(x, dtypes.bool_)
    elif x.dtype.category == dtypes.INTEGER and not x.ndim:
        if x.value is None and recorder.limit == float("inf"):  # inside a trace it stays a node
            return move(x, dtypes.int64)
        return int(item)
    elif x.dtype in (dtypes.int64, dtypes.int32):
        x = move(x, dtypes.int64)
    elif x.dtype is not dtypes.bool_:
        raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors; got {x.dtype}")
    return bool(value_of(x)) if x.dtype is dtypes.bool_ and not x.ndim else x


def _array_item(item: Any) -> Any:
    array, _ = array_of(list(item) if isinstance(item, range) else item)
    if not array.ndim:
        return _item(array[()])
    if array.dtype == np.uint8:  # a mask of old
        array = array.astype(np.bool_)
    if array.size == 0 and array.dtype.kind == "f" and not isinstance(item, np.ndarray):
        array = array.astype(np.int64)
    if array.dtype.kind not in "biu":
        raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors; got {array.dtype}")
    if array.dtype.kind == "b":
        return literal(array, array_type(array.shape, dtypes.bool_))
    return _int64(array.astype(np.int64))


def _int64(array: Any) -> Node:
    return literal(array, array_type(array.shape, dtypes.int64))


def _without_ellipsis(items: list[Any], shape: Shape) -> list[Any]:
    """The index with one part for each dimension: Ellipsis and the missing end are taken whole.

    Raises: IndexError for more parts than dimensions.
    """
    used = sum([_width(item) for item in items])
    if used > len(shape):
        if not shape:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` to convert a 0-dim tensor to a Python number"
            )
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    rest = [_slice(None)] * (len(shape) - used)
    for number, item in enumerate(items):
        if item is Ellipsis:
            behind = [other for other in items[number + 1 :] if other is not Ellipsis]
            return [*items[:number], *rest, *behind]
    return [*items, *rest]


def _width(item: Any) -> int:
    """How many dimensions a part of an index takes."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if isinstance(item, Node) and item.dtype is dtypes.bool_ else 1


def _check_known(x: Node, shape: Shape, axis: int) -> None:
    """Check an index at the call, as far as it is known.

    Raises: IndexError for a mask of another shape, and for positions that are known to be out of range.
    """
    if x.dtype is dtypes.bool_:
        for i, (n, m) in enumerate(zip(x.shape, shape[axis:])):
            if n != m:
                raise IndexError(
                    f"The shape of the mask {list(x.shape)} at index {i} does not match the shape of the indexed tensor "
                    f"{list(shape)} at index {axis + i}"
                )
    else:
        check_positions(x, shape[axis], axis, "index")


def check_positions(x: Node, n: int, axis: int, operation: str, wrap: bool = True) -> None:
    """Raises: IndexError when the value of index `x` is known already and reaches out of a dimension of size n; what is
    not known yet is checked when it is used."""
    if x.value is None or not x.size:
        return
    value = value_of(x)
    if value.view(np.uint64).max() < n:  # one pass: a negative number reads as a huge one
        return
    low, high = int(value.min()), int(value.max())
    if low < (-n if wrap else 0) or high >= n:
        wrong = high if high >= n else low
        raise index_error(operation, f"index {wrong} is out of bounds for dimension {axis} with size {n}")


def positions_of(parsed: Parsed) -> tuple[Shape, Shape, tuple[Node, ...]]:
    """The shape with the dimensions of each mask made one, and for it the indexed axes and their positions.

    Raises: IndexError when the index tensors do not broadcast.
    """
    merged: list[int] = []
    axes, indices = [], []
    done = 0
    for axis, x in parsed.advanced:
        merged += parsed.shape[done:axis]
        done = axis + (x.ndim if x.dtype is dtypes.bool_ else 1)
        axes.append(len(merged))
        merged.append(prod(parsed.shape[axis:done]))
        indices.append(_int64(np.flatnonzero(value_of(x))) if x.dtype is dtypes.bool_ else x)
    merged += parsed.shape[done:]
    try:
        broadcast("index", *[x.shape for x in indices])
    except RuntimeError:
        shapes = ", ".join([str(list(x.shape)) for x in indices])
        raise IndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}") from None
    return tuple(merged), tuple(axes), tuple(indices)
