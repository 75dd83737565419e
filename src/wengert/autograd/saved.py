"""What happens to values that a derivative will read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from wengert.derive.reverse import walking


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[None]:
    """Inside, changing a tensor in place that a derivative reads is no error: the derivative reads what it was.

    Nothing is copied for it: an in-place operation records a new value and leaves the old one to whoever holds it.
    """
    before, walking.mutation_allowed = walking.mutation_allowed, True
    try:
        yield
    finally:
        walking.mutation_allowed = before


def save_on_cpu(pin_memory: bool = False, device_type: str = "cuda") -> AbstractContextManager[None]:
    """Keep what derivatives read in the CPU's memory, where everything is: nothing has to be moved."""
    return nullcontext()
