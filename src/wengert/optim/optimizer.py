"""Optimizer: what every method shares. Groups of parameters with their options, the state of each parameter, saving and
loading, hooks, and the flush with which a step ends, so that forward, backward and update run as one graph.

A method of its own needs a `step`; see sgd.py, or write tensors' in-place operations under `no_grad`, as in PyTorch.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Optional
from weakref import ref

from numpy import ndarray

from wengert.graph.changes import changes
from wengert.graph.record import Listener, ever, literal, noting_writes, recorder, tracking
from wengert.graph.rule import zeros_of
from wengert.optim.update import stored
from wengert.runtime.beside import land
from wengert.runtime.flush import flush
from wengert.tensors.tensor import RemovableHandle, Tensor, write


class _Required:
    """The type of `required`."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()  # as a default: every group must say it for itself

_next_hook = itertools.count(1).__next__
_global_before: dict[int, Any] = {}
_global_after: dict[int, Any] = {}


def _register(hooks: dict[int, Any], hook: Any, first: bool = False) -> RemovableHandle:
    key = _next_hook()
    later = dict(hooks) if first else {}
    for known in later:
        del hooks[known]
    hooks[key] = hook
    hooks.update(later)
    return RemovableHandle(hooks, key)


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer."""
    return _register(_global_before, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer."""
    return _register(_global_after, hook)


class Optimizer:
    """Base of all methods.

    Args:
        params: tensors, (name, tensor) pairs, or dicts: groups with options of their own.
        defaults: options for groups that do not say otherwise.

    Attributes: `param_groups`, a list of dicts with "params" and the options; `state`, what the method remembers of
    each parameter; `defaults`.

    Raises: TypeError when `params` is one tensor, or holds something else than tensors; ValueError when it is empty,
    names a parameter in two groups, or one that is not a leaf.
    """

    _inside_step = False
    _steps_taken = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = _around(vars(cls)["step"])  # type: ignore[method-assign]

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got one Tensor; "
                "did you mean [tensor] or model.parameters()?"
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": params if isinstance(params, (set, frozenset)) else groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        self._before: dict[int, Any] = {}
        self._after: dict[int, Any] = {}
        self._saving: dict[int, Any] = {}
        self._saved: dict[int, Any] = {}
        self._loading: dict[int, Any] = {}
        self._loaded: dict[int, Any] = {}

    # --- groups ----------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take care of more parameters: a dict with "params" and whatever options differ from the defaults.

        Raises: as the constructor.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        if "params" not in param_group:
            raise KeyError("params")
        params, names = _listed(param_group["params"])
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}")
            if not (self.defaults.get("differentiable") or param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor; optimize the parameter it was computed from")
        group = {**param_group, "params": params}
        if names is not None:
            group["param_names"] = names
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            group.setdefault(name, default)
        self._check_membership(group)
        self.param_groups.append(group)
        changes.count += 1

    def _check_membership(self, group: dict[str, Any]) -> None:
        """Each parameter once, and all groups either with names or without."""
        if len(set(group["params"])) < len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters, which are updated twice in every "
                "step; in future, this will cause an error",
                stacklevel=5,
            )
        known = {param for other in self.param_groups for param in other["params"]}
        if not known.isdisjoint(group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        named = "param_names" in group
        if self.param_groups and named != ("param_names" in self.param_groups[0]):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if named else 'without'} names to the optimizer"
            )

    # --- a step ----------------------------------------------------------------------------------------------------

    def step(self, closure: Optional[Callable[[], Any]] = None) -> Any:
        """Update every parameter that has a gradient.

        closure: computes the loss anew and calls backward; its result is returned.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step(); a method must define one")

    def _count_step(self) -> None:
        """For schedulers, which want to come after a step."""
        self._steps_taken += 1

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; or, unless `set_to_none`, fill them with zeros in place."""
        plain = set_to_none and not ever.traced
        for group in self.param_groups:
            for param in group["params"]:
                if plain:
                    param._grad = None
                elif set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    _fill_with_zeros(param.grad)

    # --- saving ----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The state and the options, with parameters numbered in the order in which they were given:
        ``{"state": {number: {...}}, "param_groups": [{..., "params": [numbers]}]}``.

        Tensors are not copied; deepcopy or save the result to keep it as it is.
        """
        for hook in list(self._saving.values()):
            hook(self)
        number: dict[Any, int] = {}
        for group in self.param_groups:
            for param in group["params"]:
                number.setdefault(param, len(number))
        groups = [{name: value for name, value in g.items() if name != "params"} for g in self.param_groups]
        for group, packed in zip(self.param_groups, groups):
            packed["params"] = [number[param] for param in group["params"]]
        state = {number[key] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._saved.values()):
            answer = hook(self, result)
            result = result if answer is None else answer
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, of this optimizer or another with the same groups. State tensors are
        copied, in the dtype of their parameter.

        Raises: ValueError when the number of groups, or of parameters in one of them, differs.
        """
        given = dict(state_dict)
        for hook in list(self._loading.values()):
            answer = hook(self, given)
            given = given if answer is None else answer
        saved = [{name: deepcopy(value) for name, value in group.items()} for group in given["param_groups"]]
        param_of = self._matched(saved)
        state: defaultdict[Any, Any] = defaultdict(dict)
        with tracking(False):
            for key, value in given["state"].items():
                param = param_of.get(key)
                state[key if param is None else param] = value if param is None else stored(value, param)
        self.__setstate__({"state": state, "param_groups": saved})
        flush()
        for hook in list(self._loaded.values()):
            hook(self)

    def _matched(self, saved: list[dict[str, Any]]) -> dict[Any, Tensor]:
        """Give saved groups the parameters of this optimizer's groups; which parameter each number stood for.

        Raises: ValueError when the groups don't match.
        """
        if len(saved) != len(self.param_groups):
            raise ValueError(
                f"loaded state dict has a different number of parameter groups: {len(saved)}, but the optimizer has "
                f"{len(self.param_groups)}"
            )
        param_of: dict[Any, Tensor] = {}
        for theirs, ours in zip(saved, self.param_groups):
            if len(theirs["params"]) != len(ours["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"{len(theirs['params'])} parameters, but the optimizer's has {len(ours['params'])}"
                )
            param_of.update(zip(theirs["params"], ours["params"]))
            theirs["params"] = ours["params"]
            theirs.pop("param_names", None)
            if "param_names" in ours:
                theirs["param_names"] = ours["param_names"]
        return param_of

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        changes.count += 1
        if "_before" not in self.__dict__:
            self._make_hooks()
        for group in self.param_groups:  # options that came after the state was saved
            for name, default in self.defaults.items():
                if default is not required:
                    group.setdefault(name, default)

    # --- hooks -----------------------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before every step; a pair that it returns replaces args and kwargs."""
        return _register(self._before, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        return _register(self._after, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict` collects anything."""
        return _register(self._saving, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what `state_dict` found; what it returns, if not None, replaces it."""
        return _register(self._saved, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before loading; what it returns, if not None, is loaded instead."""
        return _register(self._loading, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after loading."""
        return _register(self._loaded, hook, prepend)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for number, group in enumerate(self.param_groups):
            options = "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
            text += f"\nParameter Group {number}\n{options}"
        return text + ")"


def _listed(params: Any) -> tuple[list[Any], Optional[list[str]]]:
    """The parameters of a group as a list, and their names if they came with names."""
    if isinstance(params, Tensor):
        return [params], None
    if isinstance(params, (set, frozenset)):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    listed = list(params)
    with_names = [isinstance(param, tuple) for param in listed]
    if not any(with_names):
        return listed, None
    if not all(with_names):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return [param for _, param in listed], [name for name, _ in listed]


def _fill_with_zeros(grad: Tensor) -> None:
    if grad.requires_grad:
        if grad.is_leaf:
            grad.requires_grad_(False)
        else:
            grad.detach_()
    with tracking(False):
        write(grad, zeros_of(grad._node.type))


def _around(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step with the hooks before and after it, and the flush at its end. Once, also where a subclass calls
    ``super().step()``."""

    @functools.wraps(step)
    def whole(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._inside_step:
            return step(self, *args, **kwargs)
        self._inside_step = True
        try:
            if self._before or _global_before:
                args, kwargs = _ask(self, args, kwargs)
            with noting_writes() as written:
                if recorder.trace is None:
                    result = step(self, *args, **kwargs)
                else:
                    with _listening(self, recorder.trace):
                        result = step(self, *args, **kwargs)
            if self._after or _global_after:
                for hook in (*self._after.values(), *_global_after.values()):
                    hook(self, args, kwargs)
        finally:
            self._inside_step = False
        before: list[Any] = []

        def landed() -> None:
            before.extend(_contents(written))
            written.clear()

        if recorder.trace is not None:
            land()
        try:
            flush(beside=True, landed=landed)
        except BaseException:
            _take_back(before)
            raise
        self._count_step()
        return result

    return whole


def _contents(written: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any, Any]]:
    """The old contents of what was written; weak where the new one is pending: a flush reads off reference counts what it
    may write over."""
    return [
        (cell, ref(node.value), node.type)
        if cell.node.value is None and node.value.__class__ is ndarray
        else (cell, node, None)
        for cell, node in written
    ]


@contextmanager
def _listening(optimizer: Optimizer, trace: Listener) -> Iterator[None]:
    """In a function that is traced for `compile`: the numbers that this step reads are asked for anew by every replay."""
    trace.steps(optimizer)
    before = _entries(optimizer)
    with trace.runtime_numbers([*optimizer.param_groups, *optimizer.state.values()]):
        yield
    if _entries(optimizer) != before:
        trace.begins()
    trace.repeat(optimizer._count_step)


def _entries(optimizer: Optimizer) -> int:
    """How many things the optimizer remembers of all parameters."""
    return sum([len(known) if isinstance(known, dict) else 1 for known in optimizer.state.values()])


def _take_back(before: list[tuple[Any, Any, Any]]) -> None:
    """Something that a step depends on can't be computed (an index out of range, found as it ran): undo the writes, so
    that parameters and state stay what they were. The nodes that could not run hold on to the old values."""
    if any([type is not None and cell.node.value is not None for cell, _, type in before]):
        return  # it was computed, perhaps in the memory of the old values: Ctrl-C came afterwards
    for cell, old, type in reversed(before):
        value = old if type is None else old()
        if value is not None:
            cell.overwrite(value if type is None else literal(value, type), silent=True)


def _ask(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments after the hooks before a step."""
    for hook in (*_global_before.values(), *optimizer._before.values()):
        answer = hook(optimizer, args, kwargs)
        if answer is not None:
            if not (isinstance(answer, tuple) and len(answer) == 2):
                raise RuntimeError(f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {answer}.")
            args, kwargs = answer
    return args, kwargs
