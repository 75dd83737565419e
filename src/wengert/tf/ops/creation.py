"""Tensors that are made from sizes: zeros, ranges, identity matrices, one-hot rows, masks."""

from __future__ import annotations

from builtins import range as _range
from math import ceil
from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import accept, alike, axis_in, integer, ints
from wengert.tf.ops.core import fresh, w
from wengert.tf.shape import TensorShape

# Dimensions for which there are numbers (Joe and Kuo, 2008).
_MOST_SOBOL = 21200


def _sizes(shape: Any, operation: str) -> tuple[int, ...]:
    sizes = ints(shape)
    if any([n < 0 for n in sizes]):
        raise invalid(f"Dimensions must be >= 0, got {list(sizes)} [Op:{operation}]")
    return sizes


@face()
def zeros(shape: Any, dtype: Any = w.float32, name: Optional[str] = None, layout: Any = None) -> Any:
    """Zeros of a shape. Raises: InvalidArgumentError for a negative size."""
    return w.zeros(_sizes(shape, "Fill"), dtype=as_dtype(dtype))


@face()
def ones(shape: Any, dtype: Any = w.float32, name: Optional[str] = None, layout: Any = None) -> Any:
    """Ones of a shape. Raises: InvalidArgumentError for a negative size."""
    return w.ones(_sizes(shape, "Fill"), dtype=as_dtype(dtype))


@face("input")
def zeros_like(input: Any, dtype: Any = None, name: Optional[str] = None, layout: Any = None) -> Any:
    """Zeros of the shape, and the dtype where no other is given."""
    return w.zeros(tuple(input.shape), dtype=input.dtype if dtype is None else as_dtype(dtype))


@face("input")
def ones_like(input: Any, dtype: Any = None, name: Optional[str] = None, layout: Any = None) -> Any:
    """Ones of the shape, and the dtype where no other is given."""
    return w.ones(tuple(input.shape), dtype=input.dtype if dtype is None else as_dtype(dtype))


@face("value")
def fill(dims: Any, value: Any, name: Optional[str] = None, layout: Any = None) -> Any:
    """A shape filled with one number. Raises: InvalidArgumentError for a negative size, or a value that
    does not broadcast to the shape."""
    return w.broadcast_to(value, _sizes(dims, "Fill"))


@face()
def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: Optional[str] = None) -> Any:
    """start, start + delta, ... before the limit; of one argument, from 0 to it.

    Raises: InvalidArgumentError for a delta of 0 or one that leads away from the limit.
    """
    if limit is None:
        start, limit = 0, start
    parts = [fresh(part, None, "Range") for part in (start, limit, delta)]
    kind = as_dtype(dtype) if dtype is not None else _widest(parts)
    first, last, step = [part.to(kind).item() for part in parts]
    if step == 0:
        raise invalid("Requires delta != 0: 0 [Op:Range]")
    if (last - first) * step < 0:
        raise invalid(
            f"Requires start {'<=' if step > 0 else '>='} limit when delta {'>' if step > 0 else '<'} 0: "
            f"{first}/{last} [Op:Range]"
        )
    count = ceil(abs((last - first) / step)) if kind.is_floating_point else -(-abs(last - first) // abs(step))
    wide = kind if not kind.is_floating_point or kind is w.float64 else w.float32
    return (w.arange(count, dtype=wide) * step + first).to(kind)


def _widest(parts: Any) -> Any:
    order = [w.int32, w.int64, w.float32, w.float64]
    kinds = {part.dtype for part in parts}
    for kind in kinds:
        if kind not in order:
            return parts[0].dtype if len(kinds) == 1 else w.float64
    return max(kinds, key=order.index)


@face()
def linspace(start: Any, stop: Any, num: Any, name: Optional[str] = None, axis: int = 0) -> Any:
    """`num` numbers from start to stop, both included, along a new axis. Integers give float64.

    Raises: ValueError for a negative axis beyond the result, InvalidArgumentError for a negative `num`.
    """
    start, stop = alike("LinSpace", start, stop)
    if not start.dtype.is_floating_point:
        start, stop = start.to(w.float64), stop.to(w.float64)
    n = integer(num)
    if n < 0:
        raise invalid(f"Requires num >= 0: {n} [Op:LinSpace]")
    start, stop = w.broadcast_tensors(start, stop)
    axis = axis_in(axis, start.ndim + 1, "LinSpace")
    share = w.arange(n, dtype=start.dtype).reshape([n if i == axis else 1 for i in _range(start.ndim + 1)])
    low, high = start.unsqueeze(axis), stop.unsqueeze(axis)
    if n < 2:
        return low.narrow(axis, 0, n)
    y = low + (high - low) / (n - 1) * share
    return w.where(share == n - 1, high, y)


@face()
def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = w.float32, name: Optional[str] = None
) -> Any:
    """Matrices with ones on the diagonal. Raises: InvalidArgumentError for a negative size."""
    rows = integer(num_rows)
    columns = rows if num_columns is None else integer(num_columns)
    if rows < 0 or columns < 0:
        raise invalid(f"Arguments `num_rows` and `num_columns` must be >= 0, got {rows} and {columns} [Op:eye]")
    matrix = w.eye(rows, columns, dtype=as_dtype(dtype))
    return matrix if batch_shape is None else w.broadcast_to(matrix, (*ints(batch_shape), rows, columns))


@face("indices")
def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """`on_value` at the place that each index names along a new axis, `off_value` elsewhere; all off for one outside.

    Raises: InvalidArgumentError for indices that are no integers or a negative depth; TypeError for values of two dtypes.
    """
    accept("OneHot", frozenset([w.uint8, w.int8, w.int32, w.int64]), indices)
    n = integer(depth)
    if n < 0:
        raise invalid(f"depth must be non-negative, got: {n} [Op:OneHot]")
    given = None if dtype is None else as_dtype(dtype)
    values: list[Any] = [None if value is None else fresh(value, given, "OneHot") for value in (on_value, off_value)]
    kinds = {value.dtype for value in values if value is not None} or {given or w.float32}
    if len(kinds) > 1:
        raise TypeError(f"dtypes of on_value and off_value do not match: {values[0].dtype} vs {values[1].dtype}")
    (kind,) = kinds
    on, off = [w.tensor(default).to(kind) if value is None else value for value, default in zip(values, (1, 0))]
    axis = indices.ndim if axis is None else axis_in(axis, indices.ndim + 1, "OneHot")
    places = w.arange(n, dtype=indices.dtype).reshape([n if i == axis else 1 for i in _range(indices.ndim + 1)])
    return w.where(indices.unsqueeze(axis) == places, on.detach(), off.detach())


@face("lengths")
def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = w.bool, name: Optional[str] = None) -> Any:
    """For each length, a row that is True at so many first places and False at the rest.

    Raises: ValueError for a `maxlen` with dimensions.
    """
    if maxlen is None:
        maxlen = max(int(lengths.max().item()), 0) if lengths.numel() else 0
    elif isinstance(maxlen, w.Tensor) and maxlen.ndim:
        raise ValueError(f"Argument `maxlen` must be scalar for sequence_mask, received `maxlen` = {maxlen}")
    mask = w.arange(integer(maxlen), dtype=lengths.dtype) < lengths[..., None]
    return mask if as_dtype(dtype) is w.bool else mask.to(as_dtype(dtype))


@face()
def meshgrid(*args: Any, indexing: str = "xy", name: Optional[str] = None) -> Any:
    """Each vector spread over the grid of them all; with "xy" the first two axes change places.

    Raises: ValueError for another indexing.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'")
    if not args:
        return []
    vectors = [part.reshape(-1) for part in alike("meshgrid", *args)]
    return list(w.meshgrid(*vectors, indexing=indexing))


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape that two shapes broadcast to. Raises: ValueError when they do not."""
    try:
        return TensorShape(w.broadcast_shapes(ints(shape_x), ints(shape_y)))
    except RuntimeError as error:
        raise ValueError(f"Incompatible shapes for broadcasting: {shape_x} and {shape_y}.") from error


@face()
def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape that two shapes broadcast to, as a tensor."""
    return w.tensor(list(w.broadcast_shapes(ints(shape_x), ints(shape_y))), dtype=w.int32)


@face()
def sobol_sample(dim: Any, num_results: Any, skip: Any = 0, dtype: Any = w.float32, name: Optional[str] = None) -> Any:
    """Points of Sobol's sequence in [0, 1)^dim, without its first, the origin; `skip` more are left out.

    Shape: (num_results, dim). Raises: InvalidArgumentError for no dimension or more than 21200, for no point, for another
    dtype than float32 and float64.
    """
    dim, count, wanted = integer(dim), integer(num_results), as_dtype(dtype)
    if not 1 <= dim <= _MOST_SOBOL or count < 1 or wanted not in (w.float32, w.float64):
        raise invalid(
            f"sobol_sample: dim must be 1 to {_MOST_SOBOL}, num_results at least 1, dtype float32 or float64; got {dim}, "
            f"{count} and {wanted!r} [Op:SobolSample]"
        )
    return w.quasirandom.SobolEngine(dim).fast_forward(integer(skip) + 1).draw(count, dtype=wanted)


__all__ = [
    "broadcast_dynamic_shape", "broadcast_static_shape", "eye", "fill", "linspace", "meshgrid", "one_hot", "ones",
    "ones_like", "range", "sequence_mask", "sobol_sample", "zeros", "zeros_like",
]  # fmt: skip
