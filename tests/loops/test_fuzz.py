"""Random graphs: compiled code gives what the interpreter gives, bit for bit the same each time, in every layout of its
inputs, with and without donated memory, and fails where the interpreter fails.

How close two results must be is measured, not guessed: the interpreter runs again with every rounding result moved by an
ulp or two, and what that does to an output is what rounding may do to it.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from tests.loops.fuzzer import Fuzzer
from tests.loops.tools import Guarded, compiled, unit, use_vectors
from wengert.backends.llvm import program as llvm_program
from wengert.backends.llvm.target import host
from wengert.graph.graph import Graph
from wengert.rewrite.pipeline import prepare

GRAPHS = int(os.environ.get("WENGERT_FUZZ", "240"))
CHUNK = 20

# Primitives whose NumPy result is the one correctly rounded result, or no rounding at all.
EXACT = frozenset(
    "add sub mul div neg abs sqrt square maximum minimum clamp clamp_min clamp_max relu where sign floor ceil round trunc "
    "eq ne lt le gt ge isnan isfinite bitwise_and bitwise_or bitwise_xor bitwise_not reciprocal reshape permute slice expand "
    "flip diagonal full iota gather take clone barrier concatenate pad slice_update reduce_max reduce_min reduce_and reduce_or "
    "pack element argmax convert".split()
)


# Primitives that add terms: rounding is relative to the terms, which may cancel.
SUMS = frozenset("dot reduce_sum cumsum scatter_add put_add index_put linear_recurrence".split())


def moved(graph: Graph, values: list[Any], random: np.random.Generator) -> list[Any]:
    """The outputs when every result that rounding may have moved is moved."""
    plain = prepare(graph)
    slots: list[Any] = [*values, *plain.constants]
    with np.errstate(all="ignore"):
        for step in plain.graph.steps:
            y = step.primitive.evaluate(*[slots[i] for i in step.args], **step.named)
            if step.primitive.name not in EXACT and not isinstance(y, tuple) and step.type.inexact:
                y = np.asarray(y)
                size = np.abs(y)
                if step.primitive.name in SUMS:
                    terms = [np.abs(x) if x.dtype.kind not in "biu" else x for x in (slots[i] for i in step.args)]
                    size = step.primitive.evaluate(*terms, **step.named)
                y = (y + random.uniform(-4, 4, y.shape) * unit(y.dtype) * size).astype(y.dtype)
            slots.append(y)
    return [np.asarray(slots[i]) for i in plain.graph.outputs]


def assert_agrees(got: list[Any], want: list[Any], shaken: list[list[Any]]) -> None:
    assert len(got) == len(want)
    for number, (a, b) in enumerate(zip(got, want)):
        assert a.dtype == b.dtype and a.shape == b.shape, f"output {number}: {a.dtype}{a.shape} is not {b.dtype}{b.shape}"
        others = [run[number] for run in shaken]
        if b.dtype.kind in "biu":
            steady = np.all([other == b for other in others], axis=0)
            wrong = steady & (a != b)
            if np.sum(wrong) <= np.sum(~steady):  # where rounding decides, some are decided alike by chance
                continue
        else:
            wrong = _apart(a, b, others)
        assert not np.any(wrong), (
            f"output {number}, {int(np.sum(wrong))} of {a.size} elements: {a[wrong].reshape(-1)[:4]} is not "
            f"{b[wrong].reshape(-1)[:4]}, at {np.argwhere(wrong)[:4].tolist()}"
        )


def _apart(a: Any, b: Any, others: list[Any]) -> Any:
    """Where two arrays of floats differ by more than rounding explains."""
    wide = [np.asarray(x, np.float64) for x in (a, b, *others)]
    a64, b64, rest = wide[0], wide[1], wide[2:]
    with np.errstate(all="ignore"):
        spread = np.max([np.abs(x - b64) for x in rest], axis=0)
        finite = np.all([np.isfinite(x) for x in wide[1:]], axis=0)
        same_kind = np.all([np.isnan(x) == np.isnan(b64) for x in rest], axis=0)
        same_kind &= np.all([(np.isnan(x) | np.isfinite(x) | (x == b64)) for x in rest], axis=0)
        typical = np.max(spread, where=finite, initial=0.0)
        allowed = 50 * spread + 0.3 * typical + 16 * unit(b.dtype) * np.abs(b64) + np.finfo(np.float32).tiny
        near = np.abs(a64 - b64) <= allowed
        equal = (a64 == b64) | (np.isnan(a64) & np.isnan(b64))
    return ~(equal | (finite & near)) & (finite | (same_kind & ~finite & _settled(rest, b64)))


def _settled(rest: list[Any], b: Any) -> Any:
    """Where every shaken run gives the same infinity or NaN."""
    return np.all([(x == b) | (np.isnan(x) & np.isnan(b)) for x in rest], axis=0)


@pytest.fixture
def guarded(monkeypatch):
    """The memory that programs write to, with guards around it."""
    memory = Guarded()
    monkeypatch.setattr(llvm_program, "np", memory)
    yield memory
    memory.assert_intact()


def run_both(seed: int) -> None:
    """The claims of this page for one graph. (A failure's first frame here names the seed.)"""
    program, values = Fuzzer(seed).program()
    before = [np.array(x) for x in values]
    code = compiled(program.graph)
    try:
        want = program.interpreter.run(values)
    except IndexError as error:
        assert_fails_alike(code, values, before, error)
        return
    got = code.run(values)
    first = [x.copy() for x in got]
    random = np.random.default_rng(seed)
    assert_agrees(got, want, [moved(program.graph, values, random) for _ in range(5)])
    assert_identical(code.run(values), first, "a second run")
    assert_untouched(values, before, frozenset())
    assert_donation_changes_nothing(code, before, first)


def assert_donation_changes_nothing(code: Any, before: list[Any], first: list[Any]) -> None:
    values = [x.copy() for x in before]
    free = frozenset(code.donations)
    assert_identical(code.run(values, free), first, "donated inputs")
    assert_untouched(values, before, free)


def assert_fails_alike(code: Any, values: list[Any], before: list[Any], error: IndexError) -> None:
    for free in (frozenset(), frozenset(code.donations)):
        given = [x.copy() for x in values] if free else values
        with pytest.raises(IndexError) as raised:
            code.run(given, free)
        assert str(raised.value) == str(error)
        assert_untouched(given, before, frozenset())


def assert_identical(got: list[Any], want: list[Any], what: str) -> None:
    for a, b in zip(got, want):
        assert a.tobytes() == b.tobytes(), f"{what} gives other bits"


def assert_untouched(values: list[Any], before: list[Any], free: frozenset[int]) -> None:
    for i, (x, was) in enumerate(zip(values, before)):
        assert i in free or x.tobytes() == was.tobytes(), f"input {i} was written over"


@pytest.mark.parametrize("first", range(0, GRAPHS, CHUNK))
def test_random_graphs(first, guarded):
    for seed in range(first, first + CHUNK):
        run_both(seed)
        guarded.assert_intact()
        guarded.given.clear()


@pytest.mark.parametrize("width", [16, 32])
def test_random_graphs_for_narrower_vectors(width, monkeypatch):
    if width < host().width:
        use_vectors(monkeypatch, width)
        for seed in range(1000 * width, 1000 * width + CHUNK):
            run_both(seed)
