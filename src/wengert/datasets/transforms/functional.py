"""Image operations by torchvision's names, on two kinds of image.

A *picture* is a NumPy array (rows, columns) or (rows, columns, channels); PIL images are taken as pictures. A *tensor*
image is (..., channels, rows, columns). Every operation gives back the kind that it was given, except `to_tensor` and
`pil_to_tensor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.datasets.transforms.images import Image, Picture, border, filled_like, image, pair, size_of, window
from wengert.datasets.transforms.resampling import (
    InterpolationMode,
    nearest_of_picture,
    nearest_of_tensor,
    resample_bytes,
    weights,
)
from wengert.dtypes import DType, float32, get_default_dtype
from wengert.tensors.tensor import Tensor
from wengert.utils.data.rows import of_array

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def get_dimensions(img: Any) -> list[int]:
    """[channels, rows, columns]"""
    img = image(img)
    if isinstance(img, Tensor):
        channels = img.shape[-3] if img.ndim > 2 else 1
    else:
        channels = img.shape[2] if img.ndim > 2 else 1
    return [int(channels), *size_of(img)]


def to_tensor(pic: Any) -> Tensor:
    """A picture or PIL image as a tensor (channels, rows, columns): x / 255 for 8-bit pixels, other dtypes unchanged.

    Raises: TypeError when `pic` is neither; ValueError unless it has two or three dimensions.
    """
    bits = getattr(pic, "mode", None) == "1"  # PIL's black and white
    pixels = pil_pixels(pic)
    return of_array(scaled(pixels.astype(np.uint8) * 255 if bits else pixels))


def pil_to_tensor(pic: Any) -> Tensor:
    """A picture or PIL image as a tensor (channels, rows, columns) of the same dtype and values.

    Raises: as `to_tensor`.
    """
    return of_array(np.array(pil_pixels(pic)))


def pil_pixels(pic: Any) -> Picture:
    """The pixels of a picture or PIL image, (channels, rows, columns)."""
    if isinstance(pic, Tensor):
        raise TypeError("pic should be a PIL image or a NumPy array, and is a tensor already")
    if isinstance(pic, np.ndarray) and pic.ndim not in (2, 3):
        raise ValueError(f"pic should be a picture of 2 or 3 dimensions; got {pic.ndim}, {list(pic.shape)}")
    pixels = np.asarray(image(pic))
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)


def scaled(pixels: Picture) -> Picture:
    """8-bit values as x / 255 in the default dtype, others as they are; always memory of its own, in order."""
    if pixels.dtype == np.uint8:
        return np.divide(pixels, 255, dtype=get_default_dtype().numpy, order="C")
    return np.array(pixels, order="C")


def convert_image_dtype(image: Tensor, dtype: DType = float32) -> Tensor:
    """The same image in another dtype, with its range: 0 to 1 for floating dtypes, 0 to the largest value for integers.

    Raises: TypeError unless `image` is a tensor; RuntimeError where float pixels can't reach every value of `dtype`.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"convert_image_dtype takes a tensor; got {type(image).__name__}")
    old = image.dtype
    if old == dtype:
        return image
    if dtype.is_floating_point:
        return image.to(dtype) if old.is_floating_point else image.to(dtype) / largest(old)
    if old.is_floating_point:
        if (old.itemsize <= 4 and dtype.itemsize >= 4) or (old.itemsize == 8 and dtype.itemsize == 8):
            raise RuntimeError(f"an image of {old} can't be converted to {dtype}: it has too few digits")
        return (image * (largest(dtype) + 1.0 - 1e-3)).to(dtype)  # just below the next whole number, so 1.0 fits
    factor = (largest(old) + 1) // (largest(dtype) + 1)
    if factor >= 1:
        return (image // factor).to(dtype)
    return image.to(dtype) * ((largest(dtype) + 1) // (largest(old) + 1))


def largest(dtype: DType) -> int:
    """The largest value of an integer dtype; 1 for bool."""
    return 1 if dtype.name == "bool" else int(np.iinfo(dtype.numpy).max)


def normalize(tensor: Tensor, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """y = (x - mean) / std, with one mean and deviation per channel, or one for all.

    Raises: TypeError unless `tensor` is a tensor of a floating dtype; ValueError when it has no channel axis, or where
    a deviation is zero.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"normalize takes a tensor; got {type(tensor).__name__}. Put ToTensor before Normalize")
    if not tensor.dtype.is_floating_point:
        raise TypeError(f"normalize takes a tensor of a floating dtype; got {tensor.dtype}")
    if tensor.ndim < 3:
        raise ValueError(f"normalize takes (..., channels, rows, columns); got {list(tensor.shape)}")
    shift, scale = per_channel(mean, tensor.dtype), per_channel(std, tensor.dtype)
    if (scale == 0).any():
        raise ValueError(f"normalize: a standard deviation is zero in {tensor.dtype}: {std}")
    if inplace:
        return tensor.sub_(of_array(shift)).div_(of_array(scale))
    return (tensor - of_array(shift)) / of_array(scale)


def per_channel(values: Any, dtype: DType) -> Picture:
    """A number per channel as an array (channels, 1, 1)."""
    if isinstance(values, Tensor):
        values = values.tolist()
    array = np.array(values, dtype=np.float64).astype(dtype.numpy)
    return array.reshape(-1, 1, 1)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Image:
    """Y = 0.299 R + 0.587 G + 0.114 B, in `num_output_channels` (1 or 3) equal channels.

    A picture is weighted in 16-bit fixed point, as Pillow does it; a tensor with 0.2989, 0.587, 0.114, as torchvision
    does it. An image of one channel is taken as it is.

    Raises: ValueError for other numbers of channels.
    """
    img = image(img)
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels should be 1 or 3; got {num_output_channels}")
    channels = get_dimensions(img)[0]
    if channels not in (1, 3):
        raise ValueError(f"wanted an image of 1 or 3 channels; got {channels}")
    if isinstance(img, Tensor):
        grey = img
        if channels == 3:
            red, green, blue = img.unbind(-3)
            grey = (0.2989 * red + 0.587 * green + 0.114 * blue).to(img.dtype).unsqueeze(-3)
        return grey.expand(*grey.shape[:-3], num_output_channels, *grey.shape[-2:])
    flat = img if img.ndim == 2 else img[:, :, 0]
    if channels == 3:
        red, green, blue = (img[:, :, i].astype(np.uint32) for i in range(3))
        flat = ((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16).astype(np.uint8)
    return flat if num_output_channels == 1 else np.stack([flat] * 3, axis=2)


def hflip(img: Any) -> Image:
    """The image with left and right exchanged."""
    img = image(img)
    return img.flip(-1) if isinstance(img, Tensor) else img[:, ::-1]


def vflip(img: Any) -> Image:
    """The image with top and bottom exchanged."""
    img = image(img)
    return img.flip(-2) if isinstance(img, Tensor) else img[::-1]


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Image:
    """The image with a border.

    `padding` is one width for all sides, (left and right, top and bottom), or (left, top, right, bottom). The border
    is `fill` (constant; a picture may have one per channel), the last pixel (edge), or a mirror image without
    (reflect) or with (symmetric) the last pixel.

    Raises: TypeError, ValueError for a padding or mode that is none of these.
    """
    img = image(img)
    left, top, right, bottom = border(padding)
    rows, columns = size_of(img)
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode should be one of {', '.join(PADDING_MODES)}; got {padding_mode!r}")
    if padding_mode == "constant":
        canvas = filled_like(img, top + rows + bottom, left + columns + right, fill)
        inner = slice(top, top + rows), slice(left, left + columns)
        canvas[(..., *inner) if isinstance(img, Tensor) else inner] = img
        return canvas
    if ((top or bottom) and not rows) or ((left or right) and not columns):
        raise ValueError(f"an empty image, {list(img.shape)}, has no pixel to fill a border with")
    row = np.pad(np.arange(rows), (top, bottom), mode=padding_mode)  # type: ignore[call-overload]
    column = np.pad(np.arange(columns), (left, right), mode=padding_mode)  # type: ignore[call-overload]
    return window(img, row, column)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Image:
    """The window of `height` rows from `top` and `width` columns from `left`; zero where it leaves the image."""
    img = image(img)
    inner = window(img, slice(max(top, 0), max(top + height, 0)), slice(max(left, 0), max(left + width, 0)))
    found = size_of(inner)
    if found == (height, width):
        return inner
    above, before = min(max(-top, 0), height - found[0]), min(max(-left, 0), width - found[1])
    return pad(inner, (before, above, width - found[1] - before, height - found[0] - above))


def center_crop(img: Any, output_size: Any) -> Image:
    """The middle of the image, `output_size` (rows, columns, or one for both) large, with a zero border if need be."""
    img = image(img)
    height, width = pair(output_size)
    rows, columns = size_of(img)
    if width > columns or height > rows:
        sides = max(width - columns, 0), max(height - rows, 0)
        img = pad(img, (sides[0] // 2, sides[1] // 2, (sides[0] + 1) // 2, (sides[1] + 1) // 2))
        rows, columns = size_of(img)
    return crop(img, round((rows - height) / 2), round((columns - width) / 2), height, width)


def resize(
    img: Any,
    size: Any,
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Image:
    """The image with other numbers of rows and columns.

    `size` is (rows, columns), or one number for the shorter side; then the longer one keeps the proportion, and
    `max_size` bounds it. Shrinking is antialiased; torchvision's `antialias=False`, which only concerned tensors, is
    refused.

    Raises: TypeError, ValueError for another size or interpolation; NotImplementedError for `antialias=False`.
    """
    img = image(img)
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError(f"interpolation should be an InterpolationMode; got {interpolation!r}")
    if antialias is False and isinstance(img, Tensor) and interpolation.value.startswith("bi"):
        raise NotImplementedError("resize without antialiasing of a tensor; leave antialias=True")
    rows, columns = size_of(img)
    height, width = resized(rows, columns, size, max_size)
    if (height, width) == (rows, columns):
        return img
    if interpolation.value.startswith("nearest"):
        if not isinstance(img, Tensor):
            return window(img, nearest_of_picture(rows, height), nearest_of_picture(columns, width))
        exact = interpolation is InterpolationMode.NEAREST_EXACT
        return window(img, nearest_of_tensor(rows, height, exact), nearest_of_tensor(columns, width, exact))
    if isinstance(img, Tensor):
        return resize_tensor(img, height, width, interpolation)
    if img.dtype == np.uint8:
        return resample_bytes(resample_bytes(img, 1, width, interpolation), 0, height, interpolation)
    across = np.moveaxis(np.moveaxis(img, 1, -1) @ weights(columns, width, interpolation).T, -1, 1)
    return np.moveaxis(np.moveaxis(across, 0, -1) @ weights(rows, height, interpolation).T, -1, 0).astype(img.dtype)


def resize_tensor(img: Tensor, height: int, width: int, mode: InterpolationMode) -> Tensor:
    """(..., rows, columns) to (..., height, width); integers are rounded and kept in range."""
    rows, columns = size_of(img)
    dtype = img.dtype if img.dtype.is_floating_point else float32
    across = of_array(weights(columns, width, mode).T.astype(dtype.numpy))
    down = of_array(weights(rows, height, mode).astype(dtype.numpy))
    result = down @ (img.to(dtype) @ across)
    if img.dtype.is_floating_point:
        return result
    return result.round().clamp(0, largest(img.dtype)).to(img.dtype)


def resized(rows: int, columns: int, size: Any, max_size: int | None) -> tuple[int, int]:
    """The new rows and columns for `resize`."""
    one = isinstance(size, (int, np.integer)) or (isinstance(size, Sequence) and len(size) == 1)
    height, width = pair(size)
    if not one:
        if max_size is not None:
            raise ValueError("max_size is for a size of one number, the shorter side")
        wanted = height, width
    else:
        short, long = sorted((rows, columns))
        if not short:
            raise ValueError(f"an empty image, {rows} x {columns}, has no proportion to keep")
        new_short, new_long = height, int(height * long / short)
        if max_size is not None:
            if max_size <= height:
                raise ValueError(f"max_size ({max_size}) should be larger than the shorter side ({height})")
            if new_long > max_size:
                new_short, new_long = int(max_size * new_short / new_long), max_size
        wanted = (new_short, new_long) if rows <= columns else (new_long, new_short)
    if min(wanted) < 1 or min(rows, columns) < 1:
        raise ValueError(f"resize from {rows} x {columns} to {wanted[0]} x {wanted[1]}: both sizes should be positive")
    return wanted
