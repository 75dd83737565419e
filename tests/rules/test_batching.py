"""The batching rule is a Python loop over the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tests.rules.harness import BUDGET, Draw, Program, Sample, apply, node_of, parts_of, value_of
from tests.rules.samples import CASES
from wengert.derive.batch import apply_batched
from wengert.graph.record import separate_tape
from wengert.graph.rule import primitives


def row(sample: Sample, position: int, index: int) -> Any:
    """Another input of the same shape: the elements moved on, and made a little smaller if they are free to move."""
    x = sample.inputs[position]
    role = sample.role(position)
    if role == "s":
        return x
    moved = x if sample.ordered else np.roll(x.ravel(), index).reshape(x.shape)
    return moved * (1 - index / 128) if role == "x" and x.dtype.kind in "fc" else moved


@pytest.mark.parametrize("name", sorted(CASES))
def test_batching_is_a_loop(name):
    primitive = primitives.table[name]
    kinds = (False, True) if CASES[name].complex else (False,)

    @BUDGET
    @given(st.data())
    def check(data):
        draw = Draw(data.draw, data.draw(st.sampled_from(kinds)))
        sample = CASES[name].make(draw)
        count = len(sample.inputs)
        if not count:
            return
        size = draw.integer(0 if primitive.batch is not None else 1, 3)
        can = sample.positions("xcis")
        flags = [i in can and draw.flag() for i in range(count)]
        flags[draw.choice(can)] = True
        rows = [
            sample._replace(inputs=tuple(row(sample, i, k) if flags[i] else x for i, x in enumerate(sample.inputs)))
            for k in range(size)
        ]
        stacked = [
            np.array([r.inputs[i] for r in rows], x.dtype).reshape(size, *x.shape) if flags[i] else x
            for i, x in enumerate(sample.inputs)
        ]
        with separate_tape():
            single = apply(primitive, sample, [node_of(x) for x in sample.inputs])
            nodes = [node_of(x) for x in stacked]
            y, flag = apply_batched(primitive, list(zip(nodes, flags)), single.params, size)
            assert flag
            for whole, part in zip(parts_of(y), parts_of(single)):
                assert whole.shape == (size, *part.shape)
                assert whole.dtype is part.dtype
            got = Program(nodes, parts_of(y))(stacked)
        for k in range(size if CASES[name].loop else 0):
            for part, want in zip(got, value_of(primitive, rows[k])):
                np.testing.assert_allclose(part[k], want, rtol=1e-12, atol=1e-12, err_msg=f"row {k}")

    check()
