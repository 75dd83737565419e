"""Elements of a data set: structures of components. Tuples, named tuples and dicts are taken apart; a list is one tensor.

A component travels through a pipeline as a NumPy array, or as a tensor that a user's function gave and that nobody has
asked for yet, or as a pipeline (a window). `as_array`, `as_tensor` turn one into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wengert import dtypes
from wengert.graph.node import array_type
from wengert.graph.record import literal
from wengert.runtime.flush import value_of
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf.shape import TensorShape
from wengert.tf.tensor import shown
from wengert.tf.values import fresh

Array = np.ndarray[Any, Any]


def nested(structure: Any) -> bool:
    """Whether it is taken apart."""
    return isinstance(structure, (tuple, Mapping)) and not isinstance(structure, TensorShape)


def flatten(structure: Any) -> list[Any]:
    """The components, in order; those of a dict by its keys in their order.

    >>> flatten({"b": 1, "a": (2, [3, 4])})
    [2, [3, 4], 1]
    """
    if not nested(structure):
        return [structure]
    parts = [structure[key] for key in sorted(structure)] if isinstance(structure, Mapping) else structure
    return [leaf for part in parts for leaf in flatten(part)]


def pack(structure: Any, leaves: list[Any]) -> Any:
    """The components in the form of `structure`: the inverse of `flatten`."""
    return _packed(structure, iter(leaves))


def _packed(structure: Any, leaves: Any) -> Any:
    if not nested(structure):
        return next(leaves)
    if isinstance(structure, Mapping):
        made = {key: _packed(structure[key], leaves) for key in sorted(structure)}
        return {key: made[key] for key in structure}
    parts = [_packed(part, leaves) for part in structure]
    return type(structure)(*parts) if hasattr(structure, "_fields") else type(structure)(parts)


def map_structure(function: Callable[[Any], Any], structure: Any) -> Any:
    """`function` of each component, in the same form."""
    if structure.__class__ is tuple:
        return tuple([map_structure(function, part) if nested(part) else function(part) for part in structure])
    return pack(structure, [function(leaf) for leaf in flatten(structure)]) if nested(structure) else function(structure)


def same_form(one: Any, other: Any) -> bool:
    """Whether two structures have their components at the same places."""
    if nested(one) != nested(other):
        return False
    if not nested(one):
        return True
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        if not (isinstance(one, Mapping) and isinstance(other, Mapping)) or set(one) != set(other):
            return False
        return all([same_form(one[key], other[key]) for key in one])
    return len(one) == len(other) and all(map(same_form, one, other))


def as_array(leaf: Any) -> Array:
    """A component's value, not to be written to."""
    if isinstance(leaf, Core):
        return value_of(leaf._current())
    return np.asarray(leaf)


def as_tensor(leaf: Any) -> Any:
    """A component as the tensor that a program sees."""
    if isinstance(leaf, Core):
        return shown(leaf)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return shown(wrap(literal(np.asarray(leaf), array_type(leaf.shape, dtype_of(leaf)))))
    return leaf.shown_as(leaf) if hasattr(leaf, "pipeline_elements") else leaf


def component(value: Any) -> Any:
    """What a user gave for a component (a number, a list, an array, a tensor), as a pipeline carries it.

    Raises: ValueError, TypeError for what is no tensor.
    """
    if value is None or hasattr(value, "pipeline_elements"):
        return value
    if isinstance(value, Core):
        return value
    stage = getattr(value, "_stage", None)
    return fresh(value) if stage is None else stage


def dtype_of(leaf: Any) -> Any:
    """The dtype of an array or tensor."""
    return leaf.dtype if isinstance(leaf, Core) else dtypes.from_numpy(leaf.dtype)


def own_array(value: Any) -> Array:
    """A copy of what a user gave as a tensor, so that nobody changes it later."""
    return np.array(value_of(fresh(value)._current())) if isinstance(value, Core) else value_of(fresh(value)._current())
