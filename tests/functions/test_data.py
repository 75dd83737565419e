"""Tensors from Python's values, beside PyTorch's; and memory shared with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from tests.functions.both import agree

CASES = {
    "float": lambda t: t.tensor(1.5),
    "int": lambda t: t.tensor(3),
    "bool": lambda t: t.tensor(True),
    "complex": lambda t: t.tensor(1 + 2j),
    "nested": lambda t: t.tensor([[1, 2], [3, 4]]),
    "tuple of lists": lambda t: t.tensor(([1.0, 2], [3, 4])),
    "bools and ints": lambda t: t.tensor([True, 2]),
    "bools and floats": lambda t: t.tensor([True, 2.0]),
    "ints and complex": lambda t: t.tensor([1, 2j]),
    "numpy float64": lambda t: t.tensor(np.float64(1.5)),
    "list of numpy float64": lambda t: t.tensor([np.float64(1.5)]),
    "numpy float32 and int": lambda t: t.tensor([np.float32(1.5), 2]),
    "arrays in a list": lambda t: t.tensor([np.zeros(2), np.ones(2)]),
    "array": lambda t: t.tensor(np.arange(3, dtype=np.int16)),
    "range": lambda t: t.tensor(range(3)),
    "tensors in a list": lambda t: t.tensor([t.tensor(1.0), t.tensor(2)]),
    "tensors of one element": lambda t: t.tensor([t.tensor([1.0]), t.tensor([2.0])]),
    "empty": lambda t: t.tensor([]),
    "empty rows": lambda t: t.tensor([[], []]),
    "empty with dtype": lambda t: t.tensor([[]], dtype=t.int64),
    "truncation": lambda t: t.tensor([1.7, -1.7], dtype=t.int64),
    "negative into uint8": lambda t: t.tensor([-1], dtype=t.uint8),
    "overflow to inf": lambda t: t.tensor([1e300]),
    "of a tensor": lambda t: t.tensor(t.ones(2, requires_grad=True)),
    "of a tensor in another dtype": lambda t: t.tensor(t.tensor([1.5, 2]), dtype=t.int64),
    "requires grad": lambda t: t.tensor([1.0], requires_grad=True),
    "bfloat16": lambda t: t.tensor([1.0, 3.14159], dtype=t.bfloat16),
    "python type": lambda t: t.tensor([1, 2], dtype=float),
    "as_tensor": lambda t: t.as_tensor([1, 2], dtype=t.float32),
    "as_tensor of array": lambda t: t.as_tensor(np.arange(3)),
    "asarray": lambda t: t.asarray([1, 2]),
    "asarray of array": lambda t: t.asarray(np.arange(3), dtype=t.float32),
    "asarray of buffer": lambda t: t.asarray(bytearray(b"\0\0\x80\x3f"), dtype=t.float32),
    "frombuffer": lambda t: t.frombuffer(bytearray(b"abcd"), dtype=t.uint8, count=2, offset=1),
    "scalar_tensor": lambda t: t.scalar_tensor(3),
    "clone": lambda t: t.ones(2, requires_grad=True).clone(),
    "new_tensor": lambda t: t.ones(2).new_tensor([1, 2]),
    "new_tensor of ints": lambda t: t.ones(2, dtype=t.int64).new_tensor([1.5, 2]),
    "new of sizes": lambda t: t.ones(2, dtype=t.int64).new(2, 3).shape,
    "new of data": lambda t: t.ones(2, dtype=t.int64).new([2, 3]),
    "is_tensor": lambda t: (t.is_tensor(t.ones(1)), t.is_tensor(1)),
}  # fmt: skip

ERRORS = {
    "ragged": lambda t: t.tensor([[1, 2], [3]]),
    "number beside list": lambda t: t.tensor([[3], 1]),
    "string": lambda t: t.tensor("a"),
    "strings": lambda t: t.tensor(["a"]),
    "none": lambda t: t.tensor(None),
    "set": lambda t: t.tensor({1, 2}),
    "too large": lambda t: t.tensor(2**63),
    "too large in list": lambda t: t.tensor([2**63]),
    "does not fit": lambda t: t.tensor([300], dtype=t.uint8),
    "nan to int": lambda t: t.tensor([float("nan")], dtype=t.int64),
    "complex to real": lambda t: t.tensor([1j], dtype=t.float32),
    "tensors of several elements": lambda t: t.tensor([t.ones(2), t.ones(2)]),
    "ints requiring grad": lambda t: t.tensor([1, 2], requires_grad=True),
    "negative strides": lambda t: t.from_numpy(np.zeros(2)[::-1]),
    "no array": lambda t: t.from_numpy([1]),
    "foreign byte order": lambda t: t.from_numpy(np.zeros(2, np.dtype("f4").newbyteorder())),
    "array of strings": lambda t: t.from_numpy(np.array(["a"])),
    "asarray that must copy": lambda t: t.asarray(np.zeros(3, np.float32), copy=False, dtype=t.int32),
    "asarray of a list without copy": lambda t: t.asarray([1.0], copy=False),
}


@pytest.mark.parametrize("name", CASES)
def test_data_as_in_pytorch(name):
    agree(CASES[name])


@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_in_pytorch(name):
    agree(ERRORS[name])


def test_a_list_in_itself_is_an_error():
    endless: list = []
    endless.append(endless)
    with pytest.raises(ValueError, match="too many dimensions"):
        wengert.tensor(endless)


def test_data_is_copied():
    array = np.ones(3)
    made = wengert.tensor(array)
    array[0] = 5
    assert made.tolist() == [1, 1, 1]


def test_a_device_that_is_not_there():
    with pytest.raises(RuntimeError, match="CPU"):
        wengert.tensor([1.0], device="cuda")
    assert wengert.tensor([1.0], device="cpu").device == wengert.device("cpu")
