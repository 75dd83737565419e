"""Pruning parameters of modules, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional

import numpy as np

from wengert.nn.module import Module
from wengert.nn.utils.prune.choices import (
    Amount,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
)
from wengert.nn.utils.prune.method import BasePruningMethod, PruningContainer, is_for, tensor_of
from wengert.tensors.tensor import Tensor


def identity(module: Module, name: str) -> Module:
    """Give `module.name` a mask of ones."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Amount) -> Module:
    """Prune elements of `module.name` at random. `amount`: how many, or which share."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: Amount, importance_scores: Optional[Tensor] = None) -> Module:
    """Prune the elements of `module.name` of the smallest absolute value, or score. `amount`: how many, or which share."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Amount, dim: int) -> Module:
    """Prune slices of `module.name` along `dim` at random. `amount`: how many, or which share."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: Amount, n: Any, dim: int, importance_scores: Optional[Tensor] = None
) -> Module:
    """Prune the slices of `module.name` along `dim` with the smallest norm of order n. `amount`: how many, or which
    share."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune `module.name` where the mask is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Optional[dict[tuple[Module, str], Tensor]] = None,
    **kwargs: Any,
) -> None:
    """Prune elements of many parameters as if they were one: (module, name) each.

    Raises: TypeError when parameters are no iterable of pairs, and for a method that is not unstructured.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    places = list(parameters)
    if pruning_method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {pruning_method.PRUNING_TYPE}"
        )
    values = [np.array(scores.get(at, getattr(*at))._array()) for at in places]
    masks = []
    for (module, name), value in zip(places, values):
        mask = getattr(module, f"{name}_mask", None)
        masks.append(np.ones_like(value) if mask is None else np.array(mask._array()))
    everything = tensor_of(np.concatenate([value.reshape(-1) for value in values]))
    method: Any = pruning_method(**kwargs)
    method._tensor_name = "temp"
    container = PruningContainer(method)
    before = tensor_of(np.concatenate([mask.reshape(-1) for mask in masks]))
    final = np.array(container.compute_mask(everything, before)._array())
    start = 0
    for (module, name), value in zip(places, values):
        part = final[start : start + value.size].reshape(value.shape)
        start += value.size
        custom_from_mask(module, name, tensor_of(part))


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter an ordinary one, with its zeros.

    Raises: ValueError when it is not pruned.
    """
    for key, hook in module._forward_pre_hooks.items():
        if is_for(hook, name):
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Whether any parameter of the module or below is pruned."""
    return any([isinstance(hook, BasePruningMethod) for m in module.modules() for hook in m._forward_pre_hooks.values()])
