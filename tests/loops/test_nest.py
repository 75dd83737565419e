"""Values of the loop language that have the same content and different meanings."""

import itertools

import numpy as np
import pytest

import wengert as w
from wengert import dtypes
from wengert.loops.nest import Axis, Folded, Number
from wengert.settings import settings


def test_values_of_different_kinds_are_never_equal():
    whole, real = dtypes.int64, dtypes.float64
    every = [Axis(0, whole), Number(0, whole), Folded(0, whole), Number(0.0, real), Number(-0.0, real), Axis(1, whole)]
    for a, b in itertools.combinations(every, 2):
        assert a != b
        assert not a == b  # noqa: SIM201  the two operators are apart
    assert len({*every, Axis(0, whole), Number(-0.0, real)}) == len(every)


@pytest.fixture(autouse=True)
def _by_machine_code():
    with settings.scope(tier="compile"):
        yield


def test_a_number_and_an_index_do_not_share_code():
    def rows():  # two nests of the same extents that differ in nothing but what they store: the row, or 0
        numbers = w.arange(3)[:, None].expand(3, 3)
        zeros = w.arange(1)[:, None].expand(1, 9).reshape(3, 3)
        return w.zeros(3, 3).scatter_reduce(0, numbers, w.ones(3, 3), "amax"), w.zeros(1, 3).scatter_reduce(
            0, zeros, w.ones(3, 3), "amax"
        )

    for numbers, zeros in (rows(), rows()):
        np.testing.assert_array_equal(numbers.numpy(), np.ones((3, 3)))
        np.testing.assert_array_equal(zeros.numpy(), np.ones((1, 3)))
