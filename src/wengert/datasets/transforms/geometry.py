"""Transforms that move pixels: crop, pad, flip, resize; the same for every image, or drawn anew for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.datasets.transforms import functional
from wengert.datasets.transforms.chance import uniform, whole_numbers
from wengert.datasets.transforms.images import Image, Picture, image, pair, size_of
from wengert.datasets.transforms.resampling import InterpolationMode
from wengert.tensors.tensor import Tensor
from wengert.utils.data.rows import of_array


def to_each(operation: Callable[[Image], Image], images: Image) -> Image:
    """An operation that does the same to every image, on a stack of them.

    Tensor images may have any axes in front, so a stack is one of them. Pictures may have any axes behind rows and
    columns, so the first axis of a stack of pictures goes to the end, and back again.
    """
    if isinstance(images, Tensor):
        return operation(images)
    return np.moveaxis(operation(np.moveaxis(images, 0, -1)), -1, 0)


class CenterCrop:
    """The middle of the image, `size` (rows, columns, or one number for both) large."""

    def __init__(self, size: Any) -> None:
        self.size = pair(size)

    def __call__(self, img: Any) -> Image:
        return functional.center_crop(img, self.size)

    def batch(self, images: Image) -> Image:
        return to_each(self, images)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class Pad:
    """The image with a border; see `functional.pad`."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        functional.pad(np.zeros((1, 1)), padding, 0, padding_mode)  # refuse bad arguments here, not at the first image
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def __call__(self, img: Any) -> Image:
        return functional.pad(img, self.padding, self.fill, self.padding_mode)

    def batch(self, images: Image) -> Image:
        return to_each(self, images)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class Resize:
    """The image with other numbers of rows and columns; see `functional.resize`."""

    def __init__(
        self,
        size: Any,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        pair(size)
        self.size, self.interpolation, self.max_size, self.antialias = size, interpolation, max_size, antialias

    def __call__(self, img: Any) -> Image:
        return functional.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def batch(self, images: Image) -> Image:
        return to_each(self, images)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )


class RandomCrop:
    """A window of `size` (rows, columns, or one number for both), at a place drawn for every image.

    Args: padding: a border to add first; pad_if_needed: whether an image that is too small gets a border; fill and
    padding_mode: what borders are made of, as in `functional.pad`.
    Raises: ValueError when an image is smaller than `size`.
    """

    def __init__(
        self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0, padding_mode: str = "constant"
    ) -> None:
        functional.pad(np.zeros((1, 1)), 0 if padding is None else padding, 0, padding_mode)  # bad arguments fail here
        self.size = pair(size)
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Top, left, rows and columns of one window."""
        tops, lefts = corners(size_of(image(img)), output_size, 1)
        return int(tops[0]), int(lefts[0]), *output_size

    def bordered(self, img: Any) -> Image:
        """The image with the borders that the crop asks for."""
        if self.padding is not None:
            img = functional.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            rows, columns = size_of(image(img))
            for missing, sides in ((self.size[1] - columns, (1, 0)), (self.size[0] - rows, (0, 1))):
                if missing > 0:  # the whole of it on both sides, as torchvision does
                    img = functional.pad(img, [side * missing for side in sides], self.fill, self.padding_mode)
        return image(img)

    def __call__(self, img: Any) -> Image:
        img = self.bordered(img)
        return functional.crop(img, *self.get_params(img, self.size))

    def batch(self, images: Image) -> Image:
        images = to_each(self.bordered, images)
        n = images.shape[0]
        rows, columns = images.shape[-2:] if isinstance(images, Tensor) else images.shape[1:3]
        tops, lefts = corners((int(rows), int(columns)), self.size, n)
        each = np.arange(n)[:, None, None]  # (batch, 1, 1)
        row = (tops[:, None] + np.arange(self.size[0]))[:, :, None]  # (batch, rows, 1)
        column = (lefts[:, None] + np.arange(self.size[1]))[:, None, :]  # (batch, 1, columns)
        if not isinstance(images, Tensor):
            return images[each, row, column]
        pixels = images.movedim((-2, -1), (1, 2))  # (batch, rows, columns, channels): indexed axes stand together
        return pixels[of_array(each), of_array(row), of_array(column)].movedim((1, 2), (-2, -1))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


def corners(size: tuple[int, int], wanted: tuple[int, int], n: int) -> tuple[Picture, Picture]:
    """Tops and lefts, (n,) each, of windows that lie anywhere in an image with equal chance."""
    if size[0] < wanted[0] or size[1] < wanted[1]:
        raise ValueError(f"RandomCrop: the crop, {wanted}, is larger than the image, {size}; see pad_if_needed")
    return whole_numbers(size[0] - wanted[0] + 1, n), whole_numbers(size[1] - wanted[1] + 1, n)


class _RandomFlip:
    """An image that is mirrored with probability `p`."""

    axis = -1

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p should be a probability; got {p}")
        self.p = p

    def flip(self, img: Image) -> Image:
        return functional.hflip(img) if self.axis == -1 else functional.vflip(img)

    def __call__(self, img: Any) -> Image:
        img = image(img)
        return self.flip(img) if uniform(1)[0] < self.p else img

    def batch(self, images: Image) -> Image:
        chosen = (uniform(images.shape[0]) < self.p).reshape(-1, *(1,) * (images.ndim - 1))
        flipped = to_each(self.flip, images)
        if isinstance(images, Tensor):
            return flipped.where(of_array(chosen), images)
        return np.where(chosen, flipped, images)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomHorizontalFlip(_RandomFlip):
    """The image, or with probability `p` its mirror image left to right."""

    axis = -1


class RandomVerticalFlip(_RandomFlip):
    """The image, or with probability `p` its mirror image top to bottom."""

    axis = -2
