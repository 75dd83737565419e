"""The processors that this process may run on, which a container can make fewer than the machine has."""

from __future__ import annotations

import os

_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def processors() -> int:
    """How many logical ones there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores() -> int:
    """Physical cores among them, where Linux tells: two threads on one core share its arithmetic."""
    if not hasattr(os, "sched_getaffinity"):
        return processors()
    found = set()
    for number in os.sched_getaffinity(0):
        try:
            with open(_SIBLINGS.format(number), encoding="ascii") as file:
                found.add(file.read())
        except OSError:
            return processors()
    return len(found)
