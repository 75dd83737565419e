"""The public names: `compile`, and what PyTorch programs ask of `torch.compiler`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Optional

from wengert.compiler import function as functions
from wengert.compiler.function import CompiledFunction, Options
from wengert.errors import type_error
from wengert.graph.record import recorder
from wengert.runtime.tiers import wait_for_compilation


def compile(
    model: Optional[Callable[..., Any]] = None,
    *,
    fullgraph: bool = False,
    dynamic: Optional[bool] = None,
    backend: Any = "wengert",
    mode: Optional[str] = None,
    options: Optional[dict[str, Any]] = None,
    disable: bool = False,
    keep_gradients: bool = False,
    silent: bool = False,
    pending: bool = False,
) -> Any:
    """A function (or module) that does what `model` does, as one program from its second call on.

    model: a function, a module, or a whole training step, with `backward()` and the optimizer's `step()` in it.
    fullgraph: raise RuntimeError where a call can't be replayed (a branch on a value, `.item()`), instead of warning
        once and running such calls as ever.
    keep_gradients: store also the gradients of parameters that the function updates itself. Otherwise they are used and
        let go, and `grad` says so when it is asked for its value.
    pending: replays only record the function's operations again, without its Python, and run nothing: they wait for what
        comes after, as the operations of an ordinary call do. For functions that are parts of a step.
    silent: do not warn about calls that can't be replayed; the result's list `reasons` says why.
    disable: return `model` as it is.
    dynamic, backend, mode, options: accepted; there is one compiler, and a new shape is a new trace.

    The Python code runs once for each kind of call: arguments of other shapes or dtypes, another value of an argument
    that is no tensor, another state of what the function reads around it (closures, global names, attributes of modules).
    Memory that it changes (parameters, state of optimizers, buffers) is changed by every call, learning rates and the
    like are asked for anew, and random operations go on drawing. What else Python code does (printing, appending to a
    list) happens in the first call only.

    Raises: TypeError when `model` can't be called.

    Example:
        >>> import wengert as w
        >>> double = w.compile(lambda x: x * 2)
        >>> double(w.tensor([1.0, 2.0]))
        tensor([2., 4.])
        >>> double(w.tensor([3.0, 4.0]))
        tensor([6., 8.])
    """
    if model is None:
        return functools.partial(
            compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, disable=disable,
            keep_gradients=keep_gradients, silent=silent, pending=pending,
        )  # fmt: skip
    if not callable(model):
        raise type_error("compile", "a function or a module", type(model).__name__)
    if disable or isinstance(model, CompiledFunction):
        return model
    chosen = Options(fullgraph, keep_gradients, silent, pending)
    as_module = getattr(type(model), "_compiled_with", None)  # modules have one
    if as_module is not None:
        return as_module(model, lambda forward: CompiledFunction(forward, chosen))
    return CompiledFunction(model, chosen)


def disable(fn: Optional[Callable[..., Any]] = None, recursive: bool = True, *, reason: Optional[str] = None) -> Any:
    """A function that is never replayed: a compiled function that calls it runs as an ordinary one."""
    if fn is None:
        return functools.partial(disable, recursive=recursive)

    @functools.wraps(fn)
    def whole(*args: Any, **kwargs: Any) -> Any:
        if recorder.trace is not None:
            recorder.trace.refuse(f"it calls {getattr(fn, '__qualname__', fn)}, for which compilation is disabled")
        return fn(*args, **kwargs)

    return whole


def is_compiling() -> bool:
    """Whether the code runs in the first call of a compiled function, the one that is replayed later."""
    return recorder.trace is not None


def reset() -> None:
    """Forget every trace of every compiled function; the next calls trace anew."""
    functions.reset()


def wait(seconds: Optional[float] = None) -> bool:
    """Wait until everything that is being compiled in the background is ready; False when that took longer."""
    return wait_for_compilation(seconds)


def is_dynamo_compiling() -> bool:
    """As `is_compiling`."""
    return is_compiling()


def is_exporting() -> bool:
    """Whether a program is being exported: never, yet."""
    return False


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """The compilers that there are: one."""
    return ["wengert"]


def allow_in_graph(fn: Any) -> Any:
    """The function itself: every function of recorded operations may be part of a program."""
    return fn


def cudagraph_mark_step_begin() -> None:
    """Nothing: results are never written over by the next step."""


class Config:
    """Switches that PyTorch programs set on ``torch._dynamo.config``; accepted, and without effect."""

    def __init__(self) -> None:
        self.suppress_errors = False
        self.cache_size_limit = self.recompile_limit = 16
        self.verbose = False


config = Config()
