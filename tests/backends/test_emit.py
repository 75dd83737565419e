"""Code of nests: sums are accurate however long, folds begin with their identity, every vector width gives the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.loops.tools import Guarded, assert_same, compiled, unit, use_vectors
from tests.rules.harness import Program, node_of
from wengert import dtypes
from wengert.backends.llvm import program
from wengert.backends.llvm.emit import emit_nest
from wengert.backends.llvm.target import host
from wengert.graph.record import scalar, separate_tape
from wengert.graph.rule import primitives as p
from wengert.loops import nest

REAL = tuple(dtype for dtype in dtypes.ALL if not dtype.is_complex)


def outputs(function: Any, *values: Any) -> list[Any]:
    """What a function of nodes gives, compiled."""
    program, given = program_of(function, *values)
    return compiled(program.graph).run(given)


def program_of(function: Any, *values: Any) -> tuple[Program, list[Any]]:
    with separate_tape():
        nodes = [node_of(x) for x in values]
        found = function(*nodes)
        program = Program(nodes, found if isinstance(found, list) else [found])
    return program, [*values, *program.constants]


# --- sums -------------------------------------------------------------------------------------------------------------


def terms(pattern: str, n: int) -> Any:
    random = np.random.default_rng(2)
    i = np.arange(n)
    return {
        "one number": lambda: np.full(n, 0.1),
        "uniform": lambda: random.uniform(0, 1, n),
        "a large one first": lambda: np.where(i == 0, 1e8, 1.0),
        "a large one last": lambda: np.where(i == n - 1, 1e8, 1.0),
        "growing": lambda: i**2.0,
        "shrinking": lambda: 1 / (i + 1.0),
        "cancelling": lambda: np.where(i % 2, 1e6, -1e6) + random.uniform(0, 1, n),
        "of every size": lambda: 2.0 ** random.uniform(-20, 20, n),
    }[pattern]()


PATTERNS = (
    "one number", "uniform", "a large one first", "a large one last", "growing", "shrinking", "cancelling", "of every size"
)  # fmt: skip
# Shape, axes of the sum: along memory, across it, both, short, with 1s, not a multiple of anything.
SPACES = [((1_000_003,), (0,)), ((30_000, 7), (0,)), ((7, 30_000), (1,)), ((3000, 33), (0,)), ((40, 50, 60), (0, 2)),
          ((129,), (0,)), ((100, 129), (0,)), ((20_000, 1), (0, 1)), ((5, 17, 3, 41), (1, 3))]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape, axes", SPACES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_sum_rounds_like_a_short_one(pattern, shape, axes, dtype):
    """The error is at most 2 eps of the terms' magnitudes, or NumPy's pairwise sum has a larger one."""
    rest = [k for k in range(len(shape)) if k not in axes]
    row = terms(pattern, math.prod(shape[k] for k in axes)).astype(dtype)
    many = math.prod(shape[k] for k in rest)
    rows = np.stack([row] * many).reshape([shape[k] for k in (*rest, *axes)])
    x = np.ascontiguousarray(rows.transpose(np.argsort([*rest, *axes])))
    (got,) = outputs(lambda x: p.reduce_sum(x, axes=axes), x)
    true, size = math.fsum(row.astype(np.float64)), math.fsum(np.abs(row).astype(np.float64))
    pairwise = abs(float(np.add.reduce(row)) - true)
    assert np.all(np.abs(got.astype(np.float64) - true) <= max(2 * unit(row.dtype) * size, pairwise))


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16], ids=lambda dtype: dtype.name)
def test_a_sum_of_narrow_floats_is_taken_in_float32(dtype):
    x = np.random.default_rng(0).uniform(0, 1, 5000).astype(dtype.numpy)
    (got,) = outputs(lambda x: p.reduce_sum(x, axes=(0,)), x)
    assert got == np.float32(math.fsum(x.astype(np.float64))).astype(dtype.numpy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 40, 5000])
@pytest.mark.parametrize(
    "special, sum", [((np.inf,), np.inf), ((-np.inf,), -np.inf), ((np.inf, -np.inf), np.nan), ((np.nan,), np.nan)]
)
def test_infinities_and_nan_reach_the_sum(special, sum, n, dtype):
    for place in (0, n // 2, n - len(special)):
        x = np.ones(n, dtype)
        x[place : place + len(special)] = special
        (got,) = outputs(lambda x: p.reduce_sum(x, axes=(0,)), x)
        np.testing.assert_array_equal(got, sum)


def test_a_sum_that_overflows_is_infinite():
    x = np.full(4000, 3e38, np.float32)
    (got,) = outputs(lambda x: p.reduce_sum(x, axes=(0,)), x)
    assert got == np.inf


# --- folds ------------------------------------------------------------------------------------------------------------

FOLDS = {
    "reduce_sum": (0, REAL), "reduce_prod": (1, REAL), "reduce_and": (True, dtypes.ALL[:1]),
    "reduce_or": (False, dtypes.ALL[:1]),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FOLDS))
@pytest.mark.parametrize("shape, axes", [((0,), (0,)), ((3, 0), (1,)), ((0, 3), (0,)), ((2, 0, 5), (0, 1)), ((4, 0, 0), (2,))])
def test_a_fold_of_nothing_is_its_identity(name, shape, axes):
    wanted, kinds = FOLDS[name]
    for dtype in kinds:
        (got,) = outputs(lambda x: p.table[name](x, axes=axes), np.zeros(shape, dtype.numpy))
        assert got.shape == tuple(n for k, n in enumerate(shape) if k not in axes) and got.dtype == dtype.numpy
        np.testing.assert_array_equal(got.astype(np.float64), wanted)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (0,), (0, 4), (3, 0, 2), (1, 0)])
def test_values_of_no_and_of_one_element(shape):
    x = np.full(shape, 2.0, np.float32)

    def function(x):
        total = p.reduce_sum(x, axes=tuple(range(x.ndim)))
        return [x * 2, total, p.exp(x) + total, p.reshape(x, shape=(x.size,)), p.full(total, shape=shape)]

    program, values = program_of(function, x)
    assert_same(compiled(program.graph).run(values), program.interpreter.run(values))


NARROW = (dtypes.bool_, dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.float16, dtypes.bfloat16)


@pytest.mark.parametrize("dtype", NARROW, ids=lambda dtype: dtype.name)
@pytest.mark.parametrize("n", [1, 2, 5, 9, 17, 33, 65, 66])
def test_nothing_is_written_behind_the_last_element(n, dtype, monkeypatch):
    """A store of narrowed elements whose last vector has one lane, along outer and along inner axes."""
    memory = Guarded()
    monkeypatch.setattr(program, "np", memory)
    x = np.random.default_rng(n).uniform(0, 3, (3, n)).astype(np.float64)
    k = np.arange(3 * n).reshape(3, n)

    def function(x, k):
        largest = p.reshape(p.reduce_max(x, axes=(1,)), shape=(3, 1))
        counted = p.reshape(p.reduce_max(k, axes=(1,)), shape=(3, 1))
        rows = p.reshape(p.iota(n=3, dtype=dtypes.float64), shape=(3, 1))
        found = [x, x - largest * 0.5, k - counted, k, x + rows, p.permute(x, order=(1, 0))]
        return [p.convert(y, dtype=dtype) for y in found if (y.dtype, dtype) != (dtypes.float64, dtypes.float16)]

    built, values = program_of(function, x, k)
    assert_same(compiled(built.graph).run(values), built.interpreter.run(values))
    memory.assert_intact()


# --- widths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [16, 32, 64])
@pytest.mark.parametrize("n", [1, 3, 4, 15, 16, 17, 63, 64, 65, 130, 1000])
def test_every_width_gives_the_same(width, n, monkeypatch):
    if width > host().width:
        return
    use_vectors(monkeypatch, width)
    random = np.random.default_rng(n)
    x, w = random.normal(size=(5, n)).astype(np.float32), random.normal(size=(n, 5))

    def function(x, w):
        shifted = x - p.reshape(p.reduce_max(x, axes=(1,)), shape=(5, 1))
        turned = p.permute(p.flip(w, axes=(0,)), order=(1, 0))
        mixed = p.convert(p.exp(shifted), dtype=dtypes.float64) * turned + p.iota(n=n, dtype=dtypes.float64)
        chosen = p.convert(p.where(p.gt(x, scalar(0.0, dtypes.float32)), mixed, turned), dtype=dtypes.float32)
        whole = p.convert(turned * 100.0, dtype=dtypes.int16)
        return [p.softmax(x, axis=1), chosen, p.reduce_sum(chosen, axes=(0,)), whole]

    program, values = program_of(function, x, w)
    assert_same(compiled(program.graph).run(values), program.interpreter.run(values))


def test_vectors_run_where_elements_are_read_again_and_again():
    """A sum over the inner axes with a few numbers for each outer point: those alone lie side by side along the outer axis."""
    f, around = dtypes.float32, [nest.Load(1 + n, (1, 0, 0), 0, dtypes.float32) for n in range(4)]
    values = [nest.Load(0, (112, 3584, 1), 0, f), *around, nest.Folded(0, f)]
    for n in range(4):
        values.append(nest.Apply("add", (len(values) - 1, 1 + n), f))
    actions = nest.Fold("add", 0), nest.Store(5, (1, 0, 0), 0, len(values) - 1)
    text, _ = emit_nest(nest.Nest((32,), (64, 112), tuple(values), actions), "one", 32)
    assert "load <8 x float>" in text
    assert "gather" not in text
