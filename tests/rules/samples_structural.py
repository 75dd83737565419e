"""Samples of views, contractions, casts, control and the stable forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.rules.harness import COMPLEXES, FLOATS, Case, Draw, Sample
from wengert import dtypes
from wengert.shapes import Shape, size_of

# --- views --------------------------------------------------------------------------------------------------------


def _reshape(draw: Draw) -> Sample:
    """To the same sizes in another order with ones between, or to one axis."""
    shape = draw.shape()
    sizes = list(shape)
    draw.random.shuffle(sizes)
    sizes.insert(draw.integer(0, len(sizes)), 1)
    return Sample((draw.values(shape),), {"shape": (size_of(shape),) if draw.flag() else tuple(sizes)})


def _permute(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((draw.values(shape),), {"order": tuple(draw.random.permutation(len(shape)).tolist())})


def _index(draw: Draw, shape: Shape) -> Any:
    entries: list[Any] = []
    for n in shape:
        if n and draw.integer(0, 2) == 0:
            entries.append(draw.integer(0, n - 1))
        else:
            start = draw.integer(0, n)
            entries.append((start, draw.integer(start, n), draw.integer(1, 3)))
    return tuple(entries)


def _slice(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((draw.values(shape),), {"index": _index(draw, shape)})


def _slice_update(draw: Draw) -> Sample:
    (x,), params, *_ = _slice(draw)
    sizes = tuple(len(range(*entry)) for entry in params["index"] if not isinstance(entry, int))
    return Sample((x, draw.values(sizes)), params)


def _expand(draw: Draw) -> Sample:
    shape = draw.shape()
    stretched = tuple(draw.integer(0, 3) if n == 1 else n for n in shape)
    return Sample((draw.values(shape),), {"shape": (*draw.shape(max_rank=2), *stretched)})


def _flip(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((draw.values(shape),), {"axes": draw.axes(shape)})


def _diagonal(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=2)
    axis1, axis2 = draw.random.permutation(len(shape))[:2].tolist()
    return Sample((draw.values(shape),), {"offset": draw.integer(-3, 3), "axis1": axis1, "axis2": axis2})


def _diagonal_update(draw: Draw) -> Sample:
    (x,), params, *_ = _diagonal(draw)
    return Sample((x, draw.values(x.diagonal(**params).shape)), params)


def _concatenate(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1)
    axis = draw.axis(shape)
    parts = [
        draw.values(tuple(draw.integer(0, 3) if i == axis else n for i, n in enumerate(shape)))
        for _ in range(draw.integer(1, 3))
    ]
    return Sample(tuple(parts), {"axis": axis})


def _pad(draw: Draw) -> Sample:
    """Paddings of either sign; what they crop is there to be cropped."""
    shape = draw.shape()
    low = tuple(draw.integer(-(n // 2), 2) for n in shape)
    high = tuple(draw.integer(-(n - n // 2), 2) for n in shape)
    return Sample((draw.values(shape), draw.values(())), {"low": low, "high": high})


def _as_strided(draw: Draw) -> Sample:
    """Rows of memory that may overlap, have gaps or repeat, and end inside it."""
    x = draw.values(draw.shape())
    offset = draw.integer(0, x.size)
    room = x.size - offset - 1
    size, stride = [], []
    for _ in range(draw.integer(0, 2)):
        step = draw.integer(0, 3)
        n = draw.integer(0, min(room // step + 1, 3) if step and room >= 0 else 2 if room >= 0 else 0)
        room -= max(n - 1, 0) * step
        size.append(n)
        stride.append(step)
    if room < 0:
        size, stride = [0], [1]
    return Sample((x,), {"shape": tuple(size), "strides": tuple(stride), "offset": offset})


def _windows(draw: Draw) -> Sample:
    """Windows that overlap, touch or leave gaps."""
    shape = draw.shape(min_rank=1)
    axis = draw.axis(shape)
    params = {"axis": axis, "length": draw.integer(0, shape[axis]), "step": draw.integer(1, 3)}
    return Sample((draw.values(shape),), params)


def _complex(draw: Draw) -> Sample:
    draw.complex = True
    return Sample((draw.values(draw.shape()),))


def _pairs(draw: Draw) -> Sample:
    return Sample((draw.values((*draw.shape(max_rank=2), 2)),))


def _reinterpret(draw: Draw) -> Sample:
    """The last size suits the elements of every dtype. Bytes that are neither 0 nor 1 are no bool."""
    shape = (*draw.shape(max_rank=2), draw.choice((0, 16)))
    return Sample((draw.values(shape),), {"dtype": draw.choice(dtypes.ALL[1:])})


# --- contractions, casts, control ---------------------------------------------------------------------------------


def _dot(draw: Draw) -> Sample:
    leading = draw.shape(max_rank=2)
    m, k, n = (draw.integer(0, 3) for _ in range(3))
    return Sample((draw.values((*leading, m, k)), draw.values((*leading, k, n))))


def _linear(draw: Draw) -> Sample:
    n, inputs, outputs = (draw.integer(0, 3) for _ in range(3))
    return Sample((draw.values((n, inputs)), draw.values((outputs, inputs)), draw.values((outputs,))))


def _convert(draw: Draw) -> Sample:
    """Differentiated only where the target is as fine as differences need."""
    target = draw.choice(dtypes.ALL)
    role = "x" if target in (dtypes.float64, dtypes.complex128) else "c"
    return Sample((draw.values(draw.shape()),), {"dtype": target}, role)


def _same(draw: Draw) -> Sample:
    return Sample((draw.values(draw.shape()),))


def _several(draw: Draw) -> Sample:
    return Sample(tuple(draw.values(draw.shape()) for _ in range(draw.integer(1, 3))))


def _require(draw: Draw) -> Sample:
    x, condition = draw.values(draw.shape()), np.ones(draw.shape(), bool)
    return Sample((x, condition), {"message": "the condition does not hold"})


def _with_history(draw: Draw) -> Sample:
    """Not differentiated here: its derivative is that of another value, on purpose."""
    shape = draw.shape()
    return Sample((draw.values(shape), draw.values(shape)), {}, "cc")


# --- stable forms -------------------------------------------------------------------------------------------------


def _over_axes(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((draw.values(shape),), {"axes": draw.axes(shape)})


def _mean(draw: Draw) -> Sample:
    shape = draw.shape(min_size=1)  # a mean of nothing is NaN
    return Sample((draw.values(shape),), {"axes": draw.axes(shape)})


def _over_axis(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1)
    return Sample((draw.values(shape),), {"axis": draw.axis(shape)})


def _cross_entropy(draw: Draw) -> Sample:
    batch, classes, *rest = draw.shape(min_rank=2)
    classes = max(classes, 1)
    target = draw.integers((batch, *rest), 0, classes)
    return Sample((draw.values((batch, classes, *rest)), target), {"ignore_index": draw.choice((-100, 0, 1))})


def _binary_cross_entropy(draw: Draw) -> Sample:
    x, t = draw.broadcastable(2)
    return Sample((draw.values(x, kinks=(0.0,)), draw.values(t, 0.0, 1.0)))


def _probabilities(draw: Draw) -> Sample:
    x, t = draw.broadcastable(2)
    return Sample((draw.values(x, 0.1, 0.9), draw.values(t, 0.0, 1.0)))


def _standardize(draw: Draw) -> Sample:
    over = _over_axes(draw)
    return Sample((*over.inputs, draw.values((), 0.1, 1.0)), over.params, "xc")


# Nothing is computed: the value in a narrow dtype is the narrow value.
MOVED = {"complex": True, "same_value": True, "ulps": 0.0}

CASES: dict[str, Case] = {
    "reshape": Case(_reshape, **MOVED),
    "permute": Case(_permute, **MOVED),
    "slice": Case(_slice, **MOVED),
    "slice_update": Case(_slice_update, **MOVED),
    "expand": Case(_expand, **MOVED),
    "flip": Case(_flip, **MOVED),
    "diagonal": Case(_diagonal, **MOVED),
    "diagonal_update": Case(_diagonal_update, **MOVED),
    "as_strided": Case(_as_strided, **MOVED),
    "windows": Case(_windows, **MOVED),
    "as_real": Case(_complex, complex=True, dtypes=COMPLEXES),
    "as_complex": Case(_pairs, dtypes=(dtypes.float32, dtypes.float64)),
    "reinterpret": Case(_reinterpret),
    "concatenate": Case(_concatenate, **MOVED),
    "pad": Case(_pad, **MOVED),
    "dot": Case(_dot, complex=True, dtypes=dtypes.ALL[1:]),
    "linear": Case(_linear, complex=True, dtypes=dtypes.ALL[1:]),
    "reduce_mean": Case(_mean, complex=True, dtypes=(*FLOATS, *COMPLEXES)),
    "convert": Case(_convert, complex=True),
    "identity": Case(_same, **MOVED),
    "clone": Case(_same, **MOVED),
    "stop_gradient": Case(_same, **MOVED),
    "barrier": Case(_same, **MOVED),
    "pack": Case(_several, **MOVED),
    "require": Case(_require, **MOVED),
    "with_history": Case(_with_history, **MOVED),
    "logsumexp": Case(_over_axes, dtypes=FLOATS),
    "log_softmax": Case(_over_axis, dtypes=FLOATS),
    "softmax": Case(_over_axis, dtypes=FLOATS),
    "cross_entropy": Case(_cross_entropy, dtypes=FLOATS),
    "binary_cross_entropy": Case(_probabilities, dtypes=FLOATS),
    "binary_cross_entropy_with_logits": Case(_binary_cross_entropy, dtypes=FLOATS),
    "standardize": Case(_standardize, dtypes=(*FLOATS, *COMPLEXES)),
}
