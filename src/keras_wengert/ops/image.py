"""Images: colours, sizes, and maps of the plane. `keras.ops.image` on wengert.

Every map of the plane is one thing here: coordinates for each output pixel, and `map_coordinates` at them.
"""

from __future__ import annotations

from typing import Any

from keras.src.backend.config import standardize_data_format

import wengert as w
from keras_wengert.ops.common import as_float, cast, convert_to_tensor, dtypes, standardize_dtype
from keras_wengert.ops.random import normal
from wengert.nn import functional as F

INTERPOLATIONS = ("nearest", "bilinear")
RESIZE_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _check(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"Invalid value for argument `{name}`. Expected of one {set(allowed)}. Received: {name}={value}")


def _check_rank(images: Any, ranks: tuple[int, ...] = (3, 4)) -> None:
    if images.ndim not in ranks:
        raise ValueError(
            "Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images). Received input with shape: "
            f"images.shape={tuple(images.shape)}"
        )


class _Layout:
    """Images as (batch, height, width, channels), and the way back."""

    def __init__(self, images: Any, data_format: Any) -> None:
        self.single = images.ndim == 3
        self.first = standardize_data_format(data_format) == "channels_first"

    def enter(self, images: Any) -> Any:
        images = images[None] if self.single else images
        return w.movedim(images, 1, -1) if self.first else images

    def leave(self, images: Any) -> Any:
        images = w.movedim(images, -1, 1) if self.first else images
        return images[0] if self.single else images


# --- colours ----------------------------------------------------------------------------------------------------------


def _channels(images: Any, data_format: Any) -> tuple[Any, int]:
    """Images of a floating dtype, and their channel axis.

    Raises: ValueError for another rank or for integers.
    """
    images = convert_to_tensor(images)
    _check_rank(images)
    return images, -3 if standardize_data_format(data_format) == "channels_first" else -1


def rgb_to_grayscale(images: Any, data_format: Any = None) -> Any:
    """The luma of colours (ITU-R BT.601); images of one channel as they are. Raises: ValueError for other channels."""
    images, axis = _channels(images, data_format)
    if images.shape[axis] not in (1, 3):
        raise ValueError(
            "Invalid channel size: expected 3 (RGB) or 1 (Grayscale). Received input with shape: "
            f"images.shape={tuple(images.shape)}"
        )
    if images.shape[axis] == 1:
        return images.clone()
    dtype = standardize_dtype(images.dtype)
    wide = cast(images, dtypes.result_type(dtype, float))
    weights = (0.2989, 0.5870, 0.1140)
    parts = [weight * wide.narrow(axis, i, 1) for i, weight in enumerate(weights)]
    return cast(parts[0] + parts[1] + parts[2], dtype)


def _need_floats(images: Any) -> None:
    if not images.dtype.is_floating_point:
        raise ValueError(f"Invalid images dtype: expected float dtype. Received: images.dtype={images.dtype.name}")


def rgb_to_hsv(images: Any, data_format: Any = None) -> Any:
    """Hue (a sixth of the circle for each of six colours), saturation, value. Source: A. R. Smith, Color gamut transform
    pairs (1978)."""
    images, axis = _channels(images, data_format)
    _need_floats(images)
    r, g, b = images.unbind(axis)
    value = w.maximum(w.maximum(r, g), b)
    spread = value - w.minimum(w.minimum(r, g), b)
    safe = w.where(spread > 0, spread, w.ones_like(spread))
    saturation = w.where(value > 0, spread / w.where(value > 0, value, w.ones_like(value)), w.zeros_like(value))
    hue = w.where(value == r, (g - b) / safe, w.where(value == g, 2 + (b - r) / safe, 4 + (r - g) / safe)) / 6
    hue = w.where(spread > 0, w.remainder(hue, 1.0), w.zeros_like(hue))
    return w.stack([hue, saturation, value], axis)


def hsv_to_rgb(images: Any, data_format: Any = None) -> Any:
    """The inverse of `rgb_to_hsv`."""
    images, axis = _channels(images, data_format)
    _need_floats(images)
    hue, saturation, value = images.unbind(axis)
    sixth = hue * 6
    parts = []
    for away in (w.abs(sixth - 3) - 1, 2 - w.abs(sixth - 2), 2 - w.abs(sixth - 4)):
        parts.append(((away.clamp(0, 1) - 1) * saturation + 1) * value)
    return w.stack(parts, axis)


# --- sizes ------------------------------------------------------------------------------------------------------------


def resize(
    images: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False, crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0, data_format: Any = None,
) -> Any:  # fmt: skip
    """Images of another size. Pixel centres lie at half-integers; "antialias" widens the filter when shrinking.

    Raises: ValueError for unknown modes, and for cropping and padding at once.
    """
    _check("interpolation", interpolation, RESIZE_INTERPOLATIONS)
    if fill_mode != "constant":
        raise ValueError(
            f"Invalid value for argument `fill_mode`. Only `'constant'` is supported. Received: fill_mode={fill_mode}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of `crop_to_aspect_ratio` & `pad_to_aspect_ratio` can be `True`.")
    if len(size) != 2:
        raise ValueError(f"Argument `size` must be a tuple of two elements (height, width). Received: size={size}")
    images = convert_to_tensor(images)
    _check_rank(images)
    layout = _Layout(images, data_format)
    x = layout.enter(images)
    height, width = [int(n) for n in size]
    if crop_to_aspect_ratio:
        x = _cropped(x, height, width)
    elif pad_to_aspect_ratio:
        x = _padded(x, height, width, fill_value)
    dtype = standardize_dtype(x.dtype)
    wide = x if x.dtype.is_floating_point else cast(x, "float32")
    if interpolation == "nearest":
        y = _nearest(wide, height, width)
    else:
        for axis, n in ((1, height), (2, width)):
            if wide.shape[axis] != n:
                weights = _weights(wide.shape[axis], n, n / wide.shape[axis], 0.0, interpolation, antialias, wide.dtype)
                wide = _along(wide, weights, axis)
        y = wide
    return layout.leave(_back(y, dtype))


def _back(y: Any, dtype: str) -> Any:
    """Floats in the dtype that came in: rounded, and kept in range, where that is an integer."""
    if not dtype.startswith(("int", "uint")):
        return cast(y, dtype)
    limits = w.iinfo(getattr(w, dtype))
    return cast(w.round(y).clamp(limits.min, limits.max), dtype)


def _cropped(x: Any, height: int, width: int) -> Any:
    """The largest part in the middle with the target's ratio."""
    h, v = x.shape[1], x.shape[2]
    crop_h = max(min(int(float(v * height) / width), h), 1)
    crop_v = max(min(int(float(h * width) / height), v), 1)
    return x.narrow(1, int(float(h - crop_h) / 2), crop_h).narrow(2, int(float(v - crop_v) / 2), crop_v)


def _padded(x: Any, height: int, width: int, value: float) -> Any:
    """The image in the middle of a larger one with the target's ratio."""
    h, v = x.shape[1], x.shape[2]
    pad_h = max(int(float(v * height) / width), h)
    pad_v = max(int(float(h * width) / height), v)
    top, left = int(float(pad_h - h) / 2), int(float(pad_v - v) / 2)
    return F.pad(x, (0, 0, left, pad_v - v - left, top, pad_h - h - top), value=value)


def _nearest(x: Any, height: int, width: int) -> Any:
    for axis, n in ((1, height), (2, width)):
        size = x.shape[axis]
        places = ((w.arange(n, dtype=w.float64) + 0.5) * (size / n)).floor().clamp(0, size - 1)
        x = w.index_select(x, axis, places.to(w.int64))
    return x


def _cubic(x: Any) -> Any:
    """The cubic convolution kernel, a = -1/2. Source: R. Keys (1981), equation 15."""
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return w.where(x < 1, near, w.where(x < 2, far, w.zeros_like(x)))


def _lanczos(radius: float) -> Any:
    """sinc(x) sinc(x / radius) within the radius. Source: C. E. Duchon (1979)."""
    return lambda x: w.where(x < radius, w.sinc(x) * w.sinc(x / radius), w.zeros_like(x))


_KERNELS = {
    "bilinear": lambda x: (1 - x).clamp(min=0), "bicubic": _cubic, "lanczos3": _lanczos(3.0), "lanczos5": _lanczos(5.0),
}  # fmt: skip
_KERNELS |= {"linear": _KERNELS["bilinear"], "trilinear": _KERNELS["bilinear"], "triangle": _KERNELS["bilinear"]}
_KERNELS |= {"cubic": _cubic, "tricubic": _cubic}


def _weights(size: int, n: int, scale: Any, translation: Any, method: str, antialias: bool, dtype: Any) -> Any:
    """The share (size, n) of every input place in every output place."""
    scale, translation = [convert_to_tensor(x, standardize_dtype(dtype)) for x in (scale, translation)]
    inverse = 1 / scale
    width = inverse.clamp(min=1) if antialias else w.ones_like(inverse)
    places = (w.arange(n, dtype=dtype) + 0.5) * inverse - translation * inverse - 0.5
    distance = w.abs(places[None, :] - w.arange(size, dtype=dtype)[:, None]) / width
    shares = _KERNELS[method](distance)
    total = shares.sum(0, keepdim=True)
    tiny = 1000 * w.finfo(w.float32).eps
    shares = w.where(w.abs(total) > tiny, shares / w.where(total != 0, total, w.ones_like(total)), w.zeros_like(shares))
    inside = (places >= -0.5) & (places <= size - 0.5)
    return w.where(inside[None, :], shares, w.zeros_like(shares))


def _along(x: Any, weights: Any, axis: int) -> Any:
    return w.movedim(w.tensordot(x, weights, dims=([axis], [0])), -1, axis)


def scale_and_translate(
    images: Any, output_shape: Any, scale: Any, translation: Any, spatial_dims: Any, method: str, antialias: bool = True
) -> Any:
    """Images whose place x goes to scale * x + translation, filtered by a separable kernel.

    Raises: ValueError for another method.
    """
    if method not in _KERNELS:
        raise ValueError(f"Invalid method: {method}. Expected one of {sorted(_KERNELS)}")
    images = as_float(images)
    scale, translation = as_float(scale), as_float(translation)
    for i, axis in enumerate(spatial_dims):
        axis = axis % images.ndim
        share = _weights(images.shape[axis], int(output_shape[axis]), scale[i], translation[i], method, antialias, images.dtype)
        images = _along(images, share, axis)
    return images


# --- maps of the plane ------------------------------------------------------------------------------------------------


def _folded(places: Any, n: int, mode: str) -> Any:
    """Places outside 0 .. n - 1 as the place inside that they repeat."""
    if mode == "nearest" or mode == "constant":
        return places.clamp(0, n - 1)
    if mode == "wrap":
        return w.remainder(places, n)
    if mode == "mirror":
        if n == 1:
            return w.zeros_like(places)
        around = w.remainder(places, 2 * (n - 1))
        return w.minimum(around, 2 * (n - 1) - around)
    around = w.remainder(places, 2 * n)
    return w.minimum(around, 2 * n - 1 - around)


def map_coordinates(inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0.0) -> Any:
    """inputs at fractional coordinates (axes first), by the nearest place or linearly.

    Raises: ValueError for coordinates that do not fit, another order or mode.
    """
    inputs = convert_to_tensor(inputs)
    if isinstance(coordinates, (list, tuple)):
        coordinates = w.stack([as_float(c) for c in coordinates])
    coordinates = as_float(coordinates)
    if coordinates.shape[0] != inputs.ndim:
        raise ValueError(
            "First dim of `coordinates` must be the same as the rank of `inputs`. Received inputs with shape: "
            f"{tuple(inputs.shape)} and coordinate leading dim of {coordinates.shape[0]}"
        )
    if coordinates.ndim < 2:
        raise ValueError(
            f"Invalid coordinates rank: expected at least rank 2. Received input with shape: {tuple(coordinates.shape)}"
        )
    _check("fill_mode", fill_mode, FILL_MODES)
    if order not in (0, 1):
        raise ValueError(f"Invalid value for argument `order`. Expected 0 or 1. Received: order={order}")
    dtype = standardize_dtype(inputs.dtype)
    wide = inputs if inputs.dtype.is_floating_point else cast(inputs, "float32")
    corners: list[tuple[list[Any], Any]] = [([], None)]
    for x in coordinates.unbind(0):
        low = w.floor(x) if order else w.round(x)
        along = [(low, 1 - (x - low)), (low + 1, x - low)] if order else [(low, None)]
        corners = [
            ([*places, place], weight if share is None else share if weight is None else weight * share)
            for places, weight in corners
            for place, share in along
        ]
    y = None
    for places, weight in corners:
        value = _read(wide, places, fill_mode, fill_value)
        value = value if weight is None else value * weight.to(value.dtype)
        y = value if y is None else y + value
    return _back(y, dtype)


def _read(x: Any, places: list[Any], mode: str, fill: float) -> Any:
    index = [_folded(place, n, mode).to(w.int64) for place, n in zip(places, x.shape)]
    value = x[tuple(index)]
    if mode != "constant":
        return value
    inside = None
    for place, n in zip(places, x.shape):
        here = (place >= 0) & (place <= n - 1)
        inside = here if inside is None else inside & here
    return w.where(inside, value, w.full_like(value, fill))


def _sampled(x: Any, rows: Any, columns: Any, interpolation: str, fill_mode: str, fill_value: float) -> Any:
    """Images (batch, height, width, channels) at coordinates (batch, height, width) of their planes."""
    batch, channels = x.shape[0], x.shape[3]
    order = 0 if interpolation == "nearest" else 1
    outputs = []
    for i in range(batch):
        where = w.stack([rows[i], columns[i]])
        planes = [map_coordinates(x[i, :, :, c], where, order, fill_mode, fill_value) for c in range(channels)]
        outputs.append(w.stack(planes, -1))
    return w.stack(outputs)


def _grid(height: int, width: int, dtype: Any) -> tuple[Any, Any]:
    return tuple(w.meshgrid(w.arange(height, dtype=dtype), w.arange(width, dtype=dtype), indexing="ij"))  # type: ignore[return-value]


def affine_transform(
    images: Any, transform: Any, interpolation: str = "bilinear", fill_mode: str = "constant", fill_value: float = 0,
    data_format: Any = None,
) -> Any:  # fmt: skip
    """Images with output place (x, y) read at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Raises: ValueError for ranks and modes that do not fit.
    """
    _check("interpolation", interpolation, INTERPOLATIONS)
    _check("fill_mode", fill_mode, FILL_MODES)
    images, transform = convert_to_tensor(images), convert_to_tensor(transform)
    _check_rank(images)
    if transform.ndim not in (1, 2):
        raise ValueError(
            "Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of transforms). Received input with "
            f"shape: transform.shape={tuple(transform.shape)}"
        )
    layout = _Layout(images, data_format)
    x = layout.enter(images)
    coefficients = as_float(transform).detach().reshape(-1, 8, 1, 1)
    coefficients = w.broadcast_to(coefficients, (x.shape[0], 8, 1, 1))
    rows, columns = _grid(x.shape[1], x.shape[2], coefficients.dtype)
    a0, a1, a2, b0, b1, b2 = coefficients[:, :6].unbind(1)
    read_columns = a0 * columns + a1 * rows + a2
    read_rows = b0 * columns + b1 * rows + b2
    return layout.leave(_sampled(x, read_rows, read_columns, interpolation, fill_mode, fill_value))


def compute_homography_matrix(start_points: Any, end_points: Any) -> Any:
    """The eight coefficients (h33 = 1) of the projective map that takes end points to start points."""
    start, end = as_float(start_points), as_float(end_points)
    dtype = standardize_dtype(start.dtype)
    wide = dtypes.result_type(dtype, "float32")  # systems of equations are not solved in half precision
    start, end = w.broadcast_tensors(cast(start, wide), cast(end, wide))
    sx, sy, ex, ey = start[..., 0], start[..., 1], end[..., 0], end[..., 1]  # (batch, 4)
    one, zero = w.ones_like(sx), w.zeros_like(sx)
    upper = w.stack([ex, ey, one, zero, zero, zero, -sx * ex, -sx * ey], -1)
    lower = w.stack([zero, zero, zero, ex, ey, one, -sy * ex, -sy * ey], -1)
    matrix = w.stack([upper, lower], -2).reshape(-1, 8, 8)
    return cast(w.linalg.solve(matrix, w.stack([sx, sy], -1).reshape(-1, 8, 1))[..., 0], dtype)


def perspective_transform(
    images: Any, start_points: Any, end_points: Any, interpolation: str = "bilinear", fill_value: float = 0,
    data_format: Any = None,
) -> Any:  # fmt: skip
    """Images moved so that four start points come to lie at the end points.

    Raises: ValueError for ranks and shapes that do not fit.
    """
    _check("interpolation", interpolation, INTERPOLATIONS)
    images = convert_to_tensor(images)
    points = [as_float(start_points), as_float(end_points)]
    start, end = [cast(p, dtypes.result_type(standardize_dtype(p.dtype), "float32")) for p in points]
    _check_rank(images)
    for name, four in (("start_points", start), ("end_points", end)):
        if four.ndim not in (2, 3) or tuple(four.shape[-2:]) != (4, 2):
            raise ValueError(
                f"Invalid {name} shape: expected (4,2) for a single image or (N,4,2) for a batch. "
                f"Received shape: {tuple(four.shape)}"
            )
    if start.shape != end.shape:
        raise ValueError(
            f"start_points and end_points must have the same shape. Received start_points.shape={tuple(start.shape)}, "
            f"end_points.shape={tuple(end.shape)}"
        )
    layout = _Layout(images, data_format)
    x = layout.enter(images)
    h = compute_homography_matrix(start.reshape(-1, 4, 2), end.reshape(-1, 4, 2))
    h = w.broadcast_to(h.reshape(-1, 8, 1, 1), (x.shape[0], 8, 1, 1))
    rows, columns = _grid(x.shape[1], x.shape[2], h.dtype)
    a0, a1, a2, b0, b1, b2, c0, c1 = h.unbind(1)
    depth = c0 * columns + c1 * rows + 1
    read_columns = (a0 * columns + a1 * rows + a2) / depth
    read_rows = (b0 * columns + b1 * rows + b2) / depth
    return layout.leave(_sampled(x, read_rows, read_columns, interpolation, "constant", fill_value))


# --- filters ----------------------------------------------------------------------------------------------------------


def _gaussian(size: int, sigma: Any, dtype: Any) -> Any:
    places = w.arange(size, dtype=dtype) - (size - 1) / 2
    shares = w.exp(-0.5 * (places / sigma) ** 2)
    return shares / shares.sum()


def gaussian_blur(images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: Any = None) -> Any:
    """Each pixel a mean of its neighbours, weighted by a normal distribution; zeros outside.

    kernel_size, sigma: across and down.
    """
    images = convert_to_tensor(images)
    _check_rank(images)
    dtype = standardize_dtype(images.dtype)
    layout = _Layout(images, data_format)
    x = w.movedim(layout.enter(as_float(images)), -1, 1)
    sigma = as_float(sigma).to(x.dtype)
    down, across = [_gaussian(int(kernel_size[i]), sigma[i], x.dtype) for i in (1, 0)]  # the first size and sigma are x's
    kernel = down[:, None] * across
    weight = w.broadcast_to(kernel, (x.shape[1], 1, *kernel.shape))
    y = F.conv2d(x, weight, padding="same", groups=x.shape[1])
    return cast(layout.leave(w.movedim(y, 1, -1)), dtype)


def elastic_transform(
    images: Any, alpha: float = 20.0, sigma: float = 5.0, interpolation: str = "bilinear", fill_mode: str = "reflect",
    fill_value: float = 0.0, seed: Any = None, data_format: Any = None,
) -> Any:  # fmt: skip
    """Images read at places moved by smoothed random displacements. Source: P. Simard, D. Steinkraus, J. Platt (2003)."""
    _check("interpolation", interpolation, INTERPOLATIONS)
    _check("fill_mode", fill_mode, FILL_MODES)
    images = convert_to_tensor(images)
    _check_rank(images)
    layout = _Layout(images, data_format)
    x = layout.enter(images)
    wide = x if x.dtype.is_floating_point else cast(x, "float32")
    batch, height, width, _ = x.shape
    size = int(6 * sigma) | 1
    noise = normal((batch, height, width, 2), dtype=standardize_dtype(wide.dtype), seed=seed) * sigma
    smooth = gaussian_blur(noise, (size, size), (sigma, sigma), "channels_last") * alpha
    rows, columns = _grid(height, width, wide.dtype)
    y = _sampled(wide, rows + smooth[..., 1], columns + smooth[..., 0], interpolation, fill_mode, fill_value)
    return layout.leave(cast(y, standardize_dtype(x.dtype)))


def sobel_edges(images: Any, data_format: Any = None) -> Any:
    """Differences along height and width, smoothed across, as a new last axis. Source: I. Sobel, G. Feldman (1968)."""
    images = as_float(images)
    first = standardize_data_format(data_format) == "channels_first"
    x = images if first else w.movedim(images, -1, 1)
    x = w.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
    down = w.tensor([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]], dtype=x.dtype)
    channels = x.shape[1]
    sides = []
    for kernel in (down, down.T):
        sides.append(F.conv2d(x, w.broadcast_to(kernel, (channels, 1, 3, 3)), groups=channels))
    return w.stack([side if first else w.movedim(side, 1, -1) for side in sides], -1)


__all__ = [
    "FILL_MODES", "affine_transform", "compute_homography_matrix", "elastic_transform",
    "gaussian_blur", "hsv_to_rgb", "map_coordinates", "perspective_transform", "resize", "rgb_to_grayscale",
    "rgb_to_hsv", "scale_and_translate", "sobel_edges",
]  # fmt: skip
