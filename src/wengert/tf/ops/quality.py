"""Measures of images, edges, and boxes that do not overlap: `tf.image`."""

from __future__ import annotations

from math import log
from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import ints
from wengert.tf.ops.colours import converted
from wengert.tf.ops.core import F, fresh, w
from wengert.tf.ops.shaping import pad

# --- differences ------------------------------------------------------------------------------------------------------


@face("images")
def total_variation(images: Any, name: Optional[str] = None) -> Any:
    """The sum of absolute differences of neighbours, for each image. Raises: ValueError for another rank."""
    if images.ndim not in (3, 4):
        raise ValueError("'images' must be either 3 or 4-dimensional.")
    down = w.abs(images.narrow(-3, 1, images.shape[-3] - 1) - images.narrow(-3, 0, images.shape[-3] - 1))
    along = w.abs(images.narrow(-2, 1, images.shape[-2] - 1) - images.narrow(-2, 0, images.shape[-2] - 1))
    return down.sum((-3, -2, -1), dtype=images.dtype) + along.sum((-3, -2, -1), dtype=images.dtype)


@face("image")
def image_gradients(image: Any) -> Any:
    """(dy, dx): each pixel's difference from the next one, 0 at the ends. Raises: ValueError for another rank than 4."""
    if image.ndim != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {tuple(image.shape)}.")
    found = []
    for axis in (1, 2):
        n = image.shape[axis]
        steps = image.narrow(axis, 1, n - 1) - image.narrow(axis, 0, n - 1)
        found.append(w.cat([steps, w.zeros_like(image.narrow(axis, 0, 1))], axis))
    return tuple(found)


@face("image")
def sobel_edges(image: Any) -> Any:
    """Differences along height and width, smoothed across, as a new last axis. Source: I. Sobel, G. Feldman, 1968."""
    x = fresh(pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT"))
    h, v = image.shape[1], image.shape[2]

    def at(i: int, j: int) -> Any:
        return x.narrow(1, i, h).narrow(2, j, v)

    down = (at(2, 0) - at(0, 0)) + 2 * (at(2, 1) - at(0, 1)) + (at(2, 2) - at(0, 2))
    along = (at(0, 2) - at(0, 0)) + 2 * (at(1, 2) - at(1, 0)) + (at(2, 2) - at(2, 0))
    return w.stack([down, along], -1)


# --- likeness ---------------------------------------------------------------------------------------------------------


def _pair(first: Any, second: Any, max_val: Any) -> tuple[Any, Any, Any]:
    """Two images and the largest value, in float32. Raises: ValueError for shapes that do not fit."""
    first, second = fresh(first), fresh(second)
    if first.ndim < 3 or tuple(first.shape[-3:]) != tuple(second.shape[-3:]):
        raise ValueError(
            f"images must have at least three dimensions and one shape, got {tuple(first.shape)} and {tuple(second.shape)}"
        )
    top = fresh(max_val, first.dtype)
    return tuple([converted(x, w.float32) for x in (first, second, top)])


@face()
def psnr(a: Any, b: Any, max_val: Any, name: Optional[str] = None) -> Any:
    """The peak signal-to-noise ratio in decibels, for each image. Raises: ValueError for shapes that do not fit."""
    a, b, top = _pair(a, b, max_val)
    error = w.square(a - b).mean((-3, -2, -1))
    return 20 * w.log(top) / log(10) - 10 / log(10) * w.log(error)


def _blurred(x: Any, size: int, sigma: float) -> Any:
    """Means weighted by a normal distribution, of images (batch, channels, height, width), without a border."""
    places = w.arange(size, dtype=w.float32) - (size - 1) / 2
    row = w.softmax(places * places * (-0.5 / sigma**2), 0)
    kernel = w.broadcast_to(row[:, None] * row, (x.shape[1], 1, size, size))
    return F.conv2d(x, kernel, groups=x.shape[1])


def _likeness(a: Any, b: Any, top: Any, size: int, sigma: float, k1: float, k2: float) -> tuple[Any, Any]:
    """Structural likeness, and its part without the means, for each channel's pixels: (..., channels, rows, columns).

    Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, Image quality assessment, 2004.
    """
    lead = tuple(a.shape[:-3])
    x, y = [w.movedim(part.reshape(-1, *part.shape[-3:]), -1, 1) for part in (a, b)]
    c1, c2 = w.square(k1 * top), w.square(k2 * top)
    mean_x, mean_y = _blurred(x, size, sigma), _blurred(y, size, sigma)
    product = mean_x * mean_y * 2
    squares = w.square(mean_x) + w.square(mean_y)
    luminance = (product + c1) / (squares + c1)
    both = _blurred(x * y, size, sigma) * 2
    sums = _blurred(w.square(x) + w.square(y), size, sigma)
    structure = (both - product + c2) / (sums - squares + c2)
    return tuple([part.reshape(*lead, *part.shape[1:]) for part in (luminance * structure, structure)])


@face()
def ssim(
    img1: Any, img2: Any, max_val: Any, filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01,
    k2: float = 0.03, return_index_map: bool = False,
) -> Any:  # fmt: skip
    """Structural likeness of images, 1 for equal ones; as a map of pixels if asked for.

    Raises: ValueError for shapes that do not fit.
    """
    a, b, top = _pair(img1, img2, max_val)
    _need_room(a, filter_size, 1)
    found, _ = _likeness(a, b, top, filter_size, filter_sigma, k1, k2)
    return found.mean(-3) if return_index_map else found.mean((-3, -2, -1))


def _need_room(x: Any, size: int, times: int) -> None:
    if min(x.shape[-3], x.shape[-2]) // times < size:
        raise invalid(f"images of {x.shape[-3]} by {x.shape[-2]} are too small for a filter of {size} [Op:ssim]")


_POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@face()
def ssim_multiscale(
    img1: Any, img2: Any, max_val: Any, power_factors: Any = _POWERS, filter_size: int = 11, filter_sigma: float = 1.5,
    k1: float = 0.01, k2: float = 0.03,
) -> Any:  # fmt: skip
    """The product of structural likeness at several sizes, each half of the one before, to these powers.

    Source: Z. Wang, E. P. Simoncelli, A. C. Bovik, Multiscale structural similarity, 2003.
    Raises: ValueError for shapes that do not fit; InvalidArgumentError for images that are too small.
    """
    a, b, top = _pair(img1, img2, max_val)
    _need_room(a, filter_size, 2 ** (len(power_factors) - 1))
    parts = []
    for level in range(len(power_factors)):
        if level:
            a, b = _halved(a), _halved(b)
        whole, structure = _likeness(a, b, top, filter_size, filter_sigma, k1, k2)
        parts.append(w.relu(structure.mean((-2, -1))))
    parts[-1] = w.relu(whole.mean((-2, -1)))
    powers = w.tensor(list(power_factors), dtype=w.float32)
    return w.prod(w.pow(w.stack(parts, -1), powers), -1).mean(-1)


def _halved(x: Any) -> Any:
    """Means of two by two pixels; an odd last row or column counts twice."""
    flat = w.movedim(x.reshape(-1, *x.shape[-3:]), -1, 1)
    flat = F.pad(flat, (0, flat.shape[3] % 2, 0, flat.shape[2] % 2), mode="replicate")
    y = w.movedim(F.avg_pool2d(flat, 2), 1, -1)
    return y.reshape(*x.shape[:-3], *y.shape[1:])


# --- boxes ------------------------------------------------------------------------------------------------------------


def _overlaps(boxes: Any) -> Any:
    """What two boxes (y1, x1, y2, x2) share, of what they cover together: (n, n)."""
    low = w.minimum(boxes[:, :2], boxes[:, 2:])
    high = w.maximum(boxes[:, :2], boxes[:, 2:])
    sides = w.minimum(high[:, None], high) - w.maximum(low[:, None], low)
    common = sides.clamp(min=0).prod(-1)
    areas = (high - low).prod(-1)
    union = areas[:, None] + areas - common
    share = common / w.where(union > 0, union, w.ones_like(union))
    return w.where((areas[:, None] > 0) & (areas > 0), share, w.zeros_like(common))


def _kept(overlaps: Any, scores: Any, most: int, overlap: float, least: float, sigma: float) -> tuple[list[int], list[float]]:
    """Greedily the best of those that overlap none already kept too much; with a sigma, overlaps lower scores instead."""
    left = {i: s for i, s in enumerate(scores.tolist()) if s > least}
    rows = overlaps.tolist()
    chosen: list[int] = []
    worth: list[float] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda i: (left[i], -i))
        score = left.pop(best)
        chosen.append(best)
        worth.append(score)
        for i in list(left):
            if sigma > 0:
                left[i] *= 2.718281828459045 ** (-0.5 / sigma * rows[best][i] ** 2)
            if ((sigma <= 0 or overlap < 1) and rows[best][i] > overlap) or left[i] <= least:
                del left[i]
    return chosen, worth


@face("boxes", "scores")
def non_max_suppression(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = -w.inf,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Which boxes are kept, the best first, so that none overlaps a better one by more than the threshold.

    Raises: InvalidArgumentError for a threshold outside [0, 1].
    """
    return non_max_suppression_with_scores(boxes, scores, max_output_size, iou_threshold, score_threshold)[0]


@face("boxes", "scores")
def non_max_suppression_with_scores(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = -w.inf,
    soft_nms_sigma: Any = 0.0, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """As `non_max_suppression`, with the scores; `soft_nms_sigma` lowers those of boxes that overlap.

    Source: N. Bodla, B. Singh, R. Chellappa, L. S. Davis, Soft-NMS, 2017.
    """
    if not 0 <= float(iou_threshold) <= 1:
        raise invalid(f"iou_threshold must be in [0, 1], got {float(iou_threshold)} [Op:NonMaxSuppression]")
    limits = float(iou_threshold), float(score_threshold), float(soft_nms_sigma)
    chosen, worth = _kept(_overlaps(boxes), scores, ints(max_output_size)[0], *limits)
    return w.tensor(chosen, dtype=w.int32), w.tensor(worth, dtype=scores.dtype)


@face("overlaps", "scores")
def non_max_suppression_overlaps(
    overlaps: Any, scores: Any, max_output_size: Any, overlap_threshold: Any = 0.5, score_threshold: Any = -w.inf,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """As `non_max_suppression`, of overlaps that are known."""
    limits = float(overlap_threshold), float(score_threshold), 0.0
    return w.tensor(_kept(overlaps, scores, ints(max_output_size)[0], *limits)[0], dtype=w.int32)


__all__ = [
    "image_gradients", "non_max_suppression", "non_max_suppression_overlaps", "non_max_suppression_with_scores", "psnr",
    "sobel_edges", "ssim", "ssim_multiscale", "total_variation",
]  # fmt: skip
