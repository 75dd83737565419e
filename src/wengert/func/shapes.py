"""Shape inference: what a function gives, by shape and dtype, without computing anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert import trees
from wengert.dtypes import DType, float32
from wengert.graph.node import array_type
from wengert.graph.record import noting_writes, retaining, separate_tape
from wengert.graph.rule import placeholder
from wengert.tensors.tensor import Tensor, wrap


class ShapeDtype:
    """A tensor without values: its shape and its dtype. A leaf, wherever structures are flattened."""

    __slots__ = ("shape", "dtype")

    def __init__(self, shape: tuple[int, ...], dtype: DType = float32) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"ShapeDtype({self.shape}, {self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeDtype) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))


def eval_shape(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What ``func(*args, **kwargs)`` gives, with a `ShapeDtype` in the place of every tensor. JAX's `jax.eval_shape`.

    `ShapeDtype` leaves of the arguments stand for tensors of that shape and dtype; tensors stand for themselves. The
    function records its operations and none of them runs; what it writes into tensors is taken back.

    Raises: RuntimeError when the function asks for a value that depends on such a stand-in; what the function raises for
    shapes and dtypes that do not fit.

    >>> import wengert
    >>> from wengert.func import ShapeDtype, eval_shape
    >>> eval_shape(wengert.matmul, ShapeDtype((3, 4)), ShapeDtype((4, 5))).shape
    (3, 5)
    """
    leaves, structure = trees.flatten((args, kwargs))
    with noting_writes() as written, separate_tape(), retaining():
        given = [wrap(placeholder(array_type(x.shape, x.dtype))) if isinstance(x, ShapeDtype) else x for x in leaves]
        try:
            args, kwargs = trees.unflatten(given, structure)
            outputs, structure = trees.flatten(func(*args, **kwargs))
        finally:
            for cell, before in reversed(written):
                cell.overwrite(before, silent=True)
    found = [_shape_of(y) if isinstance(y, Tensor) else y for y in outputs]
    return trees.unflatten(found, structure)


def _shape_of(y: Tensor) -> ShapeDtype:
    type = y._read().type
    return ShapeDtype(type.shape, type.dtype)
