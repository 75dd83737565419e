"""Hooks on recorded operations (`grad_fn.register_hook`), and the look for NaN: what comes after a derivative's rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert.autograd.anomaly import find_nan
from wengert.graph.node import Node
from wengert.primitives.control import custom
from wengert.settings import settings
from wengert.tensors.hooks import user_code
from wengert.tensors.tensor import Hooks, Tensor, wrap


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
