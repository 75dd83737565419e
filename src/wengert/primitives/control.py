"""Values that are given, marks on the graph, and the door for derivatives that users write.

None of these computes: a literal is a value, and the others pass their first input on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional, Protocol

from wengert.errors import GradientError
from wengert.graph import record as recording
from wengert.graph.node import ArrayType, Node, TupleType, Type, tuple_type
from wengert.graph.rule import Cotangent, General, Linear, primitives


class Literal(General):
    """A given value: data, a parameter's content, a Python number. Always an input of a graph, never part of it."""

    name = "literal"


literal = Literal()
recording._literal[0] = literal


class Placeholder(General):
    """Stands for a value that is not there: the inputs of a trace."""

    name = "placeholder"
    params = ("type",)

    def infer(self, *, type: Type) -> Type:
        return type


placeholder = Placeholder()


class Unstored(General):
    """Stands for a gradient that a compiled training step used up and did not store: it has a type and no value."""

    name = "unstored"
    params = ("type",)

    def infer(self, *, type: Type) -> Type:
        return type

    def evaluate(self, *, type: Type) -> Any:
        raise GradientError(
            "the gradient of this tensor was not stored: a compiled function used it for its update and let it go. To keep "
            "gradients that also update a parameter, say wengert.compile(..., keep_gradients=True)."
        )


unstored = Unstored()


class Identity(Linear):
    """y = x

    Transpose  x_bar = y_bar
    A node of its own for the same value. Transformations wrap their inputs in one, so that "derivative with respect
    to this argument" names exactly one node and nested derivatives cannot be confused.
    """

    name = "identity"

    def infer(self, x: ArrayType) -> ArrayType:
        return x

    def evaluate(self, x: Any) -> Any:
        return x

    def transpose(self, y_bar: Node, x: Node) -> tuple[Cotangent, ...]:
        return (y_bar,)

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        return self(*inputs)


identity = Identity()


class Leaf(Identity):
    """y = x, where a derivative is collected: the node of a tensor that requires grad.

    Reverse mode ends here; what lies behind belongs to nobody's derivative.
    """

    name = "leaf"


leaf = Leaf()


class StopGradient(Identity):
    """y = x, and no derivative flows: x_bar = 0 (`detach`)."""

    name = "stop_gradient"
    differentiable = False

    def transpose(self, y_bar: Node, x: Node) -> tuple[Cotangent, ...]:
        return (None,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], *inputs: Node, y: Node, **params: Any) -> None:
        return None


stop_gradient = StopGradient()


class Clone(Identity):
    """y = x in memory of its own: what a user may write to without changing x (`clone`)."""

    name = "clone"

    def evaluate(self, x: Any) -> Any:
        return x.copy()


clone = Clone()


class WithHistory(General):
    """y = value, differentiated as if it were `history`: what a write through `.data` or `detach()` leaves behind.

    Reverse   history_bar = y_bar, value_bar = 0
    """

    name = "with_history"
    saves_nothing = True

    def infer(self, value: ArrayType, history: ArrayType) -> ArrayType:
        return value

    def evaluate(self, value: Any, history: Any) -> Any:
        return value

    def vjp(self, y_bar: Node, value: Node, history: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return (None, y_bar)

    def jvp(self, x_dots: tuple[Optional[Node], ...], value: Node, history: Node, *, y: Node) -> Optional[Node]:
        return x_dots[1]

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        value, history = inputs
        if not batched[0]:
            value = primitives.expand(value, shape=(size, *value.shape))
        return self(value, history)


with_history = WithHistory()


class Element(General):
    """y = x[index], where x is a node with several values.

    Reverse   handled by the walk itself: y_bar becomes the index-th part of x's cotangent
    """

    name = "element"
    params = ("index",)
    saves_nothing = True

    def infer(self, x: Any, *, index: int) -> Any:
        return x.elements[index]

    def evaluate(self, x: Any, *, index: int) -> Any:
        return x[index]

    def vjp(self, y_bar: Node, x: Node, *, y: Node, index: int) -> tuple[Cotangent, ...]:
        return (y_bar,)

    def jvp(self, x_dots: tuple[Any, ...], x: Node, *, y: Node, index: int) -> Optional[Node]:
        return None if x_dots[0] is None else x_dots[0][index]

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, index: int) -> Node:
        return self(*inputs, index=index)


element = Element()


class Barrier(Identity):
    """y = x, and no rewriting may look through it: what is computed behind it is computed again (checkpointing)."""

    name = "barrier"


barrier = Barrier()


class CustomRule(Protocol):
    """The rules that a `custom` node brings along; nodes in, nodes out.

    arguments   what the results are differentiated with respect to
    saved       the nodes at the positions `reads` of the custom node
    """

    def vjp(
        self, y_bars: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> Sequence[Cotangent]:
        """For each argument its cotangent, from those of the results (None where nothing came)."""
        ...

    def jvp(
        self, x_dots: tuple[Optional[Node], ...], arguments: tuple[Node, ...], saved: tuple[Node, ...]
    ) -> Sequence[Optional[Node]]:
        """For each result its tangent, from those of the arguments (None where one does not move)."""
        ...

    def batch(self, size: int, node: CustomInputs, batched: CustomInputs) -> Node:
        """The node of several values that stands for the custom node over a batch."""
        ...


class CustomInputs(NamedTuple):
    """The inputs of a custom node (or a fact about each), by what they are for."""

    results: tuple[Any, ...]
    arguments: tuple[Any, ...]
    extra: tuple[Any, ...]
    reads: tuple[int, ...]

    @property
    def saved(self) -> tuple[Any, ...]:
        every = self.results + self.arguments + self.extra
        return tuple([every[i] for i in self.reads])


class Custom(General):
    """(y_1, ..., y_n) = results, differentiated with respect to the arguments by rules that a program brings along:
    `autograd.Function`, checkpointing.

    inputs    results, computed without tracking; arguments; extra values; last, the rule: a CustomRule in a literal, so
              that which one it is never becomes part of a graph's key, and it goes when the history goes
    results, arguments   how many there are
    reads     positions among the inputs of what the rule reads again. A result among them is handed to the rule as the
              element of this node, so that it has its history.
    """

    name = "custom"
    params = ("results", "arguments", "reads")

    def infer(self, *inputs: Any, results: int, arguments: int, reads: tuple[int, ...]) -> TupleType:
        return tuple_type(*inputs[:results])

    def evaluate(self, *inputs: Any, results: int, arguments: int, reads: tuple[int, ...]) -> Any:
        return inputs[:results]

    def reads(self, *, results: int, arguments: int, reads: tuple[int, ...]) -> tuple[int, ...]:
        return reads

    def vjp(
        self, y_bars: Any, *inputs: Node, y: Node, results: int, arguments: int, reads: tuple[int, ...]
    ) -> tuple[Cotangent, ...]:
        given = _sorted(inputs, results, arguments, reads)
        x_bars = inputs[-1].value.vjp(y_bars, given.arguments, _with_history_of(y, given))
        return (None,) * results + tuple(x_bars) + (None,) * (len(given.extra) + 1)

    def jvp(
        self, x_dots: Any, *inputs: Node, y: Node, results: int, arguments: int, reads: tuple[int, ...]
    ) -> Optional[tuple[Optional[Node], ...]]:
        moving = x_dots[results : results + arguments]
        if all([x_dot is None for x_dot in moving]):
            return None
        given = _sorted(inputs, results, arguments, reads)
        return tuple(inputs[-1].value.jvp(moving, given.arguments, _with_history_of(y, given)))

    def batch(
        self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, results: int, arguments: int, reads: Any
    ) -> Node:
        given = _sorted(inputs, results, arguments, reads)
        return inputs[-1].value.batch(size, given, _sorted(batched, results, arguments, reads))  # type: ignore[no-any-return]


custom = Custom()


def custom_inputs(node: Node) -> CustomInputs:
    """The inputs of a custom node."""
    return _sorted(node.inputs, *node.params)


def _sorted(inputs: tuple[Any, ...], results: int, arguments: int, reads: tuple[int, ...]) -> CustomInputs:
    n = results + arguments
    return CustomInputs(inputs[:results], inputs[results:n], inputs[n:-1], reads)


def _with_history_of(y: Node, given: CustomInputs) -> tuple[Node, ...]:
    n = len(given.results)
    return tuple([element(y, index=i) if i < n else x for i, x in zip(given.reads, given.saved)])


class Pack(General):
    """y = (x_1, ..., x_n): several values as one node, the inverse of `element`     Reverse  y_bar taken apart"""

    name = "pack"
    saves_nothing = True

    def infer(self, *xs: ArrayType) -> TupleType:
        return tuple_type(*xs)

    def evaluate(self, *xs: Any) -> Any:
        return xs

    def vjp(self, y_bars: Any, *xs: Node, y: Node) -> tuple[Cotangent, ...]:
        return tuple(y_bars)

    def jvp(self, x_dots: tuple[Any, ...], *xs: Node, y: Node) -> Any:
        return None if all([x_dot is None for x_dot in x_dots]) else x_dots

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...]) -> Node:
        return self(
            *[x if b else primitives.expand(x, shape=(size, *x.shape)) for x, b in zip(inputs, batched)]
        )


pack = Pack()
