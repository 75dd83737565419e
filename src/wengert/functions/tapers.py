"""Windows for spectra, as `wengert.signal.windows` and by their older names (`hann_window`, ...).

Computed by their formulas in float64 and rounded once. `sym` makes a window symmetric; without it, the window is the
first part of a symmetric one that is longer by one, so that it can be repeated.
Source: F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier transform, 1978.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Optional

import numpy as np

from wengert import dtypes
from wengert.errors import dtype_error, type_error, value_error
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.tensors.device import check_device
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]

_HAMMING = 0.54
_HANN = 0.5
_BLACKMAN = (0.42, 0.5, 0.08)
_NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)


def _place(M: int, sym: bool) -> Any:
    """2 n / N - 1 for n = 0 ... M - 1, from -1 at the left end to 1 at the right end of the symmetric window."""
    return 2 * np.arange(M) / (M - 1 if sym else M) - 1


def _cosines(M: int, sym: bool, a: Iterable[float]) -> Any:
    """sum_i (-1)^i a_i cos(2 pi i n / N)"""
    turn = np.pi * (_place(M, sym) + 1)
    return sum([(-1) ** i * weight * np.cos(i * turn) for i, weight in enumerate(a)])


def _made(
    values: Callable[[], Any], M: int, name: str, dtype: Any, layout: Any, device: Any, requires_grad: bool
) -> Tensor:
    """The window; [1] for one element, nothing for none."""
    check_device(device)
    if not isinstance(M, int) or M < 0:
        raise value_error(name, "a non-negative window length", M)
    dtype = dtype or dtypes.get_default_dtype()
    if dtype not in (dtypes.float32, dtypes.float64):
        raise value_error(name, "dtype float32 or float64", dtype)
    if layout is not None and getattr(layout, "name", layout) not in ("strided",):
        raise value_error(name, "a strided layout", layout)
    array = np.ones(M) if M < 2 else values()
    made = wrap(literal(np.asarray(array, dtype.numpy), array_type((M,), dtype)))
    return made.requires_grad_() if requires_grad else made


def _window(name: str, values: Callable[[int, bool], Any], doc: str) -> Callable[..., Tensor]:
    def window(
        M: int,
        *,
        sym: bool = True,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:
        return _made(lambda: values(M, sym), M, name, dtype, layout, device, requires_grad)

    window.__name__ = window.__qualname__ = name
    window.__doc__ = doc + "\n\n    Raises: ValueError for a negative M or a dtype other than float32 and float64.\n    "
    return window


bartlett = _window("bartlett", lambda M, sym: 1 - np.abs(_place(M, sym)), "A triangle: 1 - |2 n / N - 1|")
hann = _window("hann", lambda M, sym: _cosines(M, sym, (_HANN, 1 - _HANN)), "(1 - cos(2 pi n / N)) / 2")
hamming = _window(
    "hamming", lambda M, sym: _cosines(M, sym, (_HAMMING, 1 - _HAMMING)), "0.54 - 0.46 cos(2 pi n / N)"
)
blackman = _window(
    "blackman", lambda M, sym: _cosines(M, sym, _BLACKMAN), "0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)"
)
nuttall = _window("nuttall", lambda M, sym: _cosines(M, sym, _NUTTALL), "Nuttall's minimal sum of four cosines")
cosine = _window(
    "cosine", lambda M, sym: np.sin(np.pi * (np.arange(M) + 0.5) / (M if sym else M + 1)), "sin(pi (n + 1/2) / M)"
)


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """sum_i (-1)^i a_i cos(2 pi i n / N)

    Raises: TypeError or ValueError when `a` is no list of numbers, or empty; and as the other windows.
    """
    if not isinstance(a, Iterable):
        raise type_error("general_cosine", "coefficients must be a list/tuple", type(a).__name__)
    weights = list(a)
    if not weights:
        raise value_error("general_cosine", "coefficients cannot be empty", weights)
    return _made(
        lambda: _cosines(M, sym, weights), M, "general_cosine", dtype, layout, device, requires_grad
    )


def general_hamming(
    M: int,
    *,
    alpha: float = _HAMMING,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """alpha - (1 - alpha) cos(2 pi n / N)"""
    return general_cosine(
        M, a=(alpha, 1 - alpha), sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """I_0(beta sqrt(1 - (2 n / N - 1)^2)) / I_0(beta)

    Raises: ValueError for a negative beta; and as the other windows.
    """
    if beta < 0:
        raise value_error("kaiser", "beta must be non-negative", beta)
    root = lambda: np.sqrt(np.maximum(1 - _place(M, sym) ** 2, 0))
    return _made(lambda: np.i0(beta * root()) / np.i0(beta), M, "kaiser", dtype, layout, device, requires_grad)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """exp(-(n - N / 2)^2 / (2 std^2))

    Raises: ValueError for a std that is not positive; and as the other windows.
    """
    if std <= 0:
        raise value_error("gaussian", "Standard deviation must be positive", std)
    distance = lambda: (np.arange(M) - (M - 1 if sym else M) / 2) / std
    return _made(lambda: np.exp(-0.5 * distance() ** 2), M, "gaussian", dtype, layout, device, requires_grad)


def exponential(
    M: int,
    *,
    center: Optional[float] = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """exp(-|n - center| / tau); the center is N / 2 unless given.

    Raises: ValueError for a tau that is not positive, and a center given for a symmetric window.
    """
    if tau <= 0:
        raise value_error("exponential", "Tau must be positive", tau)
    if sym and center is not None:
        raise value_error("exponential", "Center must be None for symmetric windows", center)
    middle = (M - 1 if sym else M) / 2 if center is None else center
    values = lambda: np.exp(-np.abs(np.arange(M) - middle) / tau)
    return _made(values, M, "exponential", dtype, layout, device, requires_grad)


# --- by their older names ---------------------------------------------------------------------------------------------


def _older(name: str, length: Any, dtype: Any, values: Callable[[int, bool], Any], periodic: bool, rest: Any) -> Tensor:
    if not isinstance(length, int):
        raise type_error(name, "argument 'window_length' must be int", type(length).__name__)
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    wanted = dtype or dtypes.get_default_dtype()
    if not wanted.is_floating_point:
        raise dtype_error(name, "floating point dtypes", wanted)
    wide = wanted if wanted in (dtypes.float32, dtypes.float64) else dtypes.float32
    made = _made(lambda: values(length, not periodic), length, name, wide, rest.get("layout"), rest.get("device"), False)
    made = made if wide is wanted else made.to(wanted)  # type: ignore[attr-defined]
    return made.requires_grad_() if rest.get("requires_grad") else made


def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None, **rest: Any) -> Tensor:
    """`signal.windows.bartlett`, periodic unless told otherwise."""
    return _older(
        "bartlett_window", window_length, dtype, lambda M, sym: 1 - np.abs(_place(M, sym)), periodic, rest
    )


def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None, **rest: Any) -> Tensor:
    """`signal.windows.hann`, periodic unless told otherwise."""
    return _older(
        "hann_window", window_length, dtype, lambda M, sym: _cosines(M, sym, (_HANN, 1 - _HANN)), periodic, rest
    )


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: Any = None, **rest: Any
) -> Tensor:
    """alpha - beta cos(2 pi n / N), periodic unless told otherwise."""
    return _older(
        "hamming_window", window_length, dtype, lambda M, sym: _cosines(M, sym, (alpha, beta)), periodic, rest
    )


def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None, **rest: Any) -> Tensor:
    """`signal.windows.blackman`, periodic unless told otherwise."""
    return _older(
        "blackman_window", window_length, dtype, lambda M, sym: _cosines(M, sym, _BLACKMAN), periodic, rest
    )


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None, **rest: Any
) -> Tensor:
    """`signal.windows.kaiser`, periodic unless told otherwise."""

    def values(M: int, sym: bool) -> Any:
        return np.i0(beta * np.sqrt(np.maximum(1 - _place(M, sym) ** 2, 0))) / np.i0(beta)

    return _older("kaiser_window", window_length, dtype, values, periodic, rest)


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
