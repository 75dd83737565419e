"""Where a condition holds: masks, and the positions of what is not zero."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert.dtypes import bool_, int64
from wengert.errors import dtype_error
from wengert.functions.create import one_value
from wengert.functions.elementwise import in_place
from wengert.functions.operands import deliver, node_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, record, scalar
from wengert.graph.rule import broadcast_to
from wengert.primitives.casting import move
from wengert.primitives.indexing import take
from wengert.primitives.piecewise import clamp, where
from wengert.primitives.scans import cumsum
from wengert.primitives.views import reshape
from wengert.runtime.flush import value_of
from wengert.shapes import broadcast
from wengert.tensors.tensor import Tensor, wrap

__all__ = [
    "masked_fill", "masked_select", "masked_scatter", "nonzero", "nonzero_static", "argwhere",
]  # fmt: skip


def _mask(mask: Any, operation: str) -> Node:
    m = node_of(mask, operation, "mask")
    if m.dtype is not bool_:
        raise dtype_error(operation, "expected mask dtype to be Bool", m.dtype, "compare, as in x > 0, or use mask.bool()")
    return m


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """The value where mask holds, else input; shapes broadcast. The value is a number or a zero-dimensional tensor.

    Raises: RuntimeError for a mask that is not bool, shapes that do not broadcast, and a value that does not fit.
    """
    x, m = node_of(input, "masked_fill"), _mask(mask, "masked_fill")
    return wrap(record(where, (m, one_value(value, x.dtype, "masked_fill"), x)))


masked_fill_ = in_place(masked_fill)


def masked_select(input: Tensor, mask: Tensor, *, out: Optional[Tensor] = None) -> Tensor:
    """The elements where mask holds, one-dimensional, in row-major order; shapes broadcast.

    Raises: RuntimeError for a mask that is not bool, and shapes that do not broadcast.
    """
    x, m = node_of(input, "masked_select"), _mask(mask, "masked_select")
    shape = broadcast("masked_select", x.shape, m.shape)
    where_it_holds = np.flatnonzero(np.broadcast_to(value_of(m), shape))
    found = literal(where_it_holds, array_type(where_it_holds.shape, int64))
    flat = record(reshape, (broadcast_to(x, shape),), ((int(np.prod(shape)),),))
    return deliver(record(take, (flat, found), (0, True)), out)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """input with the elements of `source`, one after the other, where mask holds.

    Raises: RuntimeError for a mask that is not bool, another dtype of source, or fewer elements than the mask needs.
    """
    x, m, s = node_of(input, "masked_scatter"), _mask(mask, "masked_scatter"), node_of(source, "masked_scatter", "source")
    if s.dtype is not x.dtype:
        raise dtype_error("masked_scatter", "expected self and source to have same dtypes", f"{x.dtype} and {s.dtype}")
    shape = broadcast("masked_scatter", x.shape, m.shape)
    x, m = broadcast_to(x, shape), broadcast_to(m, shape)
    needed = int(np.count_nonzero(value_of(m)))
    if s.size < needed:
        raise RuntimeError(f"masked_scatter: expected source to have at least {needed} elements, the mask's; got {s.size}")
    if not s.size:
        return wrap(x)
    # The n-th place where the mask holds takes the n-th element; elsewhere any position will do.
    flat = record(reshape, (m,), ((m.size,),))
    place = record(cumsum, (move(flat, int64),), (0, False)) - scalar(1, int64)
    place = record(clamp, (place, scalar(0, int64), scalar(s.size - 1, int64)))
    new = record(take, (record(reshape, (s,), ((s.size,),)), place), (0, True))
    return wrap(record(where, (m, record(reshape, (new,), (shape,)), x)))


masked_scatter_ = in_place(masked_scatter)


def nonzero(input: Tensor, *, as_tuple: bool = False, out: Optional[Tensor] = None) -> Any:
    """The positions of the elements that are not zero, in row-major order: (number found, dimensions), or with
    `as_tuple` one tensor a dimension.
    """
    array = value_of(node_of(input, "nonzero"))
    if as_tuple:
        found = np.nonzero(array) if array.ndim else (np.flatnonzero(array),)
        return tuple([wrap(literal(axis, array_type(axis.shape, int64))) for axis in found])
    rows = np.stack(np.nonzero(array), 1) if array.ndim else np.empty((int(array != 0), 0), np.int64)
    return deliver(literal(rows, array_type(rows.shape, int64)), out)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Optional[Tensor] = None) -> Tensor:
    """The first `size` rows of `nonzero`, filled up with `fill_value` when there are fewer.

    Raises: RuntimeError for a negative size.
    """
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    array = value_of(node_of(input, "nonzero_static"))
    rows = np.full((size, array.ndim), fill_value, np.int64)
    found = np.argwhere(array)[:size]
    rows[: len(found)] = found
    return deliver(literal(rows, array_type(rows.shape, int64)), out)


def argwhere(input: Tensor) -> Tensor:
    """`nonzero` as one tensor, by NumPy's name."""
    return nonzero(input)


METHODS: dict[str, Any] = {
    "masked_fill": masked_fill, "masked_fill_": masked_fill_, "masked_select": masked_select,
    "masked_scatter": masked_scatter, "masked_scatter_": masked_scatter_, "nonzero": nonzero,
    "nonzero_static": nonzero_static, "argwhere": argwhere,
}  # fmt: skip
IN_PLACE: tuple[str, ...] = ()
