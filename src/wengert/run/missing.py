"""Errors for names that wengert lacks: which name, on which line of the program, and what comes nearest.

A program may probe (``hasattr(torch, "compile")``, ``except ImportError``), so each error is of the type that Python
itself raises there, and the search for near names waits until somebody reads the message.
"""

from __future__ import annotations

import difflib
import pkgutil
import sys
from collections.abc import Iterable
from types import ModuleType

from wengert.origin import user_line


class MissingName(AttributeError):
    """``torch.foo`` where wengert has no foo."""

    def __init__(self, name: str, module: ModuleType, face: str) -> None:
        super().__init__(name=name, obj=module)
        self.wanted, self.module, self.face = name, module, face
        self.line = user_line()

    def __str__(self) -> str:
        near = near_names(self.wanted, self.module, self.face)
        return _message(f"{self.face}.{self.wanted}", "name", self.line, near)


class MissingImport(ImportError):
    """``from torch import foo`` where wengert has no foo."""

    def __init__(self, name: str, module: ModuleType, face: str) -> None:
        super().__init__(name=face)
        self.wanted, self.module = name, module
        self.line = user_line()

    def __str__(self) -> str:
        near = near_names(self.wanted, self.module, str(self.name))
        return _message(f"from {self.name} import {self.wanted}", "name", self.line, near)


class MissingModule(ModuleNotFoundError):
    """``import torch.foo`` where wengert has no module foo."""

    def __init__(self, name: str, parent: ModuleType) -> None:
        super().__init__(name=name)
        self.parent = parent
        self.line = user_line()

    def __str__(self) -> str:
        face, _, child = str(self.name).rpartition(".")
        return _message(f"import {self.name}", "module", self.line, near_modules(child, self.parent, face))


def _message(wanted: str, kind: str, line: str, near: list[str]) -> str:
    text = f"{wanted}: wengert has no such {kind}{f' ({line})' if line else ''}."
    if near:
        text += f" Nearest: {', '.join(near)}."
    return text


def near_names(name: str, module: ModuleType, face: str) -> list[str]:
    """Names of `module` that look like `name`; before them, places of the same face that have `name` itself."""
    root = face.partition(".")[0]
    elsewhere = [
        f"{other}.{name}"
        for other, candidate in sorted(sys.modules.items(), key=lambda item: (item[0].count("."), item[0]))
        if other.partition(".")[0] == root and candidate is not module and name in public_names(candidate)
    ]
    return [*elsewhere[:2], *(f"{face}.{near}" for near in similar(name, public_names(module)))]


def near_modules(name: str, parent: ModuleType, face: str) -> list[str]:
    """Modules in `parent` whose names look like `name`."""
    children = {child for child, value in vars(parent).items() if isinstance(value, ModuleType)}
    children.update(info.name for info in pkgutil.iter_modules(getattr(parent, "__path__", ())))
    return [f"{face}.{near}" for near in similar(name, children)]


def public_names(module: ModuleType) -> set[str]:
    """What a module offers: its ``__all__``, or else every name without a leading underscore."""
    listed = vars(module).get("__all__")
    return set(listed) if listed is not None else {name for name in vars(module) if not name.startswith("_")}


def similar(name: str, candidates: Iterable[str]) -> list[str]:
    """Up to three of the candidates that are written like `name`; capitals count for nothing."""
    spelled = {candidate.lower(): candidate for candidate in sorted(candidates)}
    return [spelled[match] for match in difflib.get_close_matches(name.lower(), spelled, n=3, cutoff=0.6)]
