"""Parametrizations: a parameter computed from others at every use.

    module.weight = f_k(... f_1(original) ...)

The originals are what is trained; they live in `module.parametrizations.weight`, and `module.weight` becomes a property
of a class made for this one module. Assigning to it goes backwards through each `right_inverse`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

from wengert.nn.containers import ModuleDict, ModuleList
from wengert.nn.module import Module
from wengert.nn.parameter import Parameter
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip


class _Cache:
    """Computed tensors by (module, name), while `cached` is active."""

    def __init__(self) -> None:
        self.depth = 0
        self.found: dict[tuple[int, str], Tensor] = {}


_cache = _Cache()


@contextmanager
def cached() -> Iterator[None]:
    """Compute every parametrized tensor once inside, and hand out the same one at each use."""
    _cache.depth += 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if not _cache.depth:
            _cache.found.clear()


def _place(module: Module, name: str, tensor: Tensor) -> None:
    """As a parameter or a buffer, whichever it is."""
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_kept(before: Tensor, after: Any, what: str) -> None:
    """Raises: ValueError when something that should stand in a tensor's place has not its dtype and shape."""
    if not isinstance(after, Tensor):
        raise ValueError(f"{what} must return a tensor. Got {type(after).__name__}.")
    for kind in ("dtype", "shape"):
        if getattr(before, kind) != getattr(after, kind):
            raise ValueError(
                f"{what} may not change the {kind} of the tensor, unless `unsafe` flag is enabled; it was "
                f"{getattr(before, kind)} and became {getattr(after, kind)}."
            )


class ParametrizationList(ModuleList):
    """The functions of one parametrized tensor, and what they are applied to: `original`, or `original0`, `original1`,
    ... when the first function takes several tensors.

    unsafe: do not check that shape and dtype stay.

    Raises: ValueError when a function or its inverse returns what cannot stand in the tensor's place.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        with no_grad():
            start = self._inverted(original, strict=False)
        self.is_tensor = isinstance(start, Tensor)
        if self.is_tensor:
            if start.dtype != original.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\noriginal.dtype: "
                    f"{original.dtype}\nright_inverse(original).dtype: {start.dtype}"
                )
            shape, dtype = original.shape, original.dtype
            if start is not original:
                original.data = start.detach()  # the same object, which an optimiser may know
            self.ntensors = 1
            _place(self, "original", original)
        else:
            shape, dtype = original.shape, original.dtype
            self.ntensors = len(_several(start))
            for i, tensor in enumerate(start):
                made = Parameter(tensor, original.requires_grad) if isinstance(original, Parameter) else tensor
                _place(self, f"original{i}", made)
        if not unsafe:
            self._check(shape, dtype)

    def _check(self, shape: Any, dtype: Any) -> None:
        made = self()
        if not isinstance(made, Tensor):
            raise ValueError(f"A parametrization must return a tensor. Got {type(made).__name__}.")
        for kind, was in (("dtype", dtype), ("shape", shape)):
            now = getattr(made, kind)
            if now != was:
                raise ValueError(
                    f"Registering a parametrization may not change the {kind} of the tensor, unless `unsafe` flag is "
                    f"enabled.\nunparametrized {kind}: {was}\nparametrized {kind}: {now}"
                )

    def _inverted(self, value: Any, strict: bool) -> Any:
        """value backwards through every right_inverse; one that is missing is the identity unless `strict`."""
        for module in reversed(list(self)):
            inverse = getattr(module, "right_inverse", None)
            if inverse is None:
                if strict:
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                continue
            try:
                value = inverse(value)
            except NotImplementedError:
                if strict:
                    raise
        return value

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals such that `value` comes out.

        Raises: RuntimeError for a function without right_inverse; ValueError when one returns something else than at
        registration.
        """
        with no_grad():
            found = self._inverted(value, strict=True)
            news = [found] if self.is_tensor else list(_several(found))
            originals = self._originals()
            if len(news) != len(originals):
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of "
                    f"length {len(news)}."
                )
            for original, new in zip(originals, news):
                if not isinstance(new, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(new).__name__}")
                if new.dtype != original.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {new.dtype} while the original has dtype "
                        f"{original.dtype}"
                    )
                original.data = new.detach().clone()

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *others = list(self)
        x = first(*self._originals())
        for function in others:
            x = function(x)
        return x


def _several(found: Any) -> Any:
    if not isinstance(found, Sequence):
        raise ValueError(
            "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
            f"{type(found).__name__}"
        )
    for i, tensor in enumerate(found):
        if not isinstance(tensor, Tensor):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got element "
                f"{i} of the sequence with type {type(tensor).__name__}."
            )
    return found


# --- one class for each parametrized module ------------------------------------------------------------------------


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    made = self.__new__(type(self))
    memo[id(self)] = made
    made.__dict__ = copy.deepcopy(self.__dict__, memo)
    return made


def _not_picklable(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(): save that, and load it into a "
        "module that is parametrized in the same way."
    )


def _give_class(module: Module) -> None:
    base = type(module)
    extra: dict[str, Any] = {"__getstate__": _not_picklable, "__reduce_ex__": lambda self, protocol: _not_picklable(self)}
    if not hasattr(base, "__deepcopy__"):
        extra["__deepcopy__"] = _copied
    object.__setattr__(module, "__class__", type(f"Parametrized{base.__name__}", (base,), extra))


def _give_property(module: Module, name: str) -> None:
    def get(self: Any) -> Tensor:
        functions = self.parametrizations[name]
        if not _cache.depth:
            return functions()
        key = (id(self), name)
        if key not in _cache.found:
            _cache.found[key] = functions()
        return _cache.found[key]

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, put))


# --- for users -----------------------------------------------------------------------------------------------------


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let `module.tensor_name` be what `parametrization` makes of it, or, if it is parametrized already, of what it was
    until now.

    parametrization: a module of one tensor; `right_inverse(tensor)`, if it has one, says where training starts and what
        assignments do. When that gives several tensors, these become the originals, and the arguments of `forward`.
    unsafe: allow another shape or dtype.

    Raises: ValueError for a name that is neither parameter nor buffer, and when shape or dtype change.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        functions = module.parametrizations[tensor_name]
        if not unsafe:
            _check_next(getattr(module, tensor_name), parametrization)
        functions.append(parametrization)
        functions.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        functions = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_class(module)
            module.parametrizations = ModuleDict()
        _give_property(module, tensor_name)
        module.parametrizations[tensor_name] = functions
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def _check_next(tensor: Tensor, parametrization: Module) -> None:
    made = parametrization(tensor)
    _check_kept(tensor, made, "A parametrization")
    inverse = getattr(parametrization, "right_inverse", None)
    if inverse is None:
        return
    try:
        back = inverse(made)
    except NotImplementedError:
        return
    _check_kept(tensor, back, "parametrization.right_inverse")


def is_parametrized(module: Module, tensor_name: Optional[str] = None) -> bool:
    """Whether the tensor of that name is parametrized, or any."""
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make `module.tensor_name` an ordinary tensor again: with the value that it has, or, with
    leave_parametrized=False, the original one.

    Raises: ValueError when it is not parametrized, or has several originals and should get "the" original.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions = module.parametrizations[tensor_name]
    if functions.is_tensor:
        tensor = functions.original
        if leave_parametrized:
            with no_grad():
                tensor.data = getattr(module, tensor_name).detach().clone()
    elif leave_parametrized:
        made = getattr(module, tensor_name)
        tensor = Parameter(made) if made.requires_grad else made
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _place(module, tensor_name, tensor)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        object.__setattr__(module, "__class__", type(module).__bases__[0])
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's class as it was written."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: Optional[str] = None
) -> Module:
    """Parametrize `to_module` as `from_module` is, with the same originals; only one tensor if a name is given."""
    if not is_parametrized(from_module):
        return to_module
    for name in from_module.parametrizations if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        functions = from_module.parametrizations[name]
        for function in functions:
            register_parametrization(to_module, name, function)
        keys = ["original"] if functions.is_tensor else [f"original{i}" for i in range(functions.ntensors)]
        for key in keys:
            setattr(to_module.parametrizations[name], key, getattr(functions, key))
    return to_module
