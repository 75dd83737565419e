"""Factorisations: they multiply back, and their derivatives are differences, by what does not depend on signs and
phases. The others' rules are in the battery."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nodes import given, over_batch, value, vjp
from tests.primitives.differences import KINDS, check_derivatives, matrix, weights
from tests.rules.harness import Program
from wengert.dtypes import float32, int64
from wengert.errors import DtypeError, LinAlgError, ShapeError
from wengert.graph.node import array_type
from wengert.graph.record import separate_tape
from wengert.graph.rule import primitives as p
from wengert.primitives.control import element
from wengert.primitives.factorisations import cholesky, eigh, qr
from wengert.primitives.matrices import adjoint, as_row, hermitian_part, identity_like, multiply

# --- Cholesky ---------------------------------------------------------------------------------------------------------


def positive(n: int, complex: bool) -> Any:
    x = matrix(n, n, complex)
    return x @ x.conj().T + np.eye(n)


@pytest.mark.parametrize("complex", KINDS)
@pytest.mark.parametrize("n", [1, 3])
def test_cholesky(n, complex):
    a = positive(n, complex)
    y = value(cholesky(given(a)))
    np.testing.assert_allclose(y @ y.conj().T, a)
    assert np.all(np.triu(y, 1) == 0)
    check_derivatives(lambda x: cholesky(hermitian_part(x)), a)


def test_cholesky_spreads_its_derivative_evenly():
    (bar,) = vjp(cholesky, [positive(3, False)], weights(3, 3))
    np.testing.assert_allclose(bar, bar.T)


def test_cholesky_needs_a_positive_definite_matrix():
    with pytest.raises(LinAlgError, match="cholesky: the matrix is not positive definite"):
        value(cholesky(given(-np.eye(2))))


# --- QR ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("complex", KINDS)
@pytest.mark.parametrize(("m", "n"), [(3, 3), (4, 2), (2, 4)])
def test_qr(m, n, complex):
    a = matrix(m, n, complex)
    for mode in ("reduced", "complete"):
        y = qr(given(a), mode=mode)
        q, r = value(element(y, index=0)), value(element(y, index=1))
        np.testing.assert_allclose(q @ r, a, atol=1e-12)
        np.testing.assert_allclose(q.conj().T @ q, np.eye(q.shape[1]), atol=1e-12)
    for k in (0, 1):
        check_derivatives(lambda x, k=k: element(qr(x, mode="reduced"), index=k), a)
    both = lambda x: (lambda y: multiply(element(y, index=0) * as_row(given(d)), element(y, index=1)))(qr(x, mode="reduced"))
    d = weights(min(m, n)).astype(a.dtype)
    check_derivatives(both, a)


def test_a_complete_qr_of_a_tall_matrix_has_no_derivative():
    with pytest.raises(RuntimeError, match="mode='reduced'"):
        vjp(lambda x: element(qr(x, mode="complete"), index=0), [matrix(3, 2, False)])


# --- eigenvalues ------------------------------------------------------------------------------------------------------


def spectral(x: Any, d: Any) -> Any:
    """V d V^H: what does not depend on the phases of the eigenvectors."""
    y = eigh(hermitian_part(x), lower=True)
    v = element(y, index=1)
    return multiply(v * as_row(given(d)), adjoint(v))


@pytest.mark.parametrize("complex", KINDS)
def test_eigh(complex):
    x = matrix(3, 3, complex)
    a = (x + x.conj().T) / 2
    for lower in (True, False):
        read = np.tril(a) if lower else np.triu(a)
        y = eigh(given(read), lower=lower)
        w, v = value(element(y, index=0)), value(element(y, index=1))
        np.testing.assert_allclose(v * w @ v.conj().T, a, atol=1e-12)
        assert np.all(np.diff(w) > 0) and w.dtype == np.float64
    check_derivatives(lambda x: element(eigh(hermitian_part(x), lower=True), index=0), a)
    check_derivatives(lambda x: spectral(x, weights_of(x)), a)


def weights_of(x: Any) -> Any:
    return np.array([0.7, 1.9, 1.1]).astype(x.dtype.numpy)


def test_equal_eigenvalues_have_a_derivative_together():
    function = lambda x: p.reduce_sum(element(eigh(hermitian_part(x), lower=True), index=0), axes=(0,))
    (bar,) = vjp(function, [np.eye(3)])
    np.testing.assert_allclose(bar, np.eye(3), atol=1e-12)


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("primitive", [cholesky, qr, eigh])
def test_wrong_types_are_errors(primitive):
    with pytest.raises(ShapeError, match="at least 2 dimensions"):
        primitive.infer(array_type((3,), float32), **primitive.defaults)
    with pytest.raises(DtypeError, match="float32"):
        primitive.infer(array_type((3, 3), int64), **primitive.defaults)


def test_a_batch_is_one_more_axis():
    a = np.stack([positive(3, False), positive(3, False)])
    for function in (cholesky, lambda x: element(eigh(x, lower=True), index=0)):
        got = over_batch(function, [a], [True])
        np.testing.assert_allclose(got, [value(function(given(x))) for x in a])


def test_parts_of_matrices():
    x = matrix(3, 3, True)
    with separate_tape():
        node = given(x)
        outputs = [adjoint(node), identity_like(node), hermitian_part(node)]
        got = Program([node], outputs)([x])
    for y, want in zip(got, (x.conj().T, np.eye(3), (x + x.conj().T) / 2)):
        np.testing.assert_allclose(y, want)
