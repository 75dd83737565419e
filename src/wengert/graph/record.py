"""record: the only place where nodes are born.

Hot path. Budget: 0.9 microseconds a node on the development machine (`benchmarks/record.py`). Look up the output's type
by (primitive, params, input types), make the node, put it on the thread's tape, done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from sys import _getframe
from typing import TYPE_CHECKING, Any, Optional, Protocol, Union
from weakref import ref

from wengert.dtypes import DType
from wengert.graph.node import DROPPED, RELEASED, ArrayType, Coming, Node, ObjectType, array_type
from wengert.graph.number import RuntimeNumber
from wengert.origin import Origin, passed_over
from wengert.settings import settings

if TYPE_CHECKING:
    from wengert.graph.rule import Primitive


class Listener(Protocol):
    """What a function that is traced for `compile` depends on and changes, as the layers above come across it."""

    def asked(self, node: Node) -> None:
        """A value is asked for, pending or not."""

    def shown(self, tensor: Any) -> None:
        """A tensor that shares memory is read."""

    def grad_of(self, tensor: Any, read: bool) -> None:
        """The gradient of a tensor is about to be read, or set."""

    def drawn(self, stream: Any, key: Node, counter: Node) -> None:
        """A random operation got a counter."""

    def entered(self, module: Any) -> None:
        """A module is called."""

    def runtime_numbers(self, tables: Sequence[Any]) -> AbstractContextManager[None]:
        """Within, the numbers in these dicts are run-time numbers."""

    def number_in(self, tensor: Any, shared: bool = False) -> Any:
        """The number that a tensor of one element holds, as a run-time number; `shared` for equal ones that stay equal."""

    def steps(self, optimizer: Any) -> None:
        """An optimizer takes a step."""

    def begins(self) -> None:
        """The function makes something that later calls find there."""

    def repeat(self, effect: Callable[[], None]) -> None:
        """Something that every replay is to do at its end."""

    def refuse(self, what: str) -> None:
        """The function does what a replay could not."""


class Recorder(threading.local):
    """What recording depends on, for each thread.

    tape        the pending nodes, in the order of recording; the next flush takes them
    limit       length of the tape at which `on_full` is called
    retain      while above 0, flushes cut no history: a forward or batching transformation is at work (`retaining`)
    uncut       the nodes whose history those flushes left, to be cut at the end
    released    nodes whose history is to be cut when everything pending has run
    written     when a list: the cells that in-place operations write to, each with the node that it held before
    tracking    whether new nodes are tracked (False inside no_grad)
    exposed     an operation has just read memory that the outside can write to
    trace       what listens while a function is traced for `compile`
    origin      when set, new nodes get this origin instead of the user's current line: reverse mode sets the line of
                the forward operation
    """

    tape: list[Node]
    tracking: bool
    retain: int
    uncut: list[ref[Node]]
    released: list[Node]
    written: Optional[list[tuple[Any, Node]]] = None
    exposed: bool = False
    trace: Optional[Listener] = None
    origin: Optional[Origin]
    limit: float

    def __init__(self) -> None:
        self.tape = []
        self.uncut = []
        self.released = []
        self.limit = settings.pending_limit
        # In every thread's own dict, where `record` looks: one look-up of the thread instead of one for each.
        self.tracking = True
        self.retain = 0
        self.origin = None


recorder = Recorder()


class Ever:
    """What has happened in this process at all, on any thread: paths where every tenth of a microsecond counts look at
    the recorder only where there can be something.

    traced    a function was traced for `compile`: `recorder.trace` may be set
    exposed   memory was shared with the outside: `recorder.exposed` may be
    """

    __slots__ = ("traced", "exposed")

    def __init__(self) -> None:
        self.traced = False
        self.exposed = False


ever = Ever()
next_serial = count(1).__next__

_types: dict[Any, Any] = {}
_TYPES_LIMIT = 200_000


def _nothing() -> None:
    """Until the runtime puts its flush here."""


on_full: list[Callable[[], None]] = [_nothing]


def record(primitive: Primitive, inputs: tuple[Node, ...], params: tuple[Any, ...] = ()) -> Node:
    """The node of `primitive` applied to `inputs`.

    Raises: what the primitive's `infer` raises for shapes, dtypes and parameters that do not fit.
    """
    n = len(inputs)
    if n == 1:
        x = inputs[0]
        key: Any = (primitive, params, x.type)
        tracked = x.tracked
    elif n == 2:
        x, w = inputs
        key = (primitive, params, x.type, w.type)
        tracked = x.tracked or w.tracked
    elif n == 3:
        x, w, b = inputs
        key = (primitive, params, x.type, w.type, b.type)
        tracked = x.tracked or w.tracked or b.tracked
    else:
        key = (primitive, params, *[x.type for x in inputs])
        tracked = any([x.tracked for x in inputs])
    output = _types.get(key)
    if output is None:
        output = _infer(primitive, inputs, params, key)
    state = recorder.__dict__
    if tracked:
        tracked = state["tracking"] and output.inexact and primitive.differentiable
    origin = state["origin"]
    if origin is None:
        frame = _getframe(1)
        while frame is not None and passed_over[frame.f_code.co_filename]:
            frame = frame.f_back  # type: ignore[assignment]
        if frame is not None:
            origin = (frame.f_code, frame.f_lasti)
    node = Node(primitive, inputs, params, output, tracked, next_serial(), origin)
    tape = state["tape"]
    tape.append(node)
    if len(tape) >= state["limit"]:
        on_full[0]()
    return node


def record_untracked(
    primitive: Primitive, inputs: tuple[Node, ...], params: tuple[Any, ...], type: Any, origin: Optional[Origin]
) -> Node:
    """`record`, where the output's type and the user's line are known and no derivative will be asked for."""
    node = Node(primitive, inputs, params, type, False, next_serial(), origin)
    state = recorder.__dict__
    tape = state["tape"]
    tape.append(node)
    if len(tape) >= state["limit"]:
        on_full[0]()
    return node


def record_parts(
    primitive: Primitive, whole: Node, parts: Sequence[tuple[tuple[int, ...], Any]], origin: Optional[Origin]
) -> list[Node]:
    """`record_untracked` for many nodes that read the same one: with these parameters, of these types."""
    inputs = (whole,)
    nodes = [Node(primitive, inputs, params, type, False, next_serial(), origin) for params, type in parts]
    state = recorder.__dict__
    tape = state["tape"]
    tape += nodes
    if len(tape) >= state["limit"]:
        on_full[0]()
    return nodes


def _infer(primitive: Primitive, inputs: tuple[Node, ...], params: tuple[Any, ...], key: Any) -> Any:
    named = dict(zip(primitive.params, params))
    output = primitive.infer(*[x.type for x in inputs], **named)
    if len(_types) >= _TYPES_LIMIT:
        _types.clear()
    _types[key] = output
    return output


def literal(value: Any, type: Union[ArrayType, ObjectType], tracked: bool = False) -> Node:
    """A node whose value is given: an array of `type`. It is an input of every graph that uses it, never a constant."""
    node = Node(_literal[0], (), (), type, tracked, next_serial(), None)
    node.value = value
    return node


# The primitive of given values; primitives/control.py puts it here when it defines it.
_literal: list[Any] = [None]

_scalar_types: dict[DType, ArrayType] = {}


def scalar(value: Any, dtype: DType) -> Node:
    """A Python number as a zero-dimensional runtime input, so that its value never becomes part of a graph's key.

    Hot: `value` stays the number until something runs (`settle_number`). The whole numbers that rules are full of are one
    node each, so that 1 - y y in two rules is one step.
    """
    if value.__class__ is int and -1 <= value <= 2:
        node = _common.get((value, dtype))
        if node is None:
            node = _common[value, dtype] = own_number(value, dtype)
            _shared.add(node)
        return node
    return own_number(value, dtype)


def own_number(value: Any, dtype: DType) -> Node:
    """A Python number as a node of its own, also where it is one of those that `scalar` gives everybody."""
    type = _scalar_types.get(dtype)
    if type is None:
        type = _scalar_types[dtype] = array_type((), dtype)
    node = Node(_literal[0], (), (), type, False, next_serial(), None)
    node.value = value
    return node


_common: dict[tuple[int, DType], Node] = {}
_shared: set[Node] = set()

NUMBERS = frozenset((bool, int, float, complex, RuntimeNumber))


def is_common(node: Node) -> bool:
    """Whether a node is one of the numbers that everybody shares."""
    return node.inputs == () and node in _shared


def common_among(nodes: Iterable[Node]) -> set[Node]:
    """Those of the nodes that are numbers which everybody shares."""
    return _shared.intersection(nodes)


# What stands for a value that is no array yet.
UNSETTLED = NUMBERS | {Coming}


def settle_number(node: Node) -> Any:
    """The node's value as an array, where it may still be a Python number, or what has come by now."""
    value = node.value
    if value.__class__ in NUMBERS:
        value = node.value = node.type.dtype.array(value)
    elif value.__class__ is Coming:
        value = node.value = value.array
    return value


class tracking:
    """Whether nodes recorded inside the ``with`` block are tracked; this thread only."""

    __slots__ = ("_enabled", "_before")

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled

    def __enter__(self) -> None:
        self._before = recorder.tracking
        recorder.tracking = self._enabled

    def __exit__(self, *exception: Any) -> None:
        recorder.tracking = self._before


def cut_history(nodes: Sequence[Node]) -> None:
    """Let go of the inputs of nodes that belong to nobody's history; later, while a walk may go through them."""
    if recorder.retain:
        recorder.uncut += [ref(node) for node in nodes]
    else:
        for node in nodes:
            node.inputs = ()


_TRACING = float("inf")


def is_ordinary() -> bool:
    """Whether what is recorded now is neither traced nor looked at by a transformation."""
    state = recorder.__dict__
    return not (state["retain"] or state["limit"] == _TRACING)


@contextmanager
def retaining() -> Iterator[None]:
    """Flushes inside leave the history of untracked nodes, for walks through it; at the outermost end it is cut."""
    state = recorder
    state.retain += 1
    try:
        yield
    finally:
        state.retain -= 1
        if not state.retain:
            left, state.uncut = state.uncut, []
            for reference in left:
                node = reference()
                if node is None or (node.value is None and not node.mark & DROPPED):
                    continue
                if node.mark & RELEASED or not node.tracked:
                    node.inputs = ()


class noting_writes:
    """The cells that in-place operations in the ``with`` block write to, in order, each with the node that it held
    before."""

    __slots__ = ("_before",)

    def __enter__(self) -> list[tuple[Any, Node]]:
        state = recorder
        self._before = state.written
        written: list[tuple[Any, Node]] = []
        state.written = written
        return written

    def __exit__(self, *exception: Any) -> None:
        state = recorder
        if self._before is not None and state.written is not None:
            self._before.extend(state.written)
        state.written = self._before


@contextmanager
def separate_tape() -> Iterator[list[Node]]:
    """Record onto a tape of its own: what a trace records is not pending work."""
    tape, limit = recorder.tape, recorder.limit
    recorder.tape, recorder.limit = [], _TRACING
    try:
        yield recorder.tape
    finally:
        recorder.tape, recorder.limit = tape, limit
