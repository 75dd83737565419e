"""tf.nest."""

from __future__ import annotations

from collections import namedtuple

import pytest

from wengert.tf import nest

Point = namedtuple("Point", "x y")


def test_flatten_and_pack():
    structure = {"b": [1, (2,)], "a": Point(3, {"c": 4})}
    assert nest.flatten(structure) == [3, 4, 1, 2]
    assert nest.pack_sequence_as(structure, [30, 40, 10, 20]) == {"b": [10, (20,)], "a": Point(30, {"c": 40})}
    assert nest.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)]) == [11, (22,)]
    assert nest.flatten(5) == [5]


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda: nest.pack_sequence_as([1, 2], [1]), ValueError),
        (lambda: nest.assert_same_structure([1, 2], [1]), ValueError),
        (lambda: nest.assert_same_structure([1], (1,)), TypeError),
        (lambda: nest.map_structure(1, [1]), TypeError),
        (lambda: nest.flatten({1: 1, "a": 2}), TypeError),
    ],
)
def test_errors(use, error):
    with pytest.raises(error):
        use()
