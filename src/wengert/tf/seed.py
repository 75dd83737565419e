"""The global seed and the seeds of operations, by TensorFlow's rules.

An operation's random numbers come from two seeds: the global one and its own. Without any of them the numbers are new in
every run; with the global one alone, operations get seeds of their own in the order in which they are made.
"""

from __future__ import annotations

import random
from typing import Any, Optional

DEFAULT_GLOBAL = 87654321
_MOST = 2**31 - 1


class _State:
    seed: Optional[int] = None
    draws = random.Random()


_state = _State()


def set_global_seed(seed: Any) -> None:
    """Set the global seed; the seeds that operations get begin anew."""
    _state.seed = None if seed is None else int(seed)
    _state.draws = random.Random(_state.seed)


def get_global_seed() -> Optional[int]:
    """The global seed, or None."""
    return _state.seed


def get_seed(op_seed: Optional[int]) -> Optional[tuple[int, int]]:
    """The two seeds of an operation, or None where neither is set."""
    if _state.seed is None:
        if op_seed is None:
            return None
        pair = DEFAULT_GLOBAL, int(op_seed)
    else:
        own = _state.draws.randint(0, _MOST) if op_seed is None else int(op_seed)
        pair = _state.seed, own
    return (0, _MOST) if pair == (0, 0) else pair
