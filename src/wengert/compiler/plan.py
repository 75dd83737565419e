"""Plan: what a trace becomes. A graph, where each of its inputs comes from at a replay, and where its outputs go.

    inputs    arguments of the call, memory that the function found (parameters, buffers, state), numbers asked for anew,
              counters of random operations, constants
    outputs   the tensors that the function returns, new content of memory, gradients that are kept
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, Union

from wengert.compiler.trace import Count, Trace
from wengert.graph.graph import Graph
from wengert.graph.node import Node
from wengert.tensors.cell import Cell, Link
from wengert.tensors.tensor import Tensor

# --- where inputs come from -------------------------------------------------------------------------------------------


class Argument(NamedTuple):
    position: int


class Memory(NamedTuple):
    """Position in `Plan.memories`; and which of its tensors shows it as the leaf of a derivative, or -1."""

    number: int
    leaf: int = -1


class Look(NamedTuple):
    """A tensor that shows found memory through a view, or memory that the outside can write to."""

    tensor: Tensor


class Number(NamedTuple):
    """A run-time number, by its line in the number program; of the input's dtype."""

    line: int


class Key(NamedTuple):
    stream: int


class Counter(NamedTuple):
    stream: int
    number: int


class Constant(NamedTuple):
    value: Any


Source = Union[Argument, Memory, Look, Number, Key, Counter, Constant]


class Found:
    """Memory that the function found.

    cell     the memory
    tensors  through which it was reached, each with its link and what watches it
    owner    the tensor (or argument) whose gradient it is: the gradient that is there at a replay is meant
    """

    __slots__ = ("cell", "tensors", "owner")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.tensors: list[tuple[Tensor, Link, Any]] = []
        self.owner: Any = None


# --- what a replay returns --------------------------------------------------------------------------------------------


Views = tuple[tuple[Any, tuple[Any, ...], bool, bool], ...]  # primitive, params, silent, whether taken while tracking


class Given(NamedTuple):
    """An argument of the call itself."""

    position: int


class Same(NamedTuple):
    """Something that was there before, or that never changes."""

    value: Any


class Made(NamedTuple):
    """A fresh tensor with the graph's output. `history`: the primitive of a node that a backward pass went through."""

    output: int
    history: Any = None


class Viewed(NamedTuple):
    """A tensor that shares memory with another result, an argument, or a tensor that was there before."""

    base: Any  # one of the above
    views: Views


class Again(NamedTuple):
    """A result that came before, at this position, or a view of it."""

    position: int
    views: Views = ()


class Collected(NamedTuple):
    """The gradient of a tensor or an argument, after the call."""

    target: Any


class Computed(NamedTuple):
    """A number."""

    line: int


class Refusal(Exception):
    """Why a call can't be replayed."""


class Plan:
    """graph, inputs   the program, and where each input comes from
    memories           what was found, by number
    writes             (memory or argument, output): new content
    grads              (tensor or argument, output, None for no gradient, or -1 for one that is not stored)
    results, structure what a replay returns; hidden: how many of the results, the first ones, only others are views of
    alive              whether a derivative can be taken through a result: such a call is recorded again, not run
    """

    def __init__(self, trace: Trace) -> None:
        self.trace_numbers = trace.numbers
        self.floats = trace.floats
        self.effects = list(trace.effects)
        self.changed = list(trace.changed)
        self.counts: list[Count] = list(trace.counts.values())
        self.memories: list[Found] = []
        self.streams: list[tuple[Any, int]] = []
        self.writes: list[tuple[Union[Argument, Memory], int]] = []
        self.grads: list[tuple[Any, Optional[int]]] = []
        self.read_grads: list[tuple[Any, Any]] = []
        self.alive = False
        self.hidden = 0
        self.results: list[Any] = []

    graph: Graph
    inputs: tuple[Source, ...]
    structure: Any
    tracked: tuple[bool, ...]
    watches: tuple[Any, ...]
    marks: tuple[int, ...]
    known: set[int]
    undo: list[tuple[Cell, Node]]


UNSTORED = -1


