"""Questions about devices beside the CPU. There is none here yet."""

from __future__ import annotations

from wengert.cpu import synchronize as synchronize


def is_available() -> bool:
    """Whether there is such a device: no."""
    return False


def device_count() -> int:
    """How many there are: 0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """The device of the kind that is there: none."""


def empty_cache() -> None:
    """Nothing to let go."""
