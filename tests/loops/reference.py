"""A program run the slow way, straight from the grammar in loops/nest.py: every value as an array over the nest's space."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.graph.rule import primitives
from wengert.loops.nest import Apply, Axis, Call, Contract, Fold, Folded, Load, Lookup, Nest, Number, Program, Store

FOLDS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum, "and": np.logical_and, "or": np.logical_or}


def run_program(program: Program, inputs: list[Any]) -> list[Any]:
    """The outputs of a program."""
    memory: list[Any] = [None] * len(program.buffers)
    for i, value in enumerate([*inputs, *program.constants]):
        memory[i] = np.ascontiguousarray(value).reshape(-1)
    for step in program.steps:
        if isinstance(step, Nest):
            run_nest(step, memory, program)
        elif isinstance(step, Contract):
            run_contract(step, memory, program)
        else:
            run_call(step, memory)
    return [memory[b].reshape(shape) for b, shape in program.outputs]


def run_nest(nest: Nest, memory: list[Any], program: Program) -> None:
    extents = nest.extents
    index = np.indices(extents) if extents else np.zeros((0,), int)

    def address(strides: tuple[int, ...], offset: int) -> Any:
        return offset + sum((s * i for s, i in zip(strides, index)), np.zeros(extents, int))

    folded: dict[int, Any] = {}
    inner = tuple(range(len(nest.outer), len(extents)))

    def value(number: int) -> Any:
        v = nest.values[number]
        if isinstance(v, Load):
            at = address(v.strides, v.offset)
            assert at.size == 0 or (at.min() >= 0 and at.max() < memory[v.buffer].size), "a load outside its buffer"
            return memory[v.buffer][at]
        if isinstance(v, Lookup):
            at = address(v.strides, v.offset) + v.stride * value(v.index)
            assert at.size == 0 or (at.min() >= 0 and at.max() < memory[v.buffer].size), "a look-up outside its buffer"
            return memory[v.buffer][at]
        if isinstance(v, Axis):
            return index[v.axis]
        if isinstance(v, Number):
            return np.full(extents, v.value, v.dtype.numpy)
        if isinstance(v, Folded):
            return np.broadcast_to(np.expand_dims(folded[v.action], inner), extents)
        assert isinstance(v, Apply)
        args = [value(i) for i in v.args]
        if v.op == "bounded":
            if np.any((args[0] < 0) | (args[0] >= args[1])):
                raise IndexError("an index is out of bounds")
            return args[0]
        if v.op == "convert":
            return args[0].astype(v.dtype.numpy)
        return np.asarray(primitives.table[v.op].evaluate(*args)).astype(v.dtype.numpy)

    with np.errstate(all="ignore"):
        for number, action in enumerate(nest.actions):
            if isinstance(action, Fold):
                folded[number] = FOLDS[action.op].reduce(value(action.value), axis=inner)
            else:
                assert isinstance(action, Store)
                if memory[action.buffer] is None:
                    type = program.buffers[action.buffer]
                    memory[action.buffer] = np.empty(type.size, type.dtype.numpy)
                at = address(action.strides, action.offset)
                assert at.size == 0 or (at.min() >= 0 and at.max() < memory[action.buffer].size), "a store outside"
                memory[action.buffer][at.reshape(-1)] = np.asarray(value(action.value)).reshape(-1)


def run_contract(step: Contract, memory: list[Any], program: Program) -> None:
    def matrix(operand: Any, rows: int, columns: int) -> Any:
        space = (*step.batch, rows, columns)
        index = np.indices(space)
        strides = (*operand.batch, operand.row, operand.column)
        return memory[operand.buffer][operand.offset + sum(s * i for s, i in zip(strides, index))]

    c = matrix(step.a, step.m, step.k) @ matrix(step.b, step.k, step.n)
    if step.scale is not None:
        c = c * memory[step.scale][0]
    if step.add_to is not None:
        c = c + memory[step.add_to].reshape(c.shape)
    memory[step.c] = c.reshape(-1)


def run_call(step: Call, memory: list[Any]) -> None:
    args = [
        memory[b] if isinstance(memory[b], tuple) else memory[b].reshape(shape) for b, shape in zip(step.args, step.shapes)
    ]
    with np.errstate(all="ignore"):
        result = step.primitive.evaluate(*args, **dict(zip(step.primitive.params, step.params)))
    memory[step.result] = result if isinstance(result, tuple) else np.ascontiguousarray(result).reshape(-1)
