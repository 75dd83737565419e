"""Checkpointing: trade time for memory. A stretch of a program keeps its inputs only, and is computed again in backward.

The stretch is recorded once, as a graph; backward records the graph again, not the Python code. So nothing that the code
does beside computing happens twice (running statistics move once), and random operations repeat their numbers.

Source: T. Chen, B. Xu, C. Zhang, C. Guestrin, Training deep nets with sublinear memory cost (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Optional

from wengert import trees
from wengert.derive.recompute import forget
from wengert.graph.node import Node
from wengert.graph.record import next_serial, noting_writes, recorder, retaining
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["checkpoint", "checkpoint_sequential", "noop_context_fn"]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


def noop_context_fn() -> Contexts:
    """Two contexts that do nothing: the default of `context_fn`."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: Optional[bool] = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), whose intermediate values are computed again in backward instead of kept.

    Gradients reach everything that a derivative would reach without the checkpoint: arguments, parameters that the
    function closes over, through `backward` and `autograd.grad`, to any order. Checkpoints may be nested.

    use_reentrant: PyTorch has two implementations; here there is one, and True only forbids keyword arguments, as there.
    context_fn: gives two context managers; the first is entered around the function. The second is PyTorch's, for the
        second run of the code, which does not take place.
    preserve_rng_state, determinism_check, debug, early_stop: accepted; the same graph runs twice, with the same random
        numbers, so there is nothing to preserve or to check.

    Raises: TypeError when function is not callable; ValueError for keyword arguments or a context_fn with
    use_reentrant=True, and for an unknown determinism_check.

    >>> import wengert
    >>> x = wengert.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([-2.4784,  3.3129])
    """
    if not callable(function):
        raise TypeError(f"checkpoint: '{type(function).__name__}' object is not callable; the function comes first")
    if use_reentrant and kwargs:
        raise ValueError(
            f"Unexpected keyword arguments: {', '.join(kwargs)}. With use_reentrant=True the function takes positional "
            "arguments only"
        )
    if use_reentrant and context_fn is not noop_context_fn:
        raise ValueError("checkpoint: `context_fn` and `debug` go with use_reentrant=False only")
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be 'default' or 'none', but got {determinism_check}")
    if not recorder.tracking:
        return function(*args, **kwargs)
    forward_context, _ = context_fn()
    with retaining(), noting_writes() as written, forward_context:
        first = next_serial()
        output = function(*args, **kwargs)
        return _keep_nothing(output, written, first)


def _keep_nothing(output: Any, written: list[tuple[Any, Node]], first: int) -> Any:
    """The output with every tensor in it, and every memory written to meanwhile, behind a node that recomputes it."""
    leaves, structure = trees.flatten(output)
    tensors = [x for x in leaves if isinstance(x, Tensor)]
    cells = list({id(cell): cell for cell, _ in written if cell.node.serial >= first and cell.node.tracked}.values())
    nodes = forget([x._current() for x in tensors] + [cell.node for cell in cells], first)
    renewed = dict(zip([id(x) for x in tensors], nodes))
    for cell, node in zip(cells, nodes[len(tensors) :]):
        cell.overwrite(node, silent=True)
    made = []
    for value in leaves:
        if isinstance(value, Tensor) and renewed[id(value)] is not value._current():
            linked = value._link is not None
            value = value if linked and _follows(value, cells) else wrap(renewed[id(value)])
        made.append(value)
    return trees.unflatten(made, structure)


def _follows(tensor: Tensor, cells: Sequence[Any]) -> bool:
    """Whether a tensor shows memory that was just given its new node."""
    return tensor._link is not None and any([tensor._link.cell is cell for cell in cells])


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: Optional[bool] = None, **kwargs: Any
) -> Any:
    """Apply functions (or the children of a Sequential) one after the other, each but the last of `segments` stretches
    as a checkpoint.

    Raises: ValueError when there are more segments than functions, fewer than one, or for unknown keyword arguments.
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"Unexpected keyword arguments: {', '.join(kwargs)}")
    children = getattr(functions, "children", None)
    steps: list[Callable[[Any], Any]] = list(children() if callable(children) else functions)
    if not 1 <= segments <= max(len(steps), 1):
        raise ValueError(
            f"checkpoint_sequential: segments must lie between 1 and the {len(steps)} functions, got {segments}"
        )
    size = max(len(steps) // segments, 1)
    starts = [size * i for i in range(segments)]
    for start in starts[:-1]:
        stretch = _in_sequence(steps[start : start + size])
        input = checkpoint(stretch, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return _in_sequence(steps[starts[-1] :])(input)


def _in_sequence(steps: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return run
