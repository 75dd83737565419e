"""Tensors counted and spaced: numbers in a row, and the unit matrix."""

from __future__ import annotations

from math import ceil, isfinite
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import type_error
from wengert.functions.create import dtype_wanted, filled, finish
from wengert.functions.operands import as_python, is_number, sizes
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.primitives import creation
from wengert.primitives.casting import move
from wengert.primitives.exponential import exp2
from wengert.primitives.piecewise import where
from wengert.primitives.steps import eq, lt
from wengert.primitives.views import expand, reshape
from wengert.tensors.tensor import Tensor

__all__ = ["arange", "linspace", "logspace", "eye"]


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
    kind = dtype_wanted(dtype, out, "arange")
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
    return dtype_wanted(dtype, out, operation)


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
    node = move(eq(rows, columns), dtype_wanted(dtype, out, "eye"))
    return finish(node, out, layout, device, requires_grad, "eye")


def positions(n: int, m: int) -> tuple[Node, Node]:
    """The row number and the column number of each element of an n by m matrix, ready to broadcast."""
    row = expand(reshape(creation.iota(n=n, dtype=dtypes.int64), shape=(n, 1)), shape=(n, m))
    return row, creation.iota(n=m, dtype=dtypes.int64)


METHODS: dict[str, Any] = {}
IN_PLACE: tuple[str, ...] = ()
