"""Compiled code gives what the interpreter gives: every primitive, its derivative both ways and its batching rule, in
every dtype that the compiler knows, over drawn shapes and layouts.

Twice: the program that the graph becomes is run the slow way (grouping and lowering are right), and the code is run
(its emission is right).
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.loops.reference import run_program
from tests.loops.tools import assert_same, compiled
from tests.rules.harness import BUDGET, Draw, Program, Sample, apply, node_of, parts_of
from tests.rules.samples import CASES
from tests.rules.test_types import cast
from wengert import dtypes
from wengert.backends.llvm import operations
from wengert.derive.batch import apply_batched
from wengert.derive.forward import tangent_of
from wengert.derive.reverse import cotangents_of_inputs
from wengert.graph.node import Node, TupleType
from wengert.graph.record import separate_tape, tracking
from wengert.graph.rule import primitives
from wengert.loops.lower import lower
from wengert.rewrite.pipeline import prepare

DTYPES = dtypes.ALL
DIFFERENTIABLE = sorted(name for name in CASES if primitives.table[name].differentiable)


class Application:
    """One application of a primitive, and what the modes of derivation make of it."""

    def __init__(self, name: str, sample: Sample, random: np.random.Generator) -> None:
        self.primitive = primitives.table[name]
        self.sample = sample
        self.random = random
        self.nodes = [node_of(x) for x in sample.inputs]

    def forward(self) -> list[Node]:
        return parts_of(apply(self.primitive, self.sample, self.nodes))

    def _moving(self) -> list[int]:
        found = [i for i in self.sample.positions("x") if self.nodes[i].type.inexact]
        for i in found:
            self.nodes[i].tracked = True
        return found

    def reverse(self) -> list[Node]:
        moving = self._moving()
        y = apply(self.primitive, self.sample, self.nodes)
        if not moving or not y.type.inexact:
            return []
        bars = tuple(self._like(part) for part in parts_of(y))
        found = cotangents_of_inputs(y, bars if isinstance(y.type, TupleType) else bars[0])
        wanted = [found[i] for i in moving]
        return [bar() if callable(bar) else bar for bar in wanted if bar is not None]

    def tangent(self) -> list[Node]:
        moving = self._moving()
        y = apply(self.primitive, self.sample, self.nodes)
        if not moving or not y.type.inexact:
            return []
        found = tangent_of(y, tuple(self._like(x) if i in moving else None for i, x in enumerate(self.nodes)))
        return [part for part in (found if isinstance(found, tuple) else (found,)) if part is not None]

    def batched(self) -> list[Node]:
        flags = [self.sample.role(i) in "xc" for i in range(len(self.nodes))]
        if not any(flags):
            return []
        rows = [primitives.expand(x, shape=(3, *x.shape)) if flag else x for x, flag in zip(self.nodes, flags)]
        params = apply(self.primitive, self.sample, self.nodes).params
        return parts_of(apply_batched(self.primitive, list(zip(rows, flags)), params, 3)[0])

    def _like(self, x: Node) -> Node:
        return node_of(self.random.uniform(-1, 1, x.shape).astype(x.dtype.numpy))


def by_the_grammar(program: Program, values: list[Any]) -> list[Any]:
    return run_program(lower(prepare(program.graph), operations.supports), values)


def by_the_code(program: Program, values: list[Any]) -> list[Any]:
    return compiled(program.graph).run(values)


def program_of(name: str, mode: str, dtype: Any, data: Any) -> Optional[tuple[Program, list[Any]]]:
    """A drawn program and its inputs; None where the primitive does not take the dtype."""
    case = CASES[name]
    if dtype not in case.dtypes:
        return None
    draw = Draw(data.draw)
    sample = case.make(draw)
    if sample.positions("xc"):
        sample = cast(sample, dtype)
    with separate_tape(), tracking(False):
        application = Application(name, sample, draw.random)
        program = Program(application.nodes, getattr(application, mode)())
    return program, [*sample.inputs, *program.constants]


def check(name: str, mode: str, dtype: Any, data: Any, run: Any) -> None:
    drawn = program_of(name, mode, dtype, data)
    if drawn is not None:
        program, values = drawn
        assert_same(run(program, values), program.interpreter.run(values))


def modes(*names: str) -> Any:
    """The parametrisation over primitives and what is made of them."""
    return pytest.mark.parametrize(
        "name, mode",
        [
            pytest.param(name, mode, id=f"{name}-{mode}")
            for mode in names
            for name in (DIFFERENTIABLE if mode in ("reverse", "tangent") else sorted(CASES))
        ],
    )


@modes("forward", "reverse", "tangent", "batched")
def test_the_program_of_a_primitive_means_the_graph(name, mode):
    @BUDGET
    @given(st.data(), st.sampled_from(DTYPES))
    def run(data: Any, dtype: Any) -> None:
        check(name, mode, dtype, data, by_the_grammar)

    run()


@modes("forward", "reverse")
def test_the_code_of_a_primitive_computes_the_graph(name, mode):
    @settings(BUDGET, max_examples=3)
    @given(st.data(), st.sampled_from(DTYPES))
    def run(data: Any, dtype: Any) -> None:
        check(name, mode, dtype, data, by_the_code)

    run()
