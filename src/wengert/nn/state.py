"""A module's state as a flat dictionary, out and back in: the part of `Module` that checkpoints are made of.

Names are those of `Tree`; a non-persistent buffer is left out; a module with other state to keep defines
`get_extra_state` and `set_extra_state`, kept under ``<path>._extra_state``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, NamedTuple, Optional

from wengert.nn.parameter import Parameter
from wengert.nn.tree import Tree
from wengert.tensors.modes import no_grad
from wengert.tensors.tensor import RemovableHandle, Tensor

_EXTRA = "_extra_state"

hook_number = count(1).__next__


class _IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found missing in the given dictionary, and what it had no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class State(Tree):
    """state_dict and load_state_dict, with their hooks."""

    _version: int = 1

    _state_dict_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    # --- out -------------------------------------------------------------------------------------------------------

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Every parameter and persistent buffer by name, in an OrderedDict whose `_metadata` has each module's version.

        The tensors share the module's memory, without history; with `keep_vars` they are the module's own.
        """
        given: Any = (*args, *(destination, prefix, keep_vars)[len(args) :])  # by position too, as in old programs
        destination, prefix, keep_vars = given
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            answer = hook(self, destination, prefix, local_metadata)
            if answer is not None:
                destination = answer
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put this module's own state into `destination`. Overridden by modules that save differently."""
        for name, member in self._own_state().items():
            destination[prefix + name] = member if keep_vars else member.detach()
        if _overrides(self, "get_extra_state"):
            destination[prefix + _EXTRA] = self.get_extra_state()

    def _own_state(self) -> dict[str, Tensor]:
        """Parameters and persistent buffers of this module alone."""
        state: dict[str, Tensor] = {name: p for name, p in self._parameters.items() if p is not None}
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                state[name] = buffer
        return state

    def get_extra_state(self) -> Any:
        """What a module keeps beside tensors; define it together with `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} keeps no extra state: it does not define get_extra_state()")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise RuntimeError(
            f"{type(self).__name__} cannot take an extra state: it does not define set_extra_state(). Do so, or load "
            "with strict=False."
        )

    # --- in --------------------------------------------------------------------------------------------------------

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy a state into the parameters and buffers of this module and all below it.

        strict: missing and unexpected names are errors. assign: take the given tensors themselves instead of copying.
        Returns a named tuple: missing_keys, unexpected_keys.

        Raises: RuntimeError that lists everything that does not fit; TypeError when state_dict is no mapping.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        given = OrderedDict(state_dict)
        if metadata is not None:
            given._metadata = metadata
        _load(self, given, "", metadata or {}, True, assign, missing, unexpected, errors)  # strict: tell what is missing
        if strict:
            if unexpected:
                errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
            if missing:
                errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take this module's own state from `state_dict`, and note in the lists what does not fit. Overridden by
        modules that load old versions of themselves (`local_metadata["version"]`)."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._own_state()
        assign = bool(local_metadata.get("assign_to_params_buffers", False))
        for name, member in own.items():
            key = prefix + name
            if key in state_dict:
                problem = self._take(name, member, key, state_dict[key], assign)
                if problem:
                    error_msgs.append(problem)
            elif strict:
                missing_keys.append(key)
        self._take_extra_state(state_dict, prefix + _EXTRA, strict, missing_keys, unexpected_keys)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != prefix + _EXTRA:
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in (self._modules if dot else own):
                        unexpected_keys.append(key)

    def _take(self, name: str, member: Tensor, key: str, given: Any, assign: bool) -> Optional[str]:
        """Put one given tensor in place of a member's content; the complaint when it cannot be."""
        if not isinstance(given, Tensor):
            return (
                f'While copying the parameter named "{key}", expected Tensor or Tensor-like object from checkpoint but '
                f"received {type(given)}"
            )
        if member.ndim == 0 and tuple(given.shape) == (1,):  # scalars of checkpoints from before PyTorch 0.4
            given = given[0]
        if given.shape != member.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                f"current model is {member.shape}."
            )
        try:
            with no_grad():
                if not assign:
                    member.copy_(given)
                elif isinstance(member, Parameter) and not isinstance(given, Parameter):
                    setattr(self, name, Parameter(given, requires_grad=member.requires_grad))
                else:
                    setattr(self, name, given)
        except (RuntimeError, TypeError, ValueError) as error:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are {member.shape} and '
                f"whose dimensions in the checkpoint are {given.shape}, an exception occurred: {error}."
            )
        return None

    def _take_extra_state(
        self, state_dict: dict[str, Any], key: str, strict: bool, missing: list[str], unexpected: list[str]
    ) -> None:
        if _overrides(self, "set_extra_state"):
            if key in state_dict:
                self.set_extra_state(state_dict[key])
            elif strict:
                missing.append(key)
        elif strict and key in state_dict:
            unexpected.append(key)

    # --- hooks -----------------------------------------------------------------------------------------------------

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` collects this module's state."""
        return add_hook(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` once `state_dict` has this module's state.

        Raises: RuntimeError when the hook returns something: it is to change the dictionary it gets.
        """

        def checked(module: Any, *args: Any) -> None:
            if hook(module, *args) is not None:
                raise RuntimeError("state_dict post-hook must return None")

        return add_hook(self._state_dict_hooks, checked)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As `register_state_dict_post_hook`, but what the hook returns, if not None, takes the dictionary's place."""
        return add_hook(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`
        before this module takes its state."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        return add_hook(self._load_state_dict_pre_hooks, _Bound(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after this module and all below it took their state. The hook may
        change the two lists."""
        return add_hook(self._load_state_dict_post_hooks, hook)


class _Bound:
    """A hook with the module as its first argument. (A method of the module would do, but for `deepcopy`, which has to
    tie the copy's hook to the copy.)"""

    def __init__(self, hook: Callable[..., Any], module: Any) -> None:
        self.hook = hook
        self.module = module

    def __call__(self, *args: Any) -> Any:
        return self.hook(self.module, *args)


def add_hook(hooks: Any, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
    """Put a hook at the end (or the front) of an ordered table of them."""
    key = hook_number()
    hooks[key] = hook
    if prepend:
        hooks.move_to_end(key, last=False)
    return RemovableHandle(hooks, key)


def _load(
    module: Any,
    state_dict: Any,
    prefix: str,
    metadata: Mapping[str, Any],
    strict: bool,
    assign: bool,
    missing: list[str],
    unexpected: list[str],
    errors: list[str],
) -> None:
    """One module's own state, then its submodules' from the keys that begin with their path."""
    local = dict(metadata.get(prefix[:-1], {}))
    if assign:
        local["assign_to_params_buffers"] = True
    module._load_from_state_dict(state_dict, prefix, local, strict, missing, unexpected, errors)
    for name, child in module._modules.items():
        if child is not None:
            below = f"{prefix}{name}."
            part = OrderedDict((key, value) for key, value in state_dict.items() if key.startswith(below))
            _load(child, part, below, metadata, strict, assign, missing, unexpected, errors)
    keys = _IncompatibleKeys(missing, unexpected)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, keys) is not None:
            raise RuntimeError(
                "Hooks registered with register_load_state_dict_post_hook should not return anything; they change the "
                "keys they are given in place."
            )


def _overrides(module: State, method: str) -> bool:
    return getattr(type(module), method) is not getattr(State, method)


def _quoted(keys: list[str]) -> str:
    return ", ".join([f'"{key}"' for key in keys])
