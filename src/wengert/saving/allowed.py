"""What a pickle may name, and what each of these names does. Nothing here imports by a name that a file gives, and each
builder checks what it is given: a file decides numbers, text and containers, never which code runs.

The list is that of PyTorch's `weights_only`, and besides NumPy's numbers and plain arrays.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from pickle import UnpicklingError
from typing import Any, Optional

from wengert import dtypes
from wengert.nn.module import Module
from wengert.nn.parameter import Buffer, Parameter
from wengert.saving import arrays
from wengert.saving.machine import Found
from wengert.saving.storages import STORAGE_TYPES, rebuild
from wengert.settings import settings
from wengert.tensors.device import device
from wengert.tensors.tensor import Size, Tensor

_BLOCKED = frozenset(("sys", "os", "posix", "nt", "subprocess", "builtins"))

_safe: dict[str, Any] = {}


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Let files name these classes and functions, which `load` then calls: a decision to trust them with any arguments.

    safe_globals: classes or functions; or pairs of one and the full path by which files name it.
    """
    _safe.update(_by_path(safe_globals))


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` allowed."""
    _safe.clear()


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` allowed."""
    return list(_safe.values())


class safe_globals:
    """As `add_safe_globals`, until the end of a ``with`` block."""

    def __init__(self, safe_globals: Iterable[Any]) -> None:
        self._added = _by_path(safe_globals)

    def __enter__(self) -> None:
        self._before = dict(_safe)
        _safe.update(self._added)

    def __exit__(self, *exception: Any) -> None:
        _safe.clear()
        _safe.update(self._before)


def _by_path(values: Iterable[Any]) -> dict[str, Any]:
    found = {}
    for value in values:
        if isinstance(value, tuple):
            if len(value) != 2 or not isinstance(value[1], str):
                raise ValueError(f"add_safe_globals: expected a pair of an object and its full path, but got {value!r}")
            found[value[1]] = value[0]
        else:
            found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


# --- what is always allowed ----------------------------------------------------------------------------------------


def _expect(good: bool, what: str, args: Any) -> None:
    if not good:
        raise UnpicklingError(f"load: this file makes a {what} of {args!r}; it is damaged or made to do harm")


def _ordered_dict(*args: Any) -> Any:
    _expect(not args or (len(args) == 1 and isinstance(args[0], (list, dict))), "OrderedDict", args)
    return OrderedDict(*args)


def _counter(*args: Any) -> Any:
    _expect(not args or (len(args) == 1 and isinstance(args[0], dict)), "Counter", args)
    return Counter(*args)


def _encode(*args: Any) -> bytes:
    """How the old protocols write bytes."""
    _expect(len(args) == 2 and isinstance(args[0], str) and args[1] in ("latin1", "latin-1"), "bytes object", args)
    return str(args[0]).encode("latin-1")


def _bytes(*args: Any) -> bytes:
    _expect(not args, "bytes object", args)
    return b""


def _bytearray(*args: Any) -> bytearray:
    _expect(not args or (len(args) == 1 and isinstance(args[0], bytes)), "bytearray", args)
    return bytearray(*args)


def _set(*args: Any) -> Any:
    _expect(not args or (len(args) == 1 and isinstance(args[0], list)), "set", args)
    return set(*args)


def _complex(*args: Any) -> complex:
    _expect(len(args) <= 2 and all([type(part) in (int, float) for part in args]), "complex number", args)
    return complex(*args)


def _size(*args: Any) -> Size:
    _expect(len(args) <= 1 and all([type(n) is int and n >= 0 for part in args for n in part]), "Size", args)
    return Size(*args)


def _device(*args: Any) -> Any:
    good = len(args) in (1, 2) and isinstance(args[0], str) and all([isinstance(n, (int, type(None))) for n in args[1:]])
    _expect(good, "device", args)
    return device(*args)


def _rebuild_v3(storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, meta: Any = None) -> Any:
    _expect(isinstance(dtype, dtypes.DType), "tensor with the dtype", dtype)
    return rebuild(storage, offset, size, stride, grad, hooks, meta, dtype)


def _parameter(data: Any = None, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> Parameter:
    _expect(isinstance(data, Tensor) and isinstance(requires_grad, bool), "Parameter", (data, requires_grad))
    return _with_attributes(Parameter(data, requires_grad), state)


def _of_type(call: Any, kind: Any, args: Any, state: Any) -> Tensor:
    """A tensor with attributes of its own."""
    good = call in (rebuild, _rebuild_v3, _parameter) and kind in (Tensor, Parameter, Buffer) and isinstance(args, tuple)
    _expect(good, "tensor", (call, kind))
    return _with_attributes(call(*args), state)


def _with_attributes(made: Any, state: Any) -> Any:
    if state is not None:
        names = set(state) if isinstance(state, dict) else {0}
        _expect(all([isinstance(n, str) and not n.startswith("__") for n in names]), "tensor with attributes", state)
        made.__dict__.update(state)
    return made


_CALLS: dict[str, Callable[..., Any]] = {
    "_codecs.encode": _encode,
    "torch._utils._rebuild_tensor": rebuild,
    "torch._utils._rebuild_tensor_v2": rebuild,
    "torch._utils._rebuild_tensor_v3": _rebuild_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _of_type,
}
_ALWAYS: dict[str, Found] = {
    **{path: Found(kind) for path, kind in STORAGE_TYPES.items()},
    **{f"torch.{dtype.name}": Found(dtype) for dtype in (*dtypes.ALL, *dtypes.EIGHT_BIT)},
    **{path: Found(call, call) for path, call in _CALLS.items()},
    "collections.OrderedDict": Found(OrderedDict, _ordered_dict),
    "collections.Counter": Found(Counter, _counter),
    "builtins.bytes": Found(bytes, _bytes),
    "builtins.bytearray": Found(bytearray, _bytearray),
    "builtins.set": Found(set, _set),
    "builtins.complex": Found(complex, _complex),
    "torch.Size": Found(Size, _size),
    "torch.device": Found(device, _device),
    "torch.Tensor": Found(Tensor),
    "torch.nn.parameter.Parameter": Found(Parameter, _parameter),
    "torch.nn.parameter.Buffer": Found(Buffer),
    **arrays.GLOBALS,
}


def find(path: str) -> Found:
    """What a file may name `path`.

    Raises: UnpicklingError for everything that is not on the list.
    """
    found = _ALWAYS.get(path)
    if found is not None:
        return found
    root = path.partition(".")[0]
    if path in _safe and root not in _BLOCKED:
        value = _safe[path]
        return Found(value, value, _bare(value) if isinstance(value, type) else None)
    raise UnpicklingError(_refusal(path, root))


def _refusal(path: str, root: str) -> str:
    face = settings.face
    if root in _BLOCKED:
        return f"{face}.load: this file asks for {path}, which is never allowed: it would run code that the file chooses"
    if path.startswith("torch.") and path.count(".") == 1:
        return f"{face}.load: this file holds {path}, a type that wengert does not have; convert it in PyTorch and save again"
    return (
        f"{face}.load: this file asks for {path}, which is not on the list of what a checkpoint may build. If you trust it, "
        f"allow it by {face}.serialization.add_safe_globals([{path.rpartition('.')[2]}]); better, save a state_dict."
    )


def find_also_modules(path: str) -> Found:
    """As `find`, and besides `nn.Module` classes that the program itself has imported, and wengert's own functions as
    values. For ``load(..., weights_only=False)``: still no code that comes with a file."""
    if path not in _ALWAYS and path not in _safe:
        value = _imported(path)
        if isinstance(value, type) and issubclass(value, Module):
            return Found(value, None, _bare(value))
        if value is not None and str(getattr(value, "__module__", "")).startswith("wengert."):
            return Found(value)
    return find(path)


def _imported(path: str) -> Optional[Any]:
    """A class or function of a module that is imported already."""
    module, _, name = path.rpartition(".")
    if module.startswith("torch."):
        module = "wengert.nn" if module.startswith("torch.nn.modules.") else "wengert" + module[len("torch") :]
    value = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return value if isinstance(value, type) or type(value) is type(find) else None


def _bare(kind: type) -> Callable[..., Any]:
    return lambda *args: kind.__new__(kind, *args)


# --- the state of an object ----------------------------------------------------------------------------------------


def build(target: Any, state: Any) -> Any:
    """An object with the state that a file gives it.

    Raises: UnpicklingError for objects that take none.
    """
    if type(target) is OrderedDict:
        _expect(isinstance(state, dict) and set(state) <= {"_metadata"}, "OrderedDict with attributes", state)
        target.__dict__.update(state)
        return target
    built = arrays.build(target, state)
    if built is not None:
        return built
    if not (isinstance(target, Module) or type(target) in [value for value in _safe.values() if isinstance(value, type)]):
        raise UnpicklingError(f"load: this file gives a state to a {type(target).__name__}, which takes none")
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return target
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    target.__dict__.update(state or {})
    for name, value in (slots or {}).items():
        setattr(target, name, value)
    return target
