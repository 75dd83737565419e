"""What is fused into a matrix product: how it asks the program for its operands, and hands it the result.

A product finds a table of six words, or null where it is a plain one:

    ptr pack_a, ptr places_a     how the left operand is read, and the places of its buffers
    ptr pack_b, ptr places_b     the right one
    ptr finish, ptr places       what becomes of the product

each function null where the product's own strides say it. Their forms:

    void pack(ptr places, i64 t, i64 r0, i64 r1, i64 c0, i64 c1, ptr out, i64 stride)

        out[(r - r0) stride + c - c0] = the operand of batch t at row r, column c, for r0 <= r < r1, c0 <= c < c1.
        It may write on in each row up to a multiple of the vector length, and nothing else.

    void finish(ptr places, i64 t, i64 i0, i64 i1, i64 j0, i64 j1, ptr tile, i64 stride)

        tile[(i - i0) stride + j - j0] is the product of batch t at row i, column j. Each element is handed over once,
        by any thread, in blocks.

`emit.py` and `operand.py` write such functions for a `Contract`; the kernels call them with blocks that fit in a cache.
"""

from __future__ import annotations

from wengert.backends.llvm.flow import Flow
from wengert.backends.llvm.vectors import Kind

WORDS = ("pack_a", "places_a", "pack_b", "places_b", "finish", "places")


class Fused:
    """The calls of a table's functions, within a function that has %fused, %t, %i0, %j0 and %turned."""

    def __init__(self, f: Flow, k: Kind) -> None:
        self.f = f
        self.k = k
        self.turned = f.test("ne", "%turned", 0)
        some = f.test("ne", "%fused", "null", "ptr")
        # Without a table it is read from six words of nothing.
        table = f.choose(some, "%fused", "@fused.nothing", "ptr")
        self.words = {word: f.read("ptr", table, place) for place, word in enumerate(WORDS)}
        self.packs_a, self.packs_b, self.finishes = (
            f.test("ne", self.words[word], "null", "ptr") for word in ("pack_a", "pack_b", "finish")
        )

    def _pack(self, side: str, rows: tuple[str, str], columns: tuple[str, str], to: str, stride: str) -> None:
        f = self.f
        (r0, height), (c0, width) = rows, columns
        f.line(
            f"call void {self.words['pack_' + side]}(ptr {self.words['places_' + side]}, i64 %t, i64 {r0}, "
            f"i64 {f.add(r0, height)}, i64 {c0}, i64 {f.add(c0, width)}, ptr {to}, i64 {stride})"
        )

    def pack_a(self, i: str, height: str, p: str, depth: str, to: str, stride: str) -> None:
        """Rows from i, summed elements from p, of the left operand."""
        self._pack("a", (self.f.add("%i0", i), height), (p, depth), to, stride)

    def pack_b(self, p: str, depth: str, j: str, columns: str, to: str, stride: str) -> None:
        """Summed elements from p, columns from j, of the right operand."""
        self._pack("b", (p, depth), (self.f.add("%j0", j), columns), to, stride)

    def finish(self, i: str, height: str, j: str, columns: str, tile: str, stride: str) -> None:
        """Hand on a block of the product. That of a transposed one lies in `tile` as rows of the product itself."""
        f, turned = self.f, self.turned
        i0, j0 = f.add("%i0", i), f.add("%j0", j)
        i1, j1 = f.add(i0, height), f.add(j0, columns)
        bounds = [f.choose(turned, x, y) for x, y in ((j0, i0), (j1, i1), (i0, j0), (i1, j1))]
        f.line(
            f"call void {self.words['finish']}(ptr {self.words['places']}, i64 %t, "
            f"{', '.join(f'i64 {x}' for x in bounds)}, ptr {tile}, i64 {stride})"
        )


def nothing() -> str:
    """The table of a plain product."""
    return f"@fused.nothing = internal constant [{len(WORDS)} x ptr] zeroinitializer, align 8"
