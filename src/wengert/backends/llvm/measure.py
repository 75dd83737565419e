"""How long each step of a program takes, by itself, and what the machine could do at best."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from wengert.backends.llvm import jit, product
from wengert.backends.llvm.code import steps_apart
from wengert.backends.llvm.program import enter_text, entries
from wengert.graph.node import ArrayType
from wengert.loops.nest import Call, Program

# Seconds that a step is measured for.
_LONG = 0.01


def seconds_of_steps(program: Program, values: Sequence[Any]) -> list[float]:
    """The least time that each step took, run again and again on memory of its own, which begins as `values`; without the
    time that calling it takes."""
    code = jit.Loaded(jit.compile_object("\n".join([enter_text(), steps_apart(program)])))
    memory = _memory(program, values)
    table = np.zeros(len(program.buffers) + 1, np.uint64)
    failures = np.zeros(1, np.uint8)
    table[0] = failures.ctypes.data
    for buffer, array in enumerate(memory):
        if isinstance(array, np.ndarray):
            table[buffer + 1] = array.ctypes.data
    buffers = table.ctypes.data + 8
    no_arrays: list[Any] = []
    no_places = entries(())
    enter = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 3)(code.address("enter"))
    enter(id(no_arrays), buffers, no_places.ctypes.data)
    found = []
    empty = _least(_caller(code, len(program.steps), buffers))
    for number, step in enumerate(program.steps):
        if isinstance(step, Call):
            found.append(_least(lambda step=step: _evaluate(step, memory)))  # type: ignore[misc]
            memory[step.result] = _evaluate(step, memory)
            if isinstance(memory[step.result], np.ndarray):
                memory[step.result] = np.ascontiguousarray(memory[step.result])
                table[step.result + 1] = memory[step.result].ctypes.data
        else:
            found.append(max(_least(_caller(code, number, buffers)) - empty, 0.0))
    return found


def _caller(code: jit.Loaded, number: int, buffers: int) -> Callable[[], object]:
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(code.address(f"segment{number}"))
    return lambda: run(buffers, product.scratch())


def _memory(program: Program, values: Sequence[Any]) -> list[Any]:
    given = [np.array(value, order="C") if isinstance(value, np.ndarray) else value for value in values]
    given += [np.ascontiguousarray(value) for value in program.constants]
    for type in program.buffers[len(given) :]:
        given.append(np.zeros(type.shape, type.dtype.numpy) if isinstance(type, ArrayType) else None)
    return given


def _evaluate(step: Call, memory: Sequence[Any]) -> Any:
    arguments = [
        memory[buffer].reshape(shape) if isinstance(memory[buffer], np.ndarray) else memory[buffer]
        for buffer, shape in zip(step.args, step.shapes)
    ]
    with np.errstate(all="ignore"):
        return step.primitive.evaluate(*arguments, **dict(zip(step.primitive.params, step.params)))


def _least(run: Callable[[], object]) -> float:
    run()
    best, spent = float("inf"), 0.0
    while spent < _LONG:
        start = time.perf_counter()
        run()
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return best


@lru_cache(maxsize=1)
def machine() -> tuple[float, float]:
    """The best rates seen here: FLOPs a second of a matrix product, bytes a second (read and written) of a copy."""
    a = np.ones((768, 768), np.float32)
    source, target = np.ones(1 << 22, np.float32), np.zeros(1 << 22, np.float32)
    return 2 * 768**3 / _least(lambda: a @ a), 2 * source.nbytes / _least(lambda: np.copyto(target, source))
