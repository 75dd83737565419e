"""Compiled code gives what the interpreter gives: every primitive, its derivative both ways and its batching rule, in
every dtype that the compiler knows, over drawn shapes and layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.loops.reference import run_program
from tests.rules.harness import BUDGET, Draw, Program, Sample, apply, node_of, parts_of
from tests.rules.samples import CASES
from tests.rules.test_types import cast
from wengert import dtypes
from wengert.backends.llvm import compile as llvm, scalars
from wengert.derive.batch import apply_batched
from wengert.derive.forward import tangent_of
from wengert.derive.reverse import cotangents_of_inputs
from wengert.graph.node import Node
from wengert.graph.record import separate_tape, tracking
from wengert.graph.rule import primitives
from wengert.loops.lower import lower
from wengert.rewrite.pipeline import prepare

DTYPES = (dtypes.float32, dtypes.float64, dtypes.int64, dtypes.bool_)


def forward(name: str, sample: Sample, nodes: Sequence[Node]) -> list[Node]:
    return parts_of(apply(primitives.table[name], sample, nodes))


def reverse(name: str, sample: Sample, nodes: Sequence[Node]) -> list[Node]:
    y = apply(primitives.table[name], sample, nodes)
    bars = [node_of(np.ones(part.shape, part.dtype.numpy)) for part in parts_of(y)]
    found = [bar() if callable(bar) else bar for bar in cotangents_of_inputs(y, bars[0] if len(bars) == 1 else tuple(bars))]
    return [bar for bar in found if bar is not None]


def tangent(name: str, sample: Sample, nodes: Sequence[Node]) -> list[Node]:
    y = apply(primitives.table[name], sample, nodes)
    dots = tuple(x if i in sample.positions("x") and x.dtype.inexact else None for i, x in enumerate(nodes))
    found = tangent_of(y, dots)
    parts = found if isinstance(found, tuple) else (found,)
    return [part for part in parts if part is not None]


def batched(name: str, sample: Sample, nodes: Sequence[Node]) -> list[Node]:
    flags = [sample.role(i) in "xc" for i in range(len(nodes))]
    if not any(flags):
        return []
    rows = [
        primitives.expand(x, shape=(3, *x.shape)) if flag else x for x, flag in zip(nodes, flags)
    ]
    given = {**primitives.table[name].defaults, **sample.params}
    params = tuple(given[p] for p in primitives.table[name].params)
    return parts_of(apply_batched(primitives.table[name], list(zip(rows, flags)), params, 3)[0])


def compiled(program: Program, values: list[Any]) -> list[Any]:
    found = llvm.compile_graph(program.graph, lambda text, compile: compile(text))
    assert found is not None
    return found.run(values)


def by_the_grammar(program: Program, values: list[Any]) -> list[Any]:
    return run_program(lower(prepare(program.graph), scalars.supports), values)


def check(name: str, dtype: Any, what: Any, run: Any, data: Any) -> None:
    case = CASES[name]
    sample = case.make(Draw(data.draw))
    if sample.positions("xc"):
        sample = cast(sample, dtype)
    with separate_tape(), tracking(False):
        nodes = [node_of(x) for x in sample.inputs]
        if what is not forward:
            for i in sample.positions("x"):
                nodes[i].tracked = nodes[i].dtype.inexact
            if not any(x.tracked for x in nodes):
                return
        program = Program(nodes, what(name, sample, nodes))
    values = [*sample.inputs, *program.constants]
    for got, want in zip(run(program, values), program.interpreter.run(values)):
        assert got.dtype == want.dtype and got.shape == want.shape
        if want.dtype.kind == "f":
            eps = np.finfo(want.dtype).eps
            size = np.abs(want[np.isfinite(want)]).max(initial=1.0)
            np.testing.assert_allclose(got, want, rtol=64 * eps, atol=64 * eps * size)
        else:
            np.testing.assert_array_equal(got, want)


def covered(name: str, dtype: Any) -> bool:
    return dtype in CASES[name].dtypes


@pytest.mark.parametrize("what", [forward, reverse, tangent, batched], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_program_of_a_primitive_means_the_graph(name, what):
    @BUDGET
    @given(st.data(), st.sampled_from(DTYPES))
    def run(data, dtype):
        if covered(name, dtype):
            check(name, dtype, what, by_the_grammar, data)

    run()


@pytest.mark.parametrize("what", [forward, reverse], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_code_of_a_primitive_computes_the_graph(name, what):
    @settings(BUDGET, max_examples=3)
    @given(st.data(), st.sampled_from(DTYPES))
    def run(data, dtype):
        if covered(name, dtype):
            check(name, dtype, what, compiled, data)

    run()
