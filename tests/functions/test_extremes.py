"""The largest and the smallest, beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.functions.peer import INF, NAN, array, beside, normal, ours, raises_as_peer, tensor
from wengert.functions import return_types

CUBE = normal(2, 3, 4)
TIES = np.array([[2.0, 2, 1], [0, -1, -1], [3, 3, 3]])


@pytest.mark.parametrize("name", ["max", "min"])
def test_three_forms(name):
    beside(lambda m, x: getattr(m, name)(x), CUBE)
    beside(lambda m, x: getattr(m, name)(x, 1), CUBE)
    beside(lambda m, x: getattr(m, name)(x, dim=-1, keepdim=True), CUBE)
    beside(lambda m, x, w: getattr(m, name)(x, w), CUBE, CUBE[0, 0] * 0.5)
    beside(lambda m, x, w: getattr(m, name)(x, other=w), CUBE, CUBE[::-1].copy())
    beside(lambda m, x: getattr(m, name)(x, 0), np.float64(2.0))


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin"])
def test_ties_share_the_derivative_of_a_full_reduction(name):
    beside(lambda m, x: getattr(m, name)(x), TIES, second=False)


@pytest.mark.parametrize("name", ["max", "min"])
def test_the_derivative_along_a_dimension_goes_to_the_index(name):
    beside(lambda m, x: getattr(m, name)(x, 1), TIES)
    beside(lambda m, x: getattr(m, name)(x, 0), TIES)


@pytest.mark.parametrize("dim", [(), 0, -1, (0, 2), [1, 0], None])
@pytest.mark.parametrize("name", ["amax", "amin"])
def test_amax_over_several_dimensions(name, dim):
    if dim is None:  # PyTorch takes () for all; None is ours too
        assert array(getattr(ours, name)(tensor(CUBE), None)) == getattr(CUBE, name[1:])()
        return
    beside(lambda m, x: getattr(m, name)(x, dim), CUBE)
    beside(lambda m, x: getattr(m, name)(x, dim, True), CUBE)


def test_aminmax():
    beside(lambda m, x: m.aminmax(x), CUBE)
    beside(lambda m, x: m.aminmax(x, dim=1), CUBE)
    beside(lambda m, x: m.aminmax(x, dim=-1, keepdim=True), CUBE)
    assert ours.aminmax(tensor(CUBE)).max.item() == CUBE.max()


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions(name):
    for dim in (None, 0, 1, -1):
        for keepdim in (False, True):
            beside(lambda m, x, d=dim, k=keepdim: getattr(m, name)(x, d, k), CUBE, derivative=False)
    beside(lambda m, x: getattr(m, name)(x), TIES, derivative=False)
    beside(lambda m, x: getattr(m, name)(x), np.float64(3), derivative=False)
    beside(lambda m, x: getattr(m, name)(x, 0, True), np.float64(3), derivative=False)
    beside(lambda m, x: getattr(m, name)(x, 1), np.zeros((0, 3)), derivative=False)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float32", "float16"])
def test_dtypes(name, dtype):
    x = np.array([[1, 0, 3], [4, 5, 0]]).astype(dtype)
    beside(lambda m, x: getattr(m, name)(x), x, derivative=False)
    beside(lambda m, x: getattr(m, name)(x, 1), x, derivative=False)


def test_nan_is_the_largest_and_the_smallest():
    x = np.array([[1.0, NAN, 3, NAN], [1, 2, INF, -INF]])
    for name in ("max", "min"):
        beside(lambda m, x, name=name: getattr(m, name)(x, 1), x, second=False)
        beside(lambda m, x, name=name: getattr(m, name)(x), x, derivative=False)
        beside(lambda m, x, name=name: getattr(m, f"arg{name}")(x, 1), x, derivative=False)


def test_results_have_names():
    result = ours.max(tensor(CUBE), 0)
    assert isinstance(result, return_types.max)
    assert result.values is result[0] and result.indices is result[1]


def test_out_is_written():
    values, indices = tensor(np.zeros((3, 4))), tensor(np.zeros((3, 4), np.int64))
    ours.max(tensor(CUBE), 0, out=(values, indices))
    np.testing.assert_array_equal(array(values), CUBE.max(0))
    np.testing.assert_array_equal(array(indices), CUBE.argmax(0))
    with pytest.raises(TypeError, match="two"):
        ours.max(tensor(CUBE), 0, out=values)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m, x: m.max(x, (0, 1)),
        lambda m, x: m.max(x, 3),
        lambda m, x: m.max(x, keepdim=True),
        lambda m, x: m.amax(x, (0, 0)),
        lambda m, x: m.aminmax(x, dim=(0, 1)),
        lambda m, x: m.argmax(x, 2.5),
        lambda m, x: m.argmax(m.gt(x, 0)),
    ],
)
def test_wrong_arguments_are_errors(wrong):
    raises_as_peer(wrong, CUBE)


@pytest.mark.parametrize("name", ["max", "amax", "argmax", "aminmax", "min", "amin", "argmin"])
def test_no_elements_are_errors(name):
    raises_as_peer(lambda m, x: getattr(m, name)(x), np.zeros((0, 3)))
    raises_as_peer(lambda m, x: getattr(m, name)(x, dim=0), np.zeros((0, 3)))


def test_complex_numbers_have_no_order():
    raises_as_peer(lambda m, x: m.amax(x), np.array([1j]))
    raises_as_peer(lambda m, x: m.max(x, 0), np.array([1j]))
