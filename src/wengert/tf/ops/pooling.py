"""Pooling, and morphology: `tf.nn`. Windows that "SAME" lets stick out see nothing there."""

from __future__ import annotations

from math import prod
from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, REAL, accept, alike, ints
from wengert.tf.ops.convolutions import by_rank, channels_first, first, flat, last, pads_of, per_axis
from wengert.tf.ops.core import F, w

# --- windows ----------------------------------------------------------------------------------------------------------


def _lowest(dtype: Any) -> Any:
    return -w.inf if dtype.is_floating_point else w.iinfo(dtype).min


class _Windows:
    """Where the windows of a pooling lie: layout, sizes, strides, padding."""

    def __init__(self, x: Any, ksize: Any, strides: Any, padding: Any, data_format: Any, operation: str) -> None:
        self.rank = x.ndim - 2
        if not 1 <= self.rank <= 3:
            raise invalid(f"pooling needs an input of rank 3 to 5, got shape {list(x.shape)} [Op:{operation}]")
        self.first = channels_first(data_format, self.rank)
        self.size = per_axis(ksize, self.rank, self.first, "ksize")
        self.strides = per_axis(strides, self.rank, self.first, "strides")
        self.x = first(x, self.first)
        once = (1,) * self.rank
        self.pads = pads_of(padding, self.x.shape[2:], self.size, self.strides, once, self.first)
        if min([*self.size, *self.strides]) < 1:
            raise invalid(
                f"Sliding window ksize and strides must be positive, got {self.size}, {self.strides} [Op:{operation}]"
            )

    @property
    def padded(self) -> bool:
        return any([n for pair in self.pads for n in pair])


def _largest(x: Any, ksize: Any, strides: Any, padding: Any, data_format: Any, operation: str) -> Any:
    accept(operation, REAL, x)
    windows = _Windows(x, ksize, strides, padding, data_format, operation)
    inside = F.pad(windows.x, flat(windows.pads), value=_lowest(x.dtype)) if windows.padded else windows.x
    return last(by_rank("max_pool", windows.rank)(inside, windows.size, windows.strides), windows.first)


def _averaged(x: Any, ksize: Any, strides: Any, padding: Any, data_format: Any, operation: str) -> Any:
    accept(operation, FLOATING, x)
    windows = _Windows(x, ksize, strides, padding, data_format, operation)
    mean = by_rank("avg_pool", windows.rank)
    if not windows.padded:
        return last(mean(windows.x, windows.size, windows.strides), windows.first)
    ones = w.ones((1, 1, *windows.x.shape[2:]), dtype=x.dtype)
    sums, counts = [mean(F.pad(part, flat(windows.pads)), windows.size, windows.strides) for part in (windows.x, ones)]
    return last(sums / counts, windows.first)


def _pool(kind: str, rank: int) -> Any:
    """The pooling of so many axes of space; rank 0 takes any."""
    layout = (None, "NWC", "NHWC", "NDHWC")[rank]
    function = _largest if kind == "max" else _averaged
    operation = f"{'Max' if kind == 'max' else 'Avg'}Pool{'' if rank in (0, 2) else f'{rank}D'}"

    @face("input")
    def pooled(
        input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = layout, name: Optional[str] = None
    ) -> Any:
        if rank and input.ndim != rank + 2:
            raise invalid(f"input must be {rank + 2}-dimensional, got shape {list(input.shape)} [Op:{operation}]")
        return function(input, ksize, strides, padding, data_format, operation)

    pooled.__name__ = pooled.__qualname__ = f"{kind}_pool{f'{rank}d' if rank else ''}"
    pooled.__doc__ = (
        f"The {'largest' if kind == 'max' else 'mean'} of each window.\n\n"
        "Raises: InvalidArgumentError for shapes or dtypes that do not fit, and for an unknown layout or padding."
    )
    return pooled


max_pool, max_pool1d, max_pool2d, max_pool3d = [_pool("max", rank) for rank in range(4)]
avg_pool, avg_pool1d, avg_pool2d, avg_pool3d = [_pool("avg", rank) for rank in range(4)]


@face("input")
def pool(
    input: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: Any = "VALID",
    data_format: Any = None, dilations: Any = None, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Pooling over any space, of "MAX" or "AVG".

    Raises: ValueError for another kind, NotImplementedError for dilations.
    """
    if pooling_type not in ("MAX", "AVG"):
        raise ValueError(f"`pooling_type` must be 'MAX' or 'AVG', got {pooling_type!r}")
    if dilations is not None and set(ints(dilations)) != {1}:
        raise NotImplementedError("tf.nn.pool with dilations is not there; use tf.image.extract_patches and a reduction")
    function = _largest if pooling_type == "MAX" else _averaged
    return function(input, window_shape, strides, padding, data_format, pooling_type.title() + "Pool")


@face("input")
def max_pool_with_argmax(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", output_dtype: Any = w.int64,
    include_batch_in_index: bool = False, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The largest of each window, and where it is: ((batch * height + y) * width + x) * channels + c, without the batch
    unless it is asked for.

    Raises: ValueError for another layout.
    """
    if data_format != "NHWC":
        raise ValueError(f"`data_format` must be 'NHWC'. Received: data_format={data_format}")
    accept("MaxPoolWithArgmax", REAL, input)
    windows = _Windows(input, ksize, strides, padding, "NHWC", "MaxPoolWithArgmax")
    (top, _), (left, _) = windows.pads
    n, c, height, width = windows.x.shape
    inside = F.pad(windows.x, flat(windows.pads), value=_lowest(input.dtype))
    values, places = F.max_pool2d(inside, windows.size, windows.strides, return_indices=True)
    wide = inside.shape[3]
    row, column = places // wide - top, places % wide - left
    index = (row * width + column) * c + w.arange(c).reshape(1, c, 1, 1)
    if include_batch_in_index:
        index = index + (w.arange(n) * (height * width * c)).reshape(n, 1, 1, 1)
    return last(values, False), last(index.to(as_dtype(output_dtype)), False)


# --- patches and morphology -------------------------------------------------------------------------------------------


def patches(x: Any, size: Any, strides: Any, dilation: Any, pads: Any) -> Any:
    """The windows of images (batch, channels, height, width), zeros outside: (batch, channels, places of the window,
    height, width)."""
    n, c = x.shape[:2]
    x = F.pad(x, flat(pads))
    rows, columns = [(x.shape[axis] - (k - 1) * d - 1) // s + 1 for axis, k, s, d in zip((2, 3), size, strides, dilation)]
    columned = F.unfold(x, tuple(size), tuple(dilation), 0, tuple(strides))
    return columned.reshape(n, c, prod(size), rows, columns)


def _morphology(x: Any, kernel: Any, strides: Any, padding: Any, data_format: str, dilations: Any, name: str) -> Any:
    if data_format != "NHWC":
        raise ValueError(f"`data_format` must be 'NHWC'. Received: data_format={data_format}")
    accept(name, FLOATING, x)
    if kernel.ndim != 3 or kernel.shape[2] != x.shape[-1]:
        raise invalid(f"filter must be (height, width, {x.shape[-1]}), got shape {list(kernel.shape)} [Op:{name}]")
    steps, spread = [per_axis(v, 2, False, what) for v, what in ((strides, "strides"), (dilations, "dilations"))]
    x, size = first(x, False), tuple(kernel.shape[:2])
    pads = pads_of(padding, x.shape[2:], size, steps, spread, False)
    lowest = w.finfo(x.dtype).min
    seen = patches(w.ones_like(x), size, steps, spread, pads)
    values = patches(x, size, steps, spread, pads)
    values = w.where(seen > 0, values, w.full_like(values, lowest))
    weights = kernel.permute(2, 0, 1).reshape(1, x.shape[1], prod(size), 1, 1)
    return last((values + weights).amax(2), False)


@face()
def dilation2d(
    input: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any, name: Optional[str] = None
) -> Any:
    """The largest of input + filter over each window, each channel by itself.

    Raises: InvalidArgumentError for a filter that does not fit, ValueError for another layout.
    """
    input, filters = alike("Dilation2D", input, filters)
    return _morphology(input, filters, strides, padding, data_format, dilations, "Dilation2D")


@face()
def erosion2d(
    value: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any, name: Optional[str] = None
) -> Any:
    """The smallest of value - filter over each window, each channel by itself; the filter is turned round.

    Raises: InvalidArgumentError for a filter that does not fit, ValueError for another layout.
    """
    value, filters = alike("Dilation2D", value, filters)
    turned = w.flip(filters, (0, 1))
    return -_morphology(-value, turned, strides, padding, data_format, dilations, "Dilation2D")


__all__ = [
    "avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d", "dilation2d", "erosion2d", "max_pool", "max_pool1d",
    "max_pool2d", "max_pool3d", "max_pool_with_argmax", "pool",
]  # fmt: skip
