"""Module: what has parameters, submodules and a `forward`.

Looking (`Tree`), saving and loading (`State`) and hooks (`Hooks`) are its bases; here are construction, attributes,
the call, and what changes every tensor at once.

Hot path: `__call__` without hooks adds four look-ups of empty tables to `forward`, and `__getattr__` looks
into three.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Optional, TypeVar

from wengert import dtypes
from wengert.dtypes import DType
from wengert.functions.create import empty_like
from wengert.graph.changes import changes
from wengert.graph.record import ever, recorder
from wengert.nn.hooks import Hooks
from wengert.nn.parameter import Buffer, Parameter
from wengert.tensors.device import check_device, device as Device
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import Tensor

M = TypeVar("M", bound="Module")

_TABLES = ("_parameters", "_buffers", "_modules")


class Module(Hooks):
    """Base of every network and layer: subclass it, set parameters and submodules as attributes in `__init__` (after
    ``super().__init__()``), and define `forward`.

    training: whether dropout and the like are at work; `train()` and `eval()` set it here and below.
    """

    training: bool

    def __init__(self) -> None:
        own = self.__dict__
        own["training"] = True
        own["_parameters"] = {}
        own["_buffers"] = {}
        own["_non_persistent_buffers_set"] = set()
        own["_modules"] = {}
        for hooks in (
            "_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_hooks_with_kwargs",
            "_forward_hooks_always_called", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks",
            "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
        ):  # fmt: skip
            own[hooks] = OrderedDict()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What a call computes. Every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if ever.traced and recorder.trace is not None:
            recorder.trace.entered(self)
        own = self.__dict__
        try:
            hooked = own["_forward_pre_hooks"] or own["_forward_hooks"] or own["_backward_hooks"] or own["_backward_pre_hooks"]
        except KeyError as absent:
            return self.__getattr__(absent.args[0])  # raises, and says what was forgotten
        return self._call_with_hooks(args, kwargs) if hooked else self.forward(*args, **kwargs)

    # --- attributes ------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_modules" in own:
            for table in (own["_parameters"], own["_modules"], own["_buffers"]):
                if name in table:
                    return table[name]
        hint = "" if "_modules" in own else "; was super().__init__() called?"
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        changes.count += 1
        if isinstance(value, Parameter):
            self._make_room(name, "_parameters", "parameters")
            self.register_parameter(name, value)
        elif name in own.get("_parameters", ()):
            if value is not None:
                raise _not_assignable(value, "parameter", name, "Parameter or None")
            own["_parameters"][name] = None
        elif isinstance(value, Module):
            self._make_room(name, "_modules", "module")
            own["_modules"][name] = value
        elif name in own.get("_modules", ()):
            if value is not None:
                raise _not_assignable(value, "child module", name, "Module or None")
            own["_modules"][name] = None
        elif isinstance(value, Buffer):
            self._make_room(name, "_buffers", "buffer")
            self.register_buffer(name, value, value.persistent)
        elif name in own.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise _not_assignable(value, "buffer", name, "Buffer, Tensor or None")
            own["_buffers"][name] = value
        else:
            object.__setattr__(self, name, value)

    def _make_room(self, name: str, table: str, kind: str) -> None:
        """Take `name` out of everything but the table that it is going into."""
        own = self.__dict__
        if table not in own:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        own.pop(name, None)
        for other in _TABLES:
            if other != table:
                own[other].pop(name, None)
        own["_non_persistent_buffers_set"].discard(name)

    def __delattr__(self, name: str) -> None:
        own = self.__dict__
        changes.count += 1
        for table in _TABLES:
            if name in own.get(table, ()):
                del own[table][name]
                own["_non_persistent_buffers_set"].discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def register_parameter(self, name: str, param: Optional[Parameter]) -> None:
        """Add a parameter by name; None reserves the name.

        Raises: TypeError, KeyError for a name or value that cannot be one; ValueError for a computed tensor.
        """
        self._check_name(name, "parameter", "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise _not_registrable(param, "parameter", name, "Parameter or None")
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param
        changes.count += 1

    def register_buffer(self, name: str, tensor: Optional[Tensor], persistent: bool = True) -> None:
        """Add a tensor that is part of the state but not trained; `persistent`: whether `state_dict` has it.

        Raises: TypeError, KeyError for a name or value that cannot be one.
        """
        self._check_name(name, "buffer", "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise _not_registrable(tensor, "buffer", name, "Tensor or None")
        self._buffers[name] = tensor
        changes.count += 1
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Optional[Module]) -> None:
        """Add a submodule by name.

        Raises: TypeError, KeyError for a name or value that cannot be one.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name, "module", "_modules")
        self._modules[name] = module
        changes.count += 1

    def register_module(self, name: str, module: Optional[Module]) -> None:
        """Another name of `add_module`."""
        self.add_module(name, module)

    def _check_name(self, name: Any, kind: str, table: str) -> None:
        if table not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[table]:
            raise KeyError(f"attribute '{name}' already exists")

    # --- everything at once ----------------------------------------------------------------------------------------

    def train(self: M, mode: bool = True) -> M:
        """Set training mode here and below.

        Raises: ValueError unless mode is a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: M) -> M:
        """Set evaluation mode here and below: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Make every parameter collect a derivative, or cease to."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or fill it with zeros."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                parameter.grad.detach_().zero_()

    def apply(self: M, fn: Callable[[Module], None]) -> M:
        """Call `fn` on every module below and on this one, children first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self: M, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> M:
        """Replace the content of every parameter, gradient and buffer by what `fn` gives for it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is None:
                    continue
                grad, changed = parameter.grad, fn(parameter)
                if changed is not parameter:
                    parameter.grad = None
                    parameter.data = changed
                if grad is not None:
                    parameter.grad = fn(grad)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        changes.count += 1
        return self

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """Move and convert parameters and buffers: ``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or
        ``to(tensor)``. Only floating and complex ones take the dtype.

        Raises: TypeError unless the dtype is floating or complex; RuntimeError for a device that is not there.
        """
        wanted = _wanted_place(*args, **kwargs)
        if wanted is None:
            return self
        if not wanted.inexact:
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={wanted}")
        return self._apply(lambda t: _cast(t, wanted) if t.dtype.inexact else t)

    def type(self: M, dst_type: DType) -> M:
        """Convert every parameter and buffer, integers too."""
        return self._apply(lambda t: _cast(t, dst_type))

    def _convert_floating(self: M, dtype: DType) -> M:
        return self._apply(lambda t: _cast(t, dtype) if t.is_floating_point() else t)

    def float(self: M) -> M:
        """Convert floating parameters and buffers to float32."""
        return self._convert_floating(dtypes.float32)

    def double(self: M) -> M:
        """Convert floating parameters and buffers to float64."""
        return self._convert_floating(dtypes.float64)

    def half(self: M) -> M:
        """Convert floating parameters and buffers to float16."""
        return self._convert_floating(dtypes.float16)

    def bfloat16(self: M) -> M:
        """Convert floating parameters and buffers to bfloat16."""
        return self._convert_floating(dtypes.bfloat16)

    def cpu(self: M) -> M:
        """Move to the CPU, where everything is."""
        return self

    def cuda(self: M, device: Any = None) -> M:
        """Move to a GPU.

        Raises: RuntimeError: there is no such device yet.
        """
        return self.to(Device("cuda" if device is None else device))

    def to_empty(self: M, *, device: Any, recurse: bool = True) -> M:
        """Parameters and buffers of the same sizes and unspecified content, on a device."""
        check_device(device)
        return self._apply(empty_like, recurse=recurse)

    def share_memory(self: M) -> M:
        """Move parameters and buffers into memory that processes share."""
        return self._apply(lambda t: t.share_memory_())

    # --- printing --------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the brackets of this module's repr: its settings. Subclasses define it."""
        return ""

    def _get_name(self) -> str:
        return self.__class__.__name__

    def __repr__(self) -> str:
        children = [f"({name}): {indent(repr(module))}" for name, module in self._modules.items()]
        return bracketed(self._get_name(), self.extra_repr().splitlines(), children)


def bracketed(name: str, settings: list[str], children: list[str]) -> str:
    """name(settings), on one line when there is one setting and no children."""
    if not settings and not children:
        return f"{name}()"
    if len(settings) == 1 and not children:
        return f"{name}({settings[0]})"
    return "\n  ".join([f"{name}(", *settings, *children]) + "\n)"


def indent(text: str) -> str:
    """Every line but the first moved right by two."""
    return text.replace("\n", "\n  ")


def _cast(tensor: Tensor, dtype: DType) -> Tensor:
    return tensor if tensor.dtype is dtype else tensor.to(dtype)


def _wanted_place(
    *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False, memory_format: Any = None
) -> Optional[DType]:
    """The dtype that the arguments of `to` ask for; the device they ask for is checked."""
    for given in args:
        if isinstance(given, Tensor):
            device, dtype = given.device, given.dtype
        elif isinstance(given, DType):
            dtype = given
        elif isinstance(given, (str, int, Device)) and not isinstance(given, bool):
            device = given
        elif given is not None and not isinstance(given, bool):  # a bool is non_blocking
            raise TypeError(f"to: expected a device, a dtype or a Tensor; got {type(given).__name__}")
    check_device(device)
    if dtype is not None and not isinstance(dtype, DType):
        raise TypeError(f"to: dtype must be a dtype; got {dtype!r}")
    return dtype


def _not_assignable(value: Any, kind: str, name: str, wanted: str) -> TypeError:
    return TypeError(f"cannot assign '{type(value).__name__}' as {kind} '{name}' ({wanted} expected)")


def _not_registrable(value: Any, kind: str, name: str, wanted: str) -> TypeError:
    return TypeError(f"cannot assign '{type(value).__name__}' object to {kind} '{name}' ({wanted} required)")


def check_module(module: Any) -> Module:
    """A container's element.

    Raises: TypeError when it is no module.
    """
    if not isinstance(module, Module):
        raise TypeError(f"{type(module).__name__} is not a Module subclass")
    return module
