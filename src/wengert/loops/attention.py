"""Attention as steps of a program: for a block of queries at a time, the scores, their exponentials and what they weigh,
so that the matrix of scores is never there as a whole, and what lies above a causal diagonal is not computed.

A block of scores is read again at once, by the same cores, while it is in their caches; `BLOCK_BYTES` bounds it. Forward,
a block is finished when its sum is known, since it has all keys of its queries. Backward, blocks go from the last to the
first: the first one to be computed then reaches every key, writes k_bar and v_bar, and the others add to them.

Source: Dao, Fu, Ermon, Rudra and Re, FlashAttention, 2022, for computing by blocks and the weights anew in the backward
pass; a block of whole rows needs no rescaling.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Optional, Protocol

from wengert.dtypes import DType, bool_, float32, float64, int64
from wengert.graph.graph import Graph, Step
from wengert.graph.node import array_type
from wengert.loops.access import Form, Forms, axis, broadcast_forms
from wengert.loops.nest import (
    Action,
    Apply,
    Axis,
    Contract,
    Fold,
    Folded,
    Load,
    Nest,
    Number,
    Product,
    ProgramStep,
    Store,
    Value,
)
from wengert.shapes import Shape, contiguous_strides

# Scores of a block, over all heads; and the most blocks, each of which is code of its own.
BLOCK_BYTES = 1 << 19
MOST_BLOCKS = 8
LEAST_ROWS = 16

FUSED = ("attention", "attention_backward")


class Lowering(Protocol):
    """What is needed of the lowering of the graph around the attention."""

    graph: Graph
    buffers: list[Any]
    buffer_of: dict[int, int]
    parts: dict[int, tuple[int, ...]]
    steps: list[ProgramStep]

    def buffer(self, type: Any) -> int: ...

    def place(self, position: int, forms: Forms, rank: int) -> tuple[int, Form]: ...


def is_fused(step: Step, inputs: tuple[Any, ...]) -> bool:
    """Whether an application is computed here and not by its definition."""
    if step.primitive.name not in FUSED or inputs[0].dtype not in (float32, float64):
        return False
    return not step.named.get("with_mask") and all(x.size for x in inputs)


def lower_attention(lowering: Lowering, position: int, step: Step) -> None:
    """Append the steps of an application, forward or backward."""
    results = [lowering.buffer(type) for type in step.type.elements]  # type: ignore[union-attr]
    lowering.parts[position] = tuple(results)
    blocks = _Blocks(lowering, step, results)
    if step.primitive.name == "attention":
        blocks.forward()
    else:
        blocks.backward()


class Matrix(NamedTuple):
    """Elements of a buffer over (*batch, rows, columns)."""

    buffer: int
    offset: int
    batch: tuple[int, ...]
    row: int
    column: int

    def rows_from(self, start: int) -> Matrix:
        return self._replace(offset=self.offset + start * self.row)

    @property
    def turned(self) -> Matrix:
        return self._replace(row=self.column, column=self.row)


class _Values:
    """Values of one step, written one after the other."""

    def __init__(self, dtype: DType) -> None:
        self.dtype = dtype
        self.values: list[Value] = []

    def add(self, value: Value) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def apply(self, op: str, *args: int, dtype: Optional[DType] = None) -> int:
        return self.add(Apply(op, args, dtype or self.dtype))

    def number(self, value: float) -> int:
        return self.add(Number(value, self.dtype))

    def zero_for_minus_infinity(self, x: int) -> int:
        nothing = self.apply("eq", x, self.number(-math.inf), dtype=bool_)
        return self.apply("where", nothing, self.number(0.0), x)


class _Blocks:
    def __init__(self, lowering: Lowering, step: Step, results: list[int]) -> None:
        self.lowering = lowering
        self.args = step.args
        self.causal = step.named["causal"]
        self.shapes = [lowering.graph.array_at(i).shape for i in step.args]
        self.dtype: DType = lowering.graph.array_at(step.args[0]).dtype
        (*batch, self.n, self.e), (*_, self.m, self.f) = self.shapes[0], self.shapes[2]
        self.batch = tuple(batch)
        self.results = [self._whole(b, lowering.buffers[b].shape) for b in results]
        self.q, self.k, self.v = [self._operand(i) for i in range(3)]
        self.scale = self._place(3, ())
        self.mask = len(step.args) - 1 if len(step.args) in (5, 8) else None
        self.size = self._block_size()

    # --- what is read and written ------------------------------------------------------------------------------------

    def _place(self, number: int, forms: Forms, rank: int = 0) -> tuple[int, Form]:
        root, form = self.lowering.place(self.args[number], forms, rank)
        return self.lowering.buffer_of[root], form

    def _operand(self, number: int) -> Matrix:
        rank = len(self.batch) + 2
        buffer, form = self._place(number, tuple([axis(k, rank) for k in range(rank)]), rank)
        *batch, row, column = form.coefficients
        return Matrix(buffer, form.offset, tuple(batch), row, column)

    def _vector(self, number: int) -> Matrix:
        """An argument over (*batch, rows), as a matrix whose columns are all the same."""
        rank = len(self.batch) + 1
        buffer, form = self._place(number, tuple([axis(k, rank) for k in range(rank)]), rank)
        *batch, row = form.coefficients
        return Matrix(buffer, form.offset, tuple(batch), row, 0)

    def _whole(self, buffer: int, shape: Shape) -> Matrix:
        """A buffer as a matrix; one over (*batch, rows) has one column."""
        strides = contiguous_strides(shape)
        if len(shape) == len(self.batch) + 1:
            strides = (*strides, 0)
        return Matrix(buffer, 0, strides[:-2], strides[-2], strides[-1])

    def _room(self, *shape: int) -> Matrix:
        full = (*self.batch, *shape)
        return self._whole(self.lowering.buffer(array_type(full, self.dtype)), full)

    def _block_size(self) -> int:
        bytes = math.prod(self.batch) * self.m * self.dtype.itemsize
        fitting = BLOCK_BYTES // max(bytes, 1) // LEAST_ROWS * LEAST_ROWS
        return min(self.n, max(LEAST_ROWS, fitting, -(-self.n // MOST_BLOCKS)))

    def _blocks(self) -> list[tuple[int, int, int]]:
        """First row, rows, and keys of each block."""
        found = []
        for start in range(0, self.n, self.size):
            rows = min(self.size, self.n - start)
            found.append((start, rows, min(self.m, start + rows) if self.causal else self.m))
        return found

    def load(self, values: _Values, x: Matrix) -> int:
        return values.add(Load(x.buffer, (*x.batch, x.row, x.column), x.offset, self.dtype))

    def store(self, x: Matrix, value: int) -> Store:
        return Store(x.buffer, (*x.batch, x.row, x.column), x.offset, value)

    def contract(self, rows: int, columns: int, summed: int, a: Matrix, b: Matrix, finish: Any, label: str) -> None:
        """a b, and what becomes of each element: `finish(values, product)` gives the stores."""
        sides = []
        for x in (a, b):
            side = _Values(self.dtype)
            self.load(side, x)
            sides.append(tuple(side.values))
        values = _Values(self.dtype)
        stores = finish(values, values.add(Product(self.dtype)))
        self.lowering.steps.append(
            Contract(
                self.batch, (rows,), (columns,), (summed,), sides[0], sides[1], tuple(values.values), tuple(stores),
                self.dtype, label,
            )
        )  # fmt: skip

    # --- forward -----------------------------------------------------------------------------------------------------

    def forward(self) -> None:
        y, l = self.results
        scores, inverse = self._room(self.size, self.m), self._room(self.size)
        for start, rows, keys in self._blocks():

            def scaled(v: _Values, product: int, start: int = start) -> list[Store]:
                return [self.store(scores, self._scaled(v, product, start))]

            def weighed(v: _Values, product: int, start: int = start) -> list[Store]:
                return [self.store(y.rows_from(start), v.apply("mul", product, self.load(v, inverse)))]

            self.contract(rows, keys, self.e, self.q.rows_from(start), self.k.turned, scaled, "attention scores")
            self._exponentials(rows, keys, scores, l.rows_from(start), inverse)
            self.contract(rows, self.f, keys, scores, self.v, weighed, "attention mean")

    def _scaled(self, v: _Values, product: int, start: int) -> int:
        """scale q k^T with what the mask and the diagonal make of it."""
        rank = len(self.batch) + 2
        buffer, form = self.scale
        s = v.apply("mul", product, v.add(Load(buffer, (0,) * rank, form.offset, self.dtype)))
        if self.mask is not None:
            dtype = self.lowering.graph.array_at(self.args[self.mask]).dtype
            forms = [axis(k, rank) for k in range(rank)]
            forms[-2] = forms[-2].moved(start)
            buffer, form = self._place(self.mask, broadcast_forms(tuple(forms), self.shapes[self.mask], rank), rank)
            mask = v.add(Load(buffer, form.coefficients, form.offset, dtype))
            s = v.apply("where", mask, s, v.number(-math.inf)) if dtype is bool_ else v.apply("add", s, mask)
        if self.causal:
            row = v.apply("add", v.add(Axis(rank - 2, int64)), v.add(Number(start, int64)), dtype=int64)
            seen = v.apply("ge", row, v.add(Axis(rank - 1, int64)), dtype=bool_)
            s = v.apply("where", seen, s, v.number(-math.inf))
        return s

    def _exponentials(self, rows: int, keys: int, scores: Matrix, l: Matrix, inverse: Matrix) -> None:
        """exp(s - m) in the place of s, log(sum) + m, and 1 / sum."""
        v = _Values(self.dtype)
        s = self.load(v, scores)
        actions: list[Action] = [Fold("max", s)]
        m = v.zero_for_minus_infinity(v.add(Folded(0, self.dtype)))
        e = v.apply("exp", v.apply("sub", s, m))
        actions += [Fold("add", e), self.store(scores, e)]
        total = v.add(Folded(1, self.dtype))
        actions.append(self.store(l, v.apply("add", m, v.apply("log", total))))
        none = v.apply("eq", total, v.number(0.0), dtype=bool_)
        actions.append(self.store(inverse, v.apply("div", v.number(1.0), v.apply("where", none, v.number(1.0), total))))
        outer = (*self.batch, rows)
        self.lowering.steps.append(Nest(outer, (keys,), tuple(v.values), tuple(actions), "attention exponentials"))

    # --- backward ----------------------------------------------------------------------------------------------------

    def backward(self) -> None:
        q_bar, k_bar, v_bar = self.results
        l, y_bar, d = self._vector(4), self._operand(5), self._vector(6)
        weights, s_bar = self._room(self.size, self.m), self._room(self.size, self.m)
        first = True
        if self.causal and self._blocks()[-1][2] < self.m:  # keys that nobody looks at
            self._clear(k_bar, self.m, self.e)
            self._clear(v_bar, self.m, self.f)
            first = False
        for start, rows, keys in reversed(self._blocks()):
            q, bar = self.q.rows_from(start), y_bar.rows_from(start)

            def weight(v: _Values, product: int, start: int = start) -> list[Store]:
                normaliser = v.zero_for_minus_infinity(self.load(v, l.rows_from(start)))
                s = self._scaled(v, product, start)
                return [self.store(weights, v.apply("exp", v.apply("sub", s, normaliser)))]

            def score_bar(v: _Values, product: int, start: int = start) -> list[Store]:
                moved = v.apply("sub", product, self.load(v, d.rows_from(start)))
                scaled = v.apply("mul", v.apply("mul", self.load(v, weights), moved), self._scale_of(v))
                return [self.store(s_bar, scaled)]

            self.contract(rows, keys, self.e, q, self.k.turned, weight, "attention weights")
            self.contract(rows, keys, self.f, bar, self.v.turned, score_bar, "attention scores' cotangent")
            self._collect(rows, self.e, keys, s_bar, self.k, q_bar.rows_from(start), False)
            self._collect(keys, self.e, rows, s_bar.turned, q, k_bar, not first)
            self._collect(keys, self.f, rows, weights.turned, bar, v_bar, not first)
            first = False

    def _scale_of(self, v: _Values) -> int:
        buffer, form = self.scale
        return v.add(Load(buffer, (0,) * (len(self.batch) + 2), form.offset, self.dtype))

    def _collect(self, rows: int, columns: int, summed: int, a: Matrix, b: Matrix, c: Matrix, add: bool) -> None:
        """c = a b, or c += a b."""

        def finish(v: _Values, product: int) -> list[Store]:
            return [self.store(c, v.apply("add", self.load(v, c), product) if add else product)]

        self.contract(rows, columns, summed, a, b, finish, "attention cotangent")

    def _clear(self, x: Matrix, rows: int, columns: int) -> None:
        v = _Values(self.dtype)
        store = self.store(x, v.number(0.0))
        self.lowering.steps.append(Nest((*self.batch, rows, columns), (), tuple(v.values), (store,), "attention clear"))
