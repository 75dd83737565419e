"""The values and actions of one nest, as they are put together from the steps of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from wengert.dtypes import bfloat16, bool_, float16, float32, int64
from wengert.graph.graph import Step
from wengert.loops.access import Form, Forms, axis, flat
from wengert.loops.additions import Added
from wengert.loops.group import DRAWS, FOLDS, LOOKUPS, PRODUCTS, Group
from wengert.loops.joins import Place
from wengert.loops.nest import (
    Action,
    Add,
    Apply,
    Axis,
    Fold,
    Folded,
    Load,
    Lookup,
    Nest,
    Number,
    Product,
    Store,
    Value,
)
from wengert.loops.windows import AT_PLACES, value_at_place
from wengert.shapes import Shape, contiguous_strides

if TYPE_CHECKING:
    from wengert.loops.lower import _Lowering as Lowering


class NestBuilder:
    """Values and actions of one nest. Forms are over the group's domain axes; the nest has outer axes first."""

    def __init__(self, lowering: Lowering, group: Group) -> None:
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
            product = self.value(Product(summed_in(dtype)))
            return product if summed_in(dtype) is dtype else self.value(Apply("convert", (product,), dtype))
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
            args.append(self.value(Apply("gaussian", (args[0],), summed_in(dtype))))
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


def summed_in(dtype: Any) -> Any:
    """The dtype in which products of this one are summed."""
    return float32 if dtype in (float16, bfloat16) else dtype
