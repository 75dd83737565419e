"""Every scalar operation of the loop language as LLVM IR, for one value or a vector of them.

`SCALARS` maps an operation's name (the primitive's) to a function (writer, arguments, argument dtypes, result dtype) ->
IR value. `lanes` is the writer's: 1 makes plain scalars. What is not here runs through NumPy.

Exponentials and their kind call glibc's libmvec (at most 4 ulp) where the machine has it, and libm lane by lane where
it does not; formulas around them are chosen to keep their accuracy at the edges.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from wengert import dtypes
from wengert.backends.llvm.target import vector_function
from wengert.dtypes import DType

_LLVM = {
    "bool": "i1", "uint8": "i8", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "float32": "float", "float64": "double",
}  # fmt: skip
_KINDS = {"half": "f16", "float": "f32", "double": "f64"}

SUPPORTED_DTYPES = frozenset(_LLVM)


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

    def rounded(self, value: str, dtype: DType) -> str:
        """The nearest number of a 16-bit float type to a float32 that stands for it."""
        return value

    def constant(self, value: Any, dtype: DType) -> str:
        if dtype.is_floating_point:
            number = float(value)
            if dtype is dtypes.float32:
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
        base = kind_name(_LLVM[dtype.name])
        suffix = base if self.lanes == 1 else f"v{self.lanes}{base}"
        kind = self.type(dtype)
        symbol = f"llvm.{name}.{suffix}"
        self.w.declare(symbol, f"declare {kind} @{symbol}({', '.join([kind] * len(args))})")
        return self.w.emit(f"call {kind} @{symbol}({', '.join(f'{kind} {a}' for a in args)})")

    def libm(self, name: str, dtype: DType, *args: str) -> str:
        """A libm function on every lane: libmvec's vectors where they exist, else one call a lane."""
        symbol, lanes = vector_function(name, dtype.itemsize, len(args))
        if symbol and self.lanes >= lanes and self.lanes % lanes == 0:
            return self._in_chunks(symbol, lanes, dtype, args)
        if symbol and self.lanes == 1:  # the same routine as in the vector part, so that both give the same number
            wide = Scalars(self.w, lanes)
            result = wide.libm(name, dtype, *[wide.splat(a, dtype) for a in args])
            return self.w.emit(f"extractelement {wide.type(dtype)} {result}, i32 0")
        return self._lane_by_lane(name, dtype, args)

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

    def _lane_by_lane(self, name: str, dtype: DType, args: tuple[str, ...]) -> str:
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
            predicate = ("u" if dtype in (dtypes.uint8, dtypes.bool_) else "s") + predicate
        return self.w.emit(f"icmp {predicate} {self.type(dtype)} {a}, {b}")

    def is_nan(self, dtype: DType, a: str) -> str:
        return self.w.emit(f"fcmp uno {self.type(dtype)} {a}, {a}")

    def extreme(self, word: str, dtype: DType, a: str, b: str) -> str:
        """max or min; NaN when one operand is NaN."""
        if not dtype.is_floating_point:
            if dtype is dtypes.bool_:
                return self.two("or" if word == "max" else "and", dtype, a, b)
            return self.intrinsic(("u" if dtype is dtypes.uint8 else "s") + word, dtype, a, b)
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
        low, high = (0, 2**bits - 1) if dtype is dtypes.uint8 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return self.constant(low if op == "max" else high, dtype)

    def convert(self, value: str, source: DType, target: DType) -> str:
        """PyTorch's conversion: to bool is x != 0; floats to integers truncate."""
        if source is target:
            return value
        here, there = self.type(source), self.type(target)
        if target is dtypes.bool_:
            return self.compare("ne", source, value, self.constant(0, source))
        signed = source.is_signed and source is not dtypes.bool_
        if source.is_floating_point and target.is_floating_point:
            word = "fpext" if target.itemsize > source.itemsize else "fptrunc"
        elif source.is_floating_point:
            # Through int64, which is what C compilers do for narrow targets; saturating keeps it defined.
            wide = Scalars(self.w, self.lanes)
            middle = wide.type(dtypes.int64)
            lanes = f"v{self.lanes}" if self.lanes > 1 else ""
            symbol = f"llvm.fptosi.sat.{lanes}i64.{lanes}{'f32' if source is dtypes.float32 else 'f64'}"
            self.w.declare(symbol, f"declare {middle} @{symbol}({here})")
            value = self.w.emit(f"call {middle} @{symbol}({here} {value})")
            return value if target is dtypes.int64 else self.w.emit(f"trunc {middle} {value} to {there}")
        elif target.is_floating_point:
            word = "sitofp" if signed else "uitofp"
        elif target.itemsize > source.itemsize or source is dtypes.bool_:
            word = "sext" if signed else "zext"
        elif target.itemsize == source.itemsize:
            return value
        else:
            word = "trunc"
        return self.w.emit(f"{word} {here} {value} to {there}")


# --- the table ------------------------------------------------------------------------------------------------------

Emitter = Callable[[Scalars, list[str], list[DType], DType], str]


def _arithmetic(floating: str, integer: str, boolean: str = "") -> Emitter:
    def emit(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
        word = floating if t[0].is_floating_point else (boolean if t[0] is dtypes.bool_ else integer)
        return s.two(word, t[0], a[0], a[1])

    return emit


def _comparison(predicate: str) -> Emitter:
    return lambda s, a, t, result: s.compare(predicate, t[0], a[0], a[1])


def _libm(name: str) -> Emitter:
    return lambda s, a, t, result: s.libm(name, t[0], *a)


def _intrinsic(name: str) -> Emitter:
    return lambda s, a, t, result: s.intrinsic(name, t[0], *a)


def _rounding(name: str) -> Emitter:
    """Integers are already round."""
    return lambda s, a, t, result: s.intrinsic(name, t[0], *a) if t[0].is_floating_point else a[0]


def _bits(word: str) -> Emitter:
    return lambda s, a, t, result: s.two(word, t[0], a[0], a[1])


def _neg(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    if t[0].is_floating_point:
        return s.w.emit(f"fneg {s.type(t[0])} {a[0]}")
    return s.two("sub", t[0], s.constant(0, t[0]), a[0])


def _abs(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    if t[0].is_floating_point:
        return s.intrinsic("fabs", t[0], a[0])
    if not t[0].is_signed:
        return a[0]
    return s.select(s.compare("lt", t[0], a[0], s.constant(0, t[0])), t[0], _neg(s, a, t, result), a[0])


def _sign(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    if t[0] is dtypes.bool_:
        return a[0]
    zero, one = s.constant(0, t[0]), s.constant(1, t[0])
    up = s.select(s.compare("gt", t[0], a[0], zero), t[0], one, zero)
    down = s.select(s.compare("lt", t[0], a[0], zero), t[0], s.constant(-1, t[0]), up) if t[0].is_signed else up
    return s.select(s.is_nan(t[0], a[0]), t[0], a[0], down) if t[0].is_floating_point else down


def _where(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.select(a[0], result, a[1], a[2])


def _relu(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """0 where x <= 0, so that NaN passes."""
    zero = s.constant(0, t[0])
    return s.select(s.compare("le", t[0], a[0], zero), t[0], zero, a[0])


def _square(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.two("fmul" if t[0].is_floating_point else ("and" if t[0] is dtypes.bool_ else "mul"), t[0], a[0], a[0])


def _reciprocal(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.two("fdiv", t[0], s.constant(1, t[0]), a[0])


def _rsqrt(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return _reciprocal(s, [s.intrinsic("sqrt", t[0], a[0])], t, result)


def _sigmoid(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    """z / (1 + z) with z = exp(x) for x < 0, and 1 / (1 + exp(-x)) else: no overflow on either side."""
    z = s.libm("exp", t[0], s.w.emit(f"fneg {s.type(t[0])} {s.intrinsic('fabs', t[0], a[0])}"))
    one = s.constant(1, t[0])
    top = s.select(s.compare("ge", t[0], a[0], s.constant(0, t[0])), t[0], one, z)
    value = s.two("fdiv", t[0], top, s.two("fadd", t[0], one, z))
    return s.select(s.is_nan(t[0], a[0]), t[0], a[0], value)


def _extreme(word: str) -> Emitter:
    return lambda s, a, t, result: s.extreme(word, t[0], a[0], a[1])


def _clamp(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.extreme("min", t[0], s.extreme("max", t[0], a[0], a[1]), a[2])


def _leaky_relu(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    below = s.two("fmul", t[0], a[0], a[1])
    return s.select(s.compare("gt", t[0], a[0], s.constant(0, t[0])), t[0], a[0], below)


def _isnan(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.is_nan(t[0], a[0]) if t[0].is_floating_point else s.constant(False, dtypes.bool_)


def _is_infinite(s: Scalars, a: list[str], t: list[DType]) -> str:
    return s.compare("eq", t[0], s.intrinsic("fabs", t[0], a[0]), s.constant(float("inf"), t[0]))


def _isinf(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return _is_infinite(s, a, t) if t[0].is_floating_point else s.constant(False, dtypes.bool_)


def _isfinite(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    if not t[0].is_floating_point:
        return s.constant(True, dtypes.bool_)
    return s.compare("lt", t[0], s.intrinsic("fabs", t[0], a[0]), s.constant(float("inf"), t[0]))


def _not(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.two("xor", t[0], a[0], s.constant(1 if t[0] is dtypes.bool_ else -1, t[0]))


def _convert(s: Scalars, a: list[str], t: list[DType], result: DType) -> str:
    return s.convert(a[0], t[0], result)


# Operations of floats only, by the libm function that computes them.
LIBM = {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log2": "log2", "log10": "log10", "log1p": "log1p",
    "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan", "atan2": "atan2",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh",
    "hypot": "hypot", "erf": "erf", "erfc": "erfc", "pow": "pow",
}  # fmt: skip

SCALARS: dict[str, Emitter] = {
    "add": _arithmetic("fadd", "add", "or"),
    "sub": _arithmetic("fsub", "sub"),
    "mul": _arithmetic("fmul", "mul", "and"),
    "neg": _neg,
    "abs": _abs,
    "sign": _sign,
    "square": _square,
    "where": _where,
    "relu": _relu,
    "maximum": _extreme("max"),
    "minimum": _extreme("min"),
    "clamp_min": _extreme("max"),
    "clamp_max": _extreme("min"),
    "clamp": _clamp,
    "eq": _comparison("eq"),
    "ne": _comparison("ne"),
    "lt": _comparison("lt"),
    "le": _comparison("le"),
    "gt": _comparison("gt"),
    "ge": _comparison("ge"),
    "isnan": _isnan,
    "isinf": _isinf,
    "isfinite": _isfinite,
    "bitwise_and": _bits("and"),
    "bitwise_or": _bits("or"),
    "bitwise_xor": _bits("xor"),
    "bitwise_not": _not,
    "floor": _rounding("floor"),
    "ceil": _rounding("ceil"),
    "trunc": _rounding("trunc"),
    "round": _rounding("roundeven"),
    "convert": _convert,
}

FLOATS: dict[str, Emitter] = {
    "div": lambda s, a, t, result: s.two("fdiv", t[0], a[0], a[1]),
    "sqrt": _intrinsic("sqrt"),
    "rsqrt": _rsqrt,
    "reciprocal": _reciprocal,
    "sigmoid": _sigmoid,
    "leaky_relu": _leaky_relu,
    **{name: _libm(function) for name, function in LIBM.items()},
}


def supports(name: str, arguments: tuple[Any, ...], result: Any) -> bool:
    """Whether a program may use this operation on these dtypes: the door of `loops.lower`."""
    if any(t is None or t.name not in SUPPORTED_DTYPES for t in (*arguments, result)):
        return False
    if name.startswith("fold ") or name == "load":
        return True
    if name in FLOATS:
        return bool(arguments[0].is_floating_point)
    return name in SCALARS


def emit(s: Scalars, op: str, args: list[str], types: list[DType], result: DType) -> str:
    """IR for one application."""
    return (SCALARS.get(op) or FLOATS[op])(s, args, types, result)
