"""A program of nests as text: one block for each step, in the words of `nest.py`.

    nest  exp, sum, div    over (64,) x (10,)
      v0 = b1[10 i0 + i1]
      f0 = max v0
      v1 = f0
      ...
      b4[10 i0 + i1] = v5

Axes are i0, i1, ..., outer ones first; an operand of a product has axes of its own.
"""

from __future__ import annotations

from wengert.loops.nest import (
    Action,
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
    ProgramStep,
    Value,
    parts_of,
)


def show(program: Program) -> str:
    """The whole program: its buffers, its steps, its outputs."""
    first = program.inputs + len(program.constants)
    inputs = ", ".join([f"b{i}: {type}" for i, type in enumerate(program.buffers[: program.inputs])])
    constants = ", ".join([f"b{i}: {type}" for i, type in enumerate(program.buffers[program.inputs : first], program.inputs)])
    made = ", ".join([f"b{i}: {type}" for i, type in enumerate(program.buffers[first:], first)])
    outputs = ", ".join([" ".join([f"b{buffer}" for buffer, _ in parts_of(output)]) for output in program.outputs])
    lines = [f"inputs    {inputs}", f"constants {constants}"] if constants else [f"inputs    {inputs}"]
    return "\n".join([*lines, f"made      {made}", *map(show_step, program.steps), f"outputs   {outputs}"])


def show_step(step: ProgramStep) -> str:
    """One step, over several lines."""
    if isinstance(step, Nest):
        space = " x ".join([str(extents) for extents in (step.outer, step.inner) if extents])
        return "\n".join([f"nest  {step.label}    over {space}", *_body(step.values, step.actions)])
    if isinstance(step, Contract):
        axes = f"batch {step.batch} rows {step.rows} columns {step.columns} summed {step.summed}"
        left, right = [_body(side, (), name) for side, name in ((step.a, "a"), (step.b, "w"))]
        head = f"product  {step.label}    {axes} {step.dtype.name}"
        return "\n".join([head, *left, *right, *_body(step.values, step.stores)])
    if isinstance(step, Call):
        arguments = ", ".join([f"b{buffer}" for buffer in step.args])
        return f"call  b{step.result} = {step.primitive.name}({arguments})"
    lines = [f"repeat  {step.label}    over {step.extents}"]
    lines += [f"  b{w.buffer} = part of b{w.source} at {_place(w.strides, w.offset)}" for w in step.windows]
    lines += [f"  b{c.before} = b{c.initial} at first, then b{c.after}; b{c.final} at last" for c in step.carries]
    return "\n".join([*lines, *["  " + line for one in step.steps for line in show_step(one).splitlines()]])


def _body(values: tuple[Value, ...], actions: tuple[Action, ...], name: str = "v") -> list[str]:
    """Values in order, each action as soon as what it needs is there."""
    lines = []
    waiting = list(enumerate(actions))
    for number, value in enumerate(values):
        while waiting and isinstance(value, Folded) and waiting[0][0] <= value.action:
            lines.append(_action(*waiting.pop(0), name))
        lines.append(f"  {name}{number} = {_value(value, name)}")
    return lines + [_action(number, action, name) for number, action in waiting]


def _action(number: int, action: Action, name: str) -> str:
    if isinstance(action, Fold):
        return f"  f{number} = {action.op} {name}{action.value}"
    if isinstance(action, Add):
        place = f"{_place(action.strides, action.offset)} + {name}{action.index}"
        return f"  b{action.buffer}[{place}] += {name}{action.value}"
    return f"  b{action.buffer}[{_place(action.strides, action.offset)}] = {name}{action.value}"


def _value(value: Value, name: str) -> str:
    if isinstance(value, Load):
        return f"b{value.buffer}[{_place(value.strides, value.offset)}]"
    if isinstance(value, Lookup):
        step = f"{value.stride} " if value.stride != 1 else ""
        return f"b{value.buffer}[{_place(value.strides, value.offset)} + {step}{name}{value.index}]"
    if isinstance(value, Axis):
        return f"i{value.axis}"
    if isinstance(value, Number):
        return f"{value.value}"
    if isinstance(value, Apply):
        return f"{value.op}({', '.join([f'{name}{i}' for i in value.args])})"
    if isinstance(value, Folded):
        return f"f{value.action}"
    assert isinstance(value, Product)
    return "sum of a w"


def _place(strides: tuple[int, ...], offset: int) -> str:
    terms = [f"i{k}" if stride == 1 else f"{stride} i{k}" for k, stride in enumerate(strides) if stride]
    if offset or not terms:
        terms.append(str(offset))
    return " + ".join(terms)
