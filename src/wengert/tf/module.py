"""Module: an object that knows the variables in it; and name scopes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Optional

from wengert.tf.variable import Variable


class _Scopes(threading.local):
    names: tuple[str, ...] = ()


_scopes = _Scopes()


class name_scope:
    """``with name_scope("layer"):``  names made inside begin with ``layer/``.

    Raises: ValueError for a name that is no string.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise ValueError(f"name for name_scope must be a string, got {name!r}")
        self._name = name.rstrip("/")

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    def __enter__(self) -> str:
        self._before = _scopes.names
        _scopes.names = (*self._before, self._name)
        return "/".join(_scopes.names) + "/"

    def __exit__(self, *exception: Any) -> None:
        _scopes.names = self._before


def scoped(name: str) -> str:
    """A name inside the scopes that are entered."""
    return "/".join([*_scopes.names, name])


class Module:
    """The base of objects that hold variables, directly, in other modules, or in lists and dicts.

    >>> import wengert.tf as tf
    >>> class Line(tf.Module):
    ...     def __init__(self):
    ...         super().__init__(name="line")
    ...         self.slope = tf.Variable(2.0)
    >>> len(Line().trainable_variables)
    1
    """

    def __init__(self, name: Optional[str] = None) -> None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python identifiers (e.g. a valid class name)."
            )
        self._name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(self).__name__).lower()
        self._scope = scoped(self._name) + "/"

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def name_scope(self) -> name_scope:
        """A scope of its name."""
        return name_scope(self._name)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables in it, in the order of attributes' names."""
        return tuple(_found(self, _is_variable))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those that are trainable."""
        return tuple([v for v in self.variables if v.trainable])

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """Those that are not."""
        return tuple([v for v in self.variables if not v.trainable])

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The modules in it, at any depth."""
        return tuple([m for m in _found(self, lambda value: isinstance(value, Module)) if m is not self])

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method that runs inside the module's name scope."""

        @wraps(method)
        def inside(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return inside


def _is_variable(value: Any) -> bool:
    return isinstance(value, Variable) or (hasattr(value, "trainable") and hasattr(value, "assign_add"))


def _found(root: Any, wanted: Callable[[Any], bool]) -> Iterator[Any]:
    """What is wanted among everything that modules, lists and dicts under `root` hold, each once: own things first."""
    seen: set[int] = set()
    todo = [root]
    while todo:
        module = todo.pop(0)
        for value in _values(vars(module)):
            if id(value) in seen or value is root:
                continue
            seen.add(id(value))
            if wanted(value):
                yield value
            if isinstance(value, Module) or hasattr(value, "trainable_variables"):
                if isinstance(value, Module):
                    todo.append(value)
                else:  # a Keras layer
                    found = [v for v in value.variables if wanted(v) and id(v) not in seen]
                    seen.update(map(id, found))
                    yield from found


def _values(held: Any) -> Iterator[Any]:
    """The leaves of attributes, lists, tuples and dicts, in the order of keys."""
    if isinstance(held, Mapping):
        for key in sorted(held, key=str):
            yield from _values(held[key])
    elif isinstance(held, (list, tuple)):
        for value in held:
            yield from _values(value)
    else:
        yield held
