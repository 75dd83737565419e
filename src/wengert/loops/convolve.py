"""Convolutions as contractions: the windows of an operand are an index map of it, so they are never built.

    y[n, g o, i] = sum over c, k of  w[g o, c, k]  x[n, g c, i stride + k dilation - padding]

Each argument that windows look beyond is first copied into a buffer with a border of zeros. From there on every index
is affine, and each of the three maps is one product of matrices with several axes a side:

    convolve          batch (n, g)   rows (o)   summed (c, k)   columns (i)
    convolve_weight   batch (g)      rows (o)   summed (n, i)   columns (c, k)
    convolve_input    batch (n, g)   rows (c)   summed (o, k)   columns (j)

With a stride, a position j of the input meets only some k: those for which (j + padding - k dilation) is a multiple of
it. These depend on j modulo the stride, so each remainder (along each axis) is a contraction of its own.
"""

from __future__ import annotations

from itertools import product as every
from math import gcd, prod
from typing import TYPE_CHECKING, Any, NamedTuple

from wengert.dtypes import int64
from wengert.graph.graph import Step
from wengert.graph.node import array_type
from wengert.loops.access import Form, Forms, axis
from wengert.loops.nest import (
    Action,
    Apply,
    Axis,
    Contract,
    Fold,
    Folded,
    Load,
    Lookup,
    Nest,
    Number,
    Product,
    ProgramStep,
    Store,
    Value,
)
from wengert.shapes import Shape, contiguous_strides

if TYPE_CHECKING:
    from wengert.loops.lower import _Lowering as Lowering

# Places of a window, and in a row of them, below which all images are columns of one product, instead of a product for
# each image.
_FEW_PLACES = 192
_SHORT = 8
# Parts into which the long sums of a weight's derivative are cut, so that several threads can add them up; together with the
# rows of the weight, of which there are tasks as well, since every part has a sum of its own for each element.
_PARTS = 16
_PARTS_AND_ROWS = 256


class Results(NamedTuple):
    """What is stored of a convolution: values over the axes of its result, among them the sum, and the stores."""

    values: list[Value]
    stores: list[Store]


def lower_convolution(lowering: Lowering, step: Step, results: Results, dtype: Any, label: str) -> list[ProgramStep]:
    """The program steps of one convolution. `dtype`: in which it is summed."""
    found = _Convolution(lowering, step, results, dtype, label)
    return {"convolve": found.forward, "convolve_input": found.of_input, "convolve_weight": found.of_weight}[
        step.primitive.name
    ]()


class Line(NamedTuple):
    """Along one spatial axis: position = start + place * step + tap * spread."""

    start: int
    step: int
    spread: int
    places: int
    taps: int

    def reach(self) -> tuple[int, int]:
        """The least and the largest position."""
        if not self.places or not self.taps:
            return 0, -1
        ends = [self.start + i * self.step + k * self.spread for i in (0, self.places - 1) for k in (0, self.taps - 1)]
        return min(ends), max(ends)


class Phase(NamedTuple):
    """The positions first, first + stride, ... of the input along one axis: which taps meet them, and where in y."""

    first: int
    tap: int  # the first tap and how far the next is
    skip: int
    line: Line


class _Convolution:
    def __init__(self, lowering: Lowering, step: Step, results: Results, dtype: Any, label: str) -> None:
        self.lowering = lowering
        self.results = results
        self.dtype = dtype
        self.label = label
        self.args = step.args
        self.shapes = [lowering.graph.array_at(i).shape for i in step.args]
        self.result: Shape = step.array.shape
        named = step.named
        self.groups: int = named["groups"]
        self.geometry = list(zip(named["stride"], named["padding"], named["dilation"]))
        self.axes = len(self.geometry)

    # --- the three maps --------------------------------------------------------------------------------------------

    def forward(self) -> list[ProgramStep]:
        n, (outputs, c, *kernel) = self.shapes[0][0], self.shapes[1]
        size, g = self.result[2:], self.groups
        lines = [Line(-p, s, d, m, k) for (s, p, d), m, k in zip(self.geometry, size, kernel)]
        d = self.axes
        rank = 4 + 2 * d  # n, g, o, c, taps, places
        at = [axis(k, rank) for k in range(rank)]
        taps, places = at[4 : 4 + d], at[4 + d :]
        windows = tuple([_position(line, i, k) for line, i, k in zip(lines, places, taps)])
        x = self._read(0, (at[0], at[1].times(c).plus(at[3]), *windows), [line.reach() for line in lines])
        w = self._read(1, (at[1].times(outputs // g).plus(at[2]), at[3], *taps))
        summed = (3, *range(4, 4 + d))
        batch, columns = self._columns(n, tuple(range(4 + d, rank)), size)
        kept = (*batch, 2, *columns)
        extents = (n, g, outputs // g, c, *kernel, *size)
        forms = self._kept(kept, rank, (at[0], at[1].times(outputs // g).plus(at[2]), *places))
        return [self._contract(extents, batch, (2,), columns, summed, w, x, forms)]

    def of_weight(self) -> list[ProgramStep]:
        n, (_, outputs, *size) = self.shapes[0][0], self.shapes[1]
        _, c, *kernel = self.result
        g, d = self.groups, self.axes
        lines = [Line(-p, s, e, m, k) for (s, p, e), m, k in zip(self.geometry, size, kernel)]
        parts = _divisor(n, min(_PARTS, max(1, _PARTS_AND_ROWS // max(outputs, 1))))
        rank = 5 + 2 * d  # part, g, o, c, n of the part, taps, places
        at = [axis(k, rank) for k in range(rank)]
        taps, places = at[5 : 5 + d], at[5 + d :]
        image = at[0].times(n // parts if parts else 0).plus(at[4])
        windows = tuple([_position(line, i, k) for line, i, k in zip(lines, places, taps)])
        x = self._read(0, (image, at[1].times(c).plus(at[3]), *windows), [line.reach() for line in lines])
        y = self._read(1, (image, at[1].times(outputs // g).plus(at[2]), *places))
        extents = (parts, g, outputs // g, c, n // parts if parts else 0, *kernel, *size)
        columns, summed = (3, *range(5, 5 + d)), (4, *range(5 + d, rank))
        whole = (at[1].times(outputs // g).plus(at[2]), at[3], *taps)
        if parts == 1:
            forms = self._kept((1, 2, *columns), rank, whole)
            return [self._contract(extents, (1,), (2,), columns, summed, y, x, forms)]
        return self._in_parts(extents, columns, summed, y, x)

    def of_input(self) -> list[ProgramStep]:
        (n, _, *places), (outputs, c, *kernel) = self.shapes
        phases = [
            phases_of(m, k, n_inside, *numbers)
            for n_inside, m, k, numbers in zip(self.result[2:], places, kernel, self.geometry)
        ]
        reach = [
            (min(line.reach()[0] for line in lines), max(line.reach()[1] for line in lines))
            for lines in [[phase.line for phase in of_axis] for of_axis in phases]
        ]
        return [self._of_phase(n, outputs // self.groups, c, some, reach) for some in every(*phases)]

    def _of_phase(
        self, n: int, outputs: int, c: int, phases: tuple[Phase, ...], reach: list[tuple[int, int]]
    ) -> Contract:
        g, d = self.groups, self.axes
        rank = 4 + 2 * d  # n, g, c, o, taps, places
        at = [axis(k, rank) for k in range(rank)]
        taps, places = at[4 : 4 + d], at[4 + d :]
        seen = tuple([_position(phase.line, i, k) for phase, i, k in zip(phases, places, taps)])
        y = self._read(0, (at[0], at[1].times(outputs).plus(at[3]), *seen), reach)
        chosen = tuple([k.times(phase.skip).moved(phase.tap) for phase, k in zip(phases, taps)])
        w = self._read(1, (at[1].times(outputs).plus(at[3]), at[2], *chosen))
        size = tuple([phase.line.places for phase in phases])
        extents = (n, g, c, outputs, *[phase.line.taps for phase in phases], *size)
        batch, columns = self._columns(n, tuple(range(4 + d, rank)), size)
        stood = [i.times(s).moved(phase.first) for phase, i, (s, _, _) in zip(phases, places, self.geometry)]
        forms = self._kept((*batch, 2, *columns), rank, (at[0], at[1].times(c).plus(at[2]), *stood))
        return self._contract(extents, batch, (2,), columns, (3, *range(4, 4 + d)), w, y, forms)

    # --- contractions ------------------------------------------------------------------------------------------------

    def _columns(self, n: int, places: Shape, size: Shape) -> tuple[Shape, Shape]:
        """Which axes are the batch (of 0, the images, and 1, the groups), and which the columns."""
        if prod(size) < _FEW_PLACES and size[-1] < _SHORT and n > 1:
            return (1,), (0, *places)
        return (0, 1), places

    def _kept(self, kept: Shape, rank: int, forms: Forms) -> Forms:
        """Forms over the axes that are left when the sum is done, in their order."""
        return tuple([Form(form.offset, tuple([form.coefficients[k] for k in kept])) for form in forms])

    def _contract(
        self,
        extents: Shape,
        batch: Shape,
        rows: Shape,
        columns: Shape,
        summed: Shape,
        a: tuple[Value, ...],
        b: tuple[Value, ...],
        forms: Forms,
    ) -> Contract:
        """a and b: over all axes; `forms`: the axes of the result over those of the contraction's values."""

        def sizes(axes: Shape) -> Shape:
            return tuple([extents[k] for k in axes])

        values, stores = reindexed(self.results, forms)
        return Contract(
            sizes(batch), sizes(rows), sizes(columns), sizes(summed), _over(a, (*batch, *rows, *summed)),
            _over(b, (*batch, *summed, *columns)), tuple(values), tuple(stores), self.dtype, self.label,
        )  # fmt: skip

    def _in_parts(
        self, extents: Shape, columns: Shape, summed: Shape, a: tuple[Value, ...], b: tuple[Value, ...]
    ) -> list[ProgramStep]:
        """The sum over each part of the images, and the sum of these, which is what the results are made of."""
        kept = (1, 2, *columns)
        shape = tuple([extents[k] for k in (0, *kept)])
        buffer = self.lowering.buffer(array_type(shape, self.dtype))
        strides = contiguous_strides(shape)
        partial = Contract(
            shape[:2], shape[2:3], shape[3:], tuple([extents[k] for k in summed]), _over(a, (0, 1, 2, *summed)),
            _over(b, (0, 1, *summed, *columns)), (Product(self.dtype),), (Store(buffer, strides, 0, 0),), self.dtype,
            self.label,
        )  # fmt: skip
        rank = len(kept)
        at = [axis(k, rank + 1) for k in range(rank)]
        forms = (at[0].times(extents[2]).plus(at[1]), *at[2:])
        values, stores = reindexed(self.results, forms)
        load = Load(buffer, (*strides[1:], strides[0]), 0, self.dtype)
        summed_up = [load, *[_moved_on(v, 1) for v in values]]
        found = [Folded(0, v.dtype) if isinstance(v, Product) else v for v in summed_up]
        actions: list[Action] = [Fold("add", 0), *[store._replace(value=store.value + 1) for store in stores]]
        return [partial, Nest(shape[1:], shape[:1], tuple(found), tuple(actions), self.label)]

    # --- operands ----------------------------------------------------------------------------------------------------

    def _read(self, number: int, forms: Forms, reach: Any = ()) -> tuple[Value, ...]:
        """An argument read at `forms`; its last axes reach from the least to the largest of these positions."""
        position, shape = self.args[number], self.shapes[number]
        first = len(shape) - len(reach)
        beyond = [(max(0, -least), max(0, most + 1 - n)) for (least, most), n in zip(reach, shape[first:])]
        load = self.lowering.bordered_load(position, forms, [(0, 0)] * first + beyond, 0, len(forms[0].coefficients))
        return (load,) if load.dtype is self.dtype else (load, Apply("convert", (0,), self.dtype))


def _position(line: Line, place: Form, tap: Form) -> Form:
    return place.times(line.step).plus(tap.times(line.spread)).moved(line.start)


def _over(values: tuple[Value, ...], axes: Shape) -> tuple[Value, ...]:
    """An operand as values over these of its axes; it does not change along the others."""
    return tuple(
        [v._replace(strides=tuple([v.strides[k] for k in axes])) if isinstance(v, Load) else v for v in values]
    )


def _divisor(n: int, most: int) -> int:
    """The largest divisor of n that is not above `most`."""
    return max([k for k in range(1, most + 1) if n % k == 0]) if n else 1


def phases_of(places: int, taps: int, inside: int, stride: int, padding: int, dilation: int) -> list[Phase]:
    """For each remainder r: positions r + stride q meet place q + (r + padding - k dilation) / stride of y."""
    skip = stride // gcd(stride, dilation)
    found = []
    for r in range(max(1, min(stride, inside))):
        meets = [k for k in range(min(skip, taps)) if (r + padding - k * dilation) % stride == 0]
        k = meets[0] if meets else 0
        count = len(range(k, taps, skip)) if meets else 0
        start = (r + padding - k * dilation) // stride
        line = Line(start, 1, -(dilation * skip) // stride, len(range(r, inside, stride)), count)
        found.append(Phase(r, k, skip, line))
    return found


# --- values over other axes -------------------------------------------------------------------------------------------


def reindexed(results: Results, forms: Forms) -> Results:
    """The same values and stores over other axes, of which each axis of before is a form."""
    rank = len(forms[0].coefficients)

    def moved(access: Any) -> Any:
        total = Form(access.offset, (0,) * rank)
        for form, stride in zip(forms, access.strides):
            total = total.plus(form.times(stride))
        return access._replace(strides=total.coefficients, offset=total.offset)

    values: list[Value] = []
    places: list[int] = []
    for v in results.values:
        if isinstance(v, Axis):
            places.append(_index(values, forms[v.axis]))
            continue
        if isinstance(v, (Load, Lookup)):
            v = moved(v)
        if isinstance(v, Lookup):
            v = v._replace(index=places[v.index])
        elif isinstance(v, Apply):
            v = v._replace(args=tuple([places[i] for i in v.args]))
        places.append(len(values))
        values.append(v)
    return Results(values, [moved(store)._replace(value=places[store.value]) for store in results.stores])


def _index(values: list[Value], form: Form) -> int:
    """A form as a value."""

    def add(v: Value) -> int:
        values.append(v)
        return len(values) - 1

    total = add(Number(form.offset, int64))
    for k, factor in enumerate(form.coefficients):
        if factor:
            term = add(Apply("mul", (add(Axis(k, int64)), add(Number(factor, int64))), int64))
            total = add(Apply("add", (total, term), int64))
    return total


def _moved_on(v: Value, by: int) -> Value:
    """A value that stands `by` further in its list."""
    if isinstance(v, Apply):
        return v._replace(args=tuple([i + by for i in v.args]))
    return v._replace(index=v.index + by) if isinstance(v, Lookup) else v
