"""Discrete Fourier transforms, as `wengert.fft`.

norm says where the scale stands: "backward" (the default) divides the inverse by n, "forward" the transform itself,
"ortho" both by sqrt(n). n is the number of elements along all the transformed dimensions together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import dtype_error, runtime_error
from wengert.functions.axes import axis_of
from wengert.functions.operands import deliver, node_of
from wengert.functions.turn import roll
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import conjugated, primitives as p
from wengert.primitives.casting import move
from wengert.shapes import Shape
from wengert.tensors.device import check_device
from wengert.tensors.tensor import Tensor, wrap

__all__: list[str] = []

Sizes = Optional[Sequence[int]]
_FLIPPED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


# --- arguments ------------------------------------------------------------------------------------------------------


def _complex(x: Node, operation: str) -> Node:
    return move(_real_or_complex(x, operation), x.dtype.to_complex if x.dtype.inexact else _default().to_complex)


def _default() -> DType:
    return dtypes.get_default_dtype()


def _real_or_complex(x: Node, operation: str) -> Node:
    """Integers as the default floating dtype. Raises: RuntimeError for 16-bit floats."""
    if not x.dtype.inexact:
        return move(x, _default())
    if x.dtype.itemsize < 4:
        raise dtype_error(operation, "Unsupported dtype for a Fourier transform: float32, float64 or complex", x.dtype)
    return x


def _real(x: Node, operation: str) -> Node:
    if x.dtype.is_complex:
        raise dtype_error(operation, f"{operation} expects a real input tensor", x.dtype)
    return _real_or_complex(x, operation)


def _norm(norm: Optional[str], operation: str) -> str:
    norm = norm or "backward"
    if norm not in _FLIPPED:
        raise runtime_error(operation, "Invalid normalization mode: 'backward', 'ortho' or 'forward'", repr(norm))
    return norm


def _scaled(y: Node, norm: str, count: int, inverse: bool) -> Node:
    if norm == "ortho":
        return y * (1 / sqrt(count))
    return y * (1 / count) if (norm == "backward") == inverse else y


def _extents(x: Node, s: Any, dim: Any, operation: str) -> tuple[Shape, list[int]]:
    """The transformed dimensions, and the size wanted along each (-1: as it is)."""
    if dim is None:
        if s is not None and len(s) > x.ndim:
            raise runtime_error(
                operation, f"Got shape with {len(s)} values but input tensor only has {x.ndim} dimensions"
            )
        dim = range(x.ndim - len(s), x.ndim) if s is not None else range(x.ndim)
    axes = tuple([axis_of(axis, x.ndim, operation) for axis in dim])
    if len(set(axes)) != len(axes):
        raise runtime_error(operation, "FFT dims must be unique", list(dim))
    if s is not None and len(s) != len(axes):
        raise runtime_error(operation, "When given, dim and shape arguments must have the same length", (s, dim))
    return axes, [-1] * len(axes) if s is None else [n.__index__() for n in s]


def _one(x: Node, n: Optional[int], dim: int, operation: str) -> tuple[Shape, list[int]]:
    """The same for one dimension."""
    if x.ndim == 0:
        raise IndexError(f"{operation}: Dimension specified as {dim} but tensor has no dimensions")
    return (axis_of(dim, x.ndim, operation),), [-1 if n is None else n.__index__()]


def _sized(x: Node, axes: Shape, sizes: Sequence[int], operation: str) -> Node:
    """x cut, or filled up with zeros, to the sizes along the axes."""
    high = [0] * x.ndim
    for axis, n in zip(axes, sizes):
        if n == -1:
            n = x.shape[axis]
        if n < 1:
            raise runtime_error(operation, f"Invalid number of data points ({n}) specified")
        high[axis] = n - x.shape[axis]
    return p.pad(x, scalar(0, x.dtype), low=(0,) * x.ndim, high=tuple(high)) if any(high) else x


# --- the three kinds of transform -------------------------------------------------------------------------------------


def _transform(x: Node, axes: Shape, sizes: list[int], norm: Optional[str], inverse: bool, operation: str) -> Node:
    """Complex to complex."""
    kind = _norm(norm, operation)
    x = _sized(_complex(x, operation), axes, sizes, operation)
    if not axes:
        return x
    count = prod([x.shape[axis] for axis in axes])
    return _scaled(p.fft(x, axes=axes, inverse=inverse), kind, count, inverse)


def _half(x: Node, axes: Shape, sizes: list[int], norm: Optional[str], inverse: bool, operation: str) -> Node:
    """Real to the first half of what is Hermitian, along the last of `axes`; along the others complex to complex."""
    kind = _norm(norm, operation)
    x = _sized(_real(x, operation), axes, sizes, operation)
    if not axes:
        raise runtime_error(operation, "at least one dimension to transform", list(axes))
    count = prod([x.shape[axis] for axis in axes])
    y = p.rfft(x, axis=axes[-1])
    if inverse:
        y = conjugated(y)
    if axes[:-1]:
        y = p.fft(y, axes=axes[:-1], inverse=inverse)
    return _scaled(y, kind, count, inverse)


def _whole(x: Node, axes: Shape, sizes: list[int], norm: Optional[str], inverse: bool, operation: str) -> Node:
    """The first half of what is Hermitian to real, along the last of `axes`; along the others complex to complex."""
    kind = _norm(norm, operation)
    if not axes:
        raise runtime_error(operation, "at least one dimension to transform", list(axes))
    n = sizes[-1] if sizes[-1] != -1 else 2 * (x.shape[axes[-1]] - 1)
    if n < 1:
        raise runtime_error(operation, f"Invalid number of data points ({n}) specified")
    x = _sized(_complex(x, operation), axes, [*sizes[:-1], n // 2 + 1], operation)
    count = n * prod([x.shape[axis] for axis in axes[:-1]])
    if axes[:-1]:
        x = p.fft(x, axes=axes[:-1], inverse=inverse)
    y = p.irfft(x if inverse else conjugated(x), axis=axes[-1], n=n)
    return _scaled(y, kind, count, inverse)


_Kind = Callable[[Node, Shape, "list[int]", Optional[str], bool, str], Node]


def _along_one(name: str, kind: _Kind, inverse: bool, doc: str) -> Callable[..., Tensor]:
    def function(
        input: Tensor, n: Optional[int] = None, dim: int = -1, norm: Optional[str] = None, *, out: Optional[Tensor] = None
    ) -> Tensor:
        x = node_of(input, name)
        return deliver(kind(x, *_one(x, n, dim, name), norm, inverse, name), out)

    return _documented(function, name, doc)


def _along_many(name: str, kind: _Kind, inverse: bool, default: Any, doc: str) -> Callable[..., Tensor]:
    def function(
        input: Tensor, s: Sizes = None, dim: Any = default, norm: Optional[str] = None, *, out: Optional[Tensor] = None
    ) -> Tensor:
        x = node_of(input, name)
        dims = (dim,) if isinstance(dim, int) else dim
        sizes = (s,) if isinstance(s, int) else s
        return deliver(kind(x, *_extents(x, sizes, dims, name), norm, inverse, name), out)

    return _documented(function, name, doc)


def _documented(function: Any, name: str, doc: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


_RAISES = """

    n (or s): the size along the dimension (or dimensions) to cut or zero-fill to. norm: see the module.

    Raises: RuntimeError for sizes below 1, dimensions given twice, another norm; IndexError for dimensions that are not
    there.
    """

fft = _along_one("fft", _transform, False, "y_k = sum_j e^(-2 pi i j k / n) x_j along `dim`." + _RAISES)
ifft = _along_one("ifft", _transform, True, "The inverse of `fft`." + _RAISES)
rfft = _along_one("rfft", _half, False, "The first n // 2 + 1 numbers of `fft`, for a real input." + _RAISES)
irfft = _along_one("irfft", _whole, True, "The inverse of `rfft`; n is 2 (size - 1) unless given." + _RAISES)
hfft = _along_one("hfft", _whole, False, "`fft` of the Hermitian numbers of which the first half is given: real." + _RAISES)
ihfft = _along_one("ihfft", _half, True, "The inverse of `hfft`: the first half of `ifft`, for a real input." + _RAISES)

fft2 = _along_many("fft2", _transform, False, (-2, -1), "`fft` along two dimensions." + _RAISES)
ifft2 = _along_many("ifft2", _transform, True, (-2, -1), "`ifft` along two dimensions." + _RAISES)
rfft2 = _along_many("rfft2", _half, False, (-2, -1), "`rfft` along the last of two, `fft` along the other." + _RAISES)
irfft2 = _along_many("irfft2", _whole, True, (-2, -1), "The inverse of `rfft2`." + _RAISES)
hfft2 = _along_many("hfft2", _whole, False, (-2, -1), "`hfft` along the last of two, `fft` along the other." + _RAISES)
ihfft2 = _along_many("ihfft2", _half, True, (-2, -1), "The inverse of `hfft2`." + _RAISES)

fftn = _along_many("fftn", _transform, False, None, "`fft` along several dimensions, by default all." + _RAISES)
ifftn = _along_many("ifftn", _transform, True, None, "The inverse of `fftn`." + _RAISES)
rfftn = _along_many("rfftn", _half, False, None, "`rfft` along the last of the dimensions, `fft` along the others." + _RAISES)
irfftn = _along_many("irfftn", _whole, True, None, "The inverse of `rfftn`." + _RAISES)
hfftn = _along_many("hfftn", _whole, False, None, "`hfft` along the last of the dimensions, `fft` along the others." + _RAISES)
ihfftn = _along_many("ihfftn", _half, True, None, "The inverse of `hfftn`." + _RAISES)


# --- frequencies ------------------------------------------------------------------------------------------------------


def _frequencies(first: int, stop: int, n: int, d: float, dtype: Optional[DType]) -> Node:
    dtype = dtype or _default()
    k = p.iota(n=max(stop - first, 0), dtype=dtypes.int64) + first
    return move(k, dtype) * (1 / (n * d))


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of `fft`'s results, for samples `d` apart: (0, 1, ..., then -n // 2, ..., -1) / (n d)."""
    check_device(device)
    positive = (n + 1) // 2
    parts = [_frequencies(0, positive, n, d, dtype), _frequencies(-(n // 2), 0, n, d, dtype)]
    made = deliver(p.concatenate(*parts, axis=0), out)
    return made.requires_grad_() if requires_grad else made


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of `rfft`'s results: (0, 1, ..., n // 2) / (n d)."""
    check_device(device)
    made = deliver(_frequencies(0, n // 2 + 1, n, d, dtype), out)
    return made.requires_grad_() if requires_grad else made


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Turned so that frequency 0 stands in the middle, along `dim` or along all dimensions."""
    return _shifted(input, dim, lambda n: n // 2)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(input, dim, lambda n: (n + 1) // 2)


def _shifted(input: Tensor, dim: Any, by: Callable[[int], int]) -> Tensor:
    x = node_of(input, "fftshift")
    dims = tuple(range(x.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if not dims:
        return wrap(x)
    return roll(input, tuple([by(x.shape[axis_of(axis, x.ndim, "fftshift")]) for axis in dims]), dims)


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
