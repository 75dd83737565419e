"""Reading and writing single elements: of the flattened tensor (take, put), and at the positions that index tensors name
together (index_put).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import int64
from wengert.errors import dtype_error, type_error
from wengert.functions.axes import axis_of, flat
from wengert.functions.elementwise import in_place
from wengert.functions.index import put_at
from wengert.functions.operands import deliver, node_of, sizes
from wengert.functions.scatter import check_same_dtype, index_node, reshaped_back
from wengert.functions.subscripts import Parsed, check_positions, positions_of
from wengert.graph.node import Node
from wengert.graph.record import record, scalar
from wengert.graph.rule import broadcast_to
from wengert.primitives import indexing
from wengert.primitives.arithmetic import floor_divide, remainder
from wengert.primitives.casting import move
from wengert.primitives.piecewise import where
from wengert.primitives.steps import lt
from wengert.shapes import Shape, broadcast
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["take", "take_along_dim", "put", "index_put", "index_put_", "unravel_index"]


def take(input: Tensor, index: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The elements at positions of the flattened tensor; negative ones count from the end.

    Raises: IndexError for a position that is not there.
    """
    x, i = node_of(input, "take"), index_node(index, "take")
    if not x.size and i.size:
        raise IndexError("take(): tried to take from an empty tensor")
    check_positions(i, x.size, 0, "take")
    return deliver(record(indexing.take, (flat(x), i), (0, True)), out)


def take_along_dim(input: Tensor, indices: Tensor, dim: Optional[int] = None, *, out: Optional[Tensor] = None) -> Tensor:
    """`gather` where the other sizes broadcast and negative positions count from the end; without dim, `take`.

    Raises: IndexError for a position that is not there; RuntimeError for ranks that differ.
    """
    if dim is None:
        flattened = index_node(indices, "take_along_dim", "indices")
        return deliver(take(input, wrap(flat(flattened)))._read(), out)
    x, i = node_of(input, "take_along_dim"), index_node(indices, "take_along_dim", "indices")
    if x.ndim != i.ndim:
        raise RuntimeError(
            "take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{x.ndim} dimensions for input, and {i.ndim} dimensions for indices"
        )
    axis = axis_of(dim, x.ndim, "take_along_dim")
    others = broadcast("take_along_dim", _with(x.shape, axis, 1), _with(i.shape, axis, 1))
    n = x.shape[axis]
    check_positions(i, n, axis, "take_along_dim")
    zero = scalar(0, int64)
    i = record(where, (record(lt, (i, zero)), i + scalar(n, int64), i))
    x, i = broadcast_to(x, _with(others, axis, n)), broadcast_to(i, _with(others, axis, i.shape[axis]))
    return deliver(record(indexing.gather, (x, i), (axis,)), out)


def _with(shape: Shape, axis: int, n: int) -> Shape:
    return (*shape[:axis], n, *shape[axis + 1 :])


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """input with source's elements at positions of the flattened tensor, or added there with `accumulate`.

    Raises: IndexError for a position that is not there, or another number of elements; RuntimeError for another dtype.
    """
    x, s, i = node_of(input, "put"), node_of(source, "put", "source"), index_node(index, "put")
    check_same_dtype(x, s, "put")
    if s.size != i.size:
        raise IndexError(
            f"put_(): Expected source and index to have the same number of elements, but got source.numel() = {s.size}, "
            f"index.numel() = {i.size}"
        )
    check_positions(i, x.size, 0, "put")
    return reshaped_back(record(indexing.index_put, (flat(x), flat(s), flat(i)), ((0,), accumulate, True)), x.shape)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, in a tensor of `shape`, of positions in its flattened form.

    Raises: TypeError for an index that is no integer tensor.
    """
    rest = node_of(indices, "unravel_index", "indices")
    if rest.dtype.inexact or rest.dtype is dtypes.bool_:
        raise type_error("unravel_index", "expected 'indices' to be integer dtype", rest.dtype)
    rest = move(rest, int64)
    found = []
    for n in reversed(sizes("unravel_index", (shape,))):
        size = scalar(n, int64)
        found.append(wrap(record(remainder, (rest, size))))
        rest = record(floor_divide, (rest, size))
    return tuple(reversed(found))


def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """input, then y[indices] = values, or += with `accumulate`; masks may stand among the indices.

    Raises: IndexError for positions that are not there; RuntimeError for values that do not broadcast or have another
    dtype; TypeError for values that are no tensor.
    """
    x, v = node_of(input, "index_put"), node_of(values, "index_put", "values")
    if v.dtype is not x.dtype:
        raise dtype_error("index_put", "Index put requires the source and destination dtypes match", f"{x.dtype} and {v.dtype}")
    parsed = _parse_indices(input, indices)
    merged, axes, at = positions_of(parsed)
    return wrap(put_at(x, merged, axes, at, values, accumulate))


def _parse_indices(input: Tensor, indices: Sequence[Any]) -> Parsed:
    """A sequence of index tensors, None for a whole dimension, as ``input[...]`` would read it."""
    if not isinstance(indices, (tuple, list)):
        raise type_error("index_put", "argument 'indices' must be a tuple of Tensors", type(indices).__name__)
    advanced: list[tuple[int, Node]] = []
    axis = 0
    shape = input._node.type.shape
    for item in indices:
        if item is not None:
            i = node_of(item, "index_put", "indices")
            i = move(i, dtypes.bool_) if i.dtype is dtypes.uint8 else i
            if i.dtype is not dtypes.bool_:
                i = index_node(item, "index_put", "indices", IndexError)
                _check_at(i, shape, axis)
            elif i.shape != shape[axis : axis + i.ndim]:
                raise IndexError(
                    f"The shape of the mask {list(i.shape)} does not match the shape of the indexed tensor {list(shape)} at "
                    f"index {axis}"
                )
            advanced.append((axis, i))
            axis += i.ndim if i.dtype is dtypes.bool_ else 1
        else:
            axis += 1
    if axis > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    if not advanced:
        raise type_error("index_put", "at least one index tensor", "none")
    return Parsed((), shape, advanced)


def _check_at(i: Node, shape: Shape, axis: int) -> None:
    """Raises: IndexError for a position that is known to be out of range, or an axis that is not there."""
    if axis >= len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    check_positions(i, shape[axis], axis, "index_put")


index_put_ = in_place(index_put)

METHODS: dict[str, Any] = {"take": take, "take_along_dim": take_along_dim, "put": put, "index_put": index_put}
IN_PLACE: tuple[str, ...] = ("put", "index_put")
