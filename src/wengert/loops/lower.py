"""From a graph of elementary steps to a program of nests, contractions and calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert.dtypes import bfloat16, bool_, float16, float32, float64, int64
from wengert.errors import unreachable
from wengert.graph.graph import Graph, Step
from wengert.graph.node import array_type
from wengert.loops.access import SAME_ORDER, Form, Forms, axis, flat, through_view
from wengert.loops.additions import Added, adds_at_places, source_of
from wengert.loops.attention import FUSED, lower_attention
from wengert.loops.convolve import Results, lower_convolution
from wengert.loops.copies import copy_before_reshapes
from wengert.loops.group import DRAWS, FOLDS, LOOKUPS, PRODUCTS, READ_IN_MEMORY, Group, Grouping
from wengert.loops.joins import Place, ground_of, is_join, places, whole_place
from wengert.loops.nest import (
    Action,
    Add,
    Apply,
    Axis,
    Call,
    Contract,
    Fold,
    Folded,
    Load,
    Lookup,
    Nest,
    Number,
    Output,
    Product,
    Program,
    ProgramStep,
    Store,
    Value,
)
from wengert.loops.repeat import lower_scan
from wengert.loops.sink import sink
from wengert.loops.windows import AT_PLACES, AT_POSITIONS, lowers_window, nests_at_positions, value_at_place
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
        builder = _NestBuilder(self, group)
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
        builder = _NestBuilder(self, group)
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
        builder = _NestBuilder(self, Group(added.domain, added.indexed))
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
        builder = _NestBuilder(self, group)
        forms = group.full_forms(place.shape)
        assert forms is not None  # there are no inner axes
        at = forms if self.graph.array_at(position).shape == place.shape else ()
        builder.store(place, forms, builder.read(position, at))
        self.steps.append(builder.nest("copy"))

    def _product(self, position: int, builder: _NestBuilder, label: str) -> list[ProgramStep]:
        step = self.grouping.step(position)
        stores = [action for action in builder.actions if isinstance(action, Store)]
        dtype = _summed_in(step.array.dtype)
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
        wide = _summed_in(load.dtype)
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


class _NestBuilder:
    """Values and actions of one nest. Forms are over the group's domain axes; the nest has outer axes first."""

    def __init__(self, lowering: _Lowering, group: Group) -> None:
        self.lowering = lowering
        self.group = group
        self.rank = len(group.domain)
        self.order = (*group.outer_axes, *(group.inner or ()))
        self.values: list[Value] = []
        self.numbers: dict[Any, int] = {}
        self.actions: list[Action] = []
        self.known: dict[int, int] = {}

    def nest(self, label: str) -> Nest:
        domain, inner = self.group.domain, self.group.inner or ()
        outer = tuple([domain[k] for k in self.group.outer_axes])
        return Nest(outer, tuple([domain[k] for k in inner]), tuple(self.values), tuple(self.actions), label)

    def value(self, value: Value) -> int:
        key = (type(value), value)  # named tuples of different kinds may be equal
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.values)
            self.values.append(value)
        return number

    def _strides(self, form: Form) -> Shape:
        return tuple([form.coefficients[k] for k in self.order])

    def store(self, place: Place, forms: Forms, value: int) -> None:
        form = flat(place.forms(forms, self.rank), place.shape, self.rank)
        self.actions.append(Store(place.buffer, self._strides(form), form.offset, value))

    def read(self, position: int, forms: Forms) -> int:
        """The value behind views, at these forms: a member of this group, a count, or a load."""
        lowering, g = self.lowering, self.lowering.grouping
        if g.group_of.get(g.root(position)) is self.group:
            return self.member(g.root(position))
        root, form = lowering.place(position, forms, self.rank)
        if lowering.is_counted(root):
            return self._count(form, lowering.graph.array_at(root).dtype)
        buffer = lowering.buffer_of[root]
        return self.value(Load(buffer, self._strides(form), form.offset, lowering.buffers[buffer].dtype))

    def member(self, position: int) -> int:
        """The value of a step of this group at the current point."""
        known = self.known.get(position)
        if known is None:
            known = self.known[position] = self._compute(position)
        return known

    def _compute(self, position: int) -> int:
        g = self.lowering.grouping
        step = g.step(position)
        name, dtype = step.primitive.name, step.array.dtype
        forms = g.forms[position]
        if name in FOLDS:
            full = self.group.full_forms(self.group.domain)
            assert full is not None
            self.actions.append(Fold(FOLDS[name], self.read(step.args[0], full)))
            return self.value(Folded(len(self.actions) - 1, dtype))
        if name == "iota":
            return self._count(forms[0], dtype)
        if name in PRODUCTS:
            product = self.value(Product(_summed_in(dtype)))
            return product if _summed_in(dtype) is dtype else self.value(Apply("convert", (product,), dtype))
        if name in LOOKUPS:
            return self._lookup(step, forms)
        if name in AT_PLACES:
            choice = self.read(step.args[1], forms) if len(step.args) > 1 else None
            return value_at_place(self, step, forms, choice)
        args = [self.read(i, g.operand_forms(step, n, forms, self.rank)) for n, i in enumerate(step.args)]
        if name in DRAWS:
            place = self.affine(flat(forms, step.array.shape, self.rank))
            return self.value(Apply(name, (*args, place), dtype))
        if name == "scatter_add":
            return self._add_where_chosen(step, forms, args)
        if name == "clone":
            return args[0]
        if name == "ndtr":  # with what it shares with the density, which its derivative reads
            args.append(self.value(Apply("gaussian", (args[0],), _summed_in(dtype))))
        return self.value(Apply(name, tuple(args), dtype))

    def _bounded(self, index: int, bound: int) -> int:
        return self.value(Apply("bounded", (index, self.value(Number(bound, int64))), int64))

    def _index(self, position: int, forms: Forms, size: int, step: Step) -> int:
        """An index that a step reads from data, along an axis of this size."""
        index = self.read(position, forms)
        if step.named.get("wrap"):
            below = self.value(Apply("lt", (index, self.value(Number(0, int64))), bool_))
            wrapped = self.value(Apply("add", (index, self.value(Number(size, int64))), int64))
            index = self.value(Apply("where", (below, wrapped, index), int64))
        return self._bounded(index, size)

    def places(self, added: Added) -> Add:
        """Where the elements of the source are added, of which buffer and what is to be said yet."""
        shape = added.step.array.shape
        strides = contiguous_strides(shape)
        total: Optional[int] = None
        for (position, forms), along in zip(added.indices, added.axes):
            index = self._index(position, forms, shape[along], added.step)
            if strides[along] != 1:
                index = self.value(Apply("mul", (index, self.value(Number(strides[along], int64))), int64))
            total = index if total is None else self.value(Apply("add", (total, index), int64))
        form = flat(added.kept_forms, shape, self.rank)
        return Add(-1, self._strides(form), form.offset, -1, total or 0)

    def _lookup(self, step: Step, forms: Forms) -> int:
        """y[..., i, ...] = x[..., index[i], ...] along one axis."""
        lowering, g, name = self.lowering, self.lowering.grouping, step.primitive.name
        source, along = step.args[0], step.named["axis"]
        shape = lowering.graph.array_at(source).shape
        index = self._index(step.args[1], g.operand_forms(step, 1, forms, self.rank), shape[along], step)
        # The place as a form with one axis more, which stands for the looked-up index.
        wide = [Form(form.offset, (*form.coefficients, 0)) for form in forms]
        used = 1 if name == "gather" else len(lowering.graph.array_at(step.args[1]).shape)
        wide[along : along + used] = [axis(self.rank, self.rank + 1)]
        root, form = lowering.place(source, tuple(wide), self.rank + 1)
        buffer = lowering.buffer_of[root]
        dtype = lowering.buffers[buffer].dtype
        return self.value(Lookup(buffer, self._strides(form), form.offset, index, form.coefficients[-1], dtype))

    def _add_where_chosen(self, step: Step, forms: Forms, args: list[int]) -> int:
        """z = x + source where this is the indexed place, else x (and not x + 0, which would make 0.0 of -0.0)"""
        along, dtype = step.named["axis"], step.array.dtype
        index = self._bounded(args[1], step.array.shape[along])
        here = self.value(Apply("eq", (self.affine(forms[along]), index), bool_))
        added = self.value(Apply("add", (args[0], args[2]), dtype))
        return self.value(Apply("where", (here, added, args[0]), dtype))

    def number(self, value: Any, dtype: Any) -> int:
        """A constant."""
        return self.value(Number(float(value) if dtype.inexact else value, dtype))

    def converted(self, number: int, dtype: Any) -> int:
        """A value in another dtype; itself where it has it."""
        return number if self.values[number].dtype is dtype else self.value(Apply("convert", (number,), dtype))

    def load_bordered(self, position: int, forms: Forms, reach: list[tuple[int, int]], fill: Any) -> int:
        """The element of a value in memory at `forms`, which may reach so far beyond it; there it is `fill`."""
        load = self.lowering.bordered_load(position, forms, reach, fill, self.rank)
        return self.value(load._replace(strides=tuple([load.strides[k] for k in self.order])))

    def _count(self, form: Form, dtype: Any) -> int:
        """What iota gives: the index as a number."""
        index = self.affine(form)
        return index if dtype is int64 else self.value(Apply("convert", (index,), dtype))

    def affine(self, form: Form) -> int:
        """An affine form as a value."""
        total: Optional[int] = None
        for place, k in enumerate(self.order):
            factor = form.coefficients[k]
            if factor:
                term = self.value(Axis(place, int64))
                if factor != 1:
                    term = self.value(Apply("mul", (term, self.value(Number(factor, int64))), int64))
                total = term if total is None else self.value(Apply("add", (total, term), int64))
        if total is None:
            return self.value(Number(form.offset, int64))
        if form.offset:
            total = self.value(Apply("add", (total, self.value(Number(form.offset, int64))), int64))
        return total


def _summed_in(dtype: Any) -> Any:
    """The dtype in which products of this one are summed."""
    return float32 if dtype in (float16, bfloat16) else dtype


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
