"""What a nest's folds carry from one inner point to the next, and how it is put together at the end.

A sum of floats is accurate however long it is: it is taken in *blocks* of a few additions one after the other (`BLOCK`,
fewer where partial results have to be joined), and the sums of the blocks, and of the lanes of a vector, are added up with
the rounding error of each addition kept and added at the end. So the error is that of a short sum, however many terms
there are (NumPy's pairwise sum of n terms has 16 + 3 + log2(n / 128) additions in a row).

Source: T. J. Dekker, A floating-point technique for extending the available precision, Numer. Math. 18 (1971), and
D. E. Knuth, The Art of Computer Programming, vol. 2, sec. 4.2.2, theorem B, for the error of an addition;
T. Ogita, S. M. Rump, S. Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26 (2005), for adding it at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from wengert.backends.llvm.scalars import Scalars
from wengert.dtypes import DType
from wengert.loops.nest import Fold

# Additions one after the other in a block; and where several partial results are joined at its end.
BLOCK = 16
BLOCK_OF_VECTORS = 8


class Folding:
    """The folds of one run over the inner axes. What they carry is a list of values: one for each fold in a block, and in
    the totals over blocks one more, the sum of errors, for each sum of floats."""

    def __init__(self, folds: Sequence[tuple[int, Fold]], dtypes: Sequence[DType], s: Scalars) -> None:
        self.numbers = [number for number, _ in folds]
        self.folds = [fold for _, fold in folds]
        self.dtypes = list(dtypes)
        self.s = s

    @property
    def has_sums(self) -> bool:
        """Whether some fold is a sum that rounds."""
        return any(map(self._is_sum, range(len(self.folds))))

    def _is_sum(self, i: int) -> bool:
        return self.folds[i].op == "add" and self.dtypes[i].is_floating_point

    # --- in a block --------------------------------------------------------------------------------------------------

    def kinds(self) -> list[str]:
        """The LLVM types of what a block carries."""
        return [self.s.type(dtype) for dtype in self.dtypes]

    def start(self) -> list[str]:
        """What a block begins with."""
        return [self.s.identity(fold.op, dtype) for fold, dtype in zip(self.folds, self.dtypes)]

    def step(self, carried: Sequence[str], values: Sequence[str], mask: str | None) -> list[str]:
        """One more element for each fold; with a mask, only where it holds."""
        added = self.join(carried, values)
        if mask is None:
            return added
        bools = self.s.vector("i1")
        return [
            self.s.w.emit(f"select {bools} {mask}, {kind} {a}, {kind} {b}")
            for kind, a, b in zip(self.kinds(), added, carried)
        ]

    def join(self, first: Sequence[str], second: Sequence[str]) -> list[str]:
        """Two partial results as one."""
        return [
            self.s.fold(fold.op, dtype, a, b) for fold, dtype, a, b in zip(self.folds, self.dtypes, first, second)
        ]

    # --- over blocks -------------------------------------------------------------------------------------------------

    def total_kinds(self) -> list[str]:
        """The LLVM types of what the totals carry."""
        return self.kinds() + [kind for i, kind in enumerate(self.kinds()) if self._is_sum(i)]

    def total_start(self) -> list[str]:
        """What the totals begin with."""
        return self.start() + [self.s.constant(0, dtype) for i, dtype in enumerate(self.dtypes) if self._is_sum(i)]

    def add_block(self, totals: Sequence[str], block: Sequence[str]) -> list[str]:
        """The totals with one more block."""
        n = len(self.folds)
        heads = self.join(totals[:n], block)
        errors = iter(totals[n:])
        return heads + [
            self._with_error(next(errors), i, totals[i], block[i], heads[i]) for i in range(n) if self._is_sum(i)
        ]

    def _with_error(self, so_far: str, i: int, a: str, b: str, total: str) -> str:
        """The errors so far, and that of total = a + b."""
        return self.s.two("fadd", self.dtypes[i], so_far, self.s.sum_error(self.dtypes[i], a, b, total))

    def total_end(self, totals: Sequence[str]) -> list[str]:
        """The results. Where a total is infinite or NaN its error is NaN and means nothing."""
        n = len(self.folds)
        errors = iter(totals[n:])
        found = []
        for i, total in enumerate(totals[:n]):
            if self._is_sum(i):
                error = next(errors)
                corrected = self.s.two("fadd", self.dtypes[i], total, error)
                total = self.s.select(self.s.is_nan(self.dtypes[i], error), self.dtypes[i], total, corrected)
            found.append(total)
        return found

    # --- across lanes ------------------------------------------------------------------------------------------------

    def across_lanes(self, results: Sequence[str]) -> list[str]:
        """Results of a block, or totals, with the lanes of each folded into one, by halves; `s` is then of one lane."""
        is_total = len(results) > len(self.folds)
        kinds = [*self.dtypes, *[dtype for i, dtype in enumerate(self.dtypes) if self._is_sum(i)]]
        results = list(results)
        while self.s.lanes > 1:
            pairs = [_halves(self.s, dtype, vector) for dtype, vector in zip(kinds, results)]
            self.s = Scalars(self.s.w, self.s.lanes // 2)
            first, second = [list(half) for half in zip(*pairs)] if pairs else ([], [])
            results = self._join_totals(first, second) if is_total else self.join(first, second)
        return results

    def _join_totals(self, first: list[str], second: list[str]) -> list[str]:
        """Two totals as one: the second's heads are a block for the first, and its errors add up."""
        n = len(self.folds)
        sums = [dtype for i, dtype in enumerate(self.dtypes) if self._is_sum(i)]
        errors = [self.s.two("fadd", dtype, a, b) for dtype, a, b in zip(sums, first[n:], second[n:])]
        return self.add_block([*first[:n], *errors], second[:n])


def _halves(s: Scalars, dtype: DType, vector: str) -> tuple[str, str]:
    """The two halves of a vector."""
    half, kind = s.lanes // 2, s.type(dtype)
    if half == 1:
        a, b = (s.w.emit(f"extractelement {kind} {vector}, i32 {i}") for i in range(2))
        return a, b
    places = [", ".join(f"i32 {i}" for i in range(start, start + half)) for start in (0, half)]
    a, b = (s.w.emit(f"shufflevector {kind} {vector}, {kind} poison, <{half} x i32> <{p}>") for p in places)
    return a, b
