"""Backpropagation through time: the loop that takes cotangents back, made from a loop's step.

Reverse mode needs values of the forward steps again. Which, is seen by differentiating the step once: what the pullback
reads is a result of the step like any other, stacked over time.

The cotangent of a constant w is a sum over time. Where the step makes it by a linear operation that can be taken out of
the sum, it is: sum_t a_t^T b_t is one product of the stacked a and b, after the loop.

Source: Griewank and Walther 2008, ch. 3 and 10; Werbos, Backpropagation through time, 1990.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from wengert.derive.reverse import pull_back
from wengert.derive.step import Flags, Loop, closed, moves_of, stand_ins, values_of
from wengert.graph.node import Node
from wengert.graph.record import retaining, separate_tape, tracking
from wengert.graph.rule import placeholder, primitives, zeros_of
from wengert.graph.walk import ancestors
from wengert.primitives.loop import Body


class Sum(NamedTuple):
    """How the sum over time of a value of the step is made from stacked values.

    kind   "dot", "reduce_sum", "permute", "reshape" or "add", of `parts` (stacked values by name, or sums); "carry": it
           was added up in the loop, as carried value number `params`
    """

    kind: str
    params: Any
    parts: tuple[Any, ...]


class Stack(NamedTuple):
    """A value of the step, stacked: the forward value at a position, or a result of the reverse loop; seen through
    permutations and reshapes of each element, the innermost first."""

    source: str  # "forward" or "reverse"
    number: int
    views: tuple[tuple[str, tuple[int, ...]], ...] = ()


class Pullback(NamedTuple):
    """The loop that takes cotangents back.

    body        carries: cotangents of the moving carries, then sums; sequences: cotangents of the present results, then
                the forward values at `reads`, then elements of the sequences at `elements`; constants: those at
                `constants`, then `literals`
    kept        positions of the forward values that are read, in the loop or after it
    moving      the inputs that move
    sums        for each moving constant how its cotangent is made
    sequences   for each moving sequence the number of the result that is its cotangent
    added       types of the sums that are carried
    """

    body: Body
    literals: list[Node]
    moving: tuple[int, ...]
    kept: tuple[int, ...]
    reads: tuple[int, ...]
    elements: tuple[int, ...]
    constants: tuple[int, ...]
    sequences: dict[int, int]
    sums: dict[int, Sum]
    added: tuple[Any, ...]


_known: dict[Any, Pullback] = {}


def pullback_of(made: Loop, flags: Flags, present: Flags) -> Pullback:
    """present: for each result whether it has a cotangent."""
    key = (made.body, made.carries, made.sequences, flags, present)
    found = _known.get(key)
    if found is None:
        with separate_tape(), tracking(True), retaining():
            found = _known[key] = _Reverse(made, flags, present).pullback()
    return found


class _Reverse:
    """The step differentiated on placeholders, and its parts sorted."""

    def __init__(self, made: Loop, flags: Flags, present: Flags) -> None:
        self.made = made
        self.graph = made.body.graph
        n = len(self.graph.inputs)
        moves = moves_of(made, flags, made.body.tracked)
        self.moving = [i for i in range(n) if moves[i]]
        self.inputs = stand_ins(self.graph.inputs)
        self.values = values_of(made.body, self.inputs)
        self.at = {node: i for i, node in reversed(list(enumerate(self.values)))}
        outputs = self.graph.outputs
        self.carried = [k for k in range(made.carries) if moves[k]]
        results = [made.carries + k for k, there in enumerate(present) if there and moves[outputs[made.carries + k]]]
        pulled = [outputs[k] for k in (*self.carried, *results)]
        self.bars = stand_ins([self.graph.type_at(i) for i in pulled])
        ends = [(self.values[i], bar) for i, bar in zip(pulled, self.bars) if moves[i]]
        targets = [self.inputs[i] for i in self.moving]
        self.found = pull_back([y for y, _ in ends], [bar for _, bar in ends], targets)
        self.results: list[Node] = []  # of each step of the reverse loop
        self.added: list[Node] = []  # placeholders of the sums that are carried
        self.sums_after: list[Node] = []

    def cotangent(self, position: int) -> Node:
        x = self.inputs[position]
        bar = self.found.get(x)
        return zeros_of(x.type) if bar is None else bar

    def result(self, node: Node) -> int:
        """The number of a node among the results of each step."""
        if node not in self.results:
            self.results.append(node)
        return self.results.index(node)

    def pullback(self) -> Pullback:
        made = self.made
        sequences = {
            i: self.result(self.cotangent(i)) for i in self.moving if made.kind_of(i) == "sequence"
        }
        sums = {
            i: self.sum(self.found[self.inputs[i]])
            for i in self.moving
            if made.kind_of(i) == "constant" and self.inputs[i] in self.found
        }
        outputs = [*[self.cotangent(i) for i in self.carried], *self.sums_after, *self.results]
        reads, elements, constants = self.read_by(outputs)
        after = [s.number for s in _stacks(sums) if s.source == "forward" and made.kind_of(s.number) != "sequence"]
        n = len(self.carried)
        inputs = [
            *self.bars[:n], *self.added, *self.bars[n:],
            *[self.values[i] for i in (*reads, *elements, *constants)],
        ]  # fmt: skip
        body, literals = closed(inputs, outputs)
        return Pullback(
            body=body,
            literals=literals,
            moving=tuple(self.moving),
            kept=tuple(dict.fromkeys((*reads, *after))),
            reads=tuple(reads),
            elements=tuple(elements),
            constants=tuple(constants),
            sequences=sequences,
            sums=sums,
            added=tuple([node.type for node in self.added]),
        )

    def read_by(self, outputs: Sequence[Node]) -> tuple[list[int], list[int], list[int]]:
        """The forward values that these are computed from, by position: to be kept, and inputs that are there anyway."""
        own = set(self.at)
        nodes = ancestors([y for y in outputs if y not in own], lambda node: node not in own)
        found = {self.at[x] for node in nodes for x in node.inputs if x in own}
        found.update([self.at[y] for y in outputs if y in own])
        reads: list[int] = []
        elements: list[int] = []
        constants: list[int] = []
        for i in sorted(found):
            {"sequence": elements, "constant": constants}.get(self.made.kind_of(i), reads).append(i)
        return reads, elements, constants

    # --- sums over time ------------------------------------------------------------------------------------------------

    def sum(self, node: Node) -> Sum:
        """How the sum of `node` over time is made."""
        name = node.primitive.name
        if node not in self.at:
            if name == "dot":
                return Sum("dot", None, tuple([self.stack(x) for x in node.inputs]))
            if name == "reduce_sum":
                return Sum(name, node.params[0], (self.stack(node.inputs[0]),))
            if name in ("permute", "reshape"):
                return Sum(name, node.params[0], (self.sum(node.inputs[0]),))
            if name == "add" and all([x.type is node.type for x in node.inputs]):
                return Sum(name, None, tuple([self.sum(x) for x in node.inputs]))
        total = placeholder(node.type)
        total.tracked = True
        self.added.append(total)
        self.sums_after.append(primitives.add(total, node))
        return Sum("carry", len(self.added) - 1, ())

    def stack(self, node: Node) -> Stack:
        """Where a value is found stacked: forward values and views of them are there already."""
        position = self.at.get(node)
        if position is not None and self.made.kind_of(position) != "constant":
            return Stack("forward", position)
        if node.primitive.name == "permute" and position is None:
            below = self.stack(node.inputs[0])
            return below._replace(views=(*below.views, ("permute", node.params[0])))
        return Stack("reverse", self.result(node))


def _stacks(sums: dict[int, Sum]) -> list[Stack]:
    found: list[Stack] = []
    open: list[Any] = list(sums.values())
    while open:
        part = open.pop()
        if isinstance(part, Stack):
            found.append(part)
        else:
            open += part.parts
    return found
