"""Conditions that are checked when a program runs. The rules are in the battery."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes import given, value, vjp
from wengert.primitives.checks import require


def test_what_holds_passes():
    x = np.arange(3.0)
    np.testing.assert_array_equal(value(require(given(x), given(x >= 0), message="no")), x)
    np.testing.assert_array_equal(vjp(lambda x: require(x, given(np.True_), message="no"), [x])[0], np.ones(3))
    assert value(require(given(x), given(np.zeros(0, bool)), message="no")) is not None


def test_what_does_not_hold_is_an_error():
    with pytest.raises(RuntimeError, match="all must be positive"):
        value(require(given(np.ones(2)), given(np.array([True, False])), message="all must be positive"))


def test_a_condition_is_bool():
    with pytest.raises(RuntimeError, match="bool"):
        require(given(np.ones(2)), given(np.ones(2)), message="no")
