"""What users hang on the backward pass, run while reverse mode walks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

from wengert.autograd.anomaly import find_nan
from wengert.graph.node import Node
from wengert.graph.record import record, recorder
from wengert.graph.rule import primitives
from wengert.primitives.control import custom
from wengert.settings import settings
from wengert.tensors.tensor import Hooks, Tensor, wrap, write


class _Pass(threading.local):
    """What is to be run when the backward pass under way on this thread has gone through everything."""

    def __init__(self) -> None:
        self.endings: list[Callable[[], None]] = []


_pass = _Pass()


@contextmanager
def backward_pass() -> Iterator[None]:
    """One walk through the graph; at its end runs what hooks asked for by `at_end_of_backward`."""
    outer, _pass.endings = _pass.endings, []
    try:
        yield
        for function in _pass.endings:
            with user_code():
                function()
    finally:
        _pass.endings = outer


def at_end_of_backward(function: Callable[[], None]) -> None:
    """Call `function` when the walk that is under way is done."""
    _pass.endings.append(function)


@contextmanager
def user_code() -> Iterator[None]:
    """Nodes that a user's hook or rule records name its own lines, and it may switch tracking without effect on others."""
    origin, tracking = recorder.origin, recorder.tracking
    recorder.origin = None
    try:
        yield
    finally:
        recorder.origin, recorder.tracking = origin, tracking


def run_hooks(node: Node, bar: Any) -> Any:
    """The user's hooks on a node's cotangent, in order of registration, then `retain_grad`."""
    watch: Hooks = node.watch
    for hook in list(watch.before.values()):
        with user_code():
            bar = _run_on_tuple(hook, bar) if isinstance(bar, tuple) else _run_on_tensor(hook, bar)
    if watch.retain is not None:
        tensor = watch.retain()
        if tensor is not None:
            add_to_grad(tensor, bar)
    return bar


def _run_on_tensor(hook: Callable[[Tensor], Any], bar: Node) -> Node:
    given = wrap(bar)
    answer = hook(given)
    if answer is None:
        return given._read()
    if not isinstance(answer, Tensor):
        raise TypeError(f"hook returned {type(answer).__name__}, expected a Tensor or None")
    if answer.shape != given.shape:
        raise RuntimeError(f"hook has changed the size of value: {list(given.shape)} to {list(answer.shape)}")
    if answer.dtype is not given.dtype:
        raise RuntimeError(f"hook has changed the type of value: {given.dtype} to {answer.dtype}")
    return answer._read()


def _run_on_tuple(hook: Callable[[Any], Any], bars: tuple[Optional[Node], ...]) -> tuple[Optional[Node], ...]:
    given = tuple([None if bar is None else wrap(bar) for bar in bars])
    answer = hook(given)
    if answer is None:
        answer = given
    if len(answer) != len(bars):
        raise RuntimeError(f"hook has returned an incorrect number of values: {len(bars)} came in, {len(answer)} out")
    return tuple([None if value is None else value._read() for value in answer])


def collect(tensor: Tensor, bar: Node, watch: Optional[Hooks]) -> None:
    """Add a cotangent to `grad`, then run the hooks that come afterwards."""
    add_to_grad(tensor, bar)
    if watch is not None and watch.after:
        for hook in list(watch.after.values()):
            with user_code():
                hook(tensor)


def add_to_grad(tensor: Tensor, bar: Node) -> None:
    """grad = bar, or grad + bar where there is one."""
    present = tensor._grad
    if present is None:
        tensor._grad = wrap(bar)
    elif recorder.tracking:  # create_graph: the old gradient may be part of a history, so it is left alone
        tensor._grad = wrap(record(primitives.add, (present._read(), bar)))
    else:
        write(present, record(primitives.add, (present._read(), bar)))


def edges(node: Node) -> range:
    """The positions of the inputs that a user sees as differentiable arguments."""
    if node.primitive is custom and node.inputs:
        results, arguments, _ = node.params
        return range(results, results + arguments)
    return range(len(node.inputs))


def after_rule(node: Node, y_bar: Any, x_bars: Sequence[Any]) -> Sequence[Any]:
    """Look for NaN, and run the hooks on an operation (`grad_fn.register_hook`)."""
    watch: Optional[Hooks] = node.watch
    watched = watch is not None and watch.after_rule
    if not watched and not settings.anomaly:
        return x_bars
    done = [(bar() if callable(bar) else bar) if x.tracked else None for x, bar in zip(node.inputs, x_bars)]
    if settings.anomaly:
        find_nan(node, done)
    if watched and watch is not None:
        for hook in list(watch.after_rule.values()):
            with user_code():
                _run_on_gradients(hook, node, y_bar, done)
    return done


def _run_on_gradients(hook: Callable[..., Any], node: Node, y_bar: Any, x_bars: list[Any]) -> None:
    """`hook(grad_inputs, grad_outputs)`; a tuple that it returns takes the place of grad_inputs."""
    seen = edges(node)
    inputs = tuple([None if x_bars[i] is None else wrap(x_bars[i]) for i in seen])
    outputs = tuple([None if bar is None else wrap(bar) for bar in (y_bar if isinstance(y_bar, tuple) else (y_bar,))])
    answer = hook(inputs, outputs)
    if answer is None:
        return
    if isinstance(answer, Tensor):
        answer = (answer,)
    if len(answer) != len(inputs):
        raise RuntimeError(f"hook has returned an incorrect number of values: wanted {len(inputs)}, got {len(answer)}")
    for i, value in zip(seen, answer):
        x_bars[i] = None if value is None else value._read()
