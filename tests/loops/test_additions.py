"""Sums into places that come from data, compiled: bit for bit what NumPy adds, in one nest and no call of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import wengert
from tests.loops.reference import run_program
from tests.loops.tools import compiled, use_vectors
from tests.rules.harness import Program, node_of
from wengert import dtypes
from wengert.backends.llvm import operations
from wengert.graph.record import scalar, separate_tape
from wengert.graph.rule import primitives as p
from wengert.loops.lower import lower
from wengert.loops.nest import Add, Call, Nest
from wengert.rewrite.pipeline import prepare

SIZES = st.sampled_from((1, 2, 3, 5, 8, 9, 17, 33, 70))
KINDS = st.sampled_from(("float32", "float64", "int64", "int8", "uint8"))


def check(name: str, x: Any, *rest: Any, **params: Any) -> Program:
    """One step by the grammar and by the code, against the interpreter: equal bits."""
    with separate_tape():
        nodes = [node_of(value) for value in (x, *rest)]
        program = Program(nodes, [p.table[name](*nodes, **params)])
    values = [x, *rest, *program.constants]
    (want,) = program.interpreter.run(values)
    lowered = lower(prepare(program.graph), operations.supports)
    assert not any(isinstance(step, Call) for step in lowered.steps)
    for (got,) in (run_program(lowered, values), compiled(program.graph).run(values)):
        assert got.dtype == want.dtype and got.shape == want.shape and got.tobytes() == want.tobytes()
    return program


def drawn(random: Any, shape: tuple[int, ...], kind: str) -> Any:
    return (
        (random.normal(size=shape) * 20).astype(np.int64).astype(kind)
        if kind[0] in "iu"
        else random.normal(size=shape).astype(kind)
    )


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(0, 2**31), KINDS)
def test_whole_slices(data, seed, kind):
    random = np.random.default_rng(seed)
    shape = tuple(data.draw(st.lists(SIZES, min_size=1, max_size=3)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    where = tuple(data.draw(st.lists(st.sampled_from((1, 2, 7, 30)), max_size=2)))
    n = shape[axis]
    index = random.integers(-n, n, where)
    source = drawn(random, shape[:axis] + where + shape[axis + 1 :], kind)
    check("put_add", drawn(random, shape, kind), np.asarray(index), source, axis=axis)


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(0, 2**31), KINDS)
def test_an_index_for_each_element(data, seed, kind):
    random = np.random.default_rng(seed)
    shape = tuple(data.draw(st.lists(SIZES, min_size=1, max_size=3)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    where = tuple(int(random.integers(2, 40)) if k == axis else int(random.integers(1, n + 1)) for k, n in enumerate(shape))
    index = random.integers(0, shape[axis], where)
    check("scatter_add", drawn(random, shape, kind), index, drawn(random, where, kind), axis=axis)


@pytest.mark.parametrize("axes", [(0, 1), (1, 2), (0, 2), (0, 1, 2)])
def test_several_indices_that_broadcast(axes):
    random = np.random.default_rng(3)
    shape = (4, 5, 6)
    x = random.normal(size=shape).astype("f")
    indices = [random.integers(-shape[k], shape[k], (7, 1) if n else (1, 9)) for n, k in enumerate(axes)]
    want = p.index.evaluate(x, *indices, axes=axes, wrap=True).shape
    check("index_put", x, random.normal(size=want).astype("f"), *indices, axes=axes, accumulate=True)


def test_all_lanes_of_several_vectors_and_what_is_left(monkeypatch):
    random = np.random.default_rng(4)
    for width in (16, 32):
        use_vectors(monkeypatch, width)
        for columns in (1, 63, 64, 65, 131):
            source = random.normal(size=(40, columns)).astype("f")
            check("put_add", np.zeros((6, columns), "f"), random.integers(0, 6, 40), source, axis=0)


def test_the_same_on_two_threads():
    random = np.random.default_rng(5)
    x, index = np.zeros((50, 700), "f"), random.integers(0, 50, 2000)
    source = random.normal(size=(2000, 700)).astype("f")
    before = wengert.get_num_threads()
    try:
        wengert.set_num_threads(2)
        check("put_add", x, index, source, axis=0)
    finally:
        wengert.set_num_threads(before)


@pytest.mark.parametrize("bad", [5, -6, 2**40, -(2**62)])
def test_an_index_out_of_bounds_is_an_error_and_writes_nothing(bad):
    x, index, source = np.ones((5, 3), "f"), np.array([1, bad, 2]), np.ones((3, 3), "f")
    with separate_tape():
        nodes = [node_of(value) for value in (x, index, source)]
        program = Program(nodes, [p.put_add(*nodes, axis=0)])
    code = compiled(program.graph)
    for free in (frozenset(), frozenset(code.donations)):
        with pytest.raises(IndexError, match=f"index {bad} is out of bounds for dimension 0 with size 5"):
            code.run([x, index, source], free)
    assert (x == 1).all()


def test_an_embedding_is_trained_without_a_call():
    with separate_tape():
        weight, at = node_of(np.zeros((7, 24), "f")), node_of(np.zeros(40, np.int64))
        bar = node_of(np.zeros((40, 24), "f"))
        program = Program([weight, at, bar], [p.put_add(p.full(scalar(0, dtypes.float32), shape=(7, 24)), at, bar, axis=0)])
    *_, last = lower(prepare(program.graph), operations.supports).steps
    assert isinstance(last, Nest) and isinstance(last.actions[0], Add) and last.outer == (24,) and last.inner == (40,)
