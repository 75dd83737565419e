"""A loop over the rows of tensors as one operation, inside a `tf.function` that is being recorded: `wengert.func.scan`.

The body is called once, as TensorFlow calls it. A body for which one call is not enough (it draws random numbers, writes
to variables, branches on values, changes the shape of its state) is left to the caller, who runs it for each row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import wengert
from wengert.graph.record import recorder
from wengert.tensors.tensor import Tensor as Core
from wengert.tf import nest
from wengert.tf.tensor import shown
from wengert.tf.values import fresh

# Rows from which on a loop is worth being one.
FEWEST = 5


class Looped(NamedTuple):
    """last: the state at the end. results: what every step gave, stacked at the row's place."""

    last: Any
    results: Any


def looped_over(fn: Callable[..., Any], state: Any, elems: Any, backwards: bool, from_first: bool = False) -> Optional[Looped]:
    """``state = fn(state, row)`` for each row of `elems`; None where it cannot be one operation, or nothing is recorded.

    state: None for rows that are independent. from_first: the first row is the first state; `state` tells its structure.
    """
    trace = recorder.trace
    if trace is None:
        return None
    rows = [fresh(x) for x in nest.flatten(elems)]
    draws = len(trace.draws)
    try:
        if from_first:
            edge, rest = (-1, slice(None, -1)) if backwards else (0, slice(1, None))
            first, rows = [x[edge] for x in rows], [x[rest] for x in rows]
        else:
            first = [] if state is None else [fresh(x) for x in nest.flatten(state)]
        body = _Body(fn, state, elems)
        last, results = wengert.func.scan(body, first, rows, reverse=backwards)
    except RuntimeError:  # what cannot be a loop; an error of the body's own comes again when it runs for each row
        return None
    if len(trace.draws) != draws or recorder.trace is not trace:
        return None
    if from_first:
        pairs = zip(first, results)
        results = [wengert.cat([y, x[None]] if backwards else [x[None], y]) for x, y in pairs]
    results = shown(nest.pack_sequence_as(body.found, results))
    return Looped(results if state is None else shown(nest.pack_sequence_as(body.found, last)), results)


class _Body:
    """A step of the loop, on lists of tensors. found: the structure that it gave."""

    def __init__(self, fn: Callable[..., Any], state: Any, elems: Any) -> None:
        self.fn, self.state, self.elems = fn, state, elems
        self.found: Any = None

    def __call__(self, carry: list[Core], rows: list[Core]) -> tuple[list[Core], list[Core]]:
        state = None if self.state is None else shown(nest.pack_sequence_as(self.state, carry))
        self.found = self.fn(state, shown(nest.pack_sequence_as(self.elems, rows)))
        leaves = nest.flatten(self.found)
        if not all([isinstance(x, (Core, int, float, bool)) for x in leaves]):
            raise RuntimeError("a step gave something that is no tensor")
        made = [fresh(x) for x in leaves]
        if self.state is not None:
            nest.assert_same_structure(self.state, self.found, check_types=False)
        return ([] if self.state is None else made), made
