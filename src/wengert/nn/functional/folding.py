"""unfold and fold: windows of images as columns, and columns added up to images (im2col, col2im)."""

from __future__ import annotations

from math import prod
from typing import Any

from wengert.errors import runtime_error, shape_error
from wengert.functions.operands import node_of
from wengert.functions.windows import check_not_negative, check_positive, each, places, with_batch, without_batch
from wengert.graph.rule import primitives as p
from wengert.shapes import Shape
from wengert.tensors.tensor import Tensor, wrap


def _geometry(
    operation: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any, inside: Shape
) -> tuple[Shape, dict[str, Shape], Shape]:
    """The window, its geometry, and its places; two spatial axes."""
    window = each(operation, "kernel_size", kernel_size, 2)
    found = {
        "stride": each(operation, "stride", stride, 2),
        "padding": each(operation, "padding", padding, 2),
        "dilation": each(operation, "dilation", dilation, 2),
    }
    check_positive(operation, kernel_size=window, stride=found["stride"], dilation=found["dilation"])
    check_not_negative(operation, padding=found["padding"])
    size = tuple([places(*of_axis) for of_axis in zip(inside, window, *[found[k] for k in ("stride", "padding", "dilation")])])
    return window, found, size


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Every window of an image as a column: y[n, (c, k), i] = x[n, c, i stride + k dilation - padding], 0 outside.

    Shape: input (batch, channels, height, width) or the same without a batch; y (batch, channels prod(kernel), places).

    Raises: RuntimeError for windows that do not fit.
    """
    x, batched = with_batch("unfold", input, 2)
    window, geometry, size = _geometry("unfold", kernel_size, dilation, padding, stride, x.shape[2:])
    if min(size) < 1 or 0 in x.shape[1:]:
        wanted = f"windows {list(window)} that fit into the (padded) input at least once"
        raise shape_error("unfold", wanted, (x.shape,), f"calculated shape of the array of sliding blocks: {list(size)}")
    y = p.patches(x, window=window, size=size, **geometry)
    shape = (x.shape[0], x.shape[1] * prod(window), prod(size))
    return wrap(without_batch(p.reshape(y, shape=shape), batched))


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns added up to an image, each where `unfold` would have read it: the transpose of `unfold`.

    Shape: input (batch, channels prod(kernel), places) or the same without a batch; y (batch, channels, *output_size).

    Raises: RuntimeError when the columns are not those of such an image.
    """
    y = node_of(input, "fold")
    if y.ndim not in (2, 3):
        raise shape_error("fold", "expected 2D (unbatched) or 3D (batched) input", (y.shape,))
    batched = y.ndim == 3
    y = y if batched else p.reshape(y, shape=(1, *y.shape))
    inside = each("fold", "output_size", output_size, 2)
    window, geometry, size = _geometry("fold", kernel_size, dilation, padding, stride, inside)
    batch, columns, count = y.shape
    if columns % prod(window):
        wanted = f"input's size at dimension 1 to be divisible by the product of kernel_size, {prod(window)}"
        raise shape_error("fold", wanted, (y.shape,))
    if min(size) < 1 or count != prod(size):
        wanted = f"input's last size to match the number of sliding blocks {' * '.join(map(str, size))} = {prod(size)}"
        raise runtime_error("fold", wanted, count)
    split = p.reshape(y, shape=(batch, columns // prod(window), *window, *size))
    return wrap(without_batch(p.fold(split, size=inside, **geometry), batched))
