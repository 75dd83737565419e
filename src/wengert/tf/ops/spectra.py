"""Fourier and cosine transforms: `tf.signal`."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any, Optional

from wengert.tf.errors import invalid
from wengert.tf.face import face
from wengert.tf.ops.arguments import COMPLEX, FLOATING, accept, axes_in, axis_in, ints
from wengert.tf.ops.core import w

_FLOAT = frozenset([w.float32, w.float64])


def _complex_transform(function: Any, operation: str, axes: int, doc: str) -> Any:
    @face("input")
    def transform(input: Any, name: Optional[str] = None) -> Any:
        accept(operation, COMPLEX, input)
        _need_axes(input, axes, operation)
        return function(input, dim=tuple(range(-axes, 0)))

    return _named(transform, operation, doc)


def _real_transform(function: Any, operation: str, axes: int, kind: Any, doc: str) -> Any:
    @face("input_tensor")
    def transform(input_tensor: Any, fft_length: Any = None, name: Optional[str] = None) -> Any:
        if input_tensor.dtype not in kind or input_tensor.ndim < axes:
            raise ValueError(
                f"{operation}: needs {' or '.join(sorted([d.name for d in kind]))} with {axes} axes at least, got "
                f"{input_tensor.dtype.name} of shape {tuple(input_tensor.shape)}"
            )
        lengths = None if fft_length is None else ints(fft_length)
        return function(input_tensor, s=lengths, dim=tuple(range(-axes, 0)))

    return _named(transform, operation, doc)


def _need_axes(x: Any, axes: int, operation: str) -> None:
    if x.ndim < axes:
        raise invalid(f"Input must have rank of at least {axes} but got: {list(x.shape)} [Op:{operation}]")


def _named(function: Any, operation: str, doc: str) -> Any:
    function.__doc__ = f"{doc}\n\nRaises: InvalidArgumentError for dtypes or ranks that do not fit."
    function.__name__ = function.__qualname__ = operation
    return function


f = w.fft
fft = _complex_transform(f.fftn, "FFT", 1, "The discrete Fourier transform of the last axis, of complex numbers.")
fft2d = _complex_transform(f.fftn, "FFT2D", 2, "The discrete Fourier transform of the last two axes.")
fft3d = _complex_transform(f.fftn, "FFT3D", 3, "The discrete Fourier transform of the last three axes.")
ifft = _complex_transform(f.ifftn, "IFFT", 1, "The inverse of `fft`.")
ifft2d = _complex_transform(f.ifftn, "IFFT2D", 2, "The inverse of `fft2d`.")
ifft3d = _complex_transform(f.ifftn, "IFFT3D", 3, "The inverse of `fft3d`.")
rfft = _real_transform(f.rfftn, "RFFT", 1, _FLOAT, "The Fourier transform of real numbers: the half that is not redundant.")
rfft2d = _real_transform(f.rfftn, "RFFT2D", 2, _FLOAT, "As `rfft`, of the last two axes.")
rfft3d = _real_transform(f.rfftn, "RFFT3D", 3, _FLOAT, "As `rfft`, of the last three axes.")
irfft = _real_transform(f.irfftn, "IRFFT", 1, COMPLEX, "The inverse of `rfft`, of so many numbers.")
irfft2d = _real_transform(f.irfftn, "IRFFT2D", 2, COMPLEX, "The inverse of `rfft2d`.")
irfft3d = _real_transform(f.irfftn, "IRFFT3D", 3, COMPLEX, "The inverse of `rfft3d`.")


def _over_axes(function: Any, operation: str, kind: Any, doc: str) -> Any:
    @face("input_tensor")
    def transform(
        input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: Any = None, name: Optional[str] = None
    ) -> Any:
        accept(operation, kind, input_tensor)
        places = None if axes is None else axes_in(axes, input_tensor.ndim, operation)
        lengths = None if fft_length is None else ints(fft_length)
        return function(input_tensor, s=lengths, dim=places, norm=norm)

    return _named(transform, operation, doc)


fftnd = _over_axes(f.fftn, "FFTND", COMPLEX, "The discrete Fourier transform over axes, cut or filled to lengths.")
ifftnd = _over_axes(f.ifftn, "IFFTND", COMPLEX, "The inverse of `fftnd`.")
rfftnd = _over_axes(f.rfftn, "RFFTND", _FLOAT, "As `fftnd`, of real numbers: the half that is not redundant.")
irfftnd = _over_axes(f.irfftn, "IRFFTND", COMPLEX, "The inverse of `rfftnd`.")


@face("x")
def fftshift(x: Any, axes: Any = None, name: Optional[str] = None) -> Any:
    """The zero frequency moved to the middle."""
    return f.fftshift(x, axes_in(axes, x.ndim, "fftshift"))


@face("x")
def ifftshift(x: Any, axes: Any = None, name: Optional[str] = None) -> Any:
    """The inverse of `fftshift`."""
    return f.ifftshift(x, axes_in(axes, x.ndim, "ifftshift"))


# --- cosine transforms: products with their matrices ------------------------------------------------------------------


def _cosines(kind: int, n: int, norm: Any, dtype: Any) -> Any:
    """The matrix whose rows are the frequencies of a cosine transform.

    Source: K. R. Rao and P. Yip, Discrete cosine transform, 1990.
    """
    k, j = w.arange(n, dtype=w.float64)[:, None], w.arange(n, dtype=w.float64)
    if kind == 1:
        y = 2 * w.cos(pi * k * j / (n - 1))
        y = w.where((j == 0) | (j == n - 1), y / 2, y)
    elif kind == 2:
        y = 2 * w.cos(pi * k * (2 * j + 1) / (2 * n))
        if norm == "ortho":
            y = y * w.where(k == 0, sqrt(0.25 / n), sqrt(0.5 / n))
    elif kind == 3:
        y = 2 * w.cos(pi * (2 * k + 1) * j / (2 * n))
        y = y * w.where(j == 0, sqrt(0.25 / n), sqrt(0.5 / n)) if norm == "ortho" else w.where(j == 0, y / 2, y)
    else:
        y = 2 * w.cos(pi * (2 * k + 1) * (2 * j + 1) / (4 * n))
        y = y * sqrt(0.5 / n) if norm == "ortho" else y
    return y.to(dtype)


def _check_kind(kind: Any, norm: Any, n: int) -> None:
    if kind not in (1, 2, 3, 4):
        raise ValueError(f"Types I, II, III and IV (I)DCT are supported. Got type {kind}.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")
    if kind == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")
    if kind == 1 and n < 2:
        raise ValueError("Type-I DCT requires the dimension to be greater than one.")


@face("input")
def dct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Optional[str] = None, name: Optional[str] = None
) -> Any:
    """The discrete cosine transform of the last axis, cut or filled with zeros to n; types 1 to 4, "ortho" or not.

    Raises: ValueError for another type, axis or norm.
    """
    accept("DCT", FLOATING, input)
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    size = input.shape[axis_in(axis, input.ndim, "DCT")]
    length = size if n is None else ints(n)[0]
    _check_kind(type, norm, length)
    if length < size:
        input = input[..., :length]
    elif length > size:
        input = w.nn.functional.pad(input, (0, length - size))
    return w.matmul(input[..., None, :], _cosines(type, length, norm, input.dtype).mT)[..., 0, :]


@face("input")
def idct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Optional[str] = None, name: Optional[str] = None
) -> Any:
    """The inverse of `dct`, up to the factor 2n (2 (n - 1) for type 1) that TensorFlow leaves where norm is None."""
    accept("DCT", FLOATING, input)
    _check_kind(type, norm, input.shape[-1])
    inverse = {1: 1, 2: 3, 3: 2, 4: 4}[type]
    return dct(input, inverse, n, axis, norm)


__all__ = [
    "dct", "fft", "fft2d", "fft3d", "fftnd", "fftshift", "idct", "ifft", "ifft2d", "ifft3d", "ifftnd", "ifftshift",
    "irfft", "irfft2d", "irfft3d", "irfftnd", "rfft", "rfft2d", "rfft3d", "rfftnd",
]  # fmt: skip
