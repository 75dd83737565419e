"""Tapes compared in machine code: whether a tape is, fact for fact, one that was seen before.

A likeness says of each node on a tape what its slots refer to, how many references there are to it where that matters, and
which node each of its inputs is; and of each node from outside what some of its slots refer to. Two facts agree when
they are one object; parameters also when they are equal numbers or tuples of such. So a tape that fits is the same in all
of that; of one that does not fit nothing is known, and who asks needs a slower way to find out.

Hot path. Budget: 2 microseconds for a tape of twenty nodes. The comparison (`backends/llvm/tapes.py`) is there once
something has been compiled; before, nothing fits.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Generic, Optional, TypeVar

from wengert.graph.node import Node

T = TypeVar("T")

# The facts about a node on the tape, and about one from outside, in the order in which they are compared.
FACTS = ("primitive", "params", "type", "tracked", "mark", "watch", "value")
OUTER_FACTS = ("primitive", "type", "tracked", "mark")

_facts = attrgetter(*FACTS)
_outer_facts = attrgetter(*OUTER_FACTS)

# (address of a list, of the words of a likeness, of its room) -> whether the list fits; the backend puts it here.
compare: list[Callable[[int, int, int], int]] = []

# Words before those of the nodes: the two numbers of nodes, and the types whose objects may be equal without being one.
HEADER = 5
_TYPES = (tuple, float, int)
ANY = -1  # in the place of a count of references or of an address: it does not matter


class Likeness:
    """A tape that was seen. Its words are the head (`HEADER`); for each node on the tape the addresses of its facts, the count
    of references, the number of inputs and which node each is, by position on the tape and then among the nodes from
    outside; for each of these its own address, if it has to be this very node, and those of its facts."""

    __slots__ = ("_words", "_room", "_at", "_kept")

    def __init__(
        self, tape: Sequence[Node], outer: Sequence[Node], counted: bool, same: frozenset[Node] = frozenset()
    ) -> None:
        """outer: the nodes that the tape reads from outside, all different (else nothing will fit); counted: whether counts of
        references matter, which must be now what they will be when `fits` is asked; same: those of `outer` that have to be
        the very same."""
        place: dict[int, int] = {}
        for i, at in enumerate(map(id, [*tape, *outer])):
            place.setdefault(at, i)
        addresses = list(map(id, tape))
        counts = [ctypes.c_uint32.from_address(at).value for at in addresses] if counted else [ANY] * len(tape)
        facts, outer_facts = list(map(_facts, tape)), list(map(_outer_facts, outer))
        words = [len(tape), len(outer), *map(id, _TYPES)]
        for about, count, inputs in zip(facts, counts, map(attrgetter("inputs"), tape)):
            words += [*map(id, about), count, len(inputs), *[place[id(x)] for x in inputs]]
        for x, about in zip(outer, outer_facts):
            words += [id(x) if x in same else ANY, *map(id, about)]
        self._words = (ctypes.c_int64 * len(words))(*words)
        self._room = (ctypes.c_int64 * (len(outer) + 1))()
        self._at = ctypes.addressof(self._words), ctypes.addressof(self._room)
        self._kept = facts, outer_facts, same  # what the addresses are of

    def fits(self, tape: list[Node]) -> bool:
        """Whether a tape is like the one that was seen."""
        return bool(compare) and compare[0](id(tape), *self._at) == 1


class Album(Generic[T]):
    """The likenesses that were seen last, by length, each with what goes with it."""

    # How many lengths there are, and likenesses of one length.
    LENGTHS, OF_ONE = 64, 6

    def __init__(self) -> None:
        self._seen: dict[int, list[tuple[Likeness, T]]] = {}

    def find(self, tape: list[Node]) -> Optional[T]:
        """What goes with a likeness that the tape fits."""
        for likeness, found in self._seen.get(len(tape), ()):
            if likeness.fits(tape):
                return found
        return None

    def keep(self, tape: Sequence[Node], likeness: Likeness, goes_with: T) -> None:
        """Keep a tape's likeness; older ones make room."""
        if len(self._seen) >= self.LENGTHS and len(tape) not in self._seen:
            self._seen.clear()
        self._seen[len(tape)] = [(likeness, goes_with), *self._seen.get(len(tape), ())][: self.OF_ONE]

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()
