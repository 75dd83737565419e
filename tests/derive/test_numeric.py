"""Central differences."""

import numpy as np

from wengert.derive.numeric import as_real, numeric_directional, numeric_jacobians


def test_jacobians_of_real_functions():
    x, k = np.array([[0.5, 1.0]]), np.array(3.0)
    (found,) = numeric_jacobians(lambda arrays: [arrays[0] ** 2 * arrays[1], arrays[0].sum()], [x, k], [0], 1e-6)
    np.testing.assert_allclose(found[0], np.diag([3.0, 6.0]), rtol=1e-8)
    np.testing.assert_allclose(found[1], np.ones((2, 1)), rtol=1e-8)
    both = numeric_jacobians(lambda arrays: [arrays[0] * arrays[1]], [x, k], [0, 1], 1e-6)
    np.testing.assert_allclose(both[1][0], [[0.5, 1.0]], rtol=1e-8)


def test_jacobians_of_complex_functions_are_real_matrices():
    z = np.array([1 + 2j])
    (found,) = numeric_jacobians(lambda arrays: [arrays[0] ** 2], [z], [0], 1e-6)
    np.testing.assert_allclose(found[0], [[2, 4], [-4, 2]], rtol=1e-8)  # d(re, im)/d re, d(re, im)/d im
    (found,) = numeric_jacobians(lambda arrays: [abs(arrays[0])], [z], [0], 1e-6)
    np.testing.assert_allclose(found[0], np.array([[1], [2]]) / np.sqrt(5), rtol=1e-8)


def test_directional_derivatives():
    z = np.array([1 + 2j, 3j])
    direction = np.array([1.0, 0.0, 0.0, 2.0])
    (found,) = numeric_directional(lambda arrays: [arrays[0] ** 2], [z], {0: direction}, 1e-6)
    np.testing.assert_allclose(found, as_real(2 * z * np.array([1, 2j])), rtol=1e-8)


def test_inputs_are_left_alone():
    x = np.ones(2)
    numeric_jacobians(lambda arrays: [arrays[0]], [x], [0], 1e-6)
    numeric_directional(lambda arrays: [arrays[0]], [x], {0: np.ones(2)}, 1e-6)
    assert x.tolist() == [1.0, 1.0]


def test_empty_arrays():
    (found,) = numeric_jacobians(lambda arrays: [arrays[0] * 2, np.ones(3)], [np.zeros(0)], [0], 1e-6)
    assert [block.shape[0] for block in found] == [0, 0]
