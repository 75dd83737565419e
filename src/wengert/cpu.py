"""The names of `torch.cpu`: questions about the device that everything runs on, and waiting for it."""

from __future__ import annotations

from typing import Any

from wengert.runtime import beside


def is_available() -> bool:
    """Whether there is a CPU: yes."""
    return True


def is_initialized() -> bool:
    """Whether the device is in use: yes."""
    return True


def device_count() -> int:
    """How many CPU devices there are: 1, however many processors it has."""
    return 1


def current_device() -> str:
    """The name of the device: "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing to choose between."""


def synchronize(device: Any = None) -> None:
    """Wait for the training step that was begun last, if it still runs beside Python. A program that reads the clock after
    a step calls it first; asking for a value waits by itself."""
    beside.land()
