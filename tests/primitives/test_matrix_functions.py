"""Square root and logarithm of matrices: what defines them, and matrices that have none."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from wengert.errors import LinAlgError

pytest.importorskip("scipy")


def test_they_invert_what_they_are_named_after():
    a = wengert.tensor([[[4.0, 1.0], [0.0, 9.0]], [[2.0, -1.0], [1.0, 2.0]]], dtype=wengert.float64)
    root, log = wengert.linalg.matrix_sqrt(a), wengert.linalg.matrix_log(a)
    np.testing.assert_allclose((root @ root).numpy(), a.numpy(), rtol=1e-12)
    np.testing.assert_allclose(wengert.linalg.matrix_exp(log).numpy(), a.numpy(), rtol=1e-12)
    assert np.linalg.eigvals(root.numpy()).real.min() > 0


def test_a_turn_by_a_half_has_a_complex_root_and_a_reflection_no_real_one():
    mirror = wengert.tensor([[1.0, 0.0], [0.0, -1.0]])
    with pytest.raises(LinAlgError, match="convert the matrix to a complex dtype"):
        wengert.linalg.matrix_sqrt(mirror).numpy()
    root = wengert.linalg.matrix_sqrt(mirror.to(wengert.complex64))
    np.testing.assert_allclose(root.numpy(), [[1, 0], [0, 1j]], atol=1e-6)


def test_empty_ones():
    assert wengert.linalg.matrix_log(wengert.zeros(3, 0, 0)).numpy().shape == (3, 0, 0)
