"""What the transformations do with arguments and results: which to differentiate, and what they must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

from wengert import trees
from wengert.derive.reverse import pull_back
from wengert.func.level import name_of
from wengert.graph.node import Node
from wengert.graph.rule import add_nodes, zeros_of
from wengert.tensors.hooks import backward_pass, run_hooks
from wengert.tensors.tensor import Tensor

Argnums = Union[int, tuple[int, ...]]


class Chosen:
    """The arguments that `argnums` picks, as a flat list of tensors, and the call with them replaced."""

    def __init__(self, operation: str, args: tuple[Any, ...], argnums: Argnums) -> None:
        self.operation = operation
        self.args = args
        self.single = isinstance(argnums, int) and not isinstance(argnums, bool)
        numbers: Any = (argnums,) if self.single else argnums
        if not isinstance(numbers, tuple) or not all(isinstance(i, int) for i in numbers):
            raise RuntimeError(f"{operation}: argnums must be int or Tuple[int, ...], got: {type(argnums)}")
        if not numbers:
            raise RuntimeError(f"{operation}: argnums must be non-empty")
        for i in numbers:
            if not -len(args) <= i < len(args):
                raise RuntimeError(f"{operation}: Got argnum={i}, but only {len(args)} positional inputs")
        self.numbers = tuple([i % len(args) for i in numbers])
        if len(set(self.numbers)) != len(self.numbers):
            raise RuntimeError(f"{operation}: argnums elements must be unique, got {argnums}")
        self.tensors, self.structure = trees.flatten(tuple([args[i] for i in self.numbers]))

    def call(self, function: Callable[..., Any], tensors: list[Tensor], kwargs: dict[str, Any]) -> Any:
        args = list(self.args)
        for i, value in zip(self.numbers, trees.unflatten(list(tensors), self.structure)):
            args[i] = value
        return function(*args, **kwargs)

    def fold(self, values: Sequence[Any]) -> Any:
        """One value for each tensor, in the structure of the chosen arguments."""
        folded = trees.unflatten(list(values), self.structure)
        return folded[0] if self.single else folded


def split_aux(operation: str, output: Any, has_aux: bool) -> tuple[Any, Any]:
    """(output, aux) of a function that returns both when `has_aux`."""
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise RuntimeError(f"{operation}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return output


def only_tensors(operation: str, function: Callable[..., Any], output: Any) -> tuple[list[Tensor], Any]:
    """The tensors of an output, and its structure.

    Raises: RuntimeError for anything else in it.
    """
    leaves, structure = trees.flatten(output)
    for value in leaves:
        if not isinstance(value, Tensor):
            raise RuntimeError(
                f"{operation}: expected {name_of(function)} to return only tensors, got unsupported type {type(value)}"
            )
    return leaves, structure


class Entered:
    """A level's arguments: the tensors that the function gets, and the nodes between which and the outputs derivatives
    are taken."""

    def __init__(self, arguments: list[Tensor]) -> None:
        self.arguments = arguments
        self.nodes = [x._node for x in arguments]

    def pull(self, outputs: Sequence[Node], bars: Sequence[Node]) -> list[Optional[Node]]:
        """Cotangents of the arguments; None where no output depends on one."""
        # An argument that was written to inside no_grad is a leaf of its own since then; its cotangent belongs here too.
        latest = [x._current() for x in self.arguments]
        with backward_pass():
            found = pull_back(outputs, bars, {*self.nodes, *latest}, run_hooks)
        return [
            found.get(node) if now is node else add_nodes(found.get(node), found.get(now))
            for node, now in zip(self.nodes, latest)
        ]


def or_zeros(found: Sequence[Optional[Node]], like: Sequence[Node]) -> list[Node]:
    """Zeros in the place of None."""
    return [zeros_of(x.type) if bar is None else bar for bar, x in zip(found, like)]
