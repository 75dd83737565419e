"""Mathematics beside NumPy's: segments, spectra, special functions."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as w
from keras_wengert.ops.common import (
    as_float,
    axes_of,
    cast,
    convert_to_tensor,
    floats,
    promoted,
    standardize_dtype,
    unary_float,
)

erf = unary_float(w.erf)
erfc = unary_float(w.erfc)
erfinv = unary_float(w.erfinv)
rsqrt = unary_float(w.rsqrt)


def _segments(reduce: str, start: Any) -> Any:
    def operation(data: Any, segment_ids: Any, num_segments: Any = None, sorted: bool = False) -> Any:
        data, ids = convert_to_tensor(data), cast(segment_ids, "int64")
        if num_segments is None:
            num_segments = int(ids.max().item()) + 1 if ids.numel() else 0
        rest = tuple(data.shape[1:])
        first = start(data.dtype)
        into = w.full((num_segments + 1, *rest), first, dtype=data.dtype)
        # Ids outside go into one row more, which is dropped.
        ids = w.where((ids < 0) | (ids >= num_segments), num_segments, ids)
        along = ids.reshape([-1] + [1] * len(rest)).expand(-1, *rest)
        y = into.scatter_reduce(0, along, data, reduce=reduce, include_self=True)
        return y[:num_segments]

    return operation


def _lowest(dtype: Any) -> Any:
    return float("-inf") if dtype.is_floating_point else int(w.iinfo(dtype).min)


def _highest(dtype: Any) -> Any:
    return float("inf") if dtype.is_floating_point else int(w.iinfo(dtype).max)


segment_sum = _segments("sum", lambda dtype: 0)
segment_prod = _segments("prod", lambda dtype: 1)
segment_max = _segments("amax", _lowest)
segment_min = _segments("amin", _highest)


def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The k largest of the last axis, and where they are; of equal ones the first come first."""
    x = convert_to_tensor(x)
    order = w.argsort(x, dim=-1, descending=True, stable=True).narrow(-1, 0, k)
    return w.gather(x, -1, order), cast(order, "int32")


def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether each row's target is among its k largest predictions; ties count, and what is not finite does not."""
    targets, predictions = cast(targets, "int64"), convert_to_tensor(predictions)
    classes = predictions.shape[-1]
    valid = (targets >= 0) & (targets < classes)
    safe = w.where(valid, targets, 0)
    chosen = w.gather(predictions, -1, safe[..., None])
    larger = (predictions > chosen).sum(-1)
    return valid & (larger < k) & w.isfinite(chosen[..., 0])


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log of the sum of exp over axes, without overflow."""
    x = as_float(x)
    return w.logsumexp(x, axes_of(axis, x.ndim), keepdim=keepdims)


def logdet(x: Any) -> Any:
    """log |det x|, NaN where the determinant is negative."""
    return w.logdet(as_float(x))


def cdist(x: Any, y: Any) -> Any:
    """Distances between every row of x and every row of y. Raises: ValueError for rows of different length."""
    x, y = floats(x, y)
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"cdist: rows of one length, got {x.shape[-1]} and {y.shape[-1]}")
    return w.cdist(x, y)


# --- spectra. Complex numbers are pairs (real, imaginary) in this interface -------------------------------------------


def _get_complex_tensor_from_tuple(x: Any) -> Any:
    """A pair as one complex tensor; Keras's own tests call it by this name.

    Raises: ValueError for what is no pair of real tensors of one shape.
    """
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"Input `x` should be a tuple of two tensors - real and imaginary. Received: x={x}")
    real, imaginary = promoted(*x)
    if real.shape != imaginary.shape:
        raise ValueError(
            "Input `x` should be a tuple of two tensors - real and imaginary. Both the real and imaginary parts should have "
            f"the same shape. Received: x[0].shape = {tuple(real.shape)}, x[1].shape = {tuple(imaginary.shape)}"
        )
    if not real.dtype.is_floating_point:
        raise ValueError(f"At least one tensor in input `x` is not of type float. Received: x={x}.")
    return w.complex(real, imaginary)


def _pair(z: Any) -> Any:
    return z.real, z.imag


def fft(x: Any) -> Any:
    """The discrete Fourier transform along the last axis."""
    return _pair(w.fft.fft(_get_complex_tensor_from_tuple(x)))


def fft2(x: Any) -> Any:
    """The discrete Fourier transform along the last two axes."""
    return _pair(w.fft.fft2(_get_complex_tensor_from_tuple(x)))


def ifft2(x: Any) -> Any:
    """The inverse of `fft2`."""
    return _pair(w.fft.ifft2(_get_complex_tensor_from_tuple(x)))


def rfft(x: Any, fft_length: Any = None) -> Any:
    """The Fourier transform of real numbers: its half that is not redundant."""
    return _pair(w.fft.rfft(as_float(x), n=fft_length))


def irfft(x: Any, fft_length: Any = None) -> Any:
    """The inverse of `rfft`."""
    return w.fft.irfft(_get_complex_tensor_from_tuple(x), n=fft_length)


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """Overlapping windows of the last axis."""
    return convert_to_tensor(x).unfold(-1, sequence_length, sequence_stride)


def _window(window: Any, sequence_length: int, fft_length: int, dtype: Any) -> Any:
    """A window padded to `fft_length` on both sides.

    Raises: ValueError for a window of another kind or length.
    """
    if window is None:
        y = w.ones((sequence_length,), dtype=dtype)
    elif isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(
                f"If a string is passed to `window`, it must be one of `'hann'`, `'hamming'`. Received: window={window}"
            )
        places = w.arange(sequence_length, dtype=dtype) * (2 * np.pi / sequence_length)
        y = 0.5 - 0.5 * w.cos(places) if window == "hann" else 0.54 - 0.46 * w.cos(places)
    else:
        y = convert_to_tensor(window, standardize_dtype(dtype))
        if y.ndim != 1 or y.shape[0] != sequence_length:
            raise ValueError(
                f"The shape of `window` must be equal to [sequence_length]. Received: window shape={tuple(y.shape)}"
            )
    before = (fft_length - sequence_length) // 2
    return w.nn.functional.pad(y, (before, fft_length - sequence_length - before))


def stft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann", center: bool = True
) -> Any:
    """The short-time Fourier transform: `rfft` of overlapping windowed pieces.

    Raises: TypeError for integers, ValueError for lengths that do not fit.
    """
    x = convert_to_tensor(x)
    if not x.dtype.is_floating_point:
        raise TypeError(f"Invalid input type. Expected `float32` or `float64`. Received: input type={x.dtype.name}")
    if fft_length < sequence_length:
        raise ValueError(
            f"`fft_length` must equal or larger than `sequence_length`. Received: {fft_length} < {sequence_length}"
        )
    if center:
        half = fft_length // 2
        flat = x.reshape(1, -1, x.shape[-1])
        x = w.nn.functional.pad(flat, (half, half), mode="reflect").reshape(*x.shape[:-1], x.shape[-1] + 2 * half)
    pieces = x.unfold(-1, fft_length, sequence_stride)
    return _pair(w.fft.rfft(pieces * _window(window, sequence_length, fft_length, x.dtype)))


def istft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, length: Any = None, window: Any = "hann",
    center: bool = True,
) -> Any:  # fmt: skip
    """The inverse of `stft`: windowed pieces added up; each window is divided by the sum of squares that windows at
    this stride have in the middle, so the ends, where fewer overlap, come out lower.

    Source: D. Griffin, J. Lim, Signal estimation from modified short-time Fourier transform (1984).
    """
    pieces = irfft(x, fft_length)
    shape_ = _window(window, sequence_length, fft_length, pieces.dtype)
    if window is not None:
        shape_ = _inverse_window(shape_, sequence_stride)
    lead, count = tuple(pieces.shape[:-2]), pieces.shape[-2]
    total = fft_length + (count - 1) * sequence_stride
    places = (w.arange(count)[:, None] * sequence_stride + w.arange(fft_length)[None, :]).reshape(-1)
    flat = (pieces * shape_).reshape(-1, count * fft_length)
    y = w.zeros((flat.shape[0], total), dtype=flat.dtype).index_add(1, places, flat).reshape(*lead, total)
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else total - start if center else total
    return y[..., start:end]


def _inverse_window(window: Any, stride: int) -> Any:
    """The window over the sum of the squares of all its shifts by the stride; 0 where all of them are 0."""
    n = window.shape[0]
    overlaps = -(-n // stride)
    squares = w.nn.functional.pad(window * window, (0, overlaps * stride - n)).reshape(overlaps, stride).sum(0)
    total = squares.repeat(overlaps)[:n]
    return w.where(total > 0, window / w.where(total > 0, total, w.ones_like(total)), w.zeros_like(window))
