"""How products are cut for threads: pieces that cover the product once, and panels that a thread packs once."""

from __future__ import annotations

import ctypes
import threading
from collections import Counter

import numpy as np
import pytest

from tests.backends.native import multiply
from tests.backends.test_gemm import FINISH, MACHINES, check, exact, function, laid_out
from wengert.backends.llvm import cells, pool

PACK = FINISH  # the same arguments


@pytest.fixture(autouse=True)
def threads_as_before():
    before = pool.get_num_threads()
    yield
    pool.set_num_threads(before)


class Fused:
    """A product whose blocks are handed on to Python; with `packs`, Python copies the right operand too."""

    def __init__(self, a, b, machine=MACHINES[0], *, packs=False):
        self.b = b
        self.result = np.full((len(a), a.shape[1], b.shape[2]), np.nan, a.dtype)
        self.counts = np.zeros(self.result.shape, int)
        self.blocks, self.threads = [], []
        self.packed = Counter()  # elements, by thread and row
        finish, pack = FINISH(self._finish), PACK(self._pack)
        table = np.zeros(6, np.int64)
        table[4] = ctypes.cast(finish, ctypes.c_void_p).value
        if packs:
            table[2] = ctypes.cast(pack, ctypes.c_void_p).value
        multiply(function(str(a.dtype), machine), a, b, np.empty_like(self.result), fused=table.ctypes.data)

    def _finish(self, places, t, i0, i1, j0, j1, tile, stride):
        size = ((i1 - i0 - 1) * stride + j1 - j0) * self.b.itemsize
        flat = np.frombuffer(ctypes.string_at(tile, size), self.b.dtype)
        steps = (stride * flat.itemsize, flat.itemsize)
        self.result[t, i0:i1, j0:j1] = np.lib.stride_tricks.as_strided(flat, (i1 - i0, j1 - j0), steps)
        self.counts[t, i0:i1, j0:j1] += 1
        self.blocks.append((i0, i1, j0, j1))

    def _pack(self, places, t, r0, r1, c0, c1, out, stride):
        for r in range(r0, r1):
            row = np.ascontiguousarray(self.b[t, r, c0:c1])
            ctypes.memmove(out + (r - r0) * stride * row.itemsize, row.ctypes.data, row.nbytes)
            self.packed[threading.get_ident(), r] += c1 - c0


def operands(shape, layouts, dtype="float32"):
    batch, m, n, k = shape
    rng = np.random.default_rng(0)
    return laid_out(rng, (batch, m, k), dtype, layouts[0]), laid_out(rng, (batch, k, n), dtype, layouts[1])


# Divided along columns; along rows, with panels that last; along both; rows whose panels do not last (too deep, too wide);
# few rows in the last piece.
SHAPES = [
    (1, 64, 128, 784), (1, 128, 784, 64), (1, 130, 780, 520), (2, 140, 400, 70), (1, 100, 90, 4200), (1, 140, 2200, 24),
]  # fmt: skip


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_pieces_cover_the_product_once(shape, threads):
    pool.set_num_threads(threads)
    for machine in MACHINES:
        a, b = operands(shape, ("columns", "rows"))
        found = Fused(a, b, machine)
        wanted, size = exact(a, b)
        assert (found.counts == 1).all()
        assert (np.abs(found.result - wanted) <= np.finfo("f").eps * (shape[3] + 3) * size).all()
    check("float32", shape, ("rows", "columns"))


def test_pieces_cover_the_product_once_in_double_precision():
    pool.set_num_threads(2)
    check("float64", SHAPES[3], ("columns", "rows"))
    check("float64", SHAPES[3], ("rows", "columns"))


@pytest.mark.parametrize(("shape", "layouts"), [(SHAPES[0], ("rows", "columns")), (SHAPES[1], ("columns", "rows"))])
def test_who_comes_late_finds_something_to_take(shape, layouts):
    pool.set_num_threads(2)
    found = Fused(*operands(shape, layouts))
    side = 0 if shape[2] > shape[3] else 2  # the gradient by a weight is divided along the weight's rows, both times
    assert len({block[side : side + 2] for block in found.blocks}) >= 6
    assert found.counts.all()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_thread_packs_what_its_pieces_share_only_once(threads):
    pool.set_num_threads(threads)
    a, b = operands((1, 128, 784, 64), ("columns", "rows"))
    found = Fused(a, b, packs=True)
    assert (np.abs(found.result - exact(a, b)[0]) <= 1e-3).all()
    assert max(found.packed.values()) <= 784


def test_small_products_are_not_divided():
    pool.set_num_threads(2)
    found = Fused(*operands((1, 64, 48, 2 * cells.PIECE // (64 * 48)), ("rows", "columns")))
    assert len(found.blocks) == 2


def test_who_takes_a_piece_does_not_bear_on_the_result():
    for shape, layouts in ((SHAPES[1], ("columns", "rows")), (SHAPES[2], ("columns", "rows"))):
        a, b = operands(shape, layouts)
        for threads in (2, 3):
            pool.set_num_threads(threads)
            assert len({Fused(a, b).result.tobytes() for _ in range(6)}) == 1
