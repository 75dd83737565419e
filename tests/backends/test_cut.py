"""How nests are cut for threads."""

from __future__ import annotations

import pytest

from wengert import dtypes
from wengert.backends.llvm.cut import PIECE, VECTORS, Cut, cut, work
from wengert.loops.collapse import collapse
from wengert.loops.nest import Apply, Fold, Folded, Load, Nest, Store


def sums(rows: int, columns: int, strides: tuple[int, int]) -> Nest:
    """Sums over the second axis of a matrix with these strides."""
    values = (Load(0, strides, 0, dtypes.float32), Folded(0, dtypes.float32))
    return Nest((rows,), (columns,), values, (Fold("add", 0), Store(1, (1, 0), 0, 1)), "sums")


def pointwise(op: str, n: int) -> Nest:
    values = (Load(0, (1,), 0, dtypes.float32), Apply(op, (0,), dtypes.float32))
    return Nest((n,), (), values, (Store(1, (1,), 0, 1),), op)


def test_sums_along_rows_are_cut_at_any_row() -> None:
    found = cut(sums(16, 65536, (65536, 1)))
    assert found is not None and found.align == 1 and found.grain <= 8


def test_sums_down_columns_are_cut_at_whole_vectors() -> None:
    assert cut(sums(16, 65536, (1, 16))) is None
    found = cut(sums(1024, 1024, (1, 1024)))
    assert found is not None and found.align == VECTORS


def test_a_piece_is_worth_a_threads_while() -> None:
    nest = sums(1000, 480, (480, 1))
    found = cut(nest)
    assert found is not None
    assert found.grain * work(nest) >= PIECE * 1000 > (found.grain - 1) * work(nest)
    assert cut(sums(100, 480, (480, 1))) is None


@pytest.mark.parametrize("op", ["exp", "tanh", "sigmoid", "gelu"])
def test_what_takes_long_is_worth_it_sooner(op: str) -> None:
    assert cut(pointwise("neg", 8192)) is None
    assert isinstance(cut(pointwise(op, 8192)), Cut)


def test_what_is_computed_once_a_row_counts_once_a_row() -> None:
    plain = sums(64, 4096, (4096, 1))
    values = (*plain.values, Apply("exp", (1,), dtypes.float32))
    late = plain._replace(values=values, actions=(plain.actions[0], Store(1, (1, 0), 0, 2)))
    assert work(late) == work(plain) + 64 * 20


def test_one_row_is_one_piece() -> None:
    assert cut(collapse(sums(1, 1 << 20, (1 << 20, 1)))) is None
