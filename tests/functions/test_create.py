"""Tensors made from nothing, beside PyTorch's."""

from __future__ import annotations

import pytest

from tests.functions.both import agree

CASES = {
    "zeros": lambda t: t.zeros(2, 3),
    "zeros of a tuple": lambda t: t.zeros((2, 3), dtype=t.int32),
    "zeros by keyword": lambda t: t.zeros(size=(2, 3)),
    "zeros of nothing": lambda t: t.zeros(()),
    "zeros empty": lambda t: t.zeros(2, 0, 3),
    "zeros of a Size": lambda t: t.zeros(t.ones(2, 3).shape),
    "zeros requiring grad": lambda t: t.zeros(2, requires_grad=True),
    "bools": lambda t: t.ones(2, dtype=t.bool),
    "out": lambda t: t.zeros(2, out=t.ones(2, dtype=t.float64)),
    "empty": lambda t: t.empty(2, 3).shape,
    "full of bool": lambda t: t.full((2,), True),
    "full of int": lambda t: t.full((2,), 7),
    "full of float": lambda t: t.full((2,), 1.5),
    "full of complex": lambda t: t.full((2,), 1j),
    "full of tensor": lambda t: t.full((2,), t.tensor(3)),
    "full truncated": lambda t: t.full((2,), 1.5, dtype=t.int64),
    "full of inf": lambda t: t.full((2,), float("inf")),
    "full_like": lambda t: t.full_like(t.ones(2, dtype=t.int64), 3),
    "zeros_like": lambda t: t.zeros_like(t.ones(2, 3, dtype=t.float64)),
    "ones_like": lambda t: t.ones_like(t.zeros(2, dtype=t.int8), dtype=t.float32, requires_grad=True),
    "empty_like": lambda t: t.empty_like(t.ones(2, 3)).shape,
    "empty_strided": lambda t: t.empty_strided((2, 3), (1, 2)).stride(),
    "new_zeros": lambda t: t.ones(2, dtype=t.float64).new_zeros(2, 3),
    "new_ones": lambda t: t.ones(2, dtype=t.float64).new_ones((2, 3), dtype=t.int64),
    "new_full": lambda t: t.ones(2).new_full((2,), 7),
    "new_empty": lambda t: t.ones(2).new_empty((2, 3)).shape,
    "arange": lambda t: t.arange(5),
    "arange by steps": lambda t: t.arange(1, 10, 3),
    "arange down": lambda t: t.arange(5, -5, -2),
    "arange of floats": lambda t: t.arange(0, 1, 0.1),
    "arange of nothing": lambda t: t.arange(3, 3),
    "arange in dtype": lambda t: t.arange(3.0, dtype=t.int32),
    "arange of tensor": lambda t: t.arange(t.tensor(3)),
    "arange large": lambda t: t.arange(2**40, 2**40 + 3),
    "linspace": lambda t: t.linspace(0, 1, 11),
    "linspace double": lambda t: t.linspace(-3, 10, 7, dtype=t.float64),
    "linspace of one": lambda t: t.linspace(2, 5, 1),
    "linspace of none": lambda t: t.linspace(0, 1, 0),
    "linspace of ints": lambda t: t.linspace(-3, 10, 7, dtype=t.int64),
    "linspace of complex": lambda t: t.linspace(0, 1 + 2j, 5),
    "logspace": lambda t: t.logspace(0, 2, 5, dtype=t.float64),
    "logspace base 2": lambda t: t.logspace(0, 3, 4, base=2),
    "eye": lambda t: t.eye(3),
    "eye wide": lambda t: t.eye(2, 3, dtype=t.int64),
    "eye tall": lambda t: t.eye(3, 2),
    "eye empty": lambda t: t.eye(0),
}

ERRORS = {
    "negative size": lambda t: t.zeros(2, -1),
    "float size": lambda t: t.zeros(2.5),
    "string size": lambda t: t.zeros([2, "a"]),
    "value out of range": lambda t: t.full((2,), 3e10, dtype=t.int32),
    "complex into real": lambda t: t.full((2,), 1j, dtype=t.float32),
    "arange backwards": lambda t: t.arange(5, 0),
    "arange without step": lambda t: t.arange(0, 5, 0),
    "arange to infinity": lambda t: t.arange(0, float("inf")),
    "linspace of a negative number": lambda t: t.linspace(0, 1, -1),
    "eye negative": lambda t: t.eye(-1),
    "like a list": lambda t: t.zeros_like([1, 2]),
    "strides that do not fit": lambda t: t.empty_strided((2, 3), (1,)),
}


@pytest.mark.parametrize("name", CASES)
def test_creation_as_in_pytorch(name):
    agree(CASES[name], rtol=3e-7)


@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_in_pytorch(name):
    agree(ERRORS[name])
