"""Fourier transforms beside PyTorch's: values, both derivatives, sizes, scales, errors."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as w
from tests.functions.peer import beside, complex_normal, normal, raises_as_peer

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
TWO = ("fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2")
MANY = ("fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn")


def drawn(name, *shape):
    real = name.startswith(("rfft", "ihfft"))
    return normal(*shape) if real else complex_normal(*shape)


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("norm", [None, "forward", "ortho"])
@pytest.mark.parametrize("n", [None, 3, 8])
def test_along_one_dimension(name, norm, n):
    beside(lambda t, x: getattr(t.fft, name)(x, n, 0, norm), drawn(name, 5, 2))


@pytest.mark.parametrize("name", TWO)
def test_along_two_dimensions(name):
    beside(lambda t, x: getattr(t.fft, name)(x, (4, 3)), drawn(name, 2, 5, 4))


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("dim", [None, (0, 2), (-1,)])
def test_along_several_dimensions(name, dim):
    beside(lambda t, x: getattr(t.fft, name)(x, dim=dim, norm="ortho"), drawn(name, 3, 2, 4))


def test_integers_become_floats():
    beside(lambda t, x: t.fft.fft(x), np.arange(5))
    beside(lambda t, x: t.fft.rfft(x), np.arange(5))


def test_a_transform_and_its_inverse_are_the_identity():
    x = w.randn(3, 7, dtype=w.float64)
    assert w.allclose(w.fft.irfft(w.fft.rfft(x), 7), x)
    assert w.allclose(w.fft.ifftn(w.fft.fftn(x)).real, x)


@pytest.mark.parametrize("n", [1, 4, 5])
def test_frequencies_and_shifts(n):
    beside(lambda t, x: (t.fft.fftfreq(n, 0.5), t.fft.rfftfreq(n, 0.5)), np.zeros(1), derivative=False)
    beside(lambda t, x: (t.fft.fftshift(x), t.fft.ifftshift(x, 0)), normal(n, 3))


@pytest.mark.parametrize(
    "case",
    [
        lambda t, x: t.fft.fft(x, 0),
        lambda t, x: t.fft.fft(x, norm="half"),
        lambda t, x: t.fft.fftn(x, dim=(0, 0)),
        lambda t, x: t.fft.fftn(x, (2, 2), (0,)),
        lambda t, x: t.fft.fftn(x, (2, 2, 2)),
        lambda t, x: t.fft.fft(x, dim=5),
        lambda t, x: t.fft.irfft(x[:, :1]),
        lambda t, x: t.fft.rfft(x + 0j),
        lambda t, x: t.fft.fft(x[0, 0]),
    ],
)
def test_errors(case):
    raises_as_peer(case, normal(3, 4))


def test_the_module_can_be_imported():
    import wengert.fft as module

    assert module is w.fft
