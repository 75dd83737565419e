"""Results of both sides held against each other: structure, dtype, shape, values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import wengert
from tests.exam.translate import array_of

# Relative and absolute tolerance by dtype: torch.testing.assert_close's.
TOLERANCE = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip


class Strictness:
    """How two answers are held against each other.

    strict     every element by itself, within assert_close's tolerance; a derivative that is NaN must be so on both sides.
               Otherwise twice that tolerance, which grows with the largest of the numbers that may have been added up; and
               where PyTorch's derivative is NaN anything is right.
    """

    strict = False


class Wrong(Exception):
    """An answer that is not PyTorch's."""


def same(ours: Any, theirs: Any, values: bool = True, what: str = "result") -> None:
    """Raises Wrong unless the two results agree. Without `values`, only structure, dtypes and shapes are compared."""
    if isinstance(theirs, torch.Tensor):
        same_tensor(ours, theirs, values, what)
    elif isinstance(theirs, (tuple, list)):
        same_sequence(ours, theirs, values, what)
    elif isinstance(theirs, torch.dtype):
        if f"torch.{getattr(ours, 'name', ours)}" != str(theirs):
            raise Wrong(f"{what}: {ours}, not {theirs}")
    elif isinstance(theirs, (bool, int, float, complex)) and not isinstance(ours, wengert.Tensor):
        if type(ours) is not type(theirs):
            raise Wrong(f"{what}: a {type(ours).__name__}, not a {type(theirs).__name__}")
        if values and not np.allclose(ours, theirs, 1e-5, 1e-8, equal_nan=True):
            raise Wrong(f"{what}: {ours}, not {theirs}")
    elif type(ours) is not type(theirs):
        raise Wrong(f"{what}: a {type(ours).__name__}, not a {type(theirs).__name__}")


def same_sequence(ours: Any, theirs: Any, values: bool, what: str) -> None:
    """The same number of results, under the same names if they have names."""
    if not isinstance(ours, (tuple, list)) or len(ours) != len(theirs):
        got = len(ours) if isinstance(ours, (tuple, list)) else type(ours).__name__
        raise Wrong(f"{what}: {got} instead of {len(theirs)} results")
    fields = [f for f in dir(theirs) if not f.startswith("_") and f not in ("count", "index", "append")]
    if type(theirs).__module__ == "torch.return_types":
        missing = [f for f in fields if not f.startswith("n_") and not hasattr(ours, f)]
        if missing:
            raise Wrong(f"{what}: no field {missing[0]}")
    for k, (a, b) in enumerate(zip(ours, theirs)):
        same(a, b, values, f"{what} {k}")


def same_tensor(ours: Any, theirs: Any, values: bool, what: str, wide: float = 1.0) -> None:
    """Dtype, shape and contents of one tensor. `wide` multiplies the tolerance."""
    if not isinstance(ours, wengert.Tensor):
        raise Wrong(f"{what}: a {type(ours).__name__}, not a tensor")
    if f"torch.{ours.dtype.name}" != str(theirs.dtype):
        raise Wrong(f"{what}: dtype {ours.dtype.name}, not {str(theirs.dtype)[6:]}")
    if tuple(ours.shape) != tuple(theirs.shape):
        raise Wrong(f"{what}: shape {list(ours.shape)}, not {list(theirs.shape)}")
    x, w = ours.detach()._array(), array_of(theirs)
    if not values or not w.size:
        return
    if w.dtype.kind in "fc":
        rtol, atol = TOLERANCE[ours.dtype.name]
        wide *= 1 if Strictness.strict else 2
        close_to(x.astype(w.dtype), w, rtol * wide, atol * wide, what)
    elif not np.array_equal(x, w):
        raise Wrong(f"{what}: {int((x != w).sum())} of {w.size} elements differ")


def close_to(x: Any, w: Any, rtol: float, atol: float, what: str) -> None:
    """Raises Wrong unless every element is within the tolerance."""
    if not Strictness.strict:
        atol = max(atol, rtol * float(np.abs(w[np.isfinite(w)]).max(initial=0.0)))
    with np.errstate(all="ignore"):
        good = np.isclose(x, w, rtol, atol, equal_nan=True)
    if not good.all():
        at = tuple(int(i[0]) for i in np.nonzero(~good)) if w.ndim else ()
        raise Wrong(f"{what}: {x[at]} instead of {w[at]} at {list(at)}; {int((~good).sum())} of {w.size} wrong")
