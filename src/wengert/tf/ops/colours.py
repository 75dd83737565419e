"""Colours of images: `tf.image`. Whole numbers stand for [0, 1] times their largest; they are computed in float32."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, INTEGER, accept
from wengert.tf.ops.casting import saturate_cast
from wengert.tf.ops.core import fresh, w

# --- dtypes -----------------------------------------------------------------------------------------------------------


def _top(dtype: Any) -> int:
    return int(w.iinfo(dtype).max)


def converted(image: Any, kind: Any, saturate: bool = False) -> Any:
    """An image of another dtype: whole numbers and [0, 1] stand for each other."""
    if image.dtype is kind:
        return image
    if image.dtype in INTEGER and kind in INTEGER:
        return _between_integers(image, kind, saturate)
    if image.dtype in FLOATING and kind in FLOATING:
        return image.to(kind)
    if image.dtype in INTEGER:
        return image.to(kind) * (1.0 / _top(image.dtype))
    scaled = image * (_top(kind) + 0.5)
    return fresh(saturate_cast(scaled, kind)) if saturate else scaled.to(kind)


def _between_integers(image: Any, kind: Any, saturate: bool) -> Any:
    old, new = _top(image.dtype), _top(kind)
    if old > new:
        smaller = w.floor_divide(image, (old + 1) // (new + 1))
        return fresh(saturate_cast(smaller, kind)) if saturate else smaller.to(kind)
    wide = fresh(saturate_cast(image, kind)) if saturate else image.to(kind)
    return wide * ((new + 1) // (old + 1))


@face("image")
def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: Optional[str] = None) -> Any:
    """An image of another dtype: whole numbers from 0 to their largest stand for [0, 1].

    Raises: AttributeError for dtypes that are neither floating nor whole numbers.
    """
    kind = as_dtype(dtype)
    if kind not in FLOATING | INTEGER or image.dtype not in FLOATING | INTEGER:
        raise AttributeError(f"dtype must be either floating point or integer, got {image.dtype.name} to {kind.name}")
    return converted(image, kind, saturate)


def _floats(image: Any) -> Any:
    """The image in the dtype that it is computed in."""
    return image if image.dtype in (w.float16, w.float32) else converted(image, w.float32)


def _back(y: Any, kind: Any) -> Any:
    return converted(y, kind, saturate=True)


def need_image(image: Any, operation: str) -> None:
    """Raises: ValueError for less than three axes."""
    if image.ndim < 3:
        raise ValueError(f"{operation}: 'image' must be at least three-dimensional, got shape {tuple(image.shape)}")


# --- brightness and contrast ------------------------------------------------------------------------------------------


def brighter(image: Any, delta: Any) -> Any:
    x = _floats(image)
    return _back(x + fresh(delta).to(x.dtype), image.dtype)


def contrasted(images: Any, factor: Any) -> Any:
    need_image(images, "adjust_contrast")
    x = _floats(images).to(w.float32)
    mean = x.mean((-3, -2), keepdim=True)
    return _back((x - mean) * fresh(factor).to(w.float32) + mean, images.dtype)


@face("image")
def adjust_brightness(image: Any, delta: Any) -> Any:
    """The image with delta, a part of [0, 1], added."""
    return brighter(image, delta)


@face("images")
def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Each channel's distance from its mean, times a factor. Raises: ValueError for less than three axes."""
    return contrasted(images, contrast_factor)


@face("image")
def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """gain image^gamma. Raises: ValueError for a negative gamma."""
    if not isinstance(gamma, w.Tensor) and gamma < 0:
        raise ValueError("Gamma should be a non-negative real number.")
    x = _floats(image)
    return _back(fresh(gain).to(x.dtype) * w.pow(x, fresh(gamma).to(x.dtype)), image.dtype)


@face("image")
def per_image_standardization(image: Any) -> Any:
    """(image - mean) / max(deviation, 1 / sqrt(number of elements)), for each image; whole numbers become float32."""
    need_image(image, "per_image_standardization")
    x = image if image.dtype in (w.float16, w.float32) else image.to(w.float32)
    axes = (-3, -2, -1)
    count = x.shape[-1] * x.shape[-2] * x.shape[-3]
    away = x - x.mean(axes, keepdim=True)
    deviation = w.sqrt(w.square(away).mean(axes, keepdim=True))
    return away / deviation.clamp(min=count**-0.5)


# --- colour spaces ----------------------------------------------------------------------------------------------------


def _of_colours(images: Any, operation: str, channels: int = 3) -> None:
    if not images.ndim or images.shape[-1] != channels:
        error = ValueError if channels == 1 else invalid
        raise error(f"{operation}: the last axis must have {channels} channels, got shape {tuple(images.shape)}")


@face("images")
def rgb_to_grayscale(images: Any, name: Optional[str] = None) -> Any:
    """The luma of colours (ITU-R BT.601), one channel. Raises: InvalidArgumentError for other channels."""
    _of_colours(images, "rgb_to_grayscale")
    x = _floats(images)
    return converted((x * w.tensor([0.2989, 0.587, 0.114], dtype=x.dtype)).sum(-1, keepdim=True), images.dtype)


@face("images")
def grayscale_to_rgb(images: Any, name: Optional[str] = None) -> Any:
    """One channel three times. Raises: ValueError for other channels."""
    _of_colours(images, "grayscale_to_rgb", 1)
    return images.expand(*images.shape[:-1], 3)


def to_hsv(x: Any) -> Any:
    """Hue (a sixth of the circle for each of six colours), saturation, value. Source: A. R. Smith, 1978."""
    r, g, b = x.unbind(-1)
    value = w.maximum(w.maximum(r, g), b)
    spread = value - w.minimum(w.minimum(r, g), b)
    safe = w.where(spread > 0, spread, w.ones_like(spread))
    saturation = w.where(value > 0, spread / w.where(value > 0, value, w.ones_like(value)), w.zeros_like(value))
    sixths = w.where(value == r, (g - b) / safe, w.where(value == g, 2 + (b - r) / safe, 4 + (r - g) / safe)) / 6
    hue = w.where(spread > 0, w.where(sixths < 0, sixths + 1, sixths), w.zeros_like(sixths))
    return w.stack([hue, saturation, value], -1)


def from_hsv(x: Any) -> Any:
    """The inverse of `to_hsv`."""
    hue, saturation, value = x.unbind(-1)
    sixth = hue * 6
    parts = [w.abs(sixth - 3) - 1, 2 - w.abs(sixth - 2), 2 - w.abs(sixth - 4)]
    return w.stack([((part.clamp(0, 1) - 1) * saturation + 1) * value for part in parts], -1)


@face("images")
def rgb_to_hsv(images: Any, name: Optional[str] = None) -> Any:
    """Hue, saturation and value of colours in [0, 1]. Raises: InvalidArgumentError for other channels, and whole
    numbers."""
    accept("RGBToHSV", FLOATING, images)
    _of_colours(images, "rgb_to_hsv")
    return to_hsv(images)


@face("images")
def hsv_to_rgb(images: Any, name: Optional[str] = None) -> Any:
    """The inverse of `rgb_to_hsv`."""
    accept("HSVToRGB", FLOATING, images)
    _of_colours(images, "hsv_to_rgb")
    return from_hsv(images)


def _linear(matrix: Any, operation: str, doc: str) -> Any:
    @face("images")
    def transform(images: Any) -> Any:
        _of_colours(images, operation)
        return w.matmul(images[..., None, :], w.tensor(matrix, dtype=images.dtype))[..., 0, :]

    transform.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for other channels."
    transform.__name__ = transform.__qualname__ = operation
    return transform


# Rows are the channels that go in. Source: ITU-R BT.601 and the NTSC standard of 1953.
rgb_to_yiq = _linear(
    [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617], [0.114, -0.32134392, 0.31119955]], "rgb_to_yiq",
    "Luma and the two colour differences of NTSC.",
)  # fmt: skip
yiq_to_rgb = _linear(
    [[1, 1, 1], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]], "yiq_to_rgb",
    "The inverse of `rgb_to_yiq`.",
)  # fmt: skip
rgb_to_yuv = _linear(
    [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]], "rgb_to_yuv",
    "Luma and the two colour differences of PAL.",
)  # fmt: skip
yuv_to_rgb = _linear(
    [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]], "yuv_to_rgb", "The inverse of `rgb_to_yuv`."
)


def hue_turned(image: Any, delta: Any) -> Any:
    _of_colours(image, "adjust_hue")
    x = _floats(image)
    hue, saturation, value = to_hsv(x).unbind(-1)
    turned = hue + fresh(delta).to(x.dtype)
    return _back(from_hsv(w.stack([turned - w.floor(turned).detach(), saturation, value], -1)), image.dtype)


def saturated(image: Any, factor: Any) -> Any:
    _of_colours(image, "adjust_saturation")
    x = _floats(image)
    hue, saturation, value = to_hsv(x).unbind(-1)
    return _back(from_hsv(w.stack([hue, (saturation * fresh(factor).to(x.dtype)).clamp(0, 1), value], -1)), image.dtype)


@face("image")
def adjust_hue(image: Any, delta: Any, name: Optional[str] = None) -> Any:
    """The hue turned by delta of a whole circle. Raises: InvalidArgumentError for other channels."""
    return hue_turned(image, delta)


@face("image")
def adjust_saturation(image: Any, saturation_factor: Any, name: Optional[str] = None) -> Any:
    """The saturation times a factor. Raises: InvalidArgumentError for other channels."""
    return saturated(image, saturation_factor)


__all__ = [
    "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation", "convert_image_dtype",
    "grayscale_to_rgb", "hsv_to_rgb", "per_image_standardization", "rgb_to_grayscale", "rgb_to_hsv", "rgb_to_yiq",
    "rgb_to_yuv", "yiq_to_rgb", "yuv_to_rgb",
]  # fmt: skip
