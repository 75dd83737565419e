"""Factorisations: they multiply back, and their derivatives are differences, by what does not depend on signs and
phases. The others' rules are in the battery."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nodes import given, jvp, over_batch, tangent, value, vjp
from tests.rules.harness import Program, direction, inner
from wengert.dtypes import float32, int64
from wengert.errors import DtypeError, LinAlgError, ShapeError
from wengert.graph.node import array_type
from wengert.graph.record import separate_tape
from wengert.graph.rule import primitives as p
from wengert.primitives.control import element
from wengert.primitives.factorisations import cholesky, eigh, qr, singular_values, svd
from wengert.primitives.matrices import adjoint, as_row, hermitian_part, identity_like, multiply

RANDOM = np.random.default_rng(0)
KINDS = [False, True]


def matrix(m: int, n: int, complex: bool) -> Any:
    """A matrix with singular values well apart."""
    middle = np.zeros((m, n))
    np.fill_diagonal(middle, [6.0, 4.0, 2.0, 8.0])
    x = middle + RANDOM.uniform(-0.6, 0.6, (m, n))
    return x + 1j * RANDOM.uniform(-0.6, 0.6, (m, n)) if complex else x


def weights(*shape: int) -> Any:
    return RANDOM.uniform(0.5, 2.0, shape)


def check_derivatives(function: Any, x: Any) -> None:
    """vjp and jvp of a function of one matrix against central differences and against each other; then once more,
    the gradient of the tangent against differences of it."""
    v = direction(RANDOM, x)
    h = 1e-4
    slope = (value(function(given(x + h * v))) - value(function(given(x - h * v)))) / (2 * h)
    y_dot = jvp(function, [x], [v])
    np.testing.assert_allclose(y_dot, slope, rtol=1e-5, atol=1e-6)
    y_bar = direction(RANDOM, slope)
    (x_bar,) = vjp(function, [x], y_bar)
    assert x_bar.dtype == x.dtype
    np.testing.assert_allclose(inner([x_bar], [v]), inner([y_bar], [y_dot]), rtol=1e-9, atol=1e-10)
    along = lambda z: tangent(function, [z], [given(v)])
    second = (jvp(function, [x + h * v], [v]) - jvp(function, [x - h * v], [v])) / (2 * h)
    (xx_bar,) = vjp(along, [x], y_bar)
    np.testing.assert_allclose(inner([xx_bar], [v]), inner([y_bar], [second]), rtol=1e-4, atol=1e-5)


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
    both = lambda x: (lambda y: multiply(element(y, index=0) * as_row(given(d)), element(y, index=1)))(
        qr(x, mode="reduced")
    )
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


# --- singular values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("complex", KINDS)
@pytest.mark.parametrize(("m", "n"), [(3, 3), (4, 2), (2, 4), (1, 3)])
def test_svd(m, n, complex):
    a = matrix(m, n, complex)
    k = min(m, n)
    for full in (False, True):
        y = svd(given(a), full=full)
        u, s, w = (value(element(y, index=i)) for i in range(3))
        np.testing.assert_allclose(u[:, :k] * s @ w[:k], a, atol=1e-12)
        np.testing.assert_allclose(value(singular_values(given(a))), s)
    d = weights(k).astype(a.dtype)

    def of(x: Any, combine: Any, full: bool = False) -> Any:
        y = svd(x, full=full)
        return combine(*[element(y, index=i) for i in range(3)])

    check_derivatives(lambda x: of(x, lambda u, s, w: s), a)
    check_derivatives(singular_values, a)
    check_derivatives(lambda x: of(x, lambda u, s, w: multiply(u * as_row(given(d)), w)), a)
    check_derivatives(lambda x: of(x, lambda u, s, w: multiply(u * as_row(given(d)), adjoint(u))), a)
    check_derivatives(lambda x: of(x, lambda u, s, w: multiply(adjoint(w) * as_row(given(d)), w)), a)


def test_a_full_svd_has_the_derivative_of_the_reduced_one():
    a = matrix(4, 2, False)
    first = lambda x, full: p.slice(element(svd(x, full=full), index=0), index=((0, 4, 1), (0, 2, 1)))
    np.testing.assert_allclose(
        vjp(lambda x: first(x, True), [a], np.ones((4, 2)))[0], vjp(lambda x: first(x, False), [a], np.ones((4, 2)))[0]
    )
    with pytest.raises(RuntimeError, match="full_matrices=False"):
        jvp(lambda x: first(x, True), [a], [a])


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("primitive", [cholesky, qr, eigh, svd, singular_values])
def test_wrong_types_are_errors(primitive):
    with pytest.raises(ShapeError, match="at least 2 dimensions"):
        primitive.infer(array_type((3,), float32), **primitive.defaults)
    with pytest.raises(DtypeError, match="float32"):
        primitive.infer(array_type((3, 3), int64), **primitive.defaults)


@pytest.mark.parametrize("primitive", [svd, singular_values])
def test_no_number_has_no_singular_values(primitive):
    with pytest.raises(LinAlgError, match="NaN"):
        y = primitive(given(np.full((2, 2), np.nan)), **primitive.defaults)
        value(y if primitive is singular_values else element(y, index=1))


def test_a_batch_is_one_more_axis():
    a = np.stack([positive(3, False), positive(3, False)])
    for function in (cholesky, singular_values, lambda x: element(eigh(x, lower=True), index=0)):
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
