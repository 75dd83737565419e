"""What batches are made of, against PyTorch's collation where it is installed."""

from __future__ import annotations

from collections import OrderedDict, UserDict, defaultdict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

from tests.utils.tools import plain, tensor
from wengert import dtypes
from wengert.tensors.tensor import Tensor
from wengert.utils.data import default_collate, default_convert

Point = namedtuple("Point", "x y")


def test_tensors_are_stacked():
    assert plain(default_collate([tensor([1, 2]), tensor([3, 4])])) == [[1, 2], [3, 4]]
    assert plain(default_collate([tensor(1.5), tensor(2.5)])) == [1.5, 2.5]
    assert default_collate([tensor(np.zeros((0, 3)))] * 2).shape == (2, 0, 3)
    assert default_collate([tensor([1.0]), tensor([1])]).dtype is dtypes.float64
    assert default_collate([tensor([1.0], dtypes.bfloat16)] * 2).dtype is dtypes.bfloat16


def test_a_derivative_flows_through_a_stack():
    x = tensor([1.0, 2.0]).requires_grad_()
    batch = default_collate([x, tensor([3.0, 4.0])])
    assert batch.requires_grad
    assert plain(batch) == [[1, 2], [3, 4]]


SAMPLES = [
    [1, 2],
    [True, False],
    [1, 2.5],
    [2.5, 1],
    ["a", "b"],
    [b"a", b"b"],
    [(1, 2.0), (3, 4.0)],
    [[1, "x"], [2, "y"]],
    [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}],
    [np.float32(1), np.float32(2)],
    [np.int8(1), np.int8(2)],
    [np.bool_(True), np.bool_(False)],
    [np.zeros(2), np.ones(2)],
    [np.zeros((2, 0), np.float16)] * 3,
    [np.array(1), np.array(2)],
    [Point(1, 2.0), Point(3, 4.0)],
    [OrderedDict(a=1), OrderedDict(a=2)],
    [range(2), range(2)],
    [((1, (2, "a")),), ((3, (4, "b")),)],
    [[], []],
]


@pytest.mark.parametrize("samples", SAMPLES, ids=str)
def test_a_batch_is_pytorchs(samples):
    data = pytest.importorskip("torch.utils.data")
    assert described(default_collate(samples)) == described(data.default_collate(samples))


@pytest.mark.parametrize("samples", SAMPLES, ids=str)
def test_a_converted_sample_is_pytorchs(samples):
    data = pytest.importorskip("torch.utils.data")
    assert described(default_convert(samples)) == described(data.default_convert(samples))


def described(value):
    """Types, dtypes and values, the same for both libraries."""
    if isinstance(value, dict):
        return type(value).__name__, {key: described(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [described(part) for part in value]
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return str(value.dtype).split(".")[-1], value.tolist()
    return value


def test_other_mappings_keep_their_type():
    made = default_collate([defaultdict(list, a=1), defaultdict(list, a=2)])
    assert type(made) is defaultdict
    assert made.default_factory is list
    assert plain(made["a"]) == [1, 2]
    assert type(default_collate([UserDict(a=1)])) is UserDict
    assert plain(default_collate([MappingProxyType({"a": 1})])["a"]) == [1]


def test_a_sequence_that_can_not_be_made_becomes_a_list():
    class Fixed(list):
        def __init__(self):
            super().__init__([1, 2])

    assert plain(default_collate([Fixed(), Fixed()])) == [[1, 1], [2, 2]]
    assert type(default_collate([Fixed()])) is list


def test_conversion_shares_memory_and_leaves_the_rest():
    memory = np.zeros(2)
    converted = default_convert({"a": memory, "b": "text", "c": None, "d": Point(memory, 1)})
    memory[:] = 3
    assert plain(converted["a"]) == [3, 3]
    assert converted["b"] == "text"
    assert converted["c"] is None
    assert isinstance(converted["d"], Point)
    x = tensor([1.0])
    assert default_convert(x) is x
    words = np.array(["a"])
    assert default_convert(words) is words
    assert isinstance(default_convert(np.float32(1)), Tensor)


@pytest.mark.parametrize(
    ("batch", "error", "words"),
    [
        ([object()], TypeError, "found <class 'object'>"),
        ([None], TypeError, "found <class 'NoneType'>"),
        ([{1, 2}], TypeError, "found <class 'set'>"),
        ([1j], TypeError, "found <class 'complex'>"),
        ([np.array(["a"])], TypeError, "found <U1"),
        ([np.array([1], np.longdouble)], TypeError, "float128|longdouble"),
        ([[1], [1, 2]], RuntimeError, "equal size"),
        ([(1,), (1, 2)], RuntimeError, "equal size"),
        ([tensor([1.0]), tensor([1.0, 2.0])], RuntimeError, r"got \[1\] at entry 0 and \[2\] at entry 1"),
        ([np.zeros(1), np.zeros(2)], RuntimeError, r"got \[1\] at entry 0 and \[2\] at entry 1"),
        ([{"a": 1}, {"b": 1}], KeyError, "a"),
        ([], IndexError, "range"),
        (3, TypeError, "subscriptable"),
    ],
)
def test_what_makes_no_batch_is_refused(batch, error, words):
    with pytest.raises(error, match=words):
        default_collate(batch)
