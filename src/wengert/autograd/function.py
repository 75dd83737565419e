"""Function: a derivative that the user writes.

`apply` runs `forward` without tracking and puts its results behind a `custom` node whose rule calls `backward` (or `jvp`)
when a derivative comes through. What `save_for_backward` was given are inputs of that node: so they are kept, released
and batched like everything else in the graph, and no cycle ties the context to its results.
"""

from __future__ import annotations

import functools
import inspect
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert.autograd.saved import pack_for_function
from wengert.autograd.user_rule import FunctionCtx, UserRule, VmapInfo, wrote
from wengert.derive.rules import Rule, attached
from wengert.dtypes import float32
from wengert.errors import GradientError
from wengert.graph.node import Node
from wengert.graph.record import recorder, scalar, tracking
from wengert.primitives.control import CustomInputs
from wengert.primitives.views import reshape
from wengert.tensors.tensor import Tensor, view, wrap, write

__all__ = ["Function", "FunctionCtx", "VmapInfo", "once_differentiable"]


class Function:
    """A differentiable operation of the user's own: subclass it, and call ``YourFunction.apply(...)``.

    forward(ctx, *args)     the results, computed with tensors or with anything else; or
    forward(*args)          with setup_context(ctx, inputs, output), which does the saving
    backward(ctx, *grads)   for each argument of forward its gradient or None, from those of the results; `vjp` is the
                            same under another name
    jvp(ctx, *tangents)     for each result its tangent, from those of the arguments, for forward mode
    vmap(info, in_dims, *args)   (results, out_dims) over a batch; without it vmap maps forward and backward themselves

    All are static methods. Only tensors that are arguments by themselves are differentiated, not those in lists.
    """

    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self).__name__} should not be instantiated: its methods are static, and it is called by "
            f"{type(self).__name__}.apply(...).",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method: make forward and backward static methods and call "
            f"{type(self).__name__}.apply(...)."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: VmapInfo, in_dims: tuple[Optional[int], ...], *args: Any) -> Any:
        raise NotImplementedError("vmap is not implemented for this custom autograd.Function.")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` and make its results differentiable by `backward` and `jvp`.

        Raises: NotImplementedError without a `forward`; RuntimeError when an input marked as dirty is no output, or is a
        leaf that requires grad.
        """
        separate = wrote(cls, "setup_context")
        if kwargs:
            args = _positional(cls, separate, args, kwargs)
        before = [x._read() if isinstance(x, Tensor) else None for x in args]
        needs = tuple([node is not None and node.tracked for node in before])
        ctx = FunctionCtx(f"{cls.__name__}Backward", needs)
        with tracking(False):
            if separate:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        values = output if isinstance(output, tuple) else (output,)
        _check_dirty(ctx, values)
        if recorder.retain or (recorder.tracking and any(needs)):
            made = _differentiable(cls, ctx, args, before, values)
        else:
            made = [_alias(value, args) if not _among(value, ctx._dirty) else value for value in values]
            ctx._given = ()
        ctx._for_backward, ctx._for_forward, ctx._dirty, ctx._non_differentiable = (), None, (), ()
        return tuple(made) if isinstance(output, tuple) else made[0]


_unwritten: tuple[Any, ...] = (Function.setup_context, Function.backward, Function.vmap)
for _method in _unwritten:
    _method.missing = True


def _positional(cls: type[Function], separate: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Keyword arguments put where forward's signature has them.

    Raises: TypeError when they do not fit it.
    """
    signature = inspect.signature(cls.forward)
    bound = signature.bind(*(args if separate else (None, *args)), **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"{cls.__name__}.apply: {', '.join(bound.kwargs)} of forward cannot be given by position")
    return bound.args if separate else bound.args[1:]


def _among(value: Any, tensors: Sequence[Any]) -> bool:
    return any([value is x for x in tensors])


def _check_dirty(ctx: FunctionCtx, values: tuple[Any, ...]) -> None:
    if not all([_among(x, values) for x in ctx._dirty]):
        raise RuntimeError(
            "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
            "modified inplace must all be outputs of the Function."
        )


def _alias(value: Any, args: tuple[Any, ...]) -> Any:
    """A result that is an argument itself becomes a tensor of its own that shares the argument's memory."""
    if isinstance(value, Tensor) and _among(value, args):
        with tracking(False):
            return view(value, reshape, (tuple(value.shape),))
    return value


def _differentiable(
    cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], before: list[Optional[Node]], values: tuple[Any, ...]
) -> list[Any]:
    """forward's results behind a `custom` node."""
    flows = [
        isinstance(v, Tensor) and v._node.type.inexact and not _among(v, ctx._non_differentiable) for v in values
    ]
    results = [v for v, yes in zip(values, flows) if yes]
    tensors = [x for x in args if isinstance(x, Tensor)]
    arguments = tuple([node for node in before if node is not None])
    places = _Places(results, tensors, arguments)
    groups = [places.of(ctx._for_backward), places.of(ctx._for_forward or ())]
    rule = UserRule(cls, ctx, args, values, flows, groups, ctx._for_forward is not None)
    rule.kept = pack_for_function(ctx._for_backward)
    read = groups if rule.kept is None else groups[1:]
    reads = tuple([i for group in read for i in group if i is not None])
    if rule.kept is not None:  # a backward pass releases what reads something
        reads += (places.add(scalar(0.5, float32)),)
    nodes = tuple([v._read() for v in results])
    elements = attached(rule, CustomInputs(nodes, arguments, tuple(places.extra), reads)) if nodes else []
    rule.elements = [weakref.ref(node) for node in elements]
    if elements:
        ctx._recorded = weakref.ref(elements[0].inputs[0])
    remaining = iter(elements)
    made: list[Any] = []
    for value, yes in zip(values, flows):
        if not yes:
            untracked = value.detach() if isinstance(value, Tensor) and value.requires_grad else value
            made.append(_alias(untracked, args))
        elif _among(value, ctx._dirty):
            made.append(write(value, next(remaining)))
        else:
            made.append(wrap(next(remaining)))
    return made


class _Places:
    """Where saved tensors stand among the inputs of a custom node: results, arguments, or extra values after them."""

    def __init__(self, results: list[Tensor], tensors: list[Tensor], arguments: tuple[Node, ...]) -> None:
        self.results, self.tensors, self.arguments = results, tensors, arguments
        self.extra: list[Node] = []

    def of(self, saved: tuple[Optional[Tensor], ...]) -> list[Optional[int]]:
        return [None if x is None else self._place(x) for x in saved]

    def _place(self, x: Tensor) -> int:
        for i, result in enumerate(self.results):
            if x is result and not _among(x, self.tensors):
                return i
        node = x._read()
        n = len(self.results)
        for i, (tensor, argument) in enumerate(zip(self.tensors, self.arguments)):
            if x is tensor and node is argument:
                return n + i
        for i, result in enumerate(self.results):  # an input changed in place and returned
            if x is result:
                return i
        return self.add(node)

    def add(self, node: Node) -> int:
        """The place of a further value."""
        self.extra.append(node)
        return len(self.results) + len(self.arguments) + len(self.extra) - 1


# --- once_differentiable ---------------------------------------------------------------------------------------------


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a `backward` whose own computation cannot be differentiated: doing so is an error, not a wrong number."""

    @functools.wraps(function)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        with tracking(False):
            answer = function(ctx, *grads)
        sources = [x for x in (*grads, *ctx.saved_tensors) if isinstance(x, Tensor) and x.requires_grad]
        if not recorder.tracking or not sources:
            return answer
        arguments = tuple([x._read() for x in sources])
        values = answer if isinstance(answer, tuple) else (answer,)
        closed = [_closed(v, arguments) if isinstance(v, Tensor) and v._node.type.inexact else v for v in values]
        return tuple(closed) if isinstance(answer, tuple) else closed[0]

    return wrapper


class _OnlyOnce(Rule):
    """The rule of a value that may not be differentiated."""

    name = "Error"

    def vjp(self, *given: Any) -> Any:
        raise GradientError("trying to differentiate twice a function that was marked with @once_differentiable")

    jvp = vjp


def _closed(value: Tensor, arguments: tuple[Node, ...]) -> Tensor:
    return wrap(attached(_OnlyOnce(), CustomInputs((value._read(),), arguments, (), ()))[0])
