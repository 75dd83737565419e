"""Pieces of nests, for what cuts one nest into several."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.dtypes import DType
from wengert.loops.nest import Action, Apply, Axis, Load, Lookup, Nest, Number, Store, Value
from wengert.shapes import contiguous_strides


def zeros(buffer: int, extents: tuple[int, ...], dtype: DType) -> Nest:
    """What a sum begins with."""
    return Nest(extents, (), (Number(0.0, dtype),), (Store(buffer, contiguous_strides(extents), 0, 0),), "zeros")


def depend(values: Sequence[Value], kind: type) -> list[bool]:
    """Which values are of this kind or made from one."""
    found: list[bool] = []
    for v in values:
        found.append(isinstance(v, kind) or (isinstance(v, Apply) and any([found[i] for i in v.args])))
    return found


def moving(step: Nest) -> list[bool]:
    """Which values differ along inner axes."""
    n = len(step.outer)
    found: list[bool] = []
    for v in step.values:
        own = (isinstance(v, (Load, Lookup)) and any(v.strides[n:])) or (isinstance(v, Axis) and v.axis >= n)
        found.append(own or (isinstance(v, Apply) and any([found[i] for i in v.args])))
    return found


def needed(values: Sequence[Value], actions: Sequence[Action]) -> tuple[tuple[Value, ...], tuple[Action, ...]]:
    """The actions, and the values that they need."""
    used = {a.value for a in actions}
    for number in reversed(range(len(values))):
        v = values[number]
        if number in used and isinstance(v, Apply):
            used.update(v.args)
    places = {number: place for place, number in enumerate(sorted(used))}
    kept = [values[number] for number in places]
    moved = [v._replace(args=tuple([places[i] for i in v.args])) if isinstance(v, Apply) else v for v in kept]
    return tuple(moved), tuple([a._replace(value=places[a.value]) for a in actions])
