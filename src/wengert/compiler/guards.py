"""Guards: the state of the program around a function that a trace has read, and a cheap look whether it is still so.

Seen: what closures hold; the global names that the function and the functions it names use; the attributes of the object
whose method it is; and, for every module that was called, its attributes, flags, parameters and hooks. Looked at by
identity first, numbers and strings then by value. Not seen: attributes of other objects, items of lists and dicts.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from operator import is_, itemgetter
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple, Optional

from wengert.graph.changes import changes
from wengert.origin import inside

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_MOST_FUNCTIONS = 64  # that are followed through global names


class _Absent:
    """In the place of a name that is not there."""


absent = _Absent()


class Place(NamedTuple):
    """Somewhere that a function looks: how to read it, and what to call it in a message."""

    holder: Any
    name: str
    kind: str  # "global", "closure", "attribute"

    def read(self) -> Any:
        if self.kind == "closure":
            try:
                return self.holder.cell_contents
            except ValueError:
                return absent
        return self.holder.get(self.name, absent)

    def __str__(self) -> str:
        return f"the {self.kind} {self.name!r}"


class Surroundings:
    """The places that a function looks at, as they are now."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.places = list(_places(function))
        self.values = [place.read() for place in self.places]
        self._arrange()

    def _arrange(self) -> None:
        """Cells of closures, and for each table the names that are looked up there, with what they held."""
        self.cells: list[tuple[Any, Any]] = []
        tables: dict[int, tuple[Any, list[str], list[Any]]] = {}
        for place, value in zip(self.places, self.values):
            if place.kind == "closure":
                self.cells.append((place.holder, value))
            else:
                _, names, values = tables.setdefault(id(place.holder), (place.holder, [], []))
                names.append(place.name)
                values.append(value)
        self.tables = [(table, itemgetter(*names, names[0]), (*values, values[0])) for table, names, values in tables.values()]

    def hold(self) -> bool:
        """Whether every place still holds what it held. Hot."""
        for cell, value in self.cells:
            try:
                if cell.cell_contents is not value:
                    return self._equal()
            except ValueError:
                return value is absent
        return self.tables_hold()

    def tables_hold(self) -> bool:
        """The same for global names and attributes alone. Hot."""
        for table, read, values in self.tables:
            try:
                now = read(table)
            except KeyError:
                return False
            if not all(map(is_, now, values)):
                return self._equal()
        return True

    def _equal(self) -> bool:
        now = [place.read() for place in self.places]
        if not all(map(same, self.values, now)):
            return False
        self.values = now
        self._arrange()
        return True

    def changed(self) -> list[str]:
        """The places that hold something else now."""
        return [str(place) for place, value in zip(self.places, self.values) if not same(value, place.read())]


def same(before: Any, now: Any) -> bool:
    """Identical, or plain values of one class that are equal."""
    if before is now:
        return True
    return before.__class__ is now.__class__ and isinstance(before, _PLAIN) and bool(before == now)


def _places(function: Callable[..., Any]) -> Iterator[Place]:
    seen: set[int] = set()
    waiting: list[Any] = [function]
    while waiting and len(seen) < _MOST_FUNCTIONS:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, functools.partial):
            waiting += [found.func, *found.args, *found.keywords.values()]
        elif isinstance(found, MethodType):
            waiting.append(found.__func__)
            yield from _attributes(found.__self__)
        elif isinstance(found, FunctionType):
            if inside[found.__code__.co_filename]:
                continue
            for place in _names(found):
                value = place.read()
                if isinstance(value, (FunctionType, MethodType, functools.partial)):
                    waiting.append(value)
                yield place
            wrapped = getattr(found, "__wrapped__", None)
            if wrapped is not None:
                waiting.append(wrapped)


def _names(function: FunctionType) -> Iterator[Place]:
    """The closure of a function, and the global names that it uses for anything but modules and classes."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        yield Place(cell, name, "closure")
    known = function.__globals__
    for name in dict.fromkeys(_names_in(function.__code__)):
        if name in known and not isinstance(known[name], (ModuleType, type, BuiltinFunctionType)):
            yield Place(known, name, "global")


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _attributes(owner: Any) -> Iterator[Place]:
    table = getattr(owner, "__dict__", None)
    if isinstance(table, dict) and not isinstance(owner, type) and not inspect.ismodule(owner) and not _is_module(owner):
        for name in table:
            yield Place(table, name, "attribute")


def _is_module(owner: Any) -> bool:
    return hasattr(owner, "_parameters") and hasattr(owner, "_modules")


class Owners:
    """The modules that a trace has called and the optimizers that took a step, as they are now. They are only looked at
    again after a change somewhere."""

    def __init__(self, modules: list[Any], optimizers: list[Any]) -> None:
        self.modules = modules
        self.optimizers = optimizers
        self.seen = self._look()
        self.count = changes.count

    def _look(self) -> list[dict[str, Any]]:
        found = [state_of(vars(module)) for module in self.modules]
        return found + [contents_of(optimizer) for optimizer in self.optimizers]

    def hold(self) -> bool:
        """Whether every module is still as it was. Hot."""
        count = changes.count
        if count == self.count:
            return True
        if not all(map(_matches, self._look(), self.seen)):
            return False
        self.count = count
        return True


def state_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """What matters of a module: attributes, parameters, buffers, submodules, and which hooks there are."""
    state = {}
    for name, value in attributes.items():
        if name in ("_parameters", "_buffers", "_modules"):
            state.update({f"{name}.{key}": inner for key, inner in value.items()})
        elif name.startswith("_") and isinstance(value, dict):
            state[name] = tuple(value)  # hooks: their keys
        else:
            state[name] = value
    return state


def contents_of(optimizer: Any) -> dict[str, Any]:
    """The groups of an optimizer, their parameters, and the tensors in its state."""
    found = {"state": optimizer.state}
    for number, group in enumerate(optimizer.param_groups):
        found[f"group {number}"] = group
        found.update({f"{number}, {i}": parameter for i, parameter in enumerate(group["params"])})
    for number, known in enumerate(optimizer.state.values()):
        for name, value in known.items() if isinstance(known, dict) else ():
            if not isinstance(value, _PLAIN):
                found[f"state {number} {name}"] = value
    return found


def _matches(now: dict[str, Any], before: dict[str, Any]) -> bool:
    return now.keys() == before.keys() and all(
        [same(value, now[name]) or (isinstance(value, tuple) and value == now[name]) for name, value in before.items()]
    )


def changed_attribute(now: dict[str, Any], before: dict[str, Any]) -> Optional[str]:
    """The name of an attribute of a module that is not what it was."""
    names = [name for name in {**before, **now} if not same(before.get(name, absent), now.get(name, absent))]
    return names[0] if names else None
