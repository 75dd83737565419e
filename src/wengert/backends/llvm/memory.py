"""Loads, stores and look-ups of a nest as LLVM IR: plain, masked, gathered or scattered, by how lanes lie in memory.

In memory a bool is a byte and a bfloat16 its 16 bits; everything else is what `Scalars.type` says.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from wengert import dtypes
from wengert.backends.llvm.scalars import Scalars, Writer, kind_name
from wengert.dtypes import DType
from wengert.loops.nest import Add, Load, Lookup, Store

_MEMORY = {"bool": "i8", "float16": "half", "bfloat16": "i16"}


def memory_type(dtype: DType) -> str:
    """The type of an element in memory."""
    return _MEMORY.get(dtype.name) or Scalars.base(dtype)


def alignment(dtype: DType) -> int:
    """The bytes that addresses of elements are a multiple of."""
    return dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize


class Here(NamedTuple):
    """A point of the nest, or the vector of points that begins there.

    index    the number of the point along each axis
    stride   of an access: how far apart its lanes lie, 0 if all lanes are one element
    mask     the lanes that exist, if not all do
    """

    index: dict[int, str]  # type: ignore[assignment]  # hides the method of tuples
    vector: Optional[int]
    mask: Optional[str]

    def lane_stride(self, strides: tuple[int, ...], s: Scalars) -> int:
        return 0 if self.vector is None or s.lanes == 1 else strides[self.vector]


class Memory:
    """The buffers of a nest. `bases`: the pointer of each."""

    def __init__(self, writer: Writer) -> None:
        self.w = writer
        self.bases: dict[int, str] = {}

    def open(self, count: int) -> None:
        """Read the pointers of the nest's buffers from the table, and that of the failures."""
        table = self.w.emit("load ptr, ptr @buffers, align 8")
        slot = self.w.emit(f"getelementptr ptr, ptr {table}, i64 -1")
        self.w.line(f"  %failures = load ptr, ptr {slot}, align 8")
        for buffer in range(count):
            place = self.w.emit(f"getelementptr i64, ptr %places, i64 {buffer}")
            number = self.w.emit(f"load i64, ptr {place}, align 8")
            slot = self.w.emit(f"getelementptr ptr, ptr {table}, i64 {number}")
            self.bases[buffer] = self.w.emit(f"load ptr, ptr {slot}, align 8")

    def _address(self, access: Load | Lookup | Store | Add, here: Here, dtype: DType) -> str:
        """The address of lane 0."""
        total = str(access.offset)
        for axis, stride in enumerate(access.strides):
            if stride:
                index = here.index[axis]
                term = index if stride == 1 else self.w.emit(f"mul nsw i64 {index}, {stride}")
                total = term if total == "0" else self.w.emit(f"add nsw i64 {total}, {term}")
        return self.w.emit(f"getelementptr {memory_type(dtype)}, ptr {self.bases[access.buffer]}, i64 {total}")

    # --- reading -----------------------------------------------------------------------------------------------------

    def load(self, v: Load, s: Scalars, here: Here) -> str:
        """The element of each lane."""
        return self._read(self._address(v, here, v.dtype), here.lane_stride(v.strides, s), s, v.dtype, here.mask)

    def _read(self, address: str, stride: int, s: Scalars, dtype: DType, mask: Optional[str]) -> str:
        """Lanes that lie `stride` apart."""
        memory, size = memory_type(dtype), alignment(dtype)
        if stride == 0:
            one = Scalars(self.w, 1)
            loaded = self.w.emit(f"load {memory}, ptr {address}, align {size}")
            return s.splat(_from_memory(one, loaded, dtype), dtype)
        kind = f"<{s.lanes} x {memory}>"
        if stride != 1:
            loaded = self._gather(self._lanes_apart(address, stride, s, memory), s, dtype, mask)
        elif mask is None:
            loaded = self.w.emit(f"load {kind}, ptr {address}, align {size}")
        else:
            symbol = f"llvm.masked.load.v{s.lanes}{kind_name(memory)}.p0"
            bools = f"<{s.lanes} x i1>"
            self.w.declare(symbol, f"declare {kind} @{symbol}(ptr, i32, {bools}, {kind})")
            loaded = self.w.emit(
                f"call {kind} @{symbol}(ptr {address}, i32 {size}, {bools} {mask}, {kind} zeroinitializer)"
            )
        return _from_memory(s, loaded, dtype)

    def lookup(self, v: Lookup, s: Scalars, here: Here, index: str) -> str:
        """The element of each lane at a place that depends on a value."""
        base = self._address(v, here, v.dtype)
        memory, kind = memory_type(v.dtype), s.type(dtypes.int64)
        moved = index if v.stride == 1 else self.w.emit(f"mul {kind} {index}, {s.constant(v.stride, dtypes.int64)}")
        stride = here.lane_stride(v.strides, s)
        if stride:
            moved = self.w.emit(f"add {kind} {moved}, {_steps(stride, s.lanes)}")
        if s.lanes == 1:
            address = self.w.emit(f"getelementptr {memory}, ptr {base}, i64 {moved}")
            loaded = self.w.emit(f"load {memory}, ptr {address}, align {alignment(v.dtype)}")
        else:
            pointers = self.w.emit(f"getelementptr {memory}, ptr {base}, {kind} {moved}")
            loaded = self._gather(pointers, s, v.dtype, here.mask)
        return _from_memory(s, loaded, v.dtype)

    def bounded(self, s: Scalars, here: Here, index: str, bound: str) -> str:
        """The index where it is within bounds, else 0, and then the failure is noted.

        Noted by a branch and not by reading, changing and writing back: threads share the byte.
        """
        kind, bools = s.type(dtypes.int64), s.type(dtypes.bool_)
        inside = self.w.emit(f"icmp ult {kind} {index}, {bound}")
        wrong = self.w.emit(f"xor {bools} {inside}, {s.constant(True, dtypes.bool_)}")
        if s.lanes > 1:
            if here.mask is not None:
                wrong = self.w.emit(f"and {bools} {wrong}, {here.mask}")
            symbol = f"llvm.vector.reduce.or.v{s.lanes}i1"
            self.w.declare(symbol, f"declare i1 @{symbol}({bools})")
            wrong = self.w.emit(f"call i1 @{symbol}({bools} {wrong})")
        bad, good = self.w.block(), self.w.block()
        self.w.line(f"  br i1 {wrong}, label %{bad}, label %{good}")
        self.w.line(f"{bad}:")
        self.w.line("  store i8 1, ptr %failures, align 1")
        self.w.line(f"  br label %{good}")
        self.w.line(f"{good}:")
        return s.select(inside, dtypes.int64, index, s.constant(0, dtypes.int64))

    def _gather(self, pointers: str, s: Scalars, dtype: DType, mask: Optional[str]) -> str:
        memory = memory_type(dtype)
        kind, bools = f"<{s.lanes} x {memory}>", f"<{s.lanes} x i1>"
        symbol = f"llvm.masked.gather.v{s.lanes}{kind_name(memory)}.v{s.lanes}p0"
        self.w.declare(symbol, f"declare {kind} @{symbol}(<{s.lanes} x ptr>, i32, {bools}, {kind})")
        return self.w.emit(
            f"call {kind} @{symbol}(<{s.lanes} x ptr> {pointers}, i32 {alignment(dtype)}, {bools} "
            f"{mask or 'splat (i1 true)'}, {kind} zeroinitializer)"
        )

    def _lanes_apart(self, address: str, stride: int, s: Scalars, memory: str) -> str:
        return self.w.emit(f"getelementptr {memory}, ptr {address}, <{s.lanes} x i64> {_steps(stride, s.lanes)}")

    # --- writing -----------------------------------------------------------------------------------------------------

    def store(self, action: Store, s: Scalars, here: Here, value: str, dtype: DType) -> None:
        """Write each lane's value."""
        if s.lanes > 1 and here.mask == s.first_lanes(1):
            # LLVM (22.1, x86) makes of a narrowed vector, stored under a constant mask of one lane, a store of the wide
            # element, which writes over what lies behind.
            value = self.w.emit(f"extractelement {s.type(dtype)} {value}, i32 0")
            s, here = Scalars(self.w, 1), here._replace(mask=None)
        self._write(self._address(action, here, dtype), here.lane_stride(action.strides, s), s, here, value, dtype)

    def add(self, action: Add, s: Scalars, here: Here, index: str, value: str, dtype: DType, one_index: bool) -> None:
        """Add each lane's value to the element at its place. `one_index`: all lanes have the same."""
        kind, stride = s.type(dtypes.int64), here.lane_stride(action.strides, s)
        base, memory = self._address(action, here, dtype), memory_type(dtype)
        if one_index or s.lanes == 1:
            first = index if s.lanes == 1 else self.w.emit(f"extractelement {kind} {index}, i32 0")
            place = self.w.emit(f"getelementptr {memory}, ptr {base}, i64 {first}")
            found = self._read(place, stride, s, dtype, here.mask)
            self._write(place, stride, s, here, self._sum(s, dtype, found, value), dtype)
            return
        moved = self.w.emit(f"add {kind} {index}, {_steps(stride, s.lanes)}")
        pointers = self.w.emit(f"getelementptr {memory}, ptr {base}, {kind} {moved}")
        found = self._gather(pointers, s, dtype, here.mask)
        self._scatter(pointers, s, here, self._sum(s, dtype, found, value), dtype)

    def _sum(self, s: Scalars, dtype: DType, a: str, b: str) -> str:
        return s.two("fadd" if dtype.is_floating_point else "add", dtype, a, b)

    def _write(self, address: str, stride: int, s: Scalars, here: Here, value: str, dtype: DType) -> None:
        """Lanes that lie `stride` apart."""
        memory, size, mask = memory_type(dtype), alignment(dtype), here.mask
        if s.lanes > 1 and stride != 1:
            self._scatter(self._lanes_apart(address, stride, s, memory), s, here, value, dtype)
            return
        value = _to_memory(s, value, dtype)
        kind, bools = f"<{s.lanes} x {memory}>", f"<{s.lanes} x i1>"
        if s.lanes == 1:
            self.w.line(f"  store {memory} {value}, ptr {address}, align {size}")
        elif mask is None:
            self.w.line(f"  store {kind} {value}, ptr {address}, align {size}")
        else:
            symbol = f"llvm.masked.store.v{s.lanes}{kind_name(memory)}.p0"
            self.w.declare(symbol, f"declare void @{symbol}({kind}, ptr, i32, {bools})")
            self.w.line(f"  call void @{symbol}({kind} {value}, ptr {address}, i32 {size}, {bools} {mask})")

    def _scatter(self, pointers: str, s: Scalars, here: Here, value: str, dtype: DType) -> None:
        memory, value = memory_type(dtype), _to_memory(s, value, dtype)
        kind, bools = f"<{s.lanes} x {memory}>", f"<{s.lanes} x i1>"
        symbol = f"llvm.masked.scatter.v{s.lanes}{kind_name(memory)}.v{s.lanes}p0"
        self.w.declare(symbol, f"declare void @{symbol}({kind}, <{s.lanes} x ptr>, i32, {bools})")
        self.w.line(
            f"  call void @{symbol}({kind} {value}, <{s.lanes} x ptr> {pointers}, i32 {alignment(dtype)}, {bools} "
            f"{here.mask or 'splat (i1 true)'})"
        )


def _steps(stride: int, lanes: int) -> str:
    """0, stride, 2 stride, ... as a vector."""
    return f"<{', '.join(f'i64 {i * stride}' for i in range(lanes))}>"


def _from_memory(s: Scalars, loaded: str, dtype: DType) -> str:
    """What was loaded as a value to compute with."""
    if dtype is dtypes.bool_:
        return s.w.emit(f"icmp ne {s.vector('i8')} {loaded}, {'0' if s.lanes == 1 else 'zeroinitializer'}")
    if dtype is dtypes.float16:
        return s.w.emit(f"fpext {s.vector('half')} {loaded} to {s.vector('float')}")
    if dtype is dtypes.bfloat16:
        wide = s.w.emit(f"zext {s.vector('i16')} {loaded} to {s.vector('i32')}")
        high = s.w.emit(f"shl {s.vector('i32')} {wide}, {s.number(16, 'i32')}")
        return s.w.emit(f"bitcast {s.vector('i32')} {high} to {s.vector('float')}")
    return loaded


def _to_memory(s: Scalars, value: str, dtype: DType) -> str:
    """A value as it is stored. 16-bit floats are rounded already."""
    if dtype is dtypes.bool_:
        return s.w.emit(f"zext {s.vector('i1')} {value} to {s.vector('i8')}")
    if dtype is dtypes.float16:
        return s.w.emit(f"fptrunc {s.vector('float')} {value} to {s.vector('half')}")
    if dtype is dtypes.bfloat16:
        bits = s.w.emit(f"bitcast {s.vector('float')} {value} to {s.vector('i32')}")
        high = s.w.emit(f"lshr {s.vector('i32')} {bits}, {s.number(16, 'i32')}")
        return s.w.emit(f"trunc {s.vector('i32')} {high} to {s.vector('i16')}")
    return value
