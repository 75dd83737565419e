"""Conditions on values that can only be checked when a program runs."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from wengert.dtypes import bool_
from wengert.errors import dtype_error
from wengert.graph.node import ArrayType, Node
from wengert.graph.rule import Cotangent, General, broadcast_to


class Require(General):
    """y = x, once all of `condition` is true

    Reverse    x_bar = y_bar
    Shapes     y has the shape of x; condition is bool of any shape
    Raises     RuntimeError with `message`, naming the user's line, when a condition is false
    """

    name = "require"
    params = ("message",)
    saves_nothing = True

    def infer(self, x: ArrayType, condition: ArrayType, *, message: str) -> ArrayType:
        if condition.dtype is not bool_:
            raise dtype_error(self.name, "a condition of dtype bool", condition.dtype.name)
        return x

    def evaluate(self, x: Any, condition: Any, *, message: str) -> Any:
        if not np.all(condition):
            raise RuntimeError(message)
        return x

    def vjp(self, y_bar: Node, x: Node, condition: Node, *, y: Node, message: str) -> tuple[Cotangent, ...]:
        return y_bar, None

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, condition: Node, *, y: Node, message: str) -> Any:
        return x_dots[0]

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, message: str) -> Node:
        x, condition = inputs
        return self(x if batched[0] else broadcast_to(x, (size, *x.shape)), condition, message=message)


require = Require()
