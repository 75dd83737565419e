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
    "singular_values": Case(_one_matrix, complex=True, **LAPACK),
}
