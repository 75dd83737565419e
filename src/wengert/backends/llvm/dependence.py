"""What the values of a nest depend on: its axes, its folds."""

from __future__ import annotations

import math
from collections.abc import Set

from wengert.backends.llvm.kept import arguments
from wengert.loops.collapse import accesses
from wengert.loops.nest import Add, Axis, Folded, Load, Lookup, Nest


def inner_dependence(nest: Nest) -> list[bool]:
    """Whether each value changes along inner axes."""
    return varies(nest, set(range(len(nest.outer), len(nest.extents))))


def adds(nest: Nest) -> bool:
    return any(isinstance(a, Add) for a in nest.actions)


def vector_axis(nest: Nest) -> int:
    """The axis along which most accesses are contiguous, counted as often as they are made: the last inner or the last
    outer one."""
    n_outer, last_inner = len(nest.outer), len(nest.extents) - 1
    last_outer = n_outer - 1
    if not nest.inner or adds(nest):  # lanes that are inner points might add to one element
        return last_outer
    points = math.prod(nest.inner)
    made = [(a, points if any(a.strides[n_outer:]) else 1) for a in accesses(nest)]
    score = {axis: sum([times for a, times in made if a.strides[axis] == 1]) for axis in (last_outer, last_inner)}
    wide = nest.extents[last_outer] >= 4
    return last_outer if score[last_outer] > score[last_inner] and wide else last_inner


def varies(nest: Nest, axes: Set[int]) -> list[bool]:
    """Whether each value changes along one of these axes."""
    found: list[bool] = []
    for v in nest.values:
        if isinstance(v, (Load, Lookup)):
            changes = any(v.strides[k] for k in axes)
        else:
            changes = isinstance(v, Axis) and v.axis in axes
        found.append(changes or any([found[i] for i in arguments(v)]))
    return found


def folds_behind(nest: Nest) -> list[int]:
    """For each value the folds that it is computed from, as bits."""
    found: list[int] = []
    for v in nest.values:
        bits = 1 << v.action if isinstance(v, Folded) else 0
        for i in arguments(v):
            bits |= found[i]
        found.append(bits)
    return found
