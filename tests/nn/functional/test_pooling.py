"""Pooling beside PyTorch's: results, positions, derivatives of both orders, ties, wrong input."""

import numpy as np
import pytest

import wengert
from tests.functions.peer import INF, NAN, check, normal, tensor
from tests.nn.peer import beside, raises_as_peer, torch
from wengert.nn import functional as F

WINDOWS = [
    (1, (2, 3, 9), {"kernel_size": 3}),
    (1, (3, 9), {"kernel_size": 2, "stride": 3}),
    (1, (2, 3, 9), {"kernel_size": 4, "stride": 2, "padding": 2, "ceil_mode": True}),
    (2, (2, 3, 6, 8), {"kernel_size": 2}),
    (2, (3, 6, 8), {"kernel_size": (3, 2), "stride": (1, 2)}),
    (2, (2, 3, 7, 8), {"kernel_size": 3, "stride": 2, "padding": 1}),
    (2, (2, 3, 7, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    (2, (2, 3, 5, 5), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    (2, (2, 3, 12, 16), {"kernel_size": (6, 8)}),
    (2, (0, 3, 6, 8), {"kernel_size": 2}),
    (3, (2, 2, 4, 5, 6), {"kernel_size": 2}),
    (3, (2, 4, 5, 6), {"kernel_size": (2, 3, 2), "stride": 2, "padding": (1, 1, 0), "ceil_mode": True}),
]


@pytest.mark.parametrize(("axes", "shape", "arguments"), WINDOWS)
def test_max_pool_agrees(axes, shape, arguments):
    beside(lambda F, x: getattr(F, f"max_pool{axes}d")(x, **arguments), normal(*shape))
    found = getattr(F, f"max_pool{axes}d")(tensor(normal(*shape)), **arguments, return_indices=True)
    wanted = getattr(torch.nn.functional, f"max_pool{axes}d")(
        torch.from_numpy(normal(*shape)), **arguments, return_indices=True
    )
    for a, b in zip(found, wanted):
        check(a, b, "with positions")


@pytest.mark.parametrize("dilation", [2, (1, 3)])
def test_dilated_max_pool_agrees(dilation):
    beside(lambda F, x: F.max_pool2d(x, 3, 1, 1, dilation), normal(2, 3, 8, 9))
    beside(lambda F, x: F.max_pool2d(x, (3, 2), dilation=dilation, ceil_mode=True), normal(2, 3, 8, 9))


def test_the_first_of_equals_and_the_last_nan_are_chosen():
    x = np.array([[[0.0, 0.0, NAN, 1.0, NAN, 2.0, -INF, -INF]]])
    found = F.max_pool1d(tensor(x), 4, return_indices=True)
    wanted = torch.nn.functional.max_pool1d(torch.from_numpy(x), 4, return_indices=True)
    for a, b in zip(found, wanted):
        np.testing.assert_array_equal(a._array(), b.numpy())
    ties = np.zeros((1, 1, 4, 4))
    beside(lambda F, x: F.max_pool2d(x, 3, 1, 1), ties)


def test_a_window_of_minus_infinity_has_its_first_position():
    x = np.full((1, 1, 4), -INF)
    values, at = F.max_pool1d(tensor(x), 2, return_indices=True)
    assert values.tolist() == [[[-INF, -INF]]]
    assert at.tolist() == [[[0, 2]]]


def test_a_window_that_sees_nothing_is_minus_infinity():
    y = F.max_pool1d(tensor(normal(1, 1, 2)).requires_grad_(), 2, dilation=3, padding=1)
    assert y.tolist() == [[[-INF]]]
    y.sum().backward()


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float16])
def test_max_pool_of_other_dtypes(dtype):
    x = (10 * normal(1, 2, 6, 6)).astype(dtype)
    got = F.max_pool2d(tensor(x), 3, 2, 1)._array()
    want = F.max_pool2d(tensor(x.astype(np.float64)), 3, 2, 1)._array()
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("axes", "shape", "arguments"), WINDOWS)
@pytest.mark.parametrize("count", [True, False])
def test_avg_pool_agrees(axes, shape, arguments, count):
    beside(lambda F, x: getattr(F, f"avg_pool{axes}d")(x, **arguments, count_include_pad=count), normal(*shape))


def test_avg_pool_with_a_divisor_agrees():
    beside(lambda F, x: F.avg_pool2d(x, 3, 2, 1, divisor_override=4), normal(2, 3, 7, 7))
    beside(lambda F, x: F.avg_pool3d(x, 2, divisor_override=3), normal(2, 3, 4, 4, 4))


@pytest.mark.parametrize("ceil_mode", [True, False])
@pytest.mark.parametrize("power", [1, 2, 3.0])
def test_lp_pool_agrees(power, ceil_mode):
    beside(lambda F, x: F.lp_pool1d(x, power, 3, 2, ceil_mode), np.abs(normal(2, 3, 8)) + 0.1)
    beside(lambda F, x: F.lp_pool2d(x, power, (2, 3), ceil_mode=ceil_mode), np.abs(normal(2, 3, 5, 7)) + 0.1)
    beside(lambda F, x: F.lp_pool3d(x, power, 2), np.abs(normal(2, 2, 4, 4, 4)) + 0.1)


ADAPTIVE = [
    (1, (2, 3, 9), 4), (1, (3, 9), 3), (1, (2, 3, 4), 7), (2, (2, 3, 6, 8), 3), (2, (3, 7, 5), (3, None)),
    (2, (2, 3, 6, 8), 1), (2, (2, 3, 16, 16), 1), (2, (2, 3, 4, 6), (2, 3)), (3, (2, 2, 5, 4, 6), (2, 3, 4)),
    (3, (2, 5, 4, 6), 2),
]  # fmt: skip


@pytest.mark.parametrize(("axes", "shape", "size"), ADAPTIVE)
def test_adaptive_pools_agree(axes, shape, size):
    beside(lambda F, x: getattr(F, f"adaptive_avg_pool{axes}d")(x, size), normal(*shape))
    beside(lambda F, x: getattr(F, f"adaptive_max_pool{axes}d")(x, size), normal(*shape))
    found = getattr(F, f"adaptive_max_pool{axes}d")(tensor(normal(*shape)), size, return_indices=True)
    peer = getattr(torch.nn.functional, f"adaptive_max_pool{axes}d")
    for a, b in zip(found, peer(torch.from_numpy(normal(*shape)), size, return_indices=True)):
        check(a, b, "with positions")


def test_adaptive_average_keeps_infinities_apart():
    x = np.ones((1, 1, 5))
    x[..., 0] = INF
    got = F.adaptive_avg_pool1d(tensor(x), 2)._array()
    np.testing.assert_array_equal(got, [[[INF, 1.0]]])


@pytest.mark.parametrize("ratio", [None, (0.6, 0.5)])
def test_fractional_max_pool_agrees(ratio):
    samples = np.random.default_rng(0).uniform(0, 1, (2, 3, 2))
    size = (4, 3) if ratio is None else None
    make = lambda F: (torch.from_numpy if F is torch.nn.functional else tensor)(samples)
    beside(lambda F, x: F.fractional_max_pool2d(x, (2, 3), size, ratio, _random_samples=make(F)), normal(2, 3, 9, 8))
    arguments = {"output_size": size, "output_ratio": ratio, "return_indices": True}
    found = F.fractional_max_pool2d(tensor(normal(2, 3, 9, 8)), 2, **arguments, _random_samples=tensor(samples))
    x = torch.from_numpy(normal(2, 3, 9, 8))
    wanted = torch.nn.functional.fractional_max_pool2d(x, 2, **arguments, _random_samples=torch.from_numpy(samples))
    for a, b in zip(found, wanted):
        check(a, b, "with positions")


def test_fractional_max_pool_over_three_axes_agrees():
    samples = np.random.default_rng(0).uniform(0, 1, (2, 3, 3))
    make = lambda F: (torch.from_numpy if F is torch.nn.functional else tensor)(samples)
    x = normal(2, 3, 6, 7, 8)
    beside(lambda F, x: F.fractional_max_pool3d(x, 2, (3, 4, 1), _random_samples=make(F)), x)


def test_fractional_max_pool_draws_its_windows():
    wengert.manual_seed(0)
    x = tensor(normal(4, 4, 30, 30))
    first, second = F.fractional_max_pool2d(x, 2, 17), F.fractional_max_pool2d(x, 2, 17)
    assert first.shape == (4, 4, 17, 17)
    assert not wengert.equal(first, second)


@pytest.mark.parametrize(("axes", "shape"), [(1, (2, 3, 8)), (2, (2, 3, 6, 8)), (2, (3, 6, 8)), (3, (2, 2, 4, 4, 6))])
def test_unpooling_agrees(axes, shape):
    def call(F, x):
        y, at = getattr(F, f"max_pool{axes}d")(x, 2, return_indices=True)
        return getattr(F, f"max_unpool{axes}d")(y, at, 2)

    beside(call, normal(*shape))


def test_unpooling_to_a_given_size_agrees():
    def call(F, x):
        y, at = F.max_pool2d(x, 2, 2, return_indices=True)
        return F.max_unpool2d(y, at, 2, 2, output_size=x.shape)

    beside(call, normal(2, 3, 7, 5))


def test_unpooling_gives_every_value_of_a_place_its_derivative():
    at = np.array([[[1, 1, 0], [2, 5, 2]]])

    def call(F, x, at):
        return F.max_unpool1d(x, at, 2)

    beside(call, normal(1, 2, 3), at)


def test_unpooling_refuses_positions_outside():
    with pytest.raises(IndexError):
        F.max_unpool1d(wengert.ones(1, 1, 2), wengert.tensor([[[0, 9]]]), 2)._array()


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda n, x: n.functional.max_pool2d(x, 2), (4, 4)),
        (lambda n, x: n.functional.max_pool2d(x, 5), (1, 4, 4)),
        (lambda n, x: n.functional.max_pool2d(x, 2, padding=2), (1, 4, 4)),
        (lambda n, x: n.functional.max_pool2d(x, 0), (1, 4, 4)),
        (lambda n, x: n.functional.max_pool2d(x, 2, 0), (1, 4, 4)),
        (lambda n, x: n.functional.max_pool2d(x, (2, 2, 2)), (1, 4, 4)),
        (lambda n, x: n.functional.max_pool2d(x, 2), (1, 0, 4, 4)),
        (lambda n, x: n.functional.avg_pool2d(x, 2, divisor_override=0), (1, 4, 4)),
        (lambda n, x: n.functional.avg_pool2d(x, 2, padding=2), (1, 4, 4)),
        (lambda n, x: n.functional.avg_pool1d(x, 2), (4,)),
        (lambda n, x: n.functional.adaptive_avg_pool2d(x, -1), (1, 4, 4)),
        (lambda n, x: n.functional.adaptive_max_pool2d(x, 2), (4, 4)),
        (lambda n, x: n.functional.fractional_max_pool2d(x, 2), (1, 1, 4, 4)),
        (lambda n, x: n.functional.fractional_max_pool2d(x, 3, 3), (1, 1, 4, 4)),
        (lambda n, x: n.functional.max_unpool2d(x, x, 2), (1, 1, 4, 4)),
        (lambda n, x: n.FractionalMaxPool2d(2, 3, 0.5)(x), (1, 1, 4, 4)),
        (lambda n, x: n.FractionalMaxPool2d(2, output_ratio=1.5)(x), (1, 1, 4, 4)),
    ],
)
def test_wrong_arguments_raise_what_the_peer_raises(call, shape):
    raises_as_peer(call, normal(*shape))


def test_averages_of_integers_are_cut_towards_zero():
    x = wengert.arange(16).reshape(1, 1, 4, 4)
    assert F.avg_pool2d(-x, 2).tolist() == [[[[-2, -4], [-10, -12]]]]
    assert F.avg_pool2d(-x, 3, divisor_override=2).tolist() == [[[[-22]]]]
    assert F.avg_pool3d(x[None], (1, 2, 2)).tolist() == [[[[[2, 4], [10, 12]]]]]


def test_more_sizes_than_axes_is_a_value_error():
    for name, shape in (("max_pool2d", (2, 2)), ("max_pool3d", (2, 2, 2)), ("avg_pool2d", (2, 2)), ("avg_pool3d", (2, 2, 2))):
        with pytest.raises(ValueError, match=f"at least {len(shape) + 1}"):
            getattr(F, f"adaptive_{name}")(wengert.ones(*shape), shape)
