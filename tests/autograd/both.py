"""The same program on wengert and on PyTorch: what tests of derivatives compare."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert

torch = pytest.importorskip("torch")

# A program takes the library ("wengert" or "torch") and gives tensors, numbers, None, or structures of them.
Program = Callable[[Any], Any]


def same(program: Program, rtol: float = 1e-9, atol: float = 1e-12) -> Any:
    """Run `program` on both and compare what it gives. Returns wengert's answer."""
    ours, theirs = program(wengert), _quietly(program)
    compare(ours, theirs, rtol, atol)
    return ours


def _quietly(program: Program) -> Any:
    """PyTorch's answer, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return program(torch)


def compare(ours: Any, theirs: Any, rtol: float, atol: float, where: str = "result") -> None:
    """Structures, shapes, dtypes, requires_grad and numbers are the same."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, wengert.Tensor), f"{where}: {type(ours)} for a tensor"
        assert tuple(ours.shape) == tuple(theirs.shape), f"{where}: shape {ours.shape}, PyTorch's {theirs.shape}"
        assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1], where
        assert ours.requires_grad == theirs.requires_grad, f"{where}: requires_grad {ours.requires_grad}"
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().resolve_conj().numpy(), rtol, atol, err_msg=where)
    elif isinstance(theirs, (tuple, list)):
        assert isinstance(ours, (tuple, list)), f"{where}: {type(ours)}"
        assert len(ours) == len(theirs), f"{where}: {len(ours)} entries, PyTorch's {len(theirs)}"
        for i, (a, b) in enumerate(zip(ours, theirs)):
            compare(a, b, rtol, atol, f"{where}[{i}]")
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), where
        for key in theirs:
            compare(ours[key], theirs[key], rtol, atol, f"{where}[{key!r}]")
    else:
        assert ours == theirs, f"{where}: {ours!r}, PyTorch's {theirs!r}"


def same_error(program: Program, *words: str) -> None:
    """Both raise an error of one kind; wengert's message has the words."""
    with pytest.raises(Exception) as theirs:  # the kind is compared
        _quietly(program)
    with pytest.raises(theirs.type) as ours:
        program(wengert)
    for word in words:
        assert word in str(ours.value), f"{ours.value}\nPyTorch: {theirs.value}"


def leaf(library: Any, *shape: int, seed: int = 0, dtype: str = "float64") -> Any:
    """Random numbers, the same in both libraries, that require grad."""
    random = np.random.default_rng(seed)
    array = random.standard_normal(shape)
    if dtype.startswith("complex"):
        array = array + 1j * random.standard_normal(shape)
    return library.tensor(array.tolist(), dtype=getattr(library, dtype), requires_grad=True)
