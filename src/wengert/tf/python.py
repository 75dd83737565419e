"""Python inside programs: py_function, numpy_function, print; and what does nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

import numpy as np

from wengert.graph.record import recorder
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor as Core
from wengert.tf import nest
from wengert.tf.dtypes import as_dtype
from wengert.tf.face import convert


def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: Optional[str] = None) -> Any:
    """func(*inp) as Python code in every call, also inside `tf.function`; derivatives go through it.

    Tout: the dtypes of what it gives. Raises: TypeError when it gives another dtype.
    """
    python_runs("py_function")
    return _typed(func(*[convert(x) for x in inp]), Tout)


def numpy_function(
    func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: Optional[str] = None
) -> Any:
    """func of NumPy arrays, which gives NumPy arrays. No derivative goes through it."""
    python_runs("numpy_function")
    return _typed(func(*[convert(x).numpy() for x in inp]), Tout)


def python_runs(operation: str) -> None:
    """What is being recorded cannot be replayed, since this operation runs Python code in every call."""
    if recorder.trace is not None:
        recorder.trace.refuse(f"{operation} runs Python code")


def _typed(result: Any, Tout: Any) -> Any:
    if Tout is None or (isinstance(Tout, (list, tuple)) and not Tout):
        return []
    if not isinstance(Tout, (list, tuple)):
        return _of_dtype(result, Tout)
    given = list(result) if isinstance(result, (list, tuple)) else [result]
    if len(given) != len(Tout):
        raise ValueError(f"the function returned {len(given)} values, and Tout names {len(Tout)}")
    return [_of_dtype(one, dtype) for one, dtype in zip(given, Tout)]


def _of_dtype(value: Any, dtype: Any) -> Any:
    dtype = as_dtype(getattr(dtype, "dtype", dtype))
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype != dtype.numpy:
        raise TypeError(f"the function returned an array of {value.dtype}, and Tout says {dtype.name}")
    return convert(value, dtype)


def print(*inputs: Any, **kwargs: Any) -> None:
    """Write values to stderr (or to `output_stream`), in every call, also inside `tf.function`.

    sep, end: between them and after; summarize: how many elements of each axis at either end, -1 for all.
    """
    python_runs("print")
    stream = kwargs.get("output_stream", sys.stderr)
    summarize = kwargs.get("summarize", 3)
    texts = [_text(one, summarize) for one in inputs]
    line = kwargs.get("sep", " ").join(texts) + kwargs.get("end", "\n")
    if isinstance(stream, str) and stream.startswith("file://"):
        with open(stream.removeprefix("file://"), "a", encoding="utf-8") as file:
            file.write(line)
        return
    target: Any = sys.stdout if stream in (sys.stdout, "stdout") else stream if hasattr(stream, "write") else sys.stderr
    target.write(line)


def _text(value: Any, summarize: int) -> str:
    if isinstance(value, Core):
        array = value_of(value._current())
        if array.ndim == 0:
            return str(array.item()) if array.dtype.kind != "f" else f"{array.item():.9g}".rstrip("0").rstrip(".") or "0"
        edge = array.size if summarize == -1 else summarize
        threshold = array.size + 1 if summarize == -1 else 2 * summarize
        formatter: Any = {"float_kind": lambda x: f"{x:.9g}"}
        return np.array2string(array, edgeitems=edge, threshold=threshold, separator=" ", formatter=formatter)
    if nest.is_nested(value) and not isinstance(value, dict):
        left, right = ("(", ")") if isinstance(value, tuple) else ("[", "]")
        return left + ", ".join([_text(part, summarize) for part in value]) + right
    return str(value)


def no_op(name: Optional[str] = None) -> None:
    """Nothing."""


def group(*inputs: Any, **kwargs: Any) -> None:
    """Nothing: what it groups has been done."""


@contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Nothing: operations happen in the order in which they are called."""
    yield
