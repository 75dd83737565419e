"""A contraction seen from its parts: each operand, and what becomes of the product, is a `Part`, values over three groups
of axes (batch, rows, columns). Parts are made as simple as their accesses allow, and plain strided ones are recognised:
those need no code of their own.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

from wengert.loops.collapse import collapse_groups
from wengert.loops.nest import Contract, Load, Nest, Product, Store, Value

Groups = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


class Part(NamedTuple):
    """Values over (*batch, *rows, *columns). An operand has no stores: its element is the last value."""

    groups: Groups
    values: tuple[Value, ...]
    stores: tuple[Store, ...]

    @property
    def is_operand(self) -> bool:
        return not self.stores


class Strided(NamedTuple):
    """A matrix in memory: matrix t at offset + (t // inner) outer_stride + (t mod inner) inner_stride."""

    buffer: int
    offset: int
    inner: int
    outer_stride: int
    inner_stride: int
    row: int
    column: int


def left(step: Contract) -> Part:
    """The left operand."""
    return _simplified(Part((step.batch, step.rows, step.summed), step.a, ()))


def right(step: Contract) -> Part:
    """The right operand."""
    return _simplified(Part((step.batch, step.summed, step.columns), step.b, ()))


def finish(step: Contract) -> Part:
    """What is stored."""
    return _simplified(Part((step.batch, step.rows, step.columns), step.values, step.stores))


def _simplified(part: Part) -> Part:
    """The same with the fewest axes. Those of extent 1 are gone; a group may be empty."""
    extents = tuple([n for group in part.groups for n in group])
    nest = Nest(extents, (), part.values, part.stores)
    nest, sizes = collapse_groups(nest, tuple(map(len, part.groups)))
    ends = [sum(sizes[: k + 1]) for k in range(3)]
    groups = tuple([nest.outer[end - size : end] for end, size in zip(ends, sizes)])
    return Part(groups, nest.values, nest.actions)  # type: ignore[arg-type]


def strided(part: Part) -> Optional[Strided]:
    """An operand that is one matrix for each of at most two axes of the batch; None if it is anything else."""
    batch, rows, columns = part.groups
    if len(part.values) != 1 or len(batch) > 2 or len(rows) > 1 or len(columns) > 1:
        return None
    load = part.values[0]
    if not isinstance(load, Load):
        return None
    return _matrix(part.groups, load)


def plain_store(part: Part) -> Optional[Strided]:
    """Where the product goes if it is stored as it is, in row-major order within rows; None otherwise."""
    batch, rows, columns = part.groups
    if len(part.stores) != 1 or len(batch) > 1 or len(rows) > 1 or len(columns) > 1:
        return None
    store = part.stores[0]
    if not isinstance(part.values[store.value], Product):
        return None
    found = _matrix(part.groups, store)
    return found if found.column == 1 or not columns else None


def _matrix(groups: Groups, access: Load | Store) -> Strided:
    batch, rows, columns = groups
    strides = list(access.strides)
    column = strides.pop() if columns else 1
    row = strides.pop() if rows else 0
    inner = strides.pop() if batch else 0
    outer = strides.pop() if strides else 0
    count = batch[-1] if batch else 1
    return Strided(access.buffer, access.offset, max(count, 1), outer, inner, row, column)


def sizes(step: Contract) -> tuple[int, int, int, int]:
    """How many matrices, their rows and columns, and the elements in a sum."""
    return math.prod(step.batch), math.prod(step.rows), math.prod(step.columns), math.prod(step.summed)
