"""From a graph of elementary steps to a program of nests, contractions and calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert.dtypes import bfloat16, float16, float32, float64, int64
from wengert.errors import unreachable
from wengert.graph.graph import Graph, Step
from wengert.graph.node import array_type
from wengert.loops.access import SAME_ORDER, Form, Forms, axis, flat, through_view
from wengert.loops.additions import Added, adds_at_places, source_of
from wengert.loops.attention import FUSED, lower_attention
from wengert.loops.builder import NestBuilder, summed_in
from wengert.loops.convolve import Results, lower_convolution
from wengert.loops.copies import copy_before_reshapes
from wengert.loops.group import FOLDS, LOOKUPS, PRODUCTS, READ_IN_MEMORY, Group, Grouping
from wengert.loops.joins import Place, ground_of, is_join, places, whole_place
from wengert.loops.nest import (
    Apply,
    Call,
    Contract,
    Load,
    Nest,
    Number,
    Output,
    Program,
    ProgramStep,
    Store,
    Value,
)
from wengert.loops.repeat import lower_scan
from wengert.loops.sink import sink
from wengert.loops.windows import AT_PLACES, AT_POSITIONS, lowers_window, nests_at_positions
from wengert.rewrite.definitions import Plain
from wengert.shapes import Shape, contiguous_strides

# Whether the backend has a scalar operation or fold of this name for these dtypes: (name, argument dtypes, result).
Supports = Callable[[str, tuple[Any, ...], Any], bool]


def lower(plain: Plain, supports: Supports) -> Program:
    """The program of a graph. Steps that the backend does not support become calls of their NumPy definition."""
    return _Lowering(plain, supports).program()


class _Lowering:
    """targets: places that a value, by position, has to be written to, besides or instead of a buffer of its own."""

    targets: dict[int, list[Place]]

    def __init__(self, plain: Plain, supports: Supports) -> None:
        self.graph = copy_before_reshapes(plain.graph)
        self.constants = plain.constants
        self.supports = supports
        self.targets = {}
        self.parts: dict[int, tuple[int, ...]] = {}  # a value of several arrays that code makes -> their buffers
        self.grouping = Grouping(self.graph, lambda step, graph: _is_supported(step, graph, supports))
        sink(self.grouping)
        self.buffers: list[Any] = list(self.graph.inputs)
        self.buffer_of: dict[int, int] = {i: i for i in range(len(self.graph.inputs))}
        self.copies: dict[int, int] = {}  # view -> buffer
        self.borders: dict[Any, Place] = {}  # value, what is around it -> where it stands in a buffer with that border
        self.steps: list[ProgramStep] = []
        self.joins = [
            self.grouping.first + number
            for number, step in enumerate(self.graph.steps)
            if is_join(step) and supports("load", (), step.array.dtype)
        ]
        self.stored = self._stored()

    def inside(self, graph: Graph, inputs: list[int], outputs: list[int]) -> list[ProgramStep]:
        """The steps of a graph within this one: its inputs are these buffers, its outputs are to be written to those."""
        inner = _Lowering(Plain(graph, ()), self.supports)
        inner.buffers = self.buffers
        inner.buffer_of = dict(enumerate(inputs))
        for position, buffer in zip(inner.graph.outputs, outputs):
            root = inner.behind_reshapes(position)
            place = whole_place(buffer, inner.graph.array_at(root).shape)
            inner.targets.setdefault(root, []).append(place)
        inner.lower_units()
        for position, given in inner.targets.items():
            if position not in inner.grouping.group_of:
                for place in given:
                    if not place.is_whole or inner.buffer_of.get(position) != place.buffer:
                        inner.copy_to(place, position)
        return inner.steps

    def lower_units(self) -> None:
        for position in self.joins:
            self._prepare_join(position)
        for unit in self.grouping.ordered():
            if isinstance(unit, Group):
                self._lower_group(unit)
            else:
                self._lower_single(unit)

    def program(self) -> Program:
        self.lower_units()
        outputs = tuple([self._output(i) for i in self.graph.outputs])
        inputs = len(self.graph.inputs) - len(self.constants)
        return Program(tuple(self.buffers), inputs, self.constants, tuple(self.steps), outputs)

    # --- buffers ---------------------------------------------------------------------------------------------------

    def _stored(self) -> set[int]:
        """Members of groups whose value must lie in memory: read outside their group, or handed out."""
        g = self.grouping
        found = {g.root(i) for i in self.graph.outputs}
        for number, step in enumerate(self.graph.steps):
            position = g.first + number
            if g.is_view(position):
                continue
            owner = g.group_of.get(position)
            for number, i in enumerate(step.args):
                root = g.root(i)
                name = step.primitive.name
                if position in self.joins and ground_of(step) is None and i in g.group_of:
                    continue  # it is written to its place in the join
                in_memory = name in PRODUCTS or (number == 0 and name in READ_IN_MEMORY)
                if owner is None or in_memory or (g.group_of.get(root) is not owner and not self.is_counted(root)):
                    found.add(root)
        return found

    def is_counted(self, root: int) -> bool:
        """Whether a value is an iota that nests compute where they read it."""
        return root in self.grouping.group_of and self.grouping.step(root).primitive.name == "iota"

    def _output(self, position: int) -> Output:
        buffers = self.parts.get(position)
        if buffers is None:
            return self.whole(position)
        return tuple([(buffer, self.buffers[buffer].shape) for buffer in buffers])

    def behind_reshapes(self, position: int) -> int:
        """The value of which this one is a reshape."""
        while self.grouping.is_view(position) and self.grouping.step(position).primitive.name in SAME_ORDER:
            (position,) = self.grouping.step(position).args
        return position

    def buffer(self, type: Any) -> int:
        self.buffers.append(type)
        return len(self.buffers) - 1

    def whole(self, position: int) -> tuple[int, Shape]:
        """A buffer whose row-major elements are the value's, and the value's shape; copied if it is a true view."""
        shape = getattr(self.graph.type_at(position), "shape", ())
        source = self.behind_reshapes(position)
        return (self._copy(position) if self.grouping.is_view(source) else self.buffer_of[source]), shape

    def _copy(self, position: int) -> int:
        """The buffer of a view's elements written out in row-major order."""
        known = self.copies.get(position)
        if known is None:
            type = self.graph.array_at(position)
            known = self.copies[position] = self.buffer(type)
            self.copy_to(whole_place(known, type.shape), position)
        return known

    def copy_to(self, place: Place, position: int) -> None:
        """A nest that writes a value's elements to a place."""
        type = self.graph.array_at(position)
        group = Group(type.shape, None)
        builder = NestBuilder(self, group)
        forms = group.full_forms(type.shape)
        assert forms is not None  # there are no inner axes
        builder.store(place, forms, builder.read(position, forms))
        self.steps.append(builder.nest("copy"))

    def bordered_load(self, position: int, forms: Forms, reach: list[tuple[int, int]], fill: Any, rank: int) -> Load:
        """The element at `forms`, which may lie so far before and behind each axis; there it is `fill`."""
        if any([before or behind for before, behind in reach]):
            place = self._bordered(position, reach, fill)
            buffer, form = place.buffer, flat(place.forms(forms, rank), place.shape, rank)
        else:
            root, form = self.place(position, forms, rank)
            buffer = self.buffer_of[root]
        return Load(buffer, form.coefficients, form.offset, self.buffers[buffer].dtype)

    def _bordered(self, position: int, reach: list[tuple[int, int]], fill: Any) -> Place:
        """Where a value stands in a buffer that has so many times `fill` before and behind it along each axis."""
        key = (position, tuple(reach), fill)
        known = self.borders.get(key)
        if known is None:
            type = self.graph.array_at(position)
            sizes = tuple([before + n + behind for n, (before, behind) in zip(type.shape, reach)])
            at = tuple([(before, before + n, 1) for n, (before, _) in zip(type.shape, reach)])
            known = self.borders[key] = Place(self.buffer(array_type(sizes, type.dtype)), sizes, at)
            value = Number(float(fill) if type.inexact else fill, type.dtype)
            self.steps.append(Nest(sizes, (), (value,), (Store(known.buffer, contiguous_strides(sizes), 0, 0),), "border"))
            self.copy_to(known, position)
        return known

    # --- steps -----------------------------------------------------------------------------------------------------

    def _lower_group(self, group: Group) -> None:
        builder = NestBuilder(self, group)
        for position in group.members:
            value = builder.member(position)
            type = self.graph.array_at(position)
            given = self.targets.get(position, [])
            if position in self.stored:
                own = next((place for place in given if place.is_whole), None)
                if own is None:
                    own = whole_place(self.buffer(type), type.shape)
                    given = [own, *given]
                self.buffer_of[position] = own.buffer
            for place in given:
                builder.store(place, self.grouping.forms[position], value)
        label = " ".join([self.grouping.step(i).primitive.name for i in group.members])
        if group.product is not None:
            self.steps += self._product(group.product, builder, label)
        elif builder.actions:
            self.steps.append(builder.nest(label))

    def _lower_single(self, position: int) -> None:
        step = self.grouping.step(position)
        if step.primitive.name == "element" and step.args[0] in self.parts:
            self.buffer_of[position] = self.parts[step.args[0]][step.params[0]]
            return
        if position in self.joins:
            self._lower_join(position)
            return
        if step.primitive.name in AT_POSITIONS and _is_supported(step, self.graph, self.supports):
            result = self.buffer_of[position] = self.buffer(step.type)
            self.steps += nests_at_positions(self, step, result)
            return
        if step.primitive.name in FUSED:
            lower_attention(self, position, step)
            return
        if step.primitive.name == "scan" and lower_scan(self, position, step):
            return
        if adds_at_places(step, self.graph, self.supports):
            self._add_at_places(position, step)
            return
        wholes = [self.whole(i) for i in step.args]
        result = self.buffer_of[position] = self.buffer(step.type)
        buffers, shapes = tuple([b for b, _ in wholes]), tuple([s for _, s in wholes])
        label = step.primitive.name
        self.steps.append(Call(step.primitive, step.params, buffers, shapes, result, step.origin, label))

    def _add_at_places(self, position: int, step: Step) -> None:
        """The value that is added to, then a nest that adds to it."""
        shape, source = step.array.shape, source_of(step)
        buffer = self.buffer_of[position] = self.buffer(step.type)
        self._cover(whole_place(buffer, shape), step.args[0])
        if not self.graph.array_at(source).size:
            return
        added = Added(step, self.graph)
        builder = NestBuilder(self, Group(added.domain, added.indexed))
        at = builder.places(added)
        builder.actions.append(at._replace(buffer=buffer, value=builder.read(source, added.forms)))
        self.steps.append(builder.nest(step.primitive.name))

    def _prepare_join(self, position: int) -> None:
        """Find the buffer of a join, and tell the nests that compute its parts."""
        step = self.grouping.step(position)
        given = [place for place in self.targets.get(position, ()) if place.is_whole]
        buffer = self.buffer_of[position] = given[0].buffer if given else self.buffer(step.type)
        shapes = [self.graph.array_at(i).shape for i in step.args]
        for part, place in places(step, shapes, buffer):
            if part in self.grouping.group_of and ground_of(step) is None:
                self.targets.setdefault(part, []).append(place)

    def _lower_join(self, position: int) -> None:
        step = self.grouping.step(position)
        buffer, ground = self.buffer_of[position], ground_of(step)
        if ground is not None:
            self._cover(whole_place(buffer, step.array.shape), ground)
        for part, place in places(step, [self.graph.array_at(i).shape for i in step.args], buffer):
            if part not in self.grouping.group_of or ground is not None:
                self.copy_to(place, part)

    def _cover(self, place: Place, position: int) -> None:
        """A nest that writes a value, or one number again and again, all over a place."""
        group = Group(place.shape, None)
        builder = NestBuilder(self, group)
        forms = group.full_forms(place.shape)
        assert forms is not None  # there are no inner axes
        at = forms if self.graph.array_at(position).shape == place.shape else ()
        builder.store(place, forms, builder.read(position, at))
        self.steps.append(builder.nest("copy"))

    def _product(self, position: int, builder: NestBuilder, label: str) -> list[ProgramStep]:
        step = self.grouping.step(position)
        stores = [action for action in builder.actions if isinstance(action, Store)]
        dtype = summed_in(step.array.dtype)
        if step.primitive.name != "dot":
            return lower_convolution(self, step, Results(builder.values, stores), dtype, label)
        (*batch, m, n), k = step.array.shape, self.graph.array_at(step.args[0]).shape[-1]
        a, b = [self._operand(i) for i in step.args]
        return [Contract(tuple(batch), (m,), (n,), (k,), a, b, tuple(builder.values), tuple(stores), dtype, label)]

    def _operand(self, position: int) -> tuple[Value, ...]:
        """A matrix operand: a load through whatever views stand before it, widened to the dtype of the sum."""
        shape = self.graph.array_at(position).shape
        rank = len(shape)
        root, form = self.place(position, tuple([axis(k, rank) for k in range(rank)]), rank)
        buffer = self.buffer_of[root]
        load = Load(buffer, form.coefficients, form.offset, self.buffers[buffer].dtype)
        wide = summed_in(load.dtype)
        return (load,) if wide is load.dtype else (load, Apply("convert", (0,), wide))

    def place(self, position: int, forms: Forms, rank: int) -> tuple[int, Form]:
        """The value behind a chain of views, and the row-major number of its element that is read at `forms`."""
        g = self.grouping
        number: Optional[Form] = None  # set from a reshape on that is not affine: below it are only reshapes
        while g.is_view(position):
            step = g.step(position)
            source = step.args[0]
            name, result = step.primitive.name, step.array.shape
            if number is None:
                below = through_view(name, step.named, forms, result, self.graph.array_at(source).shape, rank)
                if below is None:
                    number = flat(forms, result, rank)
                else:
                    forms = below
            elif name not in SAME_ORDER:
                unreachable(f"{name} behind a reshape that is not affine")
            position = source
        if number is None:
            number = flat(forms, self.graph.array_at(position).shape, rank)
        return position, number


def _is_supported(step: Step, graph: Graph, supports: Supports) -> bool:
    name = step.primitive.name
    arguments = tuple([graph.array_at(i).dtype for i in step.args])
    result = step.array.dtype
    if name in FOLDS:
        return supports("fold " + FOLDS[name], arguments, result)
    if name in AT_PLACES or name in AT_POSITIONS:
        return lowers_window(step, graph) and supports("load", (), result)
    if name in PRODUCTS:
        return result in (float16, bfloat16, float32, float64)
    if name in LOOKUPS:  # an index into nothing is always an error, which NumPy words
        return supports("load", (), result) and graph.array_at(step.args[0]).size > 0
    if name == "scatter_add":
        return result.inexact and supports("load", (), result)
    if name == "clone":
        return supports("load", (), result)
    if name == "iota":
        return supports("convert", (int64,), result)
    return supports(name, arguments, result)
