"""Patches: what a window sees at every place where it stands. Shared by convolutions and pooling.

A window of sizes `window` stands at `size` places along the last axes of x. At place i its element k looks at

    i stride + k dilation - padding        (each of them one number per axis)

and what lies outside x is seen as 0. The axes before the windowed ones are carried along. Here are the two linear maps
of that geometry, each the transpose of the other; `overlaps` is the geometry itself, for the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from wengert.dtypes import bool_
from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Cotangent, Linear
from wengert.primitives.numerics import is_half
from wengert.shapes import Shape

# For each element of the window: its index; the places at which it looks inside x; and where it looks then.
Overlaps = tuple[tuple[Shape, tuple[Any, ...], tuple[Any, ...]], ...]


def overlap(n: int, places: int, step: int, offset: int) -> tuple[slice, slice]:
    """The places i with 0 <= i step + offset < n, and those positions of x."""
    low = max(0, -(offset // step))
    high = max(low, min(places, (n - 1 - offset) // step + 1))
    start = low * step + offset
    return slice(low, high), slice(start, start + (high - low) * step, step) if high > low else slice(0, 0)


@lru_cache(maxsize=1024)
def overlaps(inside: Shape, window: Shape, stride: Shape, padding: Shape, dilation: Shape, places: Shape) -> Overlaps:
    """Every element of a window that ever looks inside an x whose windowed axes have the sizes `inside`."""
    axes = [
        [overlap(n, m, s, k * d - p) for k in range(length)]
        for n, length, s, p, d, m in zip(inside, window, stride, padding, dilation, places)
    ]
    found = []
    for k in product(*map(range, window)):
        pairs = [axis[i] for axis, i in zip(axes, k)]
        if all([at.stop > at.start for at, _ in pairs]):
            found.append((k, tuple([at for at, _ in pairs]), tuple([seen for _, seen in pairs])))
    return tuple(found)


def leading(*indices: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index of these last axes, and of everything before them."""
    return (..., *[entry for index in indices for entry in index])


def sees_everything(found: Overlaps, window: Shape, places: Shape) -> bool:
    """Whether no element of the window ever looks outside."""
    return len(found) == prod(window) and all(
        [at.stop - at.start == m for _, slices, _ in found for at, m in zip(slices, places)]
    )


def check_geometry(operation: str, x: ArrayType, stride: Shape, *others: Sequence[int]) -> None:
    """Raises: RuntimeError unless there is one of everything for each windowed axis, and strides are positive."""
    axes = len(stride)
    if any([len(other) != axes for other in others]) or axes > x.ndim or axes == 0 or min(stride) < 1:
        raise shape_error(operation, f"a positive stride and one of each number for {axes} axes", (x.shape, *others))


def check_window(operation: str, window: Shape, dilation: Shape, places: Shape) -> None:
    """Raises: RuntimeError for negative sizes and dilations below 1."""
    if min(*window, *places, 0) < 0 or min(dilation) < 1:
        raise shape_error(operation, "sizes that are not negative and a dilation of at least 1", (window, dilation, places))


def no_bool(operation: str, x: ArrayType) -> None:
    """Raises: RuntimeError for bools, which have no sum."""
    if x.dtype is bool_:
        raise dtype_error(operation, "numbers", "bool", "convert first, for example with .float()")


class Patches(Linear):
    """y[..., k, i] = x[..., i stride + k dilation - padding], 0 outside x

    Transpose  x_bar = fold(y_bar)
    Shapes     x (..., *inside); y (..., *window, *size): the window's axes, then those of its places
    """

    name = "patches"
    params = ("window", "stride", "padding", "dilation", "size")

    def infer(
        self, x: ArrayType, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> ArrayType:
        check_geometry(self.name, x, stride, window, padding, dilation, size)
        check_window(self.name, window, dilation, size)
        return array_type((*x.shape[: x.ndim - len(stride)], *window, *size), x.dtype)

    def evaluate(
        self, x: Any, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> Any:
        before = x.ndim - len(stride)
        found = overlaps(x.shape[before:], window, stride, padding, dilation, size)
        make = np.empty if sees_everything(found, window, size) else np.zeros
        y = make((*x.shape[:before], *window, *size), x.dtype)
        for k, at, seen in found:
            y[leading(k, at)] = x[leading(seen)]
        return y

    def transpose(
        self, y_bar: Node, x: Node, *, window: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> tuple[Cotangent, ...]:
        inside = x.shape[x.ndim - len(stride) :]
        return (lambda: fold(y_bar, stride=stride, padding=padding, dilation=dilation, size=inside),)

    def batch(self, size_: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*inputs, **params)


class Fold(Linear):
    """x[..., j] = sum of y[..., k, i] over all k, i with j = i stride + k dilation - padding

    Transpose  y_bar = patches(x_bar)
    Shapes     y (..., *window, *places); x (..., *size)
    Precision  float16 and bfloat16 are added in float32
    """

    name = "fold"
    params = ("stride", "padding", "dilation", "size")

    def infer(self, y: ArrayType, *, stride: Shape, padding: Shape, dilation: Shape, size: Shape) -> ArrayType:
        check_geometry(self.name, y, stride, padding, dilation, size)
        no_bool(self.name, y)
        axes = len(stride)
        if y.ndim < 2 * axes:
            raise shape_error(self.name, f"{axes} axes of a window and {axes} of its places", (y.shape,))
        check_window(self.name, size, dilation, ())
        return array_type((*y.shape[: y.ndim - 2 * axes], *size), y.dtype)

    def evaluate(self, y: Any, *, stride: Shape, padding: Shape, dilation: Shape, size: Shape) -> Any:
        axes = len(stride)
        window, places = y.shape[y.ndim - 2 * axes : y.ndim - axes], y.shape[y.ndim - axes :]
        x = np.zeros((*y.shape[: y.ndim - 2 * axes], *size), np.float32 if is_half(y) else y.dtype)
        for k, at, seen in overlaps(size, window, stride, padding, dilation, places):
            x[leading(seen)] += y[leading(k, at)]
        return x.astype(y.dtype, copy=False)

    def transpose(
        self, x_bar: Node, y: Node, *, stride: Shape, padding: Shape, dilation: Shape, size: Shape
    ) -> tuple[Cotangent, ...]:
        axes = len(stride)
        window, places = y.shape[y.ndim - 2 * axes : y.ndim - axes], y.shape[y.ndim - axes :]
        return (lambda: patches(x_bar, window=window, stride=stride, padding=padding, dilation=dilation, size=places),)

    def batch(self, size_: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], **params: Any) -> Node:
        return self(*inputs, **params)


patches = Patches()
fold = Fold()
