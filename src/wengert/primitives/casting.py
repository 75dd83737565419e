"""Moves between dtypes."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert.dtypes import DType, converted
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Cotangent, General, primitives


class Convert(General):
    """y = x in another dtype

    Partial   dy/dx = 1 between floating dtypes; a derivative is carried in the dtype of its value
    Domain    floats to integers truncate towards zero; anything to bool is x != 0; complex to real keeps the real
              part; real to complex adds 0j
    Reverse   x_bar = y_bar in x's dtype (the real part, if x is real and y complex)
    """

    name = "convert"
    params = ("dtype",)
    saves_nothing = True

    def infer(self, x: ArrayType, *, dtype: DType) -> ArrayType:
        return array_type(x.shape, dtype)

    def evaluate(self, x: Any, *, dtype: DType) -> Any:
        target = dtype.numpy
        if target.kind == "b":
            return np.not_equal(x, 0)
        if np.asarray(x).dtype.kind == "c" and target.kind != "c":
            x = x.real
        return converted(x, dtype)

    def vjp(self, y_bar: Node, x: Node, *, y: Node, dtype: DType) -> tuple[Cotangent, ...]:
        return (lambda: move(y_bar, x.dtype),) if x.dtype.inexact else (None,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, dtype: DType) -> Optional[Node]:
        (x_dot,) = x_dots
        return None if x_dot is None or not dtype.inexact else move(x_dot, dtype)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, dtype: DType) -> Node:
        return self(*inputs, dtype=dtype)


convert = Convert()


def move(x: Node, dtype: DType) -> Node:
    """x in `dtype`, itself when it has it; the real part when the way goes from complex to real."""
    if x.dtype is dtype:
        return x
    if x.dtype.is_complex and not dtype.is_complex:
        x = primitives.real(x)
        if x.dtype is dtype:
            return x
    return convert(x, dtype=dtype)
