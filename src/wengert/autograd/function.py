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
from typing import Any, NamedTuple, Optional

from wengert.derive.reverse import released_error
from wengert.derive.rules import Rule, attached
from wengert.errors import GradientError
from wengert.graph.node import OVERWRITTEN, RELEASED, Node
from wengert.graph.record import recorder, tracking
from wengert.graph.rule import primitives, unbroadcast, zeros_of
from wengert.primitives.control import CustomInputs, custom_inputs, pack
from wengert.primitives.views import reshape
from wengert.tensors.hooks import user_code
from wengert.tensors.tensor import Tensor, view, wrap, write


class FunctionCtx:
    """What `forward`, `backward` and `jvp` of one application share. Any attribute may be put on it."""

    def __init__(self, name: str, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._name = name
        self._for_backward: tuple[Optional[Tensor], ...] = ()
        self._for_forward: Optional[tuple[Optional[Tensor], ...]] = None
        self._dirty: tuple[Tensor, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        # Where `saved_tensors` come from after forward: given to the rule that runs, else read off the recorded node.
        self._given: Optional[tuple[Optional[Tensor], ...]] = None
        self._recorded: Optional[weakref.ref[Node]] = None

    def save_for_backward(self, *tensors: Optional[Tensor]) -> None:
        """Keep tensors for `backward`, where `saved_tensors` gives them. None may be among them.

        Raises: TypeError for anything else.
        """
        self._for_backward = _checked("save_for_backward", tensors)

    def save_for_forward(self, *tensors: Optional[Tensor]) -> None:
        """Keep tensors for `jvp`, where `saved_tensors` gives them (instead of those saved for backward)."""
        self._for_forward = _checked("save_for_forward", tensors)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs `forward` changed in place; each must be among its outputs."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say through which outputs no gradient flows; `backward` still gets a gradient for each: zeros."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (the default) or None for an output to which no gradient came."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Optional[Tensor], ...]:
        """What `save_for_backward` was given, with its history.

        Raises: RuntimeError when a backward pass has released the graph.
        """
        if self._given is not None:
            return self._given
        if self._recorded is None:
            return self._for_backward
        node = self._recorded()
        if node is None or node.mark & RELEASED:
            raise released_error(node)
        rule: UserRule = node.inputs[-1].value
        return rule.tensors(custom_inputs(node).saved)

    def name(self) -> str:
        """The function's name with "Backward"."""
        return self._name


def _checked(method: str, tensors: tuple[Any, ...]) -> tuple[Optional[Tensor], ...]:
    for number, value in enumerate(tensors):
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"{method} can only save variables, but argument {number} is of type {type(value).__name__}")
    return tensors


class VmapInfo(NamedTuple):
    """What a Function's own `vmap` is told about the batch."""

    batch_size: int
    randomness: str


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
        separate = cls.setup_context is not Function.setup_context
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
    reads = tuple([i for group in groups for i in group if i is not None])
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
        self.extra.append(node)
        return n + len(self.arguments) + len(self.extra) - 1


class UserRule(Rule):
    """The rule that a Function's `backward`, `jvp` and `vmap` make.

    types      of every output of forward; None for what is no tensor
    flows      whether a gradient flows through it
    takes      for each argument of forward whether it is a tensor
    groups     positions of what was saved, for backward and for jvp; None for a None
    """

    def __init__(
        self,
        cls: type[Function],
        ctx: FunctionCtx,
        args: tuple[Any, ...],
        values: tuple[Any, ...],
        flows: list[bool],
        groups: list[list[Optional[int]]],
        for_forward: bool,
    ) -> None:
        self.cls = cls
        self.ctx = ctx
        self.name = ctx._name
        self.types = [v._node.type if isinstance(v, Tensor) else None for v in values]
        self.flows = flows
        self.takes = [isinstance(x, Tensor) for x in args]
        self.groups = groups
        self.for_forward = for_forward
        self.elements: list[weakref.ref[Node]] = []
        own_vmap = cls.vmap is not Function.vmap
        self.others = [None if isinstance(x, Tensor) else x for x in args] if own_vmap else None

    # --- reverse mode

    def vjp(
        self, y_bars: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> list[Optional[Node]]:
        self._check_outputs()
        cls = self.cls
        backward = cls.backward if cls.backward is not Function.backward else cls.vjp
        with user_code(), _Given(self.ctx, self.tensors(saved)):
            answer = backward(self.ctx, *self._gradients(y_bars))
        return self._cotangents(answer if isinstance(answer, tuple) else (answer,), arguments)

    def _gradients(self, y_bars: tuple[Optional[Node], ...]) -> list[Optional[Tensor]]:
        """A gradient for each output of forward."""
        bars = iter(y_bars)
        found: list[Optional[Tensor]] = []
        for type, flows in zip(self.types, self.flows):
            bar = next(bars) if flows else None
            if bar is None and type is not None and self.ctx._materialize:
                bar = zeros_of(type)
            found.append(None if bar is None else wrap(bar))
        return found

    def _cotangents(self, answer: tuple[Any, ...], arguments: tuple[Node, ...]) -> list[Optional[Node]]:
        """What backward returned, checked, for each tensor among forward's arguments."""
        n = len(self.takes)
        if len(answer) < n or any([grad is not None for grad in answer[n:]]):
            raise RuntimeError(
                f"function {self.name} returned an incorrect number of gradients (expected {n}, got {len(answer)})"
            )
        found: list[Optional[Node]] = []
        for number, (grad, takes) in enumerate(zip(answer, self.takes)):
            if grad is not None and not isinstance(grad, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(grad).__name__})")
            if takes:
                x = arguments[len(found)]
                found.append(None if grad is None or not x.tracked else self._fitted(grad._read(), x, number))
            elif grad is not None:
                raise RuntimeError(
                    f"function {self.name} returned a gradient different than None at position {number + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
        return found

    def _fitted(self, x_bar: Node, x: Node, number: int) -> Node:
        """A gradient in the shape and dtype of its argument: summed where it was broadcast, as PyTorch does."""
        shape, wanted = x_bar.shape, x.shape
        aligned = shape[len(shape) - len(wanted) :] if wanted else ()
        if len(shape) < len(wanted) or any([n != m and m != 1 for n, m in zip(aligned, wanted)]):
            raise RuntimeError(
                f"Function {self.name} returned an invalid gradient at index {number} - got {list(shape)} but expected "
                f"shape compatible with {list(wanted)}"
            )
        if x_bar.dtype.is_complex and not x.dtype.is_complex:
            raise RuntimeError(
                f"Function {self.name} returned a complex gradient at index {number}, but its forward input is {x.dtype}; "
                "return the real part"
            )
        x_bar = unbroadcast(x_bar, x.type)
        return x_bar if x_bar.dtype is x.dtype else primitives.convert(x_bar, dtype=x.dtype)

    def _check_outputs(self) -> None:
        """PyTorch's error when an output that was saved has been changed in place."""
        for i in self.groups[0]:
            node = self.elements[i]() if i is not None and i < len(self.elements) else None
            if node is not None and node.mark & OVERWRITTEN:
                raise GradientError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"[{node.type}], output {i} of {self.name}, which its backward reads again. clone() it before "
                    "changing it."
                )

    # --- forward mode

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> list[Optional[Node]]:
        tangents: list[Optional[Tensor]] = []
        moving = iter(zip(x_dots, arguments))
        for takes in self.takes:
            x_dot, x = next(moving) if takes else (None, None)
            if x_dot is None and x is not None and x.type.inexact and self.ctx._materialize:
                x_dot = zeros_of(x.type)
            tangents.append(None if x_dot is None else wrap(x_dot))
        with user_code(), _Given(self.ctx, self.tensors(saved, self.for_forward)):
            answer = self.cls.jvp(self.ctx, *tangents)
        answer = answer if isinstance(answer, tuple) else (answer,)
        if len(answer) != len(self.types):
            raise RuntimeError(f"{self.cls.__name__}.jvp returned {len(answer)} tangents for {len(self.types)} outputs")
        return [self._tangent(y_dot, type) for y_dot, type, flows in zip(answer, self.types, self.flows) if flows]

    def _tangent(self, y_dot: Any, type: Any) -> Optional[Node]:
        if y_dot is None:
            return None
        if not isinstance(y_dot, Tensor):
            raise RuntimeError(f"{self.cls.__name__}.jvp: expected a Tensor or None, got {y_dot.__class__.__name__}")
        node = y_dot._read()
        if node.shape != type.shape:
            raise RuntimeError(
                f"{self.cls.__name__}.jvp returned a tangent of shape {list(node.shape)} for an output of shape "
                f"{list(type.shape)}"
            )
        return node if node.dtype is type.dtype else primitives.convert(node, dtype=type.dtype)  # type: ignore[no-any-return]

    # --- vmap

    def batch(self, size: int, node: CustomInputs, batched: CustomInputs) -> Node:
        if self.others is None:
            return super().batch(size, node, batched)
        given = iter(zip(node.arguments, batched.arguments))
        args: list[Any] = []
        in_dims: list[Optional[int]] = []
        for takes, other in zip(self.takes, self.others):
            x, flag = next(given) if takes else (None, False)
            args.append(other if x is None else wrap(x))
            in_dims.append(0 if flag else None)
        with user_code():
            answer, out_dims = self.cls.vmap(VmapInfo(size, "error"), tuple(in_dims), *args)
        answer = answer if isinstance(answer, tuple) else (answer,)
        dims = out_dims if isinstance(out_dims, tuple) else (out_dims,) * len(answer)
        return pack(*[_first(v._read(), d, size) for v, d, flows in zip(answer, dims, self.flows) if flows])

    # --- what was saved

    def tensors(self, saved: tuple[Node, ...], forward: bool = False) -> tuple[Optional[Tensor], ...]:
        """What `saved_tensors` are: the nodes saved for backward, or for jvp, as tensors."""
        nodes = iter(saved)
        every = [[None if i is None else wrap(next(nodes)) for i in group] for group in self.groups]
        return tuple(every[forward])


def _first(x: Node, dim: Optional[int], size: int) -> Node:
    """x with its batch axis, at `dim`, in front; repeated when it has none."""
    if dim is None:
        return primitives.expand(x, shape=(size, *x.shape))  # type: ignore[no-any-return]
    dim %= x.ndim
    return x if dim == 0 else primitives.permute(x, order=(dim, *[i for i in range(x.ndim) if i != dim]))


class _Given:
    """While a rule runs, `ctx.saved_tensors` are these."""

    def __init__(self, ctx: FunctionCtx, tensors: tuple[Optional[Tensor], ...]) -> None:
        self.ctx, self.tensors = ctx, tensors

    def __enter__(self) -> None:
        self.before, self.ctx._given = self.ctx._given, self.tensors

    def __exit__(self, *exception: Any) -> None:
        self.ctx._given = self.before


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
