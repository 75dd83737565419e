"""What happens to values that a derivative will read again."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple, Optional

from wengert.autograd.names import name_of
from wengert.derive.forward import push_forward
from wengert.derive.reverse import cotangents_of_inputs, saves, walking
from wengert.derive.rules import Rule
from wengert.dtypes import float32
from wengert.errors import type_error
from wengert.graph.node import Node, TupleType, object_type, tuple_type
from wengert.graph.record import NUMBERS, literal, next_serial, on_full, record, recorder, scalar, tracking
from wengert.graph.rule import primitives as p
from wengert.primitives.control import Leaf, custom, element, with_history
from wengert.runtime.flush import value_of
from wengert.settings import settings
from wengert.tensors.hooks import user_code
from wengert.tensors.tensor import Tensor, wrap


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[None]:
    """Inside, changing a tensor in place that a derivative reads is no error: the derivative reads what it was.

    Nothing is copied for it: an in-place operation records a new value and leaves the old one to whoever holds it.
    """
    before, walking.mutation_allowed = walking.mutation_allowed, True
    try:
        yield
    finally:
        walking.mutation_allowed = before


def save_on_cpu(pin_memory: bool = False, device_type: str = "cuda") -> AbstractContextManager[None]:
    """Keep what derivatives read in the CPU's memory, where everything is: nothing has to be moved."""
    return nullcontext()


# --- hooks ------------------------------------------------------------------------------------------------------------


class _State(threading.local):
    """hooks: those at work, the innermost last; busy: one of them is being called; refusal: why there may be none."""

    hooks: tuple[saved_tensors_hooks, ...] = ()
    busy: bool = False
    refusal: Optional[str] = None


_state = _State()


class saved_tensors_hooks:
    """Inside, what a derivative will read is kept as the program likes: ``pack_hook(tensor)`` gives anything at all when an
    operation is recorded, and ``unpack_hook(that)`` the tensor again when its derivative is taken.

    The value itself is then let go of, unless something else holds it. Of nested hooks the innermost are called. What
    `pack_hook` was given must not be changed in place. Hooks see which values a derivative reads here, which may be others
    than those that PyTorch keeps.

    Raises: TypeError in backward when `unpack_hook` gives no tensor; RuntimeError inside `disable_saved_tensors_hooks`.

    >>> import wengert
    >>> x = wengert.tensor([1.0, 2.0], requires_grad=True)
    >>> with wengert.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), wengert.tensor):
    ...     y = x.sin()
    >>> y.sum().backward()
    >>> x.grad
    tensor([ 0.5403, -0.4161])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if _state.refusal is not None:
            raise RuntimeError(_state.refusal)
        if not _state.hooks:
            self._limit, recorder.limit = recorder.limit, 0  # every operation is looked at as it is recorded
        _state.hooks += (self,)

    def __exit__(self, *exception: Any) -> None:
        _state.hooks = _state.hooks[:-1]
        if not _state.hooks:
            recorder.limit = self._limit


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, hooks on saved tensors are an error with this message.

    Raises: RuntimeError where hooks are at work already.
    """
    if _state.hooks:
        raise RuntimeError(error_message)
    before, _state.refusal = _state.refusal, error_message
    try:
        yield
    finally:
        _state.refusal = before


_flush = on_full[0]


def _recorded() -> None:
    """Called when an operation was recorded and the tape is long, or hooks wait for it."""
    if _state.hooks and not _state.busy:
        _state.busy = True
        try:
            _pack(recorder.tape[-1], _state.hooks[-1])
        finally:
            _state.busy = False
    if len(recorder.tape) >= settings.pending_limit:
        _flush()


on_full[0] = _recorded


def _pack(node: Node, hooks: saved_tensors_hooks) -> None:
    """Compute a fresh node, which nobody has seen yet, and give it a history that holds no values but what the hooks
    keep: a second node of the same application for each, which is never computed (`_past`)."""
    if not node.tracked or node.primitive is custom or node.primitive.__class__ is Leaf:
        return
    needed = saves(node)
    kept = [i for i in needed.inputs if node.inputs[i].value.__class__ not in NUMBERS]
    inputs = tuple([_past(x) for x in node.inputs])
    computed = Node(node.primitive, node.inputs, node.params, node.type, False, node.serial, node.origin)
    recorder.tape[-1] = computed
    if kept or needed.output:
        past = _behind_rule(node, inputs, kept, computed if needed.output else None, hooks)
    else:
        past = Node(node.primitive, inputs, node.params, node.type, True, next_serial(), node.origin)
    value_of(computed)
    node.primitive, node.inputs, node.params, node.serial = with_history, (computed, past), (), next_serial()
    node.value = computed.value


def _past(x: Node) -> Node:
    """What stands for a node in the history of others: without a value, where this module made it. Forward mode reads
    values of the history."""
    return x.inputs[1] if x.primitive is with_history and x.tracked and not recorder.retain else x


def _behind_rule(
    node: Node, inputs: tuple[Node, ...], kept: Sequence[int], output: Optional[Node], hooks: saved_tensors_hooks
) -> Node:
    several = isinstance(node.type, TupleType)
    types = node.type.elements if several else (node.type,)
    rule = _Packed(node, hooks)
    with user_code():
        rule.inputs = {i: hooks.pack_hook(wrap(node.inputs[i])) for i in kept}
        if output is not None:
            parts = [p.element(output, index=i) for i in range(len(types))] if several else [output]
            rule.outputs = [hooks.pack_hook(wrap(part)) for part in parts]
    # The rule reads nothing of the graph but a number, so that a backward pass has something to release.
    results = tuple([Node(p.placeholder, (), (type,), type, False, next_serial(), None) for type in types])
    given = (*results, *inputs, scalar(0.5, float32), literal(rule, object_type))
    params = (len(results), len(inputs), (len(given) - 2,))
    whole = Node(custom, given, params, tuple_type(*types), True, next_serial(), node.origin)
    rule.whole = weakref.ref(whole)
    return whole if several else _part(whole, 0)


def unpacked(unpack_hook: Callable[[Any], Tensor], packed: Any, history: Optional[Node]) -> Node:
    """What the program kept, with the history of what it was.

    Raises: TypeError when the hook gives no tensor.
    """
    with user_code(), tracking(False):
        found = unpack_hook(packed)
    if not isinstance(found, Tensor):
        raise type_error("saved_tensors_hooks", "a Tensor from unpack_hook", type(found).__name__)
    node = found._read()
    if history is None or not (history.tracked and recorder.tracking):
        return node
    # As if it were the history that had been computed: what that was computed from may be gone.
    again = Node(p.identity, (history,), (), node.type, True, next_serial(), history.origin)
    again.value = value_of(node)
    return again


def pack_for_function(tensors: Sequence[Optional[Tensor]]) -> Optional[Kept]:
    """What the hooks at work keep of a Function's saved tensors; None where there are no hooks."""
    if not _state.hooks:
        return None
    hooks = _state.hooks[-1]
    with user_code():
        return Kept([None if x is None else (hooks.pack_hook(x),) for x in tensors], hooks.unpack_hook)


def _part(whole: Node, index: int) -> Node:
    """One of a node's values, for walks only: it is never computed again."""
    return Node(element, (whole,), (index,), whole.type.elements[index], True, next_serial(), whole.origin)


class Kept(NamedTuple):
    """Packed values, each as a tuple of one, None for a None; and what unpacks them."""

    packed: list[Optional[tuple[Any]]]
    unpack_hook: Callable[[Any], Tensor]


class _Packed(Rule):
    """The derivative of one application, from what hooks kept of its inputs and results."""

    inputs: dict[int, Any]
    outputs: Optional[list[Any]] = None
    whole: weakref.ref[Node]

    def __init__(self, node: Node, hooks: saved_tensors_hooks) -> None:
        self.name = name_of(node)
        self.primitive, self.params, self.type, self.origin = node.primitive, node.params, node.type, node.origin
        self.unpack_hook = hooks.unpack_hook

    def vjp(self, y_bars: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]) -> Any:
        inputs = list(arguments)
        for i, packed in self.inputs.items():
            inputs[i] = unpacked(self.unpack_hook, packed, arguments[i])
        several = isinstance(self.type, TupleType)
        y_bar: Any = y_bars if several else y_bars[0]
        stand_in = Node(self.primitive, tuple(inputs), self.params, self.type, False, next_serial(), self.origin)
        if self.outputs is None:
            return cotangents_of_inputs(stand_in, y_bar)
        whole = self.whole()
        histories = [None if whole is None else _part(whole, i) for i in range(len(self.outputs))]
        results = [unpacked(self.unpack_hook, packed, past) for packed, past in zip(self.outputs, histories)]
        y = p.pack(*results) if several else results[0]
        named = dict(zip(self.primitive.params, self.params))
        return self.primitive.vjp(y_bar, *inputs, y=y, **named)

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> Sequence[Optional[Node]]:
        fresh = [x if x_dot is None else p.identity(x) for x, x_dot in zip(arguments, x_dots)]
        y = record(self.primitive, tuple(fresh), self.params)
        count = len(self.type.elements) if isinstance(self.type, TupleType) else 0
        outputs = [p.element(y, index=i) for i in range(count)] if count else [y]
        moving = [(x, x_dot) for x, x_dot in zip(fresh, x_dots) if x_dot is not None]
        return push_forward([x for x, _ in moving], [x_dot for _, x_dot in moving], outputs)
