"""The one table that makes functions methods of Tensor: name -> function, `name_` -> its in-place twin, and the
operators. A function module says at its foot what it offers (`METHODS`, `IN_PLACE`); nothing is bound elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from wengert import dtypes
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
from wengert.functions.elementwise import in_place, operator, operator_of
from wengert.functions.operands import is_number
from wengert.graph.rule import primitives as p
from wengert.tensors import interop, printing
from wengert.tensors.tensor import Tensor

MODULES: tuple[ModuleType, ...] = (
    copies, counting, create, cumulative, data, einsum, elementwise, elimination, extremes, fft, index, join, layout,
    linalg, masked, masks, matrices, multilinear, norms, numbers, order, overwrite, parts, patterns, pieces, products,
    put, quantiles, random, ranges, reduce, sampling, scatter, seeds, shape, sort, special, spectra, spectrum,
    statistics, tapers, turn, types, interop, printing,
)  # fmt: skip


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
        table[f"__{name}__"] = operator_of(function)
        table[f"__r{name}__"] = operator_of(function, reflected=True)
        table[f"__i{name}__"] = _augmented(f"__i{name}__", function)
    # The common ones go straight to `record`. Bools and integers are what their functions make exceptions for.
    table["__add__"], table["__radd__"] = operator(e.add, p.add), operator(e.add, p.add, reflected=True)
    table["__mul__"], table["__rmul__"] = operator(e.mul, p.mul), operator(e.mul, p.mul, reflected=True)
    for reflected, prefix in ((False, ""), (True, "r")):
        table[f"__{prefix}sub__"] = operator(e.sub, p.sub, reflected=reflected, least=dtypes.INTEGER)
        table[f"__{prefix}truediv__"] = operator(e.true_divide, p.div, floats=True, reflected=reflected)
    table["__rdiv__"] = table["__rtruediv__"]
    for name in ("lt", "le", "gt", "ge"):
        table[f"__{name}__"] = operator_of(getattr(e, name))
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
