"""Contractions: sums of products over shared axes. Ranks are settled above; here the batch axes agree exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.dtypes import bool_
from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Bilinear, Composite, Cotangent, conjugated, primitives, unbroadcast
from wengert.primitives.views import permute


class Dot(Bilinear):
    """c[..., i, j] = sum_k a[..., i, k] b[..., k, j]

    Transpose  a_bar = c_bar b^H,  b_bar = a^H c_bar      (^H: conjugate transpose of the last two axes)
    Shapes     a (..., m, k), b (..., k, n), c (..., m, n), with equal leading axes
    Precision  float16 and bfloat16 are accumulated in float32
    """

    name = "dot"

    def infer(self, a: ArrayType, b: ArrayType) -> ArrayType:
        if a.ndim < 2 or a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
            hint = ""
            if min(a.ndim, b.ndim) >= 2:
                if a.shape[-1] == b.shape[-1]:
                    hint = "did you mean other.mT?"
                elif a.shape[-2] == b.shape[-2]:
                    hint = "did you mean input.mT?"
                sizes = f", but {a.shape[-1]} != {b.shape[-2]}" if a.shape[-1] != b.shape[-2] else ""
            else:
                sizes = ""
            raise shape_error("matmul", f"input's last axis == other's second-last axis{sizes}", (a.shape, b.shape), hint)
        if a.dtype is not b.dtype:
            raise dtype_error("matmul", "both inputs of one dtype", f"{a.dtype.name} and {b.dtype.name}")
        if a.dtype is bool_:
            raise dtype_error("matmul", "numbers", "bool", "convert both first, for example with .float()")
        return array_type((*a.shape[:-1], b.shape[-1]), a.dtype)

    def evaluate(self, a: Any, b: Any) -> Any:
        if a.dtype.itemsize == 2 and a.dtype.kind not in "iu":
            return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)
        return np.matmul(a, b)

    def transposes(self, c_bar: Node, a: Node, b: Node) -> tuple[Cotangent, ...]:
        return lambda: self(c_bar, _adjoint(b)), lambda: self(_adjoint(a), c_bar)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        a, b = inputs
        if batched == (True, False) and b.ndim == 2:  # one tall product instead of many
            _, m, k = a.shape
            c = self(primitives.reshape(a, shape=(size * m, k)), b)
            return primitives.reshape(c, shape=(size, m, b.shape[-1]))
        if not batched[0]:
            a = primitives.expand(a, shape=(size, *a.shape))
        if not batched[1]:
            b = primitives.expand(b, shape=(size, *b.shape))
        return self(a, b)


class Linear(Composite):
    """y = x w^T + b, what a layer of a network computes, as one step

    Reverse  x_bar = y_bar conj(w),  w_bar = y_bar^T conj(x),  b_bar = sum of y_bar over the rows
    Shapes   x (n, in), w (out, in), b (out,), y (n, out)
    """

    name = "linear"

    def infer(self, x: ArrayType, w: ArrayType, b: ArrayType) -> ArrayType:
        fits = x.ndim == w.ndim == 2 and x.shape[1] == w.shape[1] and b.shape == w.shape[:1]
        if not fits:
            wanted = "input (n, in), weight (out, in) and bias (out,)"
            raise shape_error("linear", wanted, (x.shape, w.shape, b.shape))
        if x.dtype is not w.dtype or x.dtype is not b.dtype:
            names = f"{x.dtype.name}, {w.dtype.name} and {b.dtype.name}"
            raise dtype_error("linear", "input, weight and bias of one dtype", names)
        if x.dtype is bool_:
            raise dtype_error("linear", "numbers", "bool", "convert them first, for example with .float()")
        return array_type((x.shape[0], w.shape[0]), x.dtype)

    def expand(self, x: Node, w: Node, b: Node) -> Node:
        return dot(x, permute(w, order=(1, 0))) + b

    def vjp(self, y_bar: Node, x: Node, w: Node, b: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return (
            lambda: dot(y_bar, conjugated(w)),
            lambda: dot(permute(y_bar, order=(1, 0)), conjugated(x)),
            lambda: unbroadcast(y_bar, b.type),
        )


def _adjoint(x: Node) -> Node:
    order = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    if x.dtype.is_complex:
        x = primitives.conj(x)
    return primitives.permute(x, order=order)


dot = Dot()
linear = Linear()
