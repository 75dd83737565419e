"""The tensors in what a program kept, and their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np


def tensors_in(found: Any) -> list[Any]:
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        return [tensor for part in found for tensor in tensors_in(part)]
    return [found] if hasattr(found, "detach") else []


def numbers_in(found: Any) -> list[Any]:
    """Arrays, numbers and texts, in order; None where there is nothing."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        return [number for part in found for number in numbers_in(part)]
    if not hasattr(found, "detach"):
        return [found]
    found = found.detach()
    return [np.array((found.double() if found.is_floating_point() else found).numpy())]
