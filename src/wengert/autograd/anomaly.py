"""Anomaly detection: stop at the first operation whose derivative is NaN, and name the line that recorded it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.autograd.names import name_of
from wengert.errors import GradientError
from wengert.graph.node import Node
from wengert.origin import describe
from wengert.runtime.flush import value_of
from wengert.settings import settings


class _State:
    """What `set_detect_anomaly` was last told. `settings.anomaly` is the part that costs something."""

    enabled = settings.anomaly
    check_nan = True


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return _State.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection looks for NaN."""
    return _State.enabled and _State.check_nan


class set_detect_anomaly:
    """Anomaly detection on or off: at once when called, until the end of a ``with`` block when used as one.

    check_nan: look for NaN in what every derivative rule gives. Without it nothing is left to do, since the lines of the
    forward operations are known anyway.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (_State.enabled, _State.check_nan)
        self._set(bool(mode), check_nan)

    def _set(self, mode: bool, check_nan: bool) -> None:
        _State.enabled, _State.check_nan = mode, check_nan
        settings.anomaly = mode and check_nan

    def __enter__(self) -> None:
        return

    def __exit__(self, *exception: Any) -> None:
        self._set(*self._before)


class detect_anomaly:
    """``with detect_anomaly():``  a backward pass that makes a NaN raises, naming the operation and its forward line.

    Every derivative is computed and looked at by itself, so it is slow.
    """

    def __init__(self, check_nan: bool = True) -> None:
        warnings.warn(
            "anomaly detection is on: every derivative is run and searched for NaN by itself, which is slow. Use it for "
            "debugging only.",
            stacklevel=2,
        )
        self._check_nan = check_nan
        self._scopes: list[set_detect_anomaly] = []

    def __enter__(self) -> None:
        self._scopes.append(set_detect_anomaly(True, self._check_nan))

    def __exit__(self, *exception: Any) -> None:
        self._scopes.pop().__exit__()


def find_nan(node: Node, x_bars: Sequence[Any]) -> None:
    """Raise for the first NaN among the cotangents that a rule gave."""
    for number, bar in enumerate(x_bars):
        for part in bar if isinstance(bar, tuple) else (bar,):
            if isinstance(part, Node) and part.type.inexact and np.isnan(value_of(part)).any():
                raise GradientError(
                    f"Function '{name_of(node)}' returned nan values in its {number}th output.  "
                    f"(its forward operation: {describe(node.origin)})"
                )
