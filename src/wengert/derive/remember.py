"""Remember what a function of nodes recorded, and record it again as one node (`primitives/replay.py`).

A rule of differentiation, or an optimiser's formula, decides by types and parameters what it records, never by values.
So it runs once for everything that it may decide by (the key); what came of it is a stretch, and later calls with the
same key record one `replay` of it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, Optional, TypeVar

from wengert.graph.graph import graph_of
from wengert.graph.node import Node, object_type
from wengert.graph.record import is_common, is_ordinary, record_parts, record_untracked, recorder, settle_number
from wengert.graph.walk import ancestors
from wengert.primitives.control import element, literal, pack
from wengert.primitives.replay import Stretch, replay

T = TypeVar("T")

# Steps in what one memory keeps, about half a kilobyte each.
STEPS = 1 << 15


class Memory(Generic[T]):
    """From keys to what was made for them. Bounded by the steps in it: the oldest go first."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[T, int]] = {}
        self._lock = threading.Lock()
        self.steps = 0

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: Any) -> Optional[tuple[T, int]]:
        """What is kept for this key, and its steps; None for a key that is not known."""
        return self._known.get(key)

    def keep(self, key: Any, made: T, steps: int) -> None:
        """Keep what was made for this key, of so many steps."""
        with self._lock:
            if key not in self._known:
                self._known[key] = made, steps
                self.steps += steps
            while self.steps > STEPS and len(self._known) > 1:
                _, gone = self._known.pop(next(iter(self._known)))
                self.steps -= gone

    def replace(self, key: Any, made: T) -> None:
        """Put something else in the place of what is kept for a key, if it still is."""
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known[key] = made, known[1]

    def values(self) -> list[T]:
        """Everything that is kept."""
        with self._lock:
            return [made for made, _ in self._known.values()]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()
            self.steps = 0


def plain_recording() -> bool:
    """Whether what is recorded now is for running only: not tracked, and neither traced nor looked at by a
    transformation. Else it has to be recorded step by step."""
    return not recorder.tracking and is_ordinary()


class Remembered(NamedTuple):
    """A stretch, and how it meets the nodes around it.

    reads     positions of its inputs among the nodes that are given
    results   for each result what it is: the stretch's value of that number, or ~n for the given node n itself
    """

    stretch: Optional[Stretch]
    reads: tuple[int, ...]
    results: tuple[int, ...]

    @property
    def steps(self) -> int:
        return 1 if self.stretch is None else len(self.stretch.graph.steps)

    def record(self, given: Sequence[Node], origin: Any) -> list[Node]:
        """Record it on the given nodes. Hot."""
        stretch = self.stretch
        if stretch is None:
            return [given[~at] for at in self.results]
        whole = record_untracked(replay, tuple([given[i] for i in self.reads]), (stretch,), stretch.type, origin)
        parts = record_parts(element, whole, stretch.parts, origin)
        return [parts[at] if at >= 0 else given[~at] for at in self.results]


def remembered(given: Sequence[Node], results: Sequence[Node], since: int) -> Optional[Remembered]:
    """How to record again what was recorded after serial number `since`, from the given nodes to the results.

    None when a result depends on anything else that is not a number: it need not be the same the next time.
    """
    place: dict[Node, int] = {}
    for number, node in enumerate(given):
        place.setdefault(node, number)
    made = dict.fromkeys([node for node in results if node not in place])
    inside = ancestors(made, lambda node: (node.serial > since or is_common(node)) and node not in place)
    constants = [node for node in inside if node.primitive is literal]
    steps = [node for node in inside if node.primitive is not literal]
    own = set(inside)
    outside = dict.fromkeys([x for node in steps for x in node.inputs if x not in own])
    if not own.issuperset(made) or not place.keys() >= outside.keys():
        return None
    if any([node.type is object_type for node in constants]):
        return None
    numbers = {node: number for number, node in enumerate(made)}
    where = tuple([~place[node] if node in place else numbers[node] for node in results])
    if not made:
        return Remembered(None, (), where)
    type = pack.infer(*[node.type for node in made])
    whole = Node(pack, tuple(made), (), type, False, since, None)
    graph = graph_of([*outside, *constants], [*steps, whole], [whole])
    stretch = Stretch(graph, [settle_number(node) for node in constants])
    return Remembered(stretch, tuple(map(place.__getitem__, outside)), where)
