"""How the primitives of linear algebra are sampled: well-conditioned matrices, singular values apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.rules.harness import COMPLEXES, Case, Draw, Sample
from wengert import dtypes


def _near(draw: Draw, shape: tuple[int, ...], middle: Any) -> Any:
    return draw.layout(middle + 0.2 * draw.values(shape))


def _square(draw: Draw) -> Any:
    """Matrices not far from a diagonal one."""
    n = draw.integer(0, 3)
    return _near(draw, (*draw.shape(max_rank=2), n, n), np.diag([2.0, -3.0, 4.0][:n]))


def _full_rank(draw: Draw) -> Any:
    """Matrices of any shape with singular values that are well apart."""
    m, n = draw.integer(1, 4), draw.integer(1, 4)
    middle = np.zeros((m, n))
    np.fill_diagonal(middle, [6.0, 4.0, 2.0, 8.0])
    return draw.layout(middle + 0.15 * draw.values((*draw.shape(max_rank=1), m, n)))


def _one_square(draw: Draw) -> Sample:
    return Sample((_square(draw),))


def _positive(draw: Draw) -> Sample:
    """Matrices whose eigenvalues lie around 2, 3 and 4."""
    n = draw.integer(0, 3)
    return Sample((_near(draw, (*draw.shape(max_rank=1), n, n), np.diag([2.0, 3.0, 4.0][:n])),), ordered=True)


def _one_matrix(draw: Draw) -> Sample:
    return Sample((_full_rank(draw),))


def _system(draw: Draw) -> Sample:
    a = _square(draw)
    return Sample((a, draw.values((*a.shape[:-1], draw.integer(0, 2)))))


def _triangular_system(draw: Draw) -> Sample:
    return Sample(_system(draw).inputs, {"upper": draw.flag(), "unit": draw.flag()})


def _pseudo_inverse(draw: Draw) -> Sample:
    return Sample((_full_rank(draw), np.float64(1e-10)), {}, "xk")


def _least_squares(draw: Draw) -> Sample:
    a = _full_rank(draw)
    return Sample((a, draw.values((*a.shape[:-1], draw.integer(1, 2))), np.float64(1e-10)), {}, "xxk")


def _with_minors(draw: Draw) -> Sample:
    """Matrices of any shape whose diagonal stands out, so that the order of rows does not jump."""
    m, n = draw.integer(1, 4), draw.integer(1, 4)
    middle = np.zeros((m, n))
    np.fill_diagonal(middle, [3.0, -5.0, 4.0, 6.0])
    order = draw.random.permutation(m)
    return Sample((draw.layout((middle + 0.3 * draw.values((*draw.shape(max_rank=1), m, n)))[..., order, :]),))


def _pivots(draw: Draw) -> Sample:
    n = draw.integer(1, 4)
    batch = draw.shape(max_rank=2)
    low = np.arange(1, draw.integer(0, n) + 1)
    pivots = draw.random.integers(low, n + 1, (*batch, len(low))).astype(np.int32)
    return Sample((draw.layout(pivots),), {"n": n}, "i")


def _symmetric(draw: Draw) -> Any:
    a = _square(draw)
    return draw.layout(a + np.swapaxes(a, -1, -2))


def _symmetric_only(draw: Draw) -> Sample:
    return Sample((_symmetric(draw),))


def _ldl(draw: Draw) -> Sample:
    return Sample((_symmetric(draw),), {"hermitian": draw.flag()})


def _ldl_system(draw: Draw) -> Sample:
    n = draw.integer(0, 3)
    batch = draw.shape(max_rank=2)
    pivots = np.broadcast_to(np.arange(1, n + 1, dtype=np.int32), (*batch, n))
    ld = np.tril(_near(draw, (*batch, n, n), np.diag([2.0, -3.0, 4.0][:n])))
    inputs = (draw.layout(ld), draw.layout(pivots), draw.values((*batch, n, draw.integer(0, 2))))
    return Sample(inputs, {"hermitian": False}, "cic")


LAPACK: dict[str, Any] = {"dtypes": (dtypes.float32, dtypes.float64, *COMPLEXES)}

CASES: dict[str, Case] = {
    "inv": Case(_one_square, complex=True, **LAPACK),
    "solve": Case(_system, complex=True, **LAPACK),
    "solve_triangular": Case(_triangular_system, complex=True, **LAPACK),
    "det": Case(_one_square, complex=True, **LAPACK),
    "cofactors": Case(_one_square, complex=True, **LAPACK),
    "slogdet": Case(_one_square, complex=True, **LAPACK),
    "pinv": Case(_pseudo_inverse, complex=True, **LAPACK),
    "lstsq": Case(_least_squares, complex=True, **LAPACK),
    "qr": Case(_one_matrix, complex=True, **LAPACK),
    "lu_factor": Case(_with_minors, complex=True, **LAPACK),
    "permutation_of": Case(_pivots),
    "cholesky_info": Case(_symmetric_only, **LAPACK),
    "geqrf": Case(_one_matrix, **LAPACK),
    "ldl_factor": Case(_ldl, **LAPACK),
    "ldl_solve": Case(_ldl_system, **LAPACK),
    "matrix_exp": Case(_one_square, complex=True, **LAPACK),
    "matrix_sqrt": Case(_positive, complex=True, **LAPACK),
    "matrix_log": Case(_positive, complex=True, **LAPACK),
    "singular_values": Case(_one_matrix, complex=True, **LAPACK),
}
