"""The tensor types of old programs, beside PyTorch's."""

from __future__ import annotations

import pytest

import wengert
from tests.functions.peer import check

torch = pytest.importorskip("torch")

NAMES = [
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
    "LongTensor", "ShortTensor",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_makes_tensors_of_its_dtype(name):
    ours, theirs = getattr(wengert, name), getattr(torch, name)
    check(ours([[1, 0], [1, 1]]), theirs([[1, 0], [1, 1]]), "from data")
    check(ours(), theirs(), "of nothing")
    assert ours(2, 3).shape == (2, 3) == ours(wengert.Size([2, 3])).shape
    assert ours(2, 3).dtype is ours.dtype


def test_tensors_are_instances_of_the_type_of_their_dtype():
    x = wengert.zeros(2)
    assert isinstance(x, wengert.FloatTensor)
    assert not isinstance(x, wengert.LongTensor)
    assert not isinstance([0.0], wengert.FloatTensor)


def test_a_type_converts_and_sets_the_default():
    assert wengert.tensor([1.5]).type(wengert.LongTensor).tolist() == [1]
    assert wengert.tensor([1]).type("torch.DoubleTensor").dtype is wengert.float64
    with pytest.warns(UserWarning, match="deprecated"):
        wengert.set_default_tensor_type(wengert.DoubleTensor)
    try:
        assert wengert.zeros(1).dtype is wengert.float64
    finally:
        wengert.set_default_dtype(wengert.float32)


def test_a_tensor_given_is_shared_and_must_have_the_dtype():
    x = wengert.zeros(2)
    wengert.FloatTensor(x)[0] = 1
    assert x.tolist() == [1, 0]
    with pytest.raises(TypeError, match=r"int64.*x\.type"):
        wengert.FloatTensor(wengert.zeros(2, dtype=wengert.int64))
    with pytest.raises(TypeError, match="one sequence"):
        wengert.FloatTensor([1], [2])
