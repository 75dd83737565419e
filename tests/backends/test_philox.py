"""Random numbers in kernels are those of the interpreter, bit for bit, wherever a kernel computes them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.loops.reference import run_program
from tests.loops.tools import compiled, use_vectors
from tests.rules.harness import Program, node_of
from wengert import dtypes
from wengert.backends.llvm import operations
from wengert.backends.llvm.target import host
from wengert.graph.record import separate_tape, tracking
from wengert.graph.rule import primitives as p
from wengert.loops.lower import lower
from wengert.loops.nest import Call, Program as Loops
from wengert.rewrite.pipeline import prepare

F = dtypes.float32


def check(function, *arrays):
    """The program of a function, of whose outputs the code and the grammar give the interpreter's bits."""
    with separate_tape(), tracking(False):
        nodes = [node_of(x) for x in arrays]
        program = Program(nodes, function(*nodes))
    values = [*arrays, *program.constants]
    wanted = program.interpreter.run(values)
    lowered: Loops = lower(prepare(program.graph), operations.supports)
    for got in (compiled(program.graph).run(values), run_program(lowered, values)):
        for a, b in zip(got, wanted):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_array_equal(a, b)
    assert not any(isinstance(step, Call) for step in lowered.steps)
    return lowered


def number(x):
    return np.array(x, np.int64)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (8,), (9,), (64,), (1000,), (3, 8), (3, 5), (5, 7, 16), (0,), (4, 0)])
@pytest.mark.parametrize("key, counter", [(0, 0), (1, 2**40), (-(2**63), 2**63 - 1), (2**63 - 1, -1)])
def test_numbers_of_every_shape_and_key(shape, key, counter):
    check(lambda k, c: [p.uniform(k, c, shape=shape, dtype=F)], number(key), number(counter))


def test_dropout_is_part_of_the_nest_that_reads_it():
    x = np.random.default_rng(0).normal(size=(33, 40)).astype("f")

    def dropout(x, k, c):
        kept = p.gt(p.uniform(k, c, shape=(33, 40), dtype=F), node_of(np.array(0.25, "f")))
        return [p.where(kept, x * 2.0, x * 0.0), kept]

    assert len(check(dropout, x, number(3), number(5)).steps) == 1


def test_numbers_that_are_read_across_their_order():
    x = np.random.default_rng(0).normal(size=(16, 24)).astype("f")

    def function(x, k, c):
        u = p.uniform(k, c, shape=(24, 16), dtype=F)
        return [x * p.permute(u, order=(1, 0)), p.reduce_max(u, axes=(0,)), p.reduce_max(u, axes=(1,)), p.flip(u, axes=(0, 1))]

    check(function, x, number(-1), number(7))


def test_numbers_after_a_product():
    x = np.random.default_rng(0).integers(-3, 3, size=(20, 24)).astype("f")

    def function(x, k, c):
        kept = p.lt(p.uniform(k, c, shape=(20, 20), dtype=F), node_of(np.array(0.5, "f")))
        return [p.where(kept, p.dot(x, p.permute(x, order=(1, 0))), node_of(np.zeros((20, 20), "f")))]

    assert len(check(function, x, number(2), number(9)).steps) == 1


@pytest.mark.parametrize("width", [16, 32, 64])
def test_every_width_gives_the_same_numbers(width, monkeypatch):
    if width <= host().width:
        use_vectors(monkeypatch, width)
        for n in (1, 8, 31, 200):
            check(lambda k, c, n=n: [p.uniform(k, c, shape=(3, n), dtype=F)], number(11), number(12))
