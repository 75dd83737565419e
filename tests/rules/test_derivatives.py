"""vjp and jvp against central differences in float64 and complex128, to second order, and against each other.

For y = f(x), a cotangent c and directions v, u, w:

    <c, df(x) v>  =  <x_bar, v>  =  <c, y_dot>                                        first order
    d/d(x, c) of <v, x_bar> along (u, w), by reverse and by forward mode               second order
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tests.rules.harness import (
    BUDGET,
    Draw,
    Program,
    Sample,
    apply,
    assert_close,
    difference,
    direction,
    inner,
    node_of,
    parts_of,
)
from tests.rules.samples import CASES
from wengert.derive.forward import push_forward
from wengert.derive.reverse import Saves, _look, pull_back
from wengert.graph.node import Node
from wengert.graph.record import separate_tape
from wengert.graph.rule import primitives, zeros_of

SMOOTH = [
    pytest.param(name, complex, id=f"{name}-complex" if complex else name)
    for name, case in sorted(CASES.items())
    if primitives.table[name].differentiable
    for complex in ((False, True) if case.complex else (False,))
]


class Setting(NamedTuple):
    """One application with everything that a derivative test needs: nodes, and values as arrays."""

    nodes: list[Node]
    moving: list[Node]
    positions: list[int]
    outputs: list[Node]
    cotangents: list[Any]
    directions: list[Any]
    random: np.random.Generator


def setting(name: str, sample: Sample, random: np.random.Generator) -> Setting:
    positions = sample.positions("x")
    nodes = [node_of(x, tracked=i in positions) for i, x in enumerate(sample.inputs)]
    outputs = [y for y in parts_of(apply(primitives.table[name], sample, nodes)) if y.type.inexact]
    cotangents = [direction(random, np.zeros(y.shape, y.dtype.numpy)) for y in outputs]
    directions = [direction(random, sample.inputs[i]) for i in positions]
    return Setting(nodes, [nodes[i] for i in positions], positions, outputs, cotangents, directions, random)


def spread(values: list[Any], positions: list[int], count: int) -> list[Any]:
    """Directions for all inputs: None for those that stay."""
    found: list[Any] = [None] * count
    for position, value in zip(positions, values):
        found[position] = value
    return found


def reverse(s: Setting, cotangents: list[Node]) -> list[Node]:
    """The cotangents of the moving inputs; zeros for those that no output depends on."""
    bars = pull_back(s.outputs, cotangents, s.moving)
    return [bars[x] if x in bars else zeros_of(x.type) for x in s.moving]


def size_of_terms(*pairs: tuple[list[Any], list[Any]]) -> float:
    """sum |a| |b|: what rounding and differencing errors of an inner product are relative to."""
    return float(sum(np.sum(np.abs(a) * np.abs(b)) for first, second in pairs for a, b in zip(first, second)))


@pytest.mark.parametrize("name, complex", SMOOTH)
def test_first_order(name, complex):
    @BUDGET
    @given(st.data())
    def check(data):
        draw = Draw(data.draw, complex)
        sample = CASES[name].make(draw)
        if not sample.positions("x"):
            return
        with separate_tape():
            s = setting(name, sample, draw.random)
            x_bars = reverse(s, [node_of(c) for c in s.cotangents])
            y_dots = push_forward(s.moving, [node_of(v) for v in s.directions], s.outputs)
            y_dots = [zeros_of(y.type) if y_dot is None else y_dot for y, y_dot in zip(s.outputs, y_dots)]
            for node, like in [*zip(x_bars, s.moving), *zip(y_dots, s.outputs)]:
                assert node.type is like.type, f"derivative of type {node.type}, value {like.type}"
            function = Program(s.nodes, s.outputs)
            values = Program(s.nodes, [*x_bars, *y_dots])(sample.inputs)
        bars, dots = values[: len(x_bars)], values[len(x_bars) :]
        slopes = difference(function, sample.inputs, spread(s.directions, s.positions, len(s.nodes)))
        for dot, slope in zip(dots, slopes):
            assert_close(dot, slope, "jvp is not the difference", atol=1e-8 * (1 + np.max(np.abs(slope), initial=0)))
        scale = 1 + size_of_terms((bars, s.directions), (s.cotangents, slopes))
        got = inner(bars, s.directions)
        assert_close(got, inner(s.cotangents, slopes), "vjp is not the difference", atol=1e-8 * scale)
        assert_close(got, inner(s.cotangents, dots), "vjp and jvp differ", 0, 1e-12 * scale)

    check()


@pytest.mark.parametrize("name, complex", SMOOTH)
def test_second_order(name, complex):
    @BUDGET
    @given(st.data())
    def check(data):
        draw = Draw(data.draw, complex)
        sample = CASES[name].make(draw)
        if not sample.positions("x"):
            return
        with separate_tape():
            s = setting(name, sample, draw.random)
            cotangents = [node_of(c, tracked=True) for c in s.cotangents]
            x_bars = reverse(s, cotangents)
            sources = [*s.moving, *cotangents]
            found = pull_back(x_bars, [node_of(v) for v in s.directions], sources)
            seconds = [found[x] if x in found else zeros_of(x.type) for x in sources]
            steps = [direction(draw.random, x.value) for x in sources]
            dots = push_forward(sources, [node_of(u) for u in steps], x_bars)
            dots = [zeros_of(x.type) if dot is None else dot for x, dot in zip(x_bars, dots)]
            inputs = [*s.nodes, *cotangents]
            gradient = Program(inputs, x_bars)
            values = Program(inputs, [*seconds, *dots])([*sample.inputs, *s.cotangents])
        seconds, dots = values[: len(sources)], values[len(sources) :]
        count = len(s.nodes)
        positions = [*s.positions, *range(count, len(inputs))]
        slopes = difference(gradient, [*sample.inputs, *s.cotangents], spread(steps, positions, len(inputs)))
        scale = 1 + size_of_terms((seconds, steps), (s.directions, slopes))
        want = inner(s.directions, slopes)
        assert_close(inner(s.directions, dots), want, "forward over reverse is not the difference", atol=1e-7 * scale)
        assert_close(inner(seconds, steps), want, "reverse over reverse is not the difference", atol=1e-7 * scale)

    check()


@pytest.mark.parametrize("name", sorted(name for name in CASES if not primitives.table[name].differentiable))
def test_what_has_no_derivative_is_not_tracked(name):
    @BUDGET
    @given(st.data())
    def check(data):
        sample = CASES[name].make(Draw(data.draw))
        with separate_tape():
            nodes = [node_of(x, tracked=x.dtype.kind in "fc") for x in sample.inputs]
            assert not apply(primitives.table[name], sample, nodes).tracked

    check()


@pytest.mark.parametrize("name, complex", SMOOTH)
def test_saves_nothing_says_what_the_derivative_reads(name, complex):
    primitive = primitives.table[name]
    read = Saves((), False)

    @BUDGET
    @given(st.data())
    def look(data):
        nonlocal read
        sample = CASES[name].make(Draw(data.draw, complex))
        wanted = tuple(i in sample.positions("x") for i in range(len(sample.inputs)))
        with separate_tape():
            y = apply(primitive, sample, [node_of(x, tracked=w) for x, w in zip(sample.inputs, wanted)])
            saves = _look(y, wanted)
        read = Saves((*read.inputs, *saves.inputs), read.output or saves.output)

    look()
    if primitive.saves_nothing:
        assert read == Saves((), False), f"{name} says that it saves nothing, but its derivative reads {read}"
    elif not (complex or CASES[name].complex):
        assert read != Saves((), False), f"{name}: its derivative reads nothing; set saves_nothing"
