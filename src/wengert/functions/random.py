"""New tensors of random numbers. This module is also `wengert.random`, with the seeds of `seeds.py`.

Every operation takes a fresh counter of its generator; see `runtime/generator.py`. The same seed gives the same numbers
wherever and whenever they are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any, Optional

from wengert import dtypes
from wengert.dtypes import DType
from wengert.errors import dtype_error, runtime_error, type_error
from wengert.functions.create import finish
from wengert.functions.data import dtype_named_by
from wengert.functions.operands import node_of, sizes
from wengert.functions.seeds import (
    Generator,
    KeyedGenerator as KeyedGenerator,
    draw,
    fork_rng as fork_rng,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)
from wengert.graph.node import Node
from wengert.graph.record import scalar
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.shapes import Shape
from wengert.tensors.tensor import Tensor

__all__ = ["rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"]


# --- numbers as nodes ------------------------------------------------------------------------------------------------


def uniform_node(operation: str, shape: Shape, dtype: DType, generator: Optional[Generator]) -> Node:
    """Uniform numbers in [0, 1); both parts of a complex one.

    Raises: RuntimeError for integer dtypes.
    """
    _check_inexact(operation, dtype)
    if dtype.is_complex:
        parts = [p.uniform(*draw(generator), shape=shape, dtype=dtype.to_real) for _ in range(2)]
        return p.complex(*parts)
    return p.uniform(*draw(generator), shape=shape, dtype=dtype)


def normal_node(operation: str, shape: Shape, dtype: DType, generator: Optional[Generator]) -> Node:
    """Normal numbers of mean 0 and variance 1, which for complex ones is half in either part.

    Raises: RuntimeError for integer dtypes.
    """
    _check_inexact(operation, dtype)
    if dtype.is_complex:
        parts = [p.normal(*draw(generator), shape=shape, dtype=dtype.to_real) * sqrt(0.5) for _ in range(2)]
        return p.complex(*parts)
    return p.normal(*draw(generator), shape=shape, dtype=dtype)


def _check_inexact(operation: str, dtype: DType) -> None:
    if not dtype.inexact:
        raise dtype_error(operation, "a floating or complex dtype", dtype, "convert the result instead")


# The largest integer that a dtype holds without gaps below it.
_LARGEST = {
    "bool": 1, "uint8": 2**8 - 1, "int8": 2**7 - 1, "int16": 2**15 - 1, "int32": 2**31 - 1, "int64": 2**63 - 1,
    "uint16": 2**16 - 1, "uint32": 2**32 - 1, "uint64": 2**64 - 1,
    "float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53,
}  # fmt: skip


def integer_node(operation: str, low: Any, high: Any, shape: Shape, dtype: DType, generator: Optional[Generator]) -> Node:
    """Integers in [low, high).

    Raises: RuntimeError when there is none or the dtype cannot hold them; TypeError for bounds that are no integers.
    """
    try:
        low, high = low.__index__(), high.__index__()
    except (AttributeError, TypeError):
        raise type_error(operation, "integer bounds", f"{low!r} and {high!r}") from None
    if low >= high:
        raise runtime_error(operation, "'from' to be less than 'to'", f"from={low} >= to={high}")
    largest = largest_integer(operation, dtype)
    smallest = -largest - 1 if dtype.is_signed and not dtype.inexact else 0 if not dtype.inexact else -largest
    for name, bound in (("from", low), ("to - 1", high - 1)):
        if not smallest <= bound <= largest:
            raise runtime_error(operation, f"{name} is out of bounds for {dtype.name}", bound)
    if high - 1 == 2**63 - 1:  # the end itself is no int64
        if low == 0:
            return move(p.bitwise_and(p.bits(*draw(generator), shape=shape), 2**63 - 1), dtype)
        raise runtime_error(operation, "'to' below 2**63", high)
    bounds = scalar(low, dtypes.int64), scalar(high, dtypes.int64)
    return p.randint(*draw(generator), *bounds, shape=shape, dtype=dtype)


def largest_integer(operation: str, dtype: DType) -> int:
    """The largest integer of a dtype below which it holds every one. Raises: RuntimeError for complex dtypes."""
    if dtype.is_complex:
        raise dtype_error(operation, "a real dtype", dtype)
    return _LARGEST[dtype.name]


# --- new tensors -----------------------------------------------------------------------------------------------------


def chosen_dtype(dtype: Any, out: Optional[Tensor], otherwise: DType, operation: str) -> DType:
    """The dtype of what is made: as asked for, or that of `out`, or `otherwise`."""
    if dtype is not None:
        return dtype_named_by(dtype, operation)
    return otherwise if out is None else out.dtype


def _shape(operation: str, size: tuple[Any, ...], named: Any) -> Shape:
    """Sizes given one by one, as one sequence, or by name.

    Raises: TypeError when there are none, RuntimeError for a negative one.
    """
    if named is not None:
        size = (named,)
    if not size:
        raise type_error(operation, "sizes, as rand(2, 3), rand((2, 3)) or rand(())", "none")
    shape = sizes(operation, size)
    if any(n < 0 for n in shape):
        raise runtime_error(operation, "Trying to create tensor with negative dimension", list(shape))
    return shape


def _floating_maker(name: str, node: Callable[..., Node], doc: str) -> Callable[..., Tensor]:
    def function(
        *sizes: Any,
        size: Any = None,
        generator: Optional[Generator] = None,
        out: Optional[Tensor] = None,
        dtype: Optional[DType] = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
    ) -> Tensor:
        chosen = chosen_dtype(dtype, out, dtypes.get_default_dtype(), name)
        y = node(name, _shape(name, sizes, size), chosen, generator)
        return finish(y, out, layout, device, requires_grad, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{doc} Sizes are given one by one or as one sequence; the dtype is the default floating one.

    Raises: RuntimeError for integer dtypes and negative sizes.
    """
    return function


rand = _floating_maker("rand", uniform_node, "Uniform numbers in [0, 1).")
randn = _floating_maker("randn", normal_node, "Normal numbers of mean 0 and variance 1.")


def _floating_twin(name: str, node: Callable[..., Node], doc: str) -> Callable[..., Tensor]:
    def function(
        input: Tensor,
        *,
        generator: Optional[Generator] = None,
        dtype: Optional[DType] = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        x = node_of(input, name)
        y = node(name, x.shape, chosen_dtype(dtype, None, x.dtype, name), generator)
        return finish(y, None, layout, device, requires_grad, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


rand_like = _floating_twin("rand_like", uniform_node, "`rand` with the shape and dtype of the input.")
randn_like = _floating_twin("randn_like", normal_node, "`randn` with the shape and dtype of the input.")


def randint(
    *bounds: Any,
    low: Optional[int] = None,
    high: Optional[int] = None,
    size: Any = None,
    generator: Optional[Generator] = None,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Integers in [low, high), int64 unless `dtype` says otherwise: ``randint(high, size)`` or
    ``randint(low, high, size)``.

    Raises: RuntimeError when there are none between the bounds, or the dtype cannot hold them.
    """
    given = list(bounds)
    if size is None:
        size = given.pop() if given else None
    if not isinstance(size, (tuple, list)):
        raise type_error("randint", "argument 'size' must be a tuple of ints", type(size).__name__)
    if high is None:
        high = given.pop() if given else None
    if low is None:
        low = given.pop() if given else 0
    if given or high is None:
        raise type_error("randint", "randint(high, size) or randint(low, high, size)", bounds)
    chosen = chosen_dtype(dtype, out, dtypes.int64, "randint")
    node = integer_node("randint", low, high, _shape("randint", (size,), None), chosen, generator)
    return finish(node, out, layout, device, requires_grad, "randint")


def randint_like(
    input: Tensor,
    *bounds: int,
    low: int = 0,
    high: Optional[int] = None,
    generator: Optional[Generator] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Integers in [low, high) with the shape and dtype of the input: ``randint_like(input, high)`` or
    ``randint_like(input, low, high)``.

    Raises: as `randint`.
    """
    x = node_of(input, "randint_like")
    if len(bounds) == 2:
        low, high = bounds
    elif len(bounds) == 1:
        low, high = (bounds[0], high) if high is not None else (low, bounds[0])
    if high is None or len(bounds) > 2:
        raise type_error("randint_like", "randint_like(input, high) or randint_like(input, low, high)", bounds)
    chosen = chosen_dtype(dtype, None, x.dtype, "randint_like")
    node = integer_node("randint_like", low, high, x.shape, chosen, generator)
    return finish(node, None, layout, device, requires_grad, "randint_like")


def randperm(
    n: int,
    *,
    generator: Optional[Generator] = None,
    out: Optional[Tensor] = None,
    dtype: Optional[DType] = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """0 ... n - 1 in random order.

    Raises: RuntimeError for a negative n, and for a dtype that cannot hold n - 1.
    """
    n = n.__index__()
    if n < 0:
        raise runtime_error("randperm", "Trying to create tensor with negative dimension", n)
    chosen = chosen_dtype(dtype, out, dtypes.int64, "randperm")
    if n - 1 > largest_integer("randperm", chosen):
        raise runtime_error("randperm", f"n - 1 to be a number of dtype {chosen.name}", n)
    y = move(p.permutation(*draw(generator), n=n), chosen)
    return finish(y, out, layout, device, requires_grad, "randperm")


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
