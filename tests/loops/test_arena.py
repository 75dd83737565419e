"""Where intermediates lie: none over another that is alive, and all of them in as little memory as can be."""

from __future__ import annotations

import numpy as np
import pytest

from wengert.dtypes import float32
from wengert.graph.node import array_type
from wengert.loops.arena import lives, plan
from wengert.loops.nest import Load, Nest, Program, Store

RANDOM = np.random.default_rng(3)


def copies(sizes: list[int], reads: list[tuple[int, ...]]) -> Program:
    """Step n writes sizes[n] elements into a buffer of its own and reads one of each that reads[n] names; 0 is an input,
    the last one the output."""
    buffers = tuple([array_type((size,), float32) for size in (1, *sizes)])
    steps = []
    for number, (size, sources) in enumerate(zip(sizes, reads), 1):
        loads = tuple([Load(source, (0,), 0, float32) for source in sources])
        steps.append(Nest((size,), (), loads, (Store(number, (1,), 0, 0),)))
    last = len(sizes)
    return Program(buffers, 1, (), tuple(steps), ((last, (sizes[-1],)),))


def most_alive(program: Program) -> int:
    spans = lives(program.steps)
    first, last = program.inputs, len(program.buffers) - 1
    size = {b: -(-program.buffers[b].size * 4 // 64) * 64 for b in range(first, last)}
    return max(sum(size[b] for b in size if spans[b][0] <= now <= spans[b][1]) for now in range(len(program.steps)))


@pytest.mark.parametrize("count", [2, 5, 40])
def test_no_two_that_are_alive_overlap(count):
    for _ in range(20):
        sizes = RANDOM.integers(1, 400, count).tolist()
        reads = [tuple(set(RANDOM.integers(0, n + 1, 2).tolist())) for n in range(count)]
        program = copies(sizes, reads)
        offsets, size = plan(program)
        spans = lives(program.steps)
        assert sorted(offsets) == list(range(1, count))
        assert most_alive(program) <= size
        for a in offsets:
            assert offsets[a] % 64 == 0 and offsets[a] + sizes[a - 1] * 4 <= size
            for b in offsets:
                together = spans[a][0] <= spans[b][1] and spans[b][0] <= spans[a][1]
                if a < b and together:
                    assert offsets[a] + sizes[a - 1] * 4 <= offsets[b] or offsets[b] + sizes[b - 1] * 4 <= offsets[a]


def test_small_ones_that_are_born_first_make_no_gaps_for_large_ones():
    """In order of birth 2 would lie behind 1, and 3, which finds no gap, behind 2."""
    program = copies([64, 16, 96, 16], [(0,), (1,), (2,), (3,)])
    assert plan(program)[1] == most_alive(program)


def test_a_program_without_intermediates_needs_none():
    assert plan(copies([8], [(0,)])) == ({}, 0)
