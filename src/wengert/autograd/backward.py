"""backward and grad: reverse mode over what was recorded, and where its results go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union

from wengert.autograd.graph import GradientEdge, node_at
from wengert.autograd.hooks import after_rule
from wengert.derive.batch import map_function
from wengert.derive.recall import recall
from wengert.derive.reverse import pull_back
from wengert.errors import GradientError, shape_error, type_error
from wengert.graph.node import Node
from wengert.graph.record import recorder, scalar, tracking
from wengert.graph.rule import ones_of, primitives, zeros_of
from wengert.runtime.flush import flush
from wengert.settings import settings
from wengert.tensors.hooks import backward_pass, collect, is_idle, run_hooks
from wengert.tensors.tensor import Tensor, wrap

Tensors = Union[Tensor, GradientEdge, Sequence[Union[Tensor, GradientEdge]]]


def backward(
    tensors: Tensors,
    grad_tensors: Optional[Any] = None,
    retain_graph: Optional[bool] = None,
    create_graph: bool = False,
    inputs: Optional[Tensors] = None,
) -> None:
    """Add d(sum of grad_tensors * tensors)/d(leaf) to `grad` of every leaf (or of `inputs`).

    tensors: scalars, or tensors with a `grad_tensors` of the same shape.
    retain_graph: keep what the graph saved, for another backward through it; by default as `create_graph`.
    create_graph: track the derivative's own computation, so that it can be differentiated again.

    Raises: RuntimeError when a tensor does not require grad, is not a scalar and has no grad_tensors, or when the graph
    was released by an earlier backward.
    """
    outputs = _sequence(tensors)
    given = [None] * len(outputs) if grad_tensors is None else _sequence(grad_tensors, none_is_one=True)
    into = None if inputs is None else _sequence(inputs)
    if into is not None and not into:
        raise RuntimeError("'inputs' argument to backward() cannot be empty.")
    _flush_earlier_backward()
    nodes, bars = _seeds(outputs, given, create_graph)
    targets = None if into is None else _target_nodes(into)
    keep = create_graph if retain_graph is None else retain_graph
    before, recorder.tracking = recorder.tracking, create_graph
    try:
        found = _pull(nodes, bars, targets, keep)
        if into is None:
            for node, bar in found.items():
                reference = node.watch.tensor
                tensor = None if reference is None else reference()
                if tensor is not None:
                    collect(tensor, bar, node.watch)
        else:
            for tensor, node in zip(into, targets or ()):
                if node in found and isinstance(tensor, Tensor):
                    collect(tensor, found[node], node.watch)
    finally:
        recorder.tracking = before
    _Pending.tape = recorder.tape


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Optional[Any] = None,
    retain_graph: Optional[bool] = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: Optional[bool] = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Optional[Tensor], ...]:
    """d(sum of grad_outputs * outputs)/d(input) for each input, without touching any `grad`.

    allow_unused: give None for an input that no output depends on, instead of an error.
    materialize_grads: give zeros instead of None.
    is_grads_batched: `grad_outputs` have a leading batch axis, and so have the results.

    Raises: RuntimeError as `backward` does, and for an unused input.
    """
    ys, xs = _sequence(outputs), _sequence(inputs)
    if not xs:
        raise RuntimeError("'inputs' argument to grad() cannot be empty.")
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True")
    given = [None] * len(ys) if grad_outputs is None else _sequence(grad_outputs, none_is_one=True)
    targets = _target_nodes(xs)
    keep = create_graph if retain_graph is None else retain_graph
    with tracking(create_graph):
        if is_grads_batched:
            found = _pull_batched(ys, given, targets, keep)
        else:
            nodes, bars = _seeds(ys, given, create_graph)
            found = _pull(nodes, bars, targets, keep)
    results: list[Optional[Tensor]] = []
    for number, (x, node) in enumerate(zip(xs, targets)):
        bar = found.get(node)
        if isinstance(bar, tuple):
            bar = bar[x.output_nr]
        if bar is not None:
            results.append(wrap(bar))
        elif materialize_grads:
            results.append(wrap(zeros_of(node_at(x).type if isinstance(x, GradientEdge) else node.type)))
        elif allow_unused:
            results.append(None)
        else:
            raise GradientError(
                f"The differentiated Tensor at index {number} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
    return tuple(results)


def _pull(nodes: Sequence[Node], bars: Sequence[Node], targets: Optional[list[Node]], keep: bool) -> dict[Node, Any]:
    """Reverse mode: from memory, or step by step with the user's hooks."""
    if not settings.anomaly:
        found = recall(nodes, bars, targets, not keep, is_idle)
        if found is not None:
            return found
    with backward_pass():
        return pull_back(
            nodes, bars, targets, run_hooks, release=not keep, on_rule=after_rule, every_rule=settings.anomaly
        )


def _pull_batched(ys: Sequence[Tensor], batches: Sequence[Any], targets: list[Node], keep: bool) -> dict[Node, Any]:
    """Reverse mode for every row of `batches` at once: the walk is traced for one row and mapped over all."""
    present = [i for i, batch in enumerate(batches) if batch is not None]
    if not present:
        raise RuntimeError("is_grads_batched=True wants grad_outputs with a leading batch axis, got None")
    rows = [batches[i]._read() for i in present]
    if any(not row.ndim or row.shape[0] != rows[0].shape[:1][0] for row in rows):
        raise shape_error("grad", "grad_outputs with one size of their first axis", tuple(row.shape for row in rows))
    reached: list[Node] = []

    def one_row(*bars: Node) -> list[Node]:
        given: list[Optional[Tensor]] = [None] * len(ys)
        for i, bar in zip(present, bars):
            given[i] = wrap(bar)
        found = _pull(*_seeds(ys, given), targets, keep)
        reached.extend([node for node in targets if node in found])
        return [found[node] for node in reached]

    size = rows[0].shape[0]
    mapped = map_function(one_row, rows, [True] * len(rows), size)
    return {
        node: bar if flag else primitives.expand(bar, shape=(size, *bar.shape))
        for node, (bar, flag) in zip(reached, mapped)
    }


def _sequence(tensors: Any, none_is_one: bool = False) -> list[Any]:
    if isinstance(tensors, (Tensor, GradientEdge)) or (none_is_one and tensors is None):
        return [tensors]
    try:
        return list(tensors)
    except TypeError:
        raise type_error("backward", "a Tensor or a sequence of them", type(tensors).__name__) from None


def _target_nodes(inputs: Sequence[Any]) -> list[Node]:
    nodes = []
    for number, x in enumerate(inputs):
        if isinstance(x, GradientEdge):
            nodes.append(x.node._node)
            continue
        if not isinstance(x, Tensor):
            raise type_error("grad", "tensors as inputs", type(x).__name__)
        node = x._current()
        if not node.tracked:
            raise GradientError(
                f"One of the differentiated Tensors does not require grad: input {number} of shape {list(x.shape)}"
            )
        nodes.append(node)
    return nodes


def _seeds(outputs: Sequence[Any], given: Sequence[Any], again: bool = False) -> tuple[list[Node], list[Node]]:
    """The nodes to start from and their cotangents: ones for scalars. again: the result is to be differentiated."""
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    nodes, bars = [], []
    for number, (output, bar) in enumerate(zip(outputs, given)):
        if not isinstance(output, (Tensor, GradientEdge)):
            raise type_error("backward", "tensors to differentiate", type(output).__name__)
        node = node_at(output) if isinstance(output, GradientEdge) else output._current()
        if not node.tracked:
            raise GradientError(f"element {number} of tensors does not require grad and does not have a grad_fn")
        nodes.append(node)
        bars.append(_one_for(node, again) if bar is None else _fitting(bar, node, number))
    return nodes, bars


def _one_for(node: Node, again: bool) -> Node:
    """The cotangent 1 of a scalar. One that is known in the program saves work in further derivatives, and is a step more."""
    if node.type.size != 1:
        raise GradientError("grad can be implicitly created only for scalar outputs")
    if node.type.dtype.is_complex:
        raise GradientError(f"grad can be implicitly created only for real scalar outputs but got {node.type.dtype}")
    if again:
        return ones_of(node.type)
    start = scalar(1, node.type.dtype)
    return primitives.expand(start, shape=node.type.shape) if node.type.shape else start


def _fitting(bar: Any, node: Node, number: int) -> Node:
    """A given cotangent, in its output's dtype."""
    if not isinstance(bar, Tensor):
        raise type_error("backward", "gradients can be either Tensors or None", type(bar).__name__)
    found = bar._read()
    if found.shape != node.shape:
        raise shape_error(
            "backward",
            f"Mismatch in shape: the gradient of output {number} must have its shape, {list(node.shape)}",
            (found.shape,),
        )
    if found.dtype is not node.dtype:
        if found.dtype.is_complex and not node.dtype.is_complex:
            found = primitives.real(found)
        if found.dtype is not node.dtype:
            found = primitives.convert(found, dtype=node.dtype)
    return found


class _Pending:
    """The tape that the last backward recorded to, if nothing ran since."""

    tape: Optional[list[Node]] = None


def _flush_earlier_backward() -> None:
    """A second backward before any flush: run the first now, so that a loop without an optimiser or a printed value
    makes one graph a step, the same one each time, instead of one long graph cut at arbitrary places."""
    if _Pending.tape is recorder.tape and recorder.tape:
        flush()
    _Pending.tape = None


def _backward_method(
    self: Tensor,
    gradient: Optional[Tensor] = None,
    retain_graph: Optional[bool] = None,
    create_graph: bool = False,
    inputs: Optional[Tensors] = None,
) -> None:
    """Add d(sum of gradient * self)/d(leaf) to `grad` of every leaf (or of `inputs`); see `autograd.backward`."""
    backward(self, gradient, retain_graph, create_graph, inputs)


Tensor.backward = _backward_method
