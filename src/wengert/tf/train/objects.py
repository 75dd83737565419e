"""What a checkpoint sees of a program's objects: a graph, whose nodes are objects and whose edges are attributes, positions
in lists and keys of dicts. Variables are its leaves.

Reading goes along the edges of a saved graph and of the present one at the same time, from the roots on, so that neither
names of variables nor the order of their creation matter, and a part of what was saved can be read into another program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from wengert.graph.record import record, tracking
from wengert.primitives.control import identity
from wengert.tensors.tensor import Tensor as Core, wrap
from wengert.tf.module import Module
from wengert.tf.ops.generators import Generator
from wengert.tf.tape import known_variable
from wengert.tf.variable import Variable

# How a name continues to the value of a variable, as in TensorFlow's checkpoints.
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


class Holder:
    """An object that names what belongs to a checkpoint by itself."""

    def parts(self) -> dict[str, Any]:
        """Its parts by name."""
        raise NotImplementedError


def is_leaf(value: Any) -> bool:
    """Whether it is a variable, or something else with a state of its own."""
    return isinstance(value, (Variable, Generator)) or (not isinstance(value, Core) and known_variable(value) is not None)


def is_tracked(value: Any) -> bool:
    """Whether checkpoints look into it. Lists and dicts count if anything in them does."""
    return is_leaf(value) or _is_object(value) or (is_container(value) and any(map(is_tracked, _parts_of(value).values())))


def _is_object(value: Any) -> bool:
    return isinstance(value, (Holder, Module)) or (bool(_of_keras()) and isinstance(value, _of_keras()))


def _of_keras() -> tuple[Any, ...]:
    """Keras's kinds of objects that have variables, where Keras is loaded."""
    if "keras" not in sys.modules:
        return ()
    from keras.src.random.seed_generator import SeedGenerator
    from keras.src.saving.keras_saveable import KerasSaveable

    return KerasSaveable, SeedGenerator


def is_container(value: Any) -> bool:
    """Whether it is a list, tuple or dict, which are what is in them."""
    return isinstance(value, (list, tuple, Mapping))


def _parts_of(value: Any) -> dict[str, Any]:
    """Everything in an object, list or dict, by name."""
    if isinstance(value, Holder):
        return value.parts()
    if isinstance(value, Mapping):
        return {str(key): part for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return {str(place): part for place, part in enumerate(value)}
    if hasattr(value, "_layers") and hasattr(value, "layers"):  # a model of Keras's, which makes these for itself when built
        return {**{name: part for name, part in vars(value).items() if name not in _MADE}, "layers": value.layers}
    return vars(value)


_MADE = frozenset(("_layers", "_functional", "_operations", "_operations_by_depth"))


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The tracked parts of an object, by name, in the order of names; a leaf has none."""
    if not is_leaf(value):
        for name, part in sorted(_parts_of(value).items()):
            if is_tracked(part):
                yield name, part


def value_of_leaf(leaf: Any) -> Core:
    """The present value of a leaf."""
    with tracking(False):
        found = leaf.state if isinstance(leaf, Generator) else _tensor_of(leaf)
        return wrap(record(identity, (found._read(),)))


def _tensor_of(variable: Any) -> Core:
    """The tensor that a variable's state is in."""
    found = variable if isinstance(variable, Core) else known_variable(variable)
    assert found is not None
    return found


def set_leaf(leaf: Any, value: Core) -> None:
    """Give a leaf a saved value.

    Raises: ValueError for another shape.
    """
    if isinstance(leaf, Generator):
        leaf.reset(value)
        return
    if tuple(leaf.shape) != tuple(value.shape):
        raise ValueError(
            f"Received incompatible tensor with shape {tuple(value.shape)} when attempting to restore variable with shape "
            f"{tuple(leaf.shape)} and name {leaf.name}."
        )
    here = _tensor_of(leaf).dtype
    leaf.assign(value if value.dtype is here else value.to(here))


class Found:
    """A node of the present graph: an object, the shortest path to it, and its parts by name."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path
        self.parts: dict[str, int] = {}

    @property
    def key(self) -> Optional[str]:
        """The name of its value, if it is a leaf."""
        return self.path + VALUE if is_leaf(self.value) else None


def walk(root: Any) -> list[Found]:
    """The nodes under a root, which comes first; each object once."""
    nodes, places = [Found(root, "")], {id(root): 0}
    for node in nodes:
        for name, part in parts(node.value):
            place = places.get(id(part))
            if place is None:
                place = places[id(part)] = len(nodes)
                nodes.append(Found(part, f"{node.path}/{name}" if node.path else name))
            node.parts[name] = place
    return nodes


def described(nodes: list[Found]) -> list[dict[str, Any]]:
    """The graph as it is saved: for each node its parts, and the name of its value."""
    return [{"parts": node.parts, **({"value": node.key} if node.key else {})} for node in nodes]
