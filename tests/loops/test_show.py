"""Programs as text."""

from __future__ import annotations

from wengert import dtypes
from wengert.graph.node import array_type
from wengert.loops.nest import Apply, Contract, Fold, Folded, Load, Nest, Number, Product, Program, Store
from wengert.loops.show import show

F = dtypes.float32


def test_a_softmax_after_a_product_reads_like_its_formulas():
    product = Contract(
        (), (64,), (10,), (128,),
        (Load(0, (128, 1), 0, F),), (Load(1, (1, 128), 0, F),),
        (Product(F), Load(2, (0, 1), 0, F), Apply("add", (0, 1), F)),
        (Store(3, (10, 1), 0, 2),), F, "dot add",
    )  # fmt: skip
    softmax = Nest(
        (64,), (10,),
        (
            Load(3, (10, 1), 0, F), Folded(0, F), Apply("sub", (0, 1), F), Apply("exp", (2,), F), Folded(1, F),
            Apply("div", (3, 4), F), Number(2.0, F), Apply("mul", (5, 6), F),
        ),
        (Fold("max", 0), Fold("add", 3), Store(4, (10, 1), 5, 7)),
        "softmax",
    )  # fmt: skip
    types = [array_type(shape, F) for shape in ((64, 128), (10, 128), (10,), (64, 10), (64, 10))]
    program = Program(tuple(types), 3, (), (product, softmax), ((4, (64, 10)),))
    assert show(program) == (
        "inputs    b0: float32[64,128], b1: float32[10,128], b2: float32[10]\n"
        "made      b3: float32[64,10], b4: float32[64,10]\n"
        "product  dot add    batch () rows (64,) columns (10,) summed (128,) float32\n"
        "  a0 = b0[128 i0 + i1]\n"
        "  w0 = b1[i0 + 128 i1]\n"
        "  v0 = sum of a w\n"
        "  v1 = b2[i1]\n"
        "  v2 = add(v0, v1)\n"
        "  b3[10 i0 + i1] = v2\n"
        "nest  softmax    over (64,) x (10,)\n"
        "  v0 = b3[10 i0 + i1]\n"
        "  f0 = max v0\n"
        "  v1 = f0\n"
        "  v2 = sub(v0, v1)\n"
        "  v3 = exp(v2)\n"
        "  f1 = add v3\n"
        "  v4 = f1\n"
        "  v5 = div(v3, v4)\n"
        "  v6 = 2.0\n"
        "  v7 = mul(v5, v6)\n"
        "  b4[10 i0 + i1 + 5] = v7\n"
        "outputs   b4"
    )
