"""Padding: a border around a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import runtime_error, shape_error
from wengert.functions.operands import node_of
from wengert.graph.node import array_type
from wengert.graph.record import literal, scalar
from wengert.graph.rule import primitives as p
from wengert.tensors.tensor import Tensor, wrap


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: Optional[float] = None) -> Tensor:
    """The input with `pad` = (before last, after last, before second last, after second last, ...) elements added.

    mode: "constant" (with `value`, 0 by default; negative numbers crop), "reflect" (mirrored at the border element),
    "replicate" (the border element) or "circular" (from the other side); these three pad the last one to three
    dimensions behind a channel and, perhaps, a batch dimension.

    Raises: RuntimeError, NotImplementedError for paddings that do not fit the input or the mode.
    """
    x = node_of(input, "pad")
    amounts = tuple([int(n) for n in pad])
    if len(amounts) % 2:
        raise runtime_error("pad", "padding length must be divisible by 2", list(amounts))
    if len(amounts) > 2 * x.ndim:
        raise runtime_error(
            "pad",
            f"padding length should be less than or equal to two times the input dimension, {x.ndim}",
            f"length {len(amounts)}",
        )
    low, high = [0] * x.ndim, [0] * x.ndim
    for i in range(len(amounts) // 2):
        low[x.ndim - 1 - i], high[x.ndim - 1 - i] = amounts[2 * i], amounts[2 * i + 1]
    if mode == "constant":
        return wrap(p.pad(x, scalar(0 if value is None else value, x.dtype), low=tuple(low), high=tuple(high)))
    _check_mode(mode, x.ndim, len(amounts), value)
    for axis, (before, after) in enumerate(zip(low, high)):
        if before or after:
            positions = _positions(mode, x.shape[axis], before, after)
            x = p.take(x, literal(positions, array_type(positions.shape, dtypes.int64)), axis=axis)
    return wrap(x)


def _check_mode(mode: str, ndim: int, length: int, value: Optional[float]) -> None:
    if mode not in _MODES:
        raise NotImplementedError(f"pad: unrecognised padding mode {mode!r}; there are constant, {', '.join(_MODES)}")
    if value is not None and value != 0:
        raise runtime_error("pad", f"mode {mode!r} doesn't take in value argument", value)
    if length not in (2, 4, 6) or ndim not in (length // 2 + 1, length // 2 + 2):
        raise NotImplementedError(
            f"pad: {length} paddings in mode {mode!r} for a {ndim}-D input; 2 are supported for 2-D and 3-D, 4 for 3-D "
            "and 4-D, 6 for 4-D and 5-D"
        )


@lru_cache(maxsize=256)
def _positions(mode: str, n: int, before: int, after: int) -> Any:
    """Where each element of the padded dimension comes from."""
    if n + before + after < 0 or (n == 0 and before + after > 0):
        raise shape_error("pad", f"a size that is left by paddings ({before}, {after})", (n,))
    return _MODES[mode](n, before, after, np.arange(-before, n + after, dtype=np.int64))


def _reflect(n: int, before: int, after: int, at: Any) -> Any:
    if max(before, after) >= n:
        raise runtime_error(
            "pad", f"padding size should be less than the corresponding input dimension, {n}", (before, after)
        )
    at = np.abs(at)
    return np.where(at >= n, 2 * (n - 1) - at, at)


def _replicate(n: int, before: int, after: int, at: Any) -> Any:
    return np.clip(at, 0, n - 1)


def _circular(n: int, before: int, after: int, at: Any) -> Any:
    """What is left after cropping goes round."""
    if max(before, after) > n:
        raise runtime_error("pad", f"padding value causes wrapping around more than once of size {n}", (before, after))
    first = max(-before, 0)
    return (at - first) % max(n - first - max(-after, 0), 1) + first


_MODES = {"reflect": _reflect, "replicate": _replicate, "circular": _circular}
