"""What programs ask before they train in several processes: whether they may. They may not."""

from __future__ import annotations

from typing import Any

from wengert.absent import AbsentAttribute


def is_available() -> bool:
    """Whether there is distributed training: no."""
    return False


def is_initialized() -> bool:
    """Whether a group of processes works together: no."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether a launcher began this process as one of several: no."""
    return False


def __getattr__(name: str) -> Any:
    raise AbsentAttribute(
        f"distributed.{name}: wengert has no distributed training; a program is one process, so ask distributed.is_available()",
        name=name,
    )
