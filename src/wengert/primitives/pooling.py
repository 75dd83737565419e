"""Pooling: a window's largest element, and its sum.

The geometry is that of `patches`: x stands on the last axes, and at place i the window's element k (by its row-major
number) looks at i stride + k dilation - padding. What lies outside x takes no part.

    primitive       gives                                               its transpose
    window_argmax   which element of the window is the largest          -
    window_select   the chosen element's value                          window_place
    window_place    values, put where they were chosen                  window_select
    window_sum      the sum of the window                               window_spread
    window_spread   values, added wherever their window looks           window_sum
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.dtypes import int32
from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Cotangent, General, Linear
from wengert.primitives.numerics import is_half
from wengert.primitives.patches import check_geometry, check_window, leading, no_bool, overlaps
from wengert.primitives.views import all_batched
from wengert.shapes import Shape


def _number(k: Shape, window: Shape) -> int:
    """The row-major number of a window's element."""
    return int(np.ravel_multi_index(k, window))


class WindowArgmax(General):
    """y[..., i] = the number of the window's largest element at place i

    Ties       the first of equals; of several NaN, each larger than any number, the last (PyTorch's rules)
    Domain     real numbers; -1 where a window looks at nothing at all
    Shapes     x (..., *inside), y (..., *size); int32
    """

    name = "window_argmax"
    params = ("window", "stride", "padding", "dilation", "size")
    differentiable = False

    def infer(
        self, x: ArrayType, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> ArrayType:
        check_geometry(self.name, x, stride, window, padding, dilation, size)
        check_window(self.name, window, dilation, size)
        if x.dtype.is_complex:
            raise dtype_error(self.name, "a real dtype, since complex numbers have no order", x.dtype.name)
        return array_type((*x.shape[: x.ndim - len(stride)], *size), int32)

    def evaluate(
        self, x: Any, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> Any:
        before = x.ndim - len(stride)
        x = x.astype(np.float32) if x.dtype.char == "E" else x  # bfloat16, whose order NumPy does not know
        shape = (*x.shape[:before], *size)
        at = np.full(shape, -1, np.int32)
        largest = np.empty(shape, x.dtype)
        for k, places, seen in overlaps(x.shape[before:], window, stride, padding, dilation, size):
            here = leading(places)
            value = x[leading(seen)]
            better = (value > largest[here]) | (at[here] < 0)
            if x.dtype.kind == "f":
                better |= np.isnan(value)
            np.copyto(largest[here], value, where=better)
            np.copyto(at[here], np.int32(_number(k, window)), where=better)
        return at

    def batch(self, size_: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*inputs, **params)


class _Chosen(Linear):
    """What reading and writing at chosen elements share. The choice is int32; one that names no element, or one outside
    x, reads as 0 and writes nothing."""

    linear_inputs = 1
    saves_nothing = False  # the derivative reads the choice

    def batch(self, size_: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*all_batched(size_, inputs, batched), **params)


def _check_choice(operation: str, choice: ArrayType, wanted: Shape) -> None:
    if choice.dtype is not int32:
        raise dtype_error(operation, "a choice of dtype int32", choice.dtype.name)
    if choice.shape != wanted:
        raise shape_error(operation, f"a choice of shape {list(wanted)}", (choice.shape,))


class WindowSelect(_Chosen):
    """y[..., i] = x[..., i stride + k dilation - padding] with k = choice[..., i]

    Transpose  x_bar = window_place(y_bar, choice)
    Shapes     x (..., *inside), choice and y (..., *size)
    """

    name = "window_select"
    params = ("window", "stride", "padding", "dilation")

    def infer(
        self, x: ArrayType, choice: ArrayType, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape
    ) -> ArrayType:
        check_geometry(self.name, x, stride, window, padding, dilation)
        check_window(self.name, window, dilation, ())
        axes = len(stride)
        _check_choice(self.name, choice, (*x.shape[: x.ndim - axes], *choice.shape[max(choice.ndim - axes, 0) :]))
        return array_type(choice.shape, x.dtype)

    def evaluate(
        self, x: Any, choice: Any, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape
    ) -> Any:
        before = x.ndim - len(stride)
        y = np.zeros(choice.shape, x.dtype)
        for k, places, seen in overlaps(x.shape[before:], window, stride, padding, dilation, choice.shape[before:]):
            here = leading(places)
            np.copyto(y[here], x[leading(seen)], where=choice[here] == _number(k, window))
        return y

    def transpose(self, y_bar: Node, x: Node, choice: Node, **params: Any) -> tuple[Cotangent, ...]:
        inside = x.shape[x.ndim - len(params["stride"]) :]
        return (lambda: window_place(y_bar, choice, size=inside, **params),)


class WindowPlace(_Chosen):
    """x[..., j] = sum of y[..., i] over the places i with j = i stride + k dilation - padding, k = choice[..., i]

    Transpose  y_bar = window_select(x_bar, choice)
    Shapes     y and choice (..., *places), x (..., *size)
    Precision  float16 and bfloat16 are added in float32
    """

    name = "window_place"
    params = ("window", "stride", "padding", "dilation", "size")

    def infer(
        self,
        y: ArrayType,
        choice: ArrayType,
        *,
        window: Shape,
        stride: Shape,
        padding: Shape,
        dilation: Shape,
        size: Shape,
    ) -> ArrayType:
        check_geometry(self.name, y, stride, window, padding, dilation, size)
        check_window(self.name, window, dilation, size)
        _check_choice(self.name, choice, y.shape)
        no_bool(self.name, y)
        return array_type((*y.shape[: y.ndim - len(stride)], *size), y.dtype)

    def evaluate(
        self, y: Any, choice: Any, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> Any:
        before = y.ndim - len(stride)
        x = np.zeros((*y.shape[:before], *size), np.float32 if is_half(y) else y.dtype)
        for k, places, seen in overlaps(size, window, stride, padding, dilation, y.shape[before:]):
            here = leading(places)
            x[leading(seen)] += np.where(choice[here] == _number(k, window), y[here], y.dtype.type(0))
        return x.astype(y.dtype, copy=False)

    def transpose(
        self, x_bar: Node, y: Node, choice: Node, *, size: Shape, **params: Any
    ) -> tuple[Cotangent, ...]:
        return (lambda: window_select(x_bar, choice, **params),)


class WindowSum(Linear):
    """y[..., i] = sum over k of x[..., i stride + k dilation - padding]

    Transpose  x_bar = window_spread(y_bar)
    Shapes     x (..., *inside), y (..., *size)
    Precision  float16 and bfloat16 are added in float32
    """

    name = "window_sum"
    params = ("window", "stride", "padding", "dilation", "size")

    def infer(
        self, x: ArrayType, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> ArrayType:
        check_geometry(self.name, x, stride, window, padding, dilation, size)
        check_window(self.name, window, dilation, size)
        no_bool(self.name, x)
        return array_type((*x.shape[: x.ndim - len(stride)], *size), x.dtype)

    def evaluate(
        self, x: Any, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> Any:
        before = x.ndim - len(stride)
        y = np.zeros((*x.shape[:before], *size), np.float32 if is_half(x) else x.dtype)
        for _, places, seen in overlaps(x.shape[before:], window, stride, padding, dilation, size):
            y[leading(places)] += x[leading(seen)]
        return y.astype(x.dtype, copy=False)

    def transpose(self, y_bar: Node, x: Node, *, size: Shape, **params: Any) -> tuple[Cotangent, ...]:
        inside = x.shape[x.ndim - len(params["stride"]) :]
        return (lambda: window_spread(y_bar, size=inside, **params),)

    def batch(self, size_: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*inputs, **params)


class WindowSpread(Linear):
    """x[..., j] = sum of y[..., i] over all i, k with j = i stride + k dilation - padding

    Transpose  y_bar = window_sum(x_bar)
    Shapes     y (..., *places), x (..., *size)
    Precision  float16 and bfloat16 are added in float32
    """

    name = "window_spread"
    params = ("window", "stride", "padding", "dilation", "size")

    def infer(
        self, y: ArrayType, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> ArrayType:
        check_geometry(self.name, y, stride, window, padding, dilation, size)
        check_window(self.name, window, dilation, size)
        no_bool(self.name, y)
        return array_type((*y.shape[: y.ndim - len(stride)], *size), y.dtype)

    def evaluate(
        self, y: Any, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> Any:
        before = y.ndim - len(stride)
        x = np.zeros((*y.shape[:before], *size), np.float32 if is_half(y) else y.dtype)
        for _, places, seen in overlaps(size, window, stride, padding, dilation, y.shape[before:]):
            x[leading(seen)] += y[leading(places)]
        return x.astype(y.dtype, copy=False)

    def transpose(self, x_bar: Node, y: Node, *, size: Shape, **params: Any) -> tuple[Cotangent, ...]:
        places = y.shape[y.ndim - len(params["stride"]) :]
        return (lambda: window_sum(x_bar, size=places, **params),)

    def batch(self, size_: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*inputs, **params)


window_argmax = WindowArgmax()
window_select = WindowSelect()
window_place = WindowPlace()
window_sum = WindowSum()
window_spread = WindowSpread()
