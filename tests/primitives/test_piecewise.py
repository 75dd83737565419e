"""Kinks and ties: the value that PyTorch chooses, and exact zeros on the side that is not taken."""

from __future__ import annotations

import numpy as np
import pytest

from tests.primitives.peer import INF, LINE, NAN, PLANE, beside, evaluate, gradients, grid
from wengert import dtypes
from wengert.errors import DtypeError, ShapeError
from wengert.graph.node import array_type
from wengert.graph.rule import placeholder
from wengert.primitives import piecewise as own

TIES = grid([-INF, -1.0, 0.0, 1.0, INF, NAN], [-INF, -1.0, 0.0, 1.0, INF, NAN])


def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("y_bar", [1.0, -2.5, INF])
def test_relu_at_its_kink(y_bar):
    beside(own.relu, torch().relu, LINE, y_bar=y_bar)


@pytest.mark.parametrize("name", ["abs", "sign"])
def test_zero_has_the_derivative_zero(name):
    beside(getattr(own, name), getattr(torch(), name), LINE)


def test_abs_and_sign_of_complex_numbers():
    beside(own.abs, torch().abs, np.array([0j, *PLANE]))
    beside(own.sign, torch().sgn, np.array([0j, *PLANE]), y_bar=1 - 0.5j)


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
def test_extremes_and_their_ties(name):
    beside(getattr(own, name), getattr(torch(), name), *TIES)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_the_loser_gets_nothing_of_an_infinite_cotangent(name):
    x, w = np.array([1.0, 3.0]), np.array([2.0, 2.0])
    _, bars = gradients(getattr(own, name), [x, w], INF)
    assert sorted([*bars[0], *bars[1]]) == [0.0, 0.0, INF, INF]


@pytest.mark.parametrize("name", ["clamp_min", "clamp_max"])
def test_one_sided_clamps_at_their_bound(name):
    beside(getattr(own, name), getattr(torch(), name), *TIES)


def test_clamp_inside_outside_at_its_bounds_and_with_bounds_crossed():
    beside(own.clamp, torch().clamp, *grid([-2.0, -1.0, 0.0, 1.0, 2.0, NAN], [-1.0, 1.0], [-1.0, 0.5, 1.0]))


def test_where_passes_nothing_to_the_side_that_is_not_taken():
    beside(own.where, torch().where, np.array([True, False]), np.array([1.0, 2.0]), np.array([3.0, 4.0]), y_bar=INF)


def test_where_takes_numbers_for_either_branch():
    c, x = np.array([True, False]), np.array([1.5, 2.5], np.float32)
    np.testing.assert_array_equal(evaluate(lambda c, x: own.where(c, x, 0), c, x), [1.5, 0])
    np.testing.assert_array_equal(evaluate(lambda c, x: own.where(c, 7, x), c, x), [7, 2.5])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("other", [0.0, -0.0, 2.0])
def test_a_long_mask_keeps_every_bit(dtype, other):
    draw = np.random.default_rng(0)
    x = draw.integers(0, 256, (64, 40, np.dtype(dtype).itemsize), np.uint8).view(dtype)[..., 0]  # NaNs and infinities too
    c, w = draw.random((64, 40)) < 0.5, np.array(other, dtype)
    for turned in (x, np.asfortranarray(x), x[::2], x[:, ::-1]):
        mask = c[: len(turned)]
        found, wanted = own.where.evaluate(mask, turned, w), np.where(mask, turned, w)
        assert (found.dtype, found.strides) == (wanted.dtype, wanted.strides)
        assert found.tobytes() == wanted.tobytes()


def test_where_says_what_is_wrong():
    def node(dtype, *shape):
        return placeholder(array_type(shape, dtype))

    x = node(dtypes.float32, 3)
    with pytest.raises(DtypeError, match="a condition of dtype bool; got float32"):
        own.where(x, x, x)
    with pytest.raises(DtypeError, match="two branches of one dtype; got float32 and int64"):
        own.where(node(dtypes.bool_, 3), x, node(dtypes.int64, 3))
    with pytest.raises(ShapeError, match="sizes must match at dimension 0"):
        own.where(node(dtypes.bool_, 2), x, x)


@pytest.mark.parametrize("slope", [0.01, 1.0, -0.5])
def test_leaky_relu_is_prelu_too(slope):
    functional = torch().nn.functional
    beside(lambda x: own.leaky_relu(x, slope), lambda x: functional.leaky_relu(x, slope), LINE)
    beside(own.leaky_relu, functional.prelu, np.array([-2.0, 0.0, 3.0]), np.array([slope]))


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_elu_on_the_real_line(alpha):
    beside(lambda x: own.elu(x, alpha), lambda x: torch().nn.functional.elu(x, alpha), LINE)


def test_copysign_knows_the_sign_of_zero():
    line = np.array([-2.0, -1.0, -0.0, 0.0, 1.0, 2.0])
    beside(own.copysign, torch().copysign, *grid(line, line))
    _, (bar, _) = gradients(own.copysign, [np.array([INF, -INF]), np.array([-1.0, -1.0])])
    np.testing.assert_array_equal(bar, [-1.0, 1.0])  # PyTorch divides the infinities, which gives NaN


def test_heaviside_and_nextafter():
    beside(own.heaviside, torch().heaviside, LINE, np.full(LINE.shape, 0.5), gradient=False)
    beside(own.nextafter, torch().nextafter, *TIES)


@pytest.mark.parametrize("name, count", [("relu", 1), ("abs", 1), ("clamp_min", 2)])
def test_bool_is_refused_where_pytorch_refuses_it(name, count):
    x = placeholder(array_type((2,), dtypes.bool_))
    with pytest.raises(DtypeError, match=f"{name}: a dtype that is integer or floating"):
        getattr(own, name)(*[x] * count)


@pytest.mark.parametrize("dtype", ["bool", "int64", "uint8"])
def test_sign_keeps_the_dtype_of_integers(dtype):
    x = np.array([0, 1, 2]).astype(dtype)
    got = evaluate(own.sign, x)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, torch().sign(torch().from_numpy(x)).numpy())
