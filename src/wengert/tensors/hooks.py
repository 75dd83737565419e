"""What users hang on tensors, run while reverse mode walks; and where gradients are collected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Optional

from wengert.graph.node import Node
from wengert.graph.record import ever, record, recorder
from wengert.graph.rule import primitives
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


def is_idle(watch: Hooks) -> bool:
    """Whether nothing but `collect` happens to the cotangent that is watched."""
    return not (watch.before or watch.after_rule) and watch.retain is None


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


# Backward passes of several threads may end in the same leaf.
_adding = threading.Lock()


def add_to_grad(tensor: Tensor, bar: Node) -> None:
    """grad = bar, or grad + bar where there is one."""
    if ever.traced and recorder.trace is not None:
        recorder.trace.grad_of(tensor, True)
    with _adding:
        present = tensor._grad
        if present is None:
            tensor._grad = wrap(bar)
        elif recorder.tracking:  # create_graph: the old gradient may be part of a history, so it is left alone
            tensor._grad = wrap(record(primitives.add, (present._read(), bar)))
        else:
            write(present, record(primitives.add, (present._read(), bar)))
