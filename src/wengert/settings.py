"""Every switch of wengert: one typed table, each with its environment variable.

Read as attributes (``settings.tier``), set by assignment, or for a while with ``with settings.scope(tier="interpret")``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class Switch(NamedTuple):
    """One row of the table."""

    default: Any
    variable: str
    parse: Callable[[str], Any]
    meaning: str


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected one of {', '.join(words)}, got {text!r}")
        return text

    return parse


def _some_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        chosen = [word.strip() for word in text.split(",") if word.strip()]
        if not set(words).issuperset(chosen):
            raise ValueError(f"expected words out of {', '.join(words)} with commas between them, got {text!r}")
        return ",".join(chosen)

    return parse


def _flag(text: str) -> bool:
    return text.strip().lower() in ("1", "true", "yes", "on")


TABLE: dict[str, Switch] = {
    "tier": Switch("auto", "WENGERT_TIER", _one_of("interpret", "compile", "auto"), "which executables run a graph"),
    "pending_limit": Switch(2048, "WENGERT_PENDING_LIMIT", int, "pending nodes at which a flush happens by itself"),
    "plan_limit": Switch(512, "WENGERT_PLAN_LIMIT", int, "executables kept in memory"),
    "dump": Switch(
        "", "WENGERT_DUMP", _some_of("graph", "loops", "llvm"), "what of each program to write to stderr as it compiles"
    ),
    "anomaly": Switch(False, "WENGERT_ANOMALY", _flag, "look for NaN after every backward operation"),
    "face": Switch("wengert", "WENGERT_FACE", str, "module name that printed dtypes carry"),
    "arrays": Switch(
        "shared", "WENGERT_ARRAYS", _one_of("shared", "copied"),
        "what numpy() gives: the tensor's own memory, as PyTorch does, or a copy of its values, as TensorFlow does",
    ),
    "cache_folder": Switch("", "WENGERT_CACHE", str, "folder of compiled code; empty: the user's cache folder"),
}


class Settings:
    """The current value of every switch in `TABLE`."""

    tier: str
    pending_limit: int
    plan_limit: int
    dump: str
    anomaly: bool
    face: str
    arrays: str
    cache_folder: str

    def __init__(self) -> None:
        for name, switch in TABLE.items():
            text = os.environ.get(switch.variable)
            try:
                value = switch.default if text is None else switch.parse(text)
            except ValueError as error:
                raise ValueError(f"environment variable {switch.variable}: {error}") from None
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in TABLE:
            raise AttributeError(f"no setting named {name!r}; there are {', '.join(TABLE)}")
        wanted = type(TABLE[name].default)
        if not isinstance(value, wanted):
            raise TypeError(f"setting {name} takes {wanted.__name__}, got {type(value).__name__}")
        object.__setattr__(self, name, TABLE[name].parse(value) if wanted is str else value)

    @contextmanager
    def scope(self, **values: Any) -> Iterator[None]:
        """Set switches for the length of a ``with`` block."""
        before = {name: getattr(self, name) for name in values}
        try:
            for name, value in values.items():
                setattr(self, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)


settings = Settings()
