"""Eigenvalues of any matrix: derivatives of what does not depend on phases, against differences."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as w
from wengert.autograd.gradcheck import gradcheck, gradgradcheck


@pytest.mark.parametrize("complex", [False, True])
def test_derivatives_through_values_and_vectors(complex):
    random = np.random.default_rng(3)
    a = random.standard_normal((2, 3, 3)) + (1j * random.standard_normal((2, 3, 3)) if complex else 0)
    x = w.tensor(a, requires_grad=True)

    def projectors(a):
        values, v = w.linalg.eig(a)
        # Columns of V times rows of its inverse: phases cancel.
        each = v.unsqueeze(-1) * w.linalg.inv(v).unsqueeze(-3)  # (batch, i, k, j)
        return each * values.exp().unsqueeze(-1).unsqueeze(-3), v.abs()

    assert gradcheck(lambda a: [y.real if y.is_complex() else y for y in projectors(a)], (x,))
    assert gradgradcheck(lambda a: projectors(a)[1], (x,))


def test_a_function_of_a_matrix_by_its_eigenvalues_is_the_series():
    a = w.tensor(np.random.default_rng(4).standard_normal((4, 4)), requires_grad=True)
    values, v = w.linalg.eig(a)
    by_values = (v * values.exp() @ w.linalg.inv(v)).real
    assert w.allclose(by_values, w.matrix_exp(a))
    c = w.tensor(np.random.default_rng(5).standard_normal((4, 4)))
    (first,) = w.autograd.grad((by_values * c).sum(), a)
    (second,) = w.autograd.grad((w.matrix_exp(a) * c).sum(), a)
    assert w.allclose(first, second)
