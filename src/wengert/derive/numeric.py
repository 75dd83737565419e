"""Numeric derivatives: central differences. The judge of every rule, and no part of any.

A function of complex numbers is looked at as one of twice as many real numbers, (re, im), on both sides; then nothing
has to be said about conjugates.

Error     O(eps^2) from the formula and O(machine precision / eps) from rounding: about 1e-9 relative at eps = 1e-6 in
          float64; useless in float32 at that eps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Arrays in, arrays out.
ArrayFunction = Callable[[list[Any]], Sequence[Any]]


def as_real(array: Any) -> Any:
    """All numbers of an array in one row; complex ones as re, im, re, im ..."""
    flat = np.array(array).reshape(-1)
    return flat.view(flat.real.dtype) if np.iscomplexobj(flat) else flat


def numeric_jacobians(function: ArrayFunction, arrays: Sequence[Any], moving: Sequence[int], eps: float) -> list[list[Any]]:
    """For each array number in `moving` and each output: d(output)/d(array), one row for each real number of the array.

    J[i][k] = (f(x + eps e_i) - f(x - eps e_i)) / (2 eps)
    """
    jacobians = []
    for number in moving:
        rows: list[list[Any]] = []
        for i in range(as_real(arrays[number]).size):
            high = function(_shifted(arrays, {number: i}, eps))
            low = function(_shifted(arrays, {number: i}, -eps))
            rows.append([(as_real(a) - as_real(b)) / (2 * eps) for a, b in zip(high, low)])
        outputs = len(rows[0]) if rows else len(function(list(arrays)))
        jacobians.append([np.array([row[k] for row in rows]) for k in range(outputs)])
    return jacobians


def _shifted(arrays: Sequence[Any], places: dict[int, int], eps: float) -> list[Any]:
    shifted = [np.array(a) for a in arrays]
    for number, i in places.items():
        flat = shifted[number].reshape(-1)
        real = flat.view(flat.real.dtype) if np.iscomplexobj(flat) else flat
        real[i] += eps
        shifted[number] = flat.reshape(shifted[number].shape)
    return shifted


def numeric_directional(
    function: ArrayFunction, arrays: Sequence[Any], directions: dict[int, Any], eps: float
) -> list[Any]:
    """The tangents of all outputs when some arrays move along `directions` (real rows, as `as_real` gives them)."""

    def moved(step: float) -> list[Any]:
        found = []
        for number, array in enumerate(arrays):
            array = np.array(array)
            if number in directions:
                row = as_real(array) + step * directions[number]
                array = row.view(array.dtype).reshape(array.shape) if np.iscomplexobj(array) else row.reshape(array.shape)
            found.append(array)
        return found

    high, low = function(moved(eps)), function(moved(-eps))
    return [(as_real(a) - as_real(b)) / (2 * eps) for a, b in zip(high, low)]
