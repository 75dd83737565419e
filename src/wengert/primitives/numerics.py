"""What the evaluations of several chapters share: 16-bit floats computed wide, and functions lent by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, Optional

import numpy as np


def is_half(x: Any) -> bool:
    """Whether x is an array of float16 or bfloat16."""
    return bool(x.dtype.itemsize == 2 and x.dtype.kind not in "iu")


def wide(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """An `evaluate` of several steps, for 16-bit floats computed in float32 and rounded once at the end.

    It also spares bfloat16, which NumPy knows as a foreign type, from being promoted by Python floats.
    """

    @wraps(evaluate)
    def rounded_once(self: Any, *arrays: Any, **params: Any) -> Any:
        dtype = arrays[0].dtype
        if not is_half(arrays[0]):
            return evaluate(self, *arrays, **params)
        return evaluate(self, *[x.astype(np.float32) for x in arrays], **params).astype(dtype)

    return rounded_once


@cache
def scipy_special(name: str) -> Optional[Callable[..., Any]]:
    """The function of SciPy's `special` called `name`, or None where SciPy is not installed."""
    try:
        from scipy import special  # optional: half of the special functions have a NumPy form of their own
    except ImportError:
        return None
    return getattr(special, name)  # type: ignore[no-any-return]


def need_scipy(operation: str, name: str) -> Callable[..., Any]:
    """The function of SciPy's `special` called `name`.

    Raises: ImportError that says how to get SciPy where it is missing.
    """
    found = scipy_special(name)
    if found is None:
        raise ImportError(f"{operation}: this function is computed by SciPy, which is not installed; pip install scipy")
    return found


def need_scipy_linalg(operation: str, name: str) -> Callable[..., Any]:
    """The function of SciPy's `linalg` called `name`.

    Raises: ImportError that says how to get SciPy where it is missing.
    """
    try:
        from scipy import linalg  # optional: few functions of matrices need more than NumPy's LAPACK
    except ImportError:
        raise ImportError(
            f"{operation}: this function is computed by SciPy, which is not installed; pip install scipy"
        ) from None
    return getattr(linalg, name)  # type: ignore[no-any-return]


def scipy_or_own(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy's function, or our own, computed in float64 and rounded to the dtype of the input."""
    found = scipy_special(name)
    if found is not None:
        return found
    return lambda x: own(x.astype(np.float64)).astype(x.dtype)
