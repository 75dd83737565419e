"""Modules that hold parameters: ParameterList, ParameterDict. Tensors become parameters as they enter; other values are
kept as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Optional, Union

from wengert.functions.types import typename
from wengert.nn.containers import pairs_of
from wengert.nn.module import Module, bracketed
from wengert.nn.parameter import Parameter
from wengert.tensors.tensor import Tensor


def _entering(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class _Lines(Module):
    """What both print: one line an element."""

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        raise NotImplementedError

    def _kind(self, value: Tensor) -> str:
        return str(value.dtype)

    def _line(self, name: Any, value: Any) -> str:
        if not isinstance(value, Tensor):
            return f"({name}): Object of type: {type(value).__name__}"
        sizes = "x".join(map(str, value.shape))
        return f"({name}): Parameter containing: [{self._kind(value)} of size {sizes}]"

    def __repr__(self) -> str:
        lines = [self._line(name, value) for name, value in self._pairs()]
        return bracketed(self._get_name(), [f"  {line}" for line in lines], [])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{self._get_name()} should not be called.")


class ParameterList(_Lines):
    """A list whose tensors are parameters, named "0", "1", ..."""

    def __init__(self, values: Optional[Iterable[Any]] = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        return enumerate(self)

    def _position(self, index: Any) -> int:
        """A position in [0, size).

        Raises: TypeError when it is no integer; IndexError when it is out of range.
        """
        if not hasattr(index, "__index__"):
            raise TypeError(f"'{type(index).__name__}' object cannot be interpreted as an integer")
        index = index.__index__()
        if not -self._size <= index < self._size:
            raise IndexError(f"index {index} is out of range")
        return index + self._size if index < 0 else index

    def __getitem__(self, index: Union[int, slice]) -> Any:
        if isinstance(index, slice):
            return type(self)([self[i] for i in range(*index.indices(self._size))])
        return getattr(self, str(self._position(index)))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(self._position(index)), _entering(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(self._size)])

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self, value: Any) -> ParameterList:
        """Add a value at the end. Returns the list."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add values at the end. Returns the list.

        Raises: TypeError when `values` is no iterable, or a single tensor.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self


class ParameterDict(_Lines):
    """A dictionary whose tensors are parameters, in order of insertion."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        return self.items()

    def _kind(self, value: Tensor) -> str:
        return typename(value)  # PyTorch's choice here, unlike in a list

    def _name(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(
                f"a key of a ParameterDict names an attribute, so it must be a string, not {type(key).__name__}"
            )
        return key

    def __getitem__(self, key: str) -> Any:
        return getattr(self, self._name(key))

    def __setitem__(self, key: str, value: Any) -> None:
        self._keys[self._name(key)] = None
        setattr(self, key, _entering(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[self._name(key)]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> Any:
        """The names."""
        return self._keys.keys()

    def values(self) -> Any:
        """The values."""
        return [self[key] for key in self._keys]

    def items(self) -> Any:
        """(name, value) pairs."""
        return [(key, self[key]) for key in self._keys]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name, or the default."""
        return self[key] if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a name, which is first set to the default if it has none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take a value out and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last (name, value) pair out and return it."""
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        """Take everything out."""
        for key in list(self._keys):
            del self[key]

    def copy(self) -> ParameterDict:
        """A dictionary of its own with the same values."""
        return ParameterDict(self)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dictionary with these names, all with the default."""
        return ParameterDict((key, default) for key in keys)

    def update(self, parameters: Any) -> None:
        """Add from a mapping or from (name, value) pairs.

        Raises: TypeError, ValueError when `parameters` is neither.
        """
        for name, value in list(pairs_of(parameters, "ParameterDict")):
            self[name] = value

    def __or__(self, other: ParameterDict) -> ParameterDict:
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: Any) -> ParameterDict:
        made = ParameterDict(other)
        made.update(self)
        return made

    def __ior__(self, other: ParameterDict) -> ParameterDict:
        self.update(other)
        return self
