"""``x[index]`` and ``x[index] = value``.

Integers, slices, None, Ellipsis and bools are settled first and give a view; then index tensors and masks are applied
to that view, together, as PyTorch does (an integer next to an index tensor is not itself an index tensor, as it would
be in NumPy).

Hot path: integers and slices only (budget 4 microseconds, most of it the view). The index of the `slice` primitive is
built in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert import dtypes
from wengert.errors import dtype_error, type_error
from wengert.functions.create import one_value
from wengert.functions.operands import is_number
from wengert.functions.parts import everything
from wengert.functions.subscripts import Parsed, check_positions, parse, plain, positions_of
from wengert.graph.node import Node
from wengert.graph.record import record
from wengert.primitives.casting import move
from wengert.primitives.creation import full
from wengert.primitives.indexing import index as index_primitive, index_put, take
from wengert.primitives.piecewise import where
from wengert.primitives.positions import index_place
from wengert.primitives.views import expand, reshape, slice
from wengert.shapes import Shape, broadcast
from wengert.tensors.tensor import Tensor, view, wrap, write

__all__: list[str] = []


def getitem(self: Tensor, index: Any) -> Tensor:
    """x[index]: a view for integers, slices, None and Ellipsis; a copy where index tensors or masks take part.

    Raises: IndexError for positions and dimensions that are not there, and for what cannot be an index; ValueError for
    a step that is not above 0.
    """
    entries = plain(self._node.type.shape, index if index.__class__ is tuple else (index,))
    if entries is not None:
        return view(self, slice, (entries,))
    if isinstance(index, Tensor) and index.dtype is dtypes.int64 and index.ndim and self.ndim:  # rows: the common case
        i = index._read()
        check_positions(i, self._node.type.shape[0], 0, "index")
        return wrap(record(take, (self._read(), i), (0, True)))
    parsed = parse(self, index)
    if not parsed.advanced:
        return _basic(self, parsed)
    merged, axes, indices = positions_of(parsed)
    return wrap(_read_at(_base(self, parsed, merged), axes, indices))


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """x[index] = value: the value is converted to the tensor's dtype and broadcast to what ``x[index]`` is.

    Raises: as reading does; RuntimeError when the value does not broadcast; TypeError when it is neither a number nor a
    tensor.
    """
    entries = plain(self._node.type.shape, index if index.__class__ is tuple else (index,))
    if entries is not None:
        if not _is_that_view(self, value, entries):
            target = view(self, slice, (entries,))
            write(target, _fitted(value, target, target._node.type.shape))
        return
    if index is False:
        return
    parsed = parse(self, None if index is True else index)
    if parsed.advanced:
        target = _basic(self, parsed)
        write(target, _put(target, parsed, value))
    else:  # always through a slice, so that what was overwritten keeps a history (whose derivative is zero)
        target = view(view(self, slice, (parsed.entries,)), reshape, (parsed.shape,))
        write(target, _fitted(value, target, parsed.shape))


# --- reading and writing at positions ----------------------------------------------------------------------------------


def _is_that_view(self: Tensor, value: Any, entries: Any) -> bool:
    """Whether the value is the very view that it is to be written to: what ``x[0] += 1`` ends with."""
    link = value._link if isinstance(value, Tensor) else None
    if link is None or link.view is None or self._link is None:
        return False
    seen = link.view
    return seen.parent is self._link and seen.primitive is slice and seen.params == (entries,)


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
