"""Several calls of a bound program as one run beside Python, one after the other (`ahead.py`).

What lies between two calls of a step in a loop that does nothing else (Keras's `fit`) is Python that looks whether anything
has changed. Where nothing can have, a series of calls looks once, and begins once: the code enters the arrays of each call
by itself. The thread of Python has time for the next batches meanwhile, and then helps until all is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from wengert.backends.llvm.bound import CHANGED, READY
from wengert.compiler.plan import Argument
from wengert.compiler.replay import Shared
from wengert.runtime.beside import land
from wengert.tensors.tensor import Tensor

if TYPE_CHECKING:
    from wengert.compiler.fast import FastReplay

# Multiply-adds of a series: some 5 milliseconds on one core. Whoever asks for a value waits for all of it.
MOST_WORK = 200_000_000
MOST_CALLS = 16
UNFIT = 0  # an array is not row-major


class Series:
    """The series of calls of one bound program.

    most   how many calls are worth making one run; 1 where a call does more than compute: count in Python, draw numbers, set
           gradients or write to an argument
    """

    def __init__(self, fast: FastReplay) -> None:
        plan = fast.plan
        self.fast = fast
        busy = [plan.counts, plan.changed, plan.effects, plan.grads, plan.read_grads, fast.owners, fast.random]
        only = all([source.__class__ is Argument for source in fast.sources])
        can = only and not any(busy) and fast.ahead.checks is not None
        self.most = max(1, min(MOST_CALLS, MOST_WORK // max(1, fast.ahead.work))) if can else 1

    def run(self, calls: Sequence[Sequence[Tensor]]) -> Optional[tuple[Any]]:
        """What the last of these calls gives, each of which has the same number of plain tensors; None, and nothing done, where
        they have to be made one by one. The caller is `alone`.

        Raises: Moved, and nothing has been done.
        """
        fast = self.fast
        if self.most == 1:
            return None
        inputs = [self._arrays(tensors) for tensors in calls]
        if any([arrays is None for arrays in inputs]) or not fast.ahead.can_each(inputs):  # type: ignore[arg-type]
            return None
        land()  # from here on memory is looked at and written
        try:
            for anew in (not fast.is_bound, True):
                if anew:
                    fast._bind(calls[0])
                status, found = self._begin(inputs, calls[-1])
                if status != CHANGED:
                    return found
        except Shared:
            pass
        return None

    def _begin(self, inputs: Sequence[Any], last: Sequence[Tensor]) -> tuple[int, Optional[tuple[Any]]]:
        """What beginning gave, and what the last call gives, or None where nothing has begun."""
        fast = self.fast
        numbers = fast.evaluate()
        if numbers is None:
            return CHANGED, None
        if numbers != fast.written or 0.0 in numbers:  # zeros of either sign are equal
            fast._write_numbers(numbers)
        rows = fast.bound.rows(inputs, fast.ahead.turn)
        if rows is None:
            return UNFIT, None
        made = fast._fresh()
        fast.bound.has_run = False
        try:
            status = fast.ahead.begin([*inputs[0], *made], rows, inputs)
        except KeyboardInterrupt:
            land()
            if fast.bound.has_run:  # all calls are done, and so must be what goes with them
                fast._finish(last, made, numbers, True)
            raise
        return status, (fast._finish(last, made, numbers, True),) if status == READY else None

    def _arrays(self, tensors: Sequence[Tensor]) -> Optional[list[Any]]:
        """The arrays that a call reads; None where they are not all there, in memory that only programs write to."""
        arrays = [tensors[source.position]._node.value for source in self.fast.sources]
        return arrays if all([array.__class__ is np.ndarray for array in arrays]) else None
