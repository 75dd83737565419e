"""Which steps of a graph become one nest.

Every elementwise step and reduction belongs to a group; a group is computed at the points of one iteration space, its
`domain`. A step joins the group of one of its producers when it reads every member at the very point where that
member is computed, and when nothing that it reads from elsewhere depends on the group. So a chain of elementwise steps
is one pass over memory, and so are softmax or layer norm, whose folds and their consumers share a domain.

A matrix product begins a group: the elementwise steps that read it where it is computed are done as it is stored.

Levels. A *full* member has a value at each point of the domain. After the first reduction, the domain's axes are split
into outer and inner (the reduced) ones; an *outer* member (a fold, or what is computed from folds) has a value for each
outer point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert.errors import unreachable
from wengert.graph.graph import Graph, Step
from wengert.graph.rule import Elementwise
from wengert.loops.access import VIEWS, Forms, axis, broadcast_forms, through_view, zero
from wengert.shapes import Shape

FOLDS = {
    "reduce_sum": "add", "reduce_prod": "mul", "reduce_max": "max", "reduce_min": "min",
    "reduce_and": "and", "reduce_or": "or",
}  # fmt: skip
# Folds of a group one after another, each reading what the one before gave: runs over the inner axes, which compute again
# what they do not keep. Softmax has two, softmax of layer norm with the derivatives of both seven.
MOST_FOLDS = 8
# Random numbers, each a function of its place.
DRAWS = ("uniform",)
# Elementwise by nature though of other families.
POINTWISE = ("convert", "clone", "iota", *DRAWS)
# Matrix products, and convolutions, which become such.
PRODUCTS = ("dot", "convolve", "convolve_input", "convolve_weight")
# Read their first input at places that come from data; that input must lie in memory.
LOOKUPS = ("gather", "take")
# Read their first input at other places than where they are computed, so that it must lie in memory.
READ_IN_MEMORY = (*LOOKUPS, "window_argmax", "window_select", "window_sum")


class Group:
    """Steps computed in one nest.

    inner     the reduced axes of the domain, None while there is no reduction
    product   the matrix product at its head, by position, if there is one: its members are computed as it is stored, and
              no reduction is among them
    members   the steps, by position, in the order of recording
    sources   what they read: other groups, and positions of what is in none
    """

    def __init__(self, domain: Shape, inner: Optional[Shape]) -> None:
        self.domain = domain
        self.inner = inner
        self.product: Optional[int] = None
        self.members: list[int] = []
        self.sources: set[Any] = set()

    @property
    def outer_axes(self) -> Shape:
        return tuple([k for k in range(len(self.domain)) if k not in (self.inner or ())])

    def full_forms(self, shape: Shape) -> Optional[Forms]:
        """Where a full member of this shape is computed: its axes are the domain's."""
        rank = len(self.domain)
        return tuple([axis(k, rank) for k in range(rank)]) if shape == self.domain else None

    def outer_forms(self, shape: Shape) -> Optional[Forms]:
        """Where an outer member of this shape is computed: its axes are the outer ones, with or without 1s."""
        if self.inner is None:
            return None
        rank = len(self.domain)
        outer = self.outer_axes
        if shape == tuple([self.domain[k] for k in outer]):
            return tuple([axis(k, rank) if self.domain[k] != 1 else zero(rank) for k in outer])
        if shape == tuple([1 if k in self.inner else n for k, n in enumerate(self.domain)]):
            return tuple([zero(rank) if n == 1 else axis(k, rank) for k, n in enumerate(shape)])
        return None


class Grouping:
    """The result: `group_of` each grouped step by position, and where each member is computed."""

    def __init__(self, graph: Graph, lowers: Callable[[Step, Graph], bool]) -> None:
        self.graph = graph
        self.first = len(graph.inputs)
        self.group_of: dict[int, Group] = {}
        self.forms: dict[int, Forms] = {}  # member -> where in its group's domain it is computed
        self.folds: dict[int, int] = {}  # member -> folds one after another that led to it, in its group
        self.units: list[Any] = []  # Group, or the position of a step that is a unit of its own
        self.level: dict[Any, int] = dict.fromkeys(range(self.first), 0)  # unit -> more than that of each unit it reads
        self.readers: dict[Any, list[Any]] = {}
        self._lowers = lowers
        for number, step in enumerate(graph.steps):
            self._place(self.first + number, step)

    # --- what a step is --------------------------------------------------------------------------------------------

    def step(self, position: int) -> Step:
        return self.graph.steps[position - self.first]

    def is_view(self, position: int) -> bool:
        """Whether the value is an index map of another."""
        return position >= self.first and self.step(position).primitive.name in VIEWS

    def _place(self, position: int, step: Step) -> None:
        name = step.primitive.name
        if name in VIEWS:
            return
        if name in FOLDS and self._lowers(step, self.graph):
            self._place_fold(position, step)
        elif name in PRODUCTS and self._lowers(step, self.graph):
            group = self._new_group(step.array.shape, None)
            group.product = position
            self._join(group, position, group.full_forms(step.array.shape))
        elif self._is_pointwise(step) and self._lowers(step, self.graph):
            self._place_pointwise(position, step)
        else:
            self.units.append(position)
            self._note_reads(position, self._read_by(position))

    def _is_pointwise(self, step: Step) -> bool:
        name = step.primitive.name
        if name == "scatter_add":  # with one index along the axis for every line of x it is a comparison at each point
            along, index = step.named["axis"], self.graph.array_at(step.args[1]).shape
            return index == tuple([1 if k == along else n for k, n in enumerate(step.array.shape)])
        return isinstance(step.primitive, Elementwise) or name in POINTWISE or name in READ_IN_MEMORY

    def operand_forms(self, step: Step, number: int, forms: Forms, rank: int) -> Forms:
        """Where an operand is read when the result of a pointwise step is computed at `forms`."""
        name = step.primitive.name
        shape = self.graph.array_at(step.args[number]).shape
        if name == "take" and number == 1:
            start = step.named["axis"]
            return forms[start : start + len(shape)]
        if name in ("gather", "scatter_add"):
            return tuple([zero(rank) if n == 1 else form for form, n in zip(forms, shape)])
        return broadcast_forms(forms, shape, rank)

    # --- joining ---------------------------------------------------------------------------------------------------

    def _new_group(self, domain: Shape, inner: Optional[Shape]) -> Group:
        group = Group(domain, inner)
        self.units.append(group)
        self.level[group] = 0
        return group

    def _join(self, group: Group, position: int, forms: Optional[Forms]) -> None:
        if forms is None:
            unreachable("a step in a group whose domain has no place for it")
        group.members.append(position)
        self._note_reads(group, self._read_by(position) - {group})
        self.folds[position] = self._folds_before(group, self.step(position)) + (self.step(position).primitive.name in FOLDS)
        self.group_of[position] = group
        self.forms[position] = forms

    def _place_pointwise(self, position: int, step: Step) -> None:
        shape = step.array.shape
        for group in self._producer_groups(step):
            for forms in (group.full_forms(shape), group.outer_forms(shape)):
                if forms is not None and self._fits(group, step, forms) and self._free(group, step):
                    self._join(group, position, forms)
                    return
        group = self._new_group(shape, None)
        self._join(group, position, group.full_forms(shape))

    def _place_fold(self, position: int, step: Step) -> None:
        domain = self.graph.array_at(step.args[0]).shape
        inner = step.named["axes"]
        for group in self._producer_groups(step):
            if group.domain != domain or (group.inner is not None and group.inner != inner) or group.product is not None:
                continue
            if self._folds_before(group, step) >= MOST_FOLDS:
                continue
            before, group.inner = group.inner, inner
            full = group.full_forms(domain)
            if full is not None and self.reads_members_at(group, step.args[0], full) and self._free(group, step):
                forms = group.outer_forms(step.array.shape)
                if forms is not None:
                    self._join(group, position, forms)
                    return
            group.inner = before
        group = self._new_group(domain, inner)
        self._join(group, position, group.outer_forms(step.array.shape))

    def _folds_before(self, group: Group, step: Step) -> int:
        return max([self.folds[i] for i in map(self.root, step.args) if self.group_of.get(i) is group], default=0)

    def _producer_groups(self, step: Step) -> list[Group]:
        found: list[Group] = []
        for i in step.args:
            group = self.group_of.get(self.root(i))
            if group is not None and group not in found:
                found.append(group)
        # Products first, then reductions: what else is read can sink into them (`sink.py`).
        return sorted(found, key=lambda group: (group.product is None, group.inner is None))

    def root(self, position: int) -> int:
        """The value behind a chain of views."""
        while self.is_view(position):
            position = self.step(position).args[0]
        return position

    def _fits(self, group: Group, step: Step, forms: Forms) -> bool:
        rank = len(group.domain)
        for number, i in enumerate(step.args):
            if number == 0 and step.primitive.name in READ_IN_MEMORY:
                if self.group_of.get(self.root(i)) is group:
                    return False
            elif not self.reads_members_at(group, i, self.operand_forms(step, number, forms, rank)):
                return False
        return True

    def reads_members_at(self, group: Group, position: int, forms: Forms) -> bool:
        """Whether reading `position` at `forms` reads no member of the group elsewhere than where it is computed."""
        root = self.root(position)
        if self.group_of.get(root) is not group:
            return True
        found = self.read(position, forms, len(group.domain))
        if found is None:
            return False
        shape = self.graph.array_at(root).shape
        # A fold that is read along inner axes, or a full value read at one point, shows as different forms.
        return all([a == b or n == 1 for a, b, n in zip(found, self.forms[root], shape)])

    def read(self, position: int, forms: Forms, rank: int) -> Optional[Forms]:
        """Where the value behind a chain of views is read; None when a reshape on the way is not affine."""
        current: Optional[Forms] = forms
        while current is not None and self.is_view(position):
            step = self.step(position)
            source = step.args[0]
            result, below = step.array.shape, self.graph.array_at(source).shape
            current = through_view(step.primitive.name, step.named, current, result, below, rank)
            position = source
        return current

    def _free(self, group: Group, step: Step) -> bool:
        """Whether nothing that the step reads from outside the group depends on the group. What depends on it has a
        higher level."""
        level = self.level[group]
        seen: set[Any] = set()
        stack: list[Any] = [self.group_of.get(i, i) for i in map(self.root, step.args)]
        while stack:
            unit = stack.pop()
            if unit is group or unit in seen or self.level[unit] <= level:
                continue
            seen.add(unit)
            for source in self.sources(unit):
                if source is group:
                    return False
                stack.append(source)
        return True

    def _note_reads(self, unit: Any, sources: set[Any]) -> None:
        """Let a unit read these as well, and lift it and what depends on it above them."""
        if isinstance(unit, Group):
            unit.sources |= sources
        for source in sources:
            self.readers.setdefault(source, []).append(unit)
        stack = [(unit, 1 + max([self.level[source] for source in sources], default=0))]
        while stack:
            unit, level = stack.pop()
            if self.level.get(unit, 0) < level:
                self.level[unit] = level
                stack += [(reader, level + 1) for reader in self.readers.get(unit, ())]

    def sources(self, unit: Any) -> set[Any]:
        """The units (and inputs of the graph, by position) that a unit reads."""
        return unit.sources if isinstance(unit, Group) else self._read_by(unit)

    def _read_by(self, position: int) -> set[Any]:
        return {self.group_of.get(i, i) for i in map(self.root, self.step(position).args)}

    # --- the order of units ----------------------------------------------------------------------------------------

    def members_of(self, unit: Any) -> list[int]:
        """The steps of a unit, by position."""
        return unit.members if isinstance(unit, Group) else [unit]

    def ordered(self) -> list[Any]:
        """The units so that each comes after those it reads; otherwise as recorded (a topological sort, without
        recursion)."""
        found: list[Any] = []
        done: set[Any] = set(range(self.first))
        opened: set[Any] = set()
        stack = list(reversed(self.units))
        while stack:
            unit = stack[-1]
            waiting = [source for source in self.sources(unit) if source is not unit and source not in done]
            if unit in done or not waiting:
                stack.pop()
                if unit not in done:
                    done.add(unit)
                    found.append(unit)
            elif unit in opened:
                unreachable("units of a program that read each other")
            else:
                opened.add(unit)
                stack.extend(sorted(waiting, key=lambda unit: -self.members_of(unit)[0]))
        return found
