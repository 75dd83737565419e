"""TensorShape, with TensorFlow 2.21's answers."""

from __future__ import annotations

import pickle

import pytest

from wengert.tf import TensorShape


def test_known_and_unknown():
    shape, open_ = TensorShape([2, 3]), TensorShape([None, 3])
    assert (shape.rank, shape.ndims, shape.as_list(), shape.num_elements()) == (2, 2, [2, 3], 6)
    assert (open_.is_fully_defined(), open_.num_elements(), str(open_), repr(open_)) == (
        False, None, "(None, 3)", "TensorShape([None, 3])",
    )  # fmt: skip
    assert repr(TensorShape(None)) == "TensorShape(None)"
    assert TensorShape(None).rank is None
    assert TensorShape([]).rank == 0


def test_comparison_and_arithmetic():
    assert TensorShape([2, 3]) == (2, 3) == TensorShape((2, 3)) == [2, 3]
    assert TensorShape([2]) != [3]
    assert TensorShape(None) != []
    assert [1] + TensorShape([2]) + [3] == [1, 2, 3]
    assert TensorShape([1, 2, 3])[1:] == [2, 3]
    assert isinstance(TensorShape([1, 2, 3])[1:], TensorShape)
    assert pickle.loads(pickle.dumps(TensorShape([None, 2]))) == [None, 2]


def test_compatibility():
    assert TensorShape([None, 2]).is_compatible_with([3, 2])
    assert not TensorShape([None, 2]).is_compatible_with([3])
    assert TensorShape([None, 2]).merge_with([3, None]) == [3, 2]
    assert TensorShape([4, 2]).most_specific_compatible_shape([3, 2]) == [None, 2]
    assert TensorShape([4, 2]).is_subtype_of([None, 2])
    assert not TensorShape([None, 2]).is_subtype_of([4, 2])


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda: TensorShape(None).as_list(), ValueError),
        (lambda: TensorShape([2]).assert_is_compatible_with([3]), ValueError),
        (lambda: TensorShape([None]).assert_is_fully_defined(), ValueError),
        (lambda: TensorShape([2, 3]).with_rank(3), ValueError),
        (lambda: TensorShape([-1]), ValueError),
        (lambda: TensorShape(["a"]), TypeError),
    ],
)
def test_errors(use, error):
    with pytest.raises(error):
        use()
