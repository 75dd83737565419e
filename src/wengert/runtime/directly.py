"""Short tapes of small values, run node by node.

A loop that asks for a value after every few operations (a policy that acts, an iteration until convergence) flushes
tapes of one to a few nodes. To settle and look up what belongs to such a tape takes longer than to compute all of it,
so each node is handed to its NumPy definition as it stands, and keeps its value.

Hot path. Budget: 2 microseconds a node on top of the NumPy call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.backends.interpreter import Interpreter, explain
from wengert.graph.graph import graph_of
from wengert.graph.node import RELEASED, ArrayType, Node
from wengert.graph.record import UNSETTLED, cut_history, settle_number
from wengert.primitives.control import custom, placeholder, unstored
from wengert.runtime.watch import watching
from wengert.settings import settings

# Nodes on a tape, and elements in what a node reads or gives, up to which this is quicker.
SHORT, LITTLE = 6, 1024

# What is no computation, or the user's own.
_APART = frozenset((custom, placeholder, unstored))


def is_direct(tape: list[Node]) -> bool:
    """Whether the tape is short, and everything about it small and there, or coming."""
    if len(tape) > SHORT or settings.tier != "auto" or watching.by is not None:
        return False
    made: set[Node] = set()
    for node in tape:
        if node.value is not None or not _is_little(node.type) or node.primitive in _APART:
            return False
        for x in node.inputs:
            if x not in made and (x.value is None or not _is_little(x.type)):
                return False
        made.add(node)
    return True


def run_directly(tape: list[Node]) -> None:
    """Run such a tape, which is empty then. The caller has its turn.

    Raises: what only the values decide, as the interpreter does.
    """
    with np.errstate(all="ignore"):
        for node in tape:
            _run(node)
    cut_history([node for node in tape if not node.tracked or node.mark & RELEASED])
    tape.clear()


def _is_little(type: Any) -> bool:
    return type.__class__ is ArrayType and type.size <= LITTLE


def _run(node: Node) -> None:
    inputs = node.inputs
    function = _functions.get((node.primitive, node.params)) or _function_of(node)
    values = [settle_number(x) if x.value.__class__ in UNSETTLED else x.value for x in inputs]
    try:
        value = function(*values)
    except Exception as error:
        explain(error, node.primitive, node.origin)
        raise
    node.value = value if value.__class__ is np.ndarray else np.asarray(value)


# --- the functions of nodes --------------------------------------------------------------------------------------------

# From (primitive, parameters), with the inputs' types for a composite without a NumPy function of its own.
_functions: dict[Any, Callable[..., Any]] = {}
_LIMIT = 10_000


def _function_of(node: Node) -> Callable[..., Any]:
    primitive = node.primitive
    key: Any = (primitive, node.params)
    composite = getattr(primitive, "evaluate", None) is None
    if composite:
        key = (*key, *[x.type for x in node.inputs])
        if key in _functions:
            return _functions[key]
    if len(_functions) >= _LIMIT:
        _functions.clear()
    made = _functions[key] = _by_definition(node) if composite else primitive.bound(node.params)
    return made


def _by_definition(node: Node) -> Callable[..., Any]:
    """A composite, step by step through its definition."""
    outside = list(dict.fromkeys(node.inputs))
    run = Interpreter(graph_of(outside, [node], [node])).run
    places = [node.inputs.index(x) for x in outside]
    return lambda *values: run([values[at] for at in places])[0]
