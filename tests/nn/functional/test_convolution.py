"""Convolutions beside PyTorch's: results, derivatives of both orders, every geometry, wrong input."""

import numpy as np
import pytest

import wengert
from tests.functions.peer import complex_normal, normal, tensor
from tests.nn.peer import beside, raises_as_peer, torch
from wengert.nn import functional as F

GEOMETRIES = [
    # axes, x, w, arguments
    (1, (2, 3, 7), (4, 3, 3), {}),
    (1, (2, 4, 9), (6, 2, 2), {"stride": 2, "padding": 1, "groups": 2}),
    (1, (3, 8), (2, 3, 3), {"dilation": 2, "padding": (3,)}),
    (1, (2, 3, 8), (2, 3, 4), {"padding": "same"}),
    (1, (2, 3, 8), (2, 3, 4), {"padding": "same", "dilation": 3}),
    (1, (2, 3, 8), (2, 3, 4), {"padding": "valid", "stride": (3,)}),
    (2, (2, 3, 6, 5), (4, 3, 3, 2), {}),
    (2, (2, 3, 6, 5), (4, 3, 1, 1), {}),
    (2, (2, 3, 6, 5), (4, 3, 1, 1), {"stride": 2}),
    (2, (2, 4, 7, 6), (4, 1, 3, 3), {"groups": 4, "padding": 1}),
    (2, (2, 4, 7, 6), (8, 1, 3, 3), {"groups": 4, "stride": (2, 1), "padding": (0, 2)}),
    (2, (1, 6, 7, 9), (4, 3, 2, 3), {"groups": 2, "stride": 2, "padding": 3, "dilation": (1, 2)}),
    (2, (3, 6, 5), (4, 3, 3, 2), {"padding": 1}),
    (2, (2, 3, 5, 4), (2, 3, 3, 2), {"padding": "same"}),
    (2, (2, 3, 1, 1), (2, 3, 3, 3), {"padding": 2}),
    (2, (0, 3, 6, 5), (4, 3, 3, 2), {}),
    (3, (2, 2, 4, 5, 3), (3, 2, 2, 3, 1), {}),
    (3, (1, 4, 4, 5, 3), (4, 2, 2, 3, 2), {"stride": (1, 2, 1), "padding": (1, 0, 1), "groups": 2}),
    (3, (2, 3, 4, 4), (2, 2, 2, 2, 2), {"dilation": (1, 2, 1)}),
]


def _weights(axes, shape, transposed=False, groups=1):
    return normal(*shape, seed=1), normal(shape[1] * groups if transposed else shape[0], seed=2)


@pytest.mark.parametrize(("axes", "x", "w", "arguments"), GEOMETRIES)
def test_convolution_agrees(axes, x, w, arguments):
    weight, bias = _weights(axes, w)
    beside(lambda F, x, w, b: getattr(F, f"conv{axes}d")(x, w, b, **arguments), normal(*x), weight, bias)
    beside(lambda F, x, w: getattr(F, f"conv{axes}d")(x, w, **arguments), normal(*x), weight)


@pytest.mark.parametrize(
    ("axes", "x", "w", "arguments"),
    [
        (1, (2, 3, 7), (3, 4, 3), {}),
        (1, (2, 4, 5), (4, 3, 2), {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2}),
        (1, (3, 5), (3, 2, 3), {"dilation": 2, "output_padding": 1}),
        (2, (2, 3, 4, 5), (3, 2, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
        (2, (2, 4, 4, 5), (4, 2, 2, 3), {"stride": (2, 3), "padding": (0, 2), "groups": 2, "dilation": (2, 1)}),
        (2, (2, 4, 3, 3), (4, 1, 3, 3), {"groups": 4, "stride": 2}),
        (2, (3, 4, 5), (3, 2, 1, 1), {}),
        (2, (0, 3, 4, 5), (3, 2, 3, 3), {}),
        (3, (2, 2, 3, 2, 3), (2, 3, 2, 3, 2), {"stride": 2, "padding": (0, 1, 0), "output_padding": (1, 0, 1)}),
    ],
)
def test_transposed_convolution_agrees(axes, x, w, arguments):
    weight, bias = _weights(axes, w, True, arguments.get("groups", 1))
    beside(lambda F, x, w, b: getattr(F, f"conv_transpose{axes}d")(x, w, b, **arguments), normal(*x), weight, bias)


def test_conv_tbc_agrees():
    beside(lambda F, x, w, b: F.conv_tbc(x, w, b, 1), normal(5, 2, 3), normal(3, 3, 4, seed=1), normal(4, seed=2))


def test_complex_convolution_agrees():
    x, w = complex_normal(2, 4, 6, 5), complex_normal(4, 2, 3, 2, seed=1)
    for call in (
        lambda F, x, w: F.conv2d(x, w, stride=2, padding=1, groups=2),
        lambda F, x, w: F.conv_transpose2d(x, w, stride=2, groups=2),
    ):
        mine = [tensor(a, True) for a in (x, w)]
        theirs = [torch.from_numpy(a.copy()).requires_grad_() for a in (x, w)]
        y, z = call(F, *mine), call(torch.nn.functional, *theirs)
        np.testing.assert_allclose(y._array(), z.detach().numpy(), rtol=1e-10, atol=1e-10)
        (y.abs() ** 2).sum().backward()
        (z.abs() ** 2).sum().backward()
        for a, b in zip(mine, theirs):
            np.testing.assert_allclose(a.grad._array(), b.grad.resolve_conj().numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [wengert.float16, wengert.bfloat16])
def test_narrow_dtypes_are_accumulated_wide(dtype):
    x, w = (tensor(normal(*shape, dtype=np.float32)).to(dtype) for shape in ((1, 64, 6, 6), (3, 64, 3, 3)))
    got = F.conv2d(x, w, padding=1)
    want = F.conv2d(x.float(), w.float(), padding=1).to(dtype)
    assert got.dtype is dtype
    np.testing.assert_array_equal(got.float()._array(), want.float()._array())


def test_integers_convolve_exactly():
    x, w = np.arange(20).reshape(1, 1, 4, 5), np.arange(4).reshape(1, 1, 2, 2)
    got = F.conv2d(tensor(x), tensor(w))
    np.testing.assert_array_equal(got._array(), torch.conv2d(torch.from_numpy(x), torch.from_numpy(w)).numpy())


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        (lambda n, x, w: n.functional.conv2d(x, w), [(2, 3, 5, 5), (4, 2, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w, groups=2), [(2, 4, 5, 5), (3, 2, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w), [(5, 5), (4, 2, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w), [(2, 3, 5, 5), (4, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w), [(2, 3, 2, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w, stride=0), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w, stride=(1, 2, 3)), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w, padding=-1), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w, padding="full"), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w, padding="same", stride=2), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w, stride=1.5), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w.float()), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv2d(x, w, dilation=3), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w, b: n.functional.conv2d(x, w, b), [(2, 3, 5, 5), (4, 3, 3, 3), (3,)]),
        (lambda n, x, w: n.functional.conv_transpose2d(x, w), [(2, 3, 5, 5), (4, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv_transpose2d(x, w, output_padding=1), [(2, 3, 5, 5), (3, 3, 3, 3)]),
        (lambda n, x, w: n.functional.conv_transpose2d(x, w, padding=7), [(2, 3, 5, 5), (3, 3, 3, 3)]),
        (lambda n, x: n.functional.conv2d(x, 3), [(2, 3, 5, 5)]),
    ],
)
def test_wrong_arguments_raise_what_the_peer_raises(call, shapes):
    raises_as_peer(call, *[normal(*shape) for shape in shapes])


def test_the_error_says_what_does_not_fit():
    with pytest.raises(RuntimeError, match=r"weight of size \[4, 3, 3, 3\], expected input to have 3 channels"):
        F.conv2d(wengert.zeros(1, 2, 8, 8), wengert.zeros(4, 3, 3, 3))
    with pytest.raises(RuntimeError, match=r"padded input size per channel: \[2, 8\]"):
        F.conv2d(wengert.zeros(1, 3, 2, 8), wengert.zeros(4, 3, 3, 3))


def test_a_batch_of_filters_is_a_loop():
    x, w = tensor(normal(3, 2, 4, 6, 5)), tensor(normal(3, 6, 2, 3, 2, seed=1))
    got = wengert.vmap(lambda x, w: F.conv2d(x, w, groups=2, stride=2))(x, w)
    for k in range(3):
        want = F.conv2d(x[k], w[k], groups=2, stride=2)
        np.testing.assert_allclose(got[k]._array(), want._array(), rtol=1e-12)
