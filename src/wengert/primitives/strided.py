"""Views of memory as such: rows of it at given strides, windows, the parts of complex numbers, and its bits read as
another dtype."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert.dtypes import DType, int64
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.record import literal
from wengert.graph.rule import Cotangent, View, primitives
from wengert.primitives.indexing import index_put, put_add
from wengert.primitives.views import permute, reshape
from wengert.shapes import Shape


class AsStrided(View):
    """y[i, j, ...] = x's element number offset + i strides[0] + j strides[1] + ..., in row-major order

    Transpose  x_bar = y_bar added at the positions that were read
    Shapes     y has `shape`; x is read as if one-dimensional
    """

    name = "as_strided"
    params = ("shape", "strides", "offset")

    def infer(self, x: ArrayType, *, shape: Shape, strides: Shape, offset: int) -> ArrayType:
        if len(shape) != len(strides) or min(*shape, *strides, offset, 0) < 0:
            raise shape_error("as_strided", "one stride for each size, none of them negative", (shape, strides))
        needed = offset + sum([(n - 1) * step for n, step in zip(shape, strides)]) + 1 if prod(shape) else 0
        if needed > x.size:
            raise runtime_error(
                "as_strided",
                f"sizes {list(shape)}, strides {list(strides)} and storage offset {offset} need a storage of {needed} "
                f"elements, out of bounds for storage of size {x.size}",
            )
        return array_type(shape, x.dtype)

    def evaluate(self, x: Any, *, shape: Shape, strides: Shape, offset: int) -> Any:
        flat = np.asarray(x, order="C").reshape(-1)
        if not prod(shape):
            return flat[:0].reshape(shape)
        steps = [step * flat.itemsize for step in strides]
        return np.lib.stride_tricks.as_strided(flat[offset:], shape, steps, writeable=flat.flags.writeable)

    def transpose(self, y_bar: Node, x: Node, *, shape: Shape, strides: Shape, offset: int) -> Node:
        zeros = primitives.full(_zero(y_bar.dtype), shape=(prod(x.shape),))
        return reshape(put_add(zeros, _positions(shape, strides, offset), y_bar, axis=0), shape=x.shape)

    def write(self, x: Node, new: Node, *, shape: Shape, strides: Shape, offset: int) -> Node:
        at = _positions(shape, strides, offset)
        if np.unique(at.value).size != at.size:
            raise _overlap((shape, strides))
        return reshape(index_put(reshape(x, shape=(x.size,)), new, at, axes=(0,)), shape=x.shape)

    def batch(
        self,
        size: int,
        inputs: tuple[Node, ...],
        batched: tuple[bool, ...],
        *,
        shape: Shape,
        strides: Shape,
        offset: int,
    ) -> Node:
        (x,) = inputs
        return self(x, shape=(size, *shape), strides=(prod(x.shape[1:]), *strides), offset=offset)


def _overlap(got: Any) -> Exception:
    return shape_error(
        "in-place",
        "unsupported operation: more than one element of the written-to tensor refers to a single memory location",
        got,
        "write to a clone() of the tensor",
    )


def _zero(dtype: DType) -> Node:
    return literal(dtype.array(0), array_type((), dtype))


def _positions(size: Shape, stride: Shape, offset: int) -> Node:
    at = np.full(size, offset, np.int64)
    for axis, (n, step) in enumerate(zip(size, stride)):
        at += (np.arange(n) * step).reshape((n,) + (1,) * (len(size) - axis - 1))
    return literal(at, array_type(size, int64))


class Windows(View):
    """y[..., k, ..., j] = x[..., k step + j, ...]: windows of `length` along `axis`, their own axis the last

    Transpose  x_bar = y_bar added at the positions that were read
    """

    name = "windows"
    params = ("axis", "length", "step")

    def infer(self, x: ArrayType, *, axis: int, length: int, step: int) -> ArrayType:
        if not 0 <= axis < x.ndim or not 0 <= length <= x.shape[axis] or step < 1:
            raise shape_error("windows", f"windows of {length} every {step} inside dimension {axis}", (x.shape,))
        count = (x.shape[axis] - length) // step + 1
        return array_type((*x.shape[:axis], count, *x.shape[axis + 1 :], length), x.dtype)

    def evaluate(self, x: Any, *, axis: int, length: int, step: int) -> Any:
        x = np.asarray(x)
        shape = self.infer(array_type(x.shape, int64), axis=axis, length=length, step=step).shape
        own = x.strides[axis]
        steps = (*x.strides[:axis], own * step, *x.strides[axis + 1 :], own)
        return np.lib.stride_tricks.as_strided(x, shape, steps, writeable=x.flags.writeable)

    def transpose(self, y_bar: Node, x: Node, *, axis: int, length: int, step: int) -> Node:
        zeros = primitives.full(_zero(y_bar.dtype), shape=x.shape)
        at = _positions((y_bar.shape[axis], length), (step, 1), 0)
        return put_add(zeros, at, _window_inside(y_bar, axis), axis=axis)

    def write(self, x: Node, new: Node, *, axis: int, length: int, step: int) -> Node:
        if length > step and new.shape[axis] > 1:
            raise _overlap((new.shape,))
        at = _positions((new.shape[axis], length), (step, 1), 0)
        return index_put(x, _window_inside(new, axis), at, axes=(axis,))

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*inputs, axis=params["axis"] + 1, length=params["length"], step=params["step"])


def _window_inside(y: Node, axis: int) -> Node:
    """The window's axis moved from the end to behind the axis of the windows."""
    last = y.ndim - 1
    return permute(y, order=(*range(axis + 1), last, *range(axis + 1, last)))


class Reinterpret(View):
    """y = the bytes of x read as another dtype

    Shapes     the last size shrinks or grows with the size of an element; no derivative flows
    """

    name = "reinterpret"
    params = ("dtype",)
    differentiable = False

    def infer(self, x: ArrayType, *, dtype: DType) -> ArrayType:
        before, after = x.dtype.itemsize, dtype.itemsize
        if before == after:
            return array_type(x.shape, dtype)
        what = f"to view {x.dtype.name} as {dtype.name} (different element sizes)"
        if not x.ndim:
            raise runtime_error("view", f"self.dim() cannot be 0 {what}")
        *rest, last = x.shape
        if last * before % after:
            raise runtime_error("view", f"self.size(-1) must be divisible by {after // before} {what}", last)
        return array_type((*rest, last * before // after), dtype)

    def evaluate(self, x: Any, *, dtype: DType) -> Any:
        x = np.asarray(x)
        if x.itemsize != dtype.itemsize and x.strides[-1] != x.itemsize:
            x = np.array(x, order="C")
        return x.view(dtype.numpy)

    def transpose(self, y_bar: Node, x: Node, *, dtype: DType) -> None:
        return None

    def vjp(self, y_bar: Node, x: Node, *, y: Node, **params: Any) -> tuple[Cotangent, ...]:
        return (None,)

    def jvp(self, x_dots: tuple[Any, ...], x: Node, *, y: Node, **params: Any) -> None:
        return None

    def write(self, x: Node, new: Node, *, dtype: DType) -> Node:
        return self(new, dtype=x.dtype)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, dtype: DType) -> Node:
        return self(*inputs, dtype=dtype)


class AsReal(View):
    """y[..., 0] = Re x, y[..., 1] = Im x

    Transpose  x_bar = y_bar[..., 0] + i y_bar[..., 1]
    """

    name = "as_real"

    def infer(self, x: ArrayType) -> ArrayType:
        if not x.dtype.is_complex:
            raise dtype_error("view_as_real", "view_as_real is only supported for complex tensors", x.dtype.name)
        return array_type((*x.shape, 2), x.dtype.to_real)

    def evaluate(self, x: Any) -> Any:
        x = np.asarray(x)
        return x[..., None].view(x.real.dtype)

    def transpose(self, y_bar: Node, x: Node) -> Node:
        return as_complex(y_bar)

    def write(self, x: Node, new: Node) -> Node:
        return as_complex(new)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        return self(*inputs)


class AsComplex(View):
    """y = x[..., 0] + i x[..., 1]

    Transpose  x_bar = (Re y_bar, Im y_bar)
    """

    name = "as_complex"

    def infer(self, x: ArrayType) -> ArrayType:
        if x.dtype.name not in ("float32", "float64"):
            raise dtype_error("view_as_complex", "a float32 or float64 tensor", x.dtype.name)
        if not x.ndim or x.shape[-1] != 2:
            raise shape_error("view_as_complex", "Tensor must have a last dimension of size 2", (x.shape,))
        return array_type(x.shape[:-1], x.dtype.to_complex)

    def evaluate(self, x: Any) -> Any:
        if x.strides[-1] != x.itemsize:
            x = np.array(x, order="C")
        return x.view(np.result_type(x.dtype, np.complex64))[..., 0]

    def transpose(self, y_bar: Node, x: Node) -> Node:
        return as_real(y_bar)

    def write(self, x: Node, new: Node) -> Node:
        return as_real(new)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        return self(*inputs)


as_strided = AsStrided()
as_real = AsReal()
as_complex = AsComplex()
windows = Windows()
reinterpret = Reinterpret()
