"""Reverse mode over a structure that was seen before: the rules are not called again, what they recorded is.

Hot path: about a microsecond for each node of the forward pass, whatever its derivative records
(`benchmarks/article.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

from wengert.derive.foresee import Pass, Sight, foreseen_lately
from wengert.derive.remember import Memory, plain_recording, remembered
from wengert.derive.reverse import check_overwritten, is_overwritten, pull_back, release_node, saves_something
from wengert.graph.node import OVERWRITTEN, RELEASED, Node
from wengert.graph.record import is_common, next_serial, separate_tape
from wengert.graph.walk import tracked_ancestors
from wengert.primitives.control import Leaf, custom

# Longer walks are not remembered: their structure rarely comes again, and looking it up is a walk of its own.
LONGEST = 4096


# None: what the walk records cannot be recorded again.
passes: Memory[Optional[Pass]] = Memory()


def recall(
    outputs: Sequence[Node],
    cotangents: Sequence[Node],
    targets: Optional[Sequence[Node]],
    release: bool,
    idle: Callable[[Any], bool],
) -> Optional[dict[Node, Node]]:
    """What `pull_back` gives, from memory; the first walk through a structure fills it.

    `idle` says of a watch that it has nothing to do in a walk. None where a walk must be taken step by step: hooks and
    rules of the user's, a released graph, a derivative that is tracked or that a transformation looks at.

    Raises: GradientError for a saved value that was overwritten, and what rules raise.
    """
    if not plain_recording():
        return None
    sight = None
    if len(outputs) == 1 and targets is None:
        foreseen = foreseen_lately(outputs[0], cotangents[0], idle)
        if foreseen is None:
            sight = Sight(outputs[0], cotangents[0], LONGEST)
            foreseen = sight.foreseen(idle)
        if foreseen is not None:
            return _record(*foreseen, outputs[0].origin, release)
    nodes = tracked_ancestors(outputs)
    if len(nodes) > LONGEST:
        return None
    walk = _Walk(nodes)
    if not walk.follow(outputs, cotangents, targets, idle):
        return None
    key = tuple(walk.key)
    known = passes.find(key)
    if known is None:
        found = _first(walk, outputs, cotangents, targets)
        passes.keep(key, found, 1 if found is None else found.recorded.steps)
    else:
        found, _ = known
    if found is None:
        return None
    if walk.overwritten:
        for i in found.reached:
            check_overwritten(nodes[i])
    if sight is not None:
        sight.keep(found, walk.given)
    return _record(found, walk.given, outputs[0].origin, release)


def _record(found: Pass, nodes: Sequence[Node], origin: Any, release: bool) -> dict[Node, Node]:
    """Record a remembered walk on these nodes; its results."""
    bars = found.recorded.record(nodes, origin)
    if release:
        for i in found.releases:
            release_node(nodes[i])
    return {nodes[i]: bar for i, bar in zip(found.targets, bars)}


class _Walk:
    """The nodes on the way from outputs to leaves, in order, and what the rules on the way may decide by.

    given         the nodes on the way, the others that they read, and the cotangents, each once
    key           primitives, parameters, the types of what is given, and positions in `given`. A number that everybody
                  shares is in it itself: where a rule writes the same number down, nothing tells the two apart
    overwritten   whether a value on the way was changed in place
    """

    __slots__ = ("nodes", "given", "key", "overwritten")

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.given = nodes[:]
        self.key: list[Any] = []
        self.overwritten = False

    def follow(
        self,
        outputs: Sequence[Node],
        cotangents: Sequence[Node],
        targets: Optional[Sequence[Node]],
        idle: Callable[[Any], bool],
    ) -> bool:
        """Fill the key. False when the walk is not an ordinary one."""
        key, given = self.key, self.given
        add = key.append
        place = {node: i for i, node in enumerate(given)}
        for node in self.nodes:
            mark, primitive = node.mark, node.primitive
            if mark:
                if mark & RELEASED:
                    return False
                self.overwritten = self.overwritten or bool(mark & OVERWRITTEN)
            if node.watch is not None and not idle(node.watch):
                return False
            if primitive.__class__ is Leaf:
                add(node.type)
                continue
            if primitive is custom or not node.inputs:
                return False
            add(primitive)
            add(node.params)
            for x in node.inputs:
                at = place.get(x)
                if at is None:
                    if x.mark or x.primitive.is_view:
                        self.overwritten = self.overwritten or is_overwritten(x)
                    at = place[x] = len(given)
                    given.append(x)
                    add(x if is_common(x) else x.type)
                add(at)
        for output, bar in zip(outputs, cotangents):
            add(place.get(output))
            if bar not in place:
                place[bar] = len(given)
                given.append(bar)
                add(bar if is_common(bar) else bar.type)
            add(place[bar])
        if targets is not None:
            add("targets")
            key.extend([place.get(node) for node in targets])
        return True


def _first(
    walk: _Walk, outputs: Sequence[Node], cotangents: Sequence[Node], targets: Optional[Sequence[Node]]
) -> Optional[Pass]:
    """Take the walk, on a tape that is thrown away, and remember what it recorded."""
    since = next_serial()
    reached: list[Node] = []

    def note(node: Node, y_bar: Any, x_bars: Sequence[Any]) -> Sequence[Any]:
        reached.append(node)
        return x_bars

    with separate_tape():
        found = pull_back(outputs, cotangents, targets, on_rule=note, every_rule=True)
    bars = list(found.values())
    recorded = None if any([bar.__class__ is not Node for bar in bars]) else remembered(walk.given, bars, since)
    if recorded is None:
        return None
    place = {node: i for i, node in enumerate(walk.nodes)}
    releases = tuple([place[node] for node in reached if saves_something(node)])
    return Pass(recorded, tuple([place[node] for node in found]), tuple([place[node] for node in reached]), releases)
