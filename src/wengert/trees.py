"""Nested structures of values: tuples, named tuples, lists and dicts with leaves in them."""

from __future__ import annotations

from typing import Any, NamedTuple


class Structure(NamedTuple):
    """How a flat list of leaves folds back: the container's type, its keys or length, and its children."""

    kind: Any
    keys: Any
    children: tuple[Any, ...]


LEAF = Structure(None, None, ())


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves in order (dict values in insertion order), and the structure that `unflatten` takes."""
    if isinstance(tree, dict):
        keys, values = tuple(tree), list(tree.values())
    elif isinstance(tree, (tuple, list)):
        keys, values = None, list(tree)
    else:
        return [tree], LEAF
    leaves: list[Any] = []
    children = []
    for value in values:
        below, structure = flatten(value)
        leaves += below
        children.append(structure)
    return leaves, Structure(type(tree), keys, tuple(children))


def unflatten(leaves: list[Any], structure: Structure) -> Any:
    """The inverse of `flatten`."""
    result, used = _take(leaves, 0, structure)
    if used != len(leaves):
        raise ValueError(f"unflatten: the structure takes {used} leaves, got {len(leaves)}")
    return result


def _take(leaves: list[Any], start: int, structure: Structure) -> tuple[Any, int]:
    if structure.kind is None:
        return leaves[start], start + 1
    values = []
    for child in structure.children:
        value, start = _take(leaves, start, child)
        values.append(value)
    if structure.keys is not None:
        pairs = zip(structure.keys, values)
        return (dict(pairs) if structure.kind is dict else structure.kind(pairs)), start
    if hasattr(structure.kind, "_fields"):
        return structure.kind(*values), start
    return structure.kind(values), start
