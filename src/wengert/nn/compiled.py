"""A compiled module: what `compile(module)` returns. It is a module that has the original as its only child, so
parameters, modes, moves and hooks are the original's; as in PyTorch, keys of its `state_dict` begin with ``_orig_mod.``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.nn.module import Module

_OWN = ("_orig_mod", "_replayed")


class CompiledModule(Module):
    """Behaves as `module`; calls are replayed. `make` gives the compiled form of a function."""

    def __init__(self, module: Module, make: Callable[[Callable[..., Any]], Any]) -> None:
        super().__init__()
        del self.__dict__["training"]
        self._modules["_orig_mod"] = module
        self.__dict__["_replayed"] = make(module.__call__)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._replayed(*args, **kwargs)

    @property
    def training(self) -> bool:
        return self._modules["_orig_mod"].training

    @training.setter
    def training(self, mode: bool) -> None:
        self._modules["_orig_mod"].training = mode

    def __getattr__(self, name: str) -> Any:
        modules = self.__dict__.get("_modules", {})
        if name in modules:
            return modules[name]
        return getattr(modules["_orig_mod"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN or name == "training" or "_orig_mod" not in self.__dict__.get("_modules", {}):
            super().__setattr__(name, value)
        else:
            setattr(self._modules["_orig_mod"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._modules["_orig_mod"], name)

    def __len__(self) -> int:
        return len(self._modules["_orig_mod"])  # type: ignore[arg-type]

    def __getitem__(self, key: Any) -> Any:
        return self._modules["_orig_mod"][key]

    def __bool__(self) -> bool:
        return True


def _compile(self: Module, *args: Any, **kwargs: Any) -> None:
    """Replay the calls of this module itself from now on; arguments as those of `wengert.compile`."""
    from wengert.compiler import compile  # a program that compiles nothing starts without it

    self.__dict__["forward"] = compile(self.forward, *args, **kwargs)


Module._compiled_with = CompiledModule
Module.compile = _compile
