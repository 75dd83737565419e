"""The places that a function looks at and that a program may change between calls, found by reading its code.

    closures and global names, of the function and of the functions it names
    attributes of the objects whose methods are called, and those attributes of other objects that the code names
    items of the lists, tuples and dicts among them; the content of NumPy's arrays
    sources of random numbers that are not wengert's

Followed into functions, classes, modules and objects that are the user's own, not into installed packages.
"""

from __future__ import annotations

import functools
import inspect
import io
import os
import pickle
import random
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from wengert.origin import inside
from wengert.tensors.tensor import Tensor

PLAIN = (bool, int, float, complex, str, bytes, type(None))
_MOST_FUNCTIONS = 256  # that are followed
_MOST_ITEMS = 256  # of one list or dict that are looked at
_MOST_BYTES = 1 << 16  # of an array that are compared before each call
_INSTALLED = (
    *{sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "keras_wengert") + os.sep,
)


class _Absent:
    """In the place of a name that is not there."""


absent = _Absent()


class Place(NamedTuple):
    """Somewhere that a function looks: how to read it, and what to call it in a message.

    name    what is looked up in the holder, a variable's name, or a key; of a length or a content only what to call it
    """

    holder: Any
    name: Any
    kind: str  # "global", "closure", "attribute", "item", "length", "content"

    def read(self) -> Any:
        if self.kind == "closure":
            try:
                return self.holder.cell_contents
            except ValueError:
                return absent
        if self.kind == "length":
            return len(self.holder)
        if self.kind == "content":
            return self.holder.tobytes() if isinstance(self.holder, np.ndarray) else self.holder.copy()
        if isinstance(self.holder, (list, deque)):
            return self.holder[self.name] if self.name < len(self.holder) else absent
        return self.holder.get(self.name, absent)

    def __str__(self) -> str:
        return str(self.name) if self.kind in ("length", "content") else f"the {self.kind} {self.name!r}"


class Walk:
    """A walk from a function to the places that it looks at.

    places    them
    draws     what gives random numbers that are not wengert's: a name, and a function that gives its state
    refusals  what is found and can't be looked at before each call
    """

    def __init__(self, function: Callable[..., Any], arguments: Any = ()) -> None:
        self.places: list[Place] = []
        self.draws: list[tuple[str, Callable[[], Any]]] = [
            ("Python's random numbers", random.getstate),
            ("NumPy's random numbers", functools.partial(np.random.get_state, legacy=False)),
        ]
        self.refusals: list[str] = []
        self._functions: list[tuple[FunctionType, Any]] = []
        self._seen: set[Any] = set()
        self._kept: list[Any] = []  # what `_seen` knows by its id
        self._call(function)
        if isinstance(function, MethodType):
            self._explore(function.__self__, function.__name__, ())
        if not isinstance(function, (FunctionType, MethodType, functools.partial)):
            self._method(function, "__call__")
        at = 0
        names: set[str] = set()
        while at < min(len(self._functions), _MOST_FUNCTIONS):
            found, owner = self._functions[at]
            names.update(self._function(found, owner))
            at += 1
        for leaf in arguments:
            if not isinstance(leaf, (*PLAIN, Tensor)):
                self._explore(leaf, f"{type(leaf).__name__}", names)

    # --- functions ---------------------------------------------------------------------------------------------------

    def _call(self, found: Any, owner: Any = None) -> None:
        """Something that is called: its function is read later."""
        if isinstance(found, functools.partial):
            self._call(found.func)
            for part in (*found.args, *found.keywords.values()):
                self._call(part)
        elif isinstance(found, MethodType):
            self._attributes(found.__self__)
            self._call(found.__func__, found.__self__)
        elif isinstance(found, FunctionType) and not inside[found.__code__.co_filename]:
            self._follow(found, owner)

    def _follow(self, found: FunctionType, owner: Any) -> None:
        if self._is_new((id(found.__code__), id(owner)), found, owner):
            self._functions.append((found, owner))

    def _method(self, owner: Any, name: str) -> None:
        found = inspect.getattr_static(type(owner), name, None)
        found = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
        if isinstance(found, FunctionType) and _is_users(found.__code__.co_filename):
            self._call(found, owner)

    def _function(self, found: FunctionType, owner: Any) -> set[str]:
        """Note what one function looks at; the names in its code."""
        names = dict.fromkeys(_names_in(found.__code__))
        users = _is_users(found.__code__.co_filename)
        for name, cell in zip(found.__code__.co_freevars, found.__closure__ or ()):
            self._place(Place(cell, name, "closure"), names, users)
        known = found.__globals__
        for name in names:
            if name not in known or isinstance(known[name], BuiltinFunctionType):
                continue
            if isinstance(known[name], (ModuleType, type)):
                if users:
                    self._explore(known[name], name, names)
            else:
                self._place(Place(known, name, "global"), names, users)
        if users:
            for value in (*(found.__defaults__ or ()), *(found.__kwdefaults__ or {}).values(), owner):
                self._explore(value, found.__name__, names)
        wrapped = getattr(found, "__wrapped__", None)
        if wrapped is not None:
            self._call(wrapped, owner)
        return set(names)

    def _place(self, place: Place, names: Any, users: bool) -> None:
        self.places.append(place)
        value = place.read()
        self._call(value)
        if users:
            self._explore(value, place.name, names)

    # --- objects -----------------------------------------------------------------------------------------------------

    def _explore(self, value: Any, name: Any, names: Any) -> None:
        """Note the places in an object that code with these names may look at."""
        if isinstance(value, (*PLAIN, Tensor, FunctionType, MethodType, BuiltinFunctionType)) or value is absent:
            return
        if not self._is_new((id(value), id(names)), value, names):
            return
        if isinstance(value, (list, tuple, dict, deque)):
            self._items(value, name, names)
        elif isinstance(value, set):
            if len(value) <= _MOST_ITEMS and all([isinstance(item, PLAIN) for item in value]):
                self.places.append(Place(value, f"the set {name!r}", "content"))
        elif isinstance(value, np.ndarray):
            self._array(value, name)
        elif isinstance(value, (random.Random, np.random.RandomState, np.random.Generator)):
            self.draws.append((f"the random numbers of {name!r}", functools.partial(_state_of, value)))
        elif hasattr(value, "__next__") and not isinstance(value, io.IOBase):
            self.refusals.append(f"it uses the iterator {name!r}, of which a replay would not ask the next item")
        elif isinstance(value, ModuleType):
            file = getattr(value, "__file__", None)
            if file is not None and _is_users(file):
                self._named(value, vars(value), names)
        elif not _is_of_wengert(value) or _is_module(value):
            self._object(value, names)

    def _object(self, value: Any, names: Any) -> None:
        table = getattr(value, "__dict__", None)
        if table is None or hasattr(value, "param_groups"):
            return
        if _is_module(value):  # its own attributes are watched (`owners.py`)
            for attribute in names:
                if attribute in table:
                    self._explore(table[attribute], attribute, names)
            self._method(value, "forward")
            for part in value._modules.values():
                if part is not None:
                    self._explore(part, type(part).__name__, names)
        else:
            self._named(value, table, names)
        if not isinstance(value, type):
            for attribute in (*names, "__call__"):
                self._method(value, attribute)

    def _named(self, value: Any, table: Any, names: Any) -> None:
        """The attributes of an object, a class or a module that the code names."""
        for name in names:
            if name not in table:
                continue
            inner = table[name]
            if isinstance(inner, FunctionType):
                if _is_users(inner.__code__.co_filename):
                    self._call(inner)
            elif not isinstance(inner, (BuiltinFunctionType, staticmethod, classmethod, property, ModuleType)):
                if not isinstance(inner, type):
                    self.places.append(Place(table, name, "attribute"))
                self._explore(inner, name, names)

    def _attributes(self, owner: Any) -> None:
        """All attributes of the object whose method is called."""
        table = getattr(owner, "__dict__", None)
        if isinstance(table, dict) and not isinstance(owner, type) and not inspect.ismodule(owner) and not _is_module(owner):
            self.places += [Place(table, name, "attribute") for name in table]

    def _items(self, value: Any, name: Any, names: Any) -> None:
        if len(value) > _MOST_ITEMS:
            return
        if not isinstance(value, tuple):
            self.places.append(Place(value, f"the length of {name!r}", "length"))
        for key in value if isinstance(value, dict) else range(len(value)):
            if not isinstance(value, tuple):
                self.places.append(Place(value, key, "item"))
            self._call(value[key])
            self._explore(value[key], name, names)

    def _array(self, value: Any, name: Any) -> None:
        if value.nbytes > _MOST_BYTES:
            self.refusals.append(
                f"it uses the array {name!r}, which is too large to be compared before each call; make it a tensor outside"
            )
        else:
            self.places.append(Place(value, f"the array {name!r}", "content"))

    def _is_new(self, key: Any, *kept: Any) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        self._kept += kept
        return True


def state_text(read: Callable[[], Any]) -> bytes:
    """The state of something that draws random numbers, to be compared."""
    return pickle.dumps(read())


def _state_of(source: Any) -> Any:
    if isinstance(source, random.Random):
        return source.getstate()
    return source.get_state(legacy=False) if isinstance(source, np.random.RandomState) else source.bit_generator.state


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _is_users(filename: str) -> bool:
    return not inside[filename] and not filename.startswith(_INSTALLED)


def _is_of_wengert(value: Any) -> bool:
    kind = value if isinstance(value, type) else type(value)
    return (kind.__module__ or "").partition(".")[0] in ("wengert", "builtins")


def _is_module(owner: Any) -> bool:
    return hasattr(owner, "_parameters") and hasattr(owner, "_modules") and not isinstance(owner, type)
