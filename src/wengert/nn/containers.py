"""Modules that hold modules: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional, Union

from wengert.nn.module import Module, bracketed, check_module, indent

Modules = Union[Iterable[Module], Mapping[str, Module]]


class _Numbered(Module):
    """What a list of modules does; they are named "0", "1", ..."""

    def _fill(self, modules: Iterable[Any]) -> None:
        """Make these the elements."""
        given = [check_module(module) for module in modules]
        self._modules.clear()
        self._modules.update({str(i): module for i, module in enumerate(given)})

    def _elements(self) -> list[Any]:
        return list(self._modules.values())

    def _name(self, index: Any) -> str:
        """The name of the element at a position, counted from the end when negative.

        Raises: TypeError when index is no integer; IndexError when there is no such element.
        """
        if not hasattr(index, "__index__"):
            raise TypeError(f"'{type(index).__name__}' object cannot be interpreted as an integer")
        index = index.__index__()
        names = list(self._modules)
        if not -len(names) <= index < len(names):
            raise IndexError(f"index {index} is out of range")
        return names[index]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._of(dict(list(self._modules.items())[index]))
        return self._modules[self._name(index)]

    def _of(self, chosen: dict[str, Any]) -> Any:
        """A container of the same kind with these elements."""
        return type(self)(chosen.values())  # type: ignore[call-arg]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name(index), module)

    def __delitem__(self, index: Union[int, slice]) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._name(index)]
        for name in names:
            delattr(self, name)
        self._fill(self._elements())

    def append(self, module: Module) -> Any:
        """Add a module at the end. Returns the container."""
        self.add_module(str(len(self)), check_module(module))
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Add a module before the one at `index`. Returns the container."""
        elements = self._elements()
        elements.insert(index, module)
        self._fill(elements)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add modules at the end. Returns the container.

        Raises: TypeError when `modules` is no iterable of modules.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, key: Union[int, slice]) -> Any:
        """Take an element (or a slice of them) out and return it."""
        module = self[key]
        del self[key]
        return module

    def __iadd__(self, modules: Iterable[Module]) -> Any:
        return self.extend(modules)


class Sequential(_Numbered):
    """Modules applied one after the other: each gets what the one before it gave.

    ``Sequential(a, b)`` names them "0", "1"; ``Sequential(OrderedDict([("first", a), ("second", b)]))`` as given.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self._fill(args)

    def forward(self, input: Any) -> Any:
        """The last module's output, or the input when there is none."""
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def _of(self, chosen: dict[str, Any]) -> Any:
        return type(self)(OrderedDict(chosen))

    def insert(self, index: int, module: Module) -> Any:
        """Add a module before the one at `index`. Returns the container.

        Raises: IndexError for a position that is not there; TypeError when `module` is none.
        """
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        return super().insert(index + len(self) if index < 0 else index, check_module(module))

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Sequential:  # type: ignore[misc]
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(other)

    def __mul__(self, other: int) -> Sequential:
        return Sequential(*self._repeated(other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Sequential:
        self._fill(self._repeated(other))
        return self

    def _repeated(self, times: int) -> list[Any]:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return self._elements() * times


class ModuleList(_Numbered):
    """A list whose elements are submodules: indexed, sliced, changed and walked like a list; it computes nothing."""

    def __init__(self, modules: Optional[Iterable[Module]] = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def insert(self, index: int, module: Module) -> None:
        """Add a module before the one at `index`."""
        super().insert(index, module)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """Neighbours that print the same are put on one line: (0-2): 3 x ..."""
        runs: list[tuple[int, int, str]] = []
        for i, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], i, text)
            else:
                runs.append((i, i, text))
        lines = [
            f"({first}): {indent(text)}" if first == last else f"({first}-{last}): {last - first + 1} x {indent(text)}"
            for first, last, text in runs
        ]
        return bracketed(self._get_name(), [], lines)


class ModuleDict(Module):
    """A dictionary whose values are submodules, in order of insertion; it computes nothing."""

    def __init__(self, modules: Optional[Modules] = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take everything out."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def items(self) -> Any:
        """(name, module) pairs."""
        return self._modules.items()

    def update(self, modules: Any) -> None:
        """Add from a mapping or from (name, module) pairs; a known name gets the new module.

        Raises: TypeError, ValueError when `modules` is neither.
        """
        for name, module in list(pairs_of(modules, "ModuleDict")):
            self[name] = module


def pairs_of(given: Any, container: str) -> Iterator[tuple[Any, Any]]:
    """(name, value) pairs from a mapping, or from an iterable of pairs.

    Raises: TypeError, ValueError when it is neither.
    """
    if isinstance(given, Mapping) or hasattr(given, "items"):
        yield from given.items()
        return
    if not isinstance(given, Iterable):
        raise TypeError(
            f"{container}.update should be called with an iterable of key/value pairs, but got {type(given).__name__}"
        )
    for position, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise TypeError(
                f"{container} update sequence element #{position} should be Iterable; is {type(pair).__name__}"
            )
        pair = tuple(pair)
        if len(pair) != 2:
            raise ValueError(f"{container} update sequence element #{position} has length {len(pair)}; 2 is required")
        yield pair
