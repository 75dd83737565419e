"""Matrix products against NumPy in higher precision: every stride, shape and kernel, on one thread and on two."""

from __future__ import annotations

import ctypes
import threading
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.backends.native import PRODUCT, multiply
from wengert.backends.llvm import batched, jit, pool, product
from wengert.backends.llvm.target import host

# What becomes of a block of a product (`fused.py`).
FINISH = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 5, ctypes.c_void_p, ctypes.c_int64)

SUFFIX = {"float32": "f32", "float64": "f64"}

# (bytes of a vector, vector registers): the machine's own, and those of other machines that run here too.
MACHINES = [(host().width, host().registers), *[pair for pair in [(32, 16), (16, 32), (16, 16)] if pair[0] < host().width]]


@pytest.fixture(autouse=True)
def threads_as_before():
    before = pool.get_num_threads()
    yield
    pool.set_num_threads(before)


@cache
def library(machine):
    if machine == MACHINES[0]:
        return product.load()
    product.load()
    return jit.Loaded(product.compile_library(product.runtime_library(*machine)))


@cache
def function(dtype, machine=MACHINES[0]):
    return PRODUCT(library(machine).address(f"wengert_product_{SUFFIX[dtype]}"))


LAYOUTS = ("rows", "columns", "steps", "backward", "repeated")


def laid_out(rng, shape, dtype, layout):
    """An array of this shape with the memory layout of that name."""
    batch, rows, columns = shape
    if layout == "rows":
        return rng.standard_normal(shape).astype(dtype)
    if layout == "columns":
        return rng.standard_normal((batch, columns, rows)).astype(dtype).swapaxes(1, 2)
    if layout == "steps":
        return rng.standard_normal((batch, 2 * rows, 3 * columns)).astype(dtype)[:, ::2, ::3]
    if layout == "backward":
        return rng.standard_normal(shape).astype(dtype)[::-1, ::-1, ::-1]
    return np.broadcast_to(rng.standard_normal((1, 1, columns)).astype(dtype), shape)


def exact(a, b):
    """a b and |a| |b| in more precision than the product has."""
    wide = np.float64 if a.dtype == np.float32 else np.longdouble
    a, b = a.astype(wide), b.astype(wide)
    return a @ b, np.abs(a) @ np.abs(b)


def check(dtype, shape, layouts, *, seed=0, machine=MACHINES[0]):
    """One product, between guard elements that must stay."""
    batch, m, n, k = shape
    rng = np.random.default_rng(seed)
    a = laid_out(rng, (batch, m, k), dtype, layouts[0])
    b = laid_out(rng, (batch, k, n), dtype, layouts[1])
    guarded = np.full((batch + 1, m + 1, n + 3), np.nan, dtype)
    c = guarded[:batch, :m, 1 : n + 1]
    multiply(function(dtype, machine), a, b, c)
    wanted, size = exact(a, b)
    bound = np.finfo(dtype).eps * (k + 3) * size + np.finfo(dtype).tiny
    assert (np.abs(c - wanted) <= bound).all()
    guarded[:batch, :m, 1 : n + 1] = np.nan
    assert np.isnan(guarded).all(), "written outside of c"


SIZES = st.one_of(st.integers(0, 9), st.sampled_from([15, 16, 17, 31, 33, 47, 48, 49, 65, 97, 130]))
DEPTHS = st.one_of(st.integers(0, 40), st.sampled_from([64, 100, 130, 511, 512, 513, 1030]))


@settings(deadline=None, max_examples=250)
@given(
    dtype=st.sampled_from(sorted(SUFFIX)),
    threads=st.sampled_from([1, 2]),
    shape=st.tuples(st.sampled_from([1, 1, 2, 3]), SIZES, SIZES, DEPTHS),
    layouts=st.tuples(st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS)),
    seed=st.integers(0, 99),
)
def test_products_of_every_shape_and_stride(dtype, threads, shape, layouts, seed):
    pool.set_num_threads(threads)
    check(dtype, shape, layouts, seed=seed)


@settings(deadline=None, max_examples=80)
@given(
    machine=st.sampled_from(MACHINES[1:] or MACHINES),
    dtype=st.sampled_from(sorted(SUFFIX)),
    shape=st.tuples(st.sampled_from([1, 2]), SIZES, SIZES, DEPTHS),
    layouts=st.tuples(st.sampled_from(LAYOUTS), st.sampled_from(LAYOUTS)),
)
def test_the_texts_for_other_machines(machine, dtype, shape, layouts):
    check(dtype, shape, layouts, machine=machine)


@pytest.mark.parametrize("dtype", sorted(SUFFIX))
@pytest.mark.parametrize("rows", range(1, 20))
def test_few_rows_or_few_columns(dtype, rows):
    """Dot products, in both roles of the operands, and their ends."""
    for others in (1, 2, 4, 5, 9, 31):
        for depth in (31, 64, 300):
            check(dtype, (1, rows, others, depth), ("rows", "columns"))
            check(dtype, (1, rows, others, depth), ("steps", "columns"))
            check(dtype, (2, others, rows, depth), ("rows", "backward"))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("shape", [(1, 256, 300, 64), (1, 700, 10, 64), (1, 10, 700, 64), (3, 90, 90, 90), (40, 33, 20, 30),
                                   (1, 1, 900, 700), (1, 900, 1, 700), (1, 3, 2000, 90)])  # fmt: skip
def test_cells_cover_the_product(threads, shape):
    pool.set_num_threads(threads)
    check("float32", shape, ("rows", "columns"))
    check("float64", shape, ("columns", "rows"))


@pytest.mark.parametrize(("shape", "cut"), [((128, 784, 64), "rows"), ((64, 128, 784), "columns")])
def test_a_weight_is_written_in_the_rows_that_the_next_product_reads(shape, cut):
    """The gradient by a weight, with its update, is cut along the weight's rows; the forward product along its columns,
    which are rows of the weight."""
    m, n, k = shape
    pool.set_num_threads(2)
    blocks = []
    finish = FINISH(lambda places, t, i0, i1, j0, j1, tile, stride: blocks.append((i0, i1, j0, j1)))
    table = np.zeros(6, np.int64)
    table[4] = ctypes.cast(finish, ctypes.c_void_p).value
    a, b = np.ones((1, m, k), "f"), np.ones((1, k, n), "f")
    multiply(function("float32"), a, b, np.empty((1, m, n), "f"), fused=table.ctypes.data)
    assert sum((i1 - i0) * (j1 - j0) for i0, i1, j0, j1 in blocks) == m * n
    half = 0 if cut == "rows" else 2
    middle = (m if cut == "rows" else n) // 2
    assert not any(block[half] < middle < block[half + 1] for block in blocks)


@pytest.mark.parametrize("dtype", sorted(SUFFIX))
def test_an_empty_sum_is_zero(dtype):
    a, b = np.empty((2, 5, 0), dtype), np.empty((2, 0, 50), dtype)
    c = np.full((2, 5, 50), np.nan, dtype)
    multiply(function(dtype), a, b, c)
    assert (c == 0).all()


@pytest.mark.parametrize("shape", [(0, 3, 3, 3), (2, 0, 3, 3), (2, 3, 0, 3), (0, 0, 0, 0)])
def test_an_empty_product_touches_nothing(shape):
    batch, m, n, k = shape
    function("float32")(batch, 1, m, n, k, *[None, 0, 0, 0, 0] * 2, None, 0, 0, None, None)


@pytest.mark.parametrize("shape", [(1, 1, 5, 200), (1, 5, 1, 200), (1, 9, 20, 7), (1, 64, 64, 200), (1, 4, 9, 200)])
def test_infinities_and_nan_stay_where_they_belong(shape):
    _, m, n, k = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((1, m, k)).astype("f"), rng.standard_normal((1, n, k)).astype("f").swapaxes(1, 2)
    a[0, m - 1, k - 1], b[0, k // 2, n - 1] = np.inf, np.nan
    c = np.empty((1, m, n), "f")
    multiply(function("float32"), a, b, c)
    wanted = a.astype("d") @ b.astype("d")
    assert (np.isnan(c) == np.isnan(wanted)).all()
    assert (np.isinf(c) == np.isinf(wanted)).all()


def test_the_same_call_gives_the_same_bits():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((1, 200, 700)).astype("f"), rng.standard_normal((1, 700, 150)).astype("f")
    for threads in (1, 2, 3):
        pool.set_num_threads(threads)
        results = []
        for _ in range(20):
            c = np.empty((1, 200, 150), "f")
            multiply(function("float32"), a, b, c)
            results.append(c.tobytes())
        assert len(set(results)) == 1


def test_products_in_several_python_threads_at_once():
    pool.set_num_threads(2)
    errors = []

    def work(seed):
        try:
            for i in range(20):
                check("float32", (1, 100, 90, 80), ("rows", "columns"), seed=seed + i)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(100 * i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert errors == []


def test_kernels_stay_within_their_scratch_memory():
    pool.set_num_threads(1)
    room = np.zeros(batched.WORK + 64, np.uint8)
    room[batched.WORK :] = 77
    rng = np.random.default_rng(0)
    for dtype in SUFFIX:
        for m, n, k, layouts in ((40, 300, 1100, ("rows", "columns")), (1, 300, 1100, ("rows", "steps")),
                                 (200, 700, 9000, ("columns", "columns")),
                                 (16, 50, 2000, ("steps", "columns")), (3, 9, 30_000, ("steps", "columns"))):  # fmt: skip
            a, b = laid_out(rng, (1, m, k), dtype, layouts[0]), laid_out(rng, (1, k, n), dtype, layouts[1])
            c = np.empty((1, m, n), dtype)
            multiply(function(dtype), a, b, c, work=room.ctypes.data)
            value, size = exact(a, b)
            assert (np.abs(c - value) <= np.finfo(dtype).eps * k * size).all()
            assert (room[batched.WORK :] == 77).all()
