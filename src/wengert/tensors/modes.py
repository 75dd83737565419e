"""Whether operations are tracked: no_grad, enable_grad, set_grad_enabled, inference_mode. Per thread; each works as a
context manager, as a decorator (also of generators), and, where PyTorch allows it, as a plain call."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, Optional

from wengert.graph.record import recorder


def is_grad_enabled() -> bool:
    """Whether operations recorded now are tracked."""
    return recorder.tracking


def is_inference_mode_enabled() -> bool:
    """Whether the code runs inside `inference_mode`, on this thread."""
    return _inference.on


class _Inference(threading.local):
    on = False


_inference = _Inference()


class _Mode:
    """A context manager and decorator that sets tracking to `enabled`."""

    enabled = True

    def __init__(self) -> None:
        self._before: list[bool] = []

    def _fresh(self) -> _Mode:
        return type(self)()

    def __enter__(self) -> None:
        self._before.append(recorder.tracking)
        recorder.tracking = self.enabled

    def __exit__(self, *exception: Any) -> None:
        recorder.tracking = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isclass(function):
            function.__init__ = self(function.__init__)  # type: ignore[method-assign]
            return function
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return wrapped

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The mode holds while the generator's own code runs, not between its values."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            sent: Any = None
            while True:
                try:
                    with self._fresh():
                        value = generator.send(sent)
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield value
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as error:  # noqa: BLE001  what the caller threw into the generator
                    with self._fresh():
                        value = generator.throw(error)
                    sent = yield value

        return wrapped


class no_grad(_Mode):
    """Nothing recorded inside is tracked: ``with no_grad():`` or ``@no_grad()``."""

    enabled = False

    def __new__(cls, function: Optional[Callable[..., Any]] = None) -> Any:
        mode = super().__new__(cls)
        if function is None:
            return mode
        mode.__init__()  # type: ignore[misc]
        return mode(function)  # the decorator without brackets


class enable_grad(no_grad):
    """Undo an enclosing `no_grad`."""

    enabled = True


class set_grad_enabled(_Mode):
    """Tracking on or off, at once when called, until the end of a ``with`` block when used as one."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(): argument 'mode' must be bool, not {type(mode).__name__}")
        self.enabled = mode
        self._outside = recorder.tracking
        recorder.tracking = self.enabled

    def _fresh(self) -> _Mode:
        return set_grad_enabled(self.enabled)

    def __enter__(self) -> None:
        self._before.append(self._outside)
        recorder.tracking = self.enabled

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        recorder.tracking = self._outside
        return super().__call__(function)


class inference_mode(_Mode):
    """As `no_grad`; PyTorch's name for code that will never be differentiated. ``inference_mode(False)`` undoes it."""

    def __new__(cls, mode: Any = True) -> Any:
        made = super().__new__(cls)
        if callable(mode):
            made.__init__()  # type: ignore[misc]
            return made(mode)
        return made

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.enabled = not mode
        self._outside: list[bool] = []

    def _fresh(self) -> _Mode:
        return inference_mode(not self.enabled)

    def __enter__(self) -> None:
        super().__enter__()
        self._outside.append(_inference.on)
        _inference.on = not self.enabled

    def __exit__(self, *exception: Any) -> None:
        _inference.on = self._outside.pop()
        super().__exit__(*exception)
