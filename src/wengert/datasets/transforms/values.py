"""Transforms that change what a pixel's number means: its type, its range, its colour."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.datasets.transforms import functional
from wengert.datasets.transforms.images import Image, Picture
from wengert.dtypes import DType
from wengert.tensors.tensor import Tensor
from wengert.utils.data.rows import of_array


class ToTensor:
    """A picture (rows, columns[, channels]) as a tensor (channels, rows, columns); 8-bit pixels become x / 255.

    Pixels of other dtypes keep dtype and value. Raises: TypeError when the image is not a picture or PIL image;
    ValueError unless it has two or three dimensions.
    """

    def __call__(self, pic: Any) -> Tensor:
        return functional.to_tensor(pic)

    def batch(self, images: Picture) -> Tensor:
        return of_array(functional.scaled(channels_first(images)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """A picture (rows, columns[, channels]) as a tensor (channels, rows, columns) of the same dtype and values."""

    def __call__(self, pic: Any) -> Tensor:
        return functional.pil_to_tensor(pic)

    def batch(self, images: Picture) -> Tensor:
        return of_array(np.array(channels_first(images), order="C"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def channels_first(images: Any) -> Picture:
    """A stack of pictures (batch, rows, columns[, channels]) as (batch, channels, rows, columns)."""
    if isinstance(images, Tensor):
        raise TypeError("ToTensor takes pictures, and got tensors; it belongs once into a chain of transforms")
    return images[:, None] if images.ndim == 3 else np.moveaxis(images, 3, 1)


class ConvertImageDtype:
    """A tensor image in another dtype, with its range; see `functional.convert_image_dtype`."""

    def __init__(self, dtype: DType) -> None:
        self.dtype = dtype

    def __call__(self, image: Tensor) -> Tensor:
        return functional.convert_image_dtype(image, self.dtype)

    def batch(self, images: Tensor) -> Tensor:
        return functional.convert_image_dtype(images, self.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dtype})"


class Normalize:
    """y = (x - mean) / std, with one mean and deviation per channel of a tensor image (..., channels, rows, columns).

    Raises: TypeError for an image that is no floating tensor; ValueError where a deviation is zero.
    """

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        return functional.normalize(tensor, self.mean, self.std, self.inplace)

    def batch(self, images: Tensor) -> Tensor:
        return functional.normalize(images, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class Grayscale:
    """The luminance of a colour image, in one channel or three equal ones; see `functional.rgb_to_grayscale`."""

    def __init__(self, num_output_channels: int = 1) -> None:
        self.num_output_channels = num_output_channels

    def __call__(self, img: Any) -> Image:
        return functional.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"
