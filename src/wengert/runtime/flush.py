"""Flush: take the pending nodes, find their executable, run it, hand out the values.

The tape is already a topological order (the order of recording). Walking it backwards settles, for each node, whether
anybody can still see its value:

    held      something outside the tape refers to the node: a tensor, or the history of one
    needed    a node that runs reads it
    saved     the derivative of a node that stays in a history reads it

Nodes that are none of these never run. "Held" is read off CPython's reference count: a node's references from the
tape and from other pending nodes are counted, and whatever exceeds them is somebody else's. A count can only be too
high (a debugger, a traceback), which keeps a value longer than needed and never loses one. See
docs/decisions/held-by-reference-count.md.

After the run, nodes without history let go of their inputs, so history cannot grow without end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from inspect import Parameter, signature
from typing import Any, Optional

from wengert.derive.reverse import saves
from wengert.errors import TracedValue, unreachable
from wengert.graph.graph import Graph, Step
from wengert.graph.node import DROPPED, RELEASED, Coming, Node
from wengert.graph.record import NUMBERS, UNSETTLED, cut_history, ever, on_full, recorder, settle_number
from wengert.graph.rule import Primitive
from wengert.graph.walk import ancestors
from wengert.origin import describe
from wengert.primitives.control import placeholder, unstored
from wengert.runtime.beside import arrive, land, turn
from wengert.runtime.directly import is_direct, run_directly
from wengert.runtime.repeat import Settled, draft, facts_of, make_ready, run_again, run_ready
from wengert.runtime.tiers import Entry, executable_for

_references = getattr(sys, "getrefcount", None)


def one_at_a_time() -> AbstractContextManager[object]:
    """The lock under which executables run."""
    return turn


def flush(beside: bool = False, landed: Optional[Callable[[], None]] = None) -> None:
    """Run everything pending on this thread, as asking for a value would; with `beside` it may only have begun when this
    returns. `landed` is called when nothing runs beside any more and it is about to run. Inside a function that is being
    traced there is nothing to run yet."""
    state = recorder
    tape = state.tape
    if state.limit == _NEVER:
        return
    if tape:
        state.tape = []
        with turn.lock:
            direct = is_direct(tape)
            ready = None if direct else make_ready(tape, beside)  # while what runs beside goes on
            with turn:
                if landed is not None:
                    landed()
                if direct:
                    run_directly(tape)
                elif ready is not None:
                    run_ready(ready, beside)
                else:
                    facts = facts_of(tape)
                    if facts is None or not run_again(facts, tape, beside):
                        _run_anew(facts, tape)
    elif not beside:
        land()
    if state.released:
        released, state.released = state.released, []
        # What never ran failed, or is another thread's: who asks for its value needs its inputs.
        cut_history([node for node in released if node.value is not None or node.mark & DROPPED])


_NEVER = float("inf")


def _run_anew(facts: Any, tape: list[Node]) -> None:
    settled = _settle(tape)
    drafted = None if facts is None else draft(facts, tape, settled)
    # From here on only the live ones matter; the dead go now, and with them what they held.
    tape.clear()
    if settled.live:
        executable = _run(*settled)
        if drafted is not None:
            drafted.keep(executable)


def value_of(node: Node) -> Any:
    """The node's value, run now if it is pending.

    Raises: RuntimeError when the value depends on a placeholder, that is, when a function being traced asks for it.
    """
    if ever.traced and recorder.trace is not None:
        recorder.trace.asked(node)
    return computed(node)


def computed(node: Node) -> Any:
    """As `value_of`, for wengert's own purposes: nothing in the program depends on the value."""
    if node.value.__class__ is Coming:
        arrive(node.value)
    elif node.value is None:
        flush()
        if node.value is None:
            evaluate((node,))
    return settle_number(node)


def at_hand(node: Node) -> Any:
    """The node's value if it has been computed; None where it is pending."""
    if node.value.__class__ is Coming:
        arrive(node.value)
        return settle_number(node)
    return node.value


def evaluate(outputs: Iterable[Node]) -> None:
    """Run what these nodes depend on and nothing else: values inside a trace, values of another thread, and values
    that were let go because nobody was expected to need them."""
    wanted = [node for node in outputs if node.value is None]
    with turn:
        live = ancestors(wanted, lambda node: node.value is None)
        if live:
            goal = set(wanted)
            _run(live, [node in goal for node in live], None)


# Facts about a node while the tape is settled: how many pending nodes read it, times _USE, plus these bits.
_NEEDED, _IN_HISTORY, _SAVED, _USE = 1, 2, 4, 8


def _settle(tape: list[Node]) -> Settled:
    """What must run, what is kept, and what stays in a history."""
    live: list[Node] = []
    keep: list[bool] = []
    stays: list[bool] = []
    facts: dict[Node, int] = {}
    count = _references
    nobody = _REFERENCES_OF_NOBODY
    for node in reversed(tape):
        if node.value is not None:  # another thread was faster, or a trace asked for it
            if not node.tracked or node.mark & RELEASED:
                cut_history((node,))
            continue
        fact = facts.get(node)
        if fact is None:
            fact, known = 0, nobody
        else:
            known = nobody + 1 + fact // _USE  # the key in `facts`, and the inputs of pending nodes
        held = count is None or count(node) > known
        remembered = fact & _IN_HISTORY
        kept = held or fact & _SAVED
        runs = kept or remembered or fact & _NEEDED
        if runs:
            in_history = node.tracked and (held or remembered) and not node.mark & RELEASED
            for x in node.inputs:
                facts[x] = (facts.get(x, 0) | (_NEEDED | _IN_HISTORY if in_history else _NEEDED)) + _USE
            if in_history and not node.primitive.saves_nothing:
                reads = saves(node)
                for i in reads.inputs:
                    facts[node.inputs[i]] |= _SAVED
                kept = kept or reads.output
            live.append(node)
            keep.append(bool(kept))
            stays.append(bool(in_history))
        else:
            for x in node.inputs:
                facts[x] = facts.get(x, 0) + _USE
        x = None  # type: ignore[assignment]  # a stray reference would look like a holder
    live.reverse()
    keep.reverse()
    stays.reverse()
    return Settled(live, keep, stays)


def held(tape: list[Node]) -> list[int]:
    """The places on the tape of nodes that something refers to besides the tape and other pending nodes."""
    count = _references
    if count is None:
        return list(range(len(tape)))
    uses: dict[Node, int] = {}
    found = []
    place = len(tape)
    for node in reversed(tape):
        place -= 1
        used = uses.get(node)
        if count(node) > (_REFERENCES_OF_NOBODY if used is None else _REFERENCES_OF_NOBODY + 1 + used):
            found.append(place)
        for x in node.inputs:
            uses[x] = uses.get(x, 0) + 1
        x = None  # type: ignore[assignment]  # a stray reference would look like a holder
    return found


def _run(live: Sequence[Node], keep: Sequence[bool], stays: Optional[Sequence[bool]]) -> Entry:
    """Run these nodes. `stays`: those whose inputs must be left alone; None leaves every history alone."""
    position: dict[Node, int] = {}
    inputs: list[Node] = []
    entries: list[Any] = []
    for node, kept in zip(live, keep):
        args = []
        for x in node.inputs:
            at = position.get(x)
            if at is None:
                at = position[x] = ~len(inputs)
                inputs.append(x)
            args.append(at)
        position[node] = len(entries)
        entries.append((node.primitive, node.params, kept, *args))
    for x in inputs:
        if x.value is None:
            _recover(x)
    key = (tuple(entries), tuple([x.type for x in inputs]))
    executable = executable_for(key, lambda: _graph(live, keep, inputs, position))
    x = None  # type: ignore[assignment]
    free = _free(executable, inputs, live, stays) if executable.donations and stays is not None else _NOTHING
    arrays = [settle_number(x) if x.value.__class__ in UNSETTLED else x.value for x in inputs]
    kept_nodes = [node for node, kept in zip(live, keep) if kept]
    executable.fill(kept_nodes, arrays, free)
    if stays is not None:
        past = []
        for node, kept, remains in zip(live, keep, stays):
            if not remains:
                past.append(node)
            elif not kept:
                node.mark |= DROPPED
        cut_history(past)
    return executable


_NOTHING: frozenset[int] = frozenset()


def _free(executable: Entry, inputs: list[Node], live: Sequence[Node], stays: Sequence[bool]) -> frozenset[int]:
    """Which of the inputs that the executable could write over nobody needs after this run: neither a history nor
    anything outside refers to the node, and nothing but the node to its array."""
    count = _references
    if count is None or recorder.retain:
        return _NOTHING
    found = []
    for at in executable.donations:
        users = executable.users(at)
        if any([stays[step] for step in users]):
            continue
        # The node's references: the list of inputs, the key in `position`, and the inputs of its users.
        if count(inputs[at]) - len(users) != _REFERENCES_OF_INPUT or count(inputs[at].value) != _REFERENCES_OF_ARRAY:
            continue
        # A view's memory is another array's: the interpreter makes such values.
        if inputs[at].value.__class__ not in NUMBERS and inputs[at].value.flags.owndata:
            found.append(at)
    return frozenset(found)


def _graph(live: Sequence[Node], keep: Sequence[bool], inputs: Sequence[Node], position: dict[Node, int]) -> Graph:
    """The graph of the live nodes: inputs by position, then steps."""
    n = len(inputs)
    steps = []
    for node in live:
        if node.primitive is placeholder:
            raise TracedValue(
                "a value was asked for inside a function that is being traced, where only shapes and dtypes are known "
                f"(at {describe(node.origin)})"
            )
        args = tuple([n + at if at >= 0 else ~at for at in [position[x] for x in node.inputs]])
        steps.append(Step(node.primitive, node.params, args, node.type, node.origin))
    outputs = tuple([n + i for i, kept in enumerate(keep) if kept])
    return Graph(tuple([x.type for x in inputs]), tuple(steps), outputs)


def _recover(x: Node) -> None:
    """A value that is needed again although it was let go (or is another thread's): run it from its history."""
    if not x.inputs and x.primitive not in (placeholder, unstored) and _reads_nodes(x.primitive):
        unreachable(f"the value and the history of {x} are both gone")
    evaluate((x,))


def _reads_nodes(primitive: Primitive) -> bool:
    """Whether a primitive is applied to anything: one that is not has no history that could be gone."""
    kinds = [parameter.kind for parameter in signature(primitive.infer).parameters.values()]
    return any([kind is not Parameter.KEYWORD_ONLY for kind in kinds])


def _calibrate() -> int:
    """The reference count that `_settle` reads for a node that only its tape holds."""
    if _references is None:
        return 0
    counts: list[int] = []
    tape = [Node(placeholder, (), (), None, False, 0, None)]
    for node in reversed(tape):
        counts.append(_references(node))
    return counts[0]


def _calibrate_free() -> tuple[int, int]:
    """The reference counts that `_free` reads for an input that only the run refers to, and for its array."""
    if _references is None:
        return 0, 0
    inputs = [Node(placeholder, (), (), None, False, 0, None)]
    inputs[0].value = [None]
    position = {inputs[0]: 0}
    at = position[inputs[0]]
    return _references(inputs[at]), _references(inputs[at].value)


_REFERENCES_OF_NOBODY = _calibrate()
_REFERENCES_OF_INPUT, _REFERENCES_OF_ARRAY = _calibrate_free()
on_full[0] = flush
