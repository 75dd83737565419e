"""How the Fourier transforms are sampled: at least one element along every transformed dimension."""

from __future__ import annotations

from tests.rules.harness import COMPLEXES, Case, Draw, Sample
from wengert import dtypes
from wengert.shapes import Shape


def _shape(draw: Draw) -> tuple[Shape, int]:
    shape = draw.shape(min_rank=1, min_size=1, max_size=5)
    return shape, draw.axis(shape)


def _transform(draw: Draw) -> Sample:
    draw.complex = True
    shape, axis = _shape(draw)
    axes = tuple(sorted({axis, *draw.axes(shape)}))
    return Sample((draw.values(shape),), {"axes": axes, "inverse": draw.flag()})


def _half(draw: Draw) -> Sample:
    shape, axis = _shape(draw)
    return Sample((draw.values(shape),), {"axis": axis})


def _whole(draw: Draw) -> Sample:
    draw.complex = True
    shape, axis = _shape(draw)
    half = shape[axis]
    n = max(1, 2 * (half - 1) + draw.integer(0, 1))
    return Sample((draw.values(shape),), {"axis": axis, "n": n})


CASES: dict[str, Case] = {
    "fft": Case(_transform, dtypes=COMPLEXES),
    "rfft": Case(_half, dtypes=(dtypes.float32, dtypes.float64)),
    "irfft": Case(_whole, dtypes=COMPLEXES),
}
