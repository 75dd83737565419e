"""Convolutions: the three maps of one trilinear form, each the derivative of that form by one of its arguments.

    T(x, w, y) = sum of  y[n, g o, i]  w[g o, c, k]  x[n, g c, i stride + k dilation - padding]   over all indices

i, k and the position in x are multi-indices over one, two or three spatial axes; g counts groups, and x is 0 outside.

    primitive         arguments   gives      what programs call it
    convolve          x, w        y          convolution (cross-correlation, as deep learning has it)
    convolve_input    y, w        x          transposed convolution; the derivative of the others by x
    convolve_weight   x, y        w          the derivative of the others by w

T is linear in each argument, so each map's transposes are the other two, and the three are closed under derivatives of
every order. The size of the result's spatial axes is a parameter of each: so every padding, even or not, and every
remainder that a stride leaves is one and the same case.

Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
"""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import numpy as np

from wengert.errors import dtype_error, shape_error
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import Bilinear, Cotangent, conjugated, zeros_of
from wengert.primitives.numerics import is_half
from wengert.primitives.patches import check_geometry, check_window, fold, no_bool, patches
from wengert.primitives.views import permute, reshape
from wengert.shapes import Shape, inverse_permutation

# The axes of each argument before its spatial ones: the two that arrays have, as products of the form's.
_LAYOUT = {"x": (("N",), ("g", "C")), "w": (("g", "O"), ("C",)), "y": (("N",), ("g", "O"))}
# The interpreter writes patches of as many images at once as fit into this many bytes: what a cache holds.
_PATCH_BYTES = 1 << 21


class _Convolution(Bilinear):
    """What the three share: `takes` and `gives` name their arguments and their result in the form T."""

    takes: ClassVar[tuple[str, str]]
    gives: ClassVar[str]
    params = ("stride", "padding", "dilation", "groups", "size")

    def infer(
        self, a: ArrayType, b: ArrayType, *, stride: Shape, padding: Shape, dilation: Shape, groups: int, size: Shape
    ) -> ArrayType:
        check_geometry(self.name, a, stride, padding, dilation, size)
        check_window(self.name, size, dilation, ())
        no_bool(self.name, a)
        if a.dtype is not b.dtype:
            raise dtype_error(self.name, "both inputs of one dtype", f"{a.dtype.name} and {b.dtype.name}")
        sizes = _sizes(self.name, dict(zip(self.takes, (a.shape, b.shape))), groups, len(stride))
        shape = [prod([sizes[letter] for letter in letters]) for letters in _LAYOUT[self.gives]]
        return array_type((*shape, *size), a.dtype)

    def batch(
        self, size_: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, groups: int, **params: Any
    ) -> Node:
        """The batch becomes part of the one axis of T that just the batched arguments and the result share."""
        mapped = {*[kind for kind, flag in zip(self.takes, batched) if flag], self.gives}
        shared = {"xy": "N", "wy": "O", "wx": "C", "wxy": "g"}["".join(sorted(mapped))]
        shapes = {kind: x.shape[flag:] for kind, x, flag in zip(self.takes, inputs, batched)}
        sizes = _sizes(self.name, shapes, groups, len(params["stride"]))
        if not size_:  # no groups are none at all
            types = [array_type(shapes[kind], x.dtype) for kind, x in zip(self.takes, inputs)]
            one = self.infer(*types, groups=groups, **params)
            return zeros_of(array_type((0, *one.shape), one.dtype))
        a, b = [
            _fold_in(kind, x, shared, sizes, size_) if flag else x for kind, x, flag in zip(self.takes, inputs, batched)
        ]
        result = self(a, b, groups=groups * size_ if shared == "g" else groups, **params)
        return _take_out(self.gives, result, shared, sizes, size_)


def _sizes(operation: str, shapes: dict[str, Shape], groups: int, axes: int) -> dict[str, int]:
    """The sizes N, O, C, g (O and C within a group) that two arguments have."""
    sizes = {"g": groups}
    for kind, shape in shapes.items():
        fits = len(shape) == axes + 2 and groups > 0
        for n, letters in zip(shape, _LAYOUT[kind]):
            n, left = divmod(n, groups) if "g" in letters and fits else (n, 0)
            fits = fits and not left and sizes.setdefault(letters[-1], n) == n
        if not fits:
            raise shape_error(
                operation,
                f"x (batch, channels, ...), w (outputs, channels / {groups}, ...), y (batch, outputs, ...) with "
                f"{axes} spatial axes",
                tuple(shapes.values()),
            )
    return sizes


def _order(kind: str, shared: str) -> list[str]:
    """The letters of an argument with B, the batch, before the axis that takes it in."""
    letters = [letter for group in _LAYOUT[kind] for letter in group]
    letters.insert(letters.index(shared), "B")
    return letters


def _fold_in(kind: str, x: Node, shared: str, sizes: dict[str, int], size: int) -> Node:
    """(B, ...) with the batch as part of the axis `shared`."""
    rest = x.shape[3:]
    letters = [letter for group in _LAYOUT[kind] for letter in group]
    split = reshape(x, shape=(size, *[sizes[letter] for letter in letters], *rest))
    order = [("B", *letters).index(letter) for letter in _order(kind, shared)]
    moved = permute(split, order=(*order, *range(len(order), split.ndim)))
    return reshape(moved, shape=(*_folded(kind, shared, sizes, size), *rest))


def _take_out(kind: str, x: Node, shared: str, sizes: dict[str, int], size: int) -> Node:
    """The inverse of `_fold_in`."""
    rest = x.shape[2:]
    order = _order(kind, shared)
    split = reshape(x, shape=(*[size if letter == "B" else sizes[letter] for letter in order], *rest))
    letters = [letter for group in _LAYOUT[kind] for letter in group]
    back = inverse_permutation([("B", *letters).index(letter) for letter in order])
    moved = permute(split, order=(*back, *range(len(order), split.ndim)))
    shape = [prod([sizes[letter] for letter in group]) for group in _LAYOUT[kind]]
    return reshape(moved, shape=(size, *shape, *rest))


def _folded(kind: str, shared: str, sizes: dict[str, int], size: int) -> Shape:
    return tuple(
        [prod([sizes[letter] for letter in group]) * (size if shared in group else 1) for group in _LAYOUT[kind]]
    )


class Convolve(_Convolution):
    """y[n, g o, i] = sum over c, k of  w[g o, c, k] x[n, g c, i stride + k dilation - padding]

    Transpose  x_bar = convolve_input(y_bar, conj w),  w_bar = convolve_weight(conj x, y_bar)
    Shapes     x (batch, g channels, ...), w (g outputs, channels, *kernel), y (batch, g outputs, *size)
    Precision  float16 and bfloat16 are accumulated in float32
    """

    name = "convolve"
    takes = ("x", "w")
    gives = "y"

    def evaluate(
        self, x: Any, w: Any, *, stride: Shape, padding: Shape, dilation: Shape, groups: int, size: Shape
    ) -> Any:
        wide_x, wide_w = _wide(x), _wide(w)
        matrix = wide_w.reshape(groups, w.shape[0] // groups, prod(w.shape[1:]))
        y = np.empty((x.shape[0], groups, matrix.shape[1], prod(size)), wide_x.dtype)
        for some, columns in _columns(wide_x, w.shape[2:], stride, padding, dilation, groups, size):
            np.matmul(matrix, columns, out=y[some])
        return y.reshape(x.shape[0], w.shape[0], *size).astype(x.dtype, copy=False)

    def transposes(self, y_bar: Node, x: Node, w: Node, *, size: Shape, **geometry: Any) -> tuple[Cotangent, ...]:
        return (
            lambda: convolve_input(y_bar, conjugated(w), size=x.shape[2:], **geometry),
            lambda: convolve_weight(conjugated(x), y_bar, size=w.shape[2:], **geometry),
        )


class ConvolveInput(_Convolution):
    """x[n, g c, j] = sum of  w[g o, c, k] y[n, g o, i]  over o and all i, k with j = i stride + k dilation - padding

    Transpose  y_bar = convolve(x_bar, conj w),  w_bar = convolve_weight(x_bar, conj y)
    Shapes     y (batch, g outputs, ...), w (g outputs, channels, *kernel), x (batch, g channels, *size)
    Precision  float16 and bfloat16 are accumulated in float32
    """

    name = "convolve_input"
    takes = ("y", "w")
    gives = "x"

    def evaluate(
        self, y: Any, w: Any, *, stride: Shape, padding: Shape, dilation: Shape, groups: int, size: Shape
    ) -> Any:
        batch, kernel, places = y.shape[0], w.shape[2:], y.shape[2:]
        matrix = _wide(w).reshape(groups, w.shape[0] // groups, prod(w.shape[1:])).swapaxes(1, 2)
        values = _wide(y).reshape(batch, groups, w.shape[0] // groups, prod(places))
        x = np.empty((batch, groups * w.shape[1], *size), values.dtype)
        for some in _some(batch, matrix.shape[1] * groups * prod(places) * values.itemsize):
            columns = np.matmul(matrix, values[some])
            columns = columns.reshape(len(columns), groups * w.shape[1], *kernel, *places)
            x[some] = fold.evaluate(columns, stride=stride, padding=padding, dilation=dilation, size=size)
        return x.astype(y.dtype, copy=False)

    def transposes(self, x_bar: Node, y: Node, w: Node, *, size: Shape, **geometry: Any) -> tuple[Cotangent, ...]:
        return (
            lambda: convolve(x_bar, conjugated(w), size=y.shape[2:], **geometry),
            lambda: convolve_weight(x_bar, conjugated(y), size=w.shape[2:], **geometry),
        )


class ConvolveWeight(_Convolution):
    """w[g o, c, k] = sum over n, i of  y[n, g o, i] x[n, g c, i stride + k dilation - padding]

    Transpose  x_bar = convolve_input(conj y, w_bar),  y_bar = convolve(conj x, w_bar)
    Shapes     x (batch, g channels, ...), y (batch, g outputs, ...), w (g outputs, channels, *size)
    Precision  float16 and bfloat16 are accumulated in float32
    """

    name = "convolve_weight"
    takes = ("x", "y")
    gives = "w"

    def evaluate(
        self, x: Any, y: Any, *, stride: Shape, padding: Shape, dilation: Shape, groups: int, size: Shape
    ) -> Any:
        places = y.shape[2:]
        values = _wide(y).reshape(y.shape[0], groups, y.shape[1] // groups, prod(places))
        channels = x.shape[1] // groups
        w = np.zeros((groups, values.shape[2], channels * prod(size)), values.dtype)
        for some, columns in _columns(_wide(x), size, stride, padding, dilation, groups, places):
            w += np.matmul(values[some], columns.swapaxes(2, 3)).sum(0)
        return w.reshape(y.shape[1], channels, *size).astype(x.dtype, copy=False)

    def transposes(self, w_bar: Node, x: Node, y: Node, *, size: Shape, **geometry: Any) -> tuple[Cotangent, ...]:
        return (
            lambda: convolve_input(conjugated(y), w_bar, size=x.shape[2:], **geometry),
            lambda: convolve(conjugated(x), w_bar, size=y.shape[2:], **geometry),
        )


# --- for the interpreter: a convolution as products of matrices with patches ------------------------------------------


def _wide(x: Any) -> Any:
    return x.astype(np.float32) if is_half(x) else np.ascontiguousarray(x)


def _some(batch: int, each: int) -> list[slice]:
    """The batch in slices of which each takes about `_PATCH_BYTES`, when one image takes `each`."""
    step = max(1, _PATCH_BYTES // max(each, 1))
    return [slice(start, min(start + step, batch)) for start in range(0, batch, step)]


def _columns(
    x: Any, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int, places: Shape
) -> Any:
    """Some images at a time: which, and their patches as matrices (images, groups, channels x kernel, places)."""
    rows, columns = x.shape[1] // groups * prod(kernel), prod(places)
    for some in _some(x.shape[0], groups * rows * columns * x.itemsize):
        part = x[some]
        if any([n != 1 for n in (*kernel, *stride)]) or any(padding) or x.shape[2:] != places:
            part = patches.evaluate(
                part, window=kernel, stride=stride, padding=padding, dilation=dilation, size=places
            )
        yield some, part.reshape(part.shape[0], groups, rows, columns)


convolve = Convolve()
convolve_input = ConvolveInput()
convolve_weight = ConvolveWeight()
