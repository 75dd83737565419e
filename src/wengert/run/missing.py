"""Errors for names that wengert lacks: which name, on which line of the program, and what comes nearest.

A program may probe (``hasattr(torch, "compile")``, ``except ImportError``), so each error is of the type that Python
itself raises there, and the search for near names waits until somebody reads the message.
"""

from __future__ import annotations

import difflib
import pkgutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from types import ModuleType

from wengert.absent import reason_absent
from wengert.origin import user_line
from wengert.run.names import tensorflow_name, torch_name


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
    reason = _reason(wanted.removeprefix("from ").removeprefix("import ").replace(" import ", "."))
    if reason:
        return text + reason
    if near:
        text += f" Nearest: {', '.join(near)}."
    return text


def _reason(wanted: str) -> str:
    """Why ``tensorflow.io.gfile`` is not there, if one of its parts is out of scope."""
    face, *parts = wanted.split(".")
    return next(filter(None, [reason_absent(part, face) for part in parts]), "")


def near_names(name: str, module: ModuleType, face: str) -> list[str]:
    """Names of `module` that look like `name`; before them, places in torch that have `name` itself."""
    near = [f"{face}.{other}" for other in similar(name, public_names(module))]
    return [*[place for place in places_of(name, face) if place not in near], *near]


def places_of(name: str, face: str = "torch") -> list[str]:
    """Up to two things of that name in the parts of the face, as a program would write them, each at its shortest."""
    named, root = (tensorflow_name, "wengert.tf") if face.startswith("tensorflow") else (torch_name, "wengert")
    load_parts(root)
    candidates = [(named(real), module) for real, module in list(sys.modules.items())]
    candidates += [(named(f"{root}.{part}"), module) for part, module in vars(sys.modules[root]).items()]
    parts = [(face, part) for face, part in candidates if face and isinstance(part, ModuleType)]
    found: dict[int, str] = {}
    for face, part in sorted(parts, key=lambda item: (item[0].count("."), item[0])):
        if name in public_names(part):
            found.setdefault(id(getattr(part, name, None)), f"{face}.{name}")
    return list(found.values())[:2]


def load_parts(root: str) -> None:
    """Import the public parts of a face that load late, so that a search finds them too; not Keras, which takes seconds."""
    module = sys.modules[root]
    for part in dir(module):
        if part != "keras":
            with suppress(ImportError):  # a part may lack an optional package
                getattr(module, part, None)


def near_modules(name: str, parent: ModuleType, face: str) -> list[str]:
    """Modules in `parent` whose names look like `name`."""
    children = {child for child, value in vars(parent).items() if isinstance(value, ModuleType)}
    children.update(info.name for info in pkgutil.iter_modules(getattr(parent, "__path__", ())))
    return [f"{face}.{near}" for near in similar(name, children)]


def public_names(module: ModuleType) -> set[str]:
    """What a module offers: its ``__all__``, or else what has no leading underscore and is not borrowed from afar."""
    names = set(vars(module).get("__all__", ()))
    if names:
        return names
    names = set(vars(module).get("HOME", ()))  # where a face's names are, which load late
    return names | {name for name, value in vars(module).items() if not name.startswith("_") and is_own(value, module)}


def is_own(value: object, module: ModuleType) -> bool:
    """Whether a value comes from the package of `module`: not ``Any`` or ``np``. Plain constants do."""
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", module.__name__)
    return str(home).partition(".")[0] == module.__name__.partition(".")[0]


def similar(name: str, candidates: Iterable[str]) -> list[str]:
    """Up to three of the candidates that are written like `name`; capitals count for nothing."""
    spelled = {candidate.lower(): candidate for candidate in sorted(candidates)}
    return [spelled[match] for match in difflib.get_close_matches(name.lower(), spelled, n=3, cutoff=0.6)]
