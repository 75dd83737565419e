"""Which nodes of a tape read which: the part of a tape's structure that its nodes taken one by one do not show.

Hot path: tapes like an earlier one are recognised in every backward pass and in every flush, with functions written in C
that take a whole tape at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

from wengert.graph.likeness import compare
from wengert.graph.node import Node

inputs_of = attrgetter("inputs")


class Pattern:
    """Inputs by position among all inputs of all nodes of a tape, one after another.

    outer    the first sight of every node from outside
    sources  what each input is, by position among the nodes on the tape and then those from outside
    plans    what is to be done with tapes of this pattern, by the facts about the nodes from outside
    """

    __slots__ = ("outer", "sources", "plans", "_pictured")

    def __init__(self, tape: Sequence[Node]) -> None:
        place = {node: i for i, node in enumerate(tape)}
        outer, sources = [], []
        for at, x in enumerate(chain.from_iterable(map(inputs_of, tape))):
            known = place.get(x)
            if known is None:
                known = place[x] = len(place)
                outer.append(at)
            sources.append(known)
        self.outer, self.sources = picker(outer), picker(sources)
        self.plans: dict[Any, Any] = {}
        self._pictured: set[Any] = set()

    def read(self, tape: Sequence[Node]) -> Any:
        """The nodes that the tape reads from outside, if it has this pattern; else None. The tape has as many nodes, each
        with as many inputs, as the one that the pattern was made of."""
        flat = _flat(tape)
        outer = self.outer(flat)
        return outer if self.sources((*tape, *outer)) == flat else None

    def outside(self, tape: Sequence[Node]) -> tuple[Node, ...]:
        """The nodes from outside of a tape that is known to have this pattern."""
        return self.outer(_flat(tape))

    def keep(self, facts: Any, plan: Any) -> None:
        """From now on, tapes with these facts about the nodes from outside have this plan."""
        if len(self.plans) >= VARIANTS:
            self.plans.clear()
            self._pictured.clear()
        self.plans[facts] = plan

    def wants_likeness(self, facts: Any) -> bool:
        """Whether this is asked for the first time about these facts: a likeness is made once for each."""
        if not compare or facts in self._pictured:
            return False
        self._pictured.add(facts)
        return True


def _flat(tape: Sequence[Node]) -> tuple[Node, ...]:
    return tuple(chain.from_iterable(map(inputs_of, tape)))


# Input types for which one pattern keeps a plan.
VARIANTS = 32


def picker(places: Sequence[int]) -> Callable[[Any], tuple[Any, ...]]:
    """The function that picks the elements at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda of: tuple([of[i] for i in places])
