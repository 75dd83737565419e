"""How an image is resized: along one axis at a time, each new pixel a weighted mean of old ones.

Pixel i of m is centred at c = (i + 1/2) n / m among the n old pixels and weighs pixel j by k((j + 1/2 - c) / s),
normalised to sum 1. Where the image shrinks, s = n / m widens the kernel k so that no old pixel is passed over
(antialiasing); otherwise s = 1.

Source: P. Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989. The kernels are the triangle, and the
cubic of R. Keys, "Cubic Convolution Interpolation", IEEE Trans. ASSP 29, 1981, with a = -1/2.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

FIXED = 2.0**22  # Pillow's 8-bit images are weighted in fixed point with this unit; so are 8-bit arrays here


class InterpolationMode(Enum):
    """How `resize` fills the new pixels."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


def triangle(x: Array) -> Array:
    """k(x) = max(1 - |x|, 0)"""
    return np.maximum(1 - np.abs(x), 0)


def cubic(x: Array) -> Array:
    """k(x) = (a+2)|x|^3 - (a+3)|x|^2 + 1 for |x| < 1,  a (|x|^3 - 5|x|^2 + 8|x| - 4) for |x| < 2,  a = -1/2"""
    a, x = -0.5, np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


KERNELS = {InterpolationMode.BILINEAR: (triangle, 1.0), InterpolationMode.BICUBIC: (cubic, 2.0)}  # and their radius


@lru_cache(maxsize=64)
def weights(n: int, m: int, mode: InterpolationMode) -> Array:
    """The matrix (m, n), float64, that takes n pixels to m. Each row sums to 1. Not to be written to."""
    kernel, radius = KERNELS[mode]
    scale = n / m
    stretch = max(scale, 1.0)
    centre = (np.arange(m)[:, None] + 0.5) * scale  # (m, 1)
    pixel = np.arange(n)[None, :]  # (1, n)
    first = np.maximum(np.floor(centre - radius * stretch + 0.5), 0)
    last = np.minimum(np.floor(centre + radius * stretch + 0.5), n)
    raw = np.where((pixel >= first) & (pixel < last), kernel((pixel + 0.5 - centre) / stretch), 0.0)  # (m, n)
    result = raw / raw.sum(axis=1, keepdims=True)
    result.flags.writeable = False
    return result


def resample_bytes(image: Array, axis: int, m: int, mode: InterpolationMode) -> Array:
    """One axis of an 8-bit array resized to m, rounded as Pillow rounds.

    Weights and sums are whole multiples of 1/FIXED; float64 holds them exactly, so the matrix product is exact too.
    """
    matrix = weights(image.shape[axis], m, mode) * FIXED
    matrix = np.trunc(matrix + np.copysign(0.5, matrix))
    total = np.moveaxis(image, axis, -1) @ matrix.T + FIXED / 2
    return np.moveaxis(np.clip(np.floor(total / FIXED), 0, 255).astype(np.uint8), -1, axis)


def nearest_of_picture(n: int, m: int) -> Array:
    """For each of m new pixels the old one under its middle. Summed up step by step, since Pillow does so, and rounding
    then decides between two equally near pixels as it does there."""
    return np.minimum(np.cumsum(np.r_[n / m / 2, np.full(m - 1, n / m)]).astype(np.int64), n - 1)


def nearest_of_tensor(n: int, m: int, exact: bool) -> Array:
    """For each of m new pixels the old one under its middle (exact) or under its beginning, in float32 as PyTorch."""
    place = np.arange(m, dtype=np.float32) + np.float32(0.5 if exact else 0.0)
    return np.minimum((place * np.float32(n / m)).astype(np.int64), n - 1)
