"""The one table that makes functions methods of Tensor: name -> function, `name_` -> its in-place twin, and the
operators. A function module says at its foot what it offers (`METHODS`, `IN_PLACE`); nothing is bound elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from wengert.errors import type_error
from wengert.functions import (
    copies,
    counting,
    create,
    cumulative,
    data,
    einsum,
    elementwise,
    elimination,
    extremes,
    fft,
    index,
    join,
    layout,
    linalg,
    masked,
    masks,
    matrices,
    multilinear,
    norms,
    numbers,
    order,
    overwrite,
    parts,
    patterns,
    pieces,
    products,
    put,
    quantiles,
    random,
    ranges,
    reduce,
    sampling,
    scatter,
    seeds,
    shape,
    sort,
    special,
    spectra,
    spectrum,
    statistics,
    tapers,
    turn,
    types,
)
from wengert.functions.elementwise import in_place
from wengert.functions.operands import is_number
from wengert.tensors import interop, printing
from wengert.tensors.tensor import Tensor

MODULES: tuple[ModuleType, ...] = (
    copies, counting, create, cumulative, data, einsum, elementwise, elimination, extremes, fft, index, join, layout,
    linalg, masked, masks, matrices, multilinear, norms, numbers, order, overwrite, parts, patterns, pieces, products,
    put, quantiles, random, ranges, reduce, sampling, scatter, seeds, shape, sort, special, spectra, spectrum,
    statistics, tapers, turn, types, interop, printing,
)  # fmt: skip


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    """A binary operator: NotImplemented for operands that are none of ours, so that Python asks the other side."""

    def method(self: Tensor, other: Any) -> Any:
        try:
            return function(self, other)
        except TypeError:
            if isinstance(other, (Tensor, np.ndarray)) or is_number(other):
                raise
            return NotImplemented

    method.__name__ = method.__qualname__ = function.__name__
    return method


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return _operator(lambda self, other: function(other, self))


def _augmented(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    twin = in_place(function)

    def method(self: Tensor, other: Any) -> Any:
        if not (isinstance(other, (Tensor, np.ndarray)) or is_number(other)):
            return NotImplemented
        return twin(self, other)

    method.__name__ = name
    return method


def _equal(self: Tensor, other: Any) -> Any:
    """== compares elements; with something that is no number it is False, as in PyTorch."""
    if other is None or isinstance(other, (str, tuple, list, dict)):
        return NotImplemented
    return elementwise.eq(self, other)


def _unequal(self: Tensor, other: Any) -> Any:
    if other is None or isinstance(other, (str, tuple, list, dict)):
        return NotImplemented
    return elementwise.ne(self, other)


def _operators() -> dict[str, Any]:
    e = elementwise
    table: dict[str, Any] = {"__eq__": _equal, "__ne__": _unequal, "__neg__": e.neg, "__pos__": e.positive}
    table |= {"__abs__": e.abs, "__invert__": e.bitwise_not}
    pairs: dict[str, Callable[..., Any]] = {
        "add": e.add, "sub": e.sub, "mul": e.mul, "truediv": e.true_divide, "floordiv": e.floor_divide,
        "mod": e.remainder, "pow": e.pow, "and": e.bitwise_and, "or": e.bitwise_or, "xor": e.bitwise_xor,
        "lshift": e.bitwise_left_shift, "rshift": e.bitwise_right_shift,
    }  # fmt: skip
    for name, function in pairs.items():
        table[f"__{name}__"] = _operator(function)
        table[f"__r{name}__"] = _reflected(function)
        table[f"__i{name}__"] = _augmented(f"__i{name}__", function)
    table["__rdiv__"] = table["__rtruediv__"]
    for name in ("lt", "le", "gt", "ge"):
        table[f"__{name}__"] = _operator(getattr(e, name))
    return table


def bind() -> None:
    """Put every method on Tensor.

    Raises: TypeError when two modules claim one name.
    """
    table: dict[str, Any] = _operators()
    for module in MODULES:
        methods: dict[str, Any] = module.METHODS
        for name, function in methods.items():
            if name in table:
                raise type_error("methods", f"one owner for Tensor.{name}", module.__name__)
            table[name] = function
        for name in module.IN_PLACE:
            table[name + "_"] = in_place(methods[name])
    for name, function in table.items():
        setattr(Tensor, name, function)
    Tensor.__hash__ = lambda self: id(self)  # type: ignore[method-assign]


bind()
