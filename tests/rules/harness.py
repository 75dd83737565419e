"""What the battery is made of: samples, how they are drawn, and differences to hold derivatives against.

A sample is one legal application of a primitive: inputs, static parameters, and the role of each input. How samples of
a primitive are drawn is said by its `Case` in the tables `samples_*.py`; the tests know nothing else about it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import HealthCheck, settings, strategies as st

from wengert import dtypes
from wengert.backends.interpreter import Interpreter
from wengert.dtypes import DType
from wengert.graph.graph import graph_of
from wengert.graph.node import Node, TupleType, array_type
from wengert.graph.record import literal, record, separate_tape, settle_number
from wengert.graph.rule import Primitive
from wengert.graph.verify import verify
from wengert.graph.walk import ancestors
from wengert.primitives.control import element
from wengert.shapes import Shape

EXAMPLES = int(os.environ.get("WENGERT_RULE_EXAMPLES", "12"))
BUDGET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)

# --- samples ------------------------------------------------------------------------------------------------------


class Sample(NamedTuple):
    """One application. Roles, one letter an input:

    x   moves: differentiated; its dtype is the one that varies
    c   constant: takes the varying dtype, but the primitive has no derivative by it
    i   index, mask or key: keeps its dtype; in a batch, rows of it are shuffled
    s   as i, but its order matters: in a batch, every row is the same
    k   as i, and it never has a batch axis

    ordered: elements that change places would leave the domain: in a batch, rows differ by a factor alone
    """

    inputs: tuple[Any, ...]
    params: dict[str, Any] = {}
    roles: str = ""
    ordered: bool = False

    def role(self, position: int) -> str:
        if self.roles:
            return self.roles[position]
        return "x" if self.inputs[position].dtype.kind in "fc" else "i"

    def positions(self, roles: str) -> list[int]:
        return [i for i in range(len(self.inputs)) if self.role(i) in roles]


class Draw:
    """What a sample is drawn with: shapes and flags by hypothesis (they shrink), contents by a seeded generator."""

    def __init__(self, draw: Callable[[Any], Any], complex: bool = False) -> None:
        self.draw = draw
        self.complex = complex
        self.random = np.random.default_rng(draw(st.integers(0, 2**16)))

    def shape(self, min_rank: int = 0, max_rank: int = 3, min_size: int = 0, max_size: int = 3) -> Shape:
        sizes = st.integers(min_size, max_size)
        return tuple(self.draw(st.lists(sizes, min_size=min_rank, max_size=max_rank)))

    def integer(self, low: int, high: int) -> int:
        """low <= result <= high"""
        return int(self.draw(st.integers(low, high)))

    def choice(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def flag(self) -> bool:
        return bool(self.draw(st.booleans()))

    def axis(self, shape: Shape) -> int:
        return self.integer(0, len(shape) - 1)

    def axes(self, shape: Shape) -> Shape:
        """A sorted selection of axes, perhaps none."""
        return tuple(axis for axis in range(len(shape)) if self.flag())

    def broadcastable(self, count: int) -> list[Shape]:
        """Shapes that broadcast together: leading axes dropped, some sizes 1."""
        full = self.shape()
        shapes = []
        for _ in range(count):
            shape = full[self.integer(0, len(full)) :] if self.flag() else full
            shapes.append(tuple(1 if n != 1 and self.integer(0, 3) == 0 else n for n in shape))
        return shapes

    def values(
        self, shape: Shape, low: float = -3.0, high: float = 3.0, kinks: Sequence[float] = (), margin: float = 0.1
    ) -> Any:
        """float64 contents, `margin` away from kinks, in a layout that may not be contiguous. Imaginary parts, if any,
        go up to 0.8, and stay away from 0 where there are kinks (the cut of an angle is one)."""
        x = self.random.uniform(low, high, shape)
        for kink in kinks:
            x = np.where(np.abs(x - kink) < margin, kink + margin * np.where(x < kink, -1.5, 1.5), x)
        if self.complex:
            height = self.random.uniform(margin if kinks else 0.0, 0.8, shape)
            x = x + 1j * height * self.random.choice((-1, 1), shape)
        return self.layout(x)

    def integers(self, shape: Shape, low: int, high: int, dtype: Any = np.int64) -> Any:
        """low <= contents < high"""
        return self.layout(self.random.integers(low, max(high, low + 1), shape).astype(dtype))

    def bools(self, shape: Shape) -> Any:
        return self.layout(self.random.integers(0, 2, shape).astype(bool))

    def layout(self, x: Any) -> Any:
        """The same contents: as they are, in Fortran order, or as every second element of something larger."""
        x = np.asarray(x)
        kind = self.integer(0, 2)
        if kind == 1 and x.ndim:
            return np.asfortranarray(x)
        if kind == 2 and x.ndim:
            wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
            wide[..., ::2] = x
            return wide[..., ::2]
        return x


class Case(NamedTuple):
    """How a primitive is sampled.

    make        draws a sample
    complex     whether it also takes complex numbers
    dtypes      those that the varying inputs may have; others must be refused with an error of dtype
    loop        False where the elements of a batch share a random stream, so that a batch is no loop
    same_value  in every floating dtype the value is the float64 value of the same inputs, rounded to within `ulps`
                of it, or of its largest terms, `terms`, where they may cancel
    """

    make: Callable[[Draw], Sample]
    complex: bool = False
    dtypes: tuple[DType, ...] = dtypes.ALL
    loop: bool = True
    same_value: bool = False
    ulps: float = 4.0
    terms: float = 0.0


FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)
COMPLEXES = (dtypes.complex64, dtypes.complex128)
INTEGERS = (dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, *dtypes.WIDE_UNSIGNED)
BOOLS = (dtypes.bool_,)

# --- recording and running ----------------------------------------------------------------------------------------


def node_of(value: Any, tracked: bool = False) -> Node:
    """A literal that holds an array."""
    value = np.asarray(value)
    return literal(value, array_type(value.shape, dtypes.from_numpy(value.dtype)), tracked)


def apply(primitive: Primitive, sample: Sample, nodes: Sequence[Node]) -> Node:
    """The primitive on `nodes`, with the sample's parameters (or their defaults)."""
    given = {**primitive.defaults, **sample.params}
    return record(primitive, tuple(nodes), tuple(given[name] for name in primitive.params))


def parts_of(y: Node) -> list[Node]:
    """The values of a node: itself, or its elements."""
    if isinstance(y.type, TupleType):
        return [element(y, index=i) for i in range(len(y.type.elements))]
    return [y]


class Program:
    """Nodes as a function of other nodes: run it with any values of their types."""

    def __init__(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
        given = set(inputs)
        nodes = [node for node in ancestors(outputs, lambda node: node not in given) if node not in given]
        constants = [node for node in nodes if node.primitive.name == "literal"]
        steps = [node for node in nodes if node.primitive.name != "literal"]
        self.graph = verify(graph_of([*inputs, *constants], steps, outputs))
        self.constants = [settle_number(node) for node in constants]
        self.interpreter = Interpreter(self.graph)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        return self.interpreter.run([*values, *self.constants])


def value_of(primitive: Primitive, sample: Sample) -> list[Any]:
    """The values of one application."""
    with separate_tape():
        nodes = [node_of(x) for x in sample.inputs]
        return Program(nodes, parts_of(apply(primitive, sample, nodes)))(sample.inputs)


# --- differences --------------------------------------------------------------------------------------------------


def inner(first: Sequence[Any], second: Sequence[Any]) -> float:
    """Re sum conj(a) b, over all arrays: the real inner product in which cotangents are gradients."""
    return float(sum(np.sum((np.conj(a) * b).real) for a, b in zip(first, second)))


def moved(values: Sequence[Any], directions: Sequence[Any], step: float) -> list[Any]:
    """values + step * directions; a direction None stays where it is."""
    return [x if v is None else x + step * v for x, v in zip(values, directions)]


def difference(function: Callable[[Sequence[Any]], Sequence[Any]], values: Sequence[Any], directions: Any) -> list[Any]:
    """The derivative of `function` along `directions`: central differences of fourth order, whose error at this step is
    about 1e-13 of the fifth derivative and of the value. Where nothing moves (it may be infinite) it is 0."""
    h = 1e-3
    points = [function(moved(values, directions, t)) for t in (h, -h, 2 * h, -2 * h)]
    slopes = []
    for a, b, c, d in zip(*points):
        still = (a == b) & (c == d)
        with np.errstate(invalid="ignore"):
            slopes.append(np.where(still, 0, (8 * (a - b) - (c - d)) / (12 * h)))
    return slopes


def direction(random: np.random.Generator, x: Any) -> Any:
    """A random direction in the space of x."""
    v = random.uniform(-1, 1, x.shape)
    return v + 1j * random.uniform(-1, 1, x.shape) if x.dtype.kind == "c" else v


def assert_close(got: Any, want: Any, what: str, rtol: float = 1e-6, atol: float = 1e-8) -> None:
    """Equal within differences' error; says which claim failed."""
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=what)
