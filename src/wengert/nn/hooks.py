"""Functions that users hang on a module: called before and after `forward`, and when the derivative comes through.

A backward hook sees all gradients of the module's inputs (or outputs) at once, but each arrives by itself. So the
tensors pass through two rows of identity nodes, recorded one row after the other with nothing in between:

    forward     tensors -> deliver_1 .. deliver_n -> collect_1 .. collect_n -> what forward (or the caller) gets

Reverse mode goes through nodes latest first: all of the second row, where gradients are noted, and only then the first,
where the hooks have run and what they answered goes on.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial as bind
from typing import Any, Optional

from wengert.graph.record import recorder
from wengert.nn.state import State, add_hook
from wengert.primitives.control import identity
from wengert.tensors.tensor import RemovableHandle, Tensor, wrap


class Hooks(State):
    """Registering hooks, and the way of a call through them."""

    _forward_hooks: OrderedDict[int, Callable[..., Any]]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _backward_hooks: OrderedDict[int, Callable[..., Any]]
    _backward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    forward: Callable[..., Any]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns, if not None, takes the place of args (a single
        value is put into a tuple). With `with_kwargs`: `hook(module, args, kwargs)`, which may return both."""
        handle = add_hook(self._forward_pre_hooks, hook, prepend)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns, if not None, takes the output's place.
        With `with_kwargs`: `hook(module, args, kwargs, output)`. With `always_call` also when `forward` raised."""
        handle = add_hook(self._forward_hooks, hook, prepend)
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the module's positional inputs are there;
        a tuple that it returns takes the place of grad_input. None stands for what has no gradient."""
        return add_hook(self._backward_hooks, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradients of the module's outputs are there; what it returns, if
        not None, takes their place."""
        return add_hook(self._backward_pre_hooks, hook, prepend)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call by way of every hook."""
        called: set[int] = set()
        output: Any = None
        try:
            args, kwargs = self._run_pre_hooks(args, kwargs)
            passage = None
            if self._backward_hooks or self._backward_pre_hooks:
                passage = _Passage(self)
                args = passage.enter(args)
            output = self.forward(*args, **kwargs)
            output = self._run_forward_hooks(args, kwargs, output, called)
            return output if passage is None else passage.leave(output)
        except Exception:
            self._run_always_called(args, kwargs, output, called)
            raise

    def _run_pre_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for key, hook in list(self._forward_pre_hooks.items()):
            if key in self._forward_pre_hooks_with_kwargs:
                answer = hook(self, args, kwargs)
                if answer is not None:
                    if not isinstance(answer, tuple) or len(answer) != 2:
                        raise RuntimeError(
                            "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                            f"{answer!r}."
                        )
                    args, kwargs = answer
            else:
                answer = hook(self, args)
                if answer is not None:
                    args = answer if isinstance(answer, tuple) else (answer,)
        return args, kwargs

    def _run_forward_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, called: set[int]) -> Any:
        for key, hook in list(self._forward_hooks.items()):
            called.add(key)
            if key in self._forward_hooks_with_kwargs:
                answer = hook(self, args, kwargs, output)
            else:
                answer = hook(self, args, output)
            if answer is not None:
                output = answer
        return output

    def _run_always_called(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, called: set[int]) -> None:
        """After an error: the hooks that asked to be called in any case. The first error is the one to be seen, so
        theirs become warnings."""
        for key, hook in list(self._forward_hooks.items()):
            if key not in self._forward_hooks_always_called or key in called:
                continue
            try:
                if key in self._forward_hooks_with_kwargs:
                    hook(self, args, kwargs, output)
                else:
                    hook(self, args, output)
            except Exception as error:  # noqa: BLE001  reported, and the error that is under way goes on
                warnings.warn(
                    f"forward hook with always_call=True raised an exception that was silenced as another error was "
                    f"raised in forward: {error}"
                )


class _Passage:
    """One call of a module whose derivative is watched."""

    def __init__(self, module: Hooks) -> None:
        self.module = module
        self.inputs: Optional[_Gate] = None
        self.count_inputs = 0
        self.grad_output: Optional[tuple[Any, ...]] = None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.count_inputs = len(args)
        if not self.module._backward_hooks or not recorder.tracking:
            return args
        self.inputs = _Gate(args, self._at_inputs)
        return self.inputs.passed

    def leave(self, output: Any) -> Any:
        if not recorder.tracking:
            return output
        passed = _Gate(output if isinstance(output, tuple) else (output,), self._at_outputs).passed
        return passed if isinstance(output, tuple) else passed[0]

    def _at_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in list(self.module._backward_pre_hooks.values()):
            answer = hook(self.module, grads)
            if answer is not None:
                grads = _checked(answer, len(grads), "pre hook", "grad_output")
        self.grad_output = grads
        if self.module._backward_hooks and (self.inputs is None or not self.inputs.watches):
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients."
            )
            self._at_inputs((None,) * self.count_inputs)
        return grads

    def _at_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in list(self.module._backward_hooks.values()):
            answer = hook(self.module, grads, self.grad_output)
            if answer is not None:
                grads = _checked(answer, len(grads), "hook", "grad_input")
        return grads


def _checked(answer: Any, wanted: int, kind: str, what: str) -> tuple[Any, ...]:
    answer = answer if isinstance(answer, tuple) else (answer,)
    if len(answer) != wanted:
        raise RuntimeError(
            f"Backward {kind} returned an invalid number of {what}, got {len(answer)}, but expected {wanted}"
        )
    return answer


class _Gate:
    """Two rows of identity nodes behind some values; `passed` are the values behind both.

    on_grads: given the gradients of all values (None for what has none), returns those that go on.
    """

    def __init__(self, values: Sequence[Any], on_grads: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> None:
        tensors = {i: v for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad}
        self.watches = bool(tensors)
        self.size = len(values)
        self.on_grads = on_grads
        self.arrived: dict[int, Any] = {}
        self.answers: Optional[tuple[Any, ...]] = None
        deliver = {i: wrap(identity(tensor._read())) for i, tensor in tensors.items()}
        collect = {i: wrap(identity(tensor._read())) for i, tensor in deliver.items()}
        for i in tensors:
            collect[i].register_hook(bind(self._collect, i))
            deliver[i].register_hook(bind(self._deliver, i))
        self.passed = tuple([collect.get(i, value) for i, value in enumerate(values)])

    def _collect(self, i: int, grad: Any) -> None:
        self.answers = None  # a new backward pass
        self.arrived[i] = grad

    def _deliver(self, i: int, grad: Any) -> Any:
        if self.answers is None:
            grads = tuple([self.arrived.get(k) for k in range(self.size)])
            self.arrived = {}
            self.answers = self.on_grads(grads)
        return self.answers[i]
