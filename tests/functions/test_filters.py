"""Filters of resizing: every new place has shares of old ones that add up to 1."""

from __future__ import annotations

import numpy as np
import pytest

from wengert import float32, float64
from wengert.functions.filters import KERNELS, filter_shares, overlap_shares


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("size", "count"), [(5, 5), (5, 9), (9, 4), (1, 3), (7, 1)])
@pytest.mark.parametrize("antialias", [False, True])
def test_a_constant_stays_what_it_is(kernel, size, count, antialias):
    shares = filter_shares(size, count, kernel, antialias, float64).numpy()
    assert shares.shape == (count, size)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-12)


@pytest.mark.parametrize("kernel", [name for name in KERNELS if name not in ("gaussian", "mitchell")])
def test_the_same_size_changes_nothing(kernel):
    np.testing.assert_allclose(filter_shares(4, 4, kernel, True, float64).numpy(), np.eye(4), atol=1e-12)


def test_a_line_stays_a_line_away_from_the_ends():
    """Cubic convolution is exact for polynomials of second degree."""
    x = (np.arange(12) + 0.5) ** 2
    y = filter_shares(12, 24, "cubic", False, float64).numpy() @ x
    places = (np.arange(24) + 0.5) / 2
    np.testing.assert_allclose(y[4:-4], places[4:-4] ** 2, rtol=1e-12)


def test_overlaps_are_means_of_what_is_covered():
    np.testing.assert_allclose(overlap_shares(4, 2, float32).numpy(), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    np.testing.assert_allclose(overlap_shares(2, 4, float32).numpy(), [[1, 0], [1, 0], [0, 1], [0, 1]])


def test_an_unknown_kernel_is_refused():
    with pytest.raises(ValueError, match="triangle"):
        filter_shares(2, 2, "linear", False, float32)
