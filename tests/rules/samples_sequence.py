"""Samples of loops, of what loops are made of, and of attention."""

from __future__ import annotations

from typing import Any

from tests.rules.harness import FLOATS, Case, Draw, Sample, node_of
from wengert import dtypes
from wengert.derive.loop import loop
from wengert.graph.record import separate_tape, tracking
from wengert.graph.rule import primitives as p


def _scan(draw: Draw) -> Sample:
    """Two states, one of them multiplied by a weight; two sequences, a factor, results that are and are not states."""
    time, rows, n = draw.integer(0, 3), draw.integer(0, 2), draw.integer(1, 3)
    h, c = draw.values((rows, n)), draw.values((n,))
    x, z = draw.values((time, rows, n)), draw.values((time, n))
    w, f = draw.values((n, n)), draw.values((n,))
    with separate_tape(), tracking(True):
        weight, factor = node_of(w), node_of(f)

        def step(state: Any, now: Any) -> Any:
            h, c = state
            h = p.tanh(now[0] + p.dot(h, weight) * c)
            return [h, p.sin(c * factor + now[1])], [h, h * now[0]]

        ends, _ = loop(step, [node_of(h), node_of(c)], [node_of(x), node_of(z)], time, draw.flag())
        node = ends[0].inputs[0]
        params = dict(zip(p.scan.params, node.params))
        captured = {weight: w, factor: f}
        constants = [captured[k] for k in node.inputs[4:]]
    return Sample((h, c, x, z, *constants), params)


def _split(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1)
    axis = draw.axis(shape)
    cut = draw.integer(0, shape[axis])
    return Sample((draw.values(shape),), {"axis": axis, "sizes": (cut, shape[axis] - cut)})


def _attended(draw: Draw) -> tuple[list[Any], list[Any], str, bool]:
    """Queries, keys, values and scale; a mask or none, and its role; whether causal."""
    batch = draw.shape(max_rank=2, min_size=1, max_size=2)
    n, m, e, f = (draw.integer(1, 3) for _ in range(4))
    shapes = ((*batch, n, e), (*batch, m, e), (*batch, m, f))
    inputs = [*[draw.values(shape, -1.5, 1.5) for shape in shapes], draw.values((), 0.3, 0.8)]
    kind = draw.integer(0, 2)
    shape = (n, m) if draw.flag() else (*batch, 1, m)
    if kind == 0:
        return inputs, [], "", draw.flag()
    if kind == 1:
        return inputs, [draw.values(shape)], "x", draw.flag()
    mask = draw.bools(shape).copy()
    mask[..., 0] = True
    return inputs, [mask], "i", draw.flag()


def _attention(draw: Draw) -> Sample:
    inputs, mask, role, causal = _attended(draw)
    return Sample((*inputs, *mask), {"causal": causal}, f"xxxc{role}")


def _attention_backward(draw: Draw) -> Sample:
    (q, k, v, scale), mask, role, causal = _attended(draw)
    rows = q.shape[:-1]
    more = [draw.values(rows, 1.0, 2.0), draw.values((*rows, v.shape[-1])), draw.values(rows)]
    params = {"causal": causal, "with_mask": role == "x"}
    return Sample((q, k, v, scale, *more, *mask), params, f"xxxcxxx{role}")


CASES: dict[str, Case] = {
    "scan": Case(_scan, dtypes=(dtypes.float64,)),
    "split": Case(_split, complex=True),
    "attention": Case(_attention, dtypes=FLOATS),
    "attention_backward": Case(_attention_backward, dtypes=FLOATS),
}
