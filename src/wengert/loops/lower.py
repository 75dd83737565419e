"""From a graph of elementary steps to a program of nests, contractions and calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from wengert.dtypes import bool_, float32, float64, int64
from wengert.errors import unreachable
from wengert.graph.graph import Graph, Step
from wengert.loops.access import Form, Forms, axis, flat, through_view
from wengert.loops.group import ALIASES, FOLDS, LOOKUPS, Group, Grouping
from wengert.loops.nest import (
    Action,
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
    Operand,
    Program,
    ProgramStep,
    Store,
    Value,
)
from wengert.rewrite.definitions import Plain
from wengert.shapes import Shape

# Whether the backend has a scalar operation or fold of this name for these dtypes: (name, argument dtypes, result).
Supports = Callable[[str, tuple[Any, ...], Any], bool]


def lower(plain: Plain, supports: Supports) -> Program:
    """The program of a graph. Steps that the backend does not support become calls of their NumPy definition."""
    return _Lowering(plain, supports).program()


class _Lowering:
    def __init__(self, plain: Plain, supports: Supports) -> None:
        self.graph = plain.graph
        self.constants = plain.constants
        self.grouping = Grouping(self.graph, lambda step, graph: _is_supported(step, graph, supports))
        self.buffers: list[Any] = list(self.graph.inputs)
        self.buffer_of: dict[int, int] = {i: i for i in range(len(self.graph.inputs))}
        self.steps: list[ProgramStep] = []
        self.stored = self._stored()

    def program(self) -> Program:
        for unit in self.grouping.ordered():
            if isinstance(unit, Group):
                self._lower_group(unit)
            else:
                self._lower_single(unit)
        outputs = tuple([self._whole(i) for i in self.graph.outputs])
        inputs = len(self.graph.inputs) - len(self.constants)
        return Program(tuple(self.buffers), inputs, self.constants, tuple(self.steps), outputs)

    # --- buffers ---------------------------------------------------------------------------------------------------

    def _stored(self) -> set[int]:
        """Members of groups whose value must lie in memory: read outside their group, or handed out."""
        g = self.grouping
        found = set(g.materialised) | {g.root(i) for i in self.graph.outputs}
        for number, step in enumerate(self.graph.steps):
            position = g.first + number
            if g.is_view(position):
                continue
            owner = g.group_of.get(position)
            for i in step.args:
                root = g.root(i)
                if owner is None or g.group_of.get(root) is not owner:
                    found.add(root)
        return found

    def _buffer(self, type: Any) -> int:
        self.buffers.append(type)
        return len(self.buffers) - 1

    def _whole(self, position: int) -> tuple[int, Shape]:
        """A buffer whose row-major elements are the value's, and the value's shape; copied if it is a true view."""
        g = self.grouping
        shape = getattr(self.graph.type_at(position), "shape", ())
        source = position
        while g.is_view(source):
            step = g.step(source)
            assert step is not None
            if step.primitive.name not in (*ALIASES, "reshape"):
                return self._copy(position), shape
            source = step.args[0]
        return self.buffer_of[source], shape

    def _copy(self, position: int) -> int:
        """A nest that writes a view's elements out in row-major order."""
        type = self.graph.type_at(position)
        known = self.buffer_of.get(position)
        if known is not None:
            return known
        group = Group(type.shape, None, position)  # type: ignore[union-attr]
        builder = _NestBuilder(self, group)
        forms = group.full_forms(type.shape)  # type: ignore[union-attr]
        buffer = self._buffer(type)
        builder.store(buffer, type.shape, forms, builder.read(position, forms))  # type: ignore[union-attr,arg-type]
        self.steps.append(builder.nest("copy"))
        self.buffer_of[position] = buffer
        return buffer

    # --- steps -----------------------------------------------------------------------------------------------------

    def _lower_group(self, group: Group) -> None:
        builder = _NestBuilder(self, group)
        for position in group.members:
            value = builder.member(position)
            if position in self.stored:
                type = self.graph.type_at(position)
                buffer = self.buffer_of[position] = self._buffer(type)
                builder.store(buffer, type.shape, self.grouping.forms[position], value)  # type: ignore[union-attr]
        names = [self.grouping.step(i).primitive.name for i in group.members]  # type: ignore[union-attr]
        self.steps.append(builder.nest(" ".join(names)))

    def _lower_single(self, position: int) -> None:
        step = self.grouping.step(position)
        assert step is not None
        if step.primitive.name == "dot" and step.type.dtype in (float32, float64) and self._lower_dot(position, step):  # type: ignore[union-attr]
            return
        wholes = [self._whole(i) for i in step.args]
        result = self.buffer_of[position] = self._buffer(step.type)
        self.steps.append(
            Call(
                step.primitive, step.params, tuple([b for b, _ in wholes]), tuple([s for _, s in wholes]), result,
                step.origin, step.primitive.name,
            )  # fmt: skip
        )

    def _lower_dot(self, position: int, step: Step) -> bool:
        shape = step.type.shape  # type: ignore[union-attr]
        k = self.graph.type_at(step.args[0]).shape[-1]  # type: ignore[union-attr]
        a, b = [self._operand(i) for i in step.args]
        result = self.buffer_of[position] = self._buffer(step.type)
        self.steps.append(
            Contract(shape[:-2], shape[-2], shape[-1], k, a, b, result, step.type.dtype, label="dot")  # type: ignore[union-attr]
        )
        return True

    def _operand(self, position: int) -> Operand:
        """A matrix operand as strides into a buffer, through whatever views stand before it."""
        shape = self.graph.type_at(position).shape  # type: ignore[union-attr]
        rank = len(shape)
        place = self._place(position, tuple([axis(k, rank) for k in range(rank)]), rank)
        if place is None:
            buffer = self._copy(position)
            place = buffer, flat(tuple([axis(k, rank) for k in range(rank)]), shape, rank)
        buffer, form = place
        strides = form.coefficients
        return Operand(buffer, form.offset, strides[:-2], strides[-2], strides[-1])

    def _place(self, position: int, forms: Forms, rank: int) -> Optional[tuple[int, Form]]:
        """The buffer behind a chain of views and the element of it that is read; None when the chain is not affine."""
        g = self.grouping
        number: Optional[Form] = None  # once set: the row-major element number instead of forms
        while g.is_view(position):
            step = g.step(position)
            assert step is not None
            source = step.args[0]
            name = step.primitive.name
            if name not in ALIASES:
                result = step.type.shape  # type: ignore[union-attr]
                if number is None:
                    below = through_view(name, step.named, forms, result, self.graph.type_at(source).shape, rank)  # type: ignore[union-attr]
                    if below is None:
                        if name != "reshape":
                            return None
                        number = flat(forms, result, rank)
                    else:
                        forms = below
                elif name != "reshape":
                    return None
            position = source
        if number is None:
            number = flat(forms, self.graph.type_at(position).shape, rank)  # type: ignore[union-attr]
        return self.buffer_of[position], number


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

    def store(self, buffer: int, shape: Shape, forms: Forms, value: int) -> None:
        form = flat(forms, shape, self.rank)
        self.actions.append(Store(buffer, self._strides(form), form.offset, value))

    def read(self, position: int, forms: Forms) -> int:
        """The value behind views, at these forms: a member of this group, or a load."""
        lowering, g = self.lowering, self.lowering.grouping
        root = g.root(position)
        if g.group_of.get(root) is self.group and root not in lowering.buffer_of:
            return self.member(root)
        place = lowering._place(position, forms, self.rank)
        if place is None:
            place = lowering._copy(position), flat(forms, lowering.graph.type_at(position).shape, self.rank)  # type: ignore[union-attr]
        buffer, form = place
        if g.group_of.get(root) is self.group:  # stored by this very nest: take the value, not the memory
            return self.known[root]
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
        assert step is not None
        name, dtype = step.primitive.name, step.type.dtype  # type: ignore[union-attr]
        forms = g.forms[position]
        if name in FOLDS:
            full = self.group.full_forms(self.group.domain)
            assert full is not None
            self.actions.append(Fold(FOLDS[name], self.read(step.args[0], full)))
            return self.value(Folded(len(self.actions) - 1, dtype))
        if name == "iota":
            return self._affine(forms[0])
        if name == "full":
            return self.read(step.args[0], ())
        if position in g.materialised and not step.primitive.name == "convert" and step.primitive.is_view:
            source = step.args[0]
            below = through_view(
                name, step.named, forms, step.type.shape, self.lowering.graph.type_at(source).shape, self.rank  # type: ignore[union-attr]
            )
            if below is None:
                unreachable(f"a copy of {name} that is not affine")
            return self.read(source, below)
        if name in LOOKUPS:
            return self._lookup(step, forms)
        args = [self.read(i, g.operand_forms(step, n, forms, self.rank)) for n, i in enumerate(step.args)]
        if name == "scatter_add":
            return self._add_where_chosen(step, forms, args)
        return self.value(Apply(name, tuple(args), dtype))

    def _bounded(self, index: int, bound: int) -> int:
        return self.value(Apply("bounded", (index, self.value(Number(bound, int64))), int64))

    def _lookup(self, step: Step, forms: Forms) -> int:
        """y[..., i, ...] = x[..., index[i], ...] along one axis."""
        lowering, g, name = self.lowering, self.lowering.grouping, step.primitive.name
        source, along = step.args[0], step.named["axis"]
        shape = lowering.graph.type_at(source).shape  # type: ignore[union-attr]
        index = self.read(step.args[1], g.operand_forms(step, 1, forms, self.rank))
        if step.named.get("wrap"):
            below = self.value(Apply("lt", (index, self.value(Number(0, int64))), bool_))
            wrapped = self.value(Apply("add", (index, self.value(Number(shape[along], int64))), int64))
            index = self.value(Apply("where", (below, wrapped, index), int64))
        # The place as a form with one axis more, which stands for the looked-up index.
        wide = [Form(form.offset, (*form.coefficients, 0)) for form in forms]
        used = 1 if name == "gather" else len(lowering.graph.type_at(step.args[1]).shape)  # type: ignore[union-attr]
        wide[along : along + used] = [axis(self.rank, self.rank + 1)]
        place = lowering._place(source, tuple(wide), self.rank + 1)
        if place is None:
            place = lowering._copy(source), flat(tuple(wide), shape, self.rank + 1)
        buffer, form = place
        bounded = self._bounded(index, shape[along])
        dtype = lowering.buffers[buffer].dtype
        return self.value(Lookup(buffer, self._strides(form), form.offset, bounded, form.coefficients[-1], dtype))

    def _add_where_chosen(self, step: Step, forms: Forms, args: list[int]) -> int:
        """z = x + (source where this is the indexed place, else 0)"""
        along, dtype = step.named["axis"], step.type.dtype  # type: ignore[union-attr]
        index = self._bounded(args[1], step.type.shape[along])  # type: ignore[union-attr]
        here = self.value(Apply("eq", (self._affine(forms[along]), index), bool_))
        added = self.value(Apply("where", (here, args[2], self.value(Number(0, dtype))), dtype))
        return self.value(Apply("add", (args[0], added), dtype))

    def _affine(self, form: Form) -> int:
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


def _is_supported(step: Step, graph: Graph, supports: Supports) -> bool:
    name = step.primitive.name
    arguments = tuple([graph.type_at(i).dtype for i in step.args])  # type: ignore[union-attr]
    result = step.type.dtype  # type: ignore[union-attr]
    if name in FOLDS:
        return supports("fold " + FOLDS[name], arguments, result)
    if name in (*LOOKUPS, "scatter_add"):
        return supports("load", (), result) and (result.inexact or name != "scatter_add")
    if name in ("full", "iota"):
        return result is not None and supports("load", (), result)
    return supports(name, arguments, result)
