"""``x[index]`` and ``x[index] = value``.

Integers, slices, None, Ellipsis and bools are settled first and give a view; then index tensors and masks are applied
to that view, together, as PyTorch does (an integer next to an index tensor is not itself an index tensor, as it would
be in NumPy).

Hot path: integers and slices only (budget 4 microseconds, most of it the view). The index of the `slice` primitive is
built in one pass.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, index_error, type_error
from wengert.functions.create import one_value
from wengert.functions.data import array_of
from wengert.functions.operands import is_number
from wengert.functions.parts import Entry, everything, position
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, record, recorder
from wengert.primitives.casting import move
from wengert.primitives.creation import full
from wengert.primitives.indexing import index as index_primitive, index_put, take
from wengert.primitives.piecewise import where
from wengert.primitives.positions import index_place
from wengert.primitives.views import expand, reshape, slice
from wengert.runtime.flush import value_of
from wengert.shapes import Shape, broadcast
from wengert.tensors.tensor import Tensor, view, wrap, write

__all__: list[str] = []

_slice = builtins.slice


def getitem(self: Tensor, index: Any) -> Tensor:
    """x[index]: a view for integers, slices, None and Ellipsis; a copy where index tensors or masks take part.

    Raises: IndexError for positions and dimensions that are not there, and for what cannot be an index; ValueError for
    a step that is not above 0.
    """
    entries = _plain(self._node.type.shape, index if index.__class__ is tuple else (index,))
    if entries is not None:
        return view(self, slice, (entries,))
    if isinstance(index, Tensor) and index.dtype is dtypes.int64 and index.ndim and self.ndim:  # rows: the common case
        i = index._read()
        check_positions(i, self._node.type.shape[0], 0, "index")
        return wrap(record(take, (self._read(), i), (0, True)))
    parsed = _parse(self, index)
    if not parsed.advanced:
        return _basic(self, parsed)
    merged, axes, indices = positions_of(parsed)
    return wrap(_read_at(_base(self, parsed, merged), axes, indices))


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """x[index] = value: the value is converted to the tensor's dtype and broadcast to what ``x[index]`` is.

    Raises: as reading does; RuntimeError when the value does not broadcast; TypeError when it is neither a number nor a
    tensor.
    """
    entries = _plain(self._node.type.shape, index if index.__class__ is tuple else (index,))
    if entries is not None:
        if not _is_that_view(self, value, entries):
            target = view(self, slice, (entries,))
            write(target, _fitted(value, target, target._node.type.shape))
        return
    if index is False:
        return
    parsed = _parse(self, None if index is True else index)
    if parsed.advanced:
        target = _basic(self, parsed)
        write(target, _put(target, parsed, value))
    else:  # always through a slice, so that what was overwritten keeps a history (whose derivative is zero)
        target = view(view(self, slice, (parsed.entries,)), reshape, (parsed.shape,))
        write(target, _fitted(value, target, parsed.shape))


# --- integers and slices -----------------------------------------------------------------------------------------------


def _plain(shape: Shape, items: tuple[Any, ...]) -> Optional[tuple[Entry, ...]]:
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


def _is_that_view(self: Tensor, value: Any, entries: Any) -> bool:
    """Whether the value is the very view that it is to be written to: what ``x[0] += 1`` ends with."""
    link = value._link if isinstance(value, Tensor) else None
    if link is None or link.view is None or self._link is None:
        return False
    seen = link.view
    return seen.parent is self._link and seen.primitive is slice and seen.params == (entries,)


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


def _parse(self: Tensor, index: Any) -> Parsed:
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


# --- reading and writing at positions ----------------------------------------------------------------------------------


def _basic(self: Tensor, parsed: Parsed) -> Tensor:
    """The view that integers, slices and None give."""
    whole = self._node.type.shape
    if parsed.entries != everything(whole) or parsed.shape == whole:
        self = view(self, slice, (parsed.entries,))
    return self if self._node.type.shape == parsed.shape else view(self, reshape, (parsed.shape,))


def _base(self: Tensor, parsed: Parsed, merged: Shape) -> Node:
    """What the index tensors read, as a node of shape `merged`."""
    x = self._read()
    if parsed.entries != everything(x.type.shape):
        x = record(slice, (x,), (parsed.entries,))
    return x if x.type.shape == merged else record(reshape, (x,), (merged,))


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


def _read_at(x: Node, axes: Shape, indices: Sequence[Node]) -> Node:
    if len(axes) == 1:
        return record(take, (x, indices[0]), (axes[0], True))
    return record(index_primitive, (x, *indices), (axes, True))


def _put(target: Tensor, parsed: Parsed, value: Any) -> Node:
    """The content of the view `target` after the value was written at the index tensors' positions."""
    x = target._read()
    if isinstance(value, Tensor) and value.dtype is not x.dtype:
        raise dtype_error(
            "index_put", "Index put requires the source and destination dtypes match", f"{x.dtype} and {value.dtype}",
            "convert the value first",
        )  # fmt: skip
    if len(parsed.advanced) == 1 and (is_number(value) or (isinstance(value, Tensor) and value.numel() == 1)):
        axis, mask = parsed.advanced[0]
        if mask.dtype is dtypes.bool_:  # no need to know where the mask holds
            one = one_value(value.reshape(()) if isinstance(value, Tensor) else value, x.dtype, "index_put_")  # type: ignore[attr-defined]
            spread = record(reshape, (mask,), ((*mask.shape, *(1,) * (x.ndim - axis - mask.ndim)),))
            return record(where, (spread, one, x))
    merged, axes, indices = positions_of(parsed)
    return put_at(x, merged, axes, indices, value, accumulate=False)


def put_at(x: Node, merged: Shape, axes: Shape, indices: Sequence[Node], value: Any, accumulate: bool) -> Node:
    """x, seen in shape `merged`, with the value written (or added) at positions along `axes`; in x's own shape.

    Raises: RuntimeError when the value does not broadcast to what is there.
    """
    found = broadcast("index_put_", *[i.shape for i in indices])
    kept = [n for axis, n in enumerate(merged) if axis not in axes]
    place = index_place(axes)
    shape = (*kept[:place], *found, *kept[place:])
    new = fitted(value, x.dtype, shape, _DOES_NOT_BROADCAST)
    inside = x if x.type.shape == merged else record(reshape, (x,), (merged,))
    written = record(index_put, (inside, new, *indices), (axes, accumulate, True))
    return written if written.type.shape == x.type.shape else record(reshape, (written,), (x.type.shape,))


_DOES_NOT_BROADCAST = "shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {}"
_DOES_NOT_FIT = "The expanded size of the tensor must match the existing size: a value of shape {} cannot be written to {}"


def _fitted(value: Any, target: Tensor, shape: Shape) -> Node:
    return fitted(value, target._node.type.dtype, shape, _DOES_NOT_FIT)


def fitted(value: Any, dtype: Any, shape: Shape, message: str) -> Node:
    """A number or a tensor in `dtype`, stretched to `shape`; leading dimensions of size 1 may be too many.

    Raises: RuntimeError with the two shapes in `message` when that cannot be; TypeError for other values.
    """
    if not isinstance(value, Tensor):
        if not is_number(value):
            raise type_error("index", f"a number or a tensor to write into a tensor of {dtype}", type(value).__name__)
        one = one_value(value, dtype, "index_put_")
        return record(full, (one,), (shape,)) if shape else one
    x = value._read()
    given = x.type.shape
    if given != shape:
        extra = len(given) - len(shape)
        inner = given[extra:] if extra > 0 else given
        if any([n != 1 for n in given[: max(extra, 0)]]) or any(
            [n not in (1, m) for n, m in zip(inner, shape[len(shape) - len(inner) :])]
        ):
            raise RuntimeError(message.format(list(given), list(shape)))
        if inner != given:
            x = record(reshape, (x,), (inner,))
    x = move(x, dtype)
    return x if x.type.shape == shape else record(expand, (x,), (shape,))


METHODS = {"__getitem__": getitem, "__setitem__": setitem}
IN_PLACE: tuple[str, ...] = ()
