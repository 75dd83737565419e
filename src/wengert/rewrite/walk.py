"""The walk that rewrites a graph: each step once, its inputs already rewritten, by rules that look at what made them.

A rule sees a step and may look at the steps that made its inputs. It answers with None, or with what stands for the
step's value: the position of an earlier value, or a new application whose arguments are built first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Optional, Union

from wengert.graph.graph import Graph, Step
from wengert.rewrite.factors import Factors


class New(NamedTuple):
    """An application that a rewrite asks for; its arguments are positions or further applications."""

    primitive: Any
    params: tuple[Any, ...]
    args: tuple[Union[int, New], ...]


Answer = Optional[Union[int, New]]
Rules = Mapping[str, Sequence[Callable[["Rewriting", Step], Answer]]]

# Views of one number are that number.
_SAME_NUMBER = ("full", "expand", "reshape", "permute")


def remove_dead(graph: Graph) -> Graph:
    """Only the steps that an output depends on. The inputs stay, used or not: positions are the caller's."""
    first = len(graph.inputs)
    used = set(graph.outputs)
    for number in reversed(range(len(graph.steps))):
        if first + number in used:
            used.update(graph.steps[number].args)
    moved = {i: i for i in range(first)}
    steps: list[Step] = []
    for number, step in enumerate(graph.steps):
        if first + number in used:
            moved[first + number] = first + len(steps)
            steps.append(step._replace(args=tuple([moved[i] for i in step.args])))
    return Graph(graph.inputs, tuple(steps), tuple([moved[i] for i in graph.outputs]))


class Rewriting:
    """numbers: known values of inputs, by position. factors: the forms of values, where products may have much in common."""

    def __init__(self, graph: Graph, rules: Rules, known: Mapping[int, Any], factored: bool) -> None:
        self.graph = graph
        self.rules = rules
        self.known = known
        self.factors = Factors(self.type_at) if factored else None
        self.first = len(graph.inputs)
        self.steps: list[Step] = []
        self.numbers: dict[Any, int] = {}
        self.uses: Counter[int] = Counter()  # of the values so far, by all of the graph
        self.turning = False  # whether factors are being transposed for `transpose_of_product`

    def run(self) -> Graph:
        uses = Counter([*self.graph.outputs, *[i for step in self.graph.steps for i in step.args]])
        moved = {i: i for i in range(self.first)}
        for number, step in enumerate(self.graph.steps, self.first):
            step = step._replace(args=tuple([moved[i] for i in step.args]))
            at = moved[number] = self._simplest(step)
            self.uses[at] += uses[number] - (at in step.args)
        outputs = tuple([moved[i] for i in self.graph.outputs])
        return Graph(self.graph.inputs, tuple(self.steps), outputs)

    def _simplest(self, step: Step) -> int:
        for rule in self.rules.get(step.primitive.name, ()):
            answer = rule(self, step)
            if answer is not None:
                return self.build(answer, step.origin)
        return self.append(step)

    def append(self, step: Step) -> int:
        """The step's place; an earlier one if it has been computed already."""
        at = self.numbers.setdefault((step.primitive, step.params, step.args), self.first + len(self.steps))
        if at == self.first + len(self.steps):
            self.steps.append(step)
            if self.factors is not None:
                self.factors.note(at, step)
        return at

    def build(self, answer: Union[int, New], origin: Any) -> int:
        """The position of what a rewrite asked for."""
        if isinstance(answer, int):
            return answer
        args = tuple([self.build(argument, origin) for argument in answer.args])
        named = dict(zip(answer.primitive.params, answer.params))
        type = answer.primitive.infer(*[self.type_at(i) for i in args], **named)
        return self._simplest(Step(answer.primitive, answer.params, args, type, origin))

    # --- what rules look at ----------------------------------------------------------------------------------------

    def made_by(self, position: int, name: str) -> Optional[Step]:
        """The step that made a value, if it is an application of the primitive `name`."""
        if position < self.first:
            return None
        step = self.steps[position - self.first]
        return step if step.primitive.name == name else None

    def type_at(self, position: int) -> Any:
        return self.graph.inputs[position] if position < self.first else self.steps[position - self.first].type

    def number_of(self, position: int) -> Any:
        """The number that all elements of a value are, where the program says it; else None."""
        while position >= self.first:
            step = self.steps[position - self.first]
            if step.primitive.name == "filled":
                return step.params[0]
            if step.primitive.name not in _SAME_NUMBER:
                return None
            position = step.args[0]
        return self.known.get(position)
