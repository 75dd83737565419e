"""Contractions as the grammar allows them, which is more than graphs make of them: the code against the slow way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from tests.loops.reference import run_program
from tests.loops.tools import assert_same
from wengert.backends.llvm import code, direct_plan, jit, pool, product
from wengert.backends.llvm.program import Compiled, program_text
from wengert.backends.llvm.target import host
from wengert.dtypes import bfloat16, bool_, float16, float32, float64
from wengert.graph.node import array_type
from wengert.loops.contract import finish, left, plain_store, right, strided
from wengert.loops.nest import Apply, Contract, Load, Nest, Number, Product, Program, Store
from wengert.shapes import contiguous_strides


@pytest.fixture(autouse=True)
def threads_as_before():
    before = pool.get_num_threads()
    yield
    pool.set_num_threads(before)


def run(program: Program, values: list[Any]) -> list[Any]:
    product.load()
    return Compiled(program, jit.compile_object(program_text(program)), None).run(values)  # type: ignore[arg-type]


class Drawn:
    """A contraction over drawn axes. Each operand reads a buffer with overlapping windows, so that its axes do not collapse
    into one; loads may be of another dtype, and a second load may be added."""

    def __init__(self, draw: Any) -> None:
        axes = st.lists(st.sampled_from([1, 2, 3, 5, 9, 17, 28]), max_size=2).map(tuple)
        self.draw = draw
        self.batch, self.rows, self.columns, self.summed = (draw(axes) for _ in range(4))
        # The reference works with every product at once; nine axes of 28 would take gigabytes.
        assume(math.prod((*self.batch, *self.rows, *self.columns, *self.summed)) <= 2_000_000)
        self.dtype = draw(st.sampled_from([float32, float64]))
        self.random = np.random.default_rng(draw(st.integers(0, 99)))
        self.arrays: list[Any] = []

    def buffer(self, size: int, dtype: Any) -> int:
        self.arrays.append(self.random.uniform(-1, 1, size).astype(dtype.numpy))
        return len(self.arrays) - 1

    def load(self, extents: tuple[int, ...]) -> Load:
        """Of a new buffer that is just large enough: strides in a drawn order of the axes, some 0 or overlapping."""
        order = self.draw(st.permutations(range(len(extents))))
        kind = self.draw(st.sampled_from(["whole", "windows", "repeated"]))
        strides, step = [0] * len(extents), 1
        for k in reversed(order):
            strides[k] = step if kind != "repeated" or self.draw(st.booleans()) else 0
            step = step + 1 if kind == "windows" else step * extents[k]
        size = 1 + sum(s * (n - 1) for s, n in zip(strides, extents))
        narrow = self.draw(st.sampled_from([self.dtype, self.dtype, bfloat16, float16]))
        return Load(self.buffer(size + 3, narrow), tuple(strides), 3, narrow)

    def operand(self, extents: tuple[int, ...]) -> tuple[Any, ...]:
        load = self.load(extents)
        values: list[Any] = [load]
        if load.dtype is not self.dtype:
            values.append(Apply("convert", (0,), self.dtype))
        if self.draw(st.booleans()):
            mask = self.load(extents)
            values.append(mask)
            values.append(Number(0, mask.dtype))
            values.append(Apply("gt", (len(values) - 2, len(values) - 1), bool_))
            values.append(Number(0, self.dtype))
            element = 0 if load.dtype is self.dtype else 1
            values.append(Apply("where", (len(values) - 2, element, len(values) - 1), self.dtype))
        return tuple(values)

    def program(self) -> tuple[Program, list[Any]]:
        a = self.operand((*self.batch, *self.rows, *self.summed))
        b = self.operand((*self.batch, *self.summed, *self.columns))
        extents = (*self.batch, *self.rows, *self.columns)
        size = int(np.prod(extents, dtype=int))
        values: list[Any] = [Product(self.dtype)]
        made, stores = [array_type((size,), self.dtype)], [Store(-1, contiguous_strides(extents), 0, 0)]
        if self.draw(st.booleans()):
            bias = self.load(extents)
            values += [bias, Apply("convert", (1,), self.dtype)]
            values += [Apply("add", (0, 2), self.dtype), Apply("relu", (3,), self.dtype)]
            order = self.draw(st.permutations(range(len(extents))))
            turned = np.argsort(order)
            laid = contiguous_strides(tuple(extents[k] for k in order))
            stores[0] = stores[0]._replace(strides=tuple(laid[turned[k]] for k in range(len(extents))), value=4)
            if self.draw(st.booleans()):
                stores.append(Store(-2, contiguous_strides(extents), 0, 3))
                made.append(made[0])
        inputs = len(self.arrays)
        stores = [s._replace(buffer=inputs - 1 - s.buffer) for s in stores]
        step = Contract(self.batch, self.rows, self.columns, self.summed, a, b, tuple(values), tuple(stores), self.dtype)
        buffers = (*[array_type(x.shape, dtype_of(x)) for x in self.arrays], *made)
        outputs = tuple((inputs + k, (size,)) for k in range(len(made)))
        return Program(buffers, inputs, (), (step,), outputs), self.arrays


def dtype_of(x: Any) -> Any:
    return {d.numpy: d for d in (float32, float64, bfloat16, float16)}[x.dtype]


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from([1, 2]))
def test_a_contraction_means_what_the_grammar_says(data, threads):
    pool.set_num_threads(threads)
    program, values = Drawn(data.draw).program()
    assert_same(run(program, values), run_program(program, values))


def linear(batch: int, inputs: int, outputs: int) -> Contract:
    """relu(x w^T + bias) into buffer 3, and where it is positive into buffer 4."""
    values = (
        Product(float32), Load(2, (0, 1), 0, float32), Apply("add", (0, 1), float32), Apply("relu", (2,), float32),
        Number(0, float32), Apply("gt", (2, 4), bool_),
    )  # fmt: skip
    stores = (Store(3, (outputs, 1), 0, 3), Store(4, (outputs, 1), 0, 5))
    a, b = Load(0, (inputs, 1), 0, float32), Load(1, (1, inputs), 0, float32)
    return Contract((), (batch,), (outputs,), (inputs,), (a,), (b,), values, stores, float32)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", [(1, 20, 30), (1, 700, 300), (64, 784, 128), (64, 128, 10), (5, 6, 1), (300, 70, 1),
                                   (3, 9, 2000), (300, 5000, 70),
                                   (2, 5000, 3), (500, 5000, 300), (64, 0, 7), (0, 3, 3), (3, 3, 0)])  # fmt: skip
def test_a_layer_in_one_step(shape, threads):
    pool.set_num_threads(threads)
    batch, inputs, outputs = shape
    random = np.random.default_rng(0)
    x, w, bias = (random.normal(size=s).astype("f") for s in ((batch, inputs), (outputs, inputs), (outputs,)))
    types = [array_type(s, float32) for s in (x.shape, w.shape, bias.shape, (batch, outputs))]
    buffers = (*types, array_type((batch, outputs), bool_))
    program = Program(buffers, 3, (), (linear(*shape),), ((3, (batch, outputs)), (4, (batch, outputs))))
    y, mask = run(program, [x, w, bias])
    wanted = x.astype("d") @ w.T.astype("d") + bias
    bound = np.finfo("f").eps * (inputs + 3) * (np.abs(x).astype("d") @ np.abs(w.T) + np.abs(bias))
    assert (np.abs(y - np.maximum(wanted, 0)) <= bound).all()
    assert (mask == (y > 0)).all()


def test_plain_matrices_need_no_code_of_their_own():
    step = linear(64, 784, 128)
    assert strided(left(step)) and strided(right(step))
    assert plain_store(finish(step)) is None
    bare = step._replace(values=step.values[:1], stores=(Store(3, (128, 1), 0, 0),))
    assert plain_store(finish(bare)) is not None
    buffers = tuple(array_type((64 * 784,), float32) for _ in range(5))
    assert "@part" not in code.program_text(Program(buffers, 3, (), (bare,), ()))
    assert "@part" in code.program_text(Program(buffers, 3, (), (step,), ()))


def test_layers_of_one_shape_share_their_code():
    buffers = tuple(array_type((64 * 784,), float32) for _ in range(5))
    step = linear(64, 64, 64)
    text = code.program_text(Program(buffers, 3, (), (step, step), ()))
    assert text.count("define void @part") == 1


def matrices(m: int, n: int, k: int, dtype: Any, left_turned: bool, panel: int, end: str) -> tuple[Program, list[Any]]:
    """a b, the right operand row by row or in panels of columns: as it is, added to what is there, or through relu."""
    random = np.random.default_rng(m + n + k)
    given = [random.uniform(-1, 1, size).astype(dtype.numpy) for size in (m * k, k * n, m * n)]
    panels = n // panel if panel else 1
    b = Load(1, (panel, k * panel, 1) if panel else (n, 1), 0, dtype)
    columns, place = ((panels, panel), (n, panel, 1)) if panel else ((n,), (n, 1))
    result = Store(3, place, 0, 0)
    values: tuple[Any, ...] = (Product(dtype),)
    if end == "adds":
        values = (*values, Load(3, place, 0, dtype), Apply("add", (1, 0), dtype))
    elif end == "relu":
        values = (*values, Apply("relu", (0,), dtype))
    start = Nest((m * n,), (), (Load(2, (1,), 0, dtype),), (Store(3, (1,), 0, 0),))
    a = Load(0, (1, m) if left_turned else (k, 1), 0, dtype)
    step = Contract((), (m,), columns, (k,), (a,), (b,), values, (result._replace(value=len(values) - 1),), dtype)
    buffers = tuple([array_type(x.shape, dtype) for x in (*given, given[2])])
    return Program(buffers, 3, (), (start, step), ((3, (m * n,)),)), given


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.sampled_from([4, 6, 7, 13, 48, 50, 101]), st.sampled_from([4, 8, 10, 16, 31, 48, 112]), st.integers(8, 70)),
    st.sampled_from([float32, float64]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["plain", "adds", "relu"]),
    st.sampled_from([1, 2]),
)
def test_matrices_are_multiplied_where_they_lie(sizes, dtype, left_turned, in_panels, end, threads):
    pool.set_num_threads(threads)
    m, n, k = sizes
    width = direct_plan.panel(host().lanes(dtype.itemsize))
    program, values = matrices(m, n, k, dtype, left_turned, width if in_panels and n % width == 0 else 0, end)
    found = direct_plan.plan(program.steps[1], host())  # type: ignore[arg-type]
    assert (found is not None and found.form == "blocks") == (n >= host().lanes(dtype.itemsize))
    first = run(program, values)
    assert_same(first, run_program(program, values))
    assert first[0].tobytes() == run(program, values)[0].tobytes()
