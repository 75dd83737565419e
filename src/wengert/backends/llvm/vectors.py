"""Lines of LLVM IR over vectors of one float type: what the texts of the matrix product are made of."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A float type on a machine: LLVM's name, the suffix of intrinsics and symbols, lanes of a vector.

    Each method gives a line (or a few) that defines `name` from names given with their sigils.
    """

    type: str
    suffix: str
    lanes: int

    @property
    def size(self) -> int:
        return 4 if self.type == "float" else 8

    @property
    def vector(self) -> str:
        return f"<{self.lanes} x {self.type}>"

    @property
    def bools(self) -> str:
        return f"<{self.lanes} x i1>"

    @property
    def _mangled(self) -> str:
        return f"v{self.lanes}{self.suffix}"

    def at(self, name: str, base: str, index: object) -> str:
        """The address of an element."""
        return f"  {name} = getelementptr {self.type}, ptr {base}, i64 {index}"

    def stepped(self, name: str, base: str, count: object, stride: str) -> str:
        """The address `count` strides further."""
        return f"  {name}o = mul nsw i64 {stride}, {count}\n" + self.at(name, base, f"{name}o")

    def load(self, name: str, pointer: str) -> str:
        return f"  {name} = load {self.vector}, ptr {pointer}, align {self.size}"

    def store(self, value: str, pointer: str) -> str:
        return f"  store {self.vector} {value}, ptr {pointer}, align {self.size}"

    def masked_load(self, name: str, pointer: str, mask: str) -> str:
        return (
            f"  {name} = call {self.vector} @llvm.masked.load.{self._mangled}.p0(ptr {pointer}, i32 {self.size}, "
            f"{self.bools} {mask}, {self.vector} zeroinitializer)"
        )

    def masked_store(self, value: str, pointer: str, mask: str) -> str:
        return (
            f"  call void @llvm.masked.store.{self._mangled}.p0({self.vector} {value}, ptr {pointer}, i32 {self.size}, "
            f"{self.bools} {mask})"
        )

    def store_first(self, value: str, pointer: str, count: str) -> str:
        """Store the first `count` lanes, one at least and not all."""
        return f"  call void @store_first_{self._mangled}({self.vector} {value}, ptr {pointer}, i64 {count})"

    def gather(self, name: str, base: str, offsets: str, mask: str) -> str:
        """Lane i from element offsets[i]; zero where the mask is false."""
        n = self.lanes
        return (
            f"  {name}p = getelementptr {self.type}, ptr {base}, <{n} x i64> {offsets}\n"
            f"  {name} = call {self.vector} @llvm.masked.gather.{self._mangled}.v{n}p0(<{n} x ptr> {name}p, "
            f"i32 {self.size}, {self.bools} {mask}, {self.vector} zeroinitializer)"
        )

    def splat(self, name: str, scalar: str) -> str:
        return (
            f"  {name}i = insertelement {self.vector} poison, {self.type} {scalar}, i32 0\n"
            f"  {name} = shufflevector {self.vector} {name}i, {self.vector} poison, "
            f"<{self.lanes} x i32> zeroinitializer"
        )

    def add(self, name: str, x: str, y: str) -> str:
        return f"  {name} = fadd {self.vector} {x}, {y}"

    def scale(self, name: str, x: str, y: str) -> str:
        return f"  {name} = fmul {self.vector} {x}, {y}"

    def multiply_add(self, name: str, x: str, y: str, z: str) -> str:
        """x y + z, rounded once where the machine can."""
        v = self.vector
        return f"  {name} = call {v} @llvm.fmuladd.{self._mangled}({v} {x}, {v} {y}, {v} {z})"

    def shuffle(self, name: str, x: str, y: str, order: list[int]) -> str:
        places = ", ".join(f"i32 {i}" for i in order)
        return f"  {name} = shufflevector {self.vector} {x}, {self.vector} {y}, <{len(order)} x i32> <{places}>"

    def crossing(self, distance: int) -> tuple[list[int], list[int]]:
        """Two shuffles of (x, y) that swap the blocks of `distance` lanes across the diagonal of the 2 x 2 matrix of
        blocks: ([x0 y0], [x1 y1]) for x = [x0 x1], y = [y0 y1], and so on along the vectors."""
        n = self.lanes
        low = [i if not i & distance else n + (i ^ distance) for i in range(n)]
        high = [i | distance if not i & distance else n + i for i in range(n)]
        return low, high

    def mask(self, name: str, count: str) -> str:
        """True in the first `count` lanes (all, if count is larger)."""
        return f"  {name} = call {self.bools} @first_{self.lanes}(i64 {count})"

    def declarations(self) -> list[str]:
        """The declarations behind the methods, one a line; `first_lanes` is defined by `mask_function`."""
        n, v, b, name = self.lanes, self.vector, self.bools, self._mangled
        return [
            f"declare {v} @llvm.fmuladd.{name}({v}, {v}, {v})",
            f"declare {v} @llvm.masked.load.{name}.p0(ptr, i32, {b}, {v})",
            f"declare void @llvm.masked.store.{name}.p0({v}, ptr, i32, {b})",
            f"declare {v} @llvm.masked.gather.{name}.v{n}p0(<{n} x ptr>, i32, {b}, {v})",
            "declare i64 @llvm.smin.i64(i64, i64)",
            "declare i64 @llvm.smax.i64(i64, i64)",
            "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)",
        ]


def store_first_function(k: Kind) -> str:
    """@store_first_KIND(vector, ptr, i64 count). With short vectors, half the lanes are stored, then a quarter, and so on:
    AMD's cores take 12 cycles for a masked store of AVX2."""
    name = f"define internal void @store_first_{k._mangled}({k.vector} %x, ptr %p, i64 %count) noinline nounwind {{"
    if k.lanes * k.size >= 64:
        return "\n".join([name, k.mask("%mask", "%count"), k.masked_store("%x", "%p", "%mask"), "  ret void\n}"])
    lines = [name, "entry:\n  br label %try1"]
    x, p, step, half = "%x", "%p", 1, k.lanes // 2
    while half:
        kind = f"<{half} x {k.type}>"
        lines += [
            f"try{step}:\n  %bit{step} = and i64 %count, {half}\n  %some{step} = icmp ne i64 %bit{step}, 0",
            f"  br i1 %some{step}, label %put{step}, label %next{step}\nput{step}:",
            k.shuffle(f"%low{step}", x, "poison", list(range(half))),
            f"  store {kind} %low{step}, ptr {p}, align {k.size}",
            k.shuffle(f"%high{step}", x, "poison", [min(i + half, k.lanes - 1) for i in range(k.lanes)]),
            k.at(f"%on{step}", p, half),
            f"  br label %next{step}\nnext{step}:",
            f"  %x{step} = phi {k.vector} [{x}, %try{step}], [%high{step}, %put{step}]",
            f"  %p{step} = phi ptr [{p}, %try{step}], [%on{step}, %put{step}]",
            f"  br label %try{step + 1}",
        ]
        x, p, step, half = f"%x{step}", f"%p{step}", step + 1, half // 2
    return "\n".join([*lines, f"try{step}:\n  ret void\n}}"])


def mask_function(lanes: int) -> str:
    """@first_LANES(i64 count): the mask of the first lanes."""
    ints = f"<{lanes} x i32>"
    return f"""define internal <{lanes} x i1> @first_{lanes}(i64 %count) alwaysinline nounwind {{
  %small = call i64 @llvm.smin.i64(i64 %count, i64 {lanes})
  %narrow = trunc i64 %small to i32
  %one = insertelement {ints} poison, i32 %narrow, i32 0
  %all = shufflevector {ints} %one, {ints} poison, {ints} zeroinitializer
  %mask = icmp slt {ints} <{", ".join(f"i32 {i}" for i in range(lanes))}>, %all
  ret <{lanes} x i1> %mask
}}"""
