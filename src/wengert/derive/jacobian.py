"""Whole matrices of derivatives: one walk through what was recorded, traced for one unit vector and mapped over all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Optional

from wengert.derive.batch import map_function
from wengert.derive.forward import push_forward
from wengert.dtypes import int64
from wengert.graph.node import ArrayType, Node, array_type
from wengert.graph.rule import primitives, zeros_of


def jacobian_by_rows(
    walk: Callable[[Node, Node], list[Optional[Node]]], xs: Sequence[Node], ys: Sequence[Node], chunk: Optional[int] = None
) -> list[list[Node]]:
    """For each output and input their block, of shape (*y.shape, *x.shape), by reverse mode. `walk(y, y_bar)` gives the
    cotangents of `xs`; at most `chunk` unit vectors are mapped over at a time."""
    rows = [over_unit_vectors(partial(walk, y), y.type, xs, chunk) for y in ys]
    return [[_block(part, y, x) for part, x in zip(parts, xs)] for y, parts in zip(ys, rows)]


def jacobian_by_columns(xs: Sequence[Node], ys: Sequence[Node]) -> list[list[Node]]:
    """For each output and input their block, by forward mode."""
    columns = [over_unit_vectors(partial(_tangents, x, ys), x.type, ys) for x in xs]
    turned = [[primitives.permute(part, order=(*range(1, part.ndim), 0)) for part in parts] for parts in columns]
    return [[_block(parts[k], y, x) for parts, x in zip(turned, xs)] for k, y in enumerate(ys)]


def _tangents(x: Node, ys: Sequence[Node], x_dot: Node) -> list[Optional[Node]]:
    return push_forward([x], [x_dot], ys)


def _block(numbers: Node, y: Node, x: Node) -> Node:
    return primitives.reshape(numbers, shape=(*y.shape, *x.shape))


def unit_vectors(type: ArrayType, start: int = 0, stop: Optional[int] = None) -> Node:
    """The unit vectors number start .. stop - 1 of an array's space, along a new first axis."""
    n = (type.size if stop is None else stop) - start
    rows = primitives.reshape(primitives.iota(n=n, dtype=int64) + start, shape=(n, 1))
    columns = primitives.reshape(primitives.iota(n=type.size, dtype=int64), shape=(1, type.size))
    units = primitives.convert(primitives.eq(rows, columns), dtype=type.dtype)
    return primitives.reshape(units, shape=(n, *type.shape))


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
    return primitives.concatenate(*parts, axis=0)
