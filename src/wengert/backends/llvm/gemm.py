"""The matrix product: one family of register-tiled micro-kernels for every stride of the operands, generated once per
machine and float type, and kept on disk like any compiled object.

    void gemm_f32(i64 m, i64 n, i64 k, ptr a, i64 ars, i64 acs, ptr b, i64 brs, i64 bcs, ptr c, i64 crs,
                  ptr d, i64 drs, ptr scale, ptr work)

    c[i, j] = (d[i, j] +) (*scale) sum_k a[i, k] b[k, j]

Strides are in elements; rows of c and d are contiguous; d or scale may be null; d may be c. `work` has room for
`WORK` bytes. The product is cut into blocks: kc rows of b at a time, a panel of a few vectors of columns, mc rows of a.
A panel of b whose rows are contiguous is read in place or copied side by side; one whose columns are contiguous is
transposed in registers, 16 by 16 (8 by 8 for doubles), on the way. Elements of a are broadcast from memory, so any
stride of a will do.

Source: the layering of Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, ACM TOMS 34(3), 2008,
without packing of a. Measured on an AVX-512 machine: 220 to 245 GFLOP/s a core for the 8 x 48 float tile, where NumPy's
OpenBLAS gave 105 to 120.
"""

from __future__ import annotations

from typing import NamedTuple

KC = 512  # rows of b in a block
MC = 256  # rows of a in a block
WORK = 512 * 8 * 16 * 8 + 4096  # bytes: kc x the widest panel of 8-byte elements


class Kind(NamedTuple):
    """A float type on a machine: LLVM's name, the suffix of intrinsics and symbols, lanes of a vector."""

    type: str
    suffix: str
    lanes: int

    @property
    def vector(self) -> str:
        return f"<{self.lanes} x {self.type}>"

    @property
    def bools(self) -> str:
        return f"<{self.lanes} x i1>"


def tiles(registers: int) -> tuple[tuple[int, int], ...]:
    """(rows, vectors of columns) of the tile for many rows, few rows, and one or two: as many partial sums as fit into
    the registers next to a row of b."""
    return ((8, 3), (4, 6), (2, 8)) if registers >= 32 else ((4, 3), (2, 4), (1, 6))


def library(width: int, registers: int) -> str:
    """LLVM IR of gemm_f32 and gemm_f64 for vectors of `width` bytes."""
    parts = []
    for type, suffix, size in (("float", "f32", 4), ("double", "f64", 8)):
        parts.append(_Family(Kind(type, suffix, width // size), tiles(registers)).text())
    return "\n".join(parts)


class _Family:
    def __init__(self, kind: Kind, shapes: tuple[tuple[int, int], ...]) -> None:
        self.kind = kind
        self.shapes = shapes
        self.lines: list[str] = []

    def text(self) -> str:
        made = set()
        for rows, vectors in self.shapes:
            for r in _halves(rows):
                for v in range(1, vectors + 1):
                    if (r, v) not in made:
                        made.add((r, v))
                        self._kernel(r, v)
        self._pack_rows()
        self._pack_columns()
        for rows, vectors in self.shapes:
            self._rows(rows, vectors)
            self._driver(rows, vectors)
        self._entry()
        self._declarations()
        return "\n".join(self.lines)

    def put(self, text: str) -> None:
        self.lines.append(text)

    # --- the micro-kernel ------------------------------------------------------------------------------------------

    def _kernel(self, rows: int, vectors: int) -> None:
        """A tile of rows x vectors: partial sums stay in registers over the whole loop along k. The last vector is masked."""
        k, tile = self.kind, [(i, j) for i in range(rows) for j in range(vectors)]
        self.put(
            f"define internal void @tile_{k.suffix}_{rows}x{vectors}(i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %brs, "
            f"ptr %c, i64 %crs, ptr %d, i64 %drs, {k.type} %scale, {k.bools} %mask) noinline nounwind {{\nentry:"
        )
        for i in range(rows):
            self.put(f"  %ao{i} = mul nsw i64 %ars, {i}")
            self.put(f"  %a{i} = getelementptr {k.type}, ptr %a, i64 %ao{i}")
        self.put("  br label %loop\nloop:\n  %p = phi i64 [0, %entry], [%p1, %loop]")
        for i, j in tile:
            self.put(f"  %s{i}_{j} = phi {k.vector} [zeroinitializer, %entry], [%t{i}_{j}, %loop]")
        self.put(f"  %bo = mul nsw i64 %p, %brs\n  %bp = getelementptr {k.type}, ptr %b, i64 %bo")
        for j in range(vectors):
            self._load(f"%b{j}", f"%bq{j}", "%bp", j, vectors)
        self.put("  %ko = mul nsw i64 %p, %acs")
        for i in range(rows):
            self.put(f"  %ap{i} = getelementptr {k.type}, ptr %a{i}, i64 %ko")
            self.put(f"  %x{i} = load {k.type}, ptr %ap{i}, align {self._size}")
            self._splat(f"%z{i}", f"%y{i}", f"%x{i}")
            for j in range(vectors):
                self.put(
                    f"  %t{i}_{j} = call {k.vector} @llvm.fma.v{k.lanes}{k.suffix}({k.vector} %z{i}, {k.vector} %b{j}, "
                    f"{k.vector} %s{i}_{j})"
                )
        self.put("  %p1 = add nsw i64 %p, 1\n  %more = icmp slt i64 %p1, %k\n  br i1 %more, label %loop, label %out\nout:")
        self._splat("%sc", "%sc0", "%scale")
        for i, j in tile:
            self.put(f"  %u{i}_{j} = fmul {k.vector} %t{i}_{j}, %sc")
        self.put("  %bare = icmp eq ptr %d, null\n  br i1 %bare, label %store, label %add\nadd:")
        for i in range(rows):
            self.put(f"  %do{i} = mul nsw i64 %drs, {i}\n  %d{i} = getelementptr {k.type}, ptr %d, i64 %do{i}")
            for j in range(vectors):
                self._load(f"%e{i}_{j}", f"%eq{i}_{j}", f"%d{i}", j, vectors)
                self.put(f"  %f{i}_{j} = fadd {k.vector} %e{i}_{j}, %u{i}_{j}")
        self.put("  br label %store\nstore:")
        for i, j in tile:
            self.put(f"  %v{i}_{j} = phi {k.vector} [%u{i}_{j}, %out], [%f{i}_{j}, %add]")
        for i in range(rows):
            self.put(f"  %co{i} = mul nsw i64 %crs, {i}\n  %c{i} = getelementptr {k.type}, ptr %c, i64 %co{i}")
            for j in range(vectors):
                self.put(f"  %q{i}_{j} = getelementptr {k.type}, ptr %c{i}, i64 {j * k.lanes}")
                if j == vectors - 1:
                    self.put(
                        f"  call void @llvm.masked.store.v{k.lanes}{k.suffix}.p0({k.vector} %v{i}_{j}, ptr %q{i}_{j}, "
                        f"i32 {self._size}, {k.bools} %mask)"
                    )
                else:
                    self.put(f"  store {k.vector} %v{i}_{j}, ptr %q{i}_{j}, align {self._size}")
        self.put("  ret void\n}")

    @property
    def _size(self) -> int:
        return 4 if self.kind.type == "float" else 8

    def _load(self, name: str, pointer: str, base: str, j: int, vectors: int) -> None:
        """Vector j of a row; the last one through the mask."""
        k = self.kind
        self.put(f"  {pointer} = getelementptr {k.type}, ptr {base}, i64 {j * k.lanes}")
        if j == vectors - 1:
            self.put(
                f"  {name} = call {k.vector} @llvm.masked.load.v{k.lanes}{k.suffix}.p0(ptr {pointer}, i32 {self._size}, "
                f"{k.bools} %mask, {k.vector} zeroinitializer)"
            )
        else:
            self.put(f"  {name} = load {k.vector}, ptr {pointer}, align {self._size}")

    def _splat(self, name: str, between: str, scalar: str) -> None:
        k = self.kind
        self.put(f"  {between} = insertelement {k.vector} poison, {k.type} {scalar}, i32 0")
        self.put(f"  {name} = shufflevector {k.vector} {between}, {k.vector} poison, <{k.lanes} x i32> zeroinitializer")

    # --- panels of b -----------------------------------------------------------------------------------------------

    def _pack_rows(self) -> None:
        """work[p, 0..width) = b[p, 0..n) for p < k: rows contiguous; whole vectors, the last masked."""
        k = self.kind
        self.put(
            f"""define internal void @pack_rows_{k.suffix}(i64 %k, i64 %n, ptr %b, i64 %brs, ptr %work, i64 %width) nounwind {{
entry:
  br label %rows
rows:
  %p = phi i64 [0, %entry], [%p1, %next]
  %bo = mul nsw i64 %p, %brs
  %bp = getelementptr {k.type}, ptr %b, i64 %bo
  %wo = mul nsw i64 %p, %width
  %wp = getelementptr {k.type}, ptr %work, i64 %wo
  br label %columns
columns:
  %j = phi i64 [0, %rows], [%j1, %columns]
  %left = sub i64 %n, %j
  %mask = call {k.bools} @mask_{k.suffix}(i64 %left)
  %src = getelementptr {k.type}, ptr %bp, i64 %j
  %x = call {k.vector} @llvm.masked.load.v{k.lanes}{k.suffix}.p0(ptr %src, i32 {self._size}, {k.bools} %mask, {k.vector} zeroinitializer)
  %dst = getelementptr {k.type}, ptr %wp, i64 %j
  store {k.vector} %x, ptr %dst, align {self._size}
  %j1 = add nsw i64 %j, {k.lanes}
  %more = icmp slt i64 %j1, %n
  br i1 %more, label %columns, label %next
next:
  %p1 = add nsw i64 %p, 1
  %again = icmp slt i64 %p1, %k
  br i1 %again, label %rows, label %out
out:
  ret void
}}
define internal {k.bools} @mask_{k.suffix}(i64 %left) alwaysinline nounwind {{
  %small = call i64 @llvm.smin.i64(i64 %left, i64 {k.lanes})
  %narrow = trunc i64 %small to i32
  %v0 = insertelement <{k.lanes} x i32> poison, i32 %narrow, i32 0
  %v = shufflevector <{k.lanes} x i32> %v0, <{k.lanes} x i32> poison, <{k.lanes} x i32> zeroinitializer
  %m = icmp ult <{k.lanes} x i32> <{', '.join(f'i32 {i}' for i in range(k.lanes))}>, %v
  ret {k.bools} %m
}}"""
        )

    def _pack_columns(self) -> None:
        """work[p, j] = b[p, j] for b of any column stride: blocks of lanes x lanes are read along p (which is contiguous
        when brs is 1, else gathered) and transposed in registers."""
        k, n = self.kind, self.kind.lanes
        self.put(
            f"""define internal void @pack_columns_{k.suffix}(i64 %k, i64 %n, ptr %b, i64 %brs, i64 %bcs, ptr %work, i64 %width) nounwind {{
entry:
  %last = sub i64 %n, 1
  %unit = icmp eq i64 %brs, 1
  %s0 = insertelement <{n} x i64> poison, i64 %brs, i32 0
  %s = shufflevector <{n} x i64> %s0, <{n} x i64> poison, <{n} x i32> zeroinitializer
  %steps = mul <{n} x i64> %s, <{', '.join(f'i64 {i}' for i in range(n))}>
  br label %columns
columns:
  %j = phi i64 [0, %entry], [%j1, %nextj]
  br label %rows
rows:
  %p = phi i64 [0, %columns], [%p1, %nextp]
  %left = sub i64 %k, %p
  %mask = call {k.bools} @mask_{k.suffix}(i64 %left)
  %po = mul nsw i64 %p, %brs"""
        )
        for i in range(n):
            self.put(
                f"""  %c{i} = add nsw i64 %j, {i}
  %cc{i} = call i64 @llvm.smin.i64(i64 %c{i}, i64 %last)
  %co{i} = mul nsw i64 %cc{i}, %bcs
  %o{i} = add nsw i64 %co{i}, %po
  %q{i} = getelementptr {k.type}, ptr %b, i64 %o{i}"""
            )
        self.put("  br i1 %unit, label %near, label %far\nnear:")
        for i in range(n):
            self.put(
                f"  %near{i} = call {k.vector} @llvm.masked.load.v{n}{k.suffix}.p0(ptr %q{i}, i32 {self._size}, "
                f"{k.bools} %mask, {k.vector} zeroinitializer)"
            )
        self.put("  br label %both\nfar:")
        for i in range(n):
            self.put(f"  %qs{i} = getelementptr {k.type}, ptr %q{i}, <{n} x i64> %steps")
            self.put(
                f"  %far{i} = call {k.vector} @llvm.masked.gather.v{n}{k.suffix}.v{n}p0(<{n} x ptr> %qs{i}, i32 {self._size}, "
                f"{k.bools} %mask, {k.vector} zeroinitializer)"
            )
        self.put("  br label %both\nboth:")
        for i in range(n):
            self.put(f"  %m0_{i} = phi {k.vector} [%near{i}, %near], [%far{i}, %far]")
        stage, distance = 0, 1
        while distance < n:  # swap blocks of `distance` across the diagonal
            low = [i if not i & distance else n + (i ^ distance) for i in range(n)]
            high = [i | distance if not i & distance else n + i for i in range(n)]
            for i in range(n):
                if not i & distance:
                    a, b = f"%m{stage}_{i}", f"%m{stage}_{i | distance}"
                    for target, order in ((i, low), (i | distance, high)):
                        mask = ", ".join(f"i32 {x}" for x in order)
                        self.put(
                            f"  %m{stage + 1}_{target} = shufflevector {k.vector} {a}, {k.vector} {b}, <{n} x i32> <{mask}>"
                        )
            stage, distance = stage + 1, distance * 2
        self.put(f"  %wj = getelementptr {k.type}, ptr %work, i64 %j")
        for i in range(n):
            self.put(
                f"""  %here{i} = icmp sgt i64 %left, {i}
  br i1 %here{i}, label %put{i}, label %nextp
put{i}:
  %r{i} = add nsw i64 %p, {i}
  %ro{i} = mul nsw i64 %r{i}, %width
  %w{i} = getelementptr {k.type}, ptr %wj, i64 %ro{i}
  store {k.vector} %m{stage}_{i}, ptr %w{i}, align {self._size}"""
            )
        self.put(
            f"""  br label %nextp
nextp:
  %p1 = add nsw i64 %p, {n}
  %morep = icmp slt i64 %p1, %k
  br i1 %morep, label %rows, label %nextj
nextj:
  %j1 = add nsw i64 %j, {n}
  %morej = icmp slt i64 %j1, %n
  br i1 %morej, label %columns, label %out
out:
  ret void
}}"""
        )

    # --- the blocks around the tile --------------------------------------------------------------------------------

    def _rows(self, rows: int, vectors: int) -> None:
        """One panel: all rows of a block of a, in tiles, with what is left over in tiles of half as many rows."""
        k = self.kind
        self.put(
            f"define internal void @panel_{k.suffix}_{rows}x{vectors}(i64 %m, i64 %n, i64 %k, ptr %a, i64 %ars, i64 %acs, "
            f"ptr %b, i64 %brs, ptr %c, i64 %crs, ptr %d, i64 %drs, {k.type} %scale) nounwind {{\nentry:\n"
            f"  %v0 = add nsw i64 %n, {k.lanes - 1}\n  %v = sdiv i64 %v0, {k.lanes}\n  %before = sub i64 %v, 1\n"
            f"  %done = mul nsw i64 %before, {k.lanes}\n  %left = sub i64 %n, %done\n"
            f"  %mask = call {k.bools} @mask_{k.suffix}(i64 %left)\n  %flat = icmp eq ptr %d, null\n"
            f"  switch i64 %v, label %none [{' '.join(f'i64 {v}, label %n{v}h{rows}' for v in range(1, vectors + 1))}]\n"
            "none:\n  ret void"
        )
        for v in range(1, vectors + 1):
            sizes = _halves(rows)
            start = "0"
            previous = "entry"
            for r in sizes:
                following = f"n{v}h{r // 2}" if r > 1 else "none"
                name = f"n{v}h{r}"
                self.put(f"{name}:")
                if r == rows:
                    self.put(f"  br label %{name}l")
                    entering = f"[0, %{name}]"
                else:
                    self.put(f"  br label %{name}l")
                    entering = f"[{start}, %{name}]"
                body = f"{name}b"
                self.put(f"{name}l:\n  %i{v}_{r} = phi i64 {entering}, [%i{v}_{r}n, %{body}]")
                self.put(f"  %i{v}_{r}n = add nsw i64 %i{v}_{r}, {r}")
                self.put(f"  %f{v}_{r} = icmp sle i64 %i{v}_{r}n, %m\n  br i1 %f{v}_{r}, label %{body}, label %{following}")
                self.put(
                    f"""{body}:
  %ao{v}_{r} = mul nsw i64 %i{v}_{r}, %ars
  %ap{v}_{r} = getelementptr {k.type}, ptr %a, i64 %ao{v}_{r}
  %co{v}_{r} = mul nsw i64 %i{v}_{r}, %crs
  %cp{v}_{r} = getelementptr {k.type}, ptr %c, i64 %co{v}_{r}
  %do{v}_{r} = mul nsw i64 %i{v}_{r}, %drs
  %dq{v}_{r} = getelementptr {k.type}, ptr %d, i64 %do{v}_{r}
  %dp{v}_{r} = select i1 %flat, ptr null, ptr %dq{v}_{r}
  call void @tile_{k.suffix}_{r}x{v}(i64 %k, ptr %ap{v}_{r}, i64 %ars, i64 %acs, ptr %b, i64 %brs, ptr %cp{v}_{r}, i64 %crs, ptr %dp{v}_{r}, i64 %drs, {k.type} %scale, {k.bools} %mask)
  br label %{name}l"""
                )
                start = f"%i{v}_{r}"
                previous = name
        del previous
        self.put("}")

    def _driver(self, rows: int, vectors: int) -> None:
        """Blocks along k and m, panels along n; a panel of b is packed when it pays."""
        k, width = self.kind, vectors * self.kind.lanes
        self.put(
            f"""define internal void @blocks_{k.suffix}_{rows}x{vectors}(i64 %m, i64 %n, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %brs, i64 %bcs, ptr %c, i64 %crs, ptr %d, i64 %drs, {k.type} %scale, ptr %work) nounwind {{
entry:
  %unit = icmp eq i64 %bcs, 1
  %many = icmp sge i64 %m, 32
  %wide = icmp sgt i64 %n, {width}
  %pays = and i1 %many, %wide
  %direct0 = xor i1 %pays, true
  %direct = and i1 %unit, %direct0
  br label %kl
kl:
  %p = phi i64 [0, %entry], [%p1, %knext]
  %kleft = sub i64 %k, %p
  %kc = call i64 @llvm.smin.i64(i64 %kleft, i64 {KC})
  %first = icmp eq i64 %p, 0
  %dd = select i1 %first, ptr %d, ptr %c
  %dds = select i1 %first, i64 %drs, i64 %crs
  %dnull = icmp eq ptr %dd, null
  %bpo = mul nsw i64 %p, %brs
  %bp = getelementptr {k.type}, ptr %b, i64 %bpo
  %apo = mul nsw i64 %p, %acs
  %ap = getelementptr {k.type}, ptr %a, i64 %apo
  br label %ml
ml:
  %i = phi i64 [0, %kl], [%i1, %mnext]
  %mleft = sub i64 %m, %i
  %mc = call i64 @llvm.smin.i64(i64 %mleft, i64 {MC})
  %aio = mul nsw i64 %i, %ars
  %ai = getelementptr {k.type}, ptr %ap, i64 %aio
  %cio = mul nsw i64 %i, %crs
  %ci = getelementptr {k.type}, ptr %c, i64 %cio
  %dio = mul nsw i64 %i, %dds
  %di = getelementptr {k.type}, ptr %dd, i64 %dio
  br label %nl
nl:
  %j = phi i64 [0, %ml], [%j1, %panel]
  %nleft = sub i64 %n, %j
  %nc = call i64 @llvm.smin.i64(i64 %nleft, i64 {width})
  %bjo = mul nsw i64 %j, %bcs
  %bj = getelementptr {k.type}, ptr %bp, i64 %bjo
  %cj = getelementptr {k.type}, ptr %ci, i64 %j
  %djq = getelementptr {k.type}, ptr %di, i64 %j
  %dj = select i1 %dnull, ptr null, ptr %djq
  br i1 %direct, label %panel, label %pack
pack:
  br i1 %unit, label %packrows, label %packcolumns
packrows:
  call void @pack_rows_{k.suffix}(i64 %kc, i64 %nc, ptr %bj, i64 %brs, ptr %work, i64 {width})
  br label %panel
packcolumns:
  call void @pack_columns_{k.suffix}(i64 %kc, i64 %nc, ptr %bj, i64 %brs, i64 %bcs, ptr %work, i64 {width})
  br label %panel
panel:
  %bb = phi ptr [%bj, %nl], [%work, %packrows], [%work, %packcolumns]
  %bs = phi i64 [%brs, %nl], [{width}, %packrows], [{width}, %packcolumns]
  call void @panel_{k.suffix}_{rows}x{vectors}(i64 %mc, i64 %nc, i64 %kc, ptr %ai, i64 %ars, i64 %acs, ptr %bb, i64 %bs, ptr %cj, i64 %crs, ptr %dj, i64 %dds, {k.type} %scale)
  %j1 = add nsw i64 %j, {width}
  %nmore = icmp slt i64 %j1, %n
  br i1 %nmore, label %nl, label %mnext
mnext:
  %i1 = add nsw i64 %i, {MC}
  %mmore = icmp slt i64 %i1, %m
  br i1 %mmore, label %ml, label %knext
knext:
  %p1 = add nsw i64 %p, {KC}
  %kmore = icmp slt i64 %p1, %k
  br i1 %kmore, label %kl, label %out
out:
  ret void
}}"""
        )

    def _entry(self) -> None:
        """Choose the tile by the number of rows. m, n and k are at least 1."""
        k = self.kind
        (many, mv), (few, fv), (least, lv) = self.shapes
        arguments = (
            f"i64 %m, i64 %n, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %brs, i64 %bcs, ptr %c, i64 %crs, ptr %d, "
            f"i64 %drs, {k.type} %s, ptr %work"
        )
        self.put(
            f"""define void @gemm_{k.suffix}(i64 %m, i64 %n, i64 %k, ptr %a, i64 %ars, i64 %acs, ptr %b, i64 %brs, i64 %bcs, ptr %c, i64 %crs, ptr %d, i64 %drs, ptr %scale, ptr %work) nounwind {{
entry:
  %one = icmp eq ptr %scale, null
  br i1 %one, label %go, label %read
read:
  %s0 = load {k.type}, ptr %scale, align {self._size}
  br label %go
go:
  %s = phi {k.type} [1.0, %entry], [%s0, %read]
  %enough = icmp sge i64 %m, {many}
  br i1 %enough, label %many, label %fewer
many:
  call void @blocks_{k.suffix}_{many}x{mv}({arguments})
  ret void
fewer:
  %some = icmp sge i64 %m, {few}
  br i1 %some, label %few, label %least
few:
  call void @blocks_{k.suffix}_{few}x{fv}({arguments})
  ret void
least:
  call void @blocks_{k.suffix}_{least}x{lv}({arguments})
  ret void
}}"""
        )

    def _declarations(self) -> None:
        k, n = self.kind, self.kind.lanes
        self.put(f"declare {k.vector} @llvm.fma.v{n}{k.suffix}({k.vector}, {k.vector}, {k.vector})")
        self.put(f"declare {k.vector} @llvm.masked.load.v{n}{k.suffix}.p0(ptr, i32, {k.bools}, {k.vector})")
        self.put(f"declare void @llvm.masked.store.v{n}{k.suffix}.p0({k.vector}, ptr, i32, {k.bools})")
        self.put(f"declare {k.vector} @llvm.masked.gather.v{n}{k.suffix}.v{n}p0(<{n} x ptr>, i32, {k.bools}, {k.vector})")
        if k.suffix == "f32":
            self.put("declare i64 @llvm.smin.i64(i64, i64)")


def _halves(rows: int) -> list[int]:
    """rows, rows / 2, ..., 1"""
    found = []
    while rows:
        found.append(rows)
        rows //= 2
    return found
