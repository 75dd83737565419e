"""Images turned, cut and put into others: `tf.image`."""

from __future__ import annotations

from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import REAL, accept, ints, like
from wengert.tf.ops.colours import need_image
from wengert.tf.ops.convolutions import pads_of, per_axis
from wengert.tf.ops.core import F, w
from wengert.tf.ops.pooling import patches
from wengert.tf.ops.randomness import generator_of, keyed

# --- turns ------------------------------------------------------------------------------------------------------------


@face("image")
def flip_left_right(image: Any) -> Any:
    """The columns from last to first."""
    need_image(image, "flip_left_right")
    return w.flip(image, (-2,))


@face("image")
def flip_up_down(image: Any) -> Any:
    """The rows from last to first."""
    need_image(image, "flip_up_down")
    return w.flip(image, (-3,))


@face("image")
def transpose(image: Any, name: Optional[str] = None) -> Any:
    """Rows and columns exchanged."""
    need_image(image, "transpose")
    return image.transpose(-3, -2)


@face("image")
def rot90(image: Any, k: Any = 1, name: Optional[str] = None) -> Any:
    """The image turned by k quarters against the clock."""
    need_image(image, "rot90")
    return w.rot90(image, ints(k)[0], (-3, -2))


def _flipped_by_chance(image: Any, axis: int, generator: Any) -> Any:
    need_image(image, "random_flip")
    draws = w.rand(tuple(image.shape[:-3]), generator=generator, dtype=w.float32) < 0.5
    return w.where(draws[..., None, None, None], w.flip(image, (axis,)), image)


@face("image")
def random_flip_left_right(image: Any, seed: Any = None) -> Any:
    """`flip_left_right`, of each image with probability 1/2."""
    return _flipped_by_chance(image, -2, generator_of(seed))


@face("image")
def random_flip_up_down(image: Any, seed: Any = None) -> Any:
    """`flip_up_down`, of each image with probability 1/2."""
    return _flipped_by_chance(image, -3, generator_of(seed))


@face("image")
def stateless_random_flip_left_right(image: Any, seed: Any) -> Any:
    """`random_flip_left_right`, a function of the seed."""
    return _flipped_by_chance(image, -2, keyed(seed))


@face("image")
def stateless_random_flip_up_down(image: Any, seed: Any) -> Any:
    """`random_flip_up_down`, a function of the seed."""
    return _flipped_by_chance(image, -3, keyed(seed))


# --- cut and filled up ------------------------------------------------------------------------------------------------


def _cropped(image: Any, top: int, left: int, height: int, width: int) -> Any:
    rows, columns = image.shape[-3], image.shape[-2]
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > rows or left + width > columns:
        raise ValueError(f"the box of {height} by {width} at ({top}, {left}) does not lie in an image of {rows} by {columns}")
    return image.narrow(-3, top, height).narrow(-2, left, width)


def _padded(image: Any, top: int, left: int, height: int, width: int) -> Any:
    below, right = height - top - image.shape[-3], width - left - image.shape[-2]
    if min(top, left, below, right) < 0:
        raise ValueError(
            f"an image of {image.shape[-3]} by {image.shape[-2]} at ({top}, {left}) does not lie in {height} by {width}"
        )
    return F.pad(image, (0, 0, left, right, top, below))


@face("image")
def crop_to_bounding_box(image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any) -> Any:
    """The part of the image in a box. Raises: ValueError for a box that is not in it."""
    need_image(image, "crop_to_bounding_box")
    return _cropped(image, *[ints(n)[0] for n in (offset_height, offset_width, target_height, target_width)])


@face("image")
def pad_to_bounding_box(image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any) -> Any:
    """The image at a place of zeros of the target's size. Raises: ValueError where it does not fit."""
    need_image(image, "pad_to_bounding_box")
    return _padded(image, *[ints(n)[0] for n in (offset_height, offset_width, target_height, target_width)])


@face("image")
def central_crop(image: Any, central_fraction: Any) -> Any:
    """The middle part of the image, so much of its height and width. Raises: ValueError for a part outside (0, 1]."""
    need_image(image, "central_crop")
    part = float(central_fraction)
    if not 0 < part <= 1:
        raise ValueError("central_fraction must be within (0, 1]")
    if part == 1:
        return image
    rows, columns = image.shape[-3], image.shape[-2]
    top, left = int((rows - rows * part) / 2.0), int((columns - columns * part) / 2.0)
    return _cropped(image, top, left, rows - 2 * top, columns - 2 * left)


@face("image")
def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """The middle of the image, or the image in the middle of zeros, of the target's size."""
    need_image(image, "resize_with_crop_or_pad")
    height, width = ints(target_height)[0], ints(target_width)[0]
    rows, columns = image.shape[-3], image.shape[-2]
    inner = min(height, rows), min(width, columns)
    cut = _cropped(image, max(rows - height, 0) // 2, max(columns - width, 0) // 2, *inner)
    return _padded(cut, max(height - rows, 0) // 2, max(width - columns, 0) // 2, height, width)


def _cropped_by_chance(value: Any, size: Any, generator: Any) -> Any:
    sizes = ints(size)
    if len(sizes) != value.ndim or any([n > m for n, m in zip(sizes, value.shape)]):
        raise invalid(f"Need value.shape >= size, got {list(value.shape)} and {list(sizes)} [Op:random_crop]")
    draws = w.rand((value.ndim,), generator=generator, dtype=w.float64).tolist()
    for axis, (n, share) in enumerate(zip(sizes, draws)):
        value = value.narrow(axis, int(share * (value.shape[axis] - n + 1)), n)
    return value


@face("value")
def random_crop(value: Any, size: Any, seed: Any = None, name: Optional[str] = None) -> Any:
    """A part of this size from any place. Raises: InvalidArgumentError for a size larger than the value's."""
    return _cropped_by_chance(value, size, generator_of(seed))


@face("value")
def stateless_random_crop(value: Any, size: Any, seed: Any, name: Optional[str] = None) -> Any:
    """`random_crop`, a function of the seed."""
    return _cropped_by_chance(value, size, keyed(seed))


# --- parts as a batch -------------------------------------------------------------------------------------------------


@face("images")
def extract_patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: Optional[str] = None) -> Any:
    """The windows of images as channels: (batch, rows, columns, height * width * channels).

    Raises: InvalidArgumentError for shapes that do not fit, ValueError for another padding.
    """
    accept("ExtractImagePatches", REAL, images)
    window, steps, spread = [per_axis(value, 2, False, "sizes") for value in (sizes, strides, rates)]
    x = w.movedim(images, -1, 1)
    found = patches(x, window, steps, spread, pads_of(padding, x.shape[2:], window, steps, spread, False))
    n, c, places, rows, columns = found.shape
    return found.permute(0, 3, 4, 2, 1).reshape(n, rows, columns, places * c)


@face("image", "boxes", "box_indices")
def crop_and_resize(
    image: Any, boxes: Any, box_indices: Any, crop_size: Any, method: str = "bilinear",
    extrapolation_value: float = 0.0, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Boxes (y1, x1, y2, x2), in parts of the image from its first to its last pixel, each resized to `crop_size`.

    extrapolation_value: what lies outside the image

    Raises: ValueError for another method; InvalidArgumentError for shapes that do not fit.
    """
    if method not in ("bilinear", "nearest"):
        raise ValueError(f"method must be 'bilinear' or 'nearest', got {method!r}")
    if image.ndim != 4 or boxes.ndim != 2 or boxes.shape[1] != 4 or tuple(box_indices.shape) != (boxes.shape[0],):
        raise invalid(
            f"need image (batch, height, width, channels), boxes (n, 4), box_indices (n): got {list(image.shape)}, "
            f"{list(boxes.shape)}, {list(box_indices.shape)} [Op:CropAndResize]"
        )
    batch, height, width, channels = image.shape
    rows, columns = ints(crop_size)
    y1, x1, y2, x2 = boxes.unbind(1)
    y, x = _places(y1, y2, rows, height), _places(x1, x2, columns, width)  # (n, rows), (n, columns)
    table = image.reshape(batch * height * width, channels).to(w.float32)
    first = box_indices.to(w.int64)[:, None, None] * (height * width)

    def read(row: Any, column: Any) -> Any:
        places = first + row.to(w.int64)[:, :, None] * width + column.to(w.int64)[:, None, :]
        return w.index_select(table, 0, places.reshape(-1)).reshape(*places.shape, channels)

    inside = ((y >= 0) & (y <= height - 1))[:, :, None] & ((x >= 0) & (x <= width - 1))[:, None, :]
    safe_y, safe_x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    if method == "nearest":
        found = read(w.floor(safe_y + 0.5).clamp(0, height - 1), w.floor(safe_x + 0.5).clamp(0, width - 1))
    else:
        top, left = w.floor(safe_y.detach()), w.floor(safe_x.detach())
        below, right = w.ceil(safe_y.detach()), w.ceil(safe_x.detach())
        down, along = (safe_y - top)[:, :, None, None], (safe_x - left)[:, None, :, None]
        upper = read(top, left) * (1 - along) + read(top, right) * along
        lower = read(below, left) * (1 - along) + read(below, right) * along
        found = upper * (1 - down) + lower * down
    return w.where(inside[..., None], found, like("CropAndResize", extrapolation_value, found))


def _places(low: Any, high: Any, count: int, size: int) -> Any:
    """Where the pixels of crops lie, along one axis: from low to high, or in the middle when there is one."""
    low, high = low[:, None] * (size - 1), high[:, None] * (size - 1)
    if count == 1:
        return 0.5 * (low + high)
    return low + w.arange(count, dtype=low.dtype) * ((high - low) / (count - 1))


__all__ = [
    "central_crop", "crop_and_resize", "crop_to_bounding_box", "extract_patches", "flip_left_right", "flip_up_down",
    "pad_to_bounding_box", "random_crop", "random_flip_left_right", "random_flip_up_down", "resize_with_crop_or_pad",
    "rot90", "stateless_random_crop", "stateless_random_flip_left_right", "stateless_random_flip_up_down", "transpose",
]  # fmt: skip
