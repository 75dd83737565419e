"""What the steps of a program read and write, and where what they make lies: one block of memory, planned by when each
buffer is alive, and inputs whose memory an output can take over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Optional

from wengert.graph.node import ArrayType
from wengert.loops.nest import (
    Add,
    Apply,
    Call,
    Contract,
    Fold,
    Load,
    Lookup,
    Nest,
    Program,
    ProgramStep,
    Repeat,
    Store,
    Value,
)

ALIGNMENT = 64


def made_by_call(program: Program, buffer: int) -> bool:
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


def reads(step: ProgramStep) -> set[int]:
    """The buffers that a step reads."""
    if isinstance(step, Repeat):
        inside = set().union(*[reads(one) for one in step.steps])
        places = {w.source for w in step.windows if w.buffer in inside} | {c.initial for c in step.carries}
        return (inside - _without_memory(step)) | places
    if isinstance(step, Call):
        return set(step.args)
    return {v.buffer for v in _values(step) if isinstance(v, (Load, Lookup))} | _added_to(step)


def writes(step: ProgramStep) -> set[int]:
    """The buffers that a step writes."""
    if isinstance(step, Repeat):
        inside = set().union(*[writes(one) for one in step.steps])
        places = {w.source for w in step.windows if w.buffer in inside}
        places |= {buffer for c in step.carries for buffer in (c.final, c.spare)}
        return (inside - _without_memory(step)) | places
    return {step.result} if isinstance(step, Call) else {a.buffer for a in stores(step)} | _added_to(step)


def _added_to(step: Nest | Contract) -> set[int]:
    return {a.buffer for a in step.actions if isinstance(a, Add)} if isinstance(step, Nest) else set()


def _without_memory(step: Repeat) -> set[int]:
    return {w.buffer for w in step.windows} | {buffer for c in step.carries for buffer in (c.before, c.after)}


def stores(step: Nest | Contract) -> list[Store]:
    """The stores of a step, in order."""
    return [a for a in (step.actions if isinstance(step, Nest) else step.stores) if isinstance(a, Store)]


def _values(step: Nest | Contract) -> list[Value]:
    return list(step.values) if isinstance(step, Nest) else [*step.a, *step.b, *step.values]


def plan(program: Program) -> tuple[dict[int, int], int]:
    """Offsets of the intermediate buffers in one block of memory, and its size: the largest buffers first, each in the first
    gap between those that are alive at the same time. For the programs of `benchmarks/steps.py` that is no more than what
    is alive at once; in order of birth it was up to a third more.

    Source: Y. Pisarchyk and J. Lee, Efficient memory management for deep neural net inference, 2020, arXiv:2001.03288
    (greedy by size).
    """
    first = program.inputs + len(program.constants)
    outputs = program.kept
    spans = _spans_within(program.steps)
    needed: dict[int, int] = {}
    for buffer in spans:
        type = program.buffers[buffer]
        if buffer >= first and buffer not in outputs and not made_by_call(program, buffer) and isinstance(type, ArrayType):
            needed[buffer] = -(-type.size * type.dtype.itemsize // ALIGNMENT) * ALIGNMENT
    offsets: dict[int, int] = {}
    for buffer in sorted(needed, key=lambda b: (-needed[b], spans[b][0])):
        birth, death = spans[buffer]
        beside = [b for b in offsets if spans[b][0] <= death and birth <= spans[b][1]]
        offset = 0
        for start, end in sorted([(offsets[b], offsets[b] + needed[b]) for b in beside]):
            if start - offset >= needed[buffer]:
                break
            offset = max(offset, end)
        offsets[buffer] = offset
    return offsets, max([offsets[b] + needed[b] for b in offsets], default=0)


def lives(steps: Sequence[ProgramStep]) -> dict[int, tuple[int, int]]:
    """The first and the last step, by number, that a buffer is in."""
    found: dict[int, tuple[int, int]] = {}
    for number, step in enumerate(steps):
        for buffer in reads(step) | writes(step):
            found[buffer] = found.get(buffer, (number, number))[0], number
    return found


def _spans_within(steps: Sequence[ProgramStep]) -> dict[int, tuple[int, int]]:
    """The same in a finer time, in which the steps of a loop come one after another. What only one loop is in, and what
    each turn writes before it reads it, lives within a turn."""
    whole, found, now = lives(steps), {}, 0
    begin = []
    for number, step in enumerate(steps):
        begin.append(now)
        if isinstance(step, Repeat):
            elsewhere = _without_memory(step) | {w.source for w in step.windows}
            elsewhere |= {b for c in step.carries for b in (c.initial, c.final, c.spare)}
            for buffer, (first, last) in lives(step.steps).items():
                if buffer not in elsewhere and whole[buffer] == (number, number) and buffer not in reads(step.steps[first]):
                    found[buffer] = now + first, now + last
            now += len(step.steps)
        now += 1
    begin.append(now)
    for buffer, (first, last) in whole.items():
        found.setdefault(buffer, (begin[first], begin[last + 1] - 1))
    return found


def latest_first(program: Program) -> Program:
    """The same program with the stores at the end of each step in falling order of their values. What is computed from
    other results then comes before them (x - rate * m before m), and each can be written over what it was made from."""
    return program._replace(steps=tuple([_latest_first(step) for step in program.steps]))


def _latest_first(step: ProgramStep) -> ProgramStep:
    if isinstance(step, (Call, Repeat)):
        return step
    if isinstance(step, Contract):
        return step._replace(stores=tuple(sorted(step.stores, key=lambda store: -store.value)))
    last_fold = max([n for n, action in enumerate(step.actions) if isinstance(action, Fold)], default=-1)
    end = sorted(step.actions[last_fold + 1 :], key=lambda action: -action.value)
    return step._replace(actions=(*step.actions[: last_fold + 1], *end))


def donations(program: Program, wanted: Optional[dict[int, int]] = None) -> dict[int, int]:
    """Output buffer -> input buffer whose memory it can take: the only step that writes the output is the last to read
    the input, and reads it only where it writes. No later step can fail on the values, so a failed run has written over
    nothing. With `wanted`, only these pairs are looked at."""
    last_read: dict[int, int] = {}
    may_fail = -1
    writers: Counter[int] = Counter()
    for number, step in enumerate(program.steps):
        for buffer in reads(step):
            last_read[buffer] = number
        writers.update(writes(step))
        if isinstance(step, Call) or checks_bounds(step):
            may_fail = number
    outputs = program.kept
    found: dict[int, int] = {}
    for number, step in enumerate(program.steps):
        if number <= may_fail or isinstance(step, (Call, Repeat)):
            continue
        for output in [b for b in writes(step) & outputs if writers[b] == 1]:
            for source in sorted(reads(step)):
                if (
                    (source < program.inputs if wanted is None else wanted.get(output) == source)
                    and source not in outputs
                    and source not in found.values()
                    and last_read[source] == number
                    and program.buffers[source] is program.buffers[output]
                    and _reads_where_it_writes(step, source, output)
                ):
                    found[output] = source
                    break
    return found


def checks_bounds(step: ProgramStep) -> bool:
    """Whether a step fails on an index out of bounds."""
    if isinstance(step, Repeat):
        return any(map(checks_bounds, step.steps))
    return not isinstance(step, Call) and any(isinstance(v, Apply) and v.op == "bounded" for v in _values(step))


def _reads_where_it_writes(step: Nest | Contract, source: int, output: int) -> bool:
    """Whether a step reads an input only at the point where it writes the output, and not after."""
    if isinstance(step, Contract):
        if any(isinstance(v, (Load, Lookup)) and v.buffer == source for v in (*step.a, *step.b)):
            return False
        step = Nest((*step.batch, *step.rows, *step.columns), (), step.values, step.stores)
    written = {(a.strides, a.offset) for a in stores(step) if a.buffer == output}
    loads = {(v.strides, v.offset) for v in step.values if isinstance(v, Load) and v.buffer == source}
    looked_up = any(isinstance(v, Lookup) and v.buffer == source for v in step.values)
    # With folds, a later phase may read again what an earlier store wrote over.
    folds = any(isinstance(a, Fold) for a in step.actions)
    inner = any(any(strides[len(step.outer) :]) for strides, _ in written)
    together = written == loads and len(written) == 1 and not looked_up and not (folds and inner)
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
