"""Signals cut into frames: windows, short-time and lapped transforms, mel bands: `tf.signal`."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any, Optional

from wengert.tf.dtypes import as_dtype
from wengert.tf.face import face
from wengert.tf.ops.arguments import FLOATING, accept, axis_in, ints, like
from wengert.tf.ops.core import fresh, w
from wengert.tf.ops.spectra import dct

# --- windows ----------------------------------------------------------------------------------------------------------


def _cosine_window(length: Any, periodic: Any, dtype: Any, a: float, b: float) -> Any:
    n, kind = ints(length)[0], as_dtype(dtype)
    if n == 1:
        return w.ones(1, dtype=kind)
    whole = n - 1 + (1 - n % 2 if bool(periodic) else 0)  # an odd periodic one is as a symmetric one
    return (a - b * w.cos(w.arange(n, dtype=w.float64) * (2 * pi / whole))).to(kind)


@face()
def hann_window(window_length: Any, periodic: Any = True, dtype: Any = w.float32, name: Optional[str] = None) -> Any:
    """0.5 - 0.5 cos(2 pi i / n), n being the length (periodic) or one less."""
    return _cosine_window(window_length, periodic, dtype, 0.5, 0.5)


@face()
def hamming_window(window_length: Any, periodic: Any = True, dtype: Any = w.float32, name: Optional[str] = None) -> Any:
    """0.54 - 0.46 cos(2 pi i / n), n being the length (periodic) or one less."""
    return _cosine_window(window_length, periodic, dtype, 0.54, 0.46)


@face()
def kaiser_window(window_length: Any, beta: Any = 12.0, dtype: Any = w.float32, name: Optional[str] = None) -> Any:
    """I_0(beta sqrt(1 - r^2)) / I_0(beta), r from -1 to 1. Source: J. F. Kaiser, 1980."""
    return w.kaiser_window(ints(window_length)[0], periodic=False, beta=float(beta), dtype=w.float64).to(as_dtype(dtype))


@face()
def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = w.float32, name: Optional[str] = None
) -> Any:
    """The square root of the running sums of a Kaiser window over its sum, then the same backwards."""
    half = ints(window_length)[0] // 2
    sums = w.cumsum(w.kaiser_window(half + 1, periodic=False, beta=float(beta), dtype=w.float64), 0)
    rising = w.sqrt(sums[:-1] / sums[-1])
    return w.cat([rising, w.flip(rising, (0,))]).to(as_dtype(dtype))


@face()
def vorbis_window(window_length: Any, dtype: Any = w.float32, name: Optional[str] = None) -> Any:
    """sin(pi / 2 sin^2(pi (i + 1/2) / n))"""
    n = ints(window_length)[0]
    inner = w.sin((w.arange(n, dtype=w.float64) + 0.5) * (pi / n))
    return w.sin(pi / 2 * inner * inner).to(as_dtype(dtype))


# --- frames -----------------------------------------------------------------------------------------------------------


@face("signal")
def frame(
    signal: Any, frame_length: Any, frame_step: Any, pad_end: bool = False, pad_value: Any = 0, axis: int = -1,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """Overlapping pieces of an axis, as a new axis before it. `pad_end` fills the last ones up."""
    length, step = ints(frame_length)[0], ints(frame_step)[0]
    axis = axis_in(axis, signal.ndim, "frame")
    n = signal.shape[axis]
    if pad_end:
        count = -(-n // step)
        missing = max(0, length + step * (count - 1) - n)
        sizes = [missing if i == axis else m for i, m in enumerate(signal.shape)]
        signal = w.cat([signal, w.broadcast_to(like("frame", pad_value, signal), sizes)], axis)
    else:
        count = max(0, 1 + (n - length) // step)
    places = (w.arange(count)[:, None] * step + w.arange(length)).reshape(-1)
    pieces = w.index_select(signal, axis, places)
    return pieces.reshape(*signal.shape[:axis], count, length, *signal.shape[axis + 1 :])


@face("signal")
def overlap_and_add(signal: Any, frame_step: Any, name: Optional[str] = None) -> Any:
    """Frames (..., count, length) added up, each `frame_step` after the one before. Raises: ValueError for less than two
    axes."""
    if signal.ndim < 2:
        raise ValueError(f"signal must have at least rank 2, got shape {tuple(signal.shape)}")
    step = ints(frame_step)[0]
    count, length = signal.shape[-2:]
    places = (w.arange(count)[:, None] * step + w.arange(length)).reshape(-1)
    flat = signal.reshape(-1, count * length)
    y = w.zeros((flat.shape[0], (count - 1) * step + length), dtype=flat.dtype).index_add(1, places, flat)
    return y.reshape(*signal.shape[:-2], y.shape[-1])


def _power_of_two(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length()


@face("signals")
def stft(
    signals: Any, frame_length: Any, frame_step: Any, fft_length: Any = None,
    window_fn: Optional[Callable[..., Any]] = hann_window, pad_end: bool = False, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The Fourier transforms of windowed frames: (..., frames, fft_length // 2 + 1).

    fft_length: by default the smallest power of two that holds a frame
    """
    accept("stft", FLOATING, signals)
    length = ints(frame_length)[0]
    size = _power_of_two(length) if fft_length is None else ints(fft_length)[0]
    frames = fresh(frame(signals, length, frame_step, pad_end))
    if window_fn is not None:
        frames = frames * fresh(window_fn(length, dtype=signals.dtype))
    return w.fft.rfft(frames, n=size)


@face("stfts")
def inverse_stft(
    stfts: Any, frame_length: Any, frame_step: Any, fft_length: Any = None,
    window_fn: Optional[Callable[..., Any]] = hann_window, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The inverse of `stft`, for a window that fits (see `inverse_stft_window_fn`).

    Source: D. W. Griffin and J. S. Lim, Signal estimation from modified short-time Fourier transform, 1984.
    """
    length = ints(frame_length)[0]
    size = _power_of_two(length) if fft_length is None else ints(fft_length)[0]
    frames = w.fft.irfft(stfts, n=size)
    frames = frames[..., :length] if size >= length else w.nn.functional.pad(frames, (0, length - size))
    if window_fn is not None:
        frames = frames * fresh(window_fn(length, dtype=frames.dtype))
    return overlap_and_add(frames, frame_step)


def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Callable[..., Any] = hann_window, name: Optional[str] = None
) -> Callable[..., Any]:
    """The window for `inverse_stft` that undoes the one that `stft` used: it, over the sum of squares that overlap."""

    def inverse_window(frame_length: Any, dtype: Any) -> Any:
        length, step = ints(frame_length)[0], ints(frame_step)[0]
        forward = fresh(forward_window_fn(length, dtype=dtype))
        overlaps = -(-length // step)
        squares = w.nn.functional.pad(w.square(forward), (0, overlaps * step - length)).reshape(overlaps, step)
        total = w.tile(squares.sum(0, keepdim=True), (overlaps, 1)).reshape(-1)[:length]
        return forward / total

    return inverse_window


# --- lapped transforms ------------------------------------------------------------------------------------------------


@face("signals")
def mdct(
    signals: Any, frame_length: Any, window_fn: Optional[Callable[..., Any]] = vorbis_window, pad_end: bool = False,
    norm: Optional[str] = None, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The modified cosine transform of frames that overlap by half: (..., frames, frame_length // 2).

    Source: J. P. Princen, A. W. Johnson, A. B. Bradley, 1987.
    Raises: ValueError for a length that 4 does not divide.
    """
    length = _quartered(frame_length)
    half = length // 2
    frames = fresh(frame(signals, length, half, pad_end))
    window = _lapped_window(length, window_fn, frames.dtype)
    a, b, c, d = (frames * window).split(half // 2, -1)
    folded = w.cat([-w.flip(c, (-1,)) - d, a - w.flip(b, (-1,))], -1)
    return dct(folded, 4, norm=norm)


@face("mdcts")
def inverse_mdct(
    mdcts: Any, window_fn: Optional[Callable[..., Any]] = vorbis_window, norm: Optional[str] = None,
    name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The inverse of `mdct`."""
    half = mdcts.shape[-1]
    folded = fresh(dct(mdcts, 4, norm=norm))
    folded = folded if norm == "ortho" else folded * (0.5 / half)
    first, second = folded.split(half // 2, -1)
    frames = w.cat([second, -w.flip(second, (-1,)), -w.flip(first, (-1,)), -first], -1)
    length = 2 * half
    window = _lapped_window(length, window_fn, frames.dtype)
    return overlap_and_add(frames * window, half)


def _lapped_window(length: int, window_fn: Optional[Callable[..., Any]], dtype: Any) -> Any:
    """The window of a lapped transform, by default flat, such that two that overlap add up to 1 in squares."""
    return w.full((length,), 0.5**0.5, dtype=dtype) if window_fn is None else fresh(window_fn(length, dtype=dtype))


def _quartered(frame_length: Any) -> int:
    length = ints(frame_length)[0]
    if length % 4:
        raise ValueError("The frame length must be a multiple of 4.")
    return length


# --- mel --------------------------------------------------------------------------------------------------------------


def _mel(hertz: Any) -> Any:
    return 1127.0 * w.log1p(hertz / 700.0)


@face()
def linear_to_mel_weight_matrix(
    num_mel_bins: Any = 20, num_spectrogram_bins: Any = 129, sample_rate: Any = 8000, lower_edge_hertz: Any = 125.0,
    upper_edge_hertz: Any = 3800.0, dtype: Any = w.float32, name: Optional[str] = None,
) -> Any:  # fmt: skip
    """The matrix (spectrogram bins, mel bins) of triangles that overlap by half on the mel scale.

    Raises: ValueError for edges that do not rise, or lie above half the sample rate.
    """
    bins, count, rate = ints(num_mel_bins)[0], ints(num_spectrogram_bins)[0], float(sample_rate)
    low, high = float(lower_edge_hertz), float(upper_edge_hertz)
    if not 0 <= low < high <= rate / 2:
        raise ValueError(f"need 0 <= lower_edge_hertz < upper_edge_hertz <= sample_rate / 2, got {low}, {high}, {rate}")
    wide = w.float64
    spectrum = _mel(w.linspace(0.0, rate / 2, count, dtype=wide)[1:])[:, None]
    edges = w.linspace(float(_mel(w.tensor(low, dtype=wide))), float(_mel(w.tensor(high, dtype=wide))), bins + 2, dtype=wide)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    slopes = w.minimum((spectrum - lower) / (centre - lower), (upper - spectrum) / (upper - centre)).clamp(min=0)
    return w.cat([w.zeros((1, bins), dtype=wide), slopes]).to(as_dtype(dtype))


@face("log_mel_spectrograms")
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: Optional[str] = None) -> Any:
    """The cosine transform (type 2) over mel bins, by 1 / sqrt(2 bins). Raises: ValueError for no bins."""
    bins = log_mel_spectrograms.shape[-1]
    if bins == 0:
        raise ValueError("num_mel_bins must be positive. Got: 0")
    return fresh(dct(log_mel_spectrograms, 2)) * (2.0 * bins) ** -0.5


__all__ = [
    "frame", "hamming_window", "hann_window", "inverse_mdct", "inverse_stft", "inverse_stft_window_fn",
    "kaiser_bessel_derived_window", "kaiser_window", "linear_to_mel_weight_matrix", "mdct",
    "mfccs_from_log_mel_spectrograms", "overlap_and_add", "stft", "vorbis_window",
]  # fmt: skip
