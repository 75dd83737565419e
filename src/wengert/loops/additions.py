"""Sums into places that come from data: put_add, scatter_add, index_put with `accumulate`. The embedding's derivative.

    y = x, then y[a, i, c] += source[a, n, c] with i = index[n], for n in order

The axes of the index are the inner ones of a nest, so they run in order and what is added to one element is added in the
order of the source, as NumPy adds it; all others are outer ones and never meet. The code checks each index.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.graph.graph import Graph, Step
from wengert.loops.access import Forms, axis, broadcast_forms, zero
from wengert.primitives.positions import index_place
from wengert.shapes import Shape

ADDITIONS = ("put_add", "scatter_add", "index_put")


def adds_at_places(step: Step, graph: Graph, supports: Callable[[str, tuple[Any, ...], Any], bool]) -> bool:
    """Whether such a step becomes a nest. 16-bit floats are added in float32 and rounded at the end; an index into nothing,
    or for nothing, is checked as NumPy does."""
    if step.primitive.name not in ADDITIONS or step.named.get("accumulate") is False:
        return False
    dtype = step.array.dtype
    if dtype.category == 0 or (dtype.is_floating_point and dtype.itemsize < 4) or not supports("add", (dtype, dtype), dtype):
        return False
    sizes = [graph.array_at(i).size for i in step.args]
    return all(sizes) or (step.primitive.name == "scatter_add" and not sizes[1])


def source_of(step: Step) -> int:
    """What is added, by position."""
    return step.args[1] if step.primitive.name == "index_put" else step.args[-1]


class Added:
    """How such a step's source is walked.

    domain      the source's shape
    forms       where the source is read: at the point itself
    indexed     the axes of the domain that are the index's
    indices     the indices, by position, and where each is read
    axes        the axes of the result for which they stand
    kept_forms  where the result is written, but for its indexed axes
    """

    def __init__(self, step: Step, graph: Graph) -> None:
        self.step = step
        self.domain: Shape = graph.array_at(source_of(step)).shape
        rank = len(self.domain)
        self.forms: Forms = tuple([axis(k, rank) for k in range(rank)])
        positions = step.args[2:] if step.primitive.name == "index_put" else step.args[1:2]
        self.axes: Shape = step.named["axes"] if step.primitive.name == "index_put" else (step.named["axis"],)
        if step.primitive.name == "scatter_add":  # an index for every element
            self.indexed, at = self.axes, [self.forms]
            kept = [self.forms[k] for k in range(rank) if k not in self.axes]
        else:
            shapes = [graph.array_at(i).shape for i in positions]
            first, many = index_place(self.axes), max(map(len, shapes))
            self.indexed = tuple(range(first, first + many))
            at = [broadcast_forms(self.forms[first : first + many], shape, rank) for shape in shapes]
            kept = [form for k, form in enumerate(self.forms) if k not in self.indexed]
        self.indices = list(zip(positions, at))
        rest = iter(kept)
        self.kept_forms: Forms = tuple([zero(rank) if k in self.axes else next(rest) for k in range(step.array.ndim)])
