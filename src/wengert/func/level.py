"""Level: what a transformation that is under way keeps about itself.

A level wraps the function's arguments in identity nodes of its own, tracked by force; the derivative is taken between
them and the outputs. That is all the bookkeeping that nesting needs. What leaves the level is tracked only if it depends
on something that was tracked outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

from wengert import trees
from wengert.errors import GradientError
from wengert.graph.node import Node
from wengert.graph.record import next_serial, recorder, retaining, tracking
from wengert.graph.walk import ancestors
from wengert.primitives.control import Leaf, identity
from wengert.tensors.cell import Cell, Link
from wengert.tensors.tensor import Hooks, Tensor, wrap, write


class Level:
    """first     serial number at which it began: older nodes belong to the outside
    tracking  whether operations outside were tracked
    """

    def __init__(self, first: Optional[int] = None) -> None:
        self.first = next_serial() if first is None else first
        self.tracking = recorder.tracking

    def enter(self, tensor: Any, operation: str) -> Tensor:
        """`tensor` as the function's argument: the same value, behind a tracked identity of this level.

        Raises: ValueError for what is no tensor, RuntimeError for integers and bools.
        """
        if not isinstance(tensor, Tensor):
            raise ValueError(
                f"{operation}: Thing passed to transform API must be Tensor, got {type(tensor).__name__}; choose the "
                "arguments to differentiate with argnums"
            )
        x = tensor._read()
        if not x.type.inexact:
            raise GradientError(
                f"{operation}: only Tensors of floating point and complex dtype can be differentiated; this one is {x.dtype}"
            )
        node = identity(x)
        node.tracked = True
        return wrap(node)

    def outside(self, nodes: Sequence[Node], given: Iterable[Node] = ()) -> list[bool]:
        """Whether each node would be tracked if this level had tracked nothing by force.

        given: nodes that came in from outside although they are younger than the level.
        """
        if not self.tracking:
            return [False] * len(nodes)
        known = {node: node.tracked for node in given}
        for node in ancestors(nodes, lambda node: node.tracked and node.serial >= self.first and node not in known):
            known[node] = node.primitive.__class__ is Leaf or not node.inputs or any(
                [known[x] if x in known else x.tracked for x in node.inputs]
            )
        return [known[node] if node in known else node.tracked for node in nodes]

    def leave(self, nodes: Sequence[Node], given: Iterable[Node] = ()) -> list[Node]:
        """The nodes as the outside may have them."""
        with tracking(False):
            return [
                node if wanted or not node.tracked else identity(node)
                for node, wanted in zip(nodes, self.outside(nodes, given))
            ]

    def leave_tree(self, tree: Any) -> Any:
        """The same for every tensor in a structure; other leaves stay as they are."""
        leaves, structure = trees.flatten(tree)
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        left = iter(zip(tensors, self.leave([x._read() for x in tensors])))
        made = []
        for value in leaves:
            if isinstance(value, Tensor):
                tensor, node = next(left)
                value = tensor if node is tensor._read() else wrap(node)
            made.append(value)
        return trees.unflatten(made, structure)


@contextmanager
def level() -> Iterator[Level]:
    """A transformation under way: everything inside is tracked, and no history is cut."""
    here = Level()
    with retaining(), tracking(True):
        yield here


def freeze(tensor: Tensor) -> Tensor:
    """The argument of a function that reverse mode goes through: writing to it is an error, as for a leaf."""
    tensor._link = Link(Cell(tensor._node), 0)
    tensor._link.watch = Hooks(None)
    return tensor


def write_back(originals: Sequence[Tensor], arguments: Sequence[Tensor], here: Level) -> None:
    """What the function wrote into its arguments goes into the tensors that it was called with."""
    for original, argument in zip(originals, arguments):
        if argument._link is not None and argument._link.cell.version:
            write(original, here.leave([argument._read()])[0])


def name_of(function: Callable[..., Any]) -> str:
    """A function's name for messages."""
    return getattr(function, "__name__", None) or type(function).__name__
