"""A machine for pickles that runs no code: it knows what each instruction does to lists, dicts and tuples, and asks for
everything else. What a pickle may name is the caller's decision (`find`), and only what `find` gave a builder is called.

The instructions are decoded by `pickletools.genops`, which bounds every length by what the file holds. There is no
recursion, and no table that an instruction can make large by a number alone.

Reference: the comments of CPython's `Lib/pickletools.py`, which define the instructions.
"""

from __future__ import annotations

import _compat_pickle
import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, NamedTuple, Optional


class Found(NamedTuple):
    """What a global of a pickle stands for.

    value   what is put on the stack
    call    what it does when a pickle calls it; None: it may only be mentioned
    new     the same for making a bare object of a class; None: as `call`
    """

    value: Any
    call: Optional[Callable[..., Any]] = None
    new: Optional[Callable[..., Any]] = None


class Mark:
    """Where a pickle begins to collect."""

    __slots__ = ()


_MARK = Mark()
_LISTS, _DICTS = (list,), (dict, OrderedDict, Counter)
_NOTHING = frozenset(("PROTO", "FRAME"))
_VALUES = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "BINBYTES SHORT_BINBYTES BINBYTES8".split()
)
_FIXED: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_TUPLE": tuple, "EMPTY_LIST": list,
    "EMPTY_DICT": dict, "EMPTY_SET": set, "MARK": lambda: _MARK,
}  # fmt: skip


class Machine:
    """Reads one pickle.

    find(path)             what the global "module.name" stands for; raises UnpicklingError for one that it does not know
    storage(pid)           what a persistent id stands for
    build(object, state)   the object with its state; it may be another object, which then takes its place
    encoding               how the byte strings of Python 2 become text; "bytes" leaves them

    Raises: UnpicklingError for anything that is no proper pickle, or asks for more than it may.
    """

    def __init__(
        self,
        find: Callable[[str], Found],
        storage: Callable[[Any], Any],
        build: Callable[[Any, Any], Any],
        encoding: str = "utf-8",
    ) -> None:
        self.find, self.storage, self.build, self.encoding = find, storage, build, encoding
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.found: dict[int, Found] = {}  # by the identity of the value, which the entry keeps alive

    def load(self, stream: Any) -> Any:
        """The object of the pickle that begins where `stream` (bytes, or a file) stands."""
        try:
            for opcode, argument, position in pickletools.genops(stream):
                name = opcode.name
                if name == "STOP":
                    return self._pop()
                self._do(name, argument, position)
        except UnpicklingError:
            raise
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError, AttributeError, Warning) as error:
            raise UnpicklingError(f"load: the pickle in this file is damaged or truncated ({error})") from error
        raise UnpicklingError("load: the pickle in this file is truncated: it ends without a STOP")

    def _do(self, name: str, argument: Any, position: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _FIXED:
            self.stack.append(_FIXED[name]())
        elif name not in _NOTHING:
            act = _ACTS.get(name)
            if act is None:
                raise UnpicklingError(f"load: instruction {name} at byte {position} is not one that a checkpoint needs")
            act(self, argument)

    # --- the stack -------------------------------------------------------------------------------------------------

    def _pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise UnpicklingError("load: the pickle in this file is damaged: it takes more than it has")
        return self.stack.pop()

    def _top(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise UnpicklingError("load: the pickle in this file is damaged: it looks for what is not there")
        return self.stack[-1]

    def _pop_to_mark(self) -> list[Any]:
        stack = self.stack
        at = len(stack) - 1
        while at >= 0 and stack[at] is not _MARK:
            at -= 1
        if at < 0:
            raise UnpicklingError("load: the pickle in this file is damaged: a collection that never began")
        items = stack[at + 1 :]
        del stack[at:]
        return items

    def _drop(self) -> None:
        if not self.stack:
            raise UnpicklingError("load: the pickle in this file is damaged: it takes more than it has")
        self.stack.pop()

    def _drop_to_mark(self) -> None:
        self._pop_to_mark()

    def _tuple_of(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def _text(self, argument: Any) -> None:
        raw = argument if isinstance(argument, bytes) else argument.encode("latin-1")
        self.stack.append(raw if self.encoding == "bytes" else raw.decode(self.encoding))

    def _bytearray(self, argument: Any) -> None:
        self.stack.append(bytearray(argument))

    # --- containers ------------------------------------------------------------------------------------------------

    def _extend(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) not in _LISTS:
            raise UnpicklingError(f"load: a pickle may append to lists only, not to {type(target).__name__}")
        target.extend(items)

    def _set_items(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) not in _DICTS:
            raise UnpicklingError(f"load: a pickle may set items of dicts only, not of {type(target).__name__}")
        if len(items) % 2:
            raise UnpicklingError("load: the pickle in this file is damaged: a key without a value")
        for key, value in zip(items[::2], items[1::2]):
            target[key] = value

    def _add_items(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) is not set:
            raise UnpicklingError(f"load: a pickle may add to sets only, not to {type(target).__name__}")
        target.update(items)

    def _dict_of(self, items: list[Any]) -> None:
        self.stack.append({})
        self._set_items(items)

    # --- the memo --------------------------------------------------------------------------------------------------

    def _get(self, index: int) -> None:
        if index not in self.memo:
            raise UnpicklingError(f"load: the pickle in this file is damaged: it recalls number {index}, never memorized")
        self.stack.append(self.memo[index])

    def _put(self, index: int) -> None:
        self.memo[index] = self._top()

    # --- what could run code ---------------------------------------------------------------------------------------

    def _global(self, module: str, name: str) -> None:
        """What Python 2 called otherwise has its name of today."""
        if (module, name) in _compat_pickle.NAME_MAPPING:
            module, name = _compat_pickle.NAME_MAPPING[module, name]
        else:
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        found = self.find(f"{module}.{name}")
        self.found[id(found.value)] = found
        self.stack.append(found.value)

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise UnpicklingError("load: the pickle in this file is damaged: a global whose name is no text")
        self._global(module, name)

    def _call(self, bare: bool) -> None:
        args, function = self._pop(), self._pop()
        found = self.found.get(id(function))
        call = None if found is None else (found.new or found.call) if bare else found.call
        if call is None:
            raise UnpicklingError(f"load: a pickle may not call {function!r}; only what builds tensors and containers")
        if not isinstance(args, tuple):
            raise UnpicklingError(f"load: the pickle in this file is damaged: arguments that are {type(args).__name__}")
        self.stack.append(call(*args))

    def _build(self) -> None:
        state, target = self._pop(), self._top()
        built = self.build(target, state)
        if built is not target:
            self.stack[-1] = built
            for index, known in self.memo.items():
                if known is target:
                    self.memo[index] = built

    def _persistent(self) -> None:
        self.stack.append(self.storage(self._pop()))


def _split_global(machine: Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    machine._global(module, name)


_ACTS: dict[str, Callable[[Machine, Any], None]] = {
    "POP": lambda m, _: m._drop(),
    "POP_MARK": lambda m, _: m._drop_to_mark(),
    "DUP": lambda m, _: m.stack.append(m._top()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m._pop_to_mark())),
    "TUPLE1": lambda m, _: m._tuple_of(1),
    "TUPLE2": lambda m, _: m._tuple_of(2),
    "TUPLE3": lambda m, _: m._tuple_of(3),
    "LIST": lambda m, _: m.stack.append(m._pop_to_mark()),
    "DICT": lambda m, _: m._dict_of(m._pop_to_mark()),
    "FROZENSET": lambda m, _: m.stack.append(frozenset(m._pop_to_mark())),
    "APPEND": lambda m, _: m._extend([m._pop()]),
    "APPENDS": lambda m, _: m._extend(m._pop_to_mark()),
    "SETITEM": lambda m, _: m._set_items([m._pop(), m._pop()][::-1]),
    "SETITEMS": lambda m, _: m._set_items(m._pop_to_mark()),
    "ADDITEMS": lambda m, _: m._add_items(m._pop_to_mark()),
    "STRING": Machine._text,
    "BINSTRING": Machine._text,
    "SHORT_BINSTRING": Machine._text,
    "BYTEARRAY8": Machine._bytearray,
    "GET": Machine._get,
    "BINGET": Machine._get,
    "LONG_BINGET": Machine._get,
    "PUT": Machine._put,
    "BINPUT": Machine._put,
    "LONG_BINPUT": Machine._put,
    "MEMOIZE": lambda m, _: m._put(len(m.memo)),
    "GLOBAL": _split_global,
    "STACK_GLOBAL": lambda m, _: m._stack_global(),
    "REDUCE": lambda m, _: m._call(bare=False),
    "NEWOBJ": lambda m, _: m._call(bare=True),
    "BUILD": lambda m, _: m._build(),
    "BINPERSID": lambda m, _: m._persistent(),
}


class Scanner(Machine):
    """Reads a pickle only to note the globals that it names and the storages that it mentions; nothing is made."""

    def __init__(self) -> None:
        super().__init__(self._note, self._note_storage, lambda target, state: target, "latin-1")
        self.globals: list[str] = []
        self.storages: list[Any] = []

    def _note(self, path: str) -> Found:
        if path not in self.globals:
            self.globals.append(path)
        return Found(Named(path))

    def _note_storage(self, pid: Any) -> Any:
        self.storages.append(pid)
        return None

    def _call(self, bare: bool) -> None:
        self._pop()
        self._pop()
        self.stack.append(None)

    def _extend(self, items: list[Any]) -> None:
        self._top()

    _set_items = _add_items = _extend

    def _dict_of(self, items: list[Any]) -> None:
        self.stack.append({})


class Named(str):
    """A global, known by its path only."""

    __slots__ = ()
