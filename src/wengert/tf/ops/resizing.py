"""Images of another size: `tf.image.resize` and its kind. Pixel centres lie at half-integers."""

from __future__ import annotations

from math import floor
from typing import Any, Optional

from wengert.functions.filters import filter_shares, overlap_shares
from wengert.tf.face import face
from wengert.tf.ops.arguments import ints
from wengert.tf.ops.core import F, fresh, w


class ResizeMethod:
    """How `resize` finds the value of a new pixel."""

    AREA = "area"
    BICUBIC = "bicubic"
    BILINEAR = "bilinear"
    GAUSSIAN = "gaussian"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    MITCHELLCUBIC = "mitchellcubic"
    NEAREST_NEIGHBOR = "nearest"


_KERNELS = {
    "bilinear": "triangle", "bicubic": "cubic", "gaussian": "gaussian", "lanczos3": "lanczos3", "lanczos5": "lanczos5",
    "mitchellcubic": "mitchell",
}  # fmt: skip


@face("images")
def resize(
    images: Any, size: Any, method: str = "bilinear", preserve_aspect_ratio: bool = False, antialias: bool = False,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Images of another (height, width). "nearest" keeps the dtype, all others give float32.

    preserve_aspect_ratio: the largest size within the given one that has the image's ratio
    antialias: when shrinking, filters are as wide as the new pixels

    Raises: ValueError for another rank, size or method.
    """
    if images.ndim not in (3, 4):
        raise ValueError(f"'images' must have either 3 or 4 dimensions, got shape {tuple(images.shape)}")
    target = ints(size)
    if len(target) != 2:
        raise ValueError(f"'size' must be a 1-D Tensor of 2 elements: new_height, new_width; got {size}")
    if method not in (*_KERNELS, "nearest", "area"):
        raise ValueError(f"Resize method is not implemented: {method}. It must be one of those of tf.image.ResizeMethod")
    x = images if images.ndim == 4 else images[None]
    height, width = _within(x, target) if preserve_aspect_ratio else target
    y = _resized(x, height, width, method, antialias)
    return y if images.ndim == 4 else y[0]


def _within(x: Any, target: Any) -> tuple[int, int]:
    factor = min(target[0] / x.shape[1], target[1] / x.shape[2])
    return round(factor * x.shape[1]), round(factor * x.shape[2])


def _resized(x: Any, height: int, width: int, method: str, antialias: bool) -> Any:
    if method == "nearest":
        for axis, n in ((1, height), (2, width)):
            places = ((w.arange(n, dtype=w.float64) + 0.5) * (x.shape[axis] / n)).floor().clamp(0, x.shape[axis] - 1)
            x = w.index_select(x, axis, places.to(w.int64))
        return x
    x = x.to(w.float32)
    if method == "bilinear" and not antialias:
        y = F.interpolate(w.movedim(x, -1, 1), size=(height, width), mode="bilinear", align_corners=False)
        return w.movedim(y, 1, -1)
    for axis, n in ((1, height), (2, width)):
        old = x.shape[axis]
        if method == "area":
            shares = overlap_shares(old, n, w.float32)
        else:
            shares = filter_shares(old, n, _KERNELS[method], antialias, w.float32)
        x = w.movedim(w.tensordot(x, shares, dims=([axis], [1])), -1, axis)
    return x


@face("image")
def resize_with_pad(
    image: Any, target_height: Any, target_width: Any, method: str = "bilinear", antialias: bool = False
) -> Any:
    """The image resized with its ratio kept, in the middle of zeros of the target's size."""
    height, width = ints(target_height)[0], ints(target_width)[0]
    x = image if image.ndim == 4 else image[None]
    ratio = max(x.shape[2] / width, x.shape[1] / height)
    inner = floor(x.shape[1] / ratio), floor(x.shape[2] / ratio)
    y = fresh(resize(x, inner, method, False, antialias))
    top, left = max((height - inner[0]) // 2, 0), max((width - inner[1]) // 2, 0)
    y = F.pad(y, (0, 0, left, width - inner[1] - left, top, height - inner[0] - top))
    return y if image.ndim == 4 else y[0]


__all__ = ["ResizeMethod", "resize", "resize_with_pad"]
