"""A program run the slow way, straight from the grammar in loops/nest.py: every value as an array over the nest's space."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.dtypes import float32
from wengert.graph.rule import primitives
from wengert.loops.nest import (
    Add,
    Apply,
    Axis,
    Call,
    Contract,
    Fold,
    Folded,
    Load,
    Lookup,
    Nest,
    Number,
    Product,
    Program,
    Repeat,
    Store,
)
from wengert.primitives.numerics import is_half
from wengert.primitives.random import uniforms

FOLDS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum, "and": np.logical_and, "or": np.logical_or}


def identity(op: str, dtype: Any) -> Any:
    """What a fold starts from."""
    if op in ("max", "min"):
        low, high = (-np.inf, np.inf) if dtype.kind == "f" else (False, True) if dtype.kind == "b" else (
            np.iinfo(dtype).min, np.iinfo(dtype).max
        )  # fmt: skip
        return low if op == "max" else high
    return {"add": 0, "or": 0, "mul": 1, "and": 1}[op]


def fold(op: str, value: Any, inner: tuple[int, ...]) -> Any:
    """All inner elements together, in the dtype that they have; 16-bit floats in float32, rounded once."""
    if is_half(value):
        return fold(op, value.astype(np.float32), inner).astype(value.dtype)
    start = value.dtype.type(identity(op, value.dtype))
    dtype = {"dtype": value.dtype} if op in ("add", "mul") else {}
    return np.asarray(FOLDS[op].reduce(value, axis=inner, initial=start, **dtype))


def run_program(program: Program, inputs: list[Any]) -> list[Any]:
    """The outputs of a program."""
    memory: list[Any] = [None] * len(program.buffers)
    for i, value in enumerate([*inputs, *program.constants]):
        memory[i] = np.ascontiguousarray(value).reshape(-1)
    run_steps(program.steps, memory, program)
    return [whole(output, memory) for output in program.outputs]


def whole(output: Any, memory: list[Any]) -> Any:
    """What the caller sees."""
    if isinstance(output[0], tuple):
        return tuple(whole(part, memory) for part in output)
    buffer, shape = output
    return memory[buffer].reshape(shape)


def run_steps(steps: Any, memory: list[Any], program: Program) -> None:
    for step in steps:
        if isinstance(step, Nest):
            run_nest(step, memory, program)
        elif isinstance(step, Contract):
            run_contract(step, memory, program)
        elif isinstance(step, Repeat):
            run_repeat(step, memory, program)
        else:
            run_call(step, memory)


def run_repeat(step: Repeat, memory: list[Any], program: Program) -> None:
    """Windows are views of their source; a carried value is read where the turn before wrote it."""

    def room(buffer: int) -> Any:
        if memory[buffer] is None:
            type = program.buffers[buffer]
            memory[buffer] = np.empty(type.size, type.dtype.numpy)
        return memory[buffer]

    count = int(np.prod(step.extents))
    for turn, index in enumerate(np.ndindex(*step.extents)):
        for window in step.windows:
            start = window.offset + sum(i * s for i, s in zip(index, window.strides))
            memory[window.buffer] = room(window.source)[start : start + program.buffers[window.buffer].size]
            assert start >= 0 and memory[window.buffer].size == program.buffers[window.buffer].size, "a window outside"
        for carry in step.carries:
            here, there = (carry.final, carry.spare) if (count - turn) % 2 else (carry.spare, carry.final)
            memory[carry.before] = memory[carry.initial] if turn == 0 else room(there)
            memory[carry.after] = room(here)
        run_steps(step.steps, memory, program)


def run_nest(nest: Nest, memory: list[Any], program: Program) -> None:
    inner = tuple(range(len(nest.outer), len(nest.extents)))
    everywhere = _Space(nest, memory, nest.extents)
    # The inner axes at one point: for what is stored once for each outer point, also where there is no inner one.
    outside = _Space(nest, memory, nest.outer + (1,) * len(inner))
    with np.errstate(all="ignore"):
        for number, action in enumerate(nest.actions):
            if isinstance(action, Fold):
                found = fold(action.op, everywhere.value(action.value), inner)
                for space in (everywhere, outside):
                    space.folded[number] = np.expand_dims(found, inner)
                continue
            if isinstance(action, Add):
                add(action, everywhere, memory)
                continue
            changes = any(action.strides[len(nest.outer) :]) or depends_on(nest, action.value, inner)
            store(action, everywhere if changes else outside, memory, program)


def depends_on(nest: Nest, number: int, axes: tuple[int, ...]) -> bool:
    """Whether a value changes along any of these axes."""
    v = nest.values[number]
    if isinstance(v, Axis):
        return v.axis in axes
    if isinstance(v, (Load, Lookup)) and any(v.strides[k] for k in axes):
        return True
    args = v.args if isinstance(v, Apply) else (v.index,) if isinstance(v, Lookup) else ()
    return any(depends_on(nest, i, axes) for i in args)


def add(action: Add, space: _Space, memory: list[Any]) -> None:
    """In order, so that what is added to one element is added in the order of the points."""
    at = np.asarray(space.address(action.strides, action.offset) + space.value(action.index))
    assert inside(at, memory[action.buffer]), "an addition outside its buffer"
    np.add.at(memory[action.buffer], at.reshape(-1), np.broadcast_to(space.value(action.value), at.shape).reshape(-1))


def store(action: Store, space: _Space, memory: list[Any], program: Program) -> None:
    if memory[action.buffer] is None:
        type = program.buffers[action.buffer]
        memory[action.buffer] = np.empty(type.size, type.dtype.numpy)
    at = space.address(action.strides, action.offset)
    assert inside(at, memory[action.buffer]), "a store outside its buffer"
    assert len(np.unique(at)) == at.size, "two stores to one element"
    stored = np.asarray(space.value(action.value))
    assert stored.dtype == memory[action.buffer].dtype, f"{stored.dtype} into {memory[action.buffer].dtype}"
    memory[action.buffer][at.reshape(-1)] = stored.reshape(-1)


def inside(at: Any, buffer: Any) -> bool:
    return at.size == 0 or (at.min() >= 0 and at.max() < buffer.size)


class _Space:
    """The values of a nest as arrays over some extents of its axes. `folded`: what its folds gave, by action."""

    def __init__(self, nest: Nest, memory: list[Any], extents: tuple[int, ...]) -> None:
        self.nest = nest
        self.memory = memory
        self.extents = extents
        self.index = np.indices(extents) if extents else np.zeros((0,), int)
        self.folded: dict[int, Any] = {}
        self.product: Any = None  # of a contraction
        self.known: dict[int, Any] = {}

    def address(self, strides: tuple[int, ...], offset: int) -> Any:
        return offset + sum((s * i for s, i in zip(strides, self.index)), np.zeros(self.extents, int))

    def value(self, number: int) -> Any:
        if number not in self.known:
            self.known[number] = self._compute(self.nest.values[number])
        return self.known[number]

    def _compute(self, v: Any) -> Any:
        if isinstance(v, (Load, Lookup)):
            at = self.address(v.strides, v.offset)
            if isinstance(v, Lookup):
                at = at + v.stride * self.value(v.index)
            buffer = self.memory[v.buffer]
            assert inside(at, buffer), "a load outside its buffer"
            assert buffer.dtype == v.dtype.numpy
            return buffer[at]
        if isinstance(v, Axis):
            return self.index[v.axis]
        if isinstance(v, Number):
            return np.full(self.extents, v.value, v.dtype.numpy)
        if isinstance(v, Product):
            return self.product
        if isinstance(v, Folded):
            return np.broadcast_to(self.folded[v.action], self.extents)
        assert isinstance(v, Apply)
        args = [self.value(i) for i in v.args]
        if v.op == "bounded":
            if np.any((args[0] < 0) | (args[0] >= args[1])):
                raise IndexError("an index is out of bounds")
            return args[0]
        if v.op == "uniform":
            key, counter, place = args
            if place.size == 0:
                return place.astype(np.float32)
            return uniforms(key.flat[0], counter.flat[0], int(place.max()) + 1, float32)[place]
        if v.op == "convert":
            return args[0].astype(v.dtype.numpy)
        if v.op == "ndtr":  # computes what it is given besides again
            args = args[:1]
        return np.asarray(primitives.table[v.op].evaluate(*args)).astype(v.dtype.numpy)


def run_contract(step: Contract, memory: list[Any], program: Program) -> None:
    a = operand(step.batch, step.rows, step.summed, step.a, memory)
    b = operand(step.batch, step.summed, step.columns, step.b, memory)
    extents = (*step.batch, *step.rows, *step.columns)
    space = _Space(Nest(extents, (), step.values, step.stores), memory, extents)
    space.product = np.asarray(a @ b).reshape(extents)
    assert space.product.dtype == step.dtype.numpy
    with np.errstate(all="ignore"):
        for action in step.stores:
            store(action, space, memory, program)


def operand(batch: Any, rows: Any, columns: Any, values: Any, memory: list[Any]) -> Any:
    """One side of a contraction as matrices."""
    extents = (*batch, *rows, *columns)
    found = _Space(Nest(extents, (), values, ()), memory, extents).value(len(values) - 1)
    return np.broadcast_to(found, extents).reshape(*batch, math.prod(rows), math.prod(columns))


def run_call(step: Call, memory: list[Any]) -> None:
    args = [
        memory[b] if isinstance(memory[b], tuple) else memory[b].reshape(shape) for b, shape in zip(step.args, step.shapes)
    ]
    with np.errstate(all="ignore"):
        result = step.primitive.evaluate(*args, **dict(zip(step.primitive.params, step.params)))
    memory[step.result] = result if isinstance(result, tuple) else np.ascontiguousarray(result).reshape(-1)
