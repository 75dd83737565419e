"""Arrays made from nothing: filled with one value, and counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.dtypes import DType
from wengert.errors import shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.record import scalar
from wengert.graph.rule import Composite, Cotangent, General, Linear, primitives
from wengert.primitives.views import expand, reshape
from wengert.shapes import Shape


class Full(Linear):
    """y[i] = value

    Transpose  value_bar = sum of y_bar
    Shapes     value is zero-dimensional; y has `shape`
    """

    name = "full"
    params = ("shape",)

    def infer(self, value: ArrayType, *, shape: Shape) -> ArrayType:
        if value.ndim:
            raise shape_error("full", "a zero-dimensional fill value", (value.shape,))
        _check_sizes("full", shape)
        return array_type(shape, value.dtype)

    def evaluate(self, value: Any, *, shape: Shape) -> Any:
        y = np.empty(shape, value.dtype)
        y.fill(value)
        return y

    def transpose(self, y_bar: Node, value: Node, *, shape: Shape) -> tuple[Cotangent, ...]:
        return (lambda: primitives.reduce_sum(y_bar, axes=tuple(range(len(shape)))),)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, shape: Shape) -> Node:
        (values,) = inputs
        return expand(reshape(values, shape=(size, *(1,) * len(shape))), shape=(size, *shape))


class Filled(Composite):
    """y[i] = number, which is part of the program: the zeros and ones of rules, and those that a user asks for by name

    Shapes     y has `shape`
    Why        `full` has its value as an input, which may be another one in the next run; what is known to be 0 or 1 saves
               work (`rewrite/algebra.py`)
    """

    name = "filled"
    params = ("number", "dtype", "shape")
    differentiable = False

    def infer(self, *, number: int, dtype: DType, shape: Shape) -> ArrayType:
        _check_sizes(self.name, shape)
        return array_type(shape, dtype)

    def evaluate(self, *, number: int, dtype: DType, shape: Shape) -> Any:
        y = np.empty(shape, dtype.numpy)
        y.fill(number)
        return y

    def expand(self, *, number: int, dtype: DType, shape: Shape) -> Node:
        return full(scalar(number, dtype), shape=shape)


class Iota(General):
    """y[i] = i for i in 0 .. n - 1

    Shapes     y has shape (n,)
    Domain     numbers that `dtype` cannot hold wrap (integers) or round (floats)
    """

    name = "iota"
    params = ("n", "dtype")
    differentiable = False

    def infer(self, *, n: int, dtype: DType) -> ArrayType:
        _check_sizes("arange", (n,))
        return array_type((n,), dtype)

    def evaluate(self, *, n: int, dtype: DType) -> Any:
        return np.arange(n).astype(dtype.numpy, copy=False)


def _check_sizes(operation: str, shape: Shape) -> None:
    if any(n < 0 for n in shape):
        raise shape_error(operation, "sizes that are not negative", list(shape))


full = Full()
filled = Filled()
iota = Iota()
