"""LAPACK's compact factors that are given out as they are: Householder reflections, and L D L^T. No derivatives: what
is differentiable about them is composed by the functions that use them.

All work on batches of matrices, the last two axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.dtypes import int32
from wengert.errors import LinAlgError
from wengert.graph.node import ArrayType, Node, TupleType, array_type, tuple_type
from wengert.graph.rule import Primitive
from wengert.primitives.matrices import check_matrices, matrixwise
from wengert.primitives.views import all_batched


class Geqrf(Primitive):
    """(a, tau): R on and above the diagonal of a, below it the vectors v_k of the reflections I - tau_k v_k v_k^H

    Shapes    A and a (..., m, n), tau (..., min(m, n))
    """

    name = "geqrf"
    differentiable = False

    def infer(self, a: ArrayType) -> TupleType:
        check_matrices(self.name, a)
        return tuple_type(a, array_type((*a.shape[:-2], min(a.shape[-2:])), a.dtype))

    def evaluate(self, a: Any) -> Any:
        if not a.size:
            return a, np.zeros((*a.shape[:-2], min(a.shape[-2:])), a.dtype)
        h, tau = np.linalg.qr(a, "raw")
        return np.swapaxes(h, -1, -2).astype(a.dtype), tau.astype(a.dtype)

    batch = matrixwise


def _lapack(name: str, dtype: Any, hermitian: bool) -> Any:
    """LAPACK's routine sy... or he... Raises: ImportError where SciPy is not installed."""
    try:
        from scipy.linalg import get_lapack_funcs  # optional: NumPy has no L D L^T
    except ImportError:
        raise ImportError("ldl: computed by SciPy, which is not installed; pip install scipy") from None
    kind = "he" if hermitian and np.dtype(dtype).kind == "c" else "sy"
    return get_lapack_funcs((kind + name,), dtype=dtype)[0]


class LdlFactor(Primitive):
    """(LD, pivots, info) with A = P L D L^T P^T (L^H, when `hermitian`), of which the lower triangle is read

    pivots    int32, LAPACK's: the row that was exchanged, negative for 2 x 2 blocks of D
    info      int32, the first block of D that is singular, else 0
    """

    name = "ldl_factor"
    params = ("hermitian",)
    differentiable = False

    def infer(self, a: ArrayType, *, hermitian: bool) -> TupleType:
        check_matrices(self.name, a, square=True)
        return tuple_type(a, array_type(a.shape[:-1], int32), array_type(a.shape[:-2], int32))

    def evaluate(self, a: Any, *, hermitian: bool) -> Any:
        factor = _lapack("trf", a.dtype, hermitian)
        packed = np.array(a, order="C")
        pivots, info = np.zeros(a.shape[:-1], np.int32), np.zeros(a.shape[:-2], np.int32)
        for at in np.ndindex(info.shape):
            if a.shape[-1]:
                found, pivots[at], info[at] = factor(a[at], lower=True)
                packed[at] = np.tril(found)
        return packed, pivots, info

    batch = matrixwise


class LdlSolve(Primitive):
    """x with A x = B, by the factors of A

    Shapes    LD (..., n, n), pivots (..., n), B and x (..., n, k)
    """

    name = "ldl_solve"
    params = ("hermitian",)
    differentiable = False

    def infer(self, ld: ArrayType, pivots: ArrayType, b: ArrayType, *, hermitian: bool) -> ArrayType:
        check_matrices(self.name, ld, b, square=True)
        return b

    def evaluate(self, ld: Any, pivots: Any, b: Any, *, hermitian: bool) -> Any:
        solve = _lapack("trs", ld.dtype, hermitian)
        x = np.array(b, order="C")
        for at in np.ndindex(b.shape[:-2]):
            if b[at].size:
                x[at], failed = solve(ld[at], pivots[at], b[at], lower=True)
                if failed:
                    raise LinAlgError(f"ldl_solve: argument {-failed} of LAPACK's solver is not legal")
        return x

    def batch(self, size: int, inputs: tuple[Node, ...], batched: tuple[bool, ...], *, hermitian: bool) -> Node:
        return self(*all_batched(size, inputs, batched), hermitian=hermitian)


geqrf = Geqrf()
ldl_factor = LdlFactor()
ldl_solve = LdlSolve()
