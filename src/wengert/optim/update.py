"""How a method's formula meets a parameter: tensors are read as nodes, the formula records, the results are written
back. Nothing is computed here; the step's flush runs all of it with the forward and backward passes that are pending.

Hot path: for each parameter and step, on top of the formula's nodes, about 3 microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.dtypes import DType, float32, float64, get_default_dtype
from wengert.graph.node import Node
from wengert.graph.record import literal, scalar
from wengert.graph.rule import primitives
from wengert.primitives.casting import move
from wengert.tensors.tensor import Tensor, wrap, write


class Numbers:
    """The numbers of a formula, by name. Each may be a one-element tensor.

    `of(dtype)` gives them as nodes. Every number is a runtime input with a place of its own in the graph, also where
    two happen to be equal: a schedule that changes them never makes a new graph.
    """

    def __init__(self, **values: Any) -> None:
        self.values = values
        self._scalars: dict[DType, Scalars] = {}

    def of(self, dtype: DType) -> Scalars:
        scalars = self._scalars.get(dtype)
        if scalars is None:
            scalars = self._scalars[dtype] = Scalars(self.values, dtype)
        return scalars


class Scalars:
    """Numbers as attributes, each a node of one dtype, made when it is first asked for."""

    def __init__(self, values: dict[str, Any], dtype: DType) -> None:
        self._values = values
        self._dtype = dtype

    def __getattr__(self, name: str) -> Node:
        value = self._values[name]
        if isinstance(value, Tensor):
            node = value._read()
            node = move(primitives.reshape(node, shape=()) if node.shape else node, self._dtype)
        else:
            node = scalar(value, self._dtype)
        setattr(self, name, node)
        return node


def descent(n: Scalars, g: Node, x: Node, group: dict[str, Any]) -> Node:
    """The gradient of what is to fall: of -f where f is maximized, and with the decay's part."""
    if group["maximize"]:
        g = -g
    return g if group["weight_decay"] == 0 else g + n.decay * x


Formula = Callable[..., Sequence[Node]]


def update(formula: Formula, numbers: Numbers, grad: Tensor, *tensors: Tensor) -> None:
    """tensors = formula(numbers, grad, *tensors)

    A complex parameter is updated as the pair of its parts, as PyTorch does. One of 16 bits is computed with 32 and
    rounded once, so that a learning rate or an epsilon that 16 bits cannot hold still has its effect.
    """
    g = grad._read()
    nodes = [tensor._read() for tensor in tensors]
    dtype = nodes[0].type.dtype
    if dtype is float32 or dtype is float64:
        results = formula(numbers.of(dtype), g, *nodes)
    elif dtype.is_complex:
        results = _by_parts(formula, numbers.of(dtype.to_real), [g, *nodes])
    else:
        results = formula(numbers.of(float32), move(g, float32), *[move(x, float32) for x in nodes])
        results = [move(y, dtype) for y in results]
    for tensor, node in zip(tensors, results):
        write(tensor, node)


def _by_parts(formula: Formula, n: Scalars, nodes: Sequence[Node]) -> list[Node]:
    real = formula(n, *[primitives.real(x) for x in nodes])
    imaginary = formula(n, *[primitives.imag(x) for x in nodes])
    return [primitives.complex(x, y) for x, y in zip(real, imaginary)]


# --- state ---------------------------------------------------------------------------------------------------------


def filled_like(param: Tensor, value: Any) -> Tensor:
    """The value everywhere, in the parameter's shape and dtype. It is there at once, so that the first step makes the
    same graph as later ones."""
    type = param._node.type
    return wrap(literal(np.full(type.shape, value, type.dtype.numpy), type))


def new_count(value: float = 0.0) -> Tensor:
    """A counter of steps, as PyTorch keeps it: a float tensor."""
    return wrap(scalar(value, float64 if get_default_dtype() is float64 else float32))


def count_up(count: Tensor) -> float:
    """Add one; the new count. Known at once: the addition is not recorded."""
    number: float = count.item() + 1
    write(count, scalar(number, count._node.type.dtype))
    return number


def stored(value: Any, param: Tensor, key: Any = None) -> Any:
    """A copy of a parameter's loaded state; tensors in the parameter's dtype, but for the step count."""
    if isinstance(value, Tensor):
        node = value._read()
        if key != "step" and param.is_floating_point():
            node = move(node, param.dtype)
        return wrap(primitives.clone(node))
    if isinstance(value, dict):
        return {name: stored(inner, param, name) for name, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)([stored(inner, param) for inner in value])
    return value
