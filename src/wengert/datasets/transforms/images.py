"""The two kinds of image, and what every operation asks of them.

A *picture* is a NumPy array (rows, columns) or (rows, columns, channels), 8-bit as a rule; it stands where torchvision
has a PIL image. PIL images are taken too, and come out as pictures. A *tensor* image is (..., channels, rows, columns).

A picture may have any further axes behind rows and columns; that is how a batch of pictures goes through at once, with
its first axis moved to the end (see `geometry.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.tensors.tensor import Tensor

Picture = np.ndarray[Any, Any]
Image = Any  # Picture | Tensor, whose methods are bound where no type checker sees them


def image(value: Any) -> Image:
    """`value` as a picture or a tensor image.

    Raises: TypeError for anything else; ValueError with fewer than two dimensions.
    """
    if not isinstance(value, (np.ndarray, Tensor)):
        if not hasattr(value, "getbands"):  # a PIL image has it; Pillow itself need not be installed
            raise TypeError(f"wanted an image: a NumPy array, a tensor or a PIL image; got {type(value).__name__}")
        value = np.asarray(value)
    if value.ndim < 2:
        raise ValueError(f"wanted an image with rows and columns; got {value.ndim} dimensions, {list(value.shape)}")
    return value


def size_of(picture: Image) -> tuple[int, int]:
    """Rows and columns."""
    rows, columns = picture.shape[-2:] if isinstance(picture, Tensor) else picture.shape[:2]
    return int(rows), int(columns)


def window(img: Image, rows: Any, columns: Any) -> Image:
    """The pixels at `rows` and `columns`, each a slice or an array of indices."""
    if isinstance(img, Tensor):
        return img[..., rows, :][..., columns]
    return img[rows][:, columns]


def filled_like(img: Image, rows: int, columns: int, fill: Any) -> Image:
    """An image of another size, filled with one colour."""
    if isinstance(img, Tensor):
        if isinstance(fill, Sequence):
            if len(fill) != 1:
                raise ValueError(f"a tensor image takes one number to fill with; got {fill!r}")
            fill = fill[0]
        return img.new_full((*img.shape[:-2], rows, columns), fill)
    colour = np.asarray(fill)
    if colour.ndim:
        colour = colour.reshape(-1, *(1,) * (img.ndim - 3))  # (channels, and one for each axis behind)
    canvas = np.empty((rows, columns, *img.shape[2:]), img.dtype)
    canvas[...] = colour
    return canvas


def border(padding: Any) -> tuple[int, int, int, int]:
    """Left, top, right, bottom from any form of `padding`."""
    widths = (padding,) if isinstance(padding, (int, np.integer)) else padding
    if not isinstance(widths, Sequence) or not all(isinstance(width, (int, np.integer)) for width in widths):
        raise TypeError(f"padding should be a whole number or a sequence of them; got {padding!r}")
    if len(widths) not in (1, 2, 4):
        raise ValueError(f"padding should be one, two or four numbers; got {len(widths)}: {padding!r}")
    if min(widths) < 0:
        raise ValueError(f"padding can't be negative (crop instead); got {padding!r}")
    left, top, right, bottom = (int(width) for width in (tuple(widths) * 4)[:4])
    return left, top, right, bottom


def pair(size: Any) -> tuple[int, int]:
    """(rows, columns) from one number, a sequence of one, or of two.

    Raises: TypeError, ValueError for anything else.
    """
    numbers = (size,) if isinstance(size, (int, np.integer)) else size
    if not isinstance(numbers, Sequence) or not all(isinstance(number, (int, np.integer)) for number in numbers):
        raise TypeError(f"a size should be a whole number or a sequence of them; got {size!r}")
    if len(numbers) not in (1, 2) or min(numbers) < 0:
        raise ValueError(f"a size should be one or two numbers, none of them negative; got {size!r}")
    return int(numbers[0]), int(numbers[-1])
