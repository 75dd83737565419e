"""Transforms whose events are vectors or matrices: to points of a simplex, triangles, correlations."""

from __future__ import annotations

import math
from typing import Any

from wengert.distributions import constraints
from wengert.distributions.element_transforms import SigmoidTransform
from wengert.distributions.transform import Transform
from wengert.functions.create import ones, ones_like
from wengert.functions.patterns import diag_embed, tril
from wengert.functions.types import finfo
from wengert.nn.functional import pad, softplus
from wengert.tensors.tensor import Size


class SoftmaxTransform(Transform):
    """y = softmax(x); the inverse gives logarithms, up to a shift"""

    domain, codomain = constraints.real_vector, constraints.simplex

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoftmaxTransform)

    __hash__ = object.__hash__

    def _call(self, x: Any) -> Any:
        return x.softmax(-1)

    def _inverse(self, y: Any) -> Any:
        return y.log()


class StickBreakingTransform(Transform):
    """From n unconstrained numbers to n + 1 on the simplex: each takes its share of what the earlier ones left."""

    domain, codomain = constraints.real_vector, constraints.simplex
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StickBreakingTransform)

    __hash__ = object.__hash__

    def _call(self, x: Any) -> Any:
        offset = x.shape[-1] + 1 - ones_like(x).cumsum(-1)
        z = SigmoidTransform()(x - offset.log())
        left = (1 - z).cumprod(-1)
        return pad(z, [0, 1], value=1) * pad(left, [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        part = y[..., :-1]
        offset = y.shape[-1] - ones_like(part).cumsum(-1)
        left = (1 - part.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return part.log() - left.log() + offset.log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        offset = x.shape[-1] + 1 - ones_like(x).cumsum(-1)
        x = x - offset.log()
        return (-x - softplus(-x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return Size((*shape[:-1], shape[-1] - 1))


class LowerCholeskyTransform(Transform):
    """Square matrices to lower triangular ones with a positive diagonal: its exponential"""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LowerCholeskyTransform)

    __hash__ = object.__hash__

    def _call(self, x: Any) -> Any:
        return tril(x, -1) + diag_embed(x.diagonal(dim1=-2, dim2=-1).exp())

    def _inverse(self, y: Any) -> Any:
        return tril(y, -1) + diag_embed(y.diagonal(dim1=-2, dim2=-1).log())


class PositiveDefiniteTransform(Transform):
    """Square matrices to positive definite ones: L L^T of `LowerCholeskyTransform`"""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.positive_definite

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PositiveDefiniteTransform)

    __hash__ = object.__hash__

    def _call(self, x: Any) -> Any:
        x = LowerCholeskyTransform()(x)
        return x @ x.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(y.cholesky())


class CorrCholeskyTransform(Transform):
    """From n (n - 1) / 2 numbers to the Cholesky factor of a correlation matrix: tanh gives partial correlations, which
    break a stick in each row.

    Source: D. Lewandowski, D. Kurowicka, H. Joe, "Generating random correlation matrices based on vines and extended onion
    method", Journal of Multivariate Analysis 100 (2009).
    """

    domain, codomain = constraints.real_vector, constraints.corr_cholesky
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CorrCholeskyTransform)

    __hash__ = object.__hash__

    def _call(self, x: Any) -> Any:
        eps = finfo(x.dtype).eps
        r = from_vector(x.tanh().clamp(min=-1 + eps, max=1 - eps))
        left = (1 - r.square()).sqrt().cumprod(-1)
        r = r + diag_embed(ones(tuple(r.shape[:-1]), dtype=x.dtype))
        return r * pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        left = pad(1 - (y * y).cumsum(-1), [1, 0], value=1)[..., :-1]
        t = to_vector(y, -1) / to_vector(left, -1).sqrt()
        return (t.log1p() - (-t).log1p()) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        left = 1 - (y * y).cumsum(-1)
        of_rows = 0.5 * to_vector(left, -2).log().sum(-1) if y.shape[-1] > 2 else 0.0
        of_tanh = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)
        return of_rows + of_tanh

    def forward_shape(self, shape: Any) -> Any:
        n = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return Size((*shape[:-1], n, n))

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        n = shape[-1]
        return Size((*shape[:-2], n * (n - 1) // 2))


def _places(n: int, diagonal: int) -> list[int]:
    """Where the lower triangle stands in a flat n by n matrix, row by row."""
    return [row * n + column for row in range(n) for column in range(max(0, min(n, row + diagonal + 1)))]


def to_vector(matrix: Any, diagonal: int) -> Any:
    """The lower triangle up to a diagonal as a vector, row by row."""
    n = matrix.shape[-1]
    return matrix.reshape((*matrix.shape[:-2], n * n))[..., _places(n, diagonal)]


def from_vector(vector: Any) -> Any:
    """The matrix whose triangle below the diagonal is the vector, 0 elsewhere."""
    n = round((0.25 + 2 * vector.shape[-1]) ** 0.5 + 0.5)
    places = _places(n, -1)
    if len(places) != vector.shape[-1]:
        raise ValueError(f"a vector of {vector.shape[-1]} elements is no lower triangle")
    order = {place: k for k, place in enumerate(places)}
    padded = pad(vector, [0, 1])  # the last one is 0
    return padded[..., [order.get(k, len(places)) for k in range(n * n)]].reshape((*vector.shape[:-1], n, n))
