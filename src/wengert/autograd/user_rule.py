"""The rule behind a Function: how reverse mode, forward mode and vmap call what the user wrote, and check what it gives."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple, Optional

from wengert.autograd.saved import Kept, unpacked
from wengert.derive.reverse import released_error, walking
from wengert.derive.rules import Rule
from wengert.errors import GradientError
from wengert.graph.node import OVERWRITTEN, RELEASED, Node
from wengert.graph.rule import primitives, unbroadcast, zeros_of
from wengert.primitives.casting import move
from wengert.primitives.control import CustomInputs, custom_inputs, pack
from wengert.tensors.hooks import user_code
from wengert.tensors.tensor import Tensor, wrap


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
        given = custom_inputs(node)
        return rule.tensors(given.saved, given.arguments)

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


def wrote(cls: Any, method: str) -> bool:
    """Whether a user's class has a method of its own; what Function offers instead is marked."""
    return not hasattr(getattr(cls, method), "missing")


class UserRule(Rule):
    """The rule that a Function's `backward`, `jvp` and `vmap` make.

    types      of every output of forward; None for what is no tensor
    flows      whether a gradient flows through it
    takes      for each argument of forward whether it is a tensor
    groups     positions of what was saved, for backward and for jvp; None for a None
    kept       what hooks made of that for backward, when some were at work
    """

    kept: Optional[Kept] = None

    def __init__(
        self,
        cls: Any,
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
        self.others = [None if isinstance(x, Tensor) else x for x in args] if wrote(cls, "vmap") else None

    # --- reverse mode

    def vjp(
        self, y_bars: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> list[Optional[Node]]:
        self._check_outputs()
        cls = self.cls
        backward = cls.backward if wrote(cls, "backward") else cls.vjp
        with user_code(), _Given(self.ctx, self.tensors(saved, arguments)):
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
        return move(unbroadcast(x_bar, x.type), x.dtype)

    def _check_outputs(self) -> None:
        """PyTorch's error when an output that was saved has been changed in place."""
        for i in self.groups[0]:
            node = self.elements[i]() if i is not None and i < len(self.elements) else None
            if node is not None and node.mark & OVERWRITTEN and not walking.mutation_allowed:
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
        with user_code(), _Given(self.ctx, self.tensors(saved, arguments, self.for_forward)):
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
        return node if node.dtype is type.dtype else primitives.convert(node, dtype=type.dtype)

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

    def tensors(
        self, saved: tuple[Node, ...], arguments: tuple[Node, ...], forward: bool = False
    ) -> tuple[Optional[Tensor], ...]:
        """What `saved_tensors` are: the nodes saved for backward, or for jvp, as tensors."""
        if self.kept is not None and not forward:
            return self._unpacked(self.kept, arguments)
        nodes = iter(saved)
        groups = self.groups if self.kept is None else [[], *self.groups[1:]]
        every = [[None if i is None else wrap(next(nodes)) for i in group] for group in groups]
        return tuple(every[forward])

    def _unpacked(self, kept: Kept, arguments: tuple[Node, ...]) -> tuple[Optional[Tensor], ...]:
        nodes = [*[element() for element in self.elements], *arguments]
        found: list[Optional[Tensor]] = []
        for place, one in zip(self.groups[0], kept.packed):
            history = nodes[place] if place is not None and place < len(nodes) else None
            found.append(None if one is None else wrap(unpacked(kept.unpack_hook, one[0], history)))
        return tuple(found)


def _first(x: Node, dim: Optional[int], size: int) -> Node:
    """x with its batch axis, at `dim`, in front; repeated when it has none."""
    if dim is None:
        return primitives.expand(x, shape=(size, *x.shape))
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
