"""One piece of program run on PyTorch and on wengert: results, errors and gradients must agree.

A case is a function of the module: ``lambda t: t.arange(6).reshape(2, 3)``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert

torch = pytest.importorskip("torch")

Case = Callable[[Any], Any]


def run(case: Case, module: Any) -> Any:
    """The result of a case, or the exception that it raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return case(module)
        except Exception as error:  # noqa: BLE001
            return error


def plain(value: Any) -> Any:
    """A result of either side in terms of Python and NumPy."""
    if isinstance(value, (wengert.Tensor, torch.Tensor)):
        dtype = str(value.dtype).rpartition(".")[2]
        if isinstance(value, torch.Tensor):
            found = value.detach().resolve_conj()
            array = (found.float() if dtype == "bfloat16" else found).numpy()
        else:
            array = value.detach()._array()
            array = array.astype(np.float32) if dtype == "bfloat16" else array
        return ("tensor", dtype, tuple(value.shape), value.requires_grad, array.copy())
    if isinstance(value, (wengert.Size, torch.Size)):
        return tuple(value)
    if isinstance(value, (tuple, list)):
        return tuple([plain(item) for item in value])
    if isinstance(value, (wengert.dtype, torch.dtype)):
        return str(value).rpartition(".")[2]
    return value.copy() if isinstance(value, np.ndarray) else value


def same(ours: Any, theirs: Any, rtol: float = 1e-6) -> None:
    """Assert that two plain results agree."""
    if isinstance(theirs, tuple) and theirs and isinstance(theirs[0], str) and theirs[0] == "tensor":
        assert isinstance(ours, tuple) and ours[:4] == theirs[:4], (ours, theirs)
        np.testing.assert_allclose(ours[4], theirs[4], rtol=rtol, atol=rtol)
    elif isinstance(theirs, tuple):
        assert isinstance(ours, tuple) and len(ours) == len(theirs), (ours, theirs)
        for a, b in zip(ours, theirs):
            same(a, b, rtol)
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=rtol, nan_ok=True)
    else:
        assert ours == theirs


def agree(case: Case, rtol: float = 1e-6, error: type[Exception] | None = None) -> None:
    """Run a case on both sides. If PyTorch raises, so must we, an exception of its type (or of `error`)."""
    ours, theirs = run(case, wengert), run(case, torch)
    if isinstance(theirs, Exception):
        assert isinstance(ours, error or type(theirs)), (ours, theirs)
        assert len(str(ours)) > 10
        return
    if isinstance(ours, Exception):
        raise ours
    same(plain(ours), plain(theirs), rtol)
