"""Groups that only one other group reads join it, so that a value is computed where it is used and not stored before.

A step is placed with what it reads, as it is recorded; what comes to be read by a group only later (an optimiser's moments
scaled before the gradient is known, a mask made before the loss) was placed by itself. When all steps are placed, such a
group sinks into its reader if that computes at the very points at which it is read.
"""

from __future__ import annotations

from typing import Any

from wengert.loops.access import Forms
from wengert.loops.group import FOLDS, PRODUCTS, READ_IN_MEMORY, Group, Grouping


def sink(grouping: Grouping) -> None:
    """Let groups without reductions and products sink, the last first, so that a chain of them follows."""
    g = grouping
    readers = _readers(g)
    for group in [unit for unit in reversed(g.units) if isinstance(unit, Group)]:
        into = readers.get(group, set())
        if group.inner is not None or group.product is not None or len(into) != 1:
            continue
        (reader,) = into
        if isinstance(reader, Group) and _sinks(g, group, reader):
            g.units.remove(group)
            for source in group.sources:
                readers[source] = {reader if unit is group else unit for unit in readers[source]}


def _readers(g: Grouping) -> dict[Any, set[Any]]:
    """The units that read each unit."""
    found: dict[Any, set[Any]] = {}
    for unit in g.units:
        for source in g.sources(unit):
            if source is not unit:
                found.setdefault(source, set()).add(unit)
    return found


def _sinks(g: Grouping, group: Group, reader: Group) -> bool:
    """Make the members of a group members of its reader, if each is computed there where it is read."""
    for places in (reader.full_forms, reader.outer_forms):
        forms = {i: places(g.graph.array_at(i).shape) for i in group.members}
        if all(form is not None for form in forms.values()):
            before = {i: g.forms[i] for i in group.members}
            _move(g, group.members, reader, forms)
            if _is_sound(g, reader, [*group.members, *reader.members], set(group.members)):
                reader.members = sorted([*group.members, *reader.members])
                reader.sources = (reader.sources | group.sources) - {group}
                return True
            _move(g, group.members, group, before)
    return False


def _move(g: Grouping, members: list[int], group: Group, forms: dict[int, Any]) -> None:
    for i in members:
        g.group_of[i] = group
        g.forms[i] = forms[i]


def _is_sound(g: Grouping, group: Group, members: list[int], moved: set[int]) -> bool:
    """Whether every member reads those that moved at the points where they are computed."""
    for i in members:
        step = g.step(i)
        for number, source in enumerate(step.args):
            if g.root(source) not in moved:
                continue
            name = step.primitive.name
            if name in PRODUCTS or (number == 0 and name in READ_IN_MEMORY):
                return False  # these lie in memory
            forms = group.full_forms(group.domain) if name in FOLDS else _operand_forms(g, group, i, number)
            if forms is None or not g.reads_members_at(group, source, forms):
                return False
    return True


def _operand_forms(g: Grouping, group: Group, position: int, number: int) -> Forms:
    return g.operand_forms(g.step(position), number, g.forms[position], len(group.domain))
