"""Loops over time as one operation: `scan`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert import trees
from wengert.derive.loop import loop
from wengert.errors import runtime_error, shape_error, type_error
from wengert.graph.node import Node
from wengert.graph.record import noting_writes
from wengert.tensors.tensor import Tensor, wrap


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: Optional[int] = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """A loop that carries a state: ``carry, y = f(carry, x)`` for each x along the first dimension of `xs`.

    The loop is one operation, however long it is: f is called once, to record a step, and its derivatives are loops as
    well. f may read tensors from outside, which get their derivative too. Random numbers that f draws are drawn once and
    are the same in every step; give numbers that differ as part of `xs`.

    f: takes (carry, x), gives (carry, y); the carry keeps its structure, shapes and dtypes
    init: the first carry, a tensor or a structure of tensors
    xs: a tensor or a structure of tensors with one first dimension; None for a loop that only counts
    length: the number of steps, where `xs` does not tell
    reverse: go through xs, and fill y, from the last step to the first

    Returns the last carry, and every y stacked along a new first dimension.

    Raises: RuntimeError for sizes that differ, a carry that changes, and an in-place operation in f on a tensor from
    outside; TypeError for leaves that are no tensors.

    >>> import wengert
    >>> wengert.func.scan(lambda total, x: (total + x, total), wengert.tensor(0.0), wengert.tensor([1.0, 2.0, 3.0]))
    (tensor(6.), tensor([0., 1., 3.]))
    """
    state, structure = _tensors(init, "init")
    elements, shape_of_xs = _tensors(xs, "xs") if xs is not None else ([], None)
    steps = _length(elements, length)
    structures: list[Any] = []

    def step(carries: Sequence[Node], rows: Sequence[Node]) -> tuple[list[Node], list[Node]]:
        carry = trees.unflatten([wrap(c) for c in carries], structure)
        x = None if shape_of_xs is None else trees.unflatten([wrap(row) for row in rows], shape_of_xs)
        with noting_writes() as written:
            found = f(carry, x)
            _refuse_writes(written, [*carries, *rows])
        if not (isinstance(found, tuple) and len(found) == 2):
            raise type_error("scan", "f must return (carry, y)", type(found).__name__)
        after, after_structure = _tensors(found[0], "the carry that f returns")
        if after_structure != structure:
            raise runtime_error("scan", "f must return a carry of the structure of init", None)
        results, result_structure = _tensors(found[1], "y") if found[1] is not None else ([], None)
        structures.append(result_structure)
        return [x._read() for x in after], [x._read() for x in results]

    ends, ys = loop(step, [x._read() for x in state], [x._read() for x in elements], steps, reverse)
    stacked = None if structures[0] is None else trees.unflatten([wrap(y) for y in ys], structures[0])
    return trees.unflatten([wrap(end) for end in ends], structure), stacked


def _tensors(tree: Any, what: str) -> tuple[list[Tensor], Any]:
    leaves, structure = trees.flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise type_error("scan", f"{what} must be made of tensors", type(leaf).__name__)
    return leaves, structure


def _length(elements: Sequence[Tensor], length: Optional[int]) -> int:
    sizes = {x.shape[0] if x.ndim else None for x in elements}
    if None in sizes or len(sizes) > 1 or (sizes and length not in (None, *sizes)):
        shapes = tuple([tuple(x.shape) for x in elements])
        wanted = "xs with one first dimension" + ("" if length is None else f", equal to length={length}")
        raise shape_error("scan", wanted, shapes)
    if not sizes and length is None:
        raise runtime_error("scan", "a length where there are no xs", None)
    return next(iter(sizes)) if sizes else length  # type: ignore[return-value]


def _refuse_writes(written: list[tuple[Any, Node]], inputs: Sequence[Node]) -> None:
    """What a step writes into a tensor from outside would be lost: it is an error."""
    first = min([x.serial for x in inputs], default=0)
    for cell, before in reversed(written):
        if before.serial < first:
            cell.overwrite(before, silent=True)
            raise runtime_error(
                "scan", "f wrote in place into a tensor from outside", None, "make it part of the carry"
            )
