"""The short-time Fourier transform and its inverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, runtime_error, shape_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node, array_type
from wengert.graph.record import literal, scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["stft", "istft"]


# --- what both share --------------------------------------------------------------------------------------------------


def _frame(operation: str, n_fft: int, hop_length: Optional[int], win_length: Optional[int]) -> tuple[int, int]:
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if n_fft <= 0 or hop <= 0 or not 0 < length <= n_fft:
        raise runtime_error(
            operation, "n_fft > 0, hop_length > 0 and 0 < win_length <= n_fft", (n_fft, hop, length)
        )
    return hop, length


def _window(operation: str, window: Optional[Tensor], length: int, n_fft: int, dtype: Any) -> Node:
    """The window in the middle of n_fft numbers; ones when none is given."""
    if window is None:
        w = p.full(scalar(1, dtype), shape=(length,))
    else:
        w = node_of(window, operation, "window")
        if w.shape != (length,):
            raise shape_error(operation, f"a window of {length} numbers, win_length", (w.shape,))
    left = (n_fft - length) // 2
    return p.pad(w, scalar(0, w.dtype), low=(left,), high=(n_fft - length - left,)) if length < n_fft else w


def _bordered(x: Node, by: int, mode: str) -> Node:
    """x (batch, n) with `by` more elements at both ends."""
    n = x.shape[1]
    if mode == "constant":
        return p.pad(x, scalar(0, x.dtype), low=(0, by), high=(0, by))
    at = np.arange(-by, n + by)
    if mode == "reflect":
        if by >= n:
            raise runtime_error("stft", f"padding size should be less than the input's length, {n}", by)
        at = np.abs(at)
        at = np.where(at >= n, 2 * (n - 1) - at, at)
    elif mode == "replicate":
        at = np.clip(at, 0, n - 1)
    elif mode == "circular":
        at = at % n
    else:
        raise NotImplementedError(f"stft: unrecognised padding mode {mode!r}")
    return p.take(x, literal(at, array_type(at.shape, dtypes.int64)), axis=1)


# --- forward ----------------------------------------------------------------------------------------------------------


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: Optional[int] = None,
    win_length: Optional[int] = None,
    window: Optional[Tensor] = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: Optional[bool] = None,
    return_complex: Optional[bool] = None,
    align_to_window: Optional[bool] = None,
) -> Tensor:
    """X[..., k, m] = sum_j window_j input[..., m hop + j] e^(-2 pi i j k / n_fft): the spectra of windows of the input.

    input (n) or (batch, n); the result (..., frequencies, frames), complex, or with a last dimension of 2 when not
    `return_complex`. center: the input is bordered so that window m is centred at m hop. onesided: half the frequencies,
    by default for real input. normalized: divided by sqrt(n_fft).

    Raises: RuntimeError for sizes that do not fit, or when `return_complex` is not given for a real input.
    """
    x = node_of(input, "stft")
    if not x.dtype.inexact or x.ndim not in (1, 2):
        raise runtime_error("stft", "a 1D or 2D tensor of floating or complex values", str(x.type))
    hop, length = _frame("stft", n_fft, hop_length, win_length)
    if center and align_to_window is not None:
        raise runtime_error("stft", "align_to_window only where center=False", align_to_window)
    w = _window("stft", window, length, n_fft, x.dtype.to_real)
    is_complex = x.dtype.is_complex or w.dtype.is_complex
    if return_complex is None:
        if not is_complex:
            raise runtime_error("stft", "stft requires the return_complex parameter be given for real inputs")
        return_complex = True
    onesided = not is_complex if onesided is None else onesided
    if onesided and is_complex:
        raise runtime_error("stft", "Cannot have onesided output if window or input is complex")
    y = _spectra(p.reshape(x, shape=(1, *x.shape)) if x.ndim == 1 else x, w, n_fft, hop, center, pad_mode, onesided)
    if normalized:
        y = y * n_fft**-0.5
    y = p.reshape(y, shape=y.shape[1:]) if x.ndim == 1 else y
    return wrap(y if return_complex else p.as_real(y))


def _spectra(x: Node, w: Node, n_fft: int, hop: int, center: bool, pad_mode: str, onesided: bool) -> Node:
    if center:
        x = _bordered(x, n_fft // 2, pad_mode)
    if n_fft > x.shape[1]:
        raise runtime_error("stft", f"expected 0 < n_fft <= {x.shape[1]}, the input's length", n_fft)
    frames = p.windows(x, axis=1, length=n_fft, step=hop)  # (batch, frames, n_fft)
    if w.dtype.is_complex:
        frames = move(frames, w.dtype)
    frames = frames * move(w, frames.dtype)
    if onesided:
        y = p.rfft(frames, axis=2)
    else:
        y = p.fft(move(frames, frames.dtype.to_complex), axes=(2,), inverse=False)
    return p.permute(y, order=(0, 2, 1))  # (batch, frequencies, frames)


# --- back -------------------------------------------------------------------------------------------------------------


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: Optional[int] = None,
    win_length: Optional[int] = None,
    window: Optional[Tensor] = None,
    center: bool = True,
    normalized: bool = False,
    onesided: Optional[bool] = None,
    length: Optional[int] = None,
    return_complex: bool = False,
) -> Tensor:
    """The inverse of `stft`: windowed inverse transforms are added where they overlap, and divided by the sum of the
    squared windows there (the least-squares inverse). length: of the result; what is missing is 0.

    Source: D. W. Griffin and J. S. Lim, Signal estimation from modified short-time Fourier transform, 1984.

    Raises: RuntimeError for sizes that do not fit, and windows whose squares do not add up to more than 0.
    """
    x = node_of(input, "istft")
    if not x.dtype.is_complex or x.ndim not in (2, 3) or not x.size:
        raise runtime_error("istft", "a complex tensor (..., frequencies, frames) that is not empty", str(x.type))
    hop, win = _frame("istft", n_fft, hop_length, win_length)
    onesided = n_fft != x.shape[-2] if onesided is None else onesided
    if x.shape[-2] != (n_fft // 2 + 1 if onesided else n_fft):
        raise shape_error("istft", f"frequencies as they belong to n_fft = {n_fft}, onesided = {onesided}", (x.shape,))
    w = _window("istft", window, win, n_fft, x.dtype.to_real)
    if (return_complex and onesided) or (w.dtype.is_complex and not return_complex):
        raise dtype_error("istft", "return_complex only for spectra of both sides, and with complex windows", w.dtype)
    spectra = p.permute(p.reshape(x, shape=(1, *x.shape)) if x.ndim == 2 else x, order=(0, 2, 1))
    y = _signal(_frames(spectra, n_fft, onesided, normalized, return_complex), w, n_fft, hop, center, length)
    return wrap(p.reshape(y, shape=y.shape[1:]) if x.ndim == 2 else y)


def _frames(spectra: Node, n_fft: int, onesided: bool, normalized: bool, return_complex: bool) -> Node:
    """(batch, frames, n_fft)"""
    scale = n_fft**-0.5 if normalized else 1 / n_fft
    if return_complex:
        return p.fft(spectra, axes=(2,), inverse=True) * scale
    if not onesided:  # the other half is what belongs to a real signal, whatever stands there
        batch, count, _ = spectra.shape
        spectra = p.slice(spectra, index=((0, batch, 1), (0, count, 1), (0, n_fft // 2 + 1, 1)))
    return p.irfft(spectra, axis=2, n=n_fft) * scale


def _signal(frames: Node, w: Node, n_fft: int, hop: int, center: bool, length: Optional[int]) -> Node:
    if w.dtype.is_complex:
        frames = move(frames, w.dtype)
    count = frames.shape[1]
    whole = n_fft + hop * (count - 1)
    y = _overlapped(frames * move(w, frames.dtype), hop, whole)
    squares = w * w
    envelope = _overlapped(p.expand(squares, shape=(1, count, n_fft)), hop, whole)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else whole - (n_fft // 2 if center else 0)
    stop = min(end, whole)
    y, envelope = (p.slice(z, index=((0, z.shape[0], 1), (start, stop, 1))) for z in (y, envelope))
    # For a complex window the squares are not sizes, as in PyTorch.
    low = float(np.abs(value_of(p.stop_gradient(envelope))).min(initial=1))
    if low < 1e-11:
        raise runtime_error("istft", "window overlap add min above 0: windows must cover every sample", low)
    y = y / move(envelope, y.dtype)
    return p.pad(y, scalar(0, y.dtype), low=(0, 0), high=(0, end - stop)) if end > stop else y


def _overlapped(frames: Node, hop: int, whole: int) -> Node:
    """The frames added up at their places."""
    count, n = frames.shape[1:]
    at = np.arange(count)[:, None] * hop + np.arange(n)
    zeros = p.full(scalar(0, frames.dtype), shape=(frames.shape[0], whole))
    return p.put_add(zeros, literal(at, array_type(at.shape, dtypes.int64)), frames, axis=1)


METHODS: dict[str, Callable[..., Any]] = {"stft": stft, "istft": istft}
IN_PLACE: tuple[str, ...] = ()
