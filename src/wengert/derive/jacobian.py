"""Whole matrices of derivatives: one walk through what was recorded, traced for one unit vector and mapped over all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Optional

from wengert.derive.batch import map_function
from wengert.dtypes import int64
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import primitives, zeros_of


def unit_vectors(type: ArrayType, start: int = 0, stop: Optional[int] = None) -> Node:
    """The unit vectors number start .. stop - 1 of an array's space, along a new first axis."""
    n = (type.size if stop is None else stop) - start
    rows = primitives.reshape(primitives.iota(n=n, dtype=int64) + start, shape=(n, 1))
    columns = primitives.reshape(primitives.iota(n=type.size, dtype=int64), shape=(1, type.size))
    units = primitives.convert(primitives.eq(rows, columns), dtype=type.dtype)
    return primitives.reshape(units, shape=(n, *type.shape))  # type: ignore[no-any-return]


def over_unit_vectors(
    walk: Callable[[Node], list[Optional[Node]]], type: ArrayType, like: Sequence[Node], chunk: Optional[int] = None
) -> list[Node]:
    """`walk` for every unit vector of `type`: for each node in `like` its rows; zeros where walk gave None."""
    parts: list[list[Optional[Node]]] = []
    step = chunk or max(type.size, 1)
    for start in range(0, max(type.size, 1), step):
        stop = min(start + step, type.size)
        answered: list[bool] = []

        def one(unit: Node, answered: list[bool] = answered) -> list[Node]:
            found = walk(unit)
            answered.extend([x is not None for x in found])
            return [x for x in found if x is not None]

        mapped = map_function(one, [unit_vectors(type, start, stop)], [True], stop - start)
        rows = iter([x if flag else primitives.expand(x, shape=(stop - start, *x.shape)) for x, flag in mapped])
        parts.append([next(rows) if yes else None for yes in answered])
    joined = [_joined([x for x in column if x is not None]) for column in zip(*parts)]
    return [zeros_of(array_type((type.size, *x.shape), x.dtype)) if rows is None else rows for rows, x in zip(joined, like)]


def _joined(parts: list[Node]) -> Optional[Node]:
    if len(parts) < 2:
        return parts[0] if parts else None
    return primitives.concatenate(*parts, axis=0)  # type: ignore[no-any-return]
