"""Products of vectors and matrices, and what is built of them."""

from __future__ import annotations

from typing import Any

import wengert as w
from keras_wengert.ops.common import as_float, cast, convert_to_tensor, dtypes, promoted, standardize_dtype
from keras_wengert.ops.numpy import reductions


def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product. int8 by int8 gives int32, as on accelerators."""
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if x1.dtype is w.int8 and x2.dtype is w.int8:
        return w.matmul(cast(x1, "int32"), cast(x2, "int32"))
    a, b = promoted(x1, x2)
    return _in_integers(w.matmul, a, b)


def _in_integers(function: Any, a: Any, b: Any) -> Any:
    """Bools multiply as integers and come back as bools."""
    return cast(function(cast(a, "int32"), cast(b, "int32")), "bool") if a.dtype is w.bool else function(a, b)


def dot(x1: Any, x2: Any) -> Any:
    """The sum over the last axis of x1 and the second last of x2."""
    a, b = promoted(x1, x2)
    if a.ndim == 0 or b.ndim == 0:
        return w.logical_and(a, b) if a.dtype is w.bool else a * b
    return _in_integers(lambda a, b: w.tensordot(a, b, dims=([a.ndim - 1], [max(b.ndim - 2, 0)])), a, b)


def inner(x1: Any, x2: Any) -> Any:
    """The sum over the last axis of both."""
    a, b = promoted(x1, x2)
    if a.ndim == 0 or b.ndim == 0:
        return w.logical_and(a, b) if a.dtype is w.bool else a * b
    return _in_integers(lambda a, b: w.tensordot(a, b, dims=([a.ndim - 1], [b.ndim - 1])), a, b)


def outer(x1: Any, x2: Any) -> Any:
    """Every element of x1 times every one of x2."""
    a, b = promoted(x1, x2)
    return _in_integers(lambda a, b: a.reshape(-1, 1) * b.reshape(1, -1), a, b)


def vdot(x1: Any, x2: Any) -> Any:
    """The sum of conj(x1) * x2 over all elements."""
    a, b = promoted(x1, x2)
    return _in_integers(lambda a, b: (w.conj(a).reshape(-1) * b.reshape(-1)).sum(dtype=a.dtype), a, b)


def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sum over pairs of axes."""
    a, b = promoted(x1, x2)
    if not isinstance(axes, int):
        first, second = axes
        axes = ([first] if isinstance(first, int) else list(first), [second] if isinstance(second, int) else list(second))
    return _in_integers(lambda a, b: w.tensordot(a, b, dims=axes), a, b)


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Einstein's summation. int8 by int8 gives int32."""
    xs = [convert_to_tensor(x) for x in operands]
    given = {standardize_dtype(x.dtype) for x in xs}
    if given == {"int8"} and len(xs) > 1:
        return w.einsum(subscripts, *[cast(x, "int32") for x in xs])
    dtype = dtypes.result_type(*given)
    y = w.einsum(subscripts, *[cast(x, "int32" if dtype == "bool" else dtype) for x in xs])
    return cast(y, dtype)


def kron(x1: Any, x2: Any) -> Any:
    """Every element of x1 times the whole of x2."""
    a, b = promoted(x1, x2)
    return _in_integers(w.kron, a, b)


def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """The cross product of vectors of two or three components."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = promoted(x1, x2)
    a, b = w.movedim(a, axisa, -1), w.movedim(b, axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError(f"cross: vectors of 2 or 3 components, got {a.shape[-1]} and {b.shape[-1]}")
    plane = a.shape[-1] == b.shape[-1] == 2
    a, b = [w.nn.functional.pad(v, (0, 3 - v.shape[-1])) for v in (a, b)]
    a0, a1, a2 = a.unbind(-1)
    b0, b1, b2 = b.unbind(-1)
    if plane:
        return a0 * b1 - a1 * b0
    y = w.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1)
    return w.movedim(y, -1, axisc)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return reductions.sum(diagonal(x, offset, axis1, axis2), -1)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of the planes of two axes, as the last axis."""
    return w.diagonal(convert_to_tensor(x), offset, axis1, axis2)


def tril(x: Any, k: int = 0) -> Any:
    """x on and below a diagonal, 0 above."""
    return w.tril(convert_to_tensor(x), k)


def triu(x: Any, k: int = 0) -> Any:
    """x on and above a diagonal, 0 below."""
    return w.triu(convert_to_tensor(x), k)


def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """c_k = sum_i x1_(i + k) x2_i of two vectors."""
    a, b = promoted(x1, x2)
    if a.dtype is w.bool or not a.dtype.inexact:
        a, b = cast(a, "float32"), cast(b, "float32")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"correlate: mode is 'valid', 'same' or 'full'; got {mode!r}")
    n, m = a.shape[0], b.shape[0]
    swapped = mode != "full" and m > n
    long, short = (b, a) if swapped else (a, b)
    k = short.shape[0]
    padded = w.nn.functional.pad(long, (k - 1, k - 1))
    y = (padded.unfold(0, k, 1) * w.conj(short)).sum(-1)  # full: length n + m - 1
    if mode == "valid":
        y = y[k - 1 : long.shape[0]]
    elif mode == "same":
        start = (k - 1) // 2 if not swapped else k // 2
        y = y[start : start + long.shape[0]]
    return y.flip(0) if swapped else y


def corrcoef(x: Any) -> Any:
    """The correlations of the rows."""
    return w.corrcoef(as_float(x))


def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of neighbours, n times."""
    return w.diff(convert_to_tensor(a), n, axis)


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral by the trapezoidal rule."""
    y = as_float(y)
    if x is None:
        return w.trapezoid(y, dx=dx, dim=axis)
    return w.trapezoid(y, cast(x, standardize_dtype(y.dtype)), dim=axis)


