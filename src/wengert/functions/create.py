"""Tensors made from nothing: filled with one value, counted, spaced."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, isfinite
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import type_error
from wengert.functions.data import dtype_named_by
from wengert.functions.operands import as_python, deliver, is_number, sizes
from wengert.graph.node import Node
from wengert.graph.record import record, scalar
from wengert.primitives import creation
from wengert.primitives.casting import move
from wengert.primitives.exponential import exp2
from wengert.primitives.piecewise import where
from wengert.primitives.steps import eq, lt
from wengert.primitives.views import expand, reshape
from wengert.tensors.device import check_device
from wengert.tensors.tensor import Tensor, link_of

__all__ = [
    "zeros", "ones", "full", "empty", "empty_strided", "zeros_like", "ones_like", "full_like", "empty_like",
    "arange", "linspace", "logspace", "eye",
]  # fmt: skip


def finish(node: Node, out: Optional[Tensor], layout: Any, device: Any, requires_grad: bool, operation: str) -> Tensor:
    """A fresh tensor as the common keyword arguments ask for it.

    Raises: RuntimeError for a device or layout that is not there.
    """
    check_device(device)
    if layout is not None and not str(layout).endswith("strided"):
        raise RuntimeError(f"{operation}: only the strided layout is supported; got {layout}.")
    made = deliver(node, out)
    return made.requires_grad_() if requires_grad else made


def filled(shape: tuple[int, ...], value: Any, dtype: DType, operation: str) -> Node:
    """A node of one value; a zero-dimensional tensor passes its derivative on.

    Raises: RuntimeError when a size is negative, or the value is no number of this dtype.
    """
    if shape and min(shape) < 0:
        raise RuntimeError(f"{operation}: Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return record(creation.full, (one_value(value, dtype, operation),), (shape,))


def one_value(value: Any, dtype: DType, operation: str) -> Node:
    """A number or a zero-dimensional tensor as a node of `dtype`.

    Raises: TypeError for anything else; RuntimeError for a value that `dtype` cannot hold.
    """
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                f"{operation} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
            )
        return move(value._read(), dtype)
    if not is_number(value):
        raise type_error(operation, "a number as value", type(value).__name__)
    value = as_python(value)
    if isinstance(value, complex) and not dtype.is_complex:
        if value.imag:
            raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
        value = value.real
    if isinstance(value, float) and dtype.category == dtypes.INTEGER:
        if not isfinite(value):
            raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
        value = int(value)
    if dtype.category == dtypes.INTEGER:
        high = 1 << (8 * dtype.itemsize - dtype.is_signed)
        if not (-high if dtype.is_signed else 1 - high) <= value < high:
            raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
    return scalar(value, dtype)


# --- one value ---------------------------------------------------------------------------------------------------------


def _constant(name: str, value: int) -> Callable[..., Tensor]:
    """The public function of sizes that fills with a constant."""

    def function(
        *args: Any,
        size: Any = None,
        out: Optional[Tensor] = None,
        dtype: Optional[DType] = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        shape = sizes(name, args if size is None else (size,))
        kind = _dtype(dtype, out, name)
        return finish(filled(shape, value, kind, name), out, layout, device, requires_grad, name)

    function.__name__ = function.__qualname__ = name
    return function


def _dtype(dtype: Optional[DType], out: Optional[Tensor], operation: str) -> DType:
    if dtype is not None:
        return dtype_named_by(dtype, operation)
    return dtypes.get_default_dtype() if out is None else out.dtype


zeros = _constant("zeros", 0)
zeros.__doc__ = """Zeros of the given sizes: ``zeros(2, 3)`` or ``zeros((2, 3))``.

Raises: RuntimeError for a negative size; TypeError for one that is no integer.
"""
ones = _constant("ones", 1)
ones.__doc__ = "Ones of the given sizes; as `zeros`."
empty = _constant("empty", 0)
empty.__doc__ = "A tensor whose content does not matter (it is zeros); as `zeros`."


def full(
    size: Any,
    fill_value: Any,
    *,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of `size` filled with one number; its dtype is the number's unless given.

    Raises: RuntimeError for a negative size or a value that `dtype` cannot hold.
    """
    if dtype is None and out is None:
        dtype = fill_value.dtype if isinstance(fill_value, Tensor) else dtypes.of_number(fill_value)
    node = filled(sizes("full", (size,)), fill_value, _dtype(dtype, out, "full"), "full")
    return finish(node, out, layout, device, requires_grad, "full")


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of the input's shape and dtype filled with one number.

    Raises: TypeError when input is no tensor; RuntimeError for a value that the dtype cannot hold.
    """
    if not isinstance(input, Tensor):
        raise type_error("full_like", "argument 'input' must be a Tensor", type(input).__name__)
    kind = input.dtype if dtype is None else dtype_named_by(dtype, "full_like")
    return finish(filled(tuple(input.shape), fill_value, kind, "full"), None, layout, device, requires_grad, "full_like")


def zeros_like(input: Tensor, **options: Any) -> Tensor:
    """Zeros of the input's shape and dtype; keyword arguments as for `full_like`."""
    return full_like(input, 0, **options)


def ones_like(input: Tensor, **options: Any) -> Tensor:
    """Ones of the input's shape and dtype; keyword arguments as for `full_like`."""
    return full_like(input, 1, **options)


def empty_like(input: Tensor, **options: Any) -> Tensor:
    """A tensor of the input's shape and dtype whose content does not matter; keyword arguments as for `full_like`."""
    return full_like(input, 0, **options)


def empty_strided(size: Any, stride: Any, **options: Any) -> Tensor:
    """A tensor whose content does not matter, with the given strides in elements.

    Raises: RuntimeError unless there is one stride for each size.
    """
    shape, steps = sizes("empty_strided", (size,)), sizes("empty_strided", (stride,))
    if len(shape) != len(steps):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(steps)} strides for {len(shape)} dimensions")
    made = empty(shape, **options)
    link_of(made).cell.strides = steps
    return made


# --- counted and spaced ------------------------------------------------------------------------------------------------


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... up to but without `end`: ceil((end - start) / step) numbers. One argument is the end.

    dtype: int64 when all three are integers, else the default floating dtype.

    Raises: RuntimeError when step is 0, points away from the end, or the range is not finite.
    """
    start, end, step = [_number(value, "arange") for value in ((0, start, step) if end is None else (start, end, step))]
    whole = all([isinstance(value, int) for value in (start, end, step)])
    if dtype is None and out is None:
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    kind = _dtype(dtype, out, "arange")
    if not (isfinite(start) and isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(f"upper bound and lower bound inconsistent with step sign: from {start} to {end} by {step}")
    n = -((start - end) // step) if whole else ceil((end - start) / step)
    wide = dtypes.int64 if whole else dtypes.float64
    node = creation.iota(n=n, dtype=wide)
    if step != 1:
        node = node * scalar(step, wide)
    if start != 0:
        node = node + scalar(start, wide)
    return finish(move(node, kind), out, layout, device, requires_grad, "arange")


def _number(value: Any, operation: str) -> Any:
    """An endpoint as a Python number."""
    if isinstance(value, Tensor):
        return value.item()
    if not is_number(value):
        raise type_error(operation, "numbers", type(value).__name__)
    return as_python(value)


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers evenly spaced from start to end, both included.

    Raises: RuntimeError when steps is negative.
    """
    start, end = _number(start, "linspace"), _number(end, "linspace")
    kind = _spaced_dtype(dtype, out, (start, end), "linspace")
    node = move(_spaced(start, end, _count(steps, "linspace")), kind)
    return finish(node, out, layout, device, requires_grad, "linspace")


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """base ** x for `steps` numbers x evenly spaced from start to end.

    Raises: RuntimeError when steps is negative.
    """
    start, end = _number(start, "logspace"), _number(end, "logspace")
    kind = _spaced_dtype(dtype, out, (start, end), "logspace")
    exponents = _spaced(start, end, _count(steps, "logspace"))
    node = exp2(exponents) if base == 2 else scalar(base, exponents.dtype) ** exponents
    return finish(move(node, kind), out, layout, device, requires_grad, "logspace")


def _count(steps: Any, operation: str) -> int:
    (n,) = sizes(operation, (steps,))
    if n < 0:
        raise RuntimeError(f"number of steps must be non-negative; {operation} got {n}")
    return n


def _spaced_dtype(dtype: Optional[DType], out: Optional[Tensor], ends: Any, operation: str) -> DType:
    if dtype is None and out is None and any([isinstance(value, complex) for value in ends]):
        return dtypes.get_default_dtype().to_complex
    return _dtype(dtype, out, operation)


def _spaced(start: Any, end: Any, n: int) -> Node:
    """Evenly spaced numbers in double precision: the first half counted from the start, the second from the end, so
    that both ends are exact."""
    wide = dtypes.complex128 if isinstance(start, complex) or isinstance(end, complex) else dtypes.float64
    if n == 1:
        return filled((1,), start, wide, "linspace")
    i = creation.iota(n=n, dtype=dtypes.float64)
    step = scalar((end - start) / max(n - 1, 1), wide)
    from_start = move(i, wide) * step + scalar(start, wide)
    from_end = scalar(end, wide) - move(scalar(n - 1, dtypes.float64) - i, wide) * step
    return where(lt(i, scalar(n // 2, dtypes.float64)), from_start, from_end)


def eye(
    n: int,
    m: Optional[int] = None,
    *,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Ones on the diagonal of an n by m matrix (m = n unless given), zeros elsewhere.

    Raises: RuntimeError when a size is negative.
    """
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    rows, columns = positions(n, n if m is None else m)
    node = move(eq(rows, columns), _dtype(dtype, out, "eye"))
    return finish(node, out, layout, device, requires_grad, "eye")


def positions(n: int, m: int) -> tuple[Node, Node]:
    """The row number and the column number of each element of an n by m matrix, ready to broadcast."""
    row = expand(reshape(creation.iota(n=n, dtype=dtypes.int64), shape=(n, 1)), shape=(n, m))
    return row, creation.iota(n=m, dtype=dtypes.int64)


# --- as methods --------------------------------------------------------------------------------------------------------


def _like_method(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``new_zeros`` and its kin: the function of sizes, with this tensor's dtype as the default."""

    def method(self: Tensor, *args: Any, dtype: Optional[DType] = None, **options: Any) -> Tensor:
        return function(*args, dtype=dtype or self.dtype, **options)

    method.__name__ = "new_" + function.__name__
    method.__doc__ = f"`{function.__name__}` of this tensor's dtype."
    return method


METHODS = {"new_" + function.__name__: _like_method(function) for function in (zeros, ones, empty, full, empty_strided)}
IN_PLACE: tuple[str, ...] = ()
