"""The loop differentiated: recording a loop, and the rules of `scan`, each made by transforming its step.

A loop that will be differentiated is recorded with what its derivative reads (`through_time.py`) from the start; where
that is missing, the loop is run again with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Optional

from wengert.derive.batch import map_over_axis
from wengert.derive.forward import push_forward
from wengert.derive.step import Flags, Loop, closed, inexact_results, moves_of, stand_ins, values_of, with_results
from wengert.derive.through_time import Stack, Sum, pullback_of
from wengert.derive.trace import Recording, trace
from wengert.errors import shape_error, unreachable
from wengert.graph.node import Node, array_type
from wengert.graph.record import is_common, record, recorder, retaining, separate_tape, tracking
from wengert.graph.rule import Cotangent, primitives, zeros_of
from wengert.primitives.control import element
from wengert.primitives.loop import Body, body_of, scan

Step = Callable[..., tuple[Sequence[Node], Sequence[Node]]]


def loop(
    step: Step, carries: Sequence[Node], sequences: Sequence[Node], length: int, backward: bool = False
) -> tuple[list[Node], list[Node]]:
    """Record ``step(carries, elements) -> carries, results`` along the first axis of the sequences.

    The step is called once, on placeholders; what it reads from outside becomes a constant of the loop. Random operations
    inside that do not depend on the state draw once.

    Returns the carries after the last step, and the results with time as their first axis.
    """
    recording = _recording(step, len(carries), len(sequences), _types(carries, sequences), ())
    return _along(recording, carries, sequences, recording.captured, length, backward)


def loop_of(
    step: Step,
    carries: Sequence[Node],
    sequences: Sequence[Node],
    constants: Sequence[Node],
    length: int,
    backward: bool = False,
) -> tuple[list[Node], list[Node]]:
    """As `loop`, of a ``step(carries, elements, *constants)`` that reads nothing else and is equal to another step only if
    it means the same: it is called once for all loops of these types."""
    types = (*_types(carries, sequences), *[c.type for c in constants])
    tracked = tuple([c.tracked for c in constants])
    recording = _known(step, len(carries), len(sequences), types, tracked, recorder.tracking)
    return _along(recording, carries, sequences, [*constants, *recording.captured], length, backward)


def _types(carries: Sequence[Node], sequences: Sequence[Node]) -> tuple[Any, ...]:
    return (*[c.type for c in carries], *[array_type(x.shape[1:], x.dtype) for x in sequences])


def _recording(step: Step, p: int, q: int, types: tuple[Any, ...], tracked: tuple[bool, ...]) -> Recording:
    """The step on p carries, q elements and constants that are `tracked` or not. Raises: RuntimeError where a carried value
    changes its type."""

    def flat(*inputs: Node) -> list[Node]:
        state, results = step(inputs[:p], inputs[p : p + q], *inputs[p + q :])
        for number, (type, after) in enumerate(zip(types, state)):
            if after.type is not type:
                raise shape_error("scan", f"carried value {number} keeps its type {type} from step to step", after.type)
        return [*state, *results]

    return trace(flat, types, [*[type.inexact for type in types[: p + q]], *tracked])


@lru_cache(maxsize=256)
def _known(
    step: Step, p: int, q: int, types: tuple[Any, ...], tracked: tuple[bool, ...], tracking: bool
) -> Recording:
    recording = _recording(step, p, q, types, tracked)
    if not all([is_common(x) for x in recording.captured]):
        unreachable("the step of a loop that is remembered reads something from outside")
    return recording


def _along(
    recording: Recording,
    carries: Sequence[Node],
    sequences: Sequence[Node],
    constants: Sequence[Node],
    length: int,
    backward: bool,
) -> tuple[list[Node], list[Node]]:
    p = len(carries)
    made = Loop(body_of(recording.graph, recording.tracked), p, len(sequences), length, backward)
    found = repeat(made, [*carries, *sequences, *constants])
    return found[:p], found[p:]


def repeat(made: Loop, inputs: Sequence[Node]) -> list[Node]:
    """Record a loop; one that will be differentiated with what its derivative reads. Returns its own results alone."""
    flags = tuple([x.tracked for x in inputs])
    if recorder.tracking and any(flags):
        kept = with_results(made, pullback_of(made, flags, inexact_results(made)).kept)
    else:
        kept = made
    whole = record(scan, tuple(inputs), tuple(kept))
    return [element(whole, index=i) for i in range(made.carries + made.ys)]


# --- reverse ------------------------------------------------------------------------------------------------------


def pull_scan(y_bars: Any, *inputs: Node, y: Node, **params: Any) -> tuple[Cotangent, ...]:
    """The vjp of `scan`."""
    return _Pulling(Loop(**params), y_bars, inputs, y).cotangents()


class _Pulling:
    """One application of a pullback."""

    def __init__(self, made: Loop, y_bars: Any, inputs: tuple[Node, ...], y: Node) -> None:
        self.made = made
        self.inputs = inputs
        p = made.carries
        flags = tuple([x.tracked for x in inputs])
        present = tuple([bar is not None for bar in y_bars[p:]])
        self.plan = pullback_of(made, flags, present)
        self.kept = self.keptvalues_of(y)
        moves = moves_of(made, flags, made.body.tracked)
        outputs = made.body.graph.outputs
        carried = [k for k in range(p) if moves[k]]
        bars = [y_bars[k] or zeros_of(made.body.graph.array_at(k)) for k in carried]
        results = [bar for k, bar in enumerate(y_bars[p:]) if bar is not None and moves[outputs[p + k]]]
        plan = self.plan
        sequences = [
            *results, *[self.kept[i] for i in plan.reads], *[inputs[i] for i in plan.elements],
        ]  # fmt: skip
        sums = [zeros_of(type) for type in plan.added]
        constants = [*[inputs[i] for i in plan.constants], *plan.literals]
        back = Loop(plan.body, len(carried) + len(sums), len(sequences), made.length, not made.backward)
        found = repeat(back, [*bars, *sums, *sequences, *constants])
        self.carried = dict(zip(carried, found))
        self.sums = found[len(carried) : back.carries]
        self.results = found[back.carries :]

    def keptvalues_of(self, y: Node) -> dict[int, Node]:
        """The stacked forward values that are read: results of the loop, which is run again where some are missing."""
        made = self.made
        p, results = made.carries, made.body.graph.outputs[made.carries :]
        if all([i in results for i in self.plan.kept]):
            return {i: element(y, index=p + results.index(i)) for i in self.plan.kept}
        more = with_results(made, self.plan.kept)
        again = record(scan, self.inputs, tuple(more))
        results = more.body.graph.outputs[p:]
        return {i: element(again, index=p + results.index(i)) for i in self.plan.kept}

    def cotangents(self) -> tuple[Cotangent, ...]:
        found: list[Cotangent] = [None] * len(self.inputs)
        for i in self.plan.moving:
            kind = self.made.kind_of(i)
            if kind == "carry":
                found[i] = self.carried[i]
            elif kind == "sequence":
                found[i] = self.results[self.plan.sequences[i]]
            elif i in self.plan.sums:
                found[i] = self.total(self.plan.sums[i])
        return tuple(found)

    def total(self, part: Sum) -> Node:
        """A sum over time."""
        if part.kind == "carry":
            carried: Node = self.sums[part.params]
            return carried
        if part.kind == "dot":
            return _product_over_time(*[self.stacked(stack) for stack in part.parts])
        if part.kind == "reduce_sum":
            axes = (0, *[axis + 1 for axis in part.params])
            return primitives.reduce_sum(self.stacked(part.parts[0]), axes=axes)
        parts = [self.total(below) for below in part.parts]
        if part.kind == "add":
            return primitives.add(*parts)
        return record(getattr(primitives, part.kind), (parts[0],), (part.params,))

    def stacked(self, stack: Stack) -> Node:
        if stack.source == "reverse":
            node = self.results[stack.number]
        elif self.made.kind_of(stack.number) == "sequence":
            node = self.inputs[stack.number]
        else:
            node = self.kept[stack.number]
        for _, order in stack.views:
            node = primitives.permute(node, order=(0, *[axis + 1 for axis in order]))
        return node


def _product_over_time(a: Node, b: Node) -> Node:
    """sum_t a_t b_t   for a (time, ..., m, k) and b (time, ..., k, n): time joins k."""
    rank = a.ndim
    left = tuple(range(1, rank - 2))
    turned = primitives.permute(a, order=(*left, 0, rank - 1, rank - 2))  # (..., time, k, m)
    *leading, time, k, m = turned.shape
    tall = primitives.reshape(turned, shape=(*leading, time * k, m))
    wide = primitives.permute(b, order=(*left, 0, rank - 2, rank - 1))  # (..., time, k, n)
    wide = primitives.reshape(wide, shape=(*leading, time * k, b.shape[-1]))
    order = (*range(tall.ndim - 2), tall.ndim - 1, tall.ndim - 2)
    return primitives.dot(primitives.permute(tall, order=order), wide)


# --- forward and batch ------------------------------------------------------------------------------------------------


def push_scan(x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> Any:
    """The jvp of `scan`: a loop that carries values and tangents."""
    made = Loop(**params)
    p, q = made.carries, made.sequences
    through = [step.primitive.differentiable and step.type.inexact for step in made.body.graph.steps]
    moves = moves_of(made, [x_dot is not None for x_dot in x_dots], through)
    moving = [i for i in range(len(inputs)) if moves[i]]
    outputs = made.body.graph.outputs

    def with_dots(values: Sequence[Node], dots: Sequence[Node]) -> list[Node]:
        """Carries, then their tangents, sequences, then theirs, constants, then theirs."""
        a, b = [sum([i < k for i in moving]) for k in (p, p + q)]
        return [*values[:p], *dots[:a], *values[p : p + q], *dots[a:b], *values[p + q :], *dots[b:]]

    with separate_tape(), tracking(True), retaining():
        xs = stand_ins(made.body.graph.inputs)
        dots = stand_ins([xs[i].type for i in moving])
        values = values_of(made.body, xs)
        found = push_forward([xs[i] for i in moving], dots, [values[i] for i in outputs])
        carried = [k for k in moving if k < p]
        after = [found[k] or zeros_of(values[outputs[k]].type) for k in carried]
        results = [dot for dot in found[p:] if dot is not None]
        body, literals = closed(with_dots(xs, dots), [*[values[i] for i in outputs[:p]], *after, *results])
    given = [x_dots[i] or zeros_of(inputs[i].type) for i in moving]
    sequences = q + sum([p <= i < p + q for i in moving])
    both = Loop(body, p + len(carried), sequences, made.length, made.backward)
    ends = repeat(both, [*with_dots(inputs, given), *literals])
    moved = dict(zip(carried, ends[p:]))
    rest = iter(ends[both.carries :])
    return (*[moved.get(k) for k in range(p)], *[None if dot is None else next(rest) for dot in found[p:]])


def map_scan(size: int, inputs: tuple[Node, ...], batched: Flags, **params: Any) -> Node:
    """The batching rule of `scan`: a loop whose step is mapped. Time stays the first axis of sequences."""
    made = Loop(**params)
    p, q = made.carries, made.sequences
    flags = list(batched)
    while True:  # until no further carried value turns out to differ along the batch
        body, literals, found = _mapped(made, size, flags)
        if found[:p] == flags[:p]:
            break
        flags[:p] = [a or b for a, b in zip(flags, found[:p])]
    given = [
        primitives.expand(x, shape=(size, *x.shape)) if flag and not had else x
        for x, flag, had in zip(inputs, flags, batched)
    ]
    given[p : p + q] = [_time_first(x) if had else x for x, had in zip(given[p : p + q], batched[p : p + q])]
    ends = repeat(made._replace(body=body), [*given, *literals])
    every = [
        x if flag else primitives.expand(x, shape=(size, *x.shape)) for x, flag in zip(ends[:p], found)
    ]
    for x, flag in zip(ends[p:], found[p:]):
        every.append(_time_first(x) if flag else primitives.expand(x, shape=(size, *x.shape)))
    return primitives.pack(*every)


def _mapped(made: Loop, size: int, flags: Sequence[bool]) -> tuple[Body, list[Node], list[bool]]:
    p = made.carries
    with separate_tape(), tracking(True), retaining():
        types = [
            array_type((size, *t.shape), t.dtype) if flag else t  # type: ignore[union-attr]
            for t, flag in zip(made.body.graph.inputs, flags)
        ]
        xs = stand_ins(types)
        found = map_over_axis(made.body.graph, xs, flags, size, made.body.tracked)
        outputs = [
            primitives.expand(y, shape=(size, *y.shape)) if k < p and flags[k] and not flag else y
            for k, (y, flag) in enumerate(found)
        ]
        body, literals = closed(xs, outputs)
    return body, literals, [flag or (k < p and flags[k]) for k, (_, flag) in enumerate(found)]


def _time_first(x: Node) -> Node:
    """The first two axes, time and batch, changed over."""
    return primitives.permute(x, order=(1, 0, *range(2, x.ndim)))


scan.vjp = pull_scan
scan.jvp = push_scan
scan.batch = map_scan
