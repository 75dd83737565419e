"""How a nest is cut for the threads of the pool: along its first axis, into pieces that are worth a thread's while."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

from wengert.backends.llvm.dependence import inner_dependence, vector_axis
from wengert.backends.llvm.kept import own_cost
from wengert.loops.nest import Nest, Store

# Operations (a vector of them each 0.3 ns) of the smallest piece: the data that another core wrote have to come over, and
# a thread that is not watching has to be woken.
PIECE = 60_000
# Elements along the vector axis that a piece is a multiple of, where that is the axis which is cut: whole vectors, as many
# of them side by side as `emit.py` takes, and whole lines of the cache.
VECTORS = 64


class Cut(NamedTuple):
    """Pieces of a first axis are at least `grain` long and a multiple of `align`."""

    grain: int
    align: int


def cut(flat: Nest) -> Optional[Cut]:
    """How a collapsed nest is cut; None where it is one piece."""
    extent, total = flat.outer[0], work(flat)
    align = VECTORS if vector_axis(flat) == 0 else 1
    if extent < 2 * align or total < 2 * PIECE:
        return None
    return Cut(max(1, -(-PIECE * extent // total)), align)


def work(nest: Nest) -> int:
    """Operations of a nest, where a plain one of a vector's lanes, a load or a store counts 1."""
    inside, outside, n = math.prod(nest.extents), math.prod(nest.outer), len(nest.outer)
    moves = inner_dependence(nest)
    total = sum([own_cost(v) * (inside if moving else outside) for v, moving in zip(nest.values, moves)])
    for a in nest.actions:
        once = isinstance(a, Store) and not moves[a.value] and not any(a.strides[n:])
        total += outside if once else inside
    return total
