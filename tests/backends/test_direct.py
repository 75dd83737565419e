"""Which contractions are computed where they lie, and that their code is legal for vectors of every width."""

from __future__ import annotations

import llvmlite.binding as llvm
import pytest

from wengert.backends.llvm import batched, direct, direct_plan
from wengert.backends.llvm.target import Target, host
from wengert.dtypes import float32, float64
from wengert.loops.nest import Apply, Contract, Load, Product, Store


def contraction(width: int, rows: int = 16, taps: int = 3, dtype=float32, step: int = 1) -> Contract:
    """Windows of taps x taps over (4, 8, 20, pitch), into (4, rows, 18, width)."""
    pitch = step * width + taps
    w = Load(0, (0, 8 * taps * taps, taps * taps, taps, 1), 0, dtype)
    x = Load(1, (8 * 20 * pitch, 20 * pitch, pitch, 1, pitch, step), 0, dtype)
    store = Store(2, (rows * 18 * width, 18 * width, width, 1), 0, 0)
    return Contract((4,), (rows,), (18, width), (8, taps, taps), (w,), (x,), (Product(dtype),), (store,), dtype)


def of_weight(width: int) -> Contract:
    """Sums over (4, 18, width) for (16, 8, 3, 3)."""
    pitch = width + 3
    y = Load(0, (18 * width, 16 * 18 * width, width, 1), 0, float32)
    x = Load(1, (8 * 20 * pitch, pitch, 1, 20 * pitch, pitch, 1), 0, float32)
    store = Store(2, (72, 9, 3, 1), 0, 0)
    return Contract((), (16,), (8, 3, 3), (4, 18, width), (y,), (x,), (Product(float32),), (store,), float32)


def matrices(n: int = 64, dtype=float32, adds: bool = False) -> Contract:
    """(50, 24) times (24, n), stored or added to what is there."""
    values = (Product(dtype), Load(2, (n, 1), 0, dtype), Apply("add", (0, 1), dtype)) if adds else (Product(dtype),)
    a, b, store = Load(0, (24, 1), 0, dtype), Load(1, (n, 1), 0, dtype), Store(2, (n, 1), 0, len(values) - 1)
    return Contract((), (50,), (n,), (24,), (a,), (b,), values, (store,), dtype)


def machine(width: int, registers: int) -> Target:
    return host()._replace(width=width, registers=registers)


def test_columns_side_by_side_are_strips():
    found = direct_plan.plan(contraction(28), machine(32, 16))
    assert found is not None and found.form == "strips"
    assert found.cells == 4 * found.parts


def test_sums_side_by_side_are_dots():
    found = direct_plan.plan(of_weight(28), machine(32, 16))
    assert found is not None and found.form == "dots"
    assert found.cells == 4


def test_small_matrices_are_blocks():
    found = direct_plan.plan(matrices(), machine(32, 16))
    assert found is not None and found.form == "blocks" and found.to is not None
    rows, columns = direct_plan.blocks(found)
    for cuts, whole in ((rows, 50), (columns, 4)):
        assert sum([cut.many * cut.size for cut in cuts]) == whole
    assert found.parts == sum([cut.many for cut in rows]) * sum([cut.many for cut in columns])


@pytest.mark.parametrize("summed, cells", [(24, 1), (64, 2), (512, 8)])
def test_blocks_of_long_sums_are_cut_for_threads(summed, cells):
    """A recurrent layer's step backwards: (32, summed) times (summed, 128), the right one in panels of 16."""
    a, b = Load(0, (summed, 1), 0, float32), Load(1, (16, summed * 16, 1), 0, float32)
    step = Contract((), (32,), (8, 16), (summed,), (a,), (b,), (Product(float32),), (Store(2, (128, 16, 1), 0, 0),), float32)
    found = direct_plan.plan(step, machine(32, 16))
    assert found is not None and found.form == "blocks"
    assert found.cells == cells


def test_a_vector_that_overlaps_another_is_not_added_twice():
    for n, adds in ((64, True), (60, False)):
        found = direct_plan.plan(matrices(n, adds=True), machine(32, 16))
        assert found is not None and (found.to is not None) == adds


def test_a_block_of_the_product_fits_into_scratch_memory():
    for rows, width in ((512, 1000), (16, 40_000), (4096, 2000)):
        found = direct_plan.plan(contraction(width, rows=rows), machine(32, 16))
        assert found is None or rows * direct_plan.image_rows(found) * found.b.outer[-1][0] * 4 <= batched.WORK // 2


@pytest.mark.parametrize(
    "step",
    [
        matrices(4),
        matrices(2048),
        contraction(4),
        contraction(28, step=3),
        contraction(28, rows=1),
        contraction(28)._replace(columns=(18, 0)),
    ],
)
def test_others_are_left_to_the_panels(step):
    assert direct_plan.plan(step, machine(32, 16)) is None


def test_operands_that_are_computed_are_left_to_the_panels():
    step = contraction(28)
    computed = (*step.b, Apply("relu", (0,), float32))
    assert direct_plan.plan(step._replace(b=computed), machine(32, 16)) is None


@pytest.mark.parametrize(("width", "registers"), [(16, 32), (32, 16), (64, 32)])
@pytest.mark.parametrize(
    "step",
    [
        contraction(17),
        contraction(19, step=2),
        contraction(40, rows=13),
        contraction(31, taps=7),
        contraction(33, dtype=float64),
        of_weight(21),
        matrices(),
        matrices(43),
        matrices(adds=True),
        matrices(16, dtype=float64),
    ],
)
def test_the_code_is_legal_for_every_width(step, width, registers):
    found = direct_plan.plan(step, machine(width, registers))
    assert found is not None
    text = direct.text(found, "one", "@finish")
    needed = [
        "@buffers = external global ptr",
        "declare void @finish(ptr, i64, i64, i64, i64, i64, ptr, i64)",
        "declare void @wengert_parallel(ptr, ptr, i64, i64, i64, i64)",
        *dict.fromkeys(direct.declarations(found.kind).values()),
    ]
    llvm.parse_assembly("\n".join([text, *needed])).verify()
