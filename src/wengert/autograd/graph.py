"""The recorded graph as users see it: `tensor.grad_fn`, its `next_functions`, and hooks on them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from functools import partial as bind
from typing import Any, NamedTuple, Optional

from wengert.autograd.hooks import edges
from wengert.autograd.names import apparent, name_of, saved_by
from wengert.autograd.saved import (
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    save_on_cpu,
    saved_tensors_hooks,
)
from wengert.derive.reverse import released_error
from wengert.errors import GradientError
from wengert.graph import node as recorded
from wengert.graph.node import RELEASED, TupleType
from wengert.primitives.control import Leaf, custom, element
from wengert.tensors.hooks import at_end_of_backward
from wengert.tensors.tensor import Hooks, RemovableHandle, Tensor, hooks_of, wrap

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge",
    "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip


class Node:
    """The derivative of one recorded operation: what `tensor.grad_fn` is.

    Each operation's class has its name, as ``MulBackward0``. Two looks at the same operation give the same object, as
    long as one of them is held; what is put on it (hooks, metadata) stays with the operation. What its derivative reads is
    there as `_saved_self`, `_saved_other`, `_saved_result`, until a backward pass lets go of it.
    """

    __slots__ = ("_node", "__weakref__")

    def __init__(self, node: recorded.Node) -> None:
        self._node = node

    def name(self) -> str:
        """PyTorch's name for the operation."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Optional[Node], int], ...]:
        """For each input the operation that made it and which of its outputs it was; (None, 0) where no gradient flows.
        Empty once the graph was released."""
        inputs = self._node.inputs
        return tuple([_edge_of(inputs[i]) for i in edges(self._node)] if inputs else [])

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for the user."""
        return self._hooks().metadata

    def _hooks(self) -> Hooks:
        node = self._node
        if node.watch is None:
            node.watch = Hooks(None)
        return node.watch

    def _sequence_nr(self) -> int:
        return self._node.serial

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after the operation's derivative was taken; a tuple that it returns
        takes the place of grad_inputs. Returns a handle with `remove()`."""
        return self._hooks().add_after_rule(hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before the operation's derivative is taken; a tuple that it returns takes the place
        of grad_outputs. Returns a handle with `remove()`."""
        if isinstance(self._node.type, TupleType):
            return self._hooks().add(hook)
        return self._hooks().add(bind(_as_tuple, hook))

    def __getattr__(self, name: str) -> Any:
        node = self._node
        if node.primitive is custom and node.inputs:  # a Function's context: saved_tensors, the user's own attributes
            return getattr(node.inputs[-1].value.ctx, name)
        if node.primitive is custom and name == "saved_tensors":
            raise released_error(node)
        if name.startswith("_saved_"):
            if node.mark & RELEASED:
                raise released_error(node)
            found = saved_by(node).get(name[7:])
            if found is not None:
                return _tensor_of(found)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *[f"_saved_{name}" for name in saved_by(self._node)]]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"


class AccumulateGrad(Node):
    """Where a graph ends: the leaf `variable` whose `grad` collects what arrives."""

    __slots__ = ()

    @property
    def variable(self) -> Optional[Tensor]:
        """The leaf, or None when it is gone."""
        reference = self._hooks().tensor
        return None if reference is None else reference()

    @property
    def next_functions(self) -> tuple[tuple[Optional[Node], int], ...]:
        return ()

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook((), grad_outputs)` after `backward` has added to the leaf's `grad`."""
        return self._hooks().add_after(lambda tensor: hook((), (tensor.grad,)))


def _tensor_of(node: recorded.Node) -> Tensor:
    """A tensor that shows a node: the leaf itself where it is one, else one that shares its history."""
    held = node.watch.tensor if node.primitive.__class__ is Leaf and node.watch is not None else None
    leaf = None if held is None else held()
    return wrap(node) if leaf is None else leaf


def _as_tuple(hook: Callable[..., Any], grad: Tensor) -> Optional[Tensor]:
    """A hook on a tuple of one gradient, called with the gradient."""
    answer = hook((grad,))
    return answer[0] if isinstance(answer, tuple) else answer


_classes: dict[str, type[Node]] = {}
_functions: weakref.WeakValueDictionary[int, Node] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def function_of(node: recorded.Node) -> Optional[Node]:
    """The user's view of a recorded operation; None where no gradient flows."""
    if not node.tracked:
        return None
    node, _ = apparent(node)
    with _lock:
        found = _functions.get(node.serial)
        if found is None:
            found = _functions[node.serial] = _class_of(node)(node)
    return found


def _class_of(node: recorded.Node) -> type[Node]:
    if node.primitive.__class__ is Leaf:
        return AccumulateGrad
    name = name_of(node)
    found = _classes.get(name)
    if found is None:
        found = _classes[name] = type(name, (Node,), {"__slots__": (), "__module__": __name__})
    return found


def _edge_of(node: recorded.Node) -> tuple[Optional[Node], int]:
    return function_of(node), apparent(node)[1]


def _grad_fn(self: Tensor) -> Optional[Node]:
    """The operation that made this tensor, as its derivative; None for leaves and untracked tensors."""
    node = self._current()
    return None if node.primitive.__class__ is Leaf else function_of(node)


def _output_nr(self: Tensor) -> int:
    """Which of its operation's outputs this tensor is."""
    return apparent(self._current())[1]


Tensor.grad_fn = property(_grad_fn)  # type: ignore[attr-defined]
Tensor.output_nr = property(_output_nr)  # type: ignore[attr-defined]


# --- edges and hooks on several tensors ------------------------------------------------------------------------------


class GradientEdge(NamedTuple):
    """One value in the graph, without holding its tensor: output `output_nr` of `node`. `grad` and `backward` take it in
    the place of a tensor."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place of a tensor in its graph.

    Raises: RuntimeError when the tensor does not require grad.
    """
    node = tensor._current()
    function = function_of(node)
    if function is None:
        raise GradientError("it is not possible to get the gradient edge of a Tensor that does not require gradients")
    return GradientEdge(function, apparent(node)[1])


def node_at(edge: GradientEdge) -> recorded.Node:
    """The recorded node of an edge."""
    node = edge.node._node
    if isinstance(node.type, TupleType):
        return element(node, index=edge.output_nr)
    return node


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: str = "all"
) -> RemovableHandle:
    """Call `fn` when gradients of several tensors are ready.

    mode: "all" calls `fn(grads)` once at the end of a backward pass that reached one of them, with None for those that
    it did not reach; "any" calls `fn(grad)` with the first that is ready. Returns a handle with `remove()`.

    Raises: ValueError for another mode; RuntimeError when a tensor does not require grad.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    seen: dict[int, Tensor] = {}

    def finish() -> None:
        ready = [seen.get(i) for i in range(len(tensors))]
        seen.clear()
        if mode == "all":
            fn(ready)

    def arrive(number: int, grad: Tensor) -> None:
        if not seen:
            at_end_of_backward(finish)
            if mode == "any":
                fn(grad)
        seen[number] = grad

    handles = [hooks_of(x, "register_multi_grad_hook").add(bind(arrive, i)) for i, x in enumerate(tensors)]
    return _Handles(handles)


class _Handles(RemovableHandle):
    """Several hooks removed as one."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()
