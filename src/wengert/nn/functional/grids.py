"""Sampling an image wherever a grid of coordinates says, and the grids of affine maps.

Coordinates run from -1 to 1 over each spatial dimension, the last dimension's first: (x, y) or (x, y, z). M. Jaderberg,
K. Simonyan, A. Zisserman, K. Kavukcuoglu, Spatial transformer networks, 2015.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, scalar
from wengert.graph.rule import primitives as p
from wengert.tensors.tensor import Tensor, wrap

_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


# --- the grid of an affine map -------------------------------------------------------------------------------------


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: Optional[bool] = None) -> Tensor:
    """grid[n, i, j] = theta[n] (x_j, y_i, 1): where the output's cells lie in the input.

    size: that of the output, (batch, channels, height, width) or (batch, channels, depth, height, width).
    align_corners: whether -1 and 1 are the centres of the corner cells, instead of their outer edges.

    Shape: theta (batch, 2, 3) to (batch, height, width, 2); (batch, 3, 4) to (batch, depth, height, width, 3).

    Raises: ValueError for a theta that is not floating or has another shape, and for empty sizes;
    NotImplementedError for a size of another length.
    """
    if align_corners is None:
        warnings.warn(_CHANGED)
    x = node_of(theta, "affine_grid", "theta")
    if not x.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {x.dtype}")
    rank = len(size) - 2
    if rank not in (2, 3):
        raise NotImplementedError(f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms; got {size}.")
    if x.ndim != 3 or x.shape[1:] != (rank, rank + 1):
        raise ValueError(
            f"Expected a batch of {rank}D affine matrices of shape Nx{rank}x{rank + 1} for size {tuple(size)}. Got "
            f"{list(x.shape)}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if x.shape[0] != size[0]:
        raise shape_error("affine_grid", f"one matrix for each of {size[0]} images", (x.shape,))
    spatial = tuple([int(n) for n in size[2:]])
    points = _centres(spatial, bool(align_corners)).astype(x.dtype.numpy)  # (cells, rank + 1)
    each = p.expand(literal(points, array_type(points.shape, x.dtype)), shape=(x.shape[0], *points.shape))
    return wrap(p.reshape(p.dot(each, p.permute(x, order=(0, 2, 1))), shape=(x.shape[0], *spatial, rank)))


def _centres(spatial: Sequence[int], align: bool) -> Any:
    """The coordinates of every cell's centre, and a 1."""
    lines = []
    for n in spatial:
        ends = 1.0 if align else 1 - 1 / n
        lines.append(np.linspace(-ends, ends, n) if n > 1 else np.zeros(1))
    axes = np.meshgrid(*lines, indexing="ij")
    return np.stack([*axes[::-1], np.ones(tuple(spatial))], -1).reshape(-1, len(spatial) + 1)


# --- sampling ------------------------------------------------------------------------------------------------------

Pad = Callable[[Node, int], Node]


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: Optional[bool] = None,
) -> Tensor:
    """The input's values at the grid's coordinates; differentiable in both.

    mode: "bilinear" (trilinear for volumes), "nearest" (which has no derivative by the grid) or "bicubic" (images only).
    padding_mode: outside there are "zeros", the nearest cell of the "border", or the input's "reflection" about its
        border.
    align_corners: whether -1 and 1 are the centres of the corner cells, instead of their outer edges.

    Shape: input (batch, channels, height, width), grid (batch, h, w, 2), output (batch, channels, h, w); with one
    more dimension in each for volumes, whose coordinates are three.

    A kink, where a coordinate lies on a cell's centre or just on the border, has PyTorch's derivative: that of the cell
    that begins there, and 0 on the border.

    Raises: ValueError for an unknown mode; RuntimeError for shapes and dtypes that do not fit.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(_CHANGED)
    x, g = node_of(input, "grid_sample"), node_of(grid, "grid_sample", "grid")
    _check(x, g, mode)
    return wrap(_sampled(x, g, mode, _padding(padding_mode, bool(align_corners)), bool(align_corners)))


def _check(x: Node, g: Node, mode: str) -> None:
    rank = x.ndim - 2
    if rank not in (2, 3) or g.ndim != x.ndim or g.shape[0] != x.shape[0] or g.shape[-1] != rank:
        wanted = "input (batch, channels, height, width) and grid (batch, h, w, 2), or both with one dimension more"
        raise shape_error("grid_sample", wanted, (x.shape, g.shape))
    if x.dtype is not g.dtype or not x.dtype.is_floating_point:
        raise dtype_error("grid_sample", "input and grid of one floating dtype", f"{x.dtype} and {g.dtype}")
    if not all(x.shape[2:]):
        raise shape_error("grid_sample", "expected input to have non-empty spatial dimensions", (x.shape,))
    if mode == "bicubic" and rank == 3:
        raise runtime_error("grid_sample", "bicubic interpolation only supports 4D input", f"{x.ndim}D")


def _sampled(x: Node, g: Node, mode: str, padding: Pad, align: bool) -> Node:
    batch, channels, *spatial = x.shape
    rank, count = len(spatial), prod(g.shape[1:-1])
    flat = p.reshape(x, shape=(batch, channels, prod(spatial)))
    places: list[Node] = []
    for i, n in enumerate(reversed(spatial)):  # x first
        c = p.reshape(p.slice(g, index=(*[(0, m, 1) for m in g.shape[:-1]], i)), shape=(batch, count))
        places.insert(0, (c + 1) * ((n - 1) / 2) if align else ((c + 1) * n - 1) / 2)
    taps = [_TAPS[mode](c, n, padding) for c, n in zip(places, spatial)]
    y: Any = None
    for chosen in product(*taps):
        value = _values(flat, [at for at, _ in chosen], spatial)
        for _, weight in chosen:
            if weight is not None:
                value = value * p.reshape(weight, shape=(batch, 1, count))
        y = value if y is None else y + value
    if mode == "nearest" and g.tracked:  # a derivative of 0, where otherwise there would be none
        y = p.where(scalar(True, dtypes.bool_), y, p.reshape(places[0], shape=(batch, 1, count)))
    return p.reshape(y, shape=(batch, channels, *g.shape[1 : 1 + rank]))


def _values(flat: Node, at: Sequence[Node], spatial: Sequence[int]) -> Node:
    """flat[n, c, cell] for cells given by whole coordinates (batch, count), and 0 outside."""
    inside: Any = None
    position: Any = None
    for c, n in zip(at, spatial):
        within = (c >= 0) & (c <= n - 1)
        inside = within if inside is None else inside & within
        step = p.convert(p.where(within, c, 0), dtype=dtypes.int64)
        position = step if position is None else position * n + step
    batch, channels, _ = flat.shape
    count = position.shape[1]
    index = p.expand(p.reshape(position, shape=(batch, 1, count)), shape=(batch, channels, count))
    return p.where(p.reshape(inside, shape=(batch, 1, count)), p.gather(flat, index, axis=2), 0)


Tap = tuple[Node, Optional[Node]]


def _nearest(c: Node, n: int, padding: Pad) -> list[Tap]:
    return [(p.stop_gradient(p.round(padding(c, n))), None)]


def _linear(c: Node, n: int, padding: Pad) -> list[Tap]:
    c = padding(c, n)
    low = p.stop_gradient(p.floor(c))
    return [(low, low + 1 - c), (low + 1, c - low)]


def _cubic(c: Node, n: int, padding: Pad) -> list[Tap]:
    """Keys' kernel with a = -0.75, around whole coordinates that are padded one by one."""
    low = p.stop_gradient(p.floor(c))
    t = c - low
    far = lambda d: ((d - 5) * d + 8) * d * -0.75 + 3
    near = lambda d: (d * 1.25 - 2.25) * d * d + 1
    weights = (far(t + 1), near(t), near(1 - t), far(2 - t))
    return [(padding(low + k, n), weight) for k, weight in zip(range(-1, 3), weights)]


_TAPS: dict[str, Callable[[Node, int, Pad], list[Tap]]] = {"nearest": _nearest, "bilinear": _linear, "bicubic": _cubic}


# --- outside -------------------------------------------------------------------------------------------------------


def _padding(mode: str, align: bool) -> Pad:
    if mode == "zeros":
        return lambda c, n: c
    if mode == "border":
        return _clipped
    return lambda c, n: _clipped(_reflected(c, n, align), n)


def _clipped(c: Node, n: int) -> Node:
    """c held within [0, n - 1], and 0 for NaN; the derivative on the border and outside is 0."""
    held = p.fmin(p.fmax(p.stop_gradient(c), 0), n - 1)
    return p.where((c > 0) & (c < n - 1), c, held)


def _reflected(c: Node, n: int, align: bool) -> Node:
    """c reflected about the border as often as needed: about the corner cells' centres, or their outer edges."""
    low, span = (0.0, n - 1.0) if align else (-0.5, float(n))
    if not span:
        return c * 0
    beyond = p.where(c < low, low - c, c - low)
    flips = p.stop_gradient(p.floor(beyond / span))
    rest = beyond - flips * span
    odd = p.ne(flips - p.floor(flips / 2) * 2, 0)
    return p.where(odd, span - rest, rest) + low
