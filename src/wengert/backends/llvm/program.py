"""A program as one piece of machine code: the executable of the compiled tier.

The code is a function for each nest and one for each *segment*, a run of steps between calls of NumPy definitions. It
finds its data through a table of pointers, one for each buffer. Inputs and fresh outputs are entered into the table by
the code itself, which reads the data pointers out of the NumPy arrays of a list (their place in the array object is
fixed by NumPy's ABI and checked once at import). Intermediate buffers share one block of memory, planned by when each
is alive; a run allocates nothing but its outputs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Optional

import numpy as np

from wengert.backends.executable import completed
from wengert.backends.interpreter import Interpreter
from wengert.backends.llvm import jit, pool, product
from wengert.backends.llvm.code import PROGRESS, STATE, program_text as steps_text, split
from wengert.errors import unreachable
from wengert.graph.graph import Graph
from wengert.graph.node import ArrayType
from wengert.loops import indices
from wengert.loops.arena import ALIGNMENT, donations, made_by_call, plan, writes
from wengert.loops.nest import Call, Output, Program, ProgramStep, parts_of

# Elements in a program's buffers from which it is worth being started beside the caller: handing it over costs a few
# microseconds.
WORTH_STARTING = 1 << 14


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
        # None where the program ends with a call of NumPy.
        self._last = self._functions[-1] if self._functions else None
        self._enter = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
            self.code.address("enter")
        )
        self._lay_out()

    def _lay_out(self) -> None:
        """Memory for what does not change from run to run: constants, intermediates, the table of pointers."""
        p = self.program
        self._table = np.zeros(len(p.buffers) + 1, np.uint64)
        self._buffers = self._table.ctypes.data + 8
        self._in_use: object = None  # scratch memory that is held
        self._state = np.zeros(STATE, np.uint8)  # a byte that says whether a step failed, and the count of steps done
        self._progress = self._state[PROGRESS:].view(np.int64)
        self._table[0] = self._state.ctypes.data
        self._progress_at = self._progress.ctypes.data
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
        kept = [b for output in p.outputs for b, _ in parts_of(output)]
        fresh = dict.fromkeys(b for b in kept if b >= first and not made_by_call(p, b))
        pairs = donations(p)
        self.donations = tuple(pairs.values())
        self._fresh = [(b, p.buffers[b].shape, p.buffers[b].dtype.numpy, pairs.get(b, -1)) for b in fresh]  # type: ignore[union-attr]
        # Where `enter` puts the data pointers of the list's arrays. Inputs that are no arrays are for Calls only.
        self._arrays = [i for i in range(p.inputs) if isinstance(p.buffers[i], ArrayType)]
        places = [*self._arrays, *fresh]
        self._places = entries(places)
        self._places_at = self._places.ctypes.data
        # The outputs' buffers, when each is memory that this run makes, in the shape that is wanted.
        plain: Any = [output for output in p.outputs if not isinstance(output[0], tuple) and output[0] in fresh]
        plain = [b for b, shape in plain if p.buffers[b].shape == shape]
        self._plain = plain if len(plain) == len(p.outputs) else None

    def run(self, values: Sequence[Any], free: frozenset[int] = frozenset()) -> list[Any]:
        """The outputs for these input arrays; those in `free` may be written over.

        Raises: IndexError and other errors that only the values decide, as the interpreter words them.
        """
        made = self._enter_arrays(values, free)
        if made is None:
            # A view with gaps, another order or odd addresses, or no plain array: the code wants it row by row.
            rows = list(values)
            for i in self._arrays:
                rows[i] = np.require(np.asarray(values[i]), requirements=("C_CONTIGUOUS", "ALIGNED"))
            return self.run(rows, frozenset([i for i in free if rows[i] is values[i]]))
        for function, segment in zip(self._functions, self.segments):
            if function is not None:
                scratch = product.scratch()
                try:
                    function(self._buffers, scratch)
                finally:  # also where Ctrl-C was pressed meanwhile: the code is done, and may have written over inputs
                    if function is self._last and not self._state[0]:
                        completed.append(made)
                if self._state[0]:
                    self._state[0] = 0
                    self._raise(values)
                    unreachable("the compiled program found an index out of bounds and the interpreter did not")
            else:
                try:
                    self._call(segment[0], values, made)
                except Exception:
                    self._raise(values)
                    raise
        return self.outputs(values, made)

    def outputs(self, values: Sequence[Any], made: dict[int, Any]) -> list[Any]:
        """The outputs of a run on these inputs, from what it made."""
        if self._plain is not None:
            return [made[buffer] for buffer in self._plain]
        return [self._output(output, values, made) for output in self.program.outputs]

    def _enter_arrays(self, values: Sequence[Any], free: frozenset[int]) -> Optional[dict[int, Any]]:
        """Arrays for what this run makes, by buffer, entered into the table with the inputs; None where an input is not
        row-major."""
        made = {
            b: values[given] if given in free else np.empty(shape, dtype) for b, shape, dtype, given in self._fresh
        }
        arrays = [*values, *made.values()] if len(self._arrays) == len(values) else [
            *[values[i] for i in self._arrays], *made.values()
        ]  # fmt: skip
        return None if self._enter(id(arrays), self._buffers, self._places_at) >= 0 else made

    def is_safe(self, values: Sequence[Any]) -> Optional[bool]:
        """Whether nothing in the program can go wrong with these values, so that it could be started beside the caller; None
        where one that decides it is not there yet."""
        needed = self.needed
        if needed is None or self._plain is None:
            return False
        for at, bound in needed.items():
            if values[at].__class__ is not np.ndarray:
                return None
            if not lies_below(values[at], bound):
                return False
        return True

    def prepare(
        self, values: Sequence[Any], free: frozenset[int] = frozenset(), safe: Optional[bool] = None
    ) -> Optional[list[Any]]:
        """What `start` would run on these arrays, as `run`: the outputs, which are there after `finish`. None where that is
        not possible: something in the program could go wrong, or it is too small, or nobody could run it. safe: what `is_safe`
        said, if it was asked.

        Until `finish` nobody may write to these arrays, and no other program may run.
        """
        if safe is None:
            safe = self.is_safe(values)
        if not safe or self._plain is None or not pool.has_helpers():
            return None
        made = self._enter_arrays(values, free)
        return None if made is None else [made[buffer] for buffer in self._plain]

    def start(self) -> bool:
        """Begin what was prepared in a worker, beside the caller; False, and nothing done, where there is none."""
        self.hold_scratch()
        return pool.start(self._address, self._buffers, product.scratch())

    def hold_scratch(self) -> None:
        """Keep this thread's scratch memory until `finish`: the thread may end before what it began."""
        self._in_use = product.scratch_room()

    @property
    def is_plain(self) -> bool:
        """Whether every output has a buffer of its own, in its shape."""
        return self._plain is not None

    def arrive(self, output: int) -> None:
        """Wait until an output of what was started is there; other steps may go on."""
        pool.wait(self._progress_at, self._arrivals[output])

    @cached_property
    def _arrivals(self) -> list[int]:
        """For each output how many steps are done when it is there."""
        last = {buffer: number + 1 for number, step in enumerate(self.program.steps) for buffer in writes(step)}
        return [last[buffer] for buffer in self._plain or ()]

    def finish(self) -> bool:
        """Wait for what was started: whether it ran. May be called again."""
        pool.join()
        self._in_use = None
        if self._state[0]:
            unreachable("an index was found out of bounds that had been within")
        return self._progress.item() == len(self.program.steps)

    @cached_property
    def needed(self) -> Optional[dict[int, int]]:
        """What must hold of inputs for the program to be started beside the caller; None where it should not be."""
        elements = sum([type.size for type in self.program.buffers if isinstance(type, ArrayType)])
        if len(self.segments) != 1 or self._functions[0] is None or elements < WORTH_STARTING:
            return None
        return indices.needed(self.program)

    @cached_property
    def _address(self) -> int:
        return self.code.address("segment0")

    def _raise(self, values: Sequence[Any]) -> None:
        """Raise what is wrong with these values, as the interpreter words it, with the user's line. Of several errors it
        is the first in the order of recording. No input has been written over yet."""
        Interpreter(self.graph).run(values)

    def _output(self, output: Output, values: Sequence[Any], made: dict[int, Any]) -> Any:
        if isinstance(output[0], tuple):
            return tuple([self._output(part, values, made) for part in output])
        p = self.program
        buffer, shape = output
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


def lies_below(array: Any, bound: int) -> bool:
    """Whether whole numbers are all in [0, bound). One pass: a negative number reads as a huge one."""
    return array.size == 0 or bool(array.view(f"u{array.itemsize}").max() < bound)


def _owned(result: Any) -> Any:
    """What a NumPy definition gave, as a row-major array of its own: the memory of a view of an argument may be written
    over."""
    result = np.asarray(result)
    return result if result.flags.c_contiguous and result.base is None else result.copy()


def program_text(program: Program) -> str:
    """The LLVM IR of a program."""
    return "\n".join([enter_text(), steps_text(program)])


# --- reading pointers out of NumPy arrays -----------------------------------------------------------------------------

# struct PyObject: the type; PyListObject: the pointer to its items; PyArrayObject: data and flags (the public C ABI of Python
# and NumPy, 64 bits).
_TYPE, _ITEMS, _DATA, _FLAGS = 8, 24, 16, 64
_ROW_MAJOR_ALIGNED = 0x0001 | 0x0100


def enter_text() -> str:
    """i64 enter(list, buffers, places): begin anew, with the data pointers of a list of arrays in the table; gives what
    `arrays` gives (`arrays_text`)."""
    return f"""@buffers = internal global ptr null, align 8
define i64 @enter(ptr %list, ptr %buffers, ptr %places) nounwind {{
  store ptr %buffers, ptr @buffers, align 8
  call void @begin_anew(ptr %buffers)
  %found = call i64 @arrays(ptr %list, ptr %buffers, ptr %places)
  ret i64 %found
}}
{begin_text()}
{arrays_text()}"""


def begin_text() -> str:
    """void begin_anew(buffers): no step of the program is done."""
    return f"""
define internal void @begin_anew(ptr %buffers) nounwind {{
  %statep = getelementptr ptr, ptr %buffers, i64 -1
  %state = load ptr, ptr %statep, align 8
  %progress = getelementptr i8, ptr %state, i64 {PROGRESS}
  store i64 0, ptr %progress, align 8
  ret void
}}"""


def entries(buffers: Sequence[int]) -> Any:
    """`places` for `arrays`: how many, the type of an array, and where in the table each buffer's pointer goes."""
    return np.array([len(buffers), id(np.ndarray), *[buffer * 8 for buffer in buffers]], np.int64)


def arrays_text() -> str:
    """i64 arrays(list, buffers, places): enter the data pointers of a list of arrays into the table; gives the number of
    the first that is no plain array, or not row-major and aligned, or -1."""
    return f"""
define internal i64 @arrays(ptr %list, ptr %buffers, ptr %places) nounwind {{
entry:
  %slot = getelementptr i8, ptr %list, i64 {_ITEMS}
  %items = load ptr, ptr %slot, align 8
  %n = load i64, ptr %places, align 8
  %kp = getelementptr i64, ptr %places, i64 1
  %kind = load ptr, ptr %kp, align 8
  br label %head
head:
  %i = phi i64 [0, %entry], [%i1, %good]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %i1 = add i64 %i, 1
  %ip = getelementptr ptr, ptr %items, i64 %i
  %array = load ptr, ptr %ip, align 8
  %op = getelementptr i8, ptr %array, i64 {_TYPE}
  %own = load ptr, ptr %op, align 8
  %plain = icmp eq ptr %own, %kind
  br i1 %plain, label %flagged, label %bad
flagged:
  %fp = getelementptr i8, ptr %array, i64 {_FLAGS}
  %flags = load i32, ptr %fp, align 4
  %wanted = and i32 %flags, {_ROW_MAJOR_ALIGNED}
  %ok = icmp eq i32 %wanted, {_ROW_MAJOR_ALIGNED}
  br i1 %ok, label %good, label %bad
good:
  %dp = getelementptr i8, ptr %array, i64 {_DATA}
  %data = load ptr, ptr %dp, align 8
  %i2 = add i64 %i, 2
  %pp = getelementptr i64, ptr %places, i64 %i2
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
    """Whether lists and arrays of this interpreter lie in memory as `arrays` expects."""
    probe = np.arange(6.0).reshape(2, 3)
    items = [probe]
    word = ctypes.c_void_p.from_address
    if word(word(id(items) + _ITEMS).value or 0).value != id(probe):
        return False
    if word(id(probe) + _TYPE).value != id(np.ndarray):
        return False
    if word(id(probe) + _DATA).value != probe.ctypes.data:
        return False
    flags = ctypes.c_int32.from_address(id(probe) + _FLAGS).value & _ROW_MAJOR_ALIGNED
    turned = ctypes.c_int32.from_address(id(probe.T) + _FLAGS).value & _ROW_MAJOR_ALIGNED
    return flags == _ROW_MAJOR_ALIGNED and turned != _ROW_MAJOR_ALIGNED
