"""Samples of connectionist temporal classification. Some of the sequences have no alignment: there the value, and with
it every derivative, is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.rules.harness import FLOATS, Case, Draw, Sample


def _sequences(draw: Draw, directions: int) -> Sample:
    time, batch, classes, longest = draw.integer(0, 4), draw.integer(0, 2), draw.integer(1, 3), draw.integer(0, 2)
    shape = (time, batch, classes)
    targets = draw.integers((batch, longest), 0, classes)
    frames, lengths = draw.integers((batch,), 0, time + 1), draw.integers((batch,), 0, longest + 1)
    moving: list[Any] = [draw.values(shape) for _ in range(directions)]
    params = {"blank": draw.integer(0, classes - 1), "zero_infinity": True}
    return Sample((draw.values(shape), np.asarray(targets), frames, lengths, *moving), params)


CASES: dict[str, Case] = {
    "ctc_loss": Case(lambda draw: _sequences(draw, 0), dtypes=FLOATS),
    "ctc_alignment": Case(lambda draw: _sequences(draw, draw.integer(0, 2)), dtypes=FLOATS),
}
