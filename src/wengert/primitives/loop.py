"""The loop as one node: a step, which is itself a graph, applied along the first axis of sequences while a state is
carried from one step to the next. What it takes to differentiate it stands in `derive/loop.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from wengert.errors import dtype_error, shape_error
from wengert.graph.graph import Graph
from wengert.graph.node import ArrayType, Node, TupleType, array_type, tuple_type
from wengert.graph.rule import Cotangent, General, primitives, zeros_of
from wengert.shapes import Shape

Run = Callable[[list[Any]], list[Any]]


class Body:
    """What a loop does at each step. Equal steps are one object, so that it is a cheap part of a graph's key.

    graph     its inputs: the carried values, one element of each sequence, the constants; its outputs: the carried values
              anew, then the results of this step
    tracked   for each step of the graph, whether a derivative may flow through it
    """

    __slots__ = ("graph", "tracked", "_run")

    def __init__(self, graph: Graph, tracked: tuple[bool, ...]) -> None:
        self.graph = graph
        self.tracked = tracked
        self._run: Optional[Run] = None

    @property
    def run(self) -> Run:
        """The step on arrays."""
        if self._run is None:
            self._run = interpret[0](self.graph)
        return self._run


_bodies: dict[Any, Body] = {}


def body_of(graph: Graph, tracked: tuple[bool, ...]) -> Body:
    """The one body of this graph. Where its steps were recorded is left out: the loop has its own line."""
    plain = graph._replace(steps=tuple([step._replace(origin=None) for step in graph.steps]))
    found = _bodies.get((plain, tracked))
    if found is None:
        found = _bodies.setdefault((plain, tracked), Body(plain, tracked))
    return found


def _not_yet(graph: Graph) -> Run:
    raise NotImplementedError("scan: no interpreter has been loaded")


# What runs a body; backends/interpreter.py puts its own here.
interpret: list[Callable[[Graph], Run]] = [_not_yet]


class Scan(General):
    """(c_T, y) with (c_t+1, y_t) = step(c_t, x_t, w)   for t = 0 ... length - 1, or backwards

    inputs    `carries` values c_0, `sequences` arrays x whose first axis is time, and constants w
    Result    the carried values after the last step, then each y, its steps along a new first axis; a loop that runs
              backwards in time reads x and writes y from the last place to the first
    Reverse   another loop, in the other direction, that carries the cotangents of c; sums over time of products become
              one product after it (derive/loop.py)
    Source    Griewank and Walther 2008, ch. 3, for one loop; what is read again is kept, step by step
    """

    name = "scan"
    params = ("body", "carries", "sequences", "length", "backward")

    def infer(
        self, *types: Any, body: Body, carries: int, sequences: int, length: int, backward: bool
    ) -> TupleType:
        for number, (given, wanted) in enumerate(zip(types, body.graph.inputs)):
            is_sequence = carries <= number < carries + sequences
            shape = (length, *wanted.shape) if is_sequence else wanted.shape  # type: ignore[union-attr]
            if given.dtype is not wanted.dtype:  # type: ignore[union-attr]
                raise dtype_error("scan", f"input {number} of dtype {wanted.dtype}", given.dtype)  # type: ignore[union-attr]
            if given.shape != shape:
                raise shape_error("scan", f"input {number} of shape {list(shape)}", (given.shape,))
        outputs = [body.graph.array_at(i) for i in body.graph.outputs]
        stacked = [array_type((length, *t.shape), t.dtype) for t in outputs[carries:]]
        return tuple_type(*outputs[:carries], *stacked)

    def evaluate(
        self, *inputs: Any, body: Body, carries: int, sequences: int, length: int, backward: bool
    ) -> tuple[Any, ...]:
        state, xs = list(inputs[:carries]), inputs[carries : carries + sequences]
        constants = inputs[carries + sequences :]
        types = [body.graph.array_at(i) for i in body.graph.outputs[carries:]]
        ys = [np.empty((length, *t.shape), t.dtype.numpy) for t in types]
        run = body.run
        for t in reversed(range(length)) if backward else range(length):
            found = run([*state, *[x[t] for x in xs], *constants])
            state = found[:carries]
            for y, value in zip(ys, found[carries:]):
                y[t] = value
        return (*state, *ys)


scan = Scan()


class Split(General):
    """(y_1, ..., y_n) = x cut along `axis` into pieces of these sizes     Reverse  x_bar = the cotangents, joined

    A multiple of `slice` whose cotangents are written once, side by side.
    """

    name = "split"
    params = ("axis", "sizes")
    saves_nothing = True

    def infer(self, x: ArrayType, *, axis: int, sizes: Shape) -> TupleType:
        if sum(sizes) != x.shape[axis]:
            raise shape_error("split", f"sizes that add up to {x.shape[axis]}", list(sizes))
        return tuple_type(*[array_type(_with(x.shape, axis, n), x.dtype) for n in sizes])

    def evaluate(self, x: Any, *, axis: int, sizes: Shape) -> tuple[Any, ...]:
        return tuple(np.split(x, np.cumsum(sizes)[:-1], axis))

    def vjp(self, y_bars: Any, x: Node, *, y: Node, axis: int, sizes: Shape) -> tuple[Cotangent, ...]:
        def joined() -> Node:
            dtype = next(bar.dtype for bar in y_bars if bar is not None)
            parts = [_or_zeros(bar, _with(x.shape, axis, n), dtype) for bar, n in zip(y_bars, sizes)]
            return primitives.concatenate(*parts, axis=axis)

        return (joined,)

    def jvp(self, x_dots: tuple[Optional[Node], ...], x: Node, *, y: Node, axis: int, sizes: Shape) -> Any:
        (x_dot,) = x_dots
        return None if x_dot is None else parts_of(x_dot, axis, sizes)

    def batch(
        self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, axis: int, sizes: Shape
    ) -> Node:
        return self(*inputs, axis=axis + 1, sizes=sizes)


split = Split()


def parts_of(x: Node, axis: int, sizes: Shape) -> tuple[Node, ...]:
    """The pieces of x along an axis."""
    whole = split(x, axis=axis, sizes=sizes)
    return tuple([primitives.element(whole, index=i) for i in range(len(sizes))])


def _with(shape: Shape, axis: int, n: int) -> Shape:
    return (*shape[:axis], n, *shape[axis + 1 :])


def _or_zeros(bar: Optional[Node], shape: Shape, dtype: Any) -> Node:
    return zeros_of(array_type(shape, dtype)) if bar is None else bar
