"""How convolutions and pooling are sampled: every stride, dilation and padding, also windows that see nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.rules.harness import Case, Draw, Sample
from tests.rules.samples_data import REALS, distinct
from wengert import dtypes
from wengert.primitives.pooling import window_argmax
from wengert.shapes import Shape


class Geometry:
    """One of each number for every windowed axis. The number of places is free: it need not be what fits into x."""

    def __init__(self, draw: Draw) -> None:
        axes = draw.integer(1, 3)
        largest = (6, 4, 2)[axes - 1]

        def each(low: int, high: int) -> Shape:
            return tuple(draw.integer(low, high) for _ in range(axes))

        self.inside = each(0, largest)
        self.window = each(0, min(3, largest))
        self.places = each(0, largest)
        self.params = {"stride": each(1, 3), "padding": each(0, 3), "dilation": each(1, 2)}


def _convolution(draw: Draw) -> tuple[Geometry, int, dict[str, Shape]]:
    """The shapes of x, w and y."""
    found = Geometry(draw)
    groups = draw.integer(1, 3)
    batch, outputs, channels = draw.integer(0, 2), draw.integer(0, 2), draw.integer(0, 2)
    return found, groups, {
        "x": (batch, groups * channels, *found.inside),
        "w": (groups * outputs, channels, *found.window),
        "y": (batch, groups * outputs, *found.places),
    }  # fmt: skip


def _map(takes: str, size: str) -> Any:
    def make(draw: Draw) -> Sample:
        found, groups, shapes = _convolution(draw)
        params = {**found.params, "groups": groups, "size": getattr(found, size)}
        return Sample(tuple(draw.values(shapes[kind]) for kind in takes), params)

    return make


def _patches(draw: Draw) -> Sample:
    found = Geometry(draw)
    params = {**found.params, "window": found.window, "size": found.places}
    return Sample((draw.values((*draw.shape(max_rank=2), *found.inside)),), params)


def _fold(draw: Draw) -> Sample:
    found = Geometry(draw)
    shape = (*draw.shape(max_rank=2), *found.window, *found.places)
    return Sample((draw.values(shape),), {**found.params, "size": found.inside})


def _spread(draw: Draw) -> Sample:
    found = Geometry(draw)
    params = {**found.params, "window": found.window, "size": found.inside}
    return Sample((draw.values((*draw.shape(max_rank=2), *found.places)),), params)


def _argmax(draw: Draw) -> Sample:
    found = Geometry(draw)
    params = {**found.params, "window": found.window, "size": found.places}
    return Sample((distinct(draw, (*draw.shape(max_rank=2), *found.inside)),), params)


def _choice(draw: Draw, leading: Shape, found: Geometry) -> Any:
    """Numbers of the window's elements, of none, and of some that do not exist."""
    if draw.flag():
        return draw.integers((*leading, *found.places), -1, int(np.prod(found.window)) + 1, np.int32)
    x = draw.random.permutation(int(np.prod((*leading, *found.inside)))).reshape(*leading, *found.inside)
    return window_argmax.evaluate(x, window=found.window, size=found.places, **found.params)


def _select(draw: Draw) -> Sample:
    found, leading = Geometry(draw), draw.shape(max_rank=2)
    inputs = draw.values((*leading, *found.inside)), _choice(draw, leading, found)
    return Sample(inputs, {**found.params, "window": found.window})


def _place(draw: Draw) -> Sample:
    found, leading = Geometry(draw), draw.shape(max_rank=2)
    inputs = draw.values((*leading, *found.places)), _choice(draw, leading, found)
    return Sample(inputs, {**found.params, "window": found.window, "size": found.inside})


NUMBERS: dict[str, Any] = {"complex": True, "dtypes": dtypes.ALL[1:]}

CASES: dict[str, Case] = {
    "convolve": Case(_map("xw", "places"), **NUMBERS),
    "convolve_input": Case(_map("yw", "inside"), **NUMBERS),
    "convolve_weight": Case(_map("xy", "window"), **NUMBERS),
    "patches": Case(_patches, complex=True, same_value=True, ulps=0.0),
    "fold": Case(_fold, **NUMBERS),
    "window_argmax": Case(_argmax, dtypes=REALS, same_value=True),
    "window_select": Case(_select, complex=True, same_value=True, ulps=0.0),
    "window_place": Case(_place, **NUMBERS),
    "window_sum": Case(_patches, **NUMBERS),
    "window_spread": Case(_spread, **NUMBERS),
}
