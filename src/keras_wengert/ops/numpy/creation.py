"""New tensors: constants, ranges, windows, and patterns."""

from __future__ import annotations

import math
from typing import Any

import wengert as w
from keras_wengert.ops.common import as_float, cast, convert_to_tensor, dtype_of, dtypes, floats, floatx, standardize_dtype
from keras_wengert.ops.core import to_dtype


def _dtype(dtype: Any) -> Any:
    return to_dtype(dtype or floatx())


def array(x: Any, dtype: Any = None) -> Any:
    """x as a tensor."""
    return convert_to_tensor(x, dtype)


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros."""
    return w.zeros(_sizes(shape), dtype=_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones."""
    return w.ones(_sizes(shape), dtype=_dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Any:
    """A tensor whose values do not matter."""
    return w.zeros(_sizes(shape), dtype=_dtype(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """A tensor of one value, or of a broadcast tensor."""
    fill_value = convert_to_tensor(fill_value, dtype or floatx())
    return w.broadcast_to(fill_value, _sizes(shape)).clone()


def _sizes(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, int) else tuple([int(n) for n in shape])


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of x."""
    x = convert_to_tensor(x)
    return w.zeros_like(x, dtype=to_dtype(dtype or x.dtype))


def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones in the shape of x."""
    x = convert_to_tensor(x)
    return w.ones_like(x, dtype=to_dtype(dtype or x.dtype))


def empty_like(x: Any, dtype: Any = None) -> Any:
    """A tensor in the shape of x whose values do not matter."""
    return zeros_like(x, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value in the shape of x."""
    x = convert_to_tensor(x)
    return full(x.shape, fill_value, dtype or standardize_dtype(x.dtype))


def eye(N: int, M: Any = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on a diagonal. Raises: TypeError for sizes that are no integers."""
    M = N if M is None else M
    for n in (N, M):
        if isinstance(n, float) or "float" in str(getattr(n, "dtype", "")):
            raise TypeError(f"eye: integers N and M, got {n}")
    rows, columns = w.arange(int(N))[:, None], w.arange(int(M))[None, :]
    return cast(columns - rows == int(k), dtype or floatx())


def identity(n: int, dtype: Any = None) -> Any:
    """The identity matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: Any = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on and below a diagonal."""
    M = N if M is None else M
    rows, columns = w.arange(int(N))[:, None], w.arange(int(M))[None, :]
    return cast(columns - rows <= int(k), dtype or floatx())


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Numbers from start up to stop."""
    if dtype is None:
        dtype = dtypes.result_type(*[dtype_of(x) for x in (start, stop, step) if x is not None])
    start, stop = (0, start) if stop is None else (start, stop)
    numbers = [x.item() if hasattr(x, "item") else x for x in (start, stop, 1 if step is None else step)]
    wide = any(isinstance(x, float) for x in numbers) and not to_dtype(dtype).is_floating_point
    return cast(w.arange(*numbers, dtype=w.float32 if wide else to_dtype("int32" if dtype == "bool" else dtype)), dtype)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """num numbers evenly from start to stop, which may be tensors."""
    start, stop = floats(start, stop)
    dtype = dtype or standardize_dtype(start.dtype)
    start, stop = w.broadcast_tensors(start, stop)
    intervals = num - 1 if endpoint else num
    step = (stop - start) / intervals if intervals else (stop - start) * float("nan")
    places = w.arange(num, dtype=start.dtype).reshape([num] + [1] * start.ndim)
    y = start + places * step if intervals else w.broadcast_to(start, (num, *start.shape))
    if endpoint and num > 1:
        y = w.where(places == num - 1, stop, y)
    y = w.movedim(y, 0, axis) if axis != 0 else y
    if not to_dtype(dtype).inexact:
        y = w.floor(y)
    return (cast(y, dtype), step) if retstep else cast(y, dtype)


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None, axis: int = 0
) -> Any:
    """Powers of base with evenly spaced exponents."""
    start, stop = floats(start, stop)
    powers = linspace(start, stop, num, endpoint, axis=axis)
    y = w.pow(convert_to_tensor(base, standardize_dtype(powers.dtype)), powers)
    return cast(y, dtype or standardize_dtype(start.dtype))


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """num numbers from start to stop in constant ratio."""
    start, stop = floats(start, stop)
    sign = w.sign(start)
    logs = linspace(w.log(w.abs(start)), w.log(w.abs(stop)), num, endpoint, axis=axis)
    return cast(w.exp(logs) * sign, dtype or standardize_dtype(start.dtype))


def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """Grids of the given axes."""
    return list(w.meshgrid(*[convert_to_tensor(a).reshape(-1) for a in x], indexing=indexing))


def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """Columns of powers of x."""
    x = convert_to_tensor(x)
    n = x.shape[0] if N is None else int(N)
    dtype = dtypes.result_type(standardize_dtype(x.dtype), int)
    powers = w.arange(n) if increasing else w.arange(n).flip(0)
    return cast(w.pow(cast(x, dtype)[:, None], cast(powers, dtype)), dtype)


def diag(x: Any, k: int = 0) -> Any:
    """A vector as a diagonal matrix, or a matrix's diagonal."""
    return w.diag(convert_to_tensor(x), k)


def diagflat(x: Any, k: int = 0) -> Any:
    """All elements on the diagonal of a matrix."""
    return w.diag(convert_to_tensor(x).reshape(-1), k)


# --- windows ----------------------------------------------------------------------------------------------------------


def _window(formula: Any) -> Any:
    def window(x: Any) -> Any:
        n = int(x.item() if hasattr(x, "item") else x)
        if n <= 1:
            return w.ones((max(n, 0),), dtype=to_dtype(floatx()))
        return cast(formula(w.arange(n, dtype=w.float64), n - 1), floatx())

    return window


# Source of the formulas: F. J. Harris, On the use of windows for harmonic analysis with the DFT (1978).
bartlett = _window(lambda i, m: 1 - w.abs(2 * i / m - 1))
hanning = _window(lambda i, m: 0.5 - 0.5 * w.cos(2 * math.pi * i / m))
hamming = _window(lambda i, m: 0.54 - 0.46 * w.cos(2 * math.pi * i / m))
blackman = _window(lambda i, m: 0.42 - 0.5 * w.cos(2 * math.pi * i / m) + 0.08 * w.cos(4 * math.pi * i / m))


def kaiser(x: Any, beta: Any) -> Any:
    """I0(beta sqrt(1 - (2 i / (n - 1) - 1)^2)) / I0(beta)"""
    beta = cast(as_float(beta), "float64")
    return _window(lambda i, m: w.i0(beta * w.sqrt(1 - (2 * i / m - 1) ** 2)) / w.i0(beta))(x)
