"""Reading and writing at positions, beside PyTorch's: results, gradients, errors."""

from __future__ import annotations

import pytest

import wengert
from tests.functions.both import agree


def x(t):
    return t.arange(12.0, dtype=t.float64).reshape(3, 4) / 4 + 1


def i(t):
    return t.tensor([0, 2])


def m(t):
    return t.tensor([[0, 3, 3], [1, 0, 2]])


def s(t):
    return t.arange(6.0, dtype=t.float64).reshape(2, 3) / 2 + 0.25


# What depends on x (first) and on a source (second) smoothly.
SMOOTH = {
    "gather": lambda t, x, s: t.gather(x, 1, m(t)),
    "gather along the first": lambda t, x, s: x.gather(0, t.tensor([[0, 2, 1, 1], [2, 2, 0, 1]])),
    "gather by int32": lambda t, x, s: x.gather(1, m(t).int()),
    "scatter": lambda t, x, s: x.scatter(1, t.tensor([[0, 3, 1], [1, 0, 2]]), s),
    "scatter a number": lambda t, x, s: x.scatter(1, m(t), 5),
    "scatter with add": lambda t, x, s: x.scatter(1, m(t), 2.5, reduce="add").detach() * x,
    "scatter from a larger source": lambda t, x, s: x.scatter(1, t.tensor([[0, 3], [1, 0]]), s),
    "scatter_add": lambda t, x, s: x.scatter_add(1, m(t), s),
    "scatter_reduce sum": lambda t, x, s: x.scatter_reduce(1, m(t), s, "sum"),
    "scatter_reduce prod": lambda t, x, s: x.scatter_reduce(1, m(t), s, "prod"),
    "scatter_reduce mean": lambda t, x, s: x.scatter_reduce(1, m(t), s, "mean"),
    "scatter_reduce amax": lambda t, x, s: x.scatter_reduce(1, m(t), s, "amax"),
    "scatter_reduce amin": lambda t, x, s: x.scatter_reduce(1, m(t), s, "amin", include_self=False),
    "scatter_reduce mean without self": lambda t, x, s: x.scatter_reduce(1, m(t), s, "mean", include_self=False),
    "index_select": lambda t, x, s: x.index_select(0, t.tensor([0, 2, 0])),
    "index_select by a number": lambda t, x, s: x.index_select(1, t.tensor(2)),
    "index_add": lambda t, x, s: x.index_add(1, t.tensor([0, 3, 0]), t.cat([s, s[:1]])),
    "index_add scaled": lambda t, x, s: x.index_add(1, t.tensor([0, 3, 0]), t.cat([s, s[:1]]), alpha=2),
    "index_copy": lambda t, x, s: x.index_copy(1, t.tensor([0, 3, 1]), t.cat([s, s[:1]])),
    "index_fill": lambda t, x, s: x.index_fill(0, i(t), 7),
    "index_fill by a tensor": lambda t, x, s: x.index_fill(1, t.tensor([3, 0]), s[1, 1]),
    "index_put": lambda t, x, s: x.index_put((i(t), t.tensor([1, 3])), s[0, :2]),
    "index_put accumulated": lambda t, x, s: x.index_put((t.tensor([0, 0]),), s[0, 1], accumulate=True),
    "index_put by a mask": lambda t, x, s: x.index_put((x.detach() > 2,), s[1, 2]),
    "index_reduce": lambda t, x, s: x.index_reduce(1, t.tensor([0, 3, 0]), t.cat([s, s[:1]]), "prod"),
    "take": lambda t, x, s: x.take(t.tensor([[0, -1], [5, 0]])),
    "take_along_dim": lambda t, x, s: t.take_along_dim(x, t.tensor([[0], [1], [-1]]), 1),
    "take_along_dim broadcast": lambda t, x, s: t.take_along_dim(x[:1], t.tensor([[0, 2], [1, 1]]), dim=1),
    "take_along_dim of all": lambda t, x, s: t.take_along_dim(x, t.tensor([0, 11])),
    "put": lambda t, x, s: x.put(t.tensor([0, -1, 5]), s[0]),
    "put accumulated": lambda t, x, s: x.put(t.tensor([0, -1, 0]), s[0], accumulate=True),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_results(name):
    agree(lambda t: SMOOTH[name](t, x(t), s(t)))


# PyTorch's derivative of a scatter wants a source of the index's shape.
@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "scatter from a larger source"])
def test_gradients(name):
    def case(t):
        a, b = x(t).clone().requires_grad_(), s(t).clone().requires_grad_()
        y = SMOOTH[name](t, a, b)
        weights = t.arange(1.0, y.numel() + 1, dtype=t.float64).reshape(y.shape)
        (first,) = t.autograd.grad((weights * y * y).sum(), a, create_graph=True)
        second = t.autograd.grad((first * first).sum(), [a, b], allow_unused=True, materialize_grads=True)
        (other,) = t.autograd.grad((weights * SMOOTH[name](t, a, b) ** 2).sum(), b, allow_unused=True, materialize_grads=True)
        return first.detach(), [part.detach() for part in second], other.detach()

    agree(case)


IN_PLACE = {
    "scatter_": lambda t, x, s: x.scatter_(1, t.tensor([[0, 3, 1], [1, 0, 2]]), s),
    "scatter_add_": lambda t, x, s: x.scatter_add_(1, m(t), s),
    "scatter_reduce_": lambda t, x, s: x.scatter_reduce_(1, m(t), s, "amax"),
    "index_add_": lambda t, x, s: x.index_add_(1, t.tensor([0, 3, 0]), t.cat([s, s[:1]])),
    "index_copy_": lambda t, x, s: x.index_copy_(1, t.tensor([0, 3, 1]), t.cat([s, s[:1]])),
    "index_fill_": lambda t, x, s: x.index_fill_(0, i(t), 7),
    "index_put_": lambda t, x, s: x.index_put_((i(t), t.tensor([1, 3])), s[0, :2]),
    "put_": lambda t, x, s: x.put_(t.tensor([0, -1, 5]), s[0]),
    "masked_fill_": lambda t, x, s: x.masked_fill_(x > 2, 0),
    "masked_scatter_": lambda t, x, s: x.masked_scatter_(t.tensor([True, False, False, True]), s),
    "fill_": lambda t, x, s: x.fill_(s[0, 0]),
    "zero_": lambda t, x, s: x.zero_(),
    "copy_": lambda t, x, s: x.copy_(s[0, 0]),
    "fill_diagonal_": lambda t, x, s: x.fill_diagonal_(3),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_through_a_view_with_its_gradient(name):
    def case(t):
        leaf, new = t.ones(4, 3, dtype=t.float64, requires_grad=True), s(t).clone().requires_grad_()
        base = leaf * x(t).t()
        view = base.t()
        given = IN_PLACE[name](t, view, new)
        (base * base).sum().backward()
        return given is view, base.detach(), view.detach(), leaf.grad, new.grad

    agree(case)


OTHER = {
    "gather of a number": lambda t: t.gather(t.tensor(3.0), 0, t.tensor(0)),
    "gather of a number several times": lambda t: t.gather(t.tensor(3.0), 0, t.tensor([0, 0])),
    "gather of nothing": lambda t: t.gather(x(t), 0, t.zeros(0, dtype=t.int64)),
    "scatter a number into a number": lambda t: t.tensor(3.0).scatter(0, t.tensor(0), t.tensor(5.0)),
    "scatter with multiply": lambda t: x(t).scatter(1, m(t), t.full((2, 3), 2.0, dtype=t.float64), reduce="multiply"),
    "scatter value tensor": lambda t: x(t).scatter(1, m(t), value=t.tensor(3.0)),
    "scatter into ints": lambda t: t.zeros(2, 3, dtype=t.int64).scatter_(1, t.tensor([[1], [2]]), 1),
    "index_add to a number": lambda t: t.tensor(1.0).index_add(0, t.tensor(0), t.tensor(2.0)),
    "index_add by int32": lambda t: x(t).index_add(0, i(t).int(), t.ones(2, 4, dtype=t.float64)),
    "index_select of nothing": lambda t: x(t).index_select(0, t.zeros(0, dtype=t.int64)),
    "take of bools": lambda t: (x(t) > 2).take(t.tensor([0, 11])),
    "nonzero": lambda t: (x(t) > 2).nonzero(),
    "nonzero as tuple": lambda t: (x(t) > 2).nonzero(as_tuple=True),
    "nonzero of a number": lambda t: t.tensor(3.0).nonzero(),
    "nonzero of zero": lambda t: t.tensor(0.0).nonzero(),
    "nonzero of a number as tuple": lambda t: t.tensor(3.0).nonzero(as_tuple=True),
    "nonzero of nothing": lambda t: t.zeros(0, 3).nonzero(),
    "argwhere": lambda t: t.argwhere(x(t) > 2),
    "where alone": lambda t: t.where(x(t) > 2),
    "masked_select": lambda t: x(t).masked_select(x(t) > 2),
    "masked_select broadcast": lambda t: x(t)[0].masked_select(x(t) > 2),
    "masked_fill broadcast": lambda t: x(t)[0].masked_fill(x(t) > 2, -1),
    "masked_fill tensor": lambda t: x(t).masked_fill(x(t) > 2, t.tensor(2)),
    "masked_fill ints": lambda t: x(t).int().masked_fill(x(t) > 2, 1.5),
    "masked_fill inf": lambda t: x(t).masked_fill(x(t) > 2, float("-inf")),
    "masked_scatter": lambda t: x(t).masked_scatter(x(t) > 2, t.arange(20.0, dtype=t.float64)),
    "fill": lambda t: t.fill(x(t), 3),
    "fill_ ints": lambda t: x(t).int().fill_(1.7),
    "copy_ ints": lambda t: x(t).int().copy_(x(t)),
    "copy_ broadcast": lambda t: x(t).copy_(t.ones(4)),
    "copy_ number": lambda t: x(t).copy_(t.tensor(3)),
    "fill_diagonal_ wrapped": lambda t: t.zeros(7, 3).fill_diagonal_(7, wrap=True),
    "fill_diagonal_ wide": lambda t: t.zeros(3, 7).fill_diagonal_(7, wrap=True),
    "fill_diagonal_ of three": lambda t: t.zeros(3, 3, 3).fill_diagonal_(7),
    "fill_diagonal_ of nothing": lambda t: t.zeros(0, 3).fill_diagonal_(7),
    "select_scatter": lambda t: x(t).select_scatter(t.ones(4, dtype=t.float64), 0, -1),
    "slice_scatter": lambda t: x(t).slice_scatter(t.ones(2, 4, dtype=t.float64), 0, 1),
    "slice_scatter by steps": lambda t: x(t).slice_scatter(t.ones(3, 2, dtype=t.float64), 1, 0, 4, 2),
    "slice_scatter of nothing": lambda t: x(t).slice_scatter(t.ones(0, 4, dtype=t.float64), 0, 2, 1),
    "diagonal_scatter": lambda t: x(t).diagonal_scatter(t.ones(3, dtype=t.float64), 1),
    "unravel_index": lambda t: t.unravel_index(t.tensor([0, 5, 11]), (3, 4)),
    "apply_": lambda t: x(t).apply_(lambda v: v * 2 + 1),
    "map_": lambda t: x(t).map_(t.ones(4, dtype=t.float64), lambda v, w: v - w),
    "narrow_copy": lambda t: t.narrow_copy(x(t), 1, 1, 2),
}


@pytest.mark.parametrize("name", OTHER)
def test_other_cases(name):
    agree(OTHER[name])


ERRORS = {
    "gather of another rank": lambda t: x(t).gather(1, t.tensor([0, 1])),
    "gather by floats": lambda t: x(t).gather(1, t.tensor([[0.0, 1]])),
    "gather too large": lambda t: x(t).gather(0, t.zeros(2, 5, dtype=t.int64)),
    "scatter from a smaller source": lambda t: x(t).scatter(1, m(t), t.ones(1, 1, dtype=t.float64)),
    "scatter from another dtype": lambda t: x(t).scatter(1, m(t), t.ones(2, 3)),
    "scatter in another way": lambda t: x(t).scatter(1, m(t), 1.0, reduce="bad"),
    "scatter complex": lambda t: x(t).scatter(1, m(t), 3j),
    "scatter_reduce in another way": lambda t: x(t).scatter_reduce(1, m(t), s(t), "nope"),
    "index_add of another size": lambda t: x(t).index_add(0, i(t), t.ones(2, 3, dtype=t.float64)),
    "index_add of another dtype": lambda t: x(t).index_add(0, i(t), t.ones(2, 4)),
    "index_add by a matrix": lambda t: x(t).index_add(0, t.tensor([[0, 1]]), t.ones(2, 4, dtype=t.float64)),
    "index_copy of another rank": lambda t: x(t).index_copy(0, i(t), t.ones(4, dtype=t.float64)),
    "index_copy beyond": lambda t: x(t).index_copy(0, t.tensor([0, 9]), t.ones(2, 4, dtype=t.float64)),
    "index_fill by a vector": lambda t: x(t).index_fill(0, i(t), t.tensor([7.0])),
    "index_fill beyond": lambda t: x(t).index_fill(0, t.tensor([-9]), 7),
    "index_put of another size": lambda t: x(t).index_put((i(t), i(t)), t.ones(3, dtype=t.float64)),
    "index_put of another dtype": lambda t: x(t).index_put((i(t),), t.tensor(5)),
    "index_put of a number": lambda t: x(t).index_put((i(t),), 5.0),
    "index_select by a matrix": lambda t: x(t).index_select(0, t.tensor([[0]])),
    "index_select by floats": lambda t: x(t).index_select(1, t.tensor([2.0])),
    "index_select beyond": lambda t: x(t).index_select(0, t.tensor([0, -1])),
    "take beyond": lambda t: x(t).take(t.tensor([12])),
    "take of nothing": lambda t: t.zeros(0).take(t.tensor([0])),
    "take_along_dim of another rank": lambda t: t.take_along_dim(x(t), t.tensor([0, 1]), 1),
    "put of another size": lambda t: x(t).put(t.tensor([0, 0]), t.ones(1, dtype=t.float64)),
    "put beyond": lambda t: x(t).put(t.tensor([0, 99]), t.ones(2, dtype=t.float64)),
    "masked_fill by a vector": lambda t: x(t).masked_fill(x(t) > 2, t.tensor([2.0])),
    "masked_fill by no mask": lambda t: x(t).masked_fill(x(t), 2),
    "masked_fill of another shape": lambda t: x(t).masked_fill(t.tensor([True, False]), 2),
    "masked_fill nan into ints": lambda t: x(t).int().masked_fill(x(t) > 2, float("nan")),
    "masked_fill_ of a larger mask": lambda t: x(t)[0].masked_fill_(x(t) > 2, 1.0),
    "masked_scatter from too few": lambda t: x(t).masked_scatter(x(t) > 2, t.ones(3, dtype=t.float64)),
    "masked_scatter of another dtype": lambda t: x(t).masked_scatter(x(t) > 2, t.arange(20)),
    "fill_ by a vector": lambda t: x(t).fill_(t.tensor([1.0])),
    "fill_ too large": lambda t: x(t).int().fill_(3e10),
    "copy_ of another shape": lambda t: x(t).copy_(t.ones(3)),
    "fill_diagonal_ of a vector": lambda t: t.zeros(3).fill_diagonal_(7),
    "fill_diagonal_ of unequal sizes": lambda t: t.zeros(3, 3, 4).fill_diagonal_(7),
    "select_scatter of another size": lambda t: x(t).select_scatter(t.ones(3, dtype=t.float64), 0, 1),
    "select_scatter beyond": lambda t: x(t).select_scatter(t.ones(4, dtype=t.float64), 0, 9),
    "slice_scatter of another size": lambda t: x(t).slice_scatter(t.ones(3, 4, dtype=t.float64), 0, 0, 3, 2),
    "slice_scatter without step": lambda t: x(t).slice_scatter(t.ones(2, 4, dtype=t.float64), 0, 0, 3, 0),
    "diagonal_scatter of another size": lambda t: x(t).diagonal_scatter(t.ones(4, dtype=t.float64)),
}

# PyTorch raises RuntimeError for these, here every position out of range is an IndexError.
BEYOND = {
    "gather": lambda t: x(t).gather(1, t.tensor([[0, 4]])),
    "gather negative": lambda t: x(t).gather(1, t.tensor([[0, -1]])),
    "scatter": lambda t: x(t).scatter(1, t.tensor([[0, 9]]), 1.0),
    "scatter_add": lambda t: x(t).scatter_add(1, t.tensor([[0, 9]]), t.ones(1, 2, dtype=t.float64)),
    "index_add": lambda t: x(t).index_add(0, t.tensor([0, 7]), t.ones(2, 4, dtype=t.float64)),
    "index_add negative": lambda t: x(t).index_add(0, t.tensor([0, -1]), t.ones(2, 4, dtype=t.float64)),
    "index_select": lambda t: x(t).index_select(1, t.tensor([7])),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_as_in_pytorch(name):
    agree(ERRORS[name])


@pytest.mark.parametrize("name", BEYOND)
def test_positions_out_of_range_are_index_errors(name):
    agree(BEYOND[name], error=IndexError)


def test_unravel_index_of_small_integers():
    found = wengert.unravel_index(wengert.tensor([3, 255], dtype=wengert.uint8), (300, 15))
    assert [y.tolist() for y in found] == [[0, 17], [3, 0]]
    assert all(y.dtype is wengert.int64 for y in found)
    for wrong in (wengert.float32, wengert.bool):
        with pytest.raises(TypeError, match="integer dtype"):
            wengert.unravel_index(wengert.tensor([1], dtype=wrong), (3, 4))
