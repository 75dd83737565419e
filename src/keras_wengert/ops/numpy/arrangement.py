"""Shapes and order: reshaping, joining, splitting, turning."""

from __future__ import annotations

from typing import Any

import wengert as w
from keras_wengert.ops.common import axes_of, cast, convert_to_tensor, promoted, standardize_dtype
from keras_wengert.ops.core import to_dtype


def copy(x: Any) -> Any:
    """x in memory of its own."""
    return convert_to_tensor(x).clone()


def ndim(x: Any) -> int:
    """How many axes x has."""
    return convert_to_tensor(x).ndim


def size(x: Any) -> Any:
    """How many elements x has."""
    return convert_to_tensor(convert_to_tensor(x).numel())


def reshape(x: Any, newshape: Any) -> Any:
    """The elements in another shape; -1 or None is found out."""
    sizes = [newshape] if isinstance(newshape, int) else list(newshape)
    return convert_to_tensor(x).reshape([-1 if n is None else int(n) for n in sizes])


def ravel(x: Any) -> Any:
    """All elements along one axis."""
    return convert_to_tensor(x).reshape(-1)


def transpose(x: Any, axes: Any = None) -> Any:
    """The axes in another order; reversed for None."""
    x = convert_to_tensor(x)
    return x.permute(*(range(x.ndim)[::-1] if axes is None else axes))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    return w.swapaxes(convert_to_tensor(x), axis1, axis2)


def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to new places."""
    return w.movedim(convert_to_tensor(x), source, destination)


def expand_dims(x: Any, axis: Any) -> Any:
    """Axes of size 1 put in."""
    x = convert_to_tensor(x)
    axes = [axis] if isinstance(axis, int) else list(axis)
    rank = x.ndim + len(axes)
    for a in sorted([a % rank if -rank <= a < rank else a for a in axes]):
        x = w.unsqueeze(x, a)
    return x


def squeeze(x: Any, axis: Any = None) -> Any:
    """Axes of size 1 left out.

    Raises: ValueError for an axis of another size.
    """
    x = convert_to_tensor(x)
    axes = tuple([i for i, n in enumerate(x.shape) if n == 1]) if axis is None else axes_of(axis, x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            raise ValueError(f"squeeze: axis {a} has size {x.shape[a]}, not 1; shape {tuple(x.shape)}")
    return x.reshape([n for i, n in enumerate(x.shape) if i not in axes])


def broadcast_to(x: Any, shape: Any) -> Any:
    """x stretched to a shape."""
    return w.broadcast_to(convert_to_tensor(x), tuple(shape))


def view(x: Any, dtype: Any = None) -> Any:
    """The bytes of x read as another dtype."""
    x = convert_to_tensor(x)
    return x if dtype is None else x.view(to_dtype(dtype))


# --- joining and splitting --------------------------------------------------------------------------------------------


def concatenate(xs: Any, axis: int = 0) -> Any:
    """Tensors one after another."""
    parts = promoted(*xs)
    return w.cat([part.reshape(-1) for part in parts], 0) if axis is None else w.cat(parts, axis)


def append(x1: Any, x2: Any, axis: Any = None) -> Any:
    """x2 after x1; both flattened for axis None."""
    return concatenate([x1, x2], axis)  # type: ignore[arg-type]


def stack(x: Any, axis: int = 0) -> Any:
    """Tensors along a new axis."""
    return w.stack(promoted(*x), axis)


def _joined(function: Any) -> Any:
    def operation(xs: Any) -> Any:
        return function(promoted(*xs))

    return operation


hstack, vstack, dstack = _joined(w.hstack), _joined(w.vstack), _joined(w.dstack)


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis: equal ones, or cut before the given places.

    Raises: ValueError when the parts would not be equal.
    """
    x = convert_to_tensor(x)
    n = x.shape[axis]
    if isinstance(indices_or_sections, int):
        if n % indices_or_sections:
            raise ValueError(f"split: axis {axis} of size {n} does not split into {indices_or_sections} equal parts")
        return list(w.split(x, n // indices_or_sections, axis)) if n else [x] * indices_or_sections
    cuts = [int(i) for i in convert_to_tensor(indices_or_sections).tolist()]
    return list(w.tensor_split(x, cuts, axis))


def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis, as equal as can be."""
    return list(w.tensor_split(convert_to_tensor(x), indices_or_sections, axis))


def hsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the second axis (the first of a vector)."""
    return split(x, indices_or_sections, 0 if convert_to_tensor(x).ndim == 1 else 1)


def vsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the first axis."""
    return split(x, indices_or_sections, 0)


def dsplit(x: Any, indices_or_sections: Any) -> Any:
    """Parts along the third axis."""
    return split(x, indices_or_sections, 2)


# --- repeating, turning, padding --------------------------------------------------------------------------------------


def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """Each element several times."""
    x = convert_to_tensor(x)
    if not isinstance(repeats, int):
        repeats = convert_to_tensor(repeats).reshape(-1)
        repeats = repeats.item() if repeats.shape[0] == 1 else repeats
    return w.repeat_interleave(x, repeats, dim=axis)


def tile(x: Any, repeats: Any) -> Any:
    """The whole several times along each axis."""
    return w.tile(convert_to_tensor(x), (repeats,) if isinstance(repeats, int) else tuple([int(n) for n in repeats]))


def flip(x: Any, axis: Any = None) -> Any:
    """Axes reversed."""
    x = convert_to_tensor(x)
    return w.flip(x, axes_of(axis, x.ndim))


def fliplr(x: Any) -> Any:
    """The second axis reversed."""
    return flip(x, 1)


def flipud(x: Any) -> Any:
    """The first axis reversed."""
    return flip(x, 0)


def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved along, those that fall off put in front."""
    return w.roll(convert_to_tensor(x), shift, axis)


def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned by quarter turns in the plane of two axes.

    Raises: ValueError for fewer than two axes, or the same axis twice.
    """
    x = convert_to_tensor(array)
    if x.ndim < 2:
        raise ValueError(f"Input array must have at least 2 dimensions. Received: array.ndim={x.ndim}")
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(f"Invalid axes: {axes}. Axes must be a tuple of two different dimensions.")
    return w.rot90(x, k, tuple(axes))


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Each axis made longer at both ends.

    Raises: ValueError when `constant_values` are given for another mode.
    """
    x = convert_to_tensor(x)
    if mode != "constant" and constant_values is not None:
        raise ValueError(f"Argument `constant_values` can only be provided when `mode == 'constant'`. Received: mode={mode}")
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        flat = [n for pair in reversed(widths) for n in pair]
        value = 0 if constant_values is None else constant_values
        if isinstance(value, w.Tensor):
            mask = w.nn.functional.pad(w.ones_like(x, dtype=w.bool), flat, value=0)
            return w.where(mask, w.nn.functional.pad(x, flat), value.to(x.dtype))
        y = w.nn.functional.pad(cast(x, "int32") if x.dtype is w.bool else x, flat, value=value)
        return cast(y, standardize_dtype(x.dtype))
    for axis, (before, after) in enumerate(widths):
        if before or after:
            x = w.index_select(x, axis, _places(x.shape[axis], before, after, mode))
    return x


def _widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, int):
        return [(pad_width, pad_width)] * rank
    rows = [(row, row) if isinstance(row, int) else tuple([int(n) for n in row]) for row in pad_width]
    if len(rows) == 2 and rank != 2 and all(isinstance(n, int) for n in pad_width):
        return [(int(pad_width[0]), int(pad_width[1]))] * rank
    rows = [row if len(row) == 2 else row * 2 for row in rows]
    return rows * rank if len(rows) == 1 else rows  # type: ignore[return-value]


def _places(n: int, before: int, after: int, mode: str) -> Any:
    """Which of n elements stands at each place of the longer axis."""
    places = w.arange(-before, n + after)
    if mode == "edge":
        return places.clamp(0, n - 1)
    if mode == "wrap":
        return places % n
    if mode == "symmetric":
        places = places % (2 * n)
        return w.where(places < n, places, 2 * n - 1 - places)
    if mode == "reflect":
        if n == 1:
            return places * 0
        places = places % (2 * n - 2)
        return w.where(places < n, places, 2 * n - 2 - places)
    raise ValueError(f"pad: mode is 'constant', 'reflect', 'symmetric', 'edge' or 'wrap'; got {mode!r}")
