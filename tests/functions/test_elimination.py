"""A = P L U, A = L D L^T, and the forms with an info, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as w
from tests.functions.peer import beside, complex_normal, normal, raises_as_peer


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (2, 3, 3), (0, 3, 3)])
@pytest.mark.parametrize("draw", [normal, complex_normal])
def test_factors(shape, draw):
    beside(lambda t, a: t.linalg.lu(a), draw(*shape), scale=100)
    beside(lambda t, a: t.linalg.lu_factor(a), draw(*shape), scale=100)
    beside(lambda t, a: t.lu_unpack(*t.linalg.lu_factor(a)), draw(*shape), scale=100)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
def test_solving_by_factors(left, adjoint):
    def case(t, a, b):
        return t.linalg.lu_solve(*t.linalg.lu_factor(a), b, left=left, adjoint=adjoint)

    beside(case, complex_normal(2, 3, 3), complex_normal(2, 3, 3, seed=1), scale=100)


def test_without_scipy_the_same(monkeypatch):
    from wengert.primitives import elimination

    a = w.tensor(normal(2, 5, 3))
    lent = [y.tolist() for y in w.linalg.lu_factor(a)]
    monkeypatch.setattr(elimination, "_getrf", lambda char: None)
    own = [y.tolist() for y in w.linalg.lu_factor(a + 0.0)]
    np.testing.assert_allclose(own[0], lent[0], rtol=1e-12)
    assert own[1] == lent[1]


def test_a_singular_matrix_has_a_number_instead_of_an_exception():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    beside(lambda t, x: t.linalg.lu_factor_ex(x)[2], a, derivative=False)
    beside(lambda t, x: t.linalg.inv_ex(x)[1], a, derivative=False)
    beside(lambda t, x: t.linalg.solve_ex(x, x)[1], a, derivative=False)
    beside(lambda t, x: t.linalg.cholesky_ex(-x)[1], a, derivative=False)
    for name in ("inv_ex", "cholesky_ex"):
        raises_as_peer(lambda t, x, name=name: getattr(t.linalg, name)(-x, check_errors=True), a)


def test_regular_ones_with_a_number():
    beside(lambda t, x: t.linalg.inv_ex(x)[0], normal(3, 3), scale=100)
    beside(lambda t, x: t.linalg.cholesky_ex(x @ x.mT + t.eye(3), upper=True).L, normal(3, 3).astype(np.float32))


@pytest.mark.parametrize("hermitian", [True, False])
def test_ldl(hermitian):
    a = complex_normal(4, 4)
    a = a + (a.conj().T if hermitian else a.T)

    def case(t, x, b):
        f = t.linalg.ldl_factor(x, hermitian=hermitian)
        return (*f, t.linalg.ldl_solve(*f, b, hermitian=hermitian))

    beside(case, a, complex_normal(4, 2, seed=1), derivative=False)


@pytest.mark.filterwarnings("ignore:torch.(triangular|lu)_solve is deprecated")
def test_triangular_solve_and_older_names():
    a = np.tril(normal(3, 3)) + 3 * np.eye(3)
    beside(lambda t, x, b: t.triangular_solve(b, x, upper=False), a, normal(3, 2))
    beside(lambda t, x, b: t.lu_solve(b, *t.linalg.lu_factor(x)), a, normal(3, 2), scale=10)


@pytest.mark.parametrize(
    "case",
    [
        lambda t, a: t.linalg.lu_factor(a, pivot=False),
        lambda t, a: t.linalg.inv_ex(a[:2]),
        lambda t, a: t.linalg.lu_solve(a, t.ones(2, dtype=t.int32), a),
        lambda t, a: t.linalg.lu_solve(a, t.ones(3, dtype=t.int64), a),
        lambda t, a: t.lu_unpack(a, t.tensor([9, 9, 9], dtype=t.int32)),
    ],
)
def test_errors(case):
    raises_as_peer(case, normal(3, 3))
