"""Filters that give an axis another number of places: what share each old place has in each new one.

Old and new places are cells of one line, centred at i + 1/2; new centres are mapped back to the old line and a kernel
is laid over the old ones. Each row of shares adds up to 1, so that a constant stays what it is, also at the ends.
Source: R. G. Keys, Cubic convolution interpolation for digital image processing, 1981; D. P. Mitchell and A. N. Netravali,
Reconstruction filters in computer graphics, 1988; C. E. Duchon, Lanczos filtering in one and two dimensions, 1979.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.dtypes import DType
from wengert.errors import value_error
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.tensors.tensor import Tensor, wrap


def _box(x: Any) -> Any:
    return np.where(x < 0.5, 1.0, 0.0)


def _triangle(x: Any) -> Any:
    return np.maximum(1 - x, 0)


def _cubic(b: float, c: float) -> Callable[[Any], Any]:
    """Mitchell's and Netravali's family of cubics; b = 0, c = 1/2 is Keys's."""

    def kernel(x: Any) -> Any:
        near = ((12 - 9 * b - 6 * c) * x + (-18 + 12 * b + 6 * c)) * x * x + (6 - 2 * b)
        far = (((-b - 6 * c) * x + (6 * b + 30 * c)) * x + (-12 * b - 48 * c)) * x + (8 * b + 24 * c)
        return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6

    return kernel


def _lanczos(radius: float) -> Callable[[Any], Any]:
    return lambda x: np.where(x <= radius, np.sinc(x) * np.sinc(x / radius), 0)


def _gaussian(x: Any) -> Any:
    return np.where(x < 1.5, np.exp(-2.0 * x * x), 0)


KERNELS: dict[str, Callable[[Any], Any]] = {
    "box": _box, "triangle": _triangle, "cubic": _cubic(0, 0.5), "mitchell": _cubic(1 / 3, 1 / 3),
    "lanczos3": _lanczos(3.0), "lanczos5": _lanczos(5.0), "gaussian": _gaussian,
}  # fmt: skip


def filter_shares(size: int, count: int, kernel: str, antialias: bool, dtype: DType) -> Tensor:
    """The matrix (count, size) that takes an axis of `size` places to one of `count`.

    kernel: one of `KERNELS`
    antialias: when shrinking, the kernel is as wide as the new places

    Raises: ValueError for another kernel.

    >>> import wengert
    >>> filter_shares(4, 2, "triangle", False, wengert.float32)
    tensor([[0.5000, 0.5000, 0.0000, 0.0000],
            [0.0000, 0.0000, 0.5000, 0.5000]])
    """
    if kernel not in KERNELS:
        raise value_error("filter_shares", f"one of {sorted(KERNELS)}", kernel)
    scale = size / count
    width = max(scale, 1.0) if antialias else 1.0
    centres = (np.arange(count) + 0.5) * scale
    shares = KERNELS[kernel](np.abs(centres[:, None] - (np.arange(size) + 0.5)) / width)
    return _matrix(shares / shares.sum(1, keepdims=True), dtype)


def overlap_shares(size: int, count: int, dtype: DType) -> Tensor:
    """The matrix (count, size) of means: each new place is the mean of what it covers of the old ones.

    >>> import wengert
    >>> overlap_shares(3, 2, wengert.float32)
    tensor([[0.6667, 0.3333, 0.0000],
            [0.0000, 0.3333, 0.6667]])
    """
    edges, old = np.arange(count + 1) * (size / count), np.arange(size)
    covered = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    shares = np.maximum(covered, 0)
    return _matrix(shares / shares.sum(1, keepdims=True), dtype)


def _matrix(values: Any, dtype: DType) -> Tensor:
    array = np.ascontiguousarray(values.astype(dtype.numpy))
    return wrap(literal(array, array_type(array.shape, dtype)))
