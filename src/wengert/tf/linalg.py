"""`tf.linalg`: matrices are the last two axes."""

from __future__ import annotations

from wengert.tf.ops.bands import (
    banded_triangular_solve,
    diag,
    diag_part,
    eigh_tridiagonal,
    set_diag,
    tridiagonal_matmul,
    tridiagonal_solve,
)
from wengert.tf.ops.creation import eye
from wengert.tf.ops.matrices import (
    adjoint,
    band_part,
    cholesky,
    cholesky_solve,
    det,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    expm,
    inv,
    logdet,
    logm,
    lstsq,
    matrix_rank,
    matrix_transpose,
    pinv,
    qr,
    slogdet,
    solve,
    sqrtm,
    svd,
    tensor_diag,
    tensor_diag_part,
    trace,
    triangular_solve,
)
from wengert.tf.ops.ordering import global_norm
from wengert.tf.ops.products import cross, einsum, matmul, matvec, norm, normalize, tensordot
from wengert.tf.ops.special import l2_normalize
from wengert.tf.ops.triangles import lu, lu_matrix_inverse, lu_reconstruct, lu_solve

__all__ = [
    "adjoint", "band_part", "banded_triangular_solve", "cholesky", "cholesky_solve", "cross", "det", "diag",
    "diag_part", "eig", "eigh", "eigh_tridiagonal", "eigvals", "eigvalsh", "einsum", "expm", "eye", "global_norm",
    "inv", "l2_normalize", "logdet", "logm", "lstsq", "lu", "lu_matrix_inverse", "lu_reconstruct", "lu_solve", "matmul",
    "matrix_rank", "matrix_transpose", "matvec", "norm", "normalize", "pinv", "qr", "set_diag", "slogdet", "solve",
    "sqrtm", "svd", "tensor_diag", "tensor_diag_part", "tensordot", "trace", "triangular_solve", "tridiagonal_matmul",
    "tridiagonal_solve",
]  # fmt: skip
