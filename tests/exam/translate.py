"""PyTorch's values, functions and arguments as wengert's: what a question says, in wengert's words."""

from __future__ import annotations

import contextlib
import functools
import operator
import types
from collections.abc import Callable
from typing import Any, Optional

import numpy as np
import torch

import wengert
import wengert.nn.functional

# --- values -------------------------------------------------------------------------------------------------------


def array_of(tensor: Any) -> Any:
    """The contents of a PyTorch tensor as an array of its own; bfloat16 by way of float32."""
    found = tensor.detach().resolve_conj().resolve_neg()
    return np.array((found.float() if found.dtype is torch.bfloat16 else found).numpy(force=True))


def tensor_of(value: Any, requires_grad: bool = False) -> Any:
    """A wengert tensor with the contents of a PyTorch tensor, and its layout where that is not contiguous."""
    dtype = dtype_of(value.dtype)
    with wengert.no_grad():
        if value.numel() == 0 or 0 in value.stride() or value.is_conj() or value._is_zerotensor():
            made = wengert.tensor(array_of(value), dtype=dtype)
        else:
            made = _laid_out(value, dtype)
    return made.requires_grad_() if requires_grad else made


def _laid_out(value: Any, dtype: Any) -> Any:
    """A view like `value` into memory like that which it looks into."""
    n = value.untyped_storage().nbytes() // value.element_size()
    if n == value.numel() and value.is_contiguous():
        return wengert.tensor(array_of(value), dtype=dtype)
    whole = torch.as_strided(value.detach(), (n,), (1,), 0)
    made = wengert.tensor(array_of(whole), dtype=dtype)
    return wengert.as_strided(made, tuple(value.shape), value.stride(), value.storage_offset()).detach()


def dtype_of(dtype: Any) -> Any:
    """wengert's dtype of the same name. Raises: AttributeError when it has none."""
    return getattr(wengert, str(dtype).removeprefix("torch."))


class Translator:
    """Arguments translated with one memory, so that a tensor that is given twice is the same one twice.

    leaves     pairs (PyTorch's tensor, wengert's) that require grad
    """

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}
        self.kept: list[Any] = []
        self.leaves: list[tuple[Any, Any]] = []

    def __call__(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
            items = [self(item) for item in value]
            return items if isinstance(value, list) else tuple(items)
        if isinstance(value, torch.Size):
            return wengert.Size(value)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, torch.Generator):
            return wengert.Generator().manual_seed(value.initial_seed())
        return _constant(value)

    def _tensor(self, value: Any) -> Any:
        if id(value) not in self.made:
            self.made[id(value)] = tensor_of(value, value.requires_grad)
            self.kept.append(value)
            if value.requires_grad:
                self.leaves.append((value, self.made[id(value)]))
        return self.made[id(value)]


def _constant(value: Any) -> Any:
    """dtypes, devices, layouts, functions; everything else as it is."""
    if isinstance(value, torch.dtype):
        return dtype_of(value)
    if isinstance(value, torch.device):
        return wengert.device("cpu")
    if isinstance(value, (torch.layout, torch.memory_format)):
        return getattr(wengert, str(value).removeprefix("torch."))
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
        return function_of(value)
    if isinstance(value, torch.nn.Module):
        return _layer(value)
    return value


def _layer(module: Any) -> Any:
    """wengert's layer of the same class and settings, for one without parameters. Raises: AttributeError when it has
    none."""
    made = getattr(wengert.nn, type(module).__name__)()
    for name in module.__constants__:
        if not hasattr(made, name):
            raise AttributeError(f"wengert.nn.{type(module).__name__} has no {name}")
        setattr(made, name, getattr(module, name))
    return made


# --- functions ----------------------------------------------------------------------------------------------------

_HOMES = ("", "nn.functional.", "linalg.", "special.", "fft.", "Tensor.", "masked.", "signal.windows.")


def named(path: str) -> Any:
    """What wengert has under a dotted name. Raises: AttributeError when it has nothing."""
    found: Any = wengert
    for part in path.split("."):
        found = getattr(found, part)
    return found


def lookup(name: str) -> Optional[Any]:
    """A public function, or the method of Tensor, of this name; None when there is neither."""
    for path in (name, f"Tensor.{name}", f"Tensor.{name}_"):
        with contextlib.suppress(AttributeError):
            found = named(path)
            if not isinstance(found, wengert.dtype):  # torch.cdouble is a dtype, Tensor.cdouble() the operator
                return found
    return None


def function_of(function: Any) -> Any:
    """wengert's function for one of PyTorch's, or for one that a test of PyTorch wrote around those.

    The latter is the same code, with `torch` meaning wengert.

    Raises: AttributeError when wengert lacks it.
    """
    if isinstance(function, types.FunctionType) and function.__module__.startswith("torch.testing"):
        return _retold(function)
    if isinstance(function, functools.partial):
        return functools.partial(function_of(function.func), *function.args, **function.keywords)
    if getattr(operator, getattr(function, "__name__", ""), None) is function:
        return function
    home = _home_of(function)
    return named(home) if home is not None else function


def _home_of(function: Any) -> Optional[str]:
    name = getattr(function, "__name__", None)
    if name is None:
        return None
    for home in _HOMES:
        path = home + name.removeprefix(home[:-1] + "_")  # torch.special.exp2 calls itself special_exp2
        found: Any = torch
        try:
            for part in path.split("."):
                found = getattr(found, part)
        except AttributeError:
            continue
        if found is function:
            return path
    return None


def _seeded(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    wengert.manual_seed(42)
    return function(*args, **kwargs)


def _retold(function: types.FunctionType) -> Any:
    if function.__name__ == "wrapper_set_seed":
        return _seeded
    told = {**function.__globals__, "torch": wengert, "F": wengert.nn.functional}
    for name in function.__code__.co_names:
        used = told.get(name)
        if isinstance(used, types.FunctionType) and used.__module__.startswith("torch.testing"):
            told[name] = _retold(used)
    cells = function.__closure__
    if cells is not None:
        cells = tuple(types.CellType(_constant(cell.cell_contents)) for cell in cells)
    made = types.FunctionType(function.__code__, told, function.__name__, function.__defaults__, cells)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def operation(entry: Any) -> Any:
    """wengert's function for an entry of the database.

    Raises: AttributeError when it lacks it.
    """
    if isinstance(entry.op, types.FunctionType) and entry.op.__module__.startswith("torch.testing"):
        return _retold(entry.op)
    found = lookup(entry.name)
    if found is None:
        raise AttributeError(f"wengert has no {entry.name}")
    return found
