"""Complex numbers beside PyTorch: values, and cotangents by the conjugate Wirtinger convention."""

from __future__ import annotations

import numpy as np
import pytest

from tests.primitives.peer import INF, NAN, PLANE, beside, evaluate
from wengert import dtypes
from wengert.errors import DtypeError
from wengert.graph.node import array_type
from wengert.graph.rule import placeholder
from wengert.primitives import complexes as own

POINTS = np.array([0j, *PLANE])


def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["real", "imag", "angle"])
def test_parts_and_angle(name):
    beside(getattr(own, name), getattr(torch(), name), POINTS, y_bar=-1.5)


def test_conj():
    beside(own.conj, lambda x: torch().conj(x).resolve_conj(), POINTS, y_bar=2 - 1j)


def test_complex_of_two_parts():
    x, w = np.array([[1.0], [-2.0]]), np.array([0.5, 3.0, -1.0])
    beside(own.complex, lambda a, b: torch().complex(*torch().broadcast_tensors(a, b)), x, w, y_bar=2 - 1j)


def test_complex_keeps_infinite_parts():
    got = evaluate(own.complex, np.array([INF, 1.0]), np.array([1.0, -INF]))
    np.testing.assert_array_equal(got.real, [INF, 1.0])
    np.testing.assert_array_equal(got.imag, [1.0, -INF])


def test_angle_of_real_numbers():
    beside(own.angle, torch().angle, np.array([-2.0, -0.0, 0.0, 3.0, NAN]))


def test_angle_takes_the_side_of_the_cut_from_the_sign_of_zero():
    np.testing.assert_array_equal(evaluate(own.angle, np.array([complex(-1, 0.0), complex(-1, -0.0)])), [np.pi, -np.pi])


@pytest.mark.parametrize("name", ["real", "conj"])
def test_real_numbers_are_their_own_real_part_and_conjugate(name):
    beside(getattr(own, name), lambda x: x * 1, np.array([1.0, -2.0]))
    assert evaluate(getattr(own, name), np.array([1, 2])).dtype == np.int64


def test_real_numbers_have_no_imaginary_part():
    with pytest.raises(DtypeError, match="imag: a dtype that is complex; got float32"):
        own.imag(placeholder(array_type((2,), dtypes.float32)))


def test_half_precision_has_no_complex_type():
    x = placeholder(array_type((2,), dtypes.float16))
    with pytest.raises(DtypeError, match="parts of dtype float32 or float64; got float16"):
        own.complex(x, x)
