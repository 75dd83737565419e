"""Guards of modules, optimizers and hooks: whether those that a trace came across are still as they were.

Modules and hooks are only looked at again after a change somewhere (`graph/changes.py`). The dicts of an optimizer are
plain dicts, in which programs write as they please, so their content is looked at before each call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, compress
from operator import is_
from typing import Any, Optional

from wengert.compiler.guards import same
from wengert.compiler.places import absent
from wengert.graph.changes import changes


class Owners:
    """The modules that a trace has called, the optimizers that took a step, and what watches the tensors that it saw."""

    def __init__(self, modules: list[Any], optimizers: list[Any], watches: list[Any]) -> None:
        self.modules = modules
        self.optimizers = [Contents(optimizer) for optimizer in optimizers]
        self.watches = watches
        self.seen = self._look()
        self.count = changes.count

    def _look(self) -> list[dict[str, Any]]:
        found = [state_of(vars(module)) for module in self.modules]
        found += [hooks_in(vars(contents.optimizer)) for contents in self.optimizers]
        return found + [hooks_on(watch) for watch in self.watches]

    def hold(self) -> bool:
        """Whether all of them are still as they were. Hot."""
        for contents in self.optimizers:
            if not contents.hold():
                return False
        count = changes.count
        if count == self.count:
            return True
        if not all(map(_matches, self._look(), self.seen)):
            return False
        self.count = count
        return True


class Contents:
    """The groups of an optimizer, their options and parameters, and its state. Numbers are not among them: a replay asks for
    them anew."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        state, groups = self.state, self.groups = optimizer.state, optimizer.param_groups
        lists = [groups, *[group["params"] for group in groups]]
        dicts = [state, *groups, *[known for known in state.values() if isinstance(known, dict)]]
        self.tables = [*lists, *dicts]
        self.sizes = list(map(len, self.tables))
        self.reads = [state.__iter__, *[found.__iter__ for found in lists], *[found.values for found in dicts]]
        things = list(self._things())
        self.mask = [thing.__class__ not in (int, float, tuple) for thing in things]
        self.kept = list(compress(things, self.mask))

    def _things(self) -> Iterator[Any]:
        return chain.from_iterable([read() for read in self.reads])

    def hold(self) -> bool:
        """Whether everything is still there, and nothing else. Hot: 30 nanoseconds for each thing."""
        optimizer = self.optimizer
        return (
            optimizer.state is self.state
            and optimizer.param_groups is self.groups
            and list(map(len, self.tables)) == self.sizes
            and all(map(is_, compress(self._things(), self.mask), self.kept))
        )


def state_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """What matters of a module: attributes, parameters, buffers, submodules, and which hooks there are."""
    state = {}
    for name, value in attributes.items():
        if name in ("_parameters", "_buffers", "_modules"):
            state.update({f"{name}.{key}": inner for key, inner in value.items()})
        elif not (name.startswith("_") and isinstance(value, dict)):
            state[name] = value
    return {**state, **hooks_in(attributes)}


def hooks_in(attributes: dict[str, Any]) -> dict[str, Any]:
    """The keys of an object's tables of hooks."""
    return {
        name: tuple(value)
        for name, value in attributes.items()
        if name.startswith("_") and isinstance(value, dict) and name not in _CONTENT
    }


_CONTENT = frozenset(("_parameters", "_buffers", "_modules"))


def hooks_on(watch: Any) -> dict[str, Any]:
    """The keys of the hooks on a tensor."""
    return {"before": tuple(watch.before), "after": tuple(watch.after), "after_rule": tuple(watch.after_rule)}


def _matches(now: dict[str, Any], before: dict[str, Any]) -> bool:
    return now.keys() == before.keys() and all(
        [same(value, now[name]) or (isinstance(value, tuple) and value == now[name]) for name, value in before.items()]
    )


def changed_attribute(now: dict[str, Any], before: dict[str, Any]) -> Optional[str]:
    """The name of an attribute of a module that is not what it was."""
    names = [name for name in {**before, **now} if not same(before.get(name, absent), now.get(name, absent))]
    return names[0] if names else None


def watches_of(tensors: Sequence[Any]) -> list[Any]:
    """What watches these tensors."""
    found = [tensor._link.watch for tensor in tensors if tensor._link is not None and tensor._link.watch is not None]
    return list({id(watch): watch for watch in found}.values())


def has_hooks(watch: Any) -> bool:
    """Whether anything but the tensor itself waits for the cotangent."""
    return bool(watch.before or watch.after or watch.after_rule or watch.retain is not None)
