"""Forward mode on tensors: inside a `dual_level`, tensors carry tangents through ordinary operations.

Nothing is computed along the way. A level remembers which nodes were given tangents, and `unpack_dual` pushes them
through the recorded history to the tensor that it is asked about.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Optional

from wengert.derive.forward import push_forward
from wengert.derive.level import leave
from wengert.errors import GradientError, shape_error, type_error
from wengert.graph.node import Node
from wengert.graph.record import next_serial, retaining
from wengert.primitives.casting import move
from wengert.primitives.control import identity
from wengert.tensors.tensor import Tensor, wrap


class UnpackedDualTensor(NamedTuple):
    """The two halves of a dual tensor. `tangent` is None for a tensor without one."""

    primal: Tensor
    tangent: Optional[Tensor]


class _Level:
    """The nodes that carry a tangent by themselves; None for one that stands still. first: serial at its beginning."""

    def __init__(self) -> None:
        self.first = next_serial()
        self.tangents: dict[Node, Optional[Node]] = {}


class _Levels(threading.local):
    """The level that is entered on this thread."""

    current: Optional[_Level] = None


_levels = _Levels()


class dual_level:
    """``with dual_level():``  the stretch of a program in which tensors may carry tangents; they are gone at its end.

    Raises: RuntimeError inside another level.
    """

    def __enter__(self) -> int:
        enter_dual_level()
        return 0

    def __exit__(self, *exception: Any) -> None:
        exit_dual_level()


class _Retained(threading.local):
    """The scope that keeps history alive for the level that is entered."""

    scope: Optional[AbstractContextManager[None]] = None


_retained = _Retained()


def enter_dual_level() -> int:
    """Begin a level. Returns its number, 0.

    Raises: RuntimeError inside another level.
    """
    if _levels.current is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment: nest func.jvp instead")
    _retained.scope = retaining()
    _retained.scope.__enter__()
    _levels.current = _Level()
    return 0


def exit_dual_level(*, level: Optional[int] = None) -> None:
    """End the level.

    Raises: RuntimeError when there is none.
    """
    if _levels.current is None or _retained.scope is None or level not in (None, 0):
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created: there is none")
    _levels.current = None
    scope, _retained.scope = _retained.scope, None
    scope.__exit__(None, None, None)


def _current_level() -> _Level:
    if _levels.current is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists: do it inside `with dual_level():`"
        )
    return _levels.current


def make_dual(tensor: Tensor, tangent: Tensor, *, level: Optional[int] = None) -> Tensor:
    """A tensor with the value and history of `tensor`, that moves by `tangent`.

    Raises: RuntimeError outside a level, when the shapes differ, or when `tensor` has a tangent already; ValueError when
    either is not floating or complex; TypeError when either is no tensor.
    """
    here = _current_level()
    for name, value in (("primal", tensor), ("tangent", tangent)):
        if not isinstance(value, Tensor):
            raise type_error("make_dual", f"a Tensor as {name}", type(value).__name__)
        if not value._node.type.inexact:
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {value.dtype}")
    if tangent.shape != tensor.shape:
        raise shape_error("make_dual", "a tangent of the tensor's shape", (tuple(tensor.shape), tuple(tangent.shape)))
    x = tensor._read()
    if _tangent(here, x) is not None:
        raise GradientError("make_dual: the tensor already has a tangent at this level")
    node = identity(x)
    x_dot = tangent._read()
    if x_dot.dtype.is_complex and not x.dtype.is_complex:
        raise GradientError(f"make_dual: a {x.dtype} tensor cannot move by a {x_dot.dtype} tangent")
    here.tangents[node] = move(x_dot, x.dtype)
    return wrap(node)


def unpack_dual(tensor: Tensor, *, level: Optional[int] = None) -> UnpackedDualTensor:
    """(primal, tangent) of a tensor. Outside a level, and for a tensor that does not move, the tangent is None.

    The primal has no tangent any more; both take part in reverse mode.
    """
    if not isinstance(tensor, Tensor):
        raise type_error("unpack_dual", "a Tensor", type(tensor).__name__)
    here = _levels.current
    y = tensor._read()
    y_dot = None if here is None else _tangent(here, y)
    if here is None or y_dot is None:
        return UnpackedDualTensor(tensor, None)
    still = identity(y)
    here.tangents[still] = None
    return UnpackedDualTensor(wrap(still), wrap(y_dot))


def _tangent(here: _Level, y: Node) -> Optional[Node]:
    if y in here.tangents or not y.type.inexact:
        return here.tangents.get(y)
    (y_dot,) = push_forward(list(here.tangents), list(here.tangents.values()), [y])
    if y_dot is None:
        return None
    (here.tangents[y],) = leave([y_dot], here.first)  # later walks begin here
    return here.tangents[y]
