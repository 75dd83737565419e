"""The same flush again. Most flushes of a loop are like one in an earlier turn, node for node; then everything that was
settled for that one (what runs, what is kept, which executable) holds again.

What a flush settles follows from facts about the nodes on the tape: primitive, parameters, whether tracked, mark,
reference count, and which of them read which; and from the types of what they read from outside and whether that is
tracked. Two tapes with the same facts have the same plan. Equal reference counts mean that as many references come from
outside, since those within the tape are among the facts compared.

Hot path. Budget: 0.4 microseconds a node, a third of what settling costs. The facts are collected and compared by
functions written in C, a whole tape at a time; those of the last few tapes by machine code (`graph/likeness.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple, Optional

from wengert.graph.likeness import Likeness
from wengert.graph.node import DROPPED, Node
from wengert.graph.pattern import Pattern, inputs_of, picker
from wengert.graph.record import UNSETTLED, recorder, settle_number
from wengert.primitives.control import literal
from wengert.runtime.beside import begin
from wengert.runtime.tiers import Counts, Entry, album, patterns

_references = getattr(sys, "getrefcount", None)
_facts = attrgetter("primitive", "params", "tracked", "mark")
_value_of = attrgetter("value")
_outer_facts = attrgetter("type", "tracked")


class Settled(NamedTuple):
    """The nodes that must run, in order; which of their values to keep; and which stay in a history, with their inputs."""

    live: list[Node]
    keep: list[bool]
    stays: list[bool]


class Plan:
    """What was settled. Nodes are named by their position on the tape.

    live     the nodes that run; None when all do
    reads    picks the executable's inputs out of what the tape reads from outside
    kept     the nodes whose values are kept
    past     the nodes that let go of their history
    dropped  the nodes that stay in a history without their value
    """

    __slots__ = ("entry", "live", "reads", "kept", "past", "dropped", "_stays", "_compiled", "_free")

    def __init__(self, entry: Entry, settled: Settled, reads: Sequence[int], places: Sequence[int], of: int) -> None:
        self.entry = entry
        self.live = None if len(places) == of else tuple(places)
        self.reads = picker(reads)
        each = list(zip(places, settled.keep, settled.stays))
        self.kept = tuple([i for i, keep, _ in each if keep])
        self.past = tuple([i for i, _, stays in each if not stays])
        self.dropped = tuple([i for i, keep, stays in each if stays and not keep])
        self._stays = tuple(settled.stays)
        self._compiled: Any = None
        self._free: tuple[tuple[int, int], ...] = ()

    def free(self) -> tuple[tuple[int, int], ...]:
        """Inputs that the executable there is now can write over when nobody else refers to them, each with the number
        of its readers."""
        entry = self.entry
        if self._compiled is not entry.compiled:
            self._compiled = entry.compiled
            users = [(at, entry.users(at)) for at in entry.donations]
            self._free = tuple([(at, len(by)) for at, by in users if not any([self._stays[step] for step in by])])
        return self._free


# --- a flush -----------------------------------------------------------------------------------------------------------


def facts_of(tape: Sequence[Node]) -> Any:
    """What may be compared before a pattern is known; None where a flush is not an ordinary one."""
    if _references is None or recorder.retain:
        return None
    counts = tuple(map(_references, tape))
    return tuple(map(_facts, tape)), counts, tuple(map(len, map(inputs_of, tape)))


def run_again(facts: Any, tape: list[Node], beside: bool) -> bool:
    """Run the tape as one with the same facts was run, or begin to, with `beside` and where that is possible; False, and
    nothing done, when there was none."""
    known = patterns.find(facts)
    if known is None or known[0] is None:
        return False
    outer = known[0].read(tape)
    variant = None if outer is None else tuple(map(_outer_facts, outer))
    plan = known[0].plans.get(variant)
    if plan is None or [x for x in map(_value_of, tape) if x is not None]:
        return False
    if known[0].wants_likeness(variant):
        album.keep(tape, Likeness(tape, outer, counted=True), (known[0], plan))
    inputs = plan.reads(outer)
    del outer  # nobody but the run may refer to what it writes over
    ready = _ready(plan, inputs, tape, beside)
    if ready is None:
        return False
    run_ready(ready, beside)
    return True


class Ready(NamedTuple):
    """A tape that is about to run as its plan says. safe: whether what it reads lets it run beside the caller; None where
    that is to be looked at."""

    plan: Plan
    inputs: Sequence[Node]
    values: list[Any]  # of the inputs, where they are there
    nodes: Any  # that run, by position
    kept: list[Node]
    past: list[Node]
    safe: Optional[bool]


def make_ready(tape: list[Node], beside: bool) -> Optional[Ready]:
    """What can be done for a flush while the one before it is still being computed, for a tape like one of those that were
    run last, whose facts need not be collected: the tape is empty then. None, and nothing done, for any other."""
    found = None if recorder.retain else album.find(tape)
    if found is None:
        return None
    pattern, plan = found
    return _ready(plan, plan.reads(pattern.outside(tape)), tape, beside)


def _ready(plan: Plan, inputs: Sequence[Node], tape: list[Node], beside: bool) -> Optional[Ready]:
    """None, and nothing done, where a value that the tape reads is not there."""
    values = list(map(_value_of, inputs))
    for value in values:
        if value is None:
            return None
    nodes: Any = tape[:] if plan.live is None else {i: tape[i] for i in plan.live}
    tape.clear()  # the dead go now, and with them what they held
    Counts.found += 1
    safe = plan.entry.is_safe(values) if beside else None
    return Ready(plan, inputs, values, nodes, [nodes[i] for i in plan.kept], [nodes[i] for i in plan.past], safe)


def run_ready(ready: Ready, beside: bool) -> None:
    """Run it, or begin to, with `beside` and where that is possible. The caller has its turn."""
    plan, inputs, values, nodes, kept, past, safe = ready
    for i, value in enumerate(values):
        if value.__class__ in UNSETTLED:
            values[i] = settle_number(inputs[i])
    value = None  # a stray reference would look like a holder
    free = _free(plan, inputs, values)
    arrays = plan.entry.prepare(values, free, safe) if beside else None
    if arrays is None or not begin(plan.entry.compiled, kept, arrays, past, (inputs, values)):
        plan.entry.fill(kept, values, free)
        for node in past:
            node.inputs = ()
    for i in plan.dropped:
        nodes[i].mark |= DROPPED


def _free(plan: Plan, inputs: Sequence[Node], values: Sequence[Any]) -> frozenset[int]:
    """The inputs that the run may write over: only this run refers to the node and to its array, which is no view of
    another's memory."""
    count: Any = _references  # without it there are no plans
    free = []
    for at, readers in plan.free():
        if count(inputs[at]) - readers == _OF_INPUT and count(values[at]) == _OF_ARRAY and values[at].flags.owndata:
            free.append(at)
    return frozenset(free)


class Draft(NamedTuple):
    """A plan before its executable is known. It refers to no node."""

    pattern: Pattern
    variant: Any
    reads: tuple[int, ...]
    places: tuple[int, ...]
    settled: Settled
    length: int

    def keep(self, entry: Entry) -> None:
        """From now on, tapes like this one run like this one."""
        self.pattern.keep(self.variant, Plan(entry, self.settled, self.reads, self.places, self.length))


def draft(facts: Any, tape: Sequence[Node], settled: Settled) -> Optional[Draft]:
    """The plan that the tape gives, when its facts are seen for the second time."""
    if [x for x in map(_value_of, tape) if x is not None]:
        return None
    known = patterns.find(facts)
    if known is None:
        patterns.keep(facts, None, len(tape))
        return None
    pattern = known[0]
    outer = None if pattern is None else pattern.read(tape)
    if outer is None or len(set(outer)) < len(outer):  # what runs for one node read twice must not run for two nodes
        pattern = Pattern(tape)
        patterns.replace(facts, pattern)
        outer = pattern.read(tape)
    place, number = {node: i for i, node in enumerate(tape)}, {x: i for i, x in enumerate(outer)}
    reads = dict.fromkeys([number[x] for node in settled.live for x in node.inputs if x in number])
    places = tuple([place[node] for node in settled.live])
    variant = tuple(map(_outer_facts, outer))
    return Draft(pattern, variant, tuple(reads), places, settled._replace(live=[]), len(tape))


def _calibrate() -> tuple[int, int]:
    """The reference counts that `_free` reads for an input that only the run refers to, and for its array."""
    if _references is None:
        return 0, 0
    inputs, values = [Node(literal, (), (), None, False, 0, None)], [[None]]
    inputs[0].value = values[0]

    def counts(inputs: Sequence[Node], values: Sequence[Any], at: int) -> tuple[int, int]:
        count: Any = _references
        return count(inputs[at]), count(values[at])

    return counts(inputs, values, 0)


_OF_INPUT, _OF_ARRAY = _calibrate()
