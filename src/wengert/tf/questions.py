"""What a program asks about values: is_tensor, get_static_value; and small things that change nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Optional

from wengert.dtypes import float64
from wengert.tensors.tensor import Tensor as Core
from wengert.tf.compiled import inside_function
from wengert.tf.custom import IndexedSlices, custom_gradient
from wengert.tf.face import convert
from wengert.tf.module import scoped
from wengert.tf.ops.arguments import ints
from wengert.tf.python import python_runs
from wengert.tf.tape import known_variable
from wengert.tf.tensor import Tensor


def is_tensor(x: Any) -> bool:
    """Whether it is a tensor, a variable, or IndexedSlices; arrays and lists are not."""
    return isinstance(x, (Core, IndexedSlices)) or known_variable(x) is not None


def is_symbolic_tensor(x: Any) -> bool:
    """Whether it is a tensor inside a `tf.function` that is being recorded."""
    return isinstance(x, Tensor) and inside_function()


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value as an array, where it is known without running: None inside a `tf.function`."""
    return None if inside_function() else convert(tensor).numpy()


def get_current_name_scope() -> str:
    """The name scopes that are entered."""
    return scoped("").rstrip("/")


def get_logger() -> logging.Logger:
    """The logger "tensorflow"."""
    return logging.getLogger("tensorflow")


def timestamp(name: Optional[str] = None) -> Tensor:
    """Seconds since 1970, in every call, also inside `tf.function`."""
    python_runs("timestamp")
    return convert(time.time(), float64)


def tuple(tensors: Any, control_inputs: Any = None, name: Optional[str] = None) -> list[Any]:
    """The tensors."""
    return [None if x is None else convert(x) for x in tensors]


def guarantee_const(input: Any, name: Optional[str] = None) -> Tensor:
    """The tensor."""
    return convert(input)


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, with the identity's derivative: gradients go to its arguments as they come."""

    @custom_gradient
    def passed(*args: Any, **kwargs: Any) -> Any:
        def grad(*bars: Any, **others: Any) -> Any:
            variables = others.get("variables")
            given = bars if len(bars) > 1 else bars[0]
            return given if variables is None else (given, [None] * len(variables))

        return f(*args, **kwargs), grad

    return passed


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: Optional[str] = None
) -> Any:
    """The paddings that make sizes multiples of the block, and the crops that undo them: [n, 2] each."""
    sizes, blocks = ints(input_shape), ints(block_shape)
    base = [[0, 0]] * len(sizes) if base_paddings is None else convert(base_paddings).numpy().tolist()
    ends = [-(size + left + right) % block for size, block, (left, right) in zip(sizes, blocks, base)]
    paddings = [[left, right + end] for (left, right), end in zip(base, ends)]
    return convert(paddings), convert([[0, end] for end in ends])
