"""Reverse mode: pull cotangents back from outputs to targets, by each primitive's vjp rule.

Source: the reverse sweep over a Wengert list (Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, ch. 3).
Cost: each node's rule is called once; the recorded work is at most a small multiple of the forward work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Optional

from wengert.derive.definition import define
from wengert.errors import GradientError, MissingRule
from wengert.graph.node import DROPPED, OVERWRITTEN, RELEASED, Node, TupleType
from wengert.graph.record import record, recorder, separate_tape, tracking
from wengert.graph.rule import Composite, placeholder, primitives
from wengert.graph.walk import ancestors, tracked_ancestors
from wengert.origin import describe
from wengert.primitives.control import Leaf, element, identity

# Called with (node, cotangent) for nodes with a watch; what it returns goes on.
OnCotangent = Callable[[Node, Any], Any]
# Called with (node, its cotangent, those of its inputs) after a rule; gives the latter back, perhaps changed.
OnRule = Callable[[Node, Any, Sequence[Any]], Sequence[Any]]


class _Walking(threading.local):
    """What holds for walks on this thread.

    on_cotangent       of the walk that is under way, for rules that walk on their own
    mutation_allowed   whether values that were changed in place are read as they were, instead of being an error
    """

    on_cotangent: Optional[OnCotangent] = None
    mutation_allowed: bool = False


walking = _Walking()


def pull_back(
    outputs: Sequence[Node],
    cotangents: Sequence[Node],
    targets: Optional[Iterable[Node]] = None,
    on_cotangent: Optional[OnCotangent] = None,
    release: bool = False,
    on_rule: Optional[OnRule] = None,
    every_rule: bool = False,
    within: Optional[Callable[[Node], bool]] = None,
) -> dict[Node, Node]:
    """Cotangents of `targets` (of every leaf, when None), given those of `outputs`. A target that no output depends on
    is absent from the result.

    With `release`, applications that the walk went through let go of what they saved, and a second walk is an error.
    `on_rule` is called for nodes with a watch, or after `every_rule`. On the way to targets the walk goes only through
    nodes for which `within` holds.

    Raises: GradientError for a second walk through a released graph, for a saved value that was overwritten, and for
    a primitive that has no derivative.
    """
    nodes = tracked_ancestors(outputs)
    wanted = None if targets is None else set(targets)
    active = None if wanted is None else _leading_to(wanted, nodes, within)
    bars: dict[Node, Any] = {}
    for output, bar in zip(outputs, cotangents):
        if output.tracked:
            _accumulate(bars, output, bar)
    found: dict[Node, Node] = {}
    origin_before, watcher_before = recorder.origin, walking.on_cotangent
    walking.on_cotangent = on_cotangent
    try:
        for node in reversed(nodes):
            y_bar = bars.pop(node, None)
            if y_bar is None or (active is not None and node not in active):
                continue
            if on_cotangent is not None and node.watch is not None:
                y_bar = on_cotangent(node, y_bar)
            if wanted is not None and node in wanted:
                found[node] = y_bar
            if node.primitive.__class__ is Leaf:
                found[node] = y_bar
                continue
            if active is not None and not any([x in active for x in node.inputs]):
                continue  # a target itself: nothing wanted lies behind it
            if node.mark & RELEASED:
                raise released_error(node)
            recorder.origin = node.origin
            check_overwritten(node)
            x_bars = cotangents_of_inputs(node, y_bar)
            if on_rule is not None and (every_rule or node.watch is not None):
                x_bars = on_rule(node, y_bar, x_bars)
            if node.primitive is element:
                _accumulate_element(bars, node, x_bars[0])
                continue
            for x, x_bar in zip(node.inputs, x_bars):
                if x_bar is None or not x.tracked or (active is not None and x not in active):
                    continue
                if x_bar.__class__ is not Node:
                    x_bar = x_bar()
                present = bars.get(x)
                bars[x] = x_bar if present is None else record(primitives.add, (present, x_bar))
            if release and saves_something(node):
                release_node(node)
    finally:
        recorder.origin, walking.on_cotangent = origin_before, watcher_before
    return found


def cotangents_of_inputs(node: Node, y_bar: Any) -> Sequence[Any]:
    """One cotangent (node, thunk or None) for each input of an application."""
    primitive = node.primitive
    rule = primitive.vjp
    if rule is None:
        if isinstance(primitive, Composite):
            return _through_definition(node, y_bar)
        raise MissingRule(f"derivative for {primitive.name} is not implemented")
    if primitive.params:
        return rule(y_bar, *node.inputs, y=node, **dict(zip(primitive.params, node.params)))  # type: ignore[no-any-return]
    return rule(y_bar, *node.inputs, y=node)  # type: ignore[no-any-return]


def _through_definition(node: Node, y_bar: Node) -> list[Optional[Node]]:
    """Record a composite's definition between fresh identities and pull back through that."""
    with tracking(True):
        fresh = tuple([identity(x) if x.tracked else x for x in node.inputs])
        y = define(node.primitive, fresh, node.params)
    found = pull_back([y], [y_bar], [x for x in fresh if x.tracked])
    return [found.get(x) for x in fresh]


def _leading_to(targets: set[Node], nodes: list[Node], within: Optional[Callable[[Node], bool]]) -> set[Node]:
    """Those of `nodes` (in order) from which a target can be reached through inputs, targets included, and all of them on
    the way `within`."""
    active = set(targets)
    for node in nodes:
        if node not in active and any([x in active for x in node.inputs]) and (within is None or within(node)):
            active.add(node)
    return active


def _accumulate(bars: dict[Node, Any], node: Node, bar: Any) -> None:
    present = bars.get(node)
    bars[node] = bar if present is None else record(primitives.add, (present, bar))


def _accumulate_element(bars: dict[Node, Any], node: Node, bar: Node) -> None:
    """The cotangent of one value of a node that has several."""
    (whole,) = node.inputs
    if not isinstance(whole.type, TupleType):
        raise TypeError(f"element of {whole.type}")
    parts = list(bars.get(whole) or (None,) * len(whole.type.elements))
    (index,) = node.params
    parts[index] = bar if parts[index] is None else record(primitives.add, (parts[index], bar))
    bars[whole] = tuple(parts)


def saves_something(node: Node) -> bool:
    """Whether there is anything that a backward pass lets go of here."""
    primitive = node.primitive
    return not primitive.saves_nothing and (primitive.reads is None or bool(saves(node).inputs))


def release_node(node: Node) -> None:
    """Let go of what an application saved. The history of one that has not run yet is cut by the flush that runs it."""
    node.mark |= RELEASED
    if node.value is not None and not recorder.retain:  # it ran: nothing pending needs its history
        node.inputs = ()
    elif node.value is not None or node.mark & DROPPED:
        recorder.released.append(node)


def released_error(node: Optional[Node]) -> GradientError:
    """PyTorch's error for a second walk through a released graph."""
    return GradientError(
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
        "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
        "saved tensors after calling backward."
        + ("" if node is None else f"  (the operation: {node.primitive.name}, at {describe(node.origin)})")
    )


def is_overwritten(x: Node) -> bool:
    """Whether the value of a node, or of what it is a view of, was changed in place."""
    while True:
        if x.mark & OVERWRITTEN:
            return True
        if not (x.primitive.is_view and x.inputs):
            return False
        x = x.inputs[0]


def check_overwritten(node: Node) -> None:
    """Raise PyTorch's error when a value that the derivative reads was changed in place after it was used."""
    suspects = [i for i, x in enumerate(node.inputs) if is_overwritten(x)]
    if not suspects and not node.mark & OVERWRITTEN:
        return
    needed = saves(node)
    changed = [node.inputs[i] for i in suspects if i in needed.inputs]
    if needed.output and node.mark & OVERWRITTEN:
        changed.append(node)
    if changed and not walking.mutation_allowed:
        raise GradientError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[{changed[0].type}], which {node.primitive.name} at {describe(node.origin)} read and its derivative reads "
            "again. Hint: use an out-of-place operation there, or clone() the tensor before changing it."
        )


# --- what a derivative reads ---------------------------------------------------------------------------------------


class Saves(NamedTuple):
    """What the derivative of an application reads: positions of inputs whose values it needs, and whether the output's.

    Not declared by hand: the vjp rule is run once on placeholders, and what its result reaches is noted. A flush keeps
    those values and lets the others go.
    """

    inputs: tuple[int, ...]
    output: bool


NOTHING = Saves((), False)
_known: dict[Any, Saves] = {}


def saves(node: Node) -> Saves:
    """What the vjp of this application reads, given which of its inputs are tracked."""
    primitive = node.primitive
    if primitive.saves_nothing:
        return NOTHING
    if primitive.reads is not None:
        return Saves(primitive.reads(**dict(zip(primitive.params, node.params))), False)
    wanted = tuple([x.tracked for x in node.inputs])
    key = (primitive, node.params, wanted, *[x.type for x in node.inputs])
    found = _known.get(key)
    if found is None:
        found = _known[key] = _look(node, wanted)
    return found


def _look(node: Node, wanted: tuple[bool, ...]) -> Saves:
    with separate_tape(), tracking(False):
        stand_in = Node(node.primitive, (), node.params, node.type, False, node.serial, None)
        stand_in.inputs = tuple([placeholder(x.type) for x in node.inputs])
        for x, tracked in zip(stand_in.inputs, wanted):
            x.tracked = tracked
        types = node.type.elements if isinstance(node.type, TupleType) else None
        y_bar: Any = placeholder(node.type) if types is None else tuple([placeholder(t) for t in types])
        try:
            bars = cotangents_of_inputs(stand_in, y_bar)
            results = [bar() if callable(bar) else bar for bar, t in zip(bars, wanted) if t and bar is not None]
        except MissingRule:  # for backward to raise, if it is ever asked; the other inputs may have a rule
            return Saves(tuple(range(len(node.inputs))), True)
        flat = [part for bar in results for part in (bar if isinstance(bar, tuple) else (bar,))]
        inputs, stand_in.inputs = stand_in.inputs, ()  # to read the output is not to read what it was made of
        reached = set(ancestors(flat, lambda x: True))
    return Saves(
        tuple([i for i, x in enumerate(inputs) if x in reached]),
        stand_in in reached,
    )
