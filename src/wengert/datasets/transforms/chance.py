"""What random transforms draw: NumPy arrays from wengert's default generator, so `manual_seed` decides them too.

A transform draws for its image or batch before any tensor is made of it; nothing is recorded, and nothing pending has
to run for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.dtypes import float64
from wengert.primitives.random import uniforms
from wengert.runtime.generator import default_stream

Array = np.ndarray[Any, Any]


def uniform(n: int) -> Array:
    """n numbers in [0, 1), float64."""
    key, counter = default_stream.draw()
    numbers: Array = uniforms(key.value, counter.value, n, float64)
    return numbers


def whole_numbers(bound: int, n: int) -> Array:
    """n whole numbers from 0 to bound - 1, int64. Their chances differ by less than bound / 2 ** 53."""
    return (uniform(n) * bound).astype(np.int64)
