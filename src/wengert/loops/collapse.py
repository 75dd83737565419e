"""Make the space of a nest as simple as its accesses allow: fewer axes, longer loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.loops.nest import Action, Add, Axis, Load, Lookup, Nest, Store, Value

Strides = tuple[int, ...]


def collapse(nest: Nest) -> Nest:
    """The same nest, in which neighbouring axes that every access walks as one are one, and axes of extent 1 are gone; at
    least one outer axis stays. An axis whose index is a value stays as it is. Idempotent."""
    nest = _select(nest, [k for k, n in enumerate(nest.extents) if n != 1 or _is_read(nest, k)])
    k = len(nest.extents) - 1
    while k > 0:
        if k != len(nest.outer) and not _is_read(nest, k) and not _is_read(nest, k - 1) and _walks_as_one(nest, k):
            nest = _merge(nest, k)
        k -= 1
    if not nest.outer:
        nest = _moved(nest, lambda strides: (0, *strides), lambda axis: axis + 1)._replace(outer=(1,))
    return nest


def collapse_groups(nest: Nest, sizes: tuple[int, ...]) -> tuple[Nest, tuple[int, ...]]:
    """The same nest, of outer axes only, in which neighbouring axes of a group that every access walks as one are one,
    and axes of extent 1 are gone; and the sizes of the groups then. `sizes`: how many axes belong to each group."""
    group = [number for number, size in enumerate(sizes) for _ in range(size)]
    keep = [k for k, n in enumerate(nest.extents) if n != 1 or _is_read(nest, k)]
    nest, group = _select(nest, keep), [group[k] for k in keep]
    for k in reversed(range(1, len(group))):
        together = group[k] == group[k - 1] and not _is_read(nest, k) and not _is_read(nest, k - 1)
        if together and _walks_as_one(nest, k):
            nest = _merge(nest, k)
            del group[k]
    return nest, tuple([group.count(number) for number in range(len(sizes))])


def with_own_buffers(nest: Nest) -> tuple[Nest, tuple[int, ...]]:
    """The same nest with its buffers numbered as they appear, and what they were: nests that differ in nothing but where
    their data lie have one code."""
    numbers: dict[int, int] = {}
    for access in accesses(nest):
        numbers.setdefault(access.buffer, len(numbers))

    def own(x: Any) -> Any:
        return x._replace(buffer=numbers[x.buffer]) if isinstance(x, (Load, Lookup, Store, Add)) else x

    moved = nest._replace(values=tuple(map(own, nest.values)), actions=tuple(map(own, nest.actions)))
    return moved, tuple(numbers)


def accesses(nest: Nest) -> list[Any]:
    """Everything in a nest that has strides."""
    written = [a for a in nest.actions if isinstance(a, (Store, Add))]
    return [v for v in nest.values if isinstance(v, (Load, Lookup))] + written


def _is_read(nest: Nest, axis: int) -> bool:
    return any(isinstance(v, Axis) and v.axis == axis for v in nest.values)


def _walks_as_one(nest: Nest, k: int) -> bool:
    return all(a.strides[k - 1] == a.strides[k] * nest.extents[k] for a in accesses(nest))


def _select(nest: Nest, keep: list[int]) -> Nest:
    """Only these axes; the others have extent 1."""
    n = len(nest.outer)
    places = {k: place for place, k in enumerate(keep)}
    return _moved(nest, lambda strides: tuple([strides[k] for k in keep]), places.__getitem__)._replace(
        outer=tuple([nest.extents[k] for k in keep if k < n]), inner=tuple([nest.extents[k] for k in keep if k >= n])
    )


def _merge(nest: Nest, k: int) -> Nest:
    """Axes k - 1 and k, both outer or both inner, as one."""
    extents = (*nest.extents[: k - 1], nest.extents[k - 1] * nest.extents[k], *nest.extents[k + 1 :])
    n = len(nest.outer) - (k < len(nest.outer))
    return _moved(
        nest, lambda strides: (*strides[: k - 1], *strides[k:]), lambda axis: axis if axis < k else axis - 1
    )._replace(outer=extents[:n], inner=extents[n:])


def _moved(nest: Nest, strides: Callable[[Strides], Strides], axis: Callable[[int], int]) -> Nest:
    """With other strides and other axis numbers."""

    def value(v: Value) -> Value:
        if isinstance(v, (Load, Lookup)):
            return v._replace(strides=strides(v.strides))
        return v._replace(axis=axis(v.axis)) if isinstance(v, Axis) else v

    def action(a: Action) -> Action:
        return a._replace(strides=strides(a.strides)) if isinstance(a, (Store, Add)) else a

    return nest._replace(values=tuple(map(value, nest.values)), actions=tuple(map(action, nest.actions)))
