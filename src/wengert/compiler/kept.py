"""Memory that a bound program writes to (`fast.py`): its node, its arrays, and how the node shows that content is coming."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from wengert.compiler.plan import Found
from wengert.graph.node import Coming
from wengert.runtime.beside import came

ALL = -1  # stands for no output alone: content is there when the whole run is done
_references = getattr(sys, "getrefcount", None)


class Kept:
    """Memory that the program writes to: its node, its array, and a second one where it can't be written over.

    The code sees by counts of references whether somebody else refers to node or arrays. So both arrays always have as many,
    and as many whether the node shows its array or that its content is coming.

    spare   a list that holds the second array
    aside   a list that holds what the node doesn't show: what says that its content is coming, or the array meanwhile; empty
            where the program never runs beside
    """

    __slots__ = ("found", "inputs", "output", "node", "arrays", "spare", "aside")

    def __init__(self, found: Found, inputs: list[int], output: int) -> None:
        self.found = found
        self.inputs = inputs  # buffers
        self.output = output  # buffer
        self.let_go()

    def let_go(self) -> None:
        """Forget node and arrays."""
        self.node: Any = None
        self.arrays: list[Any] = []
        self.spare: list[Any] = []
        self.aside: list[Any] = []

    def show(self, turn: int) -> None:
        """Let the node show its array; the second one in every other turn. May be interrupted and done again."""
        arrays, node = self.arrays, self.node
        array = arrays[0]
        if self.spare:
            array, self.spare[0] = arrays[turn], arrays[1 - turn]
        if self.aside:
            coming = node.value
            if coming.__class__ is Coming:
                came(coming, array)
                coming.nodes = []  # some other node may have taken it over
            self.aside[0] = Coming(node, ALL)
        node.value = array


def hide_all(every: Sequence[Kept]) -> None:
    """Let the nodes say that their content is coming. Hot."""
    for kept in every:
        node, aside = kept.node, kept.aside
        node.value, aside[0] = aside[0], node.value


def show_all(every: Sequence[Kept], turn: int) -> None:
    """Let all show their arrays. What said that content is coming serves again where nobody has taken it over. Hot."""
    count: Any = _references  # without it nothing is bound
    for kept in every:
        aside = kept.aside
        if not kept.spare and aside[0].__class__ is not Coming:
            node = kept.node
            coming = node.value
            if coming.__class__ is Coming and count(coming) == _OF_COMING and len(coming.nodes) == 1:
                node.value, aside[0] = aside[0], coming
                continue
        kept.show(turn)


def _calibrate() -> int:
    """The count of references that `show_all` reads for what only a node refers to."""
    if _references is None:
        return 0
    box = Coming(None, ALL)  # type: ignore[arg-type]
    box.array = Coming(None, ALL)  # type: ignore[arg-type]
    coming = box.array
    return _references(coming)


_OF_COMING = _calibrate()
