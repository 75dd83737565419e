"""Modules as functions of their parameters: functional_call, stack_module_state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Optional, Union

from wengert.graph.rule import primitives
from wengert.tensors.tensor import Tensor, wrap

# Modules belong to a higher layer; what is needed of them here is _parameters, _buffers and _modules, as in PyTorch.
Module = Any
Dicts = Union[Mapping[str, Tensor], Sequence[Mapping[str, Tensor]]]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Dicts,
    args: Any = None,
    kwargs: Optional[dict[str, Any]] = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with the given tensors in the place of its parameters and buffers, by name.

    parameter_and_buffer_dicts: one dict, or several whose keys are disjoint. What the module assigns to these names
        during the call is put into the dict.
    args: the positional arguments: a tuple of them, or the only one.
    tie_weights: a tensor given for one of several names of the same parameter stands for all of them.
    strict: every parameter and buffer must be given, and nothing else; otherwise names that the module does not have are
        passed over, as in PyTorch.

    Raises: ValueError for a name in two dicts or two tensors for tied weights; RuntimeError for missing or unexpected
    names with `strict`; TypeError for what is no tensor.
    """
    places = _places(module)
    tensors = _checked(module, _merged(parameter_and_buffer_dicts), places, strict)
    given = _with_tied(tensors, places) if tie_weights else tensors
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(places, given):
        result = module(*arguments, **(kwargs or {}))
        now = {name: places[name][0][places[name][1]] for name in tensors}
    if isinstance(parameter_and_buffer_dicts, dict):
        for name, value in now.items():
            if value is not tensors[name]:
                parameter_and_buffer_dicts[name] = value
    return result


# name -> (the dict that holds it, its key there)
Places = dict[str, tuple[dict[str, Any], str]]


def _places(module: Module) -> Places:
    found: Places = {}
    for prefix, part in _modules_with_all_names(module):
        for table in (part._parameters, part._buffers):
            for key in table:
                found[f"{prefix}{key}"] = (table, key)
    return found


def _modules_with_all_names(module: Module) -> Iterator[tuple[str, Module]]:
    """Every module below with its prefix; one that is reached by two names comes twice."""
    stack: list[tuple[str, Module]] = [("", module)]
    while stack:
        prefix, part = stack.pop()
        yield prefix, part
        stack.extend([(f"{prefix}{key}.", child) for key, child in part._modules.items() if child is not None])


def _merged(dicts: Dicts) -> dict[str, Tensor]:
    if isinstance(dicts, Mapping):
        return dict(dicts)
    if not isinstance(dicts, Sequence) or not all(isinstance(d, Mapping) for d in dicts):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    merged: dict[str, Tensor] = {}
    for part in dicts:
        twice = sorted(set(part) & set(merged))
        if twice:
            raise ValueError(f"{twice} appears in multiple dictionaries; give every parameter and buffer once")
        merged.update(part)
    return merged


def _checked(module: Module, tensors: dict[str, Tensor], places: Places, strict: bool) -> dict[str, Tensor]:
    """The tensors for which the module has a place."""
    unexpected = [name for name in tensors if name not in places]
    missing = [name for name, (table, key) in places.items() if table[key] is not None and name not in tensors]
    if strict and (unexpected or missing):
        raise RuntimeError(
            f"Error(s) in loading for {type(module).__name__}: unexpected key(s): {unexpected}; missing key(s): {missing}."
        )
    for name, value in tensors.items():
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"functional_call: {value!r} is not an instance of Tensor, for {name}")
    return {name: value for name, value in tensors.items() if name in places}


def _with_tied(tensors: Mapping[str, Tensor], places: Places) -> dict[str, Tensor]:
    """The same tensor for every name of a parameter that has several."""
    groups: dict[int, list[str]] = {}
    for name, (table, key) in places.items():
        if table[key] is not None:
            groups.setdefault(id(table[key]), []).append(name)
    given = dict(tensors)
    for names in groups.values():
        values = [tensors[name] for name in names if name in tensors]
        if any([value is not values[0] for value in values]):
            raise ValueError(
                f"functional_call got different values for {names}, which are tied. Give one of them, or the same tensor for "
                "all, or set tie_weights=False"
            )
        given.update({name: values[0] for name in names if values})
    return given


@contextmanager
def _swapped(places: Places, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    before = {name: places[name][0][places[name][1]] for name in tensors}
    try:
        for name, value in tensors.items():
            table, key = places[name]
            table[key] = value
        yield
    finally:
        for name, value in before.items():
            table, key = places[name]
            table[key] = value


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Make every batch norm in `root` forget its running statistics and use the batch's: what vmap over a module wants,
    since an update of statistics from outside is an error there. Returns root."""
    for _, part in _modules_with_all_names(root):
        if any(["BatchNorm" in kind.__name__ for kind in type(part).__mro__]):
            part.track_running_stats = False
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                if name in part._buffers:
                    part._buffers[name] = None
    return root


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) of several modules of one class, each stacked along a new first dimension: what vmap over
    `functional_call` takes for an ensemble. The stacked parameters are leaves.

    Raises: RuntimeError when there are none, of several classes, or some in training and some not.
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or not any(m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if not all(type(m) is type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = _stacked([dict(m.named_parameters()) for m in models])
    buffers = _stacked([dict(m.named_buffers()) for m in models])
    return parameters, buffers


def _stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: _stack([state[name] for state in states]) for name in states[0]}


def _stack(tensors: list[Tensor]) -> Tensor:
    """Stacked, and a leaf where the tensors are leaves that require grad."""
    kinds = {x.requires_grad for x in tensors}
    if len(kinds) > 1:
        raise RuntimeError("Expected constituent tensors to all require grad, or none of them")
    leaves = all(x.is_leaf for x in tensors)
    rows = [(x.detach() if leaves else x)._read() for x in tensors]
    stacked = wrap(primitives.concatenate(*[primitives.reshape(r, shape=(1, *r.shape)) for r in rows], axis=0))
    return stacked.requires_grad_(kinds.pop()) if leaves else stacked
