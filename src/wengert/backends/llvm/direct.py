"""Contractions whose operands are read where they lie, without copying them into panels: what convolutions become.

Three forms, each a task of the pool written for one contraction, its extents and strides as constants:

    strips   the right operand's columns lie side by side, or every other element is one: a tile of rows x vectors of
             columns in registers, over all summed elements (forward, and by the input)
    blocks   two matrices, the right one small or in panels of two vectors of columns (`loops/panels.py`): such tiles over a
             block of rows and columns; a product that is stored or added as it is goes to its place from the registers
    dots     the summed elements of both operands lie side by side: a tile of rows x columns of vectors of partial sums,
             over a block of the summed elements that the first-level cache keeps for all columns; the vectors wait in
             scratch memory for the next block, and are added up at the end (by the weight)

`direct_plan.py` decides, `direct_task.py` is the task around the tiles, `direct_strips.py`, `direct_blocks.py` and
`direct_dots.py` are the forms. Any other tile goes to scratch memory; what becomes of the product is computed from there by
the contraction's own function (`region.py`), a block at a time.

    void NAME(ptr words, i64 begin, i64 end, i64 worker)        words: places of a's and b's buffers, `work`, places of
                                                                what the result's function reads and writes
"""

from __future__ import annotations

from typing import Optional

from wengert.backends.llvm.direct_blocks import Blocks
from wengert.backends.llvm.direct_dots import Dots
from wengert.backends.llvm.direct_plan import Plan
from wengert.backends.llvm.direct_strips import Strips
from wengert.backends.llvm.direct_task import Task
from wengert.backends.llvm.vectors import Kind

_FORMS: dict[str, type[Task]] = {"strips": Strips, "dots": Dots, "blocks": Blocks}


def text(p: Plan, name: str, finish: str, tiles: Optional[dict[str, str]] = None) -> str:
    """The task and its tiles. `tiles`: the names of those that the program has already, by their texts; new ones join them."""
    return _FORMS[p.form](p, name, finish, {} if tiles is None else tiles).text()


def declarations(k: Kind) -> dict[str, str]:
    """What the texts call."""
    names = {line.split("@")[1].split("(")[0]: line for line in k.declarations()}
    names[f"reduce{k.suffix}"] = f"declare {k.type} @llvm.vector.reduce.fadd.v{k.lanes}{k.suffix}({k.type}, {k.vector})"
    names["mask"] = "declare ptr @llvm.ptrmask.p0.i64(ptr, i64)"
    return names
