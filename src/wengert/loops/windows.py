"""Pooling as nests. What a window sees is read where it is used: one load for each of its elements, through a border of
values that cannot win (or add nothing) where it looks beyond the input.

    at each place       window_argmax, window_select, window_sum: pointwise, so they join their neighbours in one nest
    at each position    window_place, window_spread: the places whose window meets position r + stride q along an axis
                        are the same few for every q, so each remainder r is a nest of its own; nothing is scattered
"""

from __future__ import annotations

from itertools import product as every
from math import prod
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from wengert.dtypes import bool_, float32, int32, int64
from wengert.graph.graph import Graph, Step
from wengert.loops.access import Forms, axis, flat
from wengert.loops.convolve import Phase, phases_of
from wengert.loops.nest import Apply, Nest, Number, ProgramStep, Store, Value
from wengert.shapes import Shape, size_of

if TYPE_CHECKING:
    from wengert.loops.builder import NestBuilder
    from wengert.loops.lower import _Lowering as Lowering

# Pointwise at the places of a window; the first argument lies in memory.
AT_PLACES = ("window_argmax", "window_select", "window_sum")
# Computed at the positions of the input; every argument lies in memory.
AT_POSITIONS = ("window_place", "window_spread")
# Elements of a window, and stores of a nest, above which the code would grow too long.
_LARGEST = 49


def lowers_window(step: Step, graph: Graph) -> bool:
    """Whether a pooling step becomes nests: real numbers, and a window of few elements that always sees something."""
    named, dtype = step.named, graph.array_at(step.args[0]).dtype
    window = named["window"]
    if not 0 < size_of(window) <= _LARGEST or dtype.is_complex or dtype is bool_:
        return False
    if step.primitive.name != "window_argmax":
        return True
    inside = graph.array_at(step.args[0]).shape[-len(window) :]
    return all([_sees(*of_axis) for of_axis in zip(inside, window, *_geometry(named), named["size"])])


def _sees(n: int, k: int, stride: int, padding: int, dilation: int, places: int) -> bool:
    """Whether along an axis every place sees something; with a dilation, simply whether none looks outside."""
    ends = [i * stride - padding for i in (0, places - 1)] if places else []
    if dilation == 1:
        return all([start < n and start + k > 0 for start in ends])
    return all([start >= 0 and start + (k - 1) * dilation < n for start in ends])


def _geometry(named: dict[str, Any]) -> tuple[Shape, Shape, Shape]:
    return named["stride"], named["padding"], named["dilation"]


# --- at each place -----------------------------------------------------------------------------------------------------


def value_at_place(builder: NestBuilder, step: Step, forms: Forms, choice: Optional[int]) -> int:
    """The value of a step of `AT_PLACES` at the place `forms`; `choice`: that of its second argument there."""
    name, named = step.primitive.name, step.named
    dtype = builder.lowering.graph.array_at(step.args[0]).dtype
    fill = lowest(dtype) if name == "window_argmax" else 0
    windows = _Windows(builder, step, forms, fill)
    if name == "window_sum":
        wide = float32 if dtype.itemsize == 2 and dtype.is_floating_point else dtype
        total = None
        for k in windows.elements:
            term = builder.converted(windows.load(k), wide)
            total = term if total is None else builder.value(Apply("add", (total, term), wide))
        assert total is not None  # a window has elements
        return builder.converted(total, dtype)
    if name == "window_select":
        assert choice is not None  # the step has two arguments
        found = builder.number(0, dtype)
        for number, k in enumerate(windows.elements):
            here = builder.value(Apply("eq", (choice, builder.number(number, int32)), bool_))
            found = builder.value(Apply("where", (here, windows.load(k), found), dtype))
        return found
    return windows.argmax(named["size"])


def lowest(dtype: Any) -> Any:
    """What is larger than nothing."""
    return float("-inf") if dtype.is_floating_point else int(np.iinfo(dtype.numpy).min)


class _Windows:
    """The loads of a window's elements at one place."""

    def __init__(self, builder: NestBuilder, step: Step, forms: Forms, fill: Any) -> None:
        self.builder = builder
        self.step = step
        self.window: Shape = step.named["window"]
        self.axes = len(self.window)
        self.numbers = list(zip(*_geometry(step.named)))
        self.forms = forms
        self.elements = list(every(*map(range, self.window)))
        shape = builder.lowering.graph.array_at(step.args[0]).shape
        self.first = len(shape) - self.axes
        places = step.array.shape[self.first :]
        low = [p for _, p, _ in self.numbers]
        high = [
            max(0, (m - 1) * s - p + (k - 1) * d + 1 - n) if m else 0
            for n, m, k, (s, p, d) in zip(shape[self.first :], places, self.window, self.numbers)
        ]
        self.reach = [(0, 0)] * self.first + list(zip(low, high))
        self.fill = fill

    def load(self, k: Shape) -> int:
        at = [
            form.times(s).moved(i * d - p) for form, i, (s, p, d) in zip(self.forms[self.first :], k, self.numbers)
        ]
        return self.builder.load_bordered(self.step.args[0], (*self.forms[: self.first], *at), self.reach, self.fill)

    def argmax(self, size: Shape) -> int:
        """The first of the largest; a NaN beats what was before it. What never beats -inf is the first that is seen."""
        b = self.builder
        dtype = b.lowering.graph.array_at(self.step.args[0]).dtype
        best, chosen = b.number(lowest(dtype), dtype), self._first_seen()
        for number, k in enumerate(self.elements):
            value = self.load(k)
            better = b.value(Apply("gt", (value, best), bool_))
            if dtype.is_floating_point:
                strange = b.value(Apply("isnan", (value,), bool_))
                better = b.value(Apply("bitwise_or", (better, strange), bool_))
            best = b.value(Apply("where", (better, value, best), dtype))
            chosen = b.value(Apply("where", (better, b.number(number, int32), chosen), int32))
        return chosen

    def _first_seen(self) -> int:
        """The number of the window's first element inside the input: max(0, padding - stride place) along each axis."""
        b = self.builder
        total = b.number(0, int32)
        for a, (s, p, d) in enumerate(self.numbers):
            if p and d == 1:
                at = b.affine(self.forms[self.first + a].times(-s).moved(p))
                first = b.converted(b.value(Apply("maximum", (at, b.number(0, int64)), int64)), int32)
                step = b.number(prod(self.window[a + 1 :]), int32)
                term = b.value(Apply("mul", (first, step), int32))
                total = b.value(Apply("add", (total, term), int32))
        return total


# --- at each position --------------------------------------------------------------------------------------------------


def nests_at_positions(lowering: Lowering, step: Step, result: int) -> list[ProgramStep]:
    """The nests of a step of `AT_POSITIONS`, which write the buffer `result`."""
    return [_Positions(lowering, step, result, some).nest() for some in _every_phase(lowering, step)]


def _every_phase(lowering: Lowering, step: Step) -> list[tuple[Phase, ...]]:
    named = step.named
    axes = len(named["window"])
    places = lowering.graph.array_at(step.args[0]).shape[-axes:]
    numbers = zip(places, named["window"], step.array.shape[-axes:], *_geometry(named))
    return list(every(*[phases_of(m, k, n, s, p, d) for m, k, n, s, p, d in numbers]))


class _Positions:
    """One remainder along each axis: x[r + stride q] = the sum over taps t of what place start + q - t spread gives."""

    def __init__(self, lowering: Lowering, step: Step, result: int, phases: tuple[Phase, ...]) -> None:
        self.lowering = lowering
        self.step = step
        self.result = result
        self.phases = phases
        self.window: Shape = step.named["window"]
        self.axes = len(phases)
        self.lead = step.array.shape[: len(step.array.shape) - self.axes]
        self.extents = (*self.lead, *[phase.line.places for phase in phases])
        self.at = [axis(k, len(self.extents)) for k in range(len(self.extents))]
        self.values: list[Value] = []

    def nest(self) -> Nest:
        dtype = self.step.array.dtype
        wide = float32 if dtype.itemsize == 2 and dtype.is_floating_point else dtype
        total = self._value(Number(0.0 if wide.inexact else 0, wide))
        for number, taps in enumerate(every(*[range(phase.line.taps) for phase in self.phases])):
            term = self._converted(self._term(taps), wide)
            total = term if not number else self._value(Apply("add", (total, term), wide))
        stored = self._converted(total, dtype)
        q = self.at[len(self.lead) :]
        stride = self.step.named["stride"]
        there = [form.times(s).moved(phase.first) for form, s, phase in zip(q, stride, self.phases)]
        form = flat((*self.at[: len(self.lead)], *there), self.step.array.shape, len(self.at))
        store = Store(self.result, form.coefficients, form.offset, stored)
        return Nest(self.extents, (), tuple(self.values), (store,), self.step.primitive.name)

    def _term(self, taps: Shape) -> int:
        """What the places that meet the position with these taps give it."""
        y = self._load(0, taps, 0)
        if self.step.primitive.name == "window_spread":
            return y
        k = [phase.tap + t * phase.skip for phase, t in zip(self.phases, taps)]
        number = int(np.ravel_multi_index(k, self.window)) if k else 0
        wanted = self._value(Number(number, int32))
        here = self._value(Apply("eq", (self._load(1, taps, -1), wanted), bool_))
        dtype = self.step.array.dtype
        zero = self._value(Number(0.0 if dtype.inexact else 0, dtype))
        return self._value(Apply("where", (here, y, zero), dtype))

    def _load(self, number: int, taps: Shape, fill: Any) -> int:
        position = self.step.args[number]
        shape = self.lowering.graph.array_at(position).shape
        first = len(self.lead)
        lines = [phase.line for phase in self.phases]
        seen = [form.times(1).moved(line.start + t * line.spread) for form, line, t in zip(self.at[first:], lines, taps)]
        reach = [(0, 0)] * first + self._reach(shape[first:])
        load = self.lowering.bordered_load(position, (*self.at[:first], *seen), reach, fill, len(self.at))
        return self._value(load)

    def _reach(self, places: Shape) -> list[tuple[int, int]]:
        """How far beyond the places any remainder looks, so that one copy with a border serves all."""
        named = self.step.named
        numbers = zip(places, self.window, self.step.array.shape[len(self.lead) :], *_geometry(named))
        found = []
        for m, k, n, s, p, d in numbers:
            ends = [phase.line.reach() for phase in phases_of(m, k, n, s, p, d) if phase.line.taps and phase.line.places]
            low, high = min([a for a, _ in ends], default=0), max([b for _, b in ends], default=-1)
            found.append((max(0, -low), max(0, high + 1 - m)))
        return found

    def _value(self, value: Value) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def _converted(self, number: int, dtype: Any) -> int:
        if self.values[number].dtype is dtype:
            return number
        return self._value(Apply("convert", (number,), dtype))
