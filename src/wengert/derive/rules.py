"""Rules from outside the table: how a `custom` node is recorded, and what vmap makes of its rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from wengert.derive.batch import Batched, map_function
from wengert.graph.node import Node, object_type
from wengert.graph.record import literal
from wengert.graph.rule import primitives
from wengert.primitives.control import CustomInputs, CustomRule, custom, element


def attach(rule: CustomRule, inputs: CustomInputs) -> Node:
    """The node of several values `inputs.results`, differentiated by `rule` with respect to `inputs.arguments`."""
    given = literal(rule, object_type)
    return custom(
        *inputs.results, *inputs.arguments, *inputs.extra, given,
        results=len(inputs.results), arguments=len(inputs.arguments), reads=inputs.reads,
    )  # fmt: skip


def attached(rule: CustomRule, inputs: CustomInputs) -> list[Node]:
    """The values of `attach`, taken apart."""
    whole = attach(rule, inputs)
    return [element(whole, index=i) for i in range(len(inputs.results))]


class Rule:
    """A custom rule; what vmap makes of it follows from vjp and jvp."""

    name = "Custom"
    # What the program may look at: a Function's context.
    ctx: Any = None
    vjp: Any
    jvp: Any

    def batch(self, size: int, node: CustomInputs, batched: CustomInputs) -> Node:
        results = tuple([x if flag else _repeat(x, size) for x, flag in zip(node.results, batched.results)])
        every = (True,) * len(results) + batched.arguments + batched.extra
        flags = tuple([every[i] for i in node.reads])
        return attach(OverBatch(self, size, batched.arguments, flags), node._replace(results=results))


class OverBatch(Rule):
    """`rule` for every element of a batch: it is traced on one element, and the graph is mapped over the batch.

    arguments, saved   which of them have the batch axis
    """

    def __init__(self, rule: Rule, size: int, arguments: tuple[bool, ...], saved: tuple[bool, ...]) -> None:
        self.name = f"Vmapped{rule.name}"
        self.rule = rule
        self.size = size
        self.arguments = arguments
        self.saved = saved

    def vjp(
        self, y_bars: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> Sequence[Optional[Node]]:
        def rule(bars: Sequence[Optional[Node]], xs: tuple[Node, ...], kept: tuple[Node, ...]) -> list[Optional[Node]]:
            found = self.rule.vjp(bars, xs, kept)
            return [None if x_bar is None or not x.tracked else _forced(x_bar) for x, x_bar in zip(xs, found)]

        found = self._over_rows(rule, y_bars, (True,) * len(y_bars), arguments, saved)
        return [
            None if one is None else _fit(one, has_axis, self.size, x)
            for one, has_axis, x in zip(found, self.arguments, arguments)
        ]

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> Sequence[Optional[Node]]:
        found = self._over_rows(self.rule.jvp, x_dots, self.arguments, arguments, saved)
        return [None if one is None else (one[0] if one[1] else _repeat(one[0], self.size)) for one in found]

    def _over_rows(
        self,
        rule: Any,
        moving: Sequence[Optional[Node]],
        moving_flags: Sequence[bool],
        arguments: tuple[Node, ...],
        saved: tuple[Node, ...],
    ) -> list[Optional[Batched]]:
        """`rule(moving, arguments, saved)` for every element; None stays None."""
        present = [i for i, x in enumerate(moving) if x is not None]
        n, m = len(present), len(present) + len(arguments)
        answered: list[bool] = []

        def on_rows(*rows: Node) -> list[Node]:
            one: list[Optional[Node]] = [None] * len(moving)
            for i, row in zip(present, rows):
                one[i] = row
            found = rule(tuple(one), rows[n:m], rows[m:])
            answered.extend([x is not None for x in found])
            return [x for x in found if x is not None]

        inputs = [*[x for x in moving if x is not None], *arguments, *saved]
        flags = [*[moving_flags[i] for i in present], *self.arguments, *self.saved]
        found = iter(map_function(on_rows, inputs, flags, self.size))
        return [next(found) if yes else None for yes in answered]


def _forced(x_bar: Any) -> Node:
    return x_bar() if callable(x_bar) else x_bar  # type: ignore[no-any-return]


def _fit(found: Batched, wanted: bool, size: int, x: Node) -> Node:
    """A cotangent with the batch axis if and only if its argument has it."""
    x_bar, has_axis = found
    if wanted and not has_axis:
        return _repeat(x_bar, size)
    if has_axis and not wanted:
        return primitives.reduce_sum(x_bar, axes=(0,))
    if not has_axis:  # the same for every element: it counts once for each
        return x_bar * size
    return x_bar


def _repeat(x: Node, size: int) -> Node:
    return primitives.expand(x, shape=(size, *x.shape))
