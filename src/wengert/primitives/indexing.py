"""Indexing by data: reads at computed positions, and writes to them. Each read's transpose is a write that adds.

    read                 what it reads                                        its transpose
    gather(x, i)         y[a, b, c] = x[a, i[a, b, c], c]                     scatter_add
    take(x, i)           y[a, i.., c] = x[a, i[..], c]                        put_add
    index(x, i, j, ..)   y = x[:, i, j, :]                                    index_put(accumulate=True)

Every position is checked when it is used: IndexError, never a read or write elsewhere. Index arrays are int64.
"""

from __future__ import annotations

from typing import Any, ClassVar, Optional

import numpy as np

from wengert.dtypes import int64
from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Cotangent, Linear, Primitive, primitives, zeros_of
from wengert.primitives.creation import iota
from wengert.primitives.numerics import is_half
from wengert.primitives.positions import (
    across_axes,
    along_axis,
    batch_positions,
    check_index_dtype,
    in_bounds,
    indexed_shape,
    out_of_bounds,
)
from wengert.primitives.scans import check_axis
from wengert.primitives.views import all_batched, permute, reshape
from wengert.shapes import Shape, inverse_permutation


def _add_at(x: Any, positions: Any, source: Any) -> Any:
    """x with `source` added at row-major positions; equal positions add up. 16-bit floats are added in float32."""
    dtype = x.dtype
    wide = np.float32 if is_half(x) else dtype
    y = np.array(x, wide, order="C")
    # One-dimensional: 6 to 10 times as quick as np.add.at with an index per axis (NumPy 2.4).
    np.add.at(y.reshape(-1), positions.reshape(-1), np.asarray(source, wide).reshape(-1))
    return y.astype(dtype, copy=False)


def _check_source(operation: str, x: ArrayType, source: ArrayType, wanted: Shape) -> None:
    if source.shape != wanted:
        raise shape_error(operation, f"a source of shape {list(wanted)}", (source.shape,))
    if source.dtype is not x.dtype:
        raise dtype_error(operation, f"a source of dtype {x.dtype.name}, the one written to", source.dtype.name)


def _zeros(x: Node, y_bar: Node) -> Node:
    return zeros_of(array_type(x.shape, y_bar.dtype))


def _marks(shape: Shape, size: int) -> Node:
    """Every element's own number, to see which of several writes to one place remained."""
    return reshape(iota(n=size, dtype=int64), shape=shape)


# --- along one axis: gather and scatter -----------------------------------------------------------------------------


class Gather(Linear):
    """y[a, b, c] = x[a, index[a, b, c], c]   (axis = 1)

    Transpose  x_bar = y_bar added at the positions that were read
    Shapes     x and index have one rank; index is no larger than x but along `axis`; y has the shape of index
    Domain     0 <= index < size of x along `axis`
    """

    name = "gather"
    params = ("axis",)
    linear_inputs = 1
    saves_nothing = False  # the derivative reads the index

    def infer(self, x: ArrayType, index: ArrayType, *, axis: int) -> ArrayType:
        _check_along(self.name, x, index, axis)
        return array_type(index.shape, x.dtype)

    def evaluate(self, x: Any, index: Any, *, axis: int) -> Any:
        if index.size == 0:
            return np.empty(index.shape, x.dtype)
        if x.flags.c_contiguous:
            return x.reshape(-1).take(along_axis(index, x.shape, axis))
        key: list[Any] = list(np.ogrid[tuple([slice(n) for n in index.shape])])
        key[axis] = in_bounds(index, x.shape[axis], axis, wrap=False)
        return x[tuple(key)]

    def transpose(self, y_bar: Node, x: Node, index: Node, *, axis: int) -> tuple[Cotangent, ...]:
        return (lambda: scatter_add(_zeros(x, y_bar), index, y_bar, axis=axis),)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int) -> Node:
        return self(*all_batched(size, inputs, batched), axis=axis + 1)


def _check_along(operation: str, x: ArrayType, index: ArrayType, axis: int) -> None:
    check_index_dtype(operation, index)
    check_axis(operation, x, axis)
    if index.size == 0:
        return  # nothing is read or written: any shape will do, as in PyTorch
    if index.ndim != x.ndim:
        raise shape_error(
            operation, "Index tensor must have the same number of dimensions as input tensor", (x.shape, index.shape)
        )
    if any(m > n for other, (m, n) in enumerate(zip(index.shape, x.shape)) if other != axis):
        raise shape_error(
            operation,
            f"Size does not match: expected index {list(index.shape)} to be no larger than self {list(x.shape)} apart "
            f"from dimension {axis}",
        )


class AxisWrite(Primitive):
    """What writes along one axis share: (x, index, source; axis), where source has the shape of index."""

    params = ("axis",)

    def infer(self, x: ArrayType, index: ArrayType, source: ArrayType, *, axis: int) -> ArrayType:
        _check_along(self.name, x, index, axis)
        _check_source(self.name, x, source, index.shape)
        return x

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int) -> Node:
        return self(*all_batched(size, inputs, batched), axis=axis + 1)


class _Write(Linear):
    """Linear in x and source; the index stands between them, so the family's forward rule does not fit."""

    saves_nothing = False  # the derivative reads the index

    def jvp(self, x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> Optional[Node]:
        x, index, source = inputs
        x_dot, _, source_dot = x_dots
        if x_dot is None and source_dot is None:
            return None
        x_dot = zeros_of(x.type) if x_dot is None else x_dot
        source_dot = zeros_of(source.type) if source_dot is None else source_dot
        return self(x_dot, index, source_dot, **params)


class ScatterAdd(AxisWrite, _Write):
    """y = x, then y[a, index[a, b, c], c] += source[a, b, c]   (axis = 1); equal positions add up

    Transpose  x_bar = y_bar, source_bar = y_bar read at the positions
    Shapes     as for gather; source has the shape of index (a larger one is cut above)
    """

    name = "scatter_add"

    def evaluate(self, x: Any, index: Any, source: Any, *, axis: int) -> Any:
        return x if index.size == 0 else _add_at(x, along_axis(index, x.shape, axis), source)

    def transpose(self, y_bar: Node, x: Node, index: Node, source: Node, *, axis: int) -> tuple[Cotangent, ...]:
        return y_bar, None, lambda: gather(y_bar, index, axis=axis)


class Scatter(AxisWrite, _Write):
    """y = x, then y[a, index[a, b, c], c] = source[a, b, c]   (axis = 1)

    Ties       of several writes to one place the last in row-major order remains, and it alone has a derivative
    Transpose  x_bar = y_bar with 0 at the positions, source_bar = y_bar read at the positions, 0 for a lost write
    Shapes     as for gather; source has the shape of index (a larger one is cut above)
    """

    name = "scatter"

    def evaluate(self, x: Any, index: Any, source: Any, *, axis: int) -> Any:
        if index.size == 0:
            return x
        y = np.array(x, order="C")
        y.reshape(-1)[along_axis(index, x.shape, axis).reshape(-1)] = np.asarray(source).reshape(-1)
        return y

    def transpose(self, y_bar: Node, x: Node, index: Node, source: Node, *, axis: int) -> tuple[Cotangent, ...]:
        def of_source() -> Node:
            marks = _marks(index.shape, index.size)
            last = self(zeros_of(array_type(x.shape, int64)), index, marks, axis=axis)
            remains = primitives.eq(gather(last, index, axis=axis), marks)
            return primitives.where(remains, gather(y_bar, index, axis=axis), 0)

        return lambda: self(y_bar, index, _zeros(source, y_bar), axis=axis), None, of_source


# --- whole slices at one axis: take and put_add ---------------------------------------------------------------------


class Take(Linear):
    """y[a, i, j, c] = x[a, index[i, j], c]   (axis = 1): whole slices of x

    Transpose  x_bar = y_bar added at the positions that were read
    Shapes     index of any rank; its dimensions stand in y where the axis stood
    Domain     -size <= index < size; without `wrap` negative positions are errors too
    """

    name = "take"
    params = ("axis", "wrap")
    defaults: ClassVar[dict[str, Any]] = {"wrap": True}
    linear_inputs = 1
    saves_nothing = False  # the derivative reads the index

    def infer(self, x: ArrayType, index: ArrayType, *, axis: int, wrap: bool) -> ArrayType:
        return array_type(indexed_shape(self.name, x, (index,), (axis,)), x.dtype)

    def evaluate(self, x: Any, index: Any, *, axis: int, wrap: bool) -> Any:
        if not (wrap and x.size):  # otherwise NumPy's own check is the same
            index = in_bounds(index, x.shape[axis], axis, wrap)
        try:
            return x.take(index, axis)
        except IndexError:
            raise out_of_bounds(index, x.shape[axis], axis, wrap) from None

    def transpose(self, y_bar: Node, x: Node, at: Node, *, axis: int, wrap: bool) -> tuple[Cotangent, ...]:
        return (lambda: put_add(_zeros(x, y_bar), at, y_bar, axis=axis, wrap=wrap),)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int, wrap: bool) -> Node:
        x, at = inputs
        if not batched[1]:
            return self(x, at, axis=axis + 1, wrap=wrap)
        return index.batch(size, inputs, batched, axes=(axis,), wrap=wrap)


class PutAdd(_Write):
    """y = x, then y[a, index[i, j], c] += source[a, i, j, c]   (axis = 1); equal positions add up

    Transpose  x_bar = y_bar, source_bar = y_bar read at the positions
    Shapes     source has the shape of take(x, index)
    """

    name = "put_add"
    params = ("axis", "wrap")
    defaults: ClassVar[dict[str, Any]] = {"wrap": True}

    def infer(self, x: ArrayType, index: ArrayType, source: ArrayType, *, axis: int, wrap: bool) -> ArrayType:
        _check_source(self.name, x, source, indexed_shape(self.name, x, (index,), (axis,)))
        return x

    def evaluate(self, x: Any, index: Any, source: Any, *, axis: int, wrap: bool) -> Any:
        return _add_at(x, across_axes((index,), x.shape, (axis,), wrap), source)

    def transpose(
        self, y_bar: Node, x: Node, index: Node, source: Node, *, axis: int, wrap: bool
    ) -> tuple[Cotangent, ...]:
        return y_bar, None, lambda: take(y_bar, index, axis=axis, wrap=wrap)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int, wrap: bool) -> Node:
        x, at, source = inputs
        if batched[1]:
            return index_put.batch(
                size, (x, source, at), (batched[0], batched[2], True), axes=(axis,), accumulate=True, wrap=wrap
            )
        x, source = all_batched(size, (x, source), (batched[0], batched[2]))
        return self(x, at, source, axis=axis + 1, wrap=wrap)


# --- several axes at once: index and index_put ----------------------------------------------------------------------


class Index(Linear):
    """y = x[:, i, j, :]: index arrays, broadcast together, for the given axes

    Transpose  x_bar = y_bar added at the positions that were read
    Shapes     the index's dimensions stand at the first indexed axis when those are neighbours, else in front
    Domain     -size <= index < size; without `wrap` negative positions are errors too
    """

    name = "index"
    params = ("axes", "wrap")
    defaults: ClassVar[dict[str, Any]] = {"wrap": True}
    linear_inputs = 1
    saves_nothing = False  # the derivative reads the indices

    def infer(self, x: ArrayType, *indices: ArrayType, axes: Shape, wrap: bool) -> ArrayType:
        return array_type(indexed_shape(self.name, x, indices, axes), x.dtype)

    def evaluate(self, x: Any, *indices: Any, axes: Shape, wrap: bool) -> Any:
        if len(axes) == 1:
            return take.evaluate(x, indices[0], axis=axes[0], wrap=wrap)
        key: list[Any] = [slice(None)] * x.ndim
        for index, axis in zip(indices, axes):
            key[axis] = in_bounds(index, x.shape[axis], axis, wrap)
        return x[tuple(key)]

    def transpose(self, y_bar: Node, x: Node, *indices: Node, axes: Shape, wrap: bool) -> tuple[Cotangent, ...]:
        return (lambda: index_put(_zeros(x, y_bar), y_bar, *indices, axes=axes, accumulate=True, wrap=wrap),)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axes: Shape, wrap: bool) -> Node:
        x, indices = inputs[0], inputs[1:]
        at, axes, order = batch_positions(size, indices, batched[1:], axes, x.ndim - batched[0], batched[0])
        return permute(self(x, *at, axes=axes, wrap=wrap), order=order)


class IndexPut(Linear):
    """y = x, then y[:, i, j, :] = values; with `accumulate`, += values, and equal positions add up

    Ties       without `accumulate`, the last of several writes to one place remains, and it alone has a derivative
    Transpose  x_bar = y_bar, with 0 at the positions unless accumulated; values_bar = y_bar read at the positions
    Shapes     values have the shape of index(x, *indices)
    """

    name = "index_put"
    params = ("axes", "accumulate", "wrap")
    defaults: ClassVar[dict[str, Any]] = {"accumulate": False, "wrap": True}
    linear_inputs = 2
    saves_nothing = False  # the derivative reads the indices

    def infer(
        self, x: ArrayType, values: ArrayType, *indices: ArrayType, axes: Shape, accumulate: bool, wrap: bool
    ) -> ArrayType:
        _check_source(self.name, x, values, indexed_shape(self.name, x, indices, axes))
        return x

    def evaluate(self, x: Any, values: Any, *indices: Any, axes: Shape, accumulate: bool, wrap: bool) -> Any:
        if accumulate:
            return _add_at(x, across_axes(indices, x.shape, axes, wrap), values)
        y = np.array(x, order="C")
        if len(axes) == 1 and indices[0].ndim <= 1:  # whole slices, one after the other
            at = in_bounds(indices[0], x.shape[axes[0]], axes[0], wrap)
            y[(slice(None),) * axes[0] + (at,)] = values
        else:  # NumPy writes along several indices in the order of their memory; one flat index keeps ours
            y.reshape(-1)[across_axes(indices, x.shape, axes, wrap).reshape(-1)] = np.asarray(values).reshape(-1)
        return y

    def transpose(
        self, y_bar: Node, x: Node, values: Node, *indices: Node, axes: Shape, accumulate: bool, wrap: bool
    ) -> tuple[Cotangent, ...]:
        def put(base: Node, new: Node) -> Node:
            return self(base, new, *indices, axes=axes, accumulate=False, wrap=wrap)

        def read(base: Node) -> Node:
            return index(base, *indices, axes=axes, wrap=wrap)

        def of_values() -> Node:
            marks = _marks(values.shape, values.size)
            last = put(zeros_of(array_type(x.shape, int64)), marks)
            return primitives.where(primitives.eq(read(last), marks), read(y_bar), 0)

        if accumulate:
            return y_bar, lambda: read(y_bar)
        return lambda: put(y_bar, _zeros(values, y_bar)), of_values

    def batch(
        self,
        size: int,
        inputs: tuple[Node, ...],
        batched: tuple[bool, ...],
        *,
        axes: Shape,
        accumulate: bool,
        wrap: bool,
    ) -> Node:
        x, values = all_batched(size, inputs[:2], batched[:2])
        at, axes, order = batch_positions(size, inputs[2:], batched[2:], axes, x.ndim - 1, True)
        values = permute(values, order=inverse_permutation(order))
        return self(x, values, *at, axes=axes, accumulate=accumulate, wrap=wrap)


gather = Gather()
scatter = Scatter()
scatter_add = ScatterAdd()
take = Take()
put_add = PutAdd()
index = Index()
index_put = IndexPut()
