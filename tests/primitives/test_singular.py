"""Singular values and vectors: they multiply back, and their derivatives are differences, by what does not depend on signs
and phases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nodes import given, jvp, over_batch, value, vjp
from tests.primitives.differences import KINDS, check_derivatives, matrix, weights
from wengert.dtypes import float32, int64
from wengert.errors import DtypeError, LinAlgError, ShapeError
from wengert.graph.node import array_type
from wengert.graph.rule import primitives as p
from wengert.primitives.control import element
from wengert.primitives.matrices import adjoint, as_row, multiply
from wengert.primitives.singular import singular_values, svd


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


@pytest.mark.parametrize("primitive", [svd, singular_values])
def test_no_number_has_no_singular_values(primitive):
    with pytest.raises(LinAlgError, match="NaN"):
        y = primitive(given(np.full((2, 2), np.nan)), **primitive.defaults)
        value(y if primitive is singular_values else element(y, index=1))


@pytest.mark.parametrize("primitive", [svd, singular_values])
def test_wrong_types_are_errors(primitive):
    with pytest.raises(ShapeError, match="at least 2 dimensions"):
        primitive.infer(array_type((3,), float32), **primitive.defaults)
    with pytest.raises(DtypeError, match="float32"):
        primitive.infer(array_type((3, 3), int64), **primitive.defaults)


def test_a_batch_is_one_more_axis():
    a = np.stack([matrix(3, 2, False), matrix(3, 2, False)])
    got = over_batch(singular_values, [a], [True])
    np.testing.assert_allclose(got, [value(singular_values(given(x))) for x in a])
