"""Identities that save work and change no result. Each is a function of one step with its equation; it gives the steps
that take its place.

A rewrite sees a step and may look at the steps that made its inputs. It answers with None, or with what stands for the
step's value: the position of an earlier value, or a new application whose arguments are built first.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple, Optional, Union

from wengert.graph.graph import Graph, Step
from wengert.graph.rule import primitives
from wengert.shapes import Shape


class New(NamedTuple):
    """An application that a rewrite asks for; its arguments are positions or further applications."""

    primitive: Any
    params: tuple[Any, ...]
    args: tuple[Union[int, New], ...]


Answer = Optional[Union[int, New]]


def simplify(graph: Graph) -> Graph:
    """The same graph after the identities of this page, each step once, without what they leave unused. One walk:
    a step sees its inputs already rewritten."""
    return remove_dead(_Rewriting(graph).run())


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


class _Rewriting:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
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
        for rule in RULES.get(step.primitive.name, ()):
            answer = rule(self, step)
            if answer is not None:
                return self.build(answer, step.origin)
        return self._append(step)

    def _append(self, step: Step) -> int:
        """The step's place; an earlier one if it has been computed already."""
        at = self.numbers.setdefault((step.primitive, step.params, step.args), self.first + len(self.steps))
        if at == self.first + len(self.steps):
            self.steps.append(step)
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


def permute_of_permute(r: _Rewriting, step: Step) -> Answer:
    """permute(permute(x, p), q) = permute(x, p[q]);  permute(x, identity) = x"""
    (order,) = step.params
    inner = r.made_by(step.args[0], "permute")
    source = step.args[0]
    if inner is not None:
        source, order = inner.args[0], tuple([inner.params[0][axis] for axis in order])
    if order == tuple(range(len(order))):
        return source
    return None if inner is None else New(primitives.permute, (order,), (source,))


def transpose_of_product(r: _Rewriting, step: Step) -> Answer:
    """(A B)^T = B^T A^T, so that the gradient of a transposed weight comes out in the weight's own layout

    Only where nobody else reads A B, which would be computed twice; and not on into the factors, which may be products.
    """
    (order,) = step.params
    product = r.made_by(step.args[0], "dot")
    if product is None or order != _swap(len(order)) or r.turning or r.uses[step.args[0]] > 1:
        return None
    a, b = product.args
    r.turning = True
    transposed = [r.build(New(primitives.permute, (order,), (x,)), step.origin) for x in (b, a)]
    r.turning = False
    return New(primitives.dot, (), tuple(transposed))


def _swap(n: int) -> Shape:
    return (*range(n - 2), n - 1, n - 2)


def reshape_of_reshape(r: _Rewriting, step: Step) -> Answer:
    """reshape(reshape(x, s), t) = reshape(x, t);  reshape(x, shape of x) = x"""
    (shape,) = step.params
    inner = r.made_by(step.args[0], "reshape")
    source = step.args[0] if inner is None else inner.args[0]
    if r.type_at(source).shape == shape:
        return source
    return None if inner is None else New(primitives.reshape, (shape,), (source,))


def expand_to_itself(r: _Rewriting, step: Step) -> Answer:
    """expand(x, shape of x) = x"""
    return step.args[0] if r.type_at(step.args[0]).shape == step.params[0] else None


def convert_to_itself(r: _Rewriting, step: Step) -> Answer:
    """convert(x, dtype of x) = x"""
    return step.args[0] if r.type_at(step.args[0]).dtype is step.params[0] else None


def passed_on(r: _Rewriting, step: Step) -> Answer:
    """identity(x) = leaf(x) = stop_gradient(x) = x: marks for derivatives mean nothing when running"""
    return step.args[0]


def element_of_several(r: _Rewriting, step: Step) -> Answer:
    """element(pack(x_1, ..., x_n), i) = x_i, and so for custom, whose values are its first inputs;
    element(split(x), i) = slice(x)"""
    (index,) = step.params
    cut = r.made_by(step.args[0], "split")
    if cut is not None:
        along, sizes = cut.params
        start = sum(sizes[:index])
        places = [(0, n, 1) for n in r.type_at(cut.args[0]).shape]
        places[along] = (start, start + sizes[index], 1)
        return New(primitives.slice, (tuple(places),), (cut.args[0],))
    whole = r.made_by(step.args[0], "pack") or r.made_by(step.args[0], "custom")
    return None if whole is None else whole.args[index]


def gelu_by_its_factor(r: _Rewriting, step: Step) -> Answer:
    """gelu(x) = x ndtr(x), whose second factor is also a term of the derivative; not where it would be rounded twice"""
    (x,) = step.args
    if step.array.dtype.itemsize == 2:
        return None
    return New(primitives.mul, (), (x, New(primitives.ndtr, (), (x,))))


RULES: dict[str, tuple[Any, ...]] = {
    "permute": (permute_of_permute, transpose_of_product),
    "reshape": (reshape_of_reshape,),
    "expand": (expand_to_itself,),
    "convert": (convert_to_itself,),
    "gelu": (gelu_by_its_factor,),
    "identity": (passed_on,),
    "leaf": (passed_on,),
    "stop_gradient": (passed_on,),
    "with_history": (passed_on,),
    "element": (element_of_several,),
}
