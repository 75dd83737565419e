"""What public operations do with their arguments before they record: tensors to nodes, numbers to scalars, dtypes
promoted; and with their result: a tensor, or written into `out`.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Optional, TypeVar

import numpy as np

from wengert import dtypes
from wengert.dtypes import DType, of_number, result_type
from wengert.errors import dtype_error, shape_error, type_error
from wengert.graph.node import Node, array_type
from wengert.graph.number import RuntimeNumber
from wengert.graph.record import literal, scalar
from wengert.primitives.casting import convert, move
from wengert.tensors.strides import is_repeated
from wengert.tensors.tensor import Tensor, wrap, write


def node_of(value: Any, operation: str, argument: str = "input") -> Node:
    """The current node of a tensor argument.

    Raises: TypeError when it is no tensor.
    """
    if not isinstance(value, Tensor):
        raise type_error(operation, f"argument '{argument}' must be a Tensor", type(value).__name__)
    return value._read()


def shape_of(value: Any, operation: str, argument: str = "input") -> tuple[int, ...]:
    """The shape of a tensor argument.

    Raises: TypeError when it is no tensor.
    """
    try:
        return value._node.type.shape
    except AttributeError:
        raise type_error(operation, f"argument '{argument}' must be a Tensor", type(value).__name__) from None


def is_number(value: Any) -> bool:
    """A Python or NumPy scalar."""
    return isinstance(value, (numbers.Number, np.generic))


def array_node(array: Any) -> Node:
    """A literal that copies a NumPy array (or anything NumPy understands)."""
    copied = np.array(array, order="C")
    return literal(copied, array_type(copied.shape, dtypes.from_numpy(copied.dtype)))


def promote(operation: str, *operands: Any, at_least: Optional[DType] = None) -> list[Node]:
    """Nodes of one dtype for tensors, arrays and Python numbers that meet in one expression, by PyTorch's promotion.

    at_least: a dtype that takes part like a Python number; `get_default_dtype()` makes integers floating.

    Raises: TypeError for an operand that is none of these.
    """
    nodes: list[Any] = []
    with_dimensions: list[DType] = []
    zero_dimensional: list[DType] = []
    plain: list[DType] = []
    for operand in operands:
        if isinstance(operand, Tensor):
            node = operand._read()
        elif isinstance(operand, Node):
            node = operand
        elif is_number(operand):
            plain.append(of_number(operand.value if operand.__class__ is RuntimeNumber else operand))
            nodes.append(operand)
            continue
        elif isinstance(operand, np.ndarray):
            node = array_node(operand)
        else:
            raise type_error(operation, "a Tensor or a number as operand", type(operand).__name__)
        (with_dimensions if node.ndim else zero_dimensional).append(node.dtype)
        nodes.append(node)
    if at_least is not None:
        plain.append(at_least)
    dtype = result_type(with_dimensions, zero_dimensional, plain)
    return [move(x, dtype) if isinstance(x, Node) else scalar(as_python(x), dtype) for x in nodes]


def as_python(value: Any) -> Any:
    """A NumPy scalar as a Python number; others as they are."""
    return value.item() if isinstance(value, np.generic) else value


def floating(x: Node) -> Node:
    """Integers and bools as the default floating dtype; others as they are."""
    return x if x.type.inexact else convert(x, dtype=dtypes.get_default_dtype())


def deliver(node: Node, out: Optional[Tensor] = None) -> Tensor:
    """The result as a tensor; written into `out` when one is given.

    Raises: RuntimeError when `out` has another shape, cannot hold the dtype, takes part in a derivative, or shows one
    place of its memory several times.
    """
    if out is None:
        return wrap(node)
    if not isinstance(out, Tensor):
        raise type_error("out", "a Tensor", type(out).__name__)
    if out.requires_grad or node.tracked:
        raise RuntimeError("out=... arguments don't support automatic differentiation, but one of the arguments requires grad.")
    if is_repeated(out):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if not dtypes.can_cast(node.dtype, out.dtype):
        raise dtype_error("out", f"a result of dtype {node.dtype} can't be cast to the desired output type", out.dtype)
    if out.shape != node.shape:
        if out.numel() == 0:
            out.data = wrap(move(node, out.dtype))
            return out
        raise shape_error("out", f"an output tensor of shape {list(node.shape)}", (tuple(out.shape),))
    return write(out, move(node, out.dtype))


F = TypeVar("F", bound=Callable[..., Any])


def with_out(function: F) -> F:
    """A function that also takes `out`, a tensor to write its result into."""

    @wraps(function)
    def accepting(*args: Any, out: Optional[Tensor] = None, **kwargs: Any) -> Tensor:
        made: Tensor = function(*args, **kwargs)
        return made if out is None else deliver(made._read(), out)

    return accepting  # type: ignore[return-value]


def assign(tensor: Tensor, node: Node, operation: str) -> Tensor:
    """Rebind `tensor` to a result: what every in-place operation ends with. The result is cast to the tensor's dtype
    when that loses no category, and must have the tensor's shape.

    Raises: RuntimeError otherwise.
    """
    here = tensor._node.type
    if node.type is not here:
        if node.shape != here.shape:
            raise shape_error(
                operation,
                f"output with shape {list(here.shape)} doesn't match the broadcast shape {list(node.shape)}",
            )
        if not dtypes.can_cast(node.dtype, here.dtype):
            raise dtype_error(
                operation, f"result type {node.dtype} can't be cast to the desired output type {here.dtype}"
            )
        node = move(node, here.dtype)
    return write(tensor, node)


def sizes(operation: str, given: Sequence[Any]) -> tuple[int, ...]:
    """Sizes given one by one or as one sequence: ``f(2, 3)`` and ``f((2, 3))``.

    Raises: TypeError when one is not an integer.
    """
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = given[0]
    try:
        return tuple([n if n.__class__ is int else n.__index__() for n in given])
    except (AttributeError, TypeError):
        raise type_error(operation, "sizes must be integers", list(given)) from None
