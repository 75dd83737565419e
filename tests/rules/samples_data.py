"""Samples of reductions, creation, indexing, scans, sorting and random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.rules.harness import BOOLS, COMPLEXES, FLOATS, INTEGERS, Case, Draw, Sample
from wengert import dtypes
from wengert.shapes import Shape

REALS = (*BOOLS, *INTEGERS, *FLOATS)


def distinct(draw: Draw, shape: Shape) -> Any:
    """Real contents no two of which are near one another: away from the kinks of everything that orders."""
    size = int(np.prod(shape))
    steps = draw.random.permutation(size) - size / 2
    return draw.layout((0.2 * steps + draw.random.uniform(-0.05, 0.05, size)).reshape(shape))


def with_zeros(draw: Draw, shape: Shape) -> Any:
    """Contents of which some are exactly 0."""
    return draw.layout(draw.values(shape) * (draw.random.uniform(size=shape) < 0.8))


# --- reductions and creation --------------------------------------------------------------------------------------


def _sum(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((draw.values(shape),), {"axes": draw.axes(shape)})


def _prod(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((with_zeros(draw, shape),), {"axes": draw.axes(shape)})


def _extreme(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((distinct(draw, shape),), {"axes": tuple(axis for axis in draw.axes(shape) if shape[axis])})


def _truth(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((draw.bools(shape),), {"axes": draw.axes(shape)}, "c")


def _position(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1, min_size=1)
    return Sample((distinct(draw, shape),), {"axis": draw.axis(shape)})


def _full(draw: Draw) -> Sample:
    return Sample((draw.values(()),), {"shape": draw.shape()})


def _iota(draw: Draw) -> Sample:
    return Sample((), {"n": draw.integer(0, 5), "dtype": draw.choice(dtypes.ALL)})


def _filled(draw: Draw) -> Sample:
    params = {"number": draw.integer(0, 1), "dtype": draw.choice(dtypes.ALL), "shape": draw.shape()}
    return Sample((), params)


# --- scans --------------------------------------------------------------------------------------------------------


def _scan(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1)
    return Sample((with_zeros(draw, shape),), {"axis": draw.axis(shape), "reverse": draw.flag()})


def _recurrence(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1)
    params = {"axis": draw.axis(shape), "reverse": draw.flag()}
    return Sample((with_zeros(draw, shape), draw.values(shape)), params)


def _along(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1)
    return Sample((distinct(draw, shape),), {"axis": draw.axis(shape)})


# --- indexing -----------------------------------------------------------------------------------------------------


def _gather(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1, min_size=1)
    axis = draw.axis(shape)
    wanted = tuple(draw.integer(0, 4 if other == axis else n) for other, n in enumerate(shape))
    return Sample((draw.values(shape), draw.integers(wanted, 0, shape[axis])), {"axis": axis})


def _scatter(draw: Draw) -> Sample:
    (x, index), params, *_ = _gather(draw)
    return Sample((x, index, draw.values(index.shape)), params)


def _scatter_prod(draw: Draw) -> Sample:
    (x, index), params, *_ = _gather(draw)
    return Sample((with_zeros(draw, x.shape), index, with_zeros(draw, index.shape)), params)


def _scatter_extreme(draw: Draw) -> Sample:
    (x, index), params, *_ = _gather(draw)
    contents = distinct(draw, (x.size + index.size,))
    return Sample((contents[: x.size].reshape(x.shape), index, contents[x.size :].reshape(index.shape)), params)


def _scatter_reduce(draw: Draw) -> Sample:
    sample = _scatter_prod(draw)  # a mean of bool and extremes of complex numbers are refused: see their mirror test
    return sample._replace(params={**sample.params, "mode": draw.choice(("sum", "prod")), "include_self": draw.flag()})


def _take(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1, min_size=1)
    axis, wrap = draw.axis(shape), draw.flag()
    index = draw.integers(draw.shape(max_rank=2), -shape[axis] if wrap else 0, shape[axis])
    return Sample((draw.values(shape), index), {"axis": axis, "wrap": wrap})


def _put_add(draw: Draw) -> Sample:
    (x, index), params, *_ = _take(draw)
    shape = (*x.shape[: params["axis"]], *index.shape, *x.shape[params["axis"] + 1 :])
    return Sample((x, index, draw.values(shape)), params)


def _index(draw: Draw) -> Sample:
    shape = draw.shape(min_rank=1, min_size=1)
    axes = draw.axes(shape) or (draw.axis(shape),)
    wrap = draw.flag()
    shapes = draw.broadcastable(len(axes))
    indices = [draw.integers(s, -shape[a] if wrap else 0, shape[a]) for s, a in zip(shapes, axes)]
    return Sample((draw.values(shape), *indices), {"axes": axes, "wrap": wrap})


def _index_put(draw: Draw) -> Sample:
    (x, *indices), params, *_ = _index(draw)
    key: list[Any] = [slice(None)] * x.ndim
    for index, axis in zip(indices, params["axes"]):
        key[axis] = index
    values = draw.values(x[tuple(key)].shape)
    return Sample((x, values, *indices), {**params, "accumulate": draw.flag()})


# --- sorting ------------------------------------------------------------------------------------------------------


def _argsort(draw: Draw) -> Sample:
    sample = _along(draw)
    return sample._replace(params={**sample.params, "descending": draw.flag()})


def _top_k(draw: Draw) -> Sample:
    (x,), params, *_ = _along(draw)
    k = draw.integer(0, x.shape[params["axis"]])
    return Sample((x,), {**params, "k": k, "largest": draw.flag()})


def _searchsorted(draw: Draw) -> Sample:
    leading = draw.shape(max_rank=2)
    boundaries = np.sort(draw.values((*leading, draw.integer(0, 4))), axis=-1)
    values = draw.values((*leading, draw.integer(0, 3)) if leading else draw.shape())
    return Sample((boundaries, values), {"right": draw.flag()}, "si")


# --- random numbers -----------------------------------------------------------------------------------------------


def _stream(draw: Draw) -> tuple[Any, Any]:
    return np.int64(draw.random.integers(-(2**63), 2**63 - 1)), np.int64(draw.integer(0, 2**40))


def _floats(draw: Draw) -> Sample:
    return Sample(_stream(draw), {"shape": draw.shape(), "dtype": draw.choice(FLOATS)})


def _bits(draw: Draw) -> Sample:
    return Sample(_stream(draw), {"shape": draw.shape()})


def _randint(draw: Draw) -> Sample:
    limits = np.int64(draw.integer(-5, 5)), np.int64(draw.integer(6, 100))
    return Sample((*_stream(draw), *limits), {"shape": draw.shape(), "dtype": draw.choice((*INTEGERS, *FLOATS))})


def _permutation(draw: Draw) -> Sample:
    return Sample(_stream(draw), {"n": draw.integer(0, 5)})


def _poisson(draw: Draw) -> Sample:
    return Sample((*_stream(draw), draw.values(draw.shape(), 0.0, 9.0)), {}, "kkc")


def _binomial(draw: Draw) -> Sample:
    count, prob = draw.broadcastable(2)
    trials = draw.layout(np.floor(draw.random.uniform(0, 9, count)))
    return Sample((*_stream(draw), trials, draw.values(prob, 0.0, 1.0)), {}, "kkcc")


def _standard_gamma(draw: Draw) -> Sample:
    return Sample((*_stream(draw), draw.values(draw.shape(), 0.1, 9.0)), {}, "kkc")


def _von_mises(draw: Draw) -> Sample:
    loc, concentration = draw.broadcastable(2)
    return Sample((*_stream(draw), draw.values(loc, -3.0, 3.0), draw.values(concentration, 0.0, 9.0)), {}, "kkcc")


def _gamma_slope(draw: Draw) -> Sample:
    a, x = draw.broadcastable(2)
    return Sample((draw.values(a, 0.1, 9.0), draw.values(x, 0.1, 9.0)), {}, "cc")


LINEAR = {"complex": True}
# Nothing is computed: the value in a narrow dtype is the narrow value.
MOVED = {"complex": True, "same_value": True, "ulps": 0.0}
ORDERED = {"dtypes": REALS}

CASES: dict[str, Case] = {
    "reduce_sum": Case(_sum, **LINEAR),
    "reduce_prod": Case(_prod, complex=True, same_value=True),
    "reduce_max": Case(_extreme, **ORDERED, same_value=True, ulps=0.0),
    "reduce_min": Case(_extreme, **ORDERED, same_value=True, ulps=0.0),
    "reduce_and": Case(_truth, dtypes=BOOLS),
    "reduce_or": Case(_truth, dtypes=BOOLS),
    "argmax": Case(_position, **ORDERED, same_value=True),
    "argmin": Case(_position, **ORDERED, same_value=True),
    "full": Case(_full, **MOVED),
    "filled": Case(_filled),
    "iota": Case(_iota),
    "cumsum": Case(_scan, **LINEAR),
    "cumprod": Case(_scan, complex=True, same_value=True),
    "linear_recurrence": Case(_recurrence, complex=True, dtypes=(*FLOATS, *COMPLEXES)),
    "cummax_indices": Case(_along, **ORDERED, same_value=True),
    "cummin_indices": Case(_along, **ORDERED, same_value=True),
    "logcumsumexp": Case(_along, dtypes=FLOATS),
    "gather": Case(_gather, **MOVED),
    "scatter": Case(_scatter, **MOVED),
    "scatter_add": Case(_scatter, **LINEAR),
    "scatter_prod": Case(_scatter_prod, complex=True, same_value=True),
    "scatter_max": Case(_scatter_extreme, **ORDERED, same_value=True, ulps=0.0),
    "scatter_min": Case(_scatter_extreme, **ORDERED, same_value=True, ulps=0.0),
    "scatter_reduce": Case(_scatter_reduce, **LINEAR),
    "take": Case(_take, **MOVED),
    "put_add": Case(_put_add, **LINEAR),
    "index": Case(_index, **MOVED),
    "index_put": Case(_index_put, **LINEAR),
    "argsort": Case(_argsort, **ORDERED, same_value=True),
    "top_k_indices": Case(_top_k, **ORDERED, same_value=True),
    "searchsorted": Case(_searchsorted),
    "uniform": Case(_floats),
    "normal": Case(_floats),
    "bits": Case(_bits),
    "randint": Case(_randint),
    "permutation": Case(_permutation),
    "poisson": Case(_poisson, dtypes=FLOATS, loop=False),
    "binomial": Case(_binomial, dtypes=FLOATS, loop=False),
    "standard_gamma": Case(_standard_gamma, dtypes=FLOATS, loop=False),
    "von_mises": Case(_von_mises, dtypes=FLOATS, loop=False),
    "gamma_slope": Case(_gamma_slope, dtypes=FLOATS),
}
