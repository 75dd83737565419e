"""einsum: sums of products written with subscripts.

An equation becomes one list of labels for each operand (`_parse`), sizes are settled, and then operands are taken from
left to right: labels that occur nowhere else are summed away at once, and each pair is multiplied by the cheapest
means: `dot` where labels are summed, broadcasting where none is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from wengert import dtypes
from wengert.errors import runtime_error, value_error
from wengert.functions.operands import node_of
from wengert.graph.node import Node
from wengert.graph.rule import primitives as p
from wengert.primitives.casting import move
from wengert.tensors.casting import in_low_precision
from wengert.tensors.tensor import Tensor, wrap

__all__ = ["einsum"]

# Labels are letters, or (by sublist) numbers turned into letters; dimensions under an ellipsis are (0, k), where k
# counts from the right.
Label = Any
Labels = tuple[Label, ...]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Term(NamedTuple):
    """An operand and the label of each of its dimensions."""

    node: Node
    labels: Labels


@in_low_precision
def einsum(*args: Any) -> Tensor:
    """The sum of products that an equation describes.

    einsum("ij,jk->ik", a, b)         subscripts by letters; "..." stands for dimensions that broadcast
    einsum("ij,jk", a, b)             without an output: labels that occur once, in alphabetical order
    einsum(a, [0, 1], b, [1, 2], [0, 2])    the same with lists of numbers in [0, 52) and `Ellipsis`

    A label that occurs twice in one operand takes its diagonal; a label that is not in the output is summed over; a
    size of 1 broadcasts.

    Raises: RuntimeError for an equation that does not fit the operands; ValueError when there are none.

    Example:
        >>> import wengert as w
        >>> a, b = w.ones(2, 3), w.ones(3, 4)
        >>> w.einsum("ij,jk->ik", a, b).shape
        wengert.Size([2, 4])
        >>> w.einsum("ij->j", a).tolist()
        [2.0, 2.0, 2.0]
    """
    inputs, output, tensors = _arguments(args)
    nodes = [node_of(tensor, "einsum", f"operand {k}") for k, tensor in enumerate(tensors)]
    if len(inputs) != len(nodes):
        raise runtime_error("einsum", f"{len(inputs)} operands, one for each part of the equation", len(nodes))
    rank = _ellipsis_rank(inputs, nodes)
    terms = [_diagonal(Term(x, _expanded(part, x, k)), k) for k, (part, x) in enumerate(zip(inputs, nodes))]
    goal = _output(output, inputs, terms, rank)
    terms = _without_stretched(terms, _label_sizes(terms))
    result = _sum_away(terms[0], _needed(goal, terms[1:]))
    for k in range(1, len(terms)):
        needed = _needed(goal, terms[k + 1 :])
        result = _multiply(result, _sum_away(terms[k], needed | set(result.labels)), needed)
    return wrap(_arranged(result, goal))


# --- reading the arguments -------------------------------------------------------------------------------------------


def _arguments(args: Sequence[Any]) -> tuple[list[list[Any]], Any, list[Tensor]]:
    """(labels of each operand, labels of the output or None, operands) from either form; `...` is Ellipsis."""
    if args and isinstance(args[0], str):
        operands = list(args[1:])
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = list(operands[0])
        if operands:
            left, arrow, right = args[0].replace(" ", "").partition("->")
            inputs = [_read(part, args[0]) for part in left.split(",")]
            return inputs, _read(right, args[0]) if arrow else None, operands
    elif len(args) >= 2 and isinstance(args[1], (list, tuple)):
        pairs = len(args) // 2
        inputs = [_letters(args[2 * k + 1]) for k in range(pairs)]
        return inputs, _letters(args[-1]) if len(args) % 2 else None, [args[2 * k] for k in range(pairs)]
    raise value_error(
        "einsum",
        "must specify the equation string and at least one operand, or at least one operand and its subscripts list",
    )


def _read(text: str, equation: str) -> list[Any]:
    """The labels of one part of an equation."""
    before, dots, after = text.partition("...")
    for letter in before + after:
        if letter not in _LETTERS:
            raise runtime_error(
                "einsum", "invalid subscript given in the equation, subscripts must be in [a-zA-Z] and one '...'",
                f"{letter!r} in {equation!r}",
            )  # fmt: skip
    return [*before, *([Ellipsis] if dots else []), *after]


def _letters(numbers: Sequence[Any]) -> list[Any]:
    """The labels of a subscript list, 0 standing for A and 26 for a (the order of an output that is not given)."""
    labels: list[Any] = []
    for number in numbers:
        if number is Ellipsis:
            if Ellipsis in labels:
                raise runtime_error("einsum", "at most one Ellipsis in a subscript list", list(numbers))
            labels.append(Ellipsis)
        elif not 0 <= int(number) < len(_LETTERS):
            raise value_error("einsum", "subscript in subscript list is not within the valid range [0, 52)", number)
        else:
            labels.append(_LETTERS[int(number)])
    return labels


def _ellipsis_rank(inputs: list[list[Any]], nodes: list[Node]) -> int:
    """The number of dimensions that the widest ellipsis covers."""
    return max([0, *[x.ndim - len(part) + 1 for part, x in zip(inputs, nodes) if Ellipsis in part]])


def _expanded(part: list[Any], x: Node, k: int) -> Labels:
    """One label for each dimension of operand k."""
    named = len(part) - (Ellipsis in part)
    missing = x.ndim - named
    if missing < 0 or (missing and Ellipsis not in part):
        given = "and no ellipsis was given" if Ellipsis not in part else "besides the ellipsis"
        raise runtime_error(
            "einsum",
            f"the number of subscripts in the equation ({named}) does not match the number of dimensions ({x.ndim}) "
            f"for operand {k} {given}",
        )
    labels: list[Label] = []
    for label in part:
        labels.extend([(0, i) for i in reversed(range(missing))] if label is Ellipsis else [label])
    return tuple(labels)


def _output(output: Any, inputs: list[list[Any]], terms: list[Term], rank: int) -> Labels:
    """The labels of the result. Not given: the ellipsis, then what occurs once in the whole equation, in order."""
    dots = [(0, i) for i in reversed(range(rank))]
    if output is None:
        everywhere = [label for part in inputs for label in part if label is not Ellipsis]
        return (*dots, *sorted([label for label in set(everywhere) if everywhere.count(label) == 1]))
    known = {label for term in terms for label in term.labels}
    labels: list[Label] = []
    for label in output:
        if label is Ellipsis:
            labels.extend(dots)
            continue
        if label in labels:
            raise runtime_error("einsum", f"output subscript {label} appears more than once in the output")
        if label not in known:
            raise runtime_error("einsum", f"output subscript {label} does not appear in the equation for any input operand")
        labels.append(label)
    return tuple(labels)


# --- one operand -----------------------------------------------------------------------------------------------------


def _diagonal(term: Term, k: int) -> Term:
    """Each label once: a repeated one takes the diagonal of its dimensions."""
    x, labels = term
    while len(set(labels)) < len(labels):
        second = next(i for i, label in enumerate(labels) if label in labels[:i])
        first = labels.index(labels[second])
        if x.shape[first] != x.shape[second]:
            raise runtime_error(
                "einsum",
                f"subscript {labels[first]} is repeated for operand {k} but the sizes don't match, "
                f"{x.shape[second]} != {x.shape[first]}",
            )
        x = p.diagonal(x, offset=0, axis1=first, axis2=second)
        rest = [label for i, label in enumerate(labels) if i not in (first, second)]
        labels = (*rest, labels[first])
    return Term(x, labels)


def _label_sizes(terms: list[Term]) -> dict[Label, int]:
    """The size of each label; a size of 1 broadcasts."""
    sizes: dict[Label, int] = {}
    for k, (x, labels) in enumerate(terms):
        for label, n in zip(labels, x.shape):
            seen = sizes.setdefault(label, n)
            if seen != n and 1 not in (seen, n):
                name = label if isinstance(label, str) else "..."
                raise runtime_error(
                    "einsum",
                    f"subscript {name} has size {n} for operand {k} which does not broadcast with previously seen size {seen}",
                )
            sizes[label] = n if seen == 1 else seen
    return sizes


def _without_stretched(terms: list[Term], sizes: dict[Label, int]) -> list[Term]:
    """A dimension of size 1 whose label is larger elsewhere is dropped: the product broadcasts over it by itself."""
    slim = []
    for x, labels in terms:
        kept = [i for i, label in enumerate(labels) if x.shape[i] == sizes[label]]
        if len(kept) < len(labels):
            x = p.reshape(x, shape=tuple([x.shape[i] for i in kept]))
        slim.append(Term(x, tuple([labels[i] for i in kept])))
    return slim


def _needed(goal: Labels, later: list[Term]) -> set[Label]:
    """The labels of the output and of the operands still to come."""
    return set(goal).union(*[term.labels for term in later])


def _sum_away(term: Term, needed: set[Label]) -> Term:
    """Sum over the labels that nothing else has."""
    x, labels = term
    axes = tuple([i for i, label in enumerate(labels) if label not in needed])
    if not axes:
        return term
    if not x.type.inexact:  # as sums of integers do
        x = move(x, dtypes.int64)
    return Term(p.reduce_sum(x, axes=axes), tuple([label for label in labels if label in needed]))


def _arranged(term: Term, order: Sequence[Label]) -> Node:
    """The node with its dimensions in the order of these labels."""
    axes = tuple([term.labels.index(label) for label in order])
    return term.node if axes == tuple(range(len(axes))) else p.permute(term.node, order=axes)


# --- two operands ----------------------------------------------------------------------------------------------------


def _multiply(a: Term, b: Term, needed: set[Label]) -> Term:
    """The product of two operands, summed over the labels that both have and nothing later needs."""
    shared = [label for label in a.labels if label in b.labels]
    summed = [label for label in shared if label not in needed]
    batch = [label for label in shared if label in needed]
    only_a = [label for label in a.labels if label not in shared]
    only_b = [label for label in b.labels if label not in shared]
    labels = (*batch, *only_a, *only_b)
    size = dict(zip(a.labels + b.labels, a.node.shape + b.node.shape))
    if not summed:
        x, w = _spread(a, labels, size), _spread(b, labels, size)
        if x.dtype is not w.dtype and not (x.type.inexact or w.type.inexact):  # a sum of integers, and integers
            x, w = move(x, dtypes.int64), move(w, dtypes.int64)
        return Term(x * w, labels)

    def grouped(term: Term, *groups: list[Label]) -> Node:
        merged = [prod([size[label] for label in group]) for group in groups]
        x = _arranged(term, [label for group in groups for label in group])
        return p.reshape(x, shape=tuple(merged)) if tuple(merged) != x.shape else x

    if batch:
        y = p.dot(grouped(a, batch, only_a, summed), grouped(b, batch, summed, only_b))
    else:
        y = p.dot(grouped(a, only_a, summed), grouped(b, summed, only_b))
    return Term(p.reshape(y, shape=tuple([size[label] for label in labels])), labels)


def _spread(term: Term, labels: Labels, size: dict[Label, int]) -> Node:
    """The operand with one dimension for each of `labels`, of size 1 where it has none: ready to broadcast."""
    x = _arranged(term, [label for label in labels if label in term.labels])
    shape = tuple([size[label] if label in term.labels else 1 for label in labels])
    return x if x.shape == shape else p.reshape(x, shape=shape)


METHODS: dict[str, Callable[..., Any]] = {}
IN_PLACE: tuple[str, ...] = ()
