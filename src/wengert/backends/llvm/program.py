"""A program as one piece of machine code: the executable of the compiled tier.

The code is a function for each nest and one for each *segment*, a run of steps between calls of NumPy definitions. It
finds its data through a table of pointers, one for each buffer. Inputs and fresh outputs are entered into the table by
the code itself, which reads the data pointers out of the NumPy arrays of a list (their place in the array object is
fixed by NumPy's ABI and checked once at import). Intermediate buffers share one block of memory, planned by when each
is alive; a run allocates nothing but its outputs.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from wengert.backends.interpreter import Interpreter
from wengert.backends.llvm import jit, product
from wengert.backends.llvm.emit import emit_nest
from wengert.backends.llvm.target import host
from wengert.errors import unreachable
from wengert.graph.graph import Graph
from wengert.graph.node import ArrayType
from wengert.loops.collapse import collapse, with_own_buffers
from wengert.loops.nest import Apply, Call, Contract, Fold, Load, Lookup, Nest, Operand, Program, ProgramStep, Store

# Scalar operations below which a nest stays on one thread: a parallel region costs a few microseconds.
PARALLEL_WORK = 60_000
ALIGNMENT = 64


class Compiled:
    """Runs a program. One run at a time (the caller holds the runtime's lock)."""

    def __init__(self, program: Program, code: bytes, graph: Graph) -> None:
        self.program = program
        self.graph = graph
        self.code = jit.Loaded(code)
        self.segments = split(program)
        self._functions = [
            ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(self.code.address(f"segment{i}"))
            if any(not isinstance(step, Call) for step in segment)
            else None
            for i, segment in enumerate(self.segments)
        ]
        self._enter = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
            self.code.address("enter")
        )
        self._lay_out()

    def _lay_out(self) -> None:
        """Memory for what does not change from run to run: constants, intermediates, the table of pointers."""
        p = self.program
        self._table = np.zeros(len(p.buffers) + 1, np.uint64)
        self._buffers = self._table.ctypes.data + 8
        self._failures = np.zeros(1, np.uint8)
        self._table[0] = self._failures.ctypes.data
        self._constants = [np.ascontiguousarray(value) for value in p.constants]
        for i, value in enumerate(self._constants, p.inputs):
            self._table[i + 1] = value.ctypes.data
        offsets, size = plan(p)
        block = np.empty(size + ALIGNMENT, np.uint8)
        shift = -block.ctypes.data % ALIGNMENT
        self._arena = block[shift : shift + size]
        self._views: dict[int, Any] = {}
        for buffer, offset in offsets.items():
            type = p.buffers[buffer]
            if not isinstance(type, ArrayType):
                unreachable("a buffer of several values in the arena")
            bytes = self._arena[offset : offset + type.size * type.dtype.itemsize]
            self._views[buffer] = bytes.view(type.dtype.numpy)
            self._table[buffer + 1] = bytes.ctypes.data if type.size else self._arena.ctypes.data
        first = p.inputs + len(p.constants)
        fresh = dict.fromkeys(b for b, _ in p.outputs if b >= first and not _made_by_call(p, b))
        pairs = donations(p)
        self.donations = tuple(pairs.values())
        self._fresh = [(b, p.buffers[b].shape, p.buffers[b].dtype.numpy, pairs.get(b, -1)) for b in fresh]  # type: ignore[union-attr]
        # Where `enter` puts the data pointers of the list's arrays. Inputs that are no arrays are for Calls only.
        self._arrays = [i for i in range(p.inputs) if isinstance(p.buffers[i], ArrayType)]
        places = [*self._arrays, *fresh]
        self._places = np.array([len(places), *[place * 8 for place in places]], np.int64)

    def run(self, values: Sequence[Any], free: frozenset[int] = frozenset()) -> list[Any]:
        """The outputs for these input arrays; those in `free` may be written over.

        Raises: IndexError and other errors that only the values decide, as the interpreter words them.
        """
        made = {
            b: values[given] if given in free else np.empty(shape, dtype) for b, shape, dtype, given in self._fresh
        }
        arrays = [*values, *made.values()] if len(self._arrays) == len(values) else [
            *[values[i] for i in self._arrays], *made.values()
        ]  # fmt: skip
        if self._enter(id(arrays), self._buffers, self._places.ctypes.data) >= 0:
            # A view with gaps, another order or odd addresses: the code wants it row by row.
            rows = list(values)
            for i in self._arrays:
                rows[i] = np.require(values[i], requirements=("C_CONTIGUOUS", "ALIGNED"))
            return self.run(rows, frozenset([i for i in free if rows[i] is values[i]]))
        for function, segment in zip(self._functions, self.segments):
            if function is not None:
                function(self._buffers, product.scratch())
                if self._failures[0]:
                    self._failures[0] = 0
                    self._raise(values)
                    unreachable("the compiled program found an index out of bounds and the interpreter did not")
            else:
                try:
                    self._call(segment[0], values, made)
                except Exception:
                    self._raise(values)
                    raise
        return [self._output(buffer, shape, values, made) for buffer, shape in self.program.outputs]

    def _raise(self, values: Sequence[Any]) -> None:
        """Raise what is wrong with these values, as the interpreter words it, with the user's line. Of several errors it
        is the first in the order of recording. No input has been written over yet."""
        Interpreter(self.graph).run(values)

    def _output(self, buffer: int, shape: Any, values: Sequence[Any], made: dict[int, Any]) -> Any:
        p = self.program
        if buffer < p.inputs:
            value = values[buffer]
        elif buffer < p.inputs + len(p.constants):
            value = self._constants[buffer - p.inputs].copy()
        else:
            value = made[buffer]
        return value.reshape(shape) if isinstance(value, np.ndarray) and value.shape != shape else value

    def _call(self, step: ProgramStep, values: Sequence[Any], made: dict[int, Any]) -> None:
        """A step without a lowering, by its NumPy definition."""
        if not isinstance(step, Call):
            unreachable("a segment of code without code")
        p = self.program
        arguments = []
        for buffer, shape in zip(step.args, step.shapes):
            if buffer < p.inputs:
                value = values[buffer]
            elif buffer < p.inputs + len(p.constants):
                value = self._constants[buffer - p.inputs]
            else:
                value = made[buffer] if buffer in made else self._views[buffer]
            arguments.append(value.reshape(shape) if isinstance(value, np.ndarray) else value)
        with np.errstate(all="ignore"):
            result = step.primitive.evaluate(*arguments, **dict(zip(step.primitive.params, step.params)))
        if isinstance(result, tuple):
            made[step.result] = tuple(map(_owned, result))
        else:
            result = made[step.result] = _owned(result)
            self._table[step.result + 1] = result.__array_interface__["data"][0]


def _owned(result: Any) -> Any:
    """What a NumPy definition gave, as a row-major array of its own: the memory of a view of an argument may be written
    over."""
    result = np.asarray(result)
    return result if result.flags.c_contiguous and result.base is None else result.copy()


def _made_by_call(program: Program, buffer: int) -> bool:
    return any(isinstance(step, Call) and step.result == buffer for step in program.steps)


def split(program: Program) -> list[list[ProgramStep]]:
    """Runs of steps that are code, and each Call by itself."""
    segments: list[list[ProgramStep]] = []
    for step in program.steps:
        if isinstance(step, Call) or not segments or isinstance(segments[-1][0], Call):
            segments.append([step])
        else:
            segments[-1].append(step)
    return segments


# --- memory -----------------------------------------------------------------------------------------------------------


def reads(step: ProgramStep) -> set[int]:
    """The buffers that a step reads."""
    if isinstance(step, Nest):
        return {v.buffer for v in step.values if isinstance(v, (Load, Lookup))}
    if isinstance(step, Contract):
        return {b for b in (step.a.buffer, step.b.buffer, step.add_to, step.scale) if b is not None}
    return set(step.args)


def writes(step: ProgramStep) -> set[int]:
    """The buffers that a step writes."""
    if isinstance(step, Nest):
        return {a.buffer for a in step.actions if isinstance(a, Store)}
    return {step.c} if isinstance(step, Contract) else {step.result}


def plan(program: Program) -> tuple[dict[int, int], int]:
    """Offsets of the intermediate buffers in one block of memory, and its size: each takes the first gap between the
    buffers alive at the same time (first fit, in order of birth)."""
    first = program.inputs + len(program.constants)
    outputs = {buffer for buffer, _ in program.outputs}
    birth: dict[int, int] = {}
    death: dict[int, int] = {}
    for number, step in enumerate(program.steps):
        for buffer in writes(step):
            birth.setdefault(buffer, number)
            death[buffer] = number
        for buffer in reads(step):
            death[buffer] = number
    offsets: dict[int, int] = {}
    placed: list[tuple[int, int, int]] = []  # offset, end, death
    size = 0
    for buffer in sorted(birth, key=lambda b: birth[b]):
        type = program.buffers[buffer]
        if buffer < first or buffer in outputs or _made_by_call(program, buffer) or not isinstance(type, ArrayType):
            continue
        needed = -(-type.size * type.dtype.itemsize // ALIGNMENT) * ALIGNMENT
        alive = sorted((start, end) for start, end, last in placed if last >= birth[buffer])
        offset = 0
        for start, end in alive:
            if start - offset >= needed:
                break
            offset = max(offset, end)
        offsets[buffer] = offset
        placed.append((offset, offset + needed, death[buffer]))
        size = max(size, offset + needed)
    return offsets, size


def donations(program: Program) -> dict[int, int]:
    """Output buffer -> input buffer whose memory it can take: the step that writes the output is the last to read the
    input, and reads it only where it writes. No later step can fail on the values, so a failed run has written over
    nothing."""
    last_read: dict[int, int] = {}
    may_fail = -1
    for number, step in enumerate(program.steps):
        for buffer in reads(step):
            last_read[buffer] = number
        if isinstance(step, Call) or _checks_bounds(step):
            may_fail = number
    outputs = {buffer for buffer, _ in program.outputs}
    found: dict[int, int] = {}
    for number, step in enumerate(program.steps):
        if number <= may_fail or isinstance(step, Call):
            continue
        for output in writes(step) & outputs:
            for source in sorted(reads(step)):
                if (
                    source < program.inputs
                    and source not in outputs
                    and source not in found.values()
                    and last_read[source] == number
                    and program.buffers[source] is program.buffers[output]
                    and _reads_where_it_writes(step, source, output)
                ):
                    found[output] = source
                    break
    return found


def _checks_bounds(step: ProgramStep) -> bool:
    return isinstance(step, Nest) and any(isinstance(v, Apply) and v.op == "bounded" for v in step.values)


def _reads_where_it_writes(step: ProgramStep, source: int, output: int) -> bool:
    if isinstance(step, Contract):
        return step.add_to == source and source not in (step.a.buffer, step.b.buffer, step.scale)
    if not isinstance(step, Nest):
        return False
    stores = {(a.strides, a.offset) for a in step.actions if isinstance(a, Store) and a.buffer == output}
    loads = {(v.strides, v.offset) for v in step.values if isinstance(v, Load) and v.buffer == source}
    looked_up = any(isinstance(v, Lookup) and v.buffer == source for v in step.values)
    # With folds, a later phase may read again what an earlier store wrote over.
    folds = any(isinstance(a, Fold) for a in step.actions)
    inner = any(any(strides[len(step.outer) :]) for strides, _ in stores)
    together = stores == loads and len(stores) == 1 and not looked_up and not (folds and inner)
    return together and not _read_after(step, source, output)


def _read_after(nest: Nest, source: int, output: int) -> bool:
    """Whether, at one point, something is still read from `source` after `output` has been written."""
    depends: list[bool] = []
    for v in nest.values:
        if isinstance(v, Load):
            depends.append(v.buffer == source)
        elif isinstance(v, Apply):
            depends.append(any([depends[i] for i in v.args]))
        else:
            depends.append(isinstance(v, Lookup) and depends[v.index])
    written = False
    for action in nest.actions:
        if written and depends[action.value]:
            return True
        written = written or (isinstance(action, Store) and action.buffer == output)
    return False


# --- code -------------------------------------------------------------------------------------------------------------


def program_text(program: Program) -> str:
    """The LLVM IR of a program."""
    width = host().width
    functions: list[str] = ["@buffers = internal global ptr null, align 8", _enter_text()]
    declarations: dict[str, str] = {}
    nests: dict[Nest, str] = {}
    places: dict[tuple[int, ...], str] = {}
    bodies: list[str] = []
    for number, segment in enumerate(split(program)):
        if isinstance(segment[0], Call):
            continue
        lines = [f"define void @segment{number}(ptr %buffers, ptr %work) nounwind {{"]
        for place, step in enumerate(segment):
            if isinstance(step, Nest):
                if not all(step.extents) and not _has_outer_store(step):
                    continue
                bare, buffers = with_own_buffers(step._replace(label=""))
                name = nests.get(bare)
                if name is None:
                    name = nests[bare] = f"nest{len(nests)}"
                    text, needed = emit_nest(bare, name, width)
                    functions.append(text)
                    declarations.update(needed)
                lines += _call_nest(step, name, places.setdefault(buffers, f"@places{len(places)}"))
                if _checks_bounds(step):
                    lines += _stop_if_failed(place)
            elif isinstance(step, Contract):
                lines += _call_product(step, f"p{number}.{place}", declarations)
        lines += ["  br label %end", "end:", "  ret void", "}"]
        bodies.append("\n".join(lines))
    declarations["wengert_parallel"] = "declare void @wengert_parallel(ptr, ptr, i64, i64, i64, i64)"
    tables = [
        f"{name} = internal constant [{len(buffers)} x i64] [{', '.join(f'i64 {b}' for b in buffers)}], align 8"
        for buffers, name in places.items()
    ]
    return "\n".join([*tables, *functions, *bodies, *declarations.values()])


def _has_outer_store(nest: Nest) -> bool:
    """A nest over an empty inner space still stores what its folds start from, at each outer point."""
    return all(nest.outer) and bool(nest.inner)


def _stop_if_failed(place: int) -> list[str]:
    """Run no further step after one that failed: those behind it may write over inputs."""
    return [
        f"  %f{place}s = getelementptr ptr, ptr %buffers, i64 -1",
        f"  %f{place}p = load ptr, ptr %f{place}s, align 8",
        f"  %f{place}v = load i8, ptr %f{place}p, align 1",
        f"  %f{place} = icmp ne i8 %f{place}v, 0",
        f"  br i1 %f{place}, label %end, label %after{place}",
        f"after{place}:",
    ]


def _call_nest(nest: Nest, name: str, places: str) -> list[str]:
    flat = collapse(nest)
    extent = flat.outer[0]
    points = math.prod(flat.extents)
    work = points * (len(flat.values) + 1)
    if extent < 2 or work < 2 * PARALLEL_WORK:
        return [f"  call void @{name}(ptr {places}, i64 0, i64 {extent}, i64 0)"]
    grain = max(1, -(-PARALLEL_WORK * extent // work))
    align = 64 if len(flat.outer) == 1 else 1
    return [f"  call void @wengert_parallel(ptr @{name}, ptr {places}, i64 0, i64 {extent}, i64 {grain}, i64 {align})"]


def _call_product(step: Contract, prefix: str, declarations: dict[str, str]) -> list[str]:
    """Calls of the product of the runtime library, one for each row of `_batches`, in a loop over a table of offsets."""
    rows, (count, stride_a, stride_b) = _batches(step)
    suffix, kind = ("f32", "float") if step.dtype.itemsize == 4 else ("f64", "double")
    symbol, matrix = f"wengert_product_{suffix}", step.m * step.n
    lines: list[str] = []

    def emit(name: str, text: str) -> str:
        lines.append(f"  %{prefix}{name} = {text}")
        return f"%{prefix}{name}"

    def pointer(name: str, buffer: Optional[int], offset: str) -> str:
        if buffer is None:
            return "null"
        slot = emit(name + "s", f"getelementptr ptr, ptr %buffers, i64 {buffer}")
        base = emit(name + "b", f"load ptr, ptr {slot}, align 8")
        return emit(name, f"getelementptr {kind}, ptr {base}, i64 {offset}")

    if len(rows) == 1:
        offsets = [str(offset) for offset in rows[0]]
    else:
        table = f"@offsets.{prefix}"
        numbers = ", ".join(f"i64 {offset}" for row in rows for offset in row)
        declarations[table] = f"{table} = internal constant [{3 * len(rows)} x i64] [{numbers}], align 8"
        lines += _open_loop(prefix, len(rows))
        first = emit("t", f"mul i64 %{prefix}i, 3")
        offsets = []
        for k, name in enumerate("abc"):
            place = emit(f"{name}t", f"add i64 {first}, {k}")
            slot = emit(f"{name}p", f"getelementptr i64, ptr {table}, i64 {place}")
            offsets.append(emit(f"{name}o", f"load i64, ptr {slot}, align 8"))
    at_a, at_b, at_c = offsets
    a, b = pointer("a", step.a.buffer, at_a), pointer("b", step.b.buffer, at_b)
    c, d = pointer("c", step.c, at_c), pointer("d", step.add_to, at_c)
    scale = pointer("s", step.scale, "0")
    arguments = (
        *(f"i64 {n}" for n in (count, step.m, step.n, step.k)),
        f"ptr {a}", *(f"i64 {n}" for n in (stride_a, step.a.row, step.a.column)),
        f"ptr {b}", *(f"i64 {n}" for n in (stride_b, step.b.row, step.b.column)),
        f"ptr {c}", f"i64 {matrix}", f"i64 {step.n}", f"ptr {d}", f"i64 {matrix}", f"i64 {step.n}", f"ptr {scale}", "ptr %work",
    )  # fmt: skip
    declarations[symbol] = f"declare void @{symbol}({', '.join(argument.split()[0] for argument in arguments)})"
    lines.append(f"  call void @{symbol}({', '.join(arguments)})")
    return lines if len(rows) == 1 else lines + _close_loop(prefix)


def _open_loop(prefix: str, count: int) -> list[str]:
    """A loop over %PREFIXi from 0 to count - 1."""
    return [
        f"  br label %{prefix}before",
        f"{prefix}before:",
        f"  br label %{prefix}head",
        f"{prefix}head:",
        f"  %{prefix}i = phi i64 [0, %{prefix}before], [%{prefix}next, %{prefix}body]",
        f"  %{prefix}more = icmp slt i64 %{prefix}i, {count}",
        f"  br i1 %{prefix}more, label %{prefix}body, label %{prefix}after",
        f"{prefix}body:",
    ]


def _close_loop(prefix: str) -> list[str]:
    return [f"  %{prefix}next = add i64 %{prefix}i, 1", f"  br label %{prefix}head", f"{prefix}after:"]


def _batches(step: Contract) -> tuple[list[tuple[int, int, int]], tuple[int, int, int]]:
    """The offsets at which the product is called, and (count, stride in a, stride in b) of each call: as many batch axes
    as walk together at the end are one call."""
    batch, a, b = list(step.batch), list(step.a.batch), list(step.b.batch)
    count, stride_a, stride_b = 1, 0, 0
    while batch:
        n = batch[-1]
        if count == 1:
            count, stride_a, stride_b = n, a[-1], b[-1]
        elif a[-1] == stride_a * count and b[-1] == stride_b * count:
            count *= n
        else:
            break
        batch.pop(), a.pop(), b.pop()
    size = count * step.m * step.n
    offsets = []
    for number, index in enumerate(np.ndindex(*batch)):
        at_a = step.a.offset + sum(i * s for i, s in zip(index, a))
        at_b = step.b.offset + sum(i * s for i, s in zip(index, b))
        offsets.append((at_a, at_b, number * size))
    return offsets, (count, stride_a, stride_b)


# --- reading pointers out of NumPy arrays -----------------------------------------------------------------------------

# struct PyListObject: the pointer to its items; struct PyArrayObject: data and flags (NumPy's public C ABI, 64 bits).
_ITEMS, _DATA, _FLAGS = 24, 16, 64
_ROW_MAJOR_ALIGNED = 0x0001 | 0x0100


def _enter_text() -> str:
    """i64 enter(list, buffers, places): enter the data pointers of a list of arrays into the table; gives the number of
    the first array that is not row-major and aligned, or -1."""
    return f"""define i64 @enter(ptr %list, ptr %buffers, ptr %places) nounwind {{
entry:
  store ptr %buffers, ptr @buffers, align 8
  %slot = getelementptr i8, ptr %list, i64 {_ITEMS}
  %items = load ptr, ptr %slot, align 8
  %n = load i64, ptr %places, align 8
  br label %head
head:
  %i = phi i64 [0, %entry], [%i1, %good]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %i1 = add i64 %i, 1
  %ip = getelementptr ptr, ptr %items, i64 %i
  %array = load ptr, ptr %ip, align 8
  %fp = getelementptr i8, ptr %array, i64 {_FLAGS}
  %flags = load i32, ptr %fp, align 4
  %wanted = and i32 %flags, {_ROW_MAJOR_ALIGNED}
  %ok = icmp eq i32 %wanted, {_ROW_MAJOR_ALIGNED}
  br i1 %ok, label %good, label %bad
good:
  %dp = getelementptr i8, ptr %array, i64 {_DATA}
  %data = load ptr, ptr %dp, align 8
  %pp = getelementptr i64, ptr %places, i64 %i1
  %place = load i64, ptr %pp, align 8
  %tp = getelementptr i8, ptr %buffers, i64 %place
  store ptr %data, ptr %tp, align 8
  br label %head
bad:
  ret i64 %i
done:
  ret i64 -1
}}"""


def abi_is_known() -> bool:
    """Whether lists and arrays of this interpreter lie in memory as `enter` expects."""
    probe = np.arange(6.0).reshape(2, 3)
    items = [probe]
    word = ctypes.c_void_p.from_address
    if word(word(id(items) + _ITEMS).value or 0).value != id(probe):
        return False
    if word(id(probe) + _DATA).value != probe.ctypes.data:
        return False
    flags = ctypes.c_int32.from_address(id(probe) + _FLAGS).value & _ROW_MAJOR_ALIGNED
    turned = ctypes.c_int32.from_address(id(probe.T) + _FLAGS).value & _ROW_MAJOR_ALIGNED
    return flags == _ROW_MAJOR_ALIGNED and turned != _ROW_MAJOR_ALIGNED


__all__ = ["Compiled", "Operand", "abi_is_known", "plan", "program_text", "split"]
