"""Scalar arithmetic as LLVM IR, for one value or a vector of them: types, constants, and the building blocks that the
operations of `operations.py` are made of.

A bool is an i1. A 16-bit float is computed with as a float32 that holds one of its numbers; whoever makes one rounds it.
Complex numbers are only moved: they are integers of their size.

Exponentials and their kind call glibc's libmvec (at most 4 ulp) where the machine has it, and libm lane by lane where
it does not; formulas around them are chosen to keep their accuracy at the edges.
"""

from __future__ import annotations

import struct
from typing import Any

from wengert import dtypes
from wengert.backends.llvm.target import host, vector_function
from wengert.dtypes import DType

_LLVM = {
    "bool": "i1", "uint8": "i8", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint16": "i16", "uint32": "i32", "uint64": "i64",
    "float16": "float", "bfloat16": "float", "float32": "float", "float64": "double",
    "complex64": "i64", "complex128": "i128", "float8_e4m3fn": "i8", "float8_e5m2": "i8",
}  # fmt: skip
_KINDS = {"half": "f16", "float": "f32", "double": "f64"}

def kind_name(base: str) -> str:
    """How an LLVM type is called in the names of intrinsics."""
    return _KINDS.get(base, base)


def wide(dtype: DType) -> DType:
    """The dtype that values of this one are computed in."""
    return dtypes.float32 if dtype in (dtypes.float16, dtypes.bfloat16) else dtype


class Writer:
    """Collects the lines of a function and gives fresh names."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self._next = 0

    def block(self) -> str:
        """A fresh label."""
        self._next += 1
        return f"b{self._next}"

    def name(self) -> str:
        self._next += 1
        return f"%x{self._next}"

    def emit(self, text: str) -> str:
        """A line that defines a fresh name."""
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name

    def line(self, text: str) -> None:
        self.lines.append(text)

    def declare(self, symbol: str, signature: str) -> None:
        self.declarations[symbol] = signature


class Scalars:
    """The operations at a given number of lanes."""

    def __init__(self, writer: Writer, lanes: int) -> None:
        self.w = writer
        self.lanes = lanes

    # --- types and constants ---------------------------------------------------------------------------------------

    @staticmethod
    def base(dtype: DType) -> str:
        """The LLVM type of one value."""
        return _LLVM[dtype.name]

    def type(self, dtype: DType) -> str:
        return self.vector(_LLVM[dtype.name])

    def vector(self, base: str) -> str:
        """As many of an LLVM type as there are lanes."""
        return base if self.lanes == 1 else f"<{self.lanes} x {base}>"

    def number(self, value: int, base: str) -> str:
        """An integer constant of an LLVM type, in every lane."""
        return str(value) if self.lanes == 1 else f"splat ({base} {value})"

    def first_lanes(self, count: int) -> str:
        """The mask, a constant, of the first lanes."""
        return f"<{', '.join(f'i1 {str(i < count).lower()}' for i in range(self.lanes))}>"

    def rounded(self, value: str, dtype: DType) -> str:
        """A float32 rounded to the nearest number of a 16-bit float type, ties to even; other dtypes are as they are."""
        floats, words = self.vector("float"), self.vector("i32")
        if dtype is dtypes.float16:
            narrow = self.w.emit(f"fptrunc {floats} {value} to {self.vector('half')}")
            return self.w.emit(f"fpext {self.vector('half')} {narrow} to {floats}")
        if dtype is not dtypes.bfloat16:
            return value
        # By the bits: the CPU's own instruction would flush subnormal numbers to 0. A NaN stays one.
        bits = self.w.emit(f"bitcast {floats} {value} to {words}")
        last = self._word("and", self._word("lshr", bits, self.number(16, "i32")), self.number(1, "i32"))
        up = self._word("add", self._word("add", bits, self.number(0x7FFF, "i32")), last)
        quiet = self._word("or", bits, self.number(0x400000, "i32"))
        is_nan = self.is_nan(dtypes.float32, value)
        chosen = self.w.emit(f"select {self.vector('i1')} {is_nan}, {words} {quiet}, {words} {up}")
        kept = self._word("and", chosen, self.number(-0x10000, "i32"))
        return self.w.emit(f"bitcast {words} {kept} to {floats}")

    def _word(self, instruction: str, a: str, b: str) -> str:
        return self.w.emit(f"{instruction} {self.vector('i32')} {a}, {b}")

    def constant(self, value: Any, dtype: DType) -> str:
        if dtype in dtypes.EIGHT_BIT:
            text = str(int(dtype.array(value).view("uint8")))
        elif dtype.is_floating_point:
            number = float(value)
            if dtype is not dtypes.float64:
                try:
                    number = struct.unpack("f", struct.pack("f", number))[0]
                except OverflowError:
                    number = float("inf") if number > 0 else float("-inf")
            text = "0x" + struct.pack(">d", number).hex().upper()
        elif dtype is dtypes.bool_:
            text = "true" if value else "false"
        else:
            text = str(int(value))
        return text if self.lanes == 1 else f"splat ({_LLVM[dtype.name]} {text})"

    def splat(self, value: str, dtype: DType) -> str:
        """One scalar in every lane."""
        if self.lanes == 1:
            return value
        base, vector = _LLVM[dtype.name], self.type(dtype)
        first = self.w.emit(f"insertelement {vector} poison, {base} {value}, i32 0")
        return self.w.emit(f"shufflevector {vector} {first}, {vector} poison, <{self.lanes} x i32> zeroinitializer")

    # --- building blocks -------------------------------------------------------------------------------------------

    def two(self, instruction: str, dtype: DType, a: str, b: str) -> str:
        return self.w.emit(f"{instruction} {self.type(dtype)} {a}, {b}")

    def select(self, condition: str, dtype: DType, a: str, b: str) -> str:
        bools = self.type(dtypes.bool_)
        return self.w.emit(f"select {bools} {condition}, {self.type(dtype)} {a}, {self.type(dtype)} {b}")

    def intrinsic(self, name: str, dtype: DType, *args: str) -> str:
        kind = self.type(dtype)
        symbol = f"llvm.{name}.{self._suffix(self.base(dtype))}"
        self.w.declare(symbol, f"declare {kind} @{symbol}({', '.join([kind] * len(args))})")
        return self.w.emit(f"call {kind} @{symbol}({', '.join(f'{kind} {a}' for a in args)})")

    def fused(self, dtype: DType, a: str, b: str, c: str) -> str:
        """a b + c, rounded once."""
        return self.intrinsic("fma", dtype, a, b, c)

    def minus(self, dtype: DType, a: str) -> str:
        return self.w.emit(f"fneg {self.type(dtype)} {a}")

    def product_error(self, dtype: DType, a: str, b: str, product: str) -> str:
        """What rounding took from the product of two floats."""
        return self.fused(dtype, a, b, self.minus(dtype, product))

    def sum_error(self, dtype: DType, a: str, b: str, total: str) -> str:
        """What rounding took from the sum of two floats (D. E. Knuth, vol. 2, sec. 4.2.2, theorem B)."""
        of_b = self.two("fsub", dtype, total, a)
        of_a = self.two("fsub", dtype, total, of_b)
        return self.two("fadd", dtype, self.two("fsub", dtype, a, of_a), self.two("fsub", dtype, b, of_b))

    def libm(self, name: str, dtype: DType, *args: str) -> str:
        """A libm function on every lane: libmvec's vectors where they exist, else one call a lane."""
        symbol, lanes = vector_function(name, dtype.itemsize, len(args))
        if symbol and self.lanes >= lanes and self.lanes % lanes == 0:
            return self._in_chunks(symbol, lanes, dtype, args)
        if symbol and self.lanes == 1:  # the same routine as in the vector part, so that both give the same number
            wide = Scalars(self.w, lanes)
            result = wide.libm(name, dtype, *[wide.splat(a, dtype) for a in args])
            return self.w.emit(f"extractelement {wide.type(dtype)} {result}, i32 0")
        return self.lane_by_lane(name, dtype, args)

    def _in_chunks(self, symbol: str, lanes: int, dtype: DType, args: tuple[str, ...]) -> str:
        part = Scalars(self.w, lanes)
        kind, whole = part.type(dtype), self.type(dtype)
        self.w.declare(symbol, f"declare {kind} @{symbol}({', '.join([kind] * len(args))}) nounwind readnone willreturn")
        pieces = []
        for start in range(0, self.lanes, lanes):
            mask = ", ".join(f"i32 {i}" for i in range(start, start + lanes))
            chunk = [
                a if self.lanes == lanes
                else self.w.emit(f"shufflevector {whole} {a}, {whole} poison, <{lanes} x i32> <{mask}>")
                for a in args
            ]  # fmt: skip
            pieces.append(self.w.emit(f"call {kind} @{symbol}({', '.join(f'{kind} {a}' for a in chunk)})"))
        while len(pieces) > 1:
            width = self.lanes // len(pieces)
            mask = ", ".join(f"i32 {i}" for i in range(2 * width))
            half = Scalars(self.w, width).type(dtype)
            pieces = [
                self.w.emit(f"shufflevector {half} {a}, {half} {b}, <{2 * width} x i32> <{mask}>")
                for a, b in zip(pieces[::2], pieces[1::2])
            ]
        return pieces[0]

    def lane_by_lane(self, name: str, dtype: DType, args: tuple[str, ...]) -> str:
        base = _LLVM[dtype.name]
        symbol = name + ("f" if dtype is dtypes.float32 else "")
        self.w.declare(symbol, f"declare {base} @{symbol}({', '.join([base] * len(args))}) nounwind readnone willreturn")
        if self.lanes == 1:
            return self.w.emit(f"call {base} @{symbol}({', '.join(f'{base} {a}' for a in args)})")
        vector = self.type(dtype)
        result = "poison"
        for lane in range(self.lanes):
            ones = [self.w.emit(f"extractelement {vector} {a}, i32 {lane}") for a in args]
            value = self.w.emit(f"call {base} @{symbol}({', '.join(f'{base} {a}' for a in ones)})")
            result = self.w.emit(f"insertelement {vector} {result}, {base} {value}, i32 {lane}")
        return result

    def compare(self, predicate: str, dtype: DType, a: str, b: str) -> str:
        """eq ne lt le gt ge; a comparison with NaN is false, but `ne` is true."""
        if dtype.is_floating_point:
            word = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}[predicate]
            return self.w.emit(f"fcmp {word} {self.type(dtype)} {a}, {b}")
        if predicate not in ("eq", "ne"):
            predicate = ("s" if dtype.is_signed else "u") + predicate
        return self.w.emit(f"icmp {predicate} {self.type(dtype)} {a}, {b}")

    def is_nan(self, dtype: DType, a: str) -> str:
        return self.w.emit(f"fcmp uno {self.type(dtype)} {a}, {a}")

    def extreme(self, word: str, dtype: DType, a: str, b: str) -> str:
        """max or min; NaN when one operand is NaN."""
        if not dtype.is_floating_point:
            if dtype is dtypes.bool_:
                return self.two("or" if word == "max" else "and", dtype, a, b)
            return self.intrinsic(("s" if dtype.is_signed else "u") + word, dtype, a, b)
        better = self.w.emit(f"fcmp {'ogt' if word == 'max' else 'olt'} {self.type(dtype)} {a}, {b}")
        chosen = self.select(better, dtype, a, b)
        return self.select(self.is_nan(dtype, a), dtype, a, chosen)

    def fold(self, op: str, dtype: DType, a: str, b: str) -> str:
        """One step of a fold."""
        if op in ("max", "min"):
            return self.extreme(op, dtype, a, b)
        if op in ("and", "or"):
            return self.two(op, dtype, a, b)
        if dtype.is_floating_point:
            return self.two({"add": "fadd", "mul": "fmul"}[op], dtype, a, b)
        if dtype is dtypes.bool_:
            return self.two({"add": "or", "mul": "and"}[op], dtype, a, b)
        return self.two(op, dtype, a, b)

    def identity(self, op: str, dtype: DType) -> str:
        """The value from which a fold starts."""
        if op in ("add", "or"):
            return self.constant(0, dtype)
        if op in ("mul", "and"):
            return self.constant(1 if op == "mul" or dtype is dtypes.bool_ else -1, dtype)
        if dtype.is_floating_point:
            return self.constant(float("-inf") if op == "max" else float("inf"), dtype)
        if dtype is dtypes.bool_:
            return self.constant(op == "min", dtype)
        bits = 8 * dtype.itemsize
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dtype.is_signed else (0, 2**bits - 1)
        return self.constant(low if op == "max" else high, dtype)

    def convert(self, value: str, source: DType, target: DType) -> str:
        """NumPy's conversion: to bool is x != 0; floats to integers truncate; what does not fit wraps, as in C.

        16-bit floats are handed over and returned as the float32 that stands for them, not yet rounded.
        """
        source, target = wide(source), wide(target)
        if source is target:
            return value
        here, there = self.type(source), self.type(target)
        if target is dtypes.bool_:
            return self.compare("ne", source, value, self.constant(0, source))
        signed = source.is_signed and source is not dtypes.bool_
        if source.is_floating_point and target.is_floating_point:
            word = "fpext" if target.itemsize > source.itemsize else "fptrunc"
        elif source.is_floating_point:
            return self._truncated(value, source, target)
        elif target.is_floating_point:
            word = "sitofp" if signed else "uitofp"
        elif target.itemsize > source.itemsize or source is dtypes.bool_:
            word = "sext" if signed else "zext"
        elif target.itemsize == source.itemsize:
            return value
        else:
            word = "trunc"
        return self.w.emit(f"{word} {here} {value} to {there}")

    def _truncated(self, value: str, source: DType, target: DType) -> str:
        """A float as an integer. Narrow targets are cut from an int32, as C compilers do. What no int32 (or int64) can
        hold becomes what this CPU's conversion gives, which is what NumPy gives here."""
        middle = dtypes.int64 if target is dtypes.int64 else dtypes.int32
        here, there, narrow = self.type(source), self.type(middle), self.type(target)
        if host().triple.startswith("x86_64"):
            bits = 8 * middle.itemsize
            low, high = (self.constant(x, source) for x in (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1)))
            inside = self.two(
                "and", dtypes.bool_, self.compare("ge", source, value, low), self.compare("lt", source, value, high)
            )
            found = self.w.emit(f"fptosi {here} {value} to {there}")
            found = self.select(inside, middle, found, self.constant(-(2 ** (bits - 1)), middle))
        else:
            symbol = f"llvm.fptosi.sat.{self._suffix(self.base(middle))}.{self._suffix(self.base(source))}"
            self.w.declare(symbol, f"declare {there} @{symbol}({here})")
            found = self.w.emit(f"call {there} @{symbol}({here} {value})")
        return found if middle is target else self.w.emit(f"trunc {there} {found} to {narrow}")

    def _suffix(self, base: str) -> str:
        """How a type with as many lanes is called in the names of intrinsics."""
        return kind_name(base) if self.lanes == 1 else f"v{self.lanes}{kind_name(base)}"
