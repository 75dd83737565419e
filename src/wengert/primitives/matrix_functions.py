"""Functions of matrices by way of Schur's form: the principal square root and the principal logarithm.

SciPy computes them, and is needed; the derivatives are ours. Both work on batches of matrices, the last two axes.
Source: N. J. Higham, Functions of matrices, 2008, theorem 3.6 (the derivative as a block of a larger function) and
chapters 6 and 11.
"""

from __future__ import annotations

from typing import Any, ClassVar, Optional

import numpy as np

from wengert.errors import LinAlgError
from wengert.graph.node import ArrayType, Node
from wengert.graph.rule import Cotangent, General, primitives
from wengert.primitives.elimination import block
from wengert.primitives.matrices import adjoint, check_matrices, matrixwise
from wengert.primitives.numerics import need_scipy_linalg


class _MatrixFunction(General):
    """Y = f(A), where f keeps what conjugation does: f(A^H) = f(A)^H.

    Reverse   A_bar = the upper right block of f(A^H y_bar; 0 A^H)
    Forward   y_dot = the upper right block of f(A A_dot; 0 A)
    Domain    no eigenvalue on the closed negative real axis
    Precision computed in float64 (complex128) and rounded once
    Raises    LinAlgError for a real matrix whose function is not real; ImportError where SciPy is not installed
    """

    lent: ClassVar[str]

    def infer(self, a: ArrayType) -> ArrayType:
        check_matrices(self.name, a, square=True)
        return a

    def evaluate(self, a: Any) -> Any:
        function = need_scipy_linalg(self.name, self.lent)
        real = a.dtype.kind != "c"
        y = np.empty(a.shape, np.float64 if real else np.complex128)
        for place in np.ndindex(a.shape[:-2]):
            found = function(a[place].astype(y.dtype)) if a.shape[-1] else y[place]
            if real and np.iscomplexobj(found) and np.any(np.abs(found.imag) > 1e-9 * np.abs(found).max()):
                raise LinAlgError(
                    f"{self.name}: the result is not real, for the matrix has eigenvalues on the negative axis; "
                    "convert the matrix to a complex dtype"
                )
            y[place] = found.real if real else found
        return y.astype(a.dtype)

    def vjp(self, y_bar: Node, a: Node, *, y: Node) -> tuple[Cotangent, ...]:
        return (lambda: self._corner(adjoint(a), y_bar),)

    def jvp(self, x_dots: tuple[Optional[Node], ...], a: Node, *, y: Node) -> Optional[Node]:
        (a_dot,) = x_dots
        return None if a_dot is None else self._corner(a, a_dot)

    def _corner(self, a: Node, x: Node) -> Node:
        """The upper right block of f (a x; 0 a): the derivative of f at a in the direction x."""
        n = a.shape[-1]
        above = primitives.concatenate(a, x, axis=a.ndim - 1)
        below = primitives.concatenate(a * 0, a, axis=a.ndim - 1)
        whole = self(primitives.concatenate(above, below, axis=a.ndim - 2))
        return block(whole, (0, n), (n, 2 * n))

    batch = matrixwise


class MatrixSqrt(_MatrixFunction):
    """The Y with Y Y = A whose eigenvalues have a positive real part."""

    name = "matrix_sqrt"
    lent = "sqrtm"


class MatrixLog(_MatrixFunction):
    """The Y with exp(Y) = A whose eigenvalues have an imaginary part between -pi and pi."""

    name = "matrix_log"
    lent = "logm"


matrix_sqrt = MatrixSqrt()
matrix_log = MatrixLog()
