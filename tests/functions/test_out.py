"""`out=`: results written into a tensor that is given, and what such a tensor must not be."""

from __future__ import annotations

import pytest

import wengert as w


def x():
    return w.arange(12.0).reshape(3, 4) / 4 + 1


def i():
    return w.tensor([0, 2])


def m():
    return w.tensor([[0, 3, 1], [1, 0, 2]])


def image(*size):
    return w.arange(16.0).reshape(size)


INTO = {
    "avg_pool2d": lambda **out: w.nn.functional.avg_pool2d(image(1, 4, 4), 2, **out),
    "avg_pool3d": lambda **out: w.nn.functional.avg_pool3d(image(1, 1, 4, 4), (1, 2, 2), **out),
    "linear": lambda **out: w.nn.functional.linear(x(), w.ones(2, 4), w.tensor([0.5, 1.0]), **out),
    "linear without bias": lambda **out: w.nn.functional.linear(x(), w.ones(2, 4), **out),
    "isin": lambda **out: w.isin(m(), i(), **out),
    "lerp": lambda **out: w.lerp(x(), 2 * x(), 0.25, **out),
    "nan_to_num": lambda **out: w.nan_to_num(w.tensor([1.0, float("nan"), float("inf")]), 2.0, 3.0, **out),
    "isposinf": lambda **out: w.isposinf(w.tensor([1.0, float("inf")]), **out),
    "isneginf": lambda **out: w.isneginf(w.tensor([1.0, -float("inf")]), **out),
    "index_copy": lambda **out: w.index_copy(x(), 0, i(), w.ones(2, 4), **out),
    "index_add": lambda **out: w.index_add(x(), 0, i(), w.ones(2, 4), alpha=2, **out),
    "index_reduce": lambda **out: w.index_reduce(x(), 0, i(), w.full((2, 4), 2.0), "prod", **out),
    "scatter": lambda **out: w.scatter(x(), 1, m(), w.ones(2, 3), **out),
    "scatter_add": lambda **out: w.scatter_add(x(), 1, m(), w.ones(2, 3), **out),
    "scatter_reduce": lambda **out: w.scatter_reduce(x(), 1, m(), w.ones(2, 3), "amin", **out),
    "slice_scatter": lambda **out: w.slice_scatter(x(), w.zeros(2, 4), 0, 1, **out),
    "narrow_copy": lambda **out: w.narrow_copy(x(), 1, 1, 2, **out),
    "gather": lambda **out: w.gather(x(), 1, m(), **out),
}


@pytest.mark.parametrize("function", INTO.values(), ids=INTO)
def test_out_holds_the_result(function):
    wanted = function()
    out = w.zeros_like(wanted)
    assert function(out=out) is out
    assert w.equal(out, wanted) and wanted.any()


def test_least_squares_into_four_tensors():
    a, b = w.tensor([[2.0, 0.0], [0.0, 4.0], [0.0, 0.0]]), w.tensor([[2.0], [2.0], [3.0]])
    out = (w.empty(2, 1), w.empty(0), w.empty(0, dtype=w.int64), w.empty(0))
    found = w.linalg.lstsq(a, b, driver="gelsd", out=out)
    assert all(y is t for y, t in zip(found, out))
    assert w.allclose(out[0], w.tensor([[1.0], [0.5]])) and w.allclose(out[1], w.tensor([9.0]))
    assert out[2].item() == 2 and out[3].tolist() == [4.0, 2.0]


def test_out_must_not_repeat_a_place():
    repeated = w.rand(1).expand(6)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        w.bernoulli(w.rand(6), out=repeated)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        w.add(w.rand(6), 1, out=repeated)
    assert w.add(w.ones(1, 1), 1, out=w.zeros(1).expand(1, 1)).tolist() == [[2.0]]


def test_gather_wants_its_dtype_and_other_memory():
    memory, at = w.arange(18.0).reshape(6, 3), w.zeros(3, 3, dtype=w.int64)
    upper = memory[:3]
    for out in (upper, upper.T, memory[1:4]):
        with pytest.raises(RuntimeError, match="input tensor and the written-to tensor"):
            w.gather(upper, 0, at, out=out)
    with pytest.raises(RuntimeError, match="input tensor and the written-to tensor"):
        w.gather(at, 0, at, out=at)
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype"):
        w.gather(upper, 0, at, out=w.zeros(3, 3, dtype=w.float64))
    w.gather(upper, 0, at, out=memory[3:])  # the other half of the same memory
    assert memory[3:].tolist() == [[0.0, 1.0, 2.0]] * 3


def test_narrow_copy_of_a_dimension_that_is_not_there():
    with pytest.raises(RuntimeError, match="narrow_copy"):
        w.narrow_copy(x(), 2, 0, 1)
    with pytest.raises(IndexError):
        w.narrow_copy(x(), -3, 0, 1)
