"""A backward pass found by the tape: when everything on the tape is as it was before an earlier pass, the way from the
output to the leaves is the earlier one, and need not be walked to be recognised.

What a pass depends on follows from facts about the nodes on the tape (primitive, parameters, type, whether tracked, mark,
whether somebody watches), about the nodes that they read from outside, and from which reads which. Only plain tapes are
kept: nothing on them or read by them was changed in place or released, and what they read from outside is a leaf, or not
tracked.

Hot path: half a microsecond a node; tapes like one of the last few are recognised by machine code
(`graph/likeness.py`; `benchmarks/article.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, Optional

from wengert.derive.remember import Memory, Remembered
from wengert.graph.likeness import Album, Likeness
from wengert.graph.node import Node
from wengert.graph.pattern import Pattern, inputs_of
from wengert.graph.record import common_among, is_common, recorder
from wengert.primitives.control import Leaf

_facts = attrgetter("primitive", "params", "type", "tracked", "mark")
_outer_facts = attrgetter("primitive", "type", "tracked", "mark")
_mark_of = attrgetter("mark")
_watch_of = attrgetter("watch")


class Pass(NamedTuple):
    """A remembered walk, by position in a list of nodes.

    recorded   from those nodes, the given cotangent last, to the walk's results
    targets    the nodes whose cotangents are its results
    reached    the nodes whose rules were called
    releases   those of them that have saved something
    """

    recorded: Remembered
    targets: tuple[int, ...]
    reached: tuple[int, ...]
    releases: tuple[int, ...]


class Foreseen(NamedTuple):
    """A pass and the nodes that its positions name: those on the tape, those read from outside, the cotangent."""

    found: Pass
    nodes: list[Node]


class Sight:
    """A tape and the node on it from which a pass begins, looked at before the pass. `key` is None where tapes are not
    kept: the output is not on it, or it is not plain."""

    __slots__ = ("tape", "bar", "key", "pattern", "outer", "variant")

    def __init__(self, output: Node, bar: Node, longest: int) -> None:
        self.tape = tape = recorder.tape
        self.bar = bar
        self.key: Any = None
        self.pattern: Optional[Pattern] = None
        self.outer: Any = None
        self.variant: Any = None
        if not tape or len(tape) > longest:
            return
        if tape[-1] is output:
            place = len(tape) - 1
        elif output in tape:
            place = tape.index(output)
        else:
            return
        if any(map(_watch_of, tape)):
            return
        self.key = place, tuple(map(_facts, tape)), tuple(map(len, map(inputs_of, tape)))
        known = tapes.find(self.key)
        if known is not None and known[0] is not None:
            self.outer = known[0].read(tape)
            # A pattern says which nodes are the same, not that the others differ.
            if self.outer is not None and len({*tape, *self.outer}) == len(tape) + len(self.outer):
                self.pattern = known[0]
                self.variant = _variant(bar, self.outer)

    def foreseen(self, idle: Callable[[Any], bool]) -> Optional[Foreseen]:
        """The pass that was kept for such a tape; None when there is none, or a leaf's watch is not idle."""
        pattern = self.pattern
        found = None if pattern is None else pattern.plans.get(self.variant)
        if pattern is None or found is None:
            return None
        if not _all_idle(self.outer, idle):
            return None
        if pattern.wants_likeness(self.variant):
            likeness = Likeness(self.tape, self.outer, counted=False, same=frozenset(common_among(self.outer)))
            album.keep(self.tape, likeness, (pattern, self.key[0], self.variant[0], found))
        return Foreseen(found, [*self.tape, *self.outer, self.bar])

    def keep(self, found: Pass, given: Sequence[Node]) -> None:
        """Keep the pass that was made for this tape, at its second sight. `given`: the nodes that its positions name."""
        key, tape = self.key, self.tape
        if key is None:
            return
        known = tapes.find(key)
        if known is None:
            tapes.keep(key, None, len(tape))
            return
        pattern = self.pattern
        if pattern is None:
            pattern = Pattern(tape)
            tapes.replace(key, pattern)
        outer = pattern.read(tape)
        if outer is None or len({*tape, *outer}) < len(tape) + len(outer):
            return
        if not all(map(_is_plain, outer)) or any(map(_mark_of, tape)):
            return
        place: dict[Node, int] = {}
        for i, node in enumerate([*tape, *outer, self.bar]):
            place.setdefault(node, i)
        at = [place.get(node) for node in given]
        if None not in at:
            pattern.keep(_variant(self.bar, outer), _moved(found, at))


# The tapes that were seen, with their patterns; None after the first sight.
tapes: Memory[Optional[Pattern]] = Memory()


# The likenesses of the last few of them.
album: Album[tuple[Pattern, int, Any, Pass]] = Album()


def foreseen_lately(output: Node, bar: Node, idle: Callable[[Any], bool]) -> Optional[Foreseen]:
    """As `Sight.foreseen`, for a tape like one of the last ones: its facts need not be collected."""
    tape = recorder.tape
    kept = album.find(tape)
    if kept is None:
        return None
    pattern, place, start, found = kept
    if tape[place] is not output or (bar if is_common(bar) else bar.type) is not start:
        return None
    outer = pattern.outside(tape)
    if len({*tape, *outer}) < len(tape) + len(outer) or not _all_idle(outer, idle):
        return None
    return Foreseen(found, [*tape, *outer, bar])


def _all_idle(nodes: Sequence[Node], idle: Callable[[Any], bool]) -> bool:
    for x in nodes:
        watch = x.watch
        if watch is not None and not idle(watch):
            return False
    return True


def _variant(bar: Node, outer: Sequence[Node]) -> Any:
    """The facts about the cotangent and the nodes from outside. Numbers that everybody shares are facts themselves: where
    a rule writes the same number down, nothing tells the two apart."""
    facts: tuple[Any, ...] = tuple(map(_outer_facts, outer))
    common = common_among(outer)
    if common:
        facts += tuple([x if x in common else None for x in outer])
    return bar if is_common(bar) else bar.type, facts


def _is_plain(x: Node) -> bool:
    """Whether a node from outside may be read by a tape that is kept."""
    if x.mark or x.primitive.is_view:
        return False
    return x.primitive.__class__ is Leaf or not x.tracked


def _moved(found: Pass, at: Sequence[Any]) -> Pass:
    """The same pass, where what was at place i is at place `at[i]`."""
    stretch, reads, results = found.recorded
    places = [tuple([at[i] for i in part]) for part in (reads, found.targets, found.reached, found.releases)]
    recorded = Remembered(stretch, places[0], tuple([i if i >= 0 else ~at[~i] for i in results]))
    return Pass(recorded, *places[1:])
