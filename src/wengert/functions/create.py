"""Tensors made from nothing: filled with one value, counted, spaced."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
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
from wengert.tensors.device import check_device
from wengert.tensors.tensor import Tensor, link_of

__all__ = [
    "zeros", "ones", "full", "empty", "empty_permuted", "empty_strided", "zeros_like", "ones_like", "full_like", "empty_like",
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


def _filled_always(shape: tuple[int, ...], number: int, dtype: DType, operation: str) -> Node:
    """`filled` with a number that the function's name says, so that it is part of the program."""
    if shape and min(shape) < 0:
        raise RuntimeError(f"{operation}: Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return record(creation.filled, (), (number, dtype, shape))


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
        kind = dtype_wanted(dtype, out, name)
        return finish(_filled_always(shape, value, kind, name), out, layout, device, requires_grad, name)

    function.__name__ = function.__qualname__ = name
    return function


def dtype_wanted(dtype: Optional[DType], out: Optional[Tensor], operation: str) -> DType:
    """The dtype of a fresh tensor: the one asked for, else that of `out`, else the default."""
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
    node = filled(sizes("full", (size,)), fill_value, dtype_wanted(dtype, out, "full"), "full")
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
    kind = _kind_like(input, dtype, "full_like")
    return finish(filled(tuple(input.shape), fill_value, kind, "full"), None, layout, device, requires_grad, "full_like")


def _kind_like(input: Tensor, dtype: Optional[DType], operation: str) -> DType:
    if not isinstance(input, Tensor):
        raise type_error(operation, "argument 'input' must be a Tensor", type(input).__name__)
    return input.dtype if dtype is None else dtype_named_by(dtype, operation)


def _constant_like(name: str, value: int) -> Callable[..., Tensor]:
    """The public function of a tensor that fills with a constant."""

    def function(
        input: Tensor,
        *,
        dtype: Optional[DType] = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        kind = _kind_like(input, dtype, name)
        node = _filled_always(tuple(input.shape), value, kind, name)
        return finish(node, None, layout, device, requires_grad, name)

    function.__name__ = function.__qualname__ = name
    return function


zeros_like = _constant_like("zeros_like", 0)
zeros_like.__doc__ = "Zeros of the input's shape and dtype; keyword arguments as for `full_like`."
ones_like = _constant_like("ones_like", 1)
ones_like.__doc__ = "Ones of the input's shape and dtype; keyword arguments as for `full_like`."
empty_like = _constant_like("empty_like", 0)
empty_like.__doc__ = """A tensor of the input's shape and dtype whose content does not matter (it is zeros); as `zeros_like`."""


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


def empty_permuted(size: Any, physical_layout: Any, **options: Any) -> Tensor:
    """A tensor whose content does not matter, laid out in memory in the order of dimensions `physical_layout`.

    Raises: RuntimeError unless that is an order of all dimensions.
    """
    shape, order = sizes("empty_permuted", (size,)), sizes("empty_permuted", (physical_layout,))
    if sorted(order) != list(range(len(shape))):
        raise RuntimeError(f"Permutation must cover all dimensions once: {list(order)} for {len(shape)} dimensions")
    steps, step = [0] * len(shape), 1
    for axis in reversed(order):
        steps[axis] = step
        step *= max(shape[axis], 1)
    return empty_strided(shape, tuple(steps), **options)


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
