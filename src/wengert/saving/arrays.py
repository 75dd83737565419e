"""NumPy's numbers and plain arrays in pickles: programs put them beside their weights. They are made of checked bytes,
not by NumPy's own unpickling, which believes what a file says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

import numpy as np

from wengert.saving.machine import Found


def _plain(dtype: Any) -> Any:
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biufc":
        raise UnpicklingError(f"load: a NumPy value of this file has dtype {dtype!r}; only numbers and bools are loaded")
    return dtype


def _dtype(code: Any, align: Any = False, copy: Any = True) -> Any:
    if isinstance(code, bytes):
        code = code.decode("ascii")
    if not (isinstance(code, str) and len(code) <= 4 and code[:1] in "biufc?"):
        raise UnpicklingError(f"load: this file asks for the NumPy dtype {code!r}; only numbers and bools are loaded")
    return _plain(np.dtype(code))


def _array(data: Any, dtype: Any, shape: Any, order: Any) -> Any:
    data = data.encode("latin-1") if isinstance(data, str) else data
    good = isinstance(data, (bytes, bytearray)) and isinstance(shape, tuple)
    good = good and all([type(n) is int and n >= 0 for n in shape])
    if not good or math.prod(shape) * _plain(dtype).itemsize != len(data):
        raise UnpicklingError(f"load: a NumPy array of this file has shape {shape} and {dtype}, which its data does not fit")
    return np.frombuffer(bytearray(data), dtype).reshape(shape, order=order)


def _scalar(dtype: Any, data: Any = b"") -> Any:
    return _array(data, dtype, (), "C")[()]


def _reconstruct(kind: Any, shape: Any, code: Any) -> Any:
    return np.empty(0)


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> Any:
    if axes is not None or order not in ("C", "F"):
        raise UnpicklingError("load: a NumPy array of this file has an order of axes that is not supported")
    return _array(data, dtype, shape, order)


def build(target: Any, state: Any) -> Any:
    """An array or a dtype with its state; None for something else."""
    if isinstance(target, np.dtype):
        if not (isinstance(state, tuple) and len(state) >= 2 and state[1] in ("<", ">", "|", "=")):
            raise UnpicklingError(f"load: a NumPy dtype of this file has the impossible state {state!r}")
        return target.newbyteorder(state[1])
    if type(target) is np.ndarray:
        if not (isinstance(state, tuple) and len(state) == 5):
            raise UnpicklingError("load: a NumPy array of this file has an impossible state")
        _, shape, dtype, is_fortran, data = state
        return _array(data, dtype, shape, "F" if is_fortran else "C")
    return None


_CALLS: dict[str, Callable[..., Any]] = {
    "multiarray.scalar": _scalar,
    "multiarray._reconstruct": _reconstruct,
    "numeric._frombuffer": _from_buffer,
}
GLOBALS: dict[str, Found] = {
    "numpy.dtype": Found(np.dtype, _dtype),
    "numpy.ndarray": Found(np.ndarray),
    **{f"numpy.{core}.{name}": Found(call, call) for core in ("core", "_core") for name, call in _CALLS.items()},
}


def _made_always(dtype: Any) -> Found:
    def make() -> Any:
        return dtype

    return Found(type(dtype), make)


for _kind in ("Float16", "Float32", "Float64", "Int8", "Int16", "Int32", "Int64", "UInt8", "Bool"):
    GLOBALS[f"numpy.dtypes.{_kind}DType"] = _made_always(np.dtype(_kind.lower()))
