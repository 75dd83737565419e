"""`tf.autograph`: what says how `tf.function` treats Python code. Nothing is rewritten here, so there is little to say."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Optional


def do_not_convert(func: Optional[Callable[..., Any]] = None) -> Any:
    """The function itself: no function is converted."""
    return do_not_convert if func is None else func


def set_loop_options(
    parallel_iterations: Any = None, swap_memory: Any = None, maximum_iterations: Any = None, shape_invariants: Any = None
) -> None:
    """Accepted: loops run as Python runs them, and shapes may change in them."""


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Accepted: there is no conversion to tell of."""


def trace(*args: Any) -> None:
    """Print, while a function is being recorded."""
    print(*args)  # noqa: T201  it is what the function is for


experimental = SimpleNamespace(do_not_convert=do_not_convert, set_loop_options=set_loop_options)

__all__ = ["do_not_convert", "experimental", "set_loop_options", "set_verbosity", "trace"]
