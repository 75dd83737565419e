"""Samples of `tf.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.tf.sampling import S, Sample, t, x

A = np.array([[4.0, 1.0, -0.5], [1.5, 3.0, 0.7], [-0.3, 0.4, 5.0]], np.float64)
B = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]], np.float64)
SPD = A @ A.T
SYMMETRIC = A + A.T
TALL = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.3]], np.float64)
MANY = np.stack([A, A.T + 1])
COMPLEX = (A + 1j * np.diag([0.5, -0.3, 0.2])).astype(np.complex64)
LINE = [1.0, 2.0, 3.0]
BAND = np.array([[0.0, 8.0, 9.0], [1.0, 2.0, 3.0], [4.0, 5.0, 0.0]], np.float32)
FINE = 1e-7


def size(tf: Any, parts: Any) -> Any:
    """Of a factorisation, what does not depend on signs: the sizes of elements."""
    return [tf.abs(part) for part in parts]


def values_only(tf: Any, parts: Any) -> Any:
    """The first of several results, in order."""
    return tf.sort(tf.math.real(parts[0]))


SAMPLES: list[Sample] = [
    S("linalg.adjoint", x(COMPLEX)), S("linalg.adjoint", x(B), rtol=FINE), S("linalg.matrix_transpose", x(MANY)),
    S("linalg.matrix_transpose", x(COMPLEX), conjugate=True), S("linalg.trace", x(MANY)),
    S("linalg.trace", t([[1, 2], [3, 4]])), S("linalg.band_part", x(A), 1, 0), S("linalg.band_part", x(A), -1, 0),
    S("linalg.band_part", x(MANY), 0, 1), S("linalg.tensor_diag", x(LINE)),
    S("linalg.tensor_diag", x([[1.0, 2.0], [3.0, 4.0]])),
    S("linalg.tensor_diag_part", x(np.arange(16, dtype=np.float32).reshape(2, 2, 2, 2))),
    S("linalg.det", x(A), rtol=FINE), S("linalg.det", x(MANY), rtol=FINE), S("linalg.logdet", x(SPD), rtol=FINE),
    S("linalg.slogdet", x(MANY), rtol=FINE), S("linalg.matrix_rank", t(np.ones((3, 3)))),
    S("linalg.matrix_rank", t(A.astype(np.float32)), tol=3.0), S("linalg.cholesky", x(SPD), rtol=FINE),
    S("linalg.cholesky", x(np.stack([SPD, SPD + 1])), rtol=FINE),
    S("linalg.cholesky_solve", x(np.linalg.cholesky(SPD)), x(B), rtol=FINE),
    S("linalg.qr", x(TALL), rtol=FINE, pick=size), S("linalg.qr", x(A), full_matrices=True, rtol=FINE, pick=size),
    S("linalg.svd", x(TALL), rtol=FINE, pick=size), S("linalg.svd", x(MANY), compute_uv=False, rtol=FINE),
    S("linalg.svd", t(TALL), full_matrices=True, pick=lambda tf, r: [tf.shape(part) for part in r]),
    S("linalg.eigh", x(SYMMETRIC), rtol=FINE, pick=size), S("linalg.eigvalsh", x(SYMMETRIC), rtol=FINE),
    S("linalg.eig", t(A), pick=values_only), S("eig", t(A), pick=values_only),
    S("linalg.eigvals", t(A), pick=lambda tf, y: tf.sort(tf.math.real(y))),
    S("eigvals", t(A), pick=lambda tf, y: tf.sort(tf.math.real(y))), S("linalg.inv", x(A), rtol=FINE),
    S("linalg.inv", x(MANY), adjoint=True, rtol=FINE), S("linalg.inv", x(COMPLEX), rtol=1e-4),
    S("linalg.solve", x(A), x(B), rtol=FINE), S("linalg.solve", x(A), x(B), adjoint=True, rtol=FINE),
    S("linalg.triangular_solve", x(np.tril(A)), x(B), rtol=FINE),
    S("linalg.triangular_solve", x(np.triu(A)), x(B), lower=False, rtol=FINE),
    S("linalg.triangular_solve", x(np.tril(A)), x(B), adjoint=True, rtol=FINE),
    S("linalg.lstsq", x(TALL), x([[1.0], [2.0], [0.5]], "float64"), rtol=1e-6),
    S("linalg.lstsq", x(TALL), x([[1.0], [2.0], [0.5]], "float64"), l2_regularizer=0.5, rtol=1e-6),
    S("linalg.lstsq", x(TALL.T.copy()), x([[1.0], [2.0]], "float64"), rtol=1e-6),
    S("linalg.lstsq", t(TALL), t([[1.0], [2.0], [0.5]], "float64"), fast=False, rtol=1e-6),
    S("linalg.pinv", x(TALL), rtol=1e-6), S("linalg.expm", x(A / 4), rtol=1e-6),
    S("linalg.logm", t(COMPLEX), rtol=1e-4), S("linalg.sqrtm", x(A), rtol=1e-6),
    S("matrix_square_root", x(A), rtol=1e-6), S("linalg.lu", t(A), rtol=1e-6),
    S("linalg.lu", t(MANY), output_idx_type="int64", rtol=1e-6),
    S("linalg.lu_reconstruct", x(A), t([1, 0, 2]), rtol=FINE),
    S("linalg.lu_solve", x(A), t([1, 0, 2]), x(B), rtol=1e-6),
    S("linalg.lu_matrix_inverse", x(A), t([0, 2, 1]), rtol=1e-6),
    S("linalg.matvec", x(A), x(LINE, "float64"), rtol=FINE),
    S("linalg.matvec", x(B), x(LINE, "float64"), transpose_a=True, rtol=FINE),
    S("linalg.matmul", x(A), x(B), rtol=FINE), S("linalg.tensordot", x(A), x(B), 1, rtol=FINE),
    S("linalg.einsum", "ij,jk->ik", x(A), x(B), rtol=FINE), S("linalg.cross", x(LINE), x([0.5, -1.0, 2.0])),
    S("linalg.norm", x(A), rtol=FINE), S("linalg.norm", x(A), ord=2, axis=[0, 1], rtol=FINE),
    S("linalg.norm", x(A), ord=1, axis=[0, 1], rtol=FINE), S("linalg.normalize", x(B), rtol=FINE),
    S("linalg.normalize", x(B), ord=1, axis=1, rtol=FINE), S("linalg.l2_normalize", x(LINE)), S("linalg.eye", 2),
    # --- diagonals
    S("linalg.diag", x(LINE)), S("linalg.diag", x([[1.0, 2.0], [3.0, 4.0]]), k=1),
    S("linalg.diag", x(LINE), k=-1, num_rows=4, num_cols=4, padding_value=9.0), S("linalg.diag", x(BAND), k=(-1, 1)),
    S("linalg.diag", x(BAND), k=(-1, 1), align="LEFT_RIGHT"), S("linalg.diag", x(BAND), k=(-1, 1), align="LEFT_LEFT"),
    S("linalg.diag_part", x(A)), S("linalg.diag_part", x(MANY), k=1), S("linalg.diag_part", x(A), k=(-1, 1)),
    S("linalg.diag_part", x(B), k=(-1, 0), align="LEFT_LEFT", padding_value=7.0),
    S("linalg.diag_part", x(B.T.copy()), k=(-1, 1), align="RIGHT_RIGHT"),
    S("linalg.set_diag", x(A), x(LINE, "float64")), S("linalg.set_diag", x(A), x(BAND.astype(np.float64)), k=(-1, 1)),
    S("linalg.set_diag", x(B), x([9.0, 8.0], "float64"), k=-1),
    S("linalg.tridiagonal_matmul", x(BAND), x(B.astype(np.float32))),
    S(
        "linalg.tridiagonal_matmul", [x([1.0, 2.0, 0.0]), x([3.0, 4.0, 5.0]), x([0.0, 6.0, 7.0])],
        x(B.astype(np.float32)), diagonals_format="sequence",
    ),
    S("linalg.tridiagonal_solve", x([[1.0, 1.0, 0.0], [4.0, 5.0, 6.0], [0.0, 1.0, 2.0]]), x([1.0, 2.0, 3.0])),
    S("linalg.tridiagonal_solve", x(A), x(B), diagonals_format="matrix", rtol=FINE),
    S("linalg.eigh_tridiagonal", t(LINE), t([0.5, 0.7])),
    S("linalg.eigh_tridiagonal", t(LINE), t([0.5, 0.7]), select="i", select_range=[0, 1]),
    S("linalg.banded_triangular_solve", x([[4.0, 5.0, 6.0], [0.0, 1.0, 2.0]]), x([[1.0], [2.0], [3.0]])),
    S("linalg.banded_triangular_solve", x([[1.0, 2.0, 0.0], [4.0, 5.0, 6.0]]), x([[1.0], [2.0], [3.0]]), lower=False),
]  # fmt: skip
