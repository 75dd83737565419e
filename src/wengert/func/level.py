"""Level: what a transformation that is under way keeps about itself.

A level wraps the function's arguments in identity nodes of its own; the derivative is taken between them and the
outputs. That is all the bookkeeping that nesting needs. For reverse mode these nodes are tracked by force; what leaves
the level is tracked only if it depends on something that was tracked outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wengert import trees
from wengert.derive.level import leave, tracked_outside
from wengert.errors import GradientError
from wengert.graph.node import Node
from wengert.graph.record import next_serial, recorder, retaining, tracking
from wengert.primitives.control import identity
from wengert.tensors.cell import Cell, Link
from wengert.tensors.tensor import Hooks, Tensor, wrap, write


class Level:
    """first      serial number at which it began: older nodes belong to the outside
    tracking   whether operations outside were tracked
    arguments  what was tracked by force, and whether it was tracked before
    """

    def __init__(self) -> None:
        self.first = next_serial()
        self.tracking = recorder.tracking
        self.arguments: list[tuple[Tensor, bool]] = []

    def again(self) -> Level:
        """The same level, entered again from where the program is now."""
        now = Level()
        now.first, now.arguments = self.first, self.arguments
        return now

    def enter(self, tensor: Any, operation: str) -> Tensor:
        """`tensor` as the function's argument: the same value, behind an identity of this level.

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
        return wrap(identity(x))

    def enter_tracked(self, tensor: Any, operation: str) -> Tensor:
        """As `enter`, for reverse mode: tracked by force. Writing to it is an error, as for a leaf."""
        argument = self.enter(tensor, operation)
        self.arguments.append((argument, argument._node.tracked))
        argument._node.tracked = True
        argument._link = Link(Cell(argument._node), 0)
        argument._link.watch = Hooks(None)
        return argument

    def outside(self, nodes: Sequence[Node]) -> list[bool]:
        """Whether each node is tracked in the eyes of the outside."""
        return tracked_outside(nodes, self.first, self._own()) if self.tracking else [False] * len(nodes)

    def _own(self) -> dict[Node, bool]:
        """The nodes of the arguments, which may have been written to inside no_grad: tracked by force only."""
        return {x._current(): tracked for x, tracked in self.arguments}

    def leave(self, nodes: Sequence[Node], given: Sequence[Node] = ()) -> list[Node]:
        """The nodes as the outside may have them. given: nodes that came in although they are younger than the level."""
        if self.tracking:
            return leave(nodes, self.first, self._own() | {node: node.tracked for node in given})
        with tracking(False):
            return [identity(node) if node.tracked else node for node in nodes]

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
def reverse_level() -> Iterator[Level]:
    """A transformation by reverse mode under way: everything inside is tracked, and no history is cut."""
    here = Level()
    with retaining(), tracking(True):
        yield here


@contextmanager
def forward_level() -> Iterator[Level]:
    """A transformation by forward mode under way: no history is cut."""
    with retaining():
        yield Level()


def write_back(originals: Sequence[Tensor], arguments: Sequence[Tensor]) -> None:
    """What the function wrote into its arguments goes into the tensors that it was called with."""
    for original, argument in zip(originals, arguments):
        if argument._link is not None and argument._link.cell.version:
            write(original, argument._read())


def name_of(function: Callable[..., Any]) -> str:
    """A function's name for messages."""
    return getattr(function, "__name__", None) or type(function).__name__
